#include "media/cartridge/spool.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "media/cartridge/recovery.h"
#include "media/cartridge/spool_files.h"
#include "media/segment/frame_format.h"

namespace tapeloft::media {

bool SpoolBudget::try_take(std::uint64_t bytes) noexcept {
    auto used = used_.load();
    do {
        if (used > limit_ || bytes > limit_ - used) {
            return false;
        }
    } while (!used_.compare_exchange_weak(used, used + bytes));
    return true;
}

std::string_view to_string(SpoolLevel level) noexcept {
    constexpr std::array<std::string_view, 3> kWords{"ample", "nearly full", "full"};
    return kWords[static_cast<std::size_t>(level)];
}

bool SpoolBudget::look() {
    if (level_ == SpoolLevel::ample && !is_nearly_full()) {
        return false;  // so it is for nearly every record
    }
    const std::lock_guard lock(mutex_);
    const auto now = clock_();
    if (is_nearly_full()) {
        pressed_ = now;
        return level_ == SpoolLevel::ample &&
               level_.exchange(SpoolLevel::nearly_full) == SpoolLevel::ample;
    }
    const auto calm = now - pressed_;
    const bool drained = (used() <= limit_ / 2 && calm >= std::chrono::minutes(1)) ||
                         (used() <= limit_ / 10 && calm >= std::chrono::seconds(10));
    return drained && level_.exchange(SpoolLevel::ample) != SpoolLevel::ample;
}

bool SpoolBudget::note_wait() {
    const std::lock_guard lock(mutex_);
    pressed_ = clock_();
    return level_.exchange(SpoolLevel::full) != SpoolLevel::full;
}

void SpoolBudget::give_back(std::uint64_t bytes) noexcept {
    auto used = used_.load();
    while (!used_.compare_exchange_weak(used, used - std::min(used, bytes))) {
    }
}

namespace {

void tell_of_spool(const SpoolContext& context) {
    const EventLog::Fields fields{{"used", std::to_string(context.budget.used())},
                                  {"limit", std::to_string(context.budget.limit())}};
    switch (context.budget.level()) {
        case SpoolLevel::ample:
            context.events.info("spool", "The spool has drained: writing goes on.", fields);
            break;
        case SpoolLevel::nearly_full:
            context.events.warning("spool", "The spool is nearly full.", fields);
            break;
        case SpoolLevel::full:
            context.events.error("spool",
                                 context.archive != nullptr
                                     ? "The spool is full: writing waits for the store."
                                     : "The spool is full: writing is refused until space is made.",
                                 fields);
            break;
    }
}

}  // namespace

void watch_spool(const SpoolContext& context) {
    if (context.budget.look()) {
        tell_of_spool(context);
    }
}

void tell_spool_waits(const SpoolContext& context) {
    if (context.budget.note_wait()) {
        tell_of_spool(context);
    }
}

Result<std::filesystem::path> cartridge_directory(const SpoolContext& context,
                                                  const CartridgeRecord& record) {
    const auto& serial = record.medium_serial;
    const bool plain = std::all_of(serial.begin(), serial.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
    if (!plain || serial.empty() || serial.size() > kSerialLengthMax) {
        return Error{Errc::invalid_argument,
                     "a medium serial has 1 to 32 characters of "
                     "[A-Za-z0-9_-], not \"" +
                         serial + "\""};
    }
    return context.directory / serial;
}

namespace {

bool is_segment_file(const std::string& name) {
    constexpr std::string_view kEnding = ".seg";
    const auto digits = name.size() - std::min(name.size(), kEnding.size());
    return digits != 0 && name.ends_with(kEnding) &&
           std::all_of(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(digits),
                       [](char c) { return c >= '0' && c <= '9'; });
}

/// Removes the segment files that are not in `kept`, and counts the others.
Result<void> clean_directory(FileSystem& files, const std::filesystem::path& directory,
                             const std::set<std::string>& kept, SpoolRecovery& done) {
    TL_TRY(const auto entries, files.list(directory));
    bool removed_some = false;
    for (const auto& entry : entries) {
        if (entry.is_directory || !is_segment_file(entry.name)) {
            continue;
        }
        if (kept.contains(entry.name)) {
            done.bytes_in_use += entry.length;
            continue;
        }
        TL_CHECK(files.remove(directory / entry.name));
        removed_some = true;
        ++done.files_removed;
    }
    if (removed_some) {
        // A removed file must not come back under a name that is then used again.
        TL_CHECK(files.sync_directory(directory));
    }
    return {};
}

}  // namespace

Result<SpoolRecovery> recover_spool(const SpoolContext& context,
                                    const std::vector<CartridgeRecord>& cartridges) {
    SpoolRecovery done;
    std::set<std::string> known;
    for (const auto& cartridge : cartridges) {
        TL_TRY(const auto directory, cartridge_directory(context, cartridge));
        known.insert(cartridge.medium_serial);
        SpoolFiles files(context.files, directory);
        TL_TRY(const auto recovery, recover_cartridge(context, cartridge, files));
        done.cartridges_cut += recovery.cut ? 1 : 0;
        std::set<std::string> kept;
        TL_TRY(const auto spooled, context.catalog.spooled_segments(cartridge.id));
        for (const auto number : spooled) {
            kept.insert(segment_file_name(number));
        }
        TL_CHECK(clean_directory(context.files, directory, kept, done));
    }
    TL_TRY(const auto entries, context.files.list(context.directory));
    for (const auto& entry : entries) {
        if (entry.is_directory && !known.contains(entry.name)) {
            TL_CHECK(clean_directory(context.files, context.directory / entry.name, {}, done));
        }
    }
    context.budget.take(done.bytes_in_use);
    if (done.files_removed != 0) {
        context.events.info("spool", "Segment files that belong to nothing were removed.",
                            {{"files", std::to_string(done.files_removed)}});
    }
    return done;
}

Result<void> remove_cartridge_files(const SpoolContext& context, const CartridgeRecord& record) {
    TL_TRY(const auto directory, cartridge_directory(context, record));
    TL_TRY(const auto entries, context.files.list(directory));
    for (const auto& entry : entries) {
        if (!entry.is_directory && is_segment_file(entry.name)) {
            TL_CHECK(context.files.remove(directory / entry.name));
            context.budget.give_back(entry.length);
        }
    }
    return context.files.remove_directory(directory);
}

}  // namespace tapeloft::media
