#include "vtl/scsi/log_pages.h"

#include <algorithm>

#include "vtl/scsi/command_table.h"
#include "vtl/scsi/subpage.h"

namespace tapeloft::vtl::scsi {
namespace {

namespace layout::log_sense_cdb {  // SPC-5
using ParameterPointer = BigEndian<std::uint16_t, 5>;
using AllocationLength = BigEndian<std::uint16_t, 7>;
}  // namespace layout::log_sense_cdb

namespace layout::log_select_cdb {  // SPC-5
constexpr std::size_t kOptions = 1;
constexpr std::uint8_t kParameterCodeReset = 0x02;
constexpr std::size_t kPage = 2;
constexpr std::uint8_t kDefaultCumulativeValues = 3;  // page control
using ParameterListLength = BigEndian<std::uint16_t, 7>;
}  // namespace layout::log_select_cdb

constexpr std::uint8_t kSupportedPages = 0x00;

Bytes supported_pages(std::span<const LogPage> pages, bool with_subpages) {
    Bytes body;
    const auto add = [&body, with_subpages](std::uint8_t page_code, std::uint8_t subpage_code) {
        body.push_back(page_code);
        if (with_subpages) {
            body.push_back(subpage_code);
        }
    };
    add(kSupportedPages, 0);
    if (with_subpages) {
        add(kSupportedPages, kAllSubpages);
    }
    for (const LogPage& page : pages) {
        if (with_subpages || page.subpage_code == 0) {
            add(page.page_code, page.subpage_code);
        }
    }
    return body;
}

Completion encoded(std::uint8_t page_code, std::uint8_t subpage_code, ByteView body,
                   const Task& task) {
    Bytes page = {page_code, subpage_code, 0, 0};
    if (subpage_code != 0) {
        page[0] |= kSubpageFormat;
    }
    store_big_endian<2>(MutableByteView(page).subspan(2), body.size());
    page.insert(page.end(), body.begin(), body.end());
    return with_allocation_length(page, layout::log_sense_cdb::AllocationLength::load(task.cdb));
}

const LogPage* find_page(std::span<const LogPage> pages, std::uint8_t page_code,
                         std::uint8_t subpage_code) {
    const auto page = std::find_if(pages.begin(), pages.end(), [&](const LogPage& candidate) {
        return candidate.page_code == page_code && candidate.subpage_code == subpage_code;
    });
    return page == pages.end() ? nullptr : &*page;
}

Completion unknown_page(std::span<const LogPage> pages, std::uint8_t page_code) {
    const bool page_known = std::any_of(pages.begin(), pages.end(), [&](const LogPage& other) {
        return other.page_code == page_code;
    });
    return page_known ? invalid_field_in_cdb(3, 7) : invalid_field_in_cdb(2, 5);
}

}  // namespace

void LogParameters::number(std::uint16_t parameter_code, std::uint64_t value, std::uint8_t width) {
    TL_ASSERT(width >= 1 && width <= 8);
    std::array<std::uint8_t, 8> bytes_of_value{};
    store_big_endian<8>(bytes_of_value, value);
    bytes(parameter_code, ByteView(bytes_of_value).last(width));
}

void LogParameters::bytes(std::uint16_t parameter_code, ByteView value, std::uint8_t control) {
    if (parameter_code < pointer_) {
        return;
    }
    encoded_.push_back(static_cast<std::uint8_t>(parameter_code >> 8U));
    encoded_.push_back(static_cast<std::uint8_t>(parameter_code & 0xFFU));
    encoded_.push_back(control);
    encoded_.push_back(static_cast<std::uint8_t>(value.size()));
    encoded_.insert(encoded_.end(), value.begin(), value.end());
}

Completion log_sense(const Task& task, std::span<const LogPage> pages) {
    const auto page_code = static_cast<std::uint8_t>(task.cdb[2] & 0x3FU);
    const std::uint8_t subpage_code = task.cdb[3];
    const std::uint16_t pointer = layout::log_sense_cdb::ParameterPointer::load(task.cdb);
    // The page control field means nothing for list parameters, and all of ours are
    // (SPC-5).
    if (page_code == kSupportedPages && (subpage_code == 0 || subpage_code == kAllSubpages)) {
        if (pointer != 0) {
            return invalid_field_in_cdb(5, 7);
        }
        return encoded(page_code, subpage_code, supported_pages(pages, subpage_code != 0), task);
    }
    const LogPage* const page = find_page(pages, page_code, subpage_code);
    if (page == nullptr) {
        return unknown_page(pages, page_code);
    }
    LogParameters parameters(task.it_nexus, pointer);
    page->parameters(parameters);
    if (parameters.encoded_.empty()) {  // the pointer is behind the last parameter
        return invalid_field_in_cdb(5, 7);
    }
    return encoded(page_code, subpage_code, parameters.encoded_, task);
}

// With PCR the page control field means nothing; without it only the default values can be set, as
// no page has thresholds (SPC-5).
std::variant<std::vector<const LogPage*>, Completion> decode_log_select(
    const Task& task, std::span<const LogPage> pages) {
    namespace cdb = layout::log_select_cdb;
    const bool reset = (task.cdb[cdb::kOptions] & cdb::kParameterCodeReset) != 0;
    const auto control = static_cast<std::uint8_t>(task.cdb[cdb::kPage] >> 6U);
    const auto page_code = static_cast<std::uint8_t>(task.cdb[cdb::kPage] & 0x3FU);
    const std::uint8_t subpage_code = task.cdb[3];
    constexpr std::uint8_t kCumulative = 0x01;  // page control x1b; x0b means thresholds
    if (cdb::ParameterListLength::load(task.cdb) != 0) {
        return invalid_field_in_cdb(cdb::ParameterListLength::offset, 7);
    }
    if (!reset && (control & kCumulative) == 0) {
        return invalid_field_in_cdb(cdb::kPage, 7);
    }
    std::vector<const LogPage*> chosen;
    const bool all = page_code == kSupportedPages && subpage_code == 0;
    if (!all) {
        const LogPage* const page = find_page(pages, page_code, subpage_code);
        if (page == nullptr) {
            return unknown_page(pages, page_code);
        }
        if (!page->reset) {
            return invalid_field_in_cdb(cdb::kPage, 5);
        }
        chosen.push_back(page);
    } else {
        for (const LogPage& page : pages) {
            if (page.reset) {
                chosen.push_back(&page);
            }
        }
    }
    if (!reset && control != cdb::kDefaultCumulativeValues) {
        chosen.clear();  // the current values stay as they are
    }
    return chosen;
}

}  // namespace tapeloft::vtl::scsi
