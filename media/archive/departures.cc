#include "media/archive/departures.h"

#include "media/cartridge/spare_files.h"
#include "media/cartridge/spool_files.h"

namespace tapeloft::media {

Awaitable<void> Departures::begin(CartridgeRecord cartridge, std::vector<std::uint64_t> segments) {
    co_await tasks_.below(kAtOnce);
    tasks_.spawn(leave(std::move(cartridge), std::move(segments)));
}

Awaitable<void> Departures::leave(CartridgeRecord cartridge, std::vector<std::uint64_t> segments) {
    auto work = [this, &cartridge, &segments] { return remove_files(cartridge, segments); };
    auto disk = parts_.disk;
    const auto done = co_await run_on(std::move(disk), std::move(work));
    if (!done) {
        left_over_ = true;
        tell(done.error());
    }
    left_();
}

/// Once, until all of it has left.
void Departures::tell(const Error& error) {
    if (!std::exchange(told_, true)) {
        parts_.events.warning("spool",
                              "What is stored could not leave the spool; it is tried again.",
                              {{"library", library_}, {"reason", error.message}});
    }
}

Awaitable<void> Departures::finish_left_over() {
    co_await all();
    auto work = [this] { return leave_all(); };
    auto disk = parts_.disk;
    const auto done = co_await run_on(std::move(disk), std::move(work));
    left_over_ = !done;
    if (done) {
        told_ = false;
    } else {
        tell(done.error());
    }
    left_();
}

/// Blocks. One cartridge that fails does not keep the others. Errors: the first one.
Result<void> Departures::leave_all() {
    TL_TRY(const auto cartridges, spool_.catalog.cartridges(library_));
    Result<void> first_failure;
    for (const auto& cartridge : cartridges) {
        const auto segments = parts_.catalog.stored_and_spooled(cartridge.id);
        auto done = segments ? remove_files(cartridge, *segments) : segments.error();
        if (!done && first_failure) {
            first_failure = std::move(done);
        }
    }
    return first_failure;
}

/// Blocks.
Result<void> Departures::remove_files(const CartridgeRecord& cartridge,
                                      const std::vector<std::uint64_t>& segments) {
    TL_TRY(const auto directory, cartridge_directory(spool_, cartridge));
    TL_TRY(const auto claimed, claim(cartridge.id, segments));
    for (const auto segment : claimed) {
        const auto path = directory / segment_file_name(segment);
        const auto file = spool_.files.open(path);
        const auto length = file ? (*file)->length() : Result<std::uint64_t>(0);
        const bool kept = length && (keep(cartridge.id, segment, *length, path) ||
                                     pass_on(cartridge.id, segment, *length, path));
        const bool gone = kept || remove(cartridge.id, segment, path);
        if (gone && length) {
            spool_.budget.give_back(*length);
        }
    }
    return {};
}

bool Departures::keep(CartridgeId cartridge, std::uint64_t segment, std::uint64_t length,
                      const std::filesystem::path& path) {
    const std::lock_guard lock(mutex_);
    const auto spares = spares_.find(cartridge);
    if (spares == spares_.end() || spares->second.size() >= SpareFiles::kMax ||
        !SparePool::is_worth_it(spool_.limits, length)) {
        return false;
    }
    spares->second.push_back({{segment, length}, path});
    return true;
}

/// To the pool, unless a tape may have it open for writing: that it is leaving hides it from those
/// that are opened now. Blocks.
bool Departures::pass_on(CartridgeId cartridge, std::uint64_t segment, std::uint64_t length,
                         const std::filesystem::path& path) {
    if (spool_.spares.is_written(cartridge) || !spool_.spares.keep(path, length, spool_.limits)) {
        return false;
    }
    const std::lock_guard lock(mutex_);
    leaving_.erase({cartridge, segment});
    return true;
}

/// Blocks. False: it is still there.
bool Departures::remove(CartridgeId cartridge, std::uint64_t segment,
                        const std::filesystem::path& path) {
    const auto removed = spool_.files.remove(path);
    const bool gone = removed || removed.error().code == Errc::not_found;
    if (!gone) {
        parts_.events.warning("spool",
                              "A segment file could not be removed; the next start does it.",
                              {{"reason", removed.error().message}});
    }
    const std::lock_guard lock(mutex_);
    leaving_.erase({cartridge, segment});
    return gone;
}

std::optional<SpareFile> Departures::take_spare(CartridgeId cartridge) {
    const std::lock_guard lock(mutex_);
    auto& spares = spares_[cartridge];
    if (spares.empty()) {
        return std::nullopt;
    }
    const auto file = spares.front().file;
    spares.pop_front();
    leaving_.erase({cartridge, file.number});
    return file;
}

bool Departures::drop_spares(CartridgeId cartridge) {
    const auto spares = end_keeping(cartridge);
    for (const auto& spare : spares) {
        drop(cartridge, spare);
    }
    return !spares.empty();
}

void Departures::pass_on_spares(CartridgeId cartridge) {
    for (const auto& spare : end_keeping(cartridge)) {
        if (spool_.spares.keep(spare.path, spare.file.length, spool_.limits)) {
            const std::lock_guard lock(mutex_);
            leaving_.erase({cartridge, spare.file.number});
        } else {
            drop(cartridge, spare);
        }
    }
}

std::deque<Departures::Spare> Departures::end_keeping(CartridgeId cartridge) {
    const std::lock_guard lock(mutex_);
    auto found = spares_.extract(cartridge);
    return found ? std::move(found.mapped()) : std::deque<Spare>();
}

void Departures::drop(CartridgeId cartridge, const Spare& spare) {
    if (!remove(cartridge, spare.file.number, spare.path)) {
        spool_.budget.take(spare.file.length);
    }
}

/// A tape that is cut asks is_leaving() after the catalog's change: it is either before this one,
/// and then the row is not among those that leave, or sees it.
Result<std::vector<std::uint64_t>> Departures::claim(CartridgeId cartridge,
                                                     const std::vector<std::uint64_t>& segments) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto claimed, parts_.catalog.leave_spool(cartridge, segments));
    for (const auto segment : claimed) {
        leaving_.emplace(cartridge, segment);
    }
    return claimed;
}

bool Departures::is_leaving(CartridgeId cartridge, std::uint64_t segment) const {
    const std::lock_guard lock(mutex_);
    return leaving_.contains({cartridge, segment});
}

}  // namespace tapeloft::media
