#include "vtl/scsi/mode_pages.h"

#include <algorithm>
#include <bit>

#include "vtl/scsi/command_table.h"
#include "vtl/scsi/subpage.h"

namespace tapeloft::vtl::scsi {
namespace {

// How the two forms of MODE SENSE and MODE SELECT differ (SPC-5).
struct Form {
    std::uint16_t length_offset;  // of allocation length and parameter list length, in the CDB
    std::uint16_t length_width;
    std::uint16_t header_length;
    std::uint16_t medium_type;  // offsets in the mode parameter header
    std::uint16_t device_specific;
    std::uint16_t block_descriptor_length;
};
// clang-format off
constexpr Form kForm6  = {4, 1, 4, 1, 2, 3};
constexpr Form kForm10 = {7, 2, 8, 2, 3, 6};
// clang-format on
constexpr std::size_t kMode6LengthMax = 256;

constexpr std::size_t kBlockDescriptorLength = 8;
namespace layout::block_descriptor {  // SPC-5
using DensityCode = BigEndian<std::uint8_t, 0>;
using NumberOfBlocks = BigEndian<std::uint32_t, 1, 3>;
constexpr std::size_t kReserved = 4;
using BlockLength = BigEndian<std::uint32_t, 5, 3>;
}  // namespace layout::block_descriptor

constexpr std::uint8_t kParametersSavable = 0x80;
constexpr std::uint8_t kPageCodeMask = 0x3F;
constexpr std::uint8_t kAllPages = 0x3F;
constexpr std::uint8_t kHeaderOnly = 0x00;

// Kept values: a version, then each page with its length.
constexpr std::uint8_t kKeptPagesVersion = 1;
namespace kept_page {
constexpr std::size_t kSubpageCode = 1;
using Length = BigEndian<std::uint16_t, 2>;
constexpr std::size_t kHeaderLength = 4;
}  // namespace kept_page

enum class PageControl : std::uint8_t { current = 0, changeable = 1, defaults = 2, saved = 3 };

const Form& form_of(const Task& task) {
    const bool six = task.cdb[0] == opcode::kModeSense6 || task.cdb[0] == opcode::kModeSelect6;
    return six ? kForm6 : kForm10;
}

std::size_t length_in_cdb(const Form& form, const Task& task) {
    return form.length_width == 1
               ? task.cdb[form.length_offset]
               : load_big_endian<2>(ByteView(task.cdb).subspan(form.length_offset));
}

Bytes with_page_header(const ModePage& page, ByteView parameters) {
    Bytes bytes;
    if (page.subpage_code == 0) {
        bytes = {page.page_code, static_cast<std::uint8_t>(parameters.size())};
    } else {
        bytes = {static_cast<std::uint8_t>(page.page_code | kSubpageFormat), page.subpage_code, 0,
                 0};
        store_big_endian<2>(MutableByteView(bytes).subspan(2), parameters.size());
    }
    bytes.insert(bytes.end(), parameters.begin(), parameters.end());
    return bytes;
}

Bytes encode_block_descriptor(const BlockDescriptor& descriptor) {
    Bytes bytes(kBlockDescriptorLength);
    layout::block_descriptor::DensityCode::store(bytes, descriptor.density_code);
    layout::block_descriptor::NumberOfBlocks::store(bytes, descriptor.number_of_blocks);
    layout::block_descriptor::BlockLength::store(bytes, descriptor.block_length);
    return bytes;
}

BlockDescriptor decode_block_descriptor(ByteView bytes) {
    return {layout::block_descriptor::DensityCode::load(bytes),
            layout::block_descriptor::NumberOfBlocks::load(bytes),
            layout::block_descriptor::BlockLength::load(bytes)};
}

Completion parameter_list_length_error() {
    return Completion::check_condition(SenseKey::illegal_request, asc::kParameterListLengthError);
}

std::uint8_t top_bit(std::uint8_t bits) {
    return static_cast<std::uint8_t>(std::bit_width(bits) - 1);
}

// The first bit that differs although it may not be changed.
std::optional<std::pair<std::size_t, std::uint8_t>> forbidden_change(ByteView wanted,
                                                                     ByteView current,
                                                                     ByteView changeable) {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const unsigned mask = changeable.empty() ? 0U : changeable[i];
        const auto differs = static_cast<std::uint8_t>((wanted[i] ^ current[i]) & ~mask);
        if (differs != 0) {
            return std::pair{i, top_bit(differs)};
        }
    }
    return {};
}

}  // namespace

ModePages::ModePages(std::vector<ModePage> pages) {
    entries_.reserve(pages.size());
    for (ModePage& page : pages) {
        TL_ASSERT(page.changeable.empty() || page.changeable.size() == page.defaults.size());
        TL_ASSERT(page.subpage_code != 0 || page.defaults.size() <= 0xFF);
        TL_ASSERT(!page.per_nexus || !page.savable);
        Bytes current = page.defaults;
        entries_.push_back({std::move(page), std::move(current), {}, {}});
    }
}

const ModePages::Entry* ModePages::find(std::uint8_t page_code, std::uint8_t subpage_code) const {
    for (const Entry& entry : entries_) {
        if (entry.page.page_code == page_code && entry.page.subpage_code == subpage_code) {
            return &entry;
        }
    }
    return nullptr;
}

std::variant<Bytes, Completion> ModePages::pages_of(const Task& task) const {
    const auto control = static_cast<PageControl>(task.cdb[2] >> 6U);
    const auto page_code = static_cast<std::uint8_t>(task.cdb[2] & kPageCodeMask);
    const std::uint8_t subpage_code = task.cdb[3];
    if (control == PageControl::saved && !can_save_) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kSavingParametersNotSupported);
    }
    if (page_code == kHeaderOnly && subpage_code == 0) {
        return Bytes{};  // header and block descriptor alone, as initiators have always asked for
    }
    if (page_code == kAllPages && subpage_code != 0 && subpage_code != kAllSubpages) {
        return invalid_field_in_cdb(3, 7);
    }
    Bytes bytes;
    bool page_known = false;
    for (const Entry& entry : entries_) {
        if (page_code != kAllPages && page_code != entry.page.page_code) {
            continue;
        }
        page_known = true;
        if (subpage_code != kAllSubpages && subpage_code != entry.page.subpage_code) {
            continue;
        }
        const Bytes none(entry.current.size());
        const Bytes& changeable = entry.page.changeable.empty() ? none : entry.page.changeable;
        const Bytes saved = entry.saved_parameters();
        const Bytes& parameters = control == PageControl::changeable ? changeable
                                  : control == PageControl::defaults ? entry.page.defaults
                                  : control == PageControl::saved
                                      ? saved
                                      : entry.parameters_of(task.it_nexus);
        Bytes page = with_page_header(entry.page, parameters);
        if (can_save_ && entry.savable()) {
            page[0] |= kParametersSavable;
        }
        bytes.insert(bytes.end(), page.begin(), page.end());
    }
    if (bytes.empty()) {
        return page_known ? invalid_field_in_cdb(3, 7) : invalid_field_in_cdb(2, 5);
    }
    return bytes;
}

Completion ModePages::sense(const Task& task, const ModeParameterHeader& header,
                            const std::optional<BlockDescriptor>& block_descriptor) const {
    const Form& form = form_of(task);
    const bool disable_block_descriptors = (task.cdb[1] & 0x08U) != 0;
    auto pages = pages_of(task);
    if (auto* const refused = std::get_if<Completion>(&pages)) {
        return std::move(*refused);
    }
    Bytes data(form.header_length);
    data[form.medium_type] = header.medium_type;
    data[form.device_specific] = header.device_specific_parameter;
    if (block_descriptor && !disable_block_descriptors) {
        const Bytes descriptor = encode_block_descriptor(*block_descriptor);
        data[form.block_descriptor_length + form.length_width - 1U] = kBlockDescriptorLength;
        data.insert(data.end(), descriptor.begin(), descriptor.end());
    }
    const Bytes& encoded = *std::get_if<Bytes>(&pages);
    data.insert(data.end(), encoded.begin(), encoded.end());
    if (form.length_width == 1) {
        if (data.size() > kMode6LengthMax) {
            return invalid_field_in_cdb(2, 5);
        }
        store_big_endian<1>(data, data.size() - 1);
    } else {
        store_big_endian<2>(data, data.size() - 2);
    }
    return with_allocation_length(data, length_in_cdb(form, task));
}

std::variant<ModeSelection, Completion> ModePages::decode_select(const Task& task) const {
    const Form& form = form_of(task);
    const bool page_format = (task.cdb[1] & 0x10U) != 0;
    ModeSelection selection;
    selection.save = (task.cdb[1] & 0x01U) != 0;
    if (selection.save && !can_save_) {
        return invalid_field_in_cdb(1, 0);
    }
    selection.parameter_list_length = static_cast<std::uint32_t>(length_in_cdb(form, task));
    selection.device_specific_offset = form.device_specific;
    if (selection.parameter_list_length == 0) {
        return selection;
    }
    if (task.data_out.size() < selection.parameter_list_length) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kInvalidFieldInCommandInformationUnit);
    }
    const ByteView list = task.data_out.view().first(selection.parameter_list_length);
    if (list.size() < form.header_length) {
        return parameter_list_length_error();
    }
    selection.header = {list[form.medium_type], list[form.device_specific]};
    const std::size_t descriptor_length =
        form.length_width == 1 ? list[form.block_descriptor_length]
                               : load_big_endian<2>(list.subspan(form.block_descriptor_length));
    if (form.length_width == 2) {  // LONGLBA is not supported, the others are reserved
        for (const std::uint16_t byte : {std::uint16_t{4}, std::uint16_t{5}}) {
            if (list[byte] != 0) {
                return invalid_field_in_parameter_list(byte, top_bit(list[byte]));
            }
        }
    }
    if (descriptor_length != 0 && descriptor_length != kBlockDescriptorLength) {
        return invalid_field_in_parameter_list(form.block_descriptor_length, 7);
    }
    std::size_t offset = form.header_length;
    if (list.size() - offset < descriptor_length) {
        return parameter_list_length_error();
    }
    selection.block_descriptor_offset = form.header_length;
    if (descriptor_length != 0) {
        const auto reserved =
            static_cast<std::uint16_t>(offset + layout::block_descriptor::kReserved);
        if (list[reserved] != 0) {
            return invalid_field_in_parameter_list(reserved, top_bit(list[reserved]));
        }
        selection.block_descriptor = decode_block_descriptor(list.subspan(offset));
        offset += descriptor_length;
    }
    if (offset < list.size() && !page_format) {
        return invalid_field_in_cdb(1, 4);
    }
    if (auto refused = decode_pages(task, offset, selection)) {
        return std::move(*refused);
    }
    return selection;
}

std::optional<Completion> ModePages::decode_pages(const Task& task, std::size_t offset,
                                                  ModeSelection& selection) const {
    const ByteView list = task.data_out.view().first(selection.parameter_list_length);
    while (offset < list.size()) {
        const auto at = static_cast<std::uint16_t>(offset);  // lists are shorter than 64 KiB
        const bool subpage = (list[offset] & kSubpageFormat) != 0;
        const std::size_t header_length = subpage ? 4 : 2;
        if (list.size() - offset < header_length) {
            return parameter_list_length_error();
        }
        const auto page_code = static_cast<std::uint8_t>(list[offset] & kPageCodeMask);
        const std::uint8_t subpage_code = subpage ? list[offset + 1] : std::uint8_t{0};
        const Entry* const entry = find(page_code, subpage_code);
        if (entry == nullptr) {
            return invalid_field_in_parameter_list(at, 5);
        }
        const std::size_t length =
            subpage ? load_big_endian<2>(list.subspan(offset + 2)) : list[offset + 1];
        const std::size_t whole = entry->current.size();
        const std::size_t shortest = entry->page.shortest == 0 ? whole : entry->page.shortest;
        if (length < shortest || length > whole) {
            return invalid_field_in_parameter_list(
                static_cast<std::uint16_t>(at + header_length / 2), 7);
        }
        offset += header_length;
        if (list.size() - offset < length) {
            return parameter_list_length_error();
        }
        const ByteView sent = list.subspan(offset, length);
        Bytes wanted(sent.begin(), sent.end());
        wanted.resize(whole);
        const ByteView before = entry->parameters_of(task.it_nexus);
        if (const auto wrong = forbidden_change(wanted, before, entry->page.changeable)) {
            return invalid_field_in_parameter_list(
                static_cast<std::uint16_t>(offset + wrong->first), wrong->second);
        }
        SelectedModePage selected;
        selected.index = static_cast<std::size_t>(entry - entries_.data());
        selected.page_code = page_code;
        selected.subpage_code = subpage_code;
        selected.offset = static_cast<std::uint16_t>(offset);
        selected.parameters.assign(wanted.begin(), wanted.end());
        selection.pages.push_back(std::move(selected));
        offset += length;
    }
    return {};
}

bool ModePages::apply(const ModeSelection& selection, ItNexusId nexus) {
    bool changed = false;
    for (const SelectedModePage& selected : selection.pages) {
        Entry& entry = entries_[selected.index];
        if (entry.page.momentary) {
            continue;
        }
        if (entry.page.per_nexus) {
            entry.of_nexus[nexus] = selected.parameters;
            continue;
        }
        changed = changed || entry.current != selected.parameters;
        entry.current = selected.parameters;
    }
    for (Entry& entry : entries_) {
        if (selection.save && entry.savable()) {
            entry.saved = entry.current;
        }
    }
    return changed;
}

// --- Saved values
// ---------------------------------------------------------------------------------

bool ModePages::Entry::savable() const noexcept {
    return page.savable && std::any_of(page.changeable.begin(), page.changeable.end(),
                                       [](std::uint8_t mask) { return mask != 0; });
}

// What follows the state of the device is never saved.
Bytes ModePages::Entry::saved_parameters() const {
    Bytes parameters = page.defaults;
    for (std::size_t i = 0; saved && i < parameters.size(); ++i) {
        const unsigned mask = page.changeable[i];
        parameters[i] = static_cast<std::uint8_t>((parameters[i] & ~mask) | ((*saved)[i] & mask));
    }
    return parameters;
}

Bytes ModePages::encode_saved(const ModeSelection& selection) const {
    ModePages next = *this;
    next.apply(selection, {});
    Bytes kept = {kKeptPagesVersion};
    for (const Entry& entry : next.entries_) {
        if (!entry.savable()) {
            continue;
        }
        std::array<std::uint8_t, kept_page::kHeaderLength> header{};
        header[0] = entry.page.page_code;
        header[kept_page::kSubpageCode] = entry.page.subpage_code;
        kept_page::Length::store(header, static_cast<std::uint16_t>(entry.current.size()));
        kept.insert(kept.end(), header.begin(), header.end());
        kept.insert(kept.end(), entry.current.begin(), entry.current.end());
    }
    return kept;
}

void ModePages::restore_saved(ByteView kept) {
    if (kept.empty() || kept[0] != kKeptPagesVersion) {
        return;
    }
    kept = kept.subspan(1);
    while (kept.size() >= kept_page::kHeaderLength) {
        const std::size_t length = kept_page::Length::load(kept);
        if (kept.size() - kept_page::kHeaderLength < length) {
            return;
        }
        const ByteView parameters = kept.subspan(kept_page::kHeaderLength, length);
        for (Entry& entry : entries_) {
            const bool same = entry.page.page_code == kept[0] &&
                              entry.page.subpage_code == kept[kept_page::kSubpageCode] &&
                              entry.current.size() == length;
            if (same && entry.savable()) {
                entry.saved.emplace(parameters.begin(), parameters.end());
                entry.current = entry.saved_parameters();
            }
        }
        kept = kept.subspan(kept_page::kHeaderLength + length);
    }
}

void ModePages::reset() {
    for (Entry& entry : entries_) {
        entry.current = entry.saved_parameters();
        entry.of_nexus.clear();
    }
}

const Bytes& ModePages::Entry::parameters_of(ItNexusId nexus) const {
    const auto own = of_nexus.find(nexus);
    return own == of_nexus.end() ? current : own->second;
}

void ModePages::forget(ItNexusId nexus) {
    for (Entry& entry : entries_) {
        entry.of_nexus.erase(nexus);
    }
}

ByteView ModePages::current_of(ItNexusId nexus, std::uint8_t page_code,
                               std::uint8_t subpage_code) const {
    const Entry* const entry = find(page_code, subpage_code);
    TL_ASSERT(entry != nullptr && entry->page.per_nexus);
    return entry->parameters_of(nexus);
}

ByteView ModePages::current(std::uint8_t page_code, std::uint8_t subpage_code) const {
    const Entry* const entry = find(page_code, subpage_code);
    TL_ASSERT(entry != nullptr);
    return entry->current;
}

void ModePages::set(std::uint8_t page_code, std::uint8_t subpage_code, Bytes parameters) {
    const Entry* const found = find(page_code, subpage_code);
    TL_ASSERT(found != nullptr && found->current.size() == parameters.size());
    Entry& entry = entries_[static_cast<std::size_t>(found - entries_.data())];
    entry.current = parameters;
    entry.page.defaults = std::move(parameters);
}

void ModePages::set_byte(std::uint8_t page_code, std::uint8_t subpage_code, std::size_t offset,
                         std::uint8_t value) {
    const Entry* const found = find(page_code, subpage_code);
    TL_ASSERT(found != nullptr && offset < found->current.size());
    Entry& entry = entries_[static_cast<std::size_t>(found - entries_.data())];
    entry.current[offset] = value;
    entry.page.defaults[offset] = value;
}

}  // namespace tapeloft::vtl::scsi
