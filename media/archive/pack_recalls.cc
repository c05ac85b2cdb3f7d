#include "media/archive/pack_recalls.h"

#include <algorithm>
#include <utility>

#include "cloud/base/gather.h"

#include "media/cartridge/archive_port.h"
#include "media/chunk/segment_map.h"
#include "media/pack/pack_writer.h"

namespace tapeloft::media {
namespace {

namespace asio = boost::asio;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kPauseMin{1};
constexpr seconds kPauseMax = minutes(15);

/// How often it is looked: seldom where it takes hours, as every look is a request that costs.
seconds longest_pause(seconds whole) {
    return std::clamp(whole / 40, kPauseMin, kPauseMax);
}

}  // namespace

PackRecalls::Job::Job(Executor strand, CartridgeId id)
    : cartridge(id), changed(strand, begun + kLookPatience) {}

Awaitable<seconds> PackRecalls::begin(CartridgeId cartridge) {
    std::shared_ptr<Job> job;
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = jobs_.find(cartridge); known != jobs_.end()) {
            job = known->second;
        } else if (!stopped_) {
            job = std::make_shared<Job>(context_.strand, cartridge);
            jobs_.emplace(cartridge, job);
            tasks_.spawn(run(job));
        }
    }
    if (!job) {
        co_return seconds(0);
    }
    if (!job->known) {
        co_await job->changed.async_wait(kAsTuple);
    }
    const std::lock_guard lock(mutex_);
    co_return job->archived ? expected(*job) : seconds(0);
}

/// mutex_ is held.
seconds PackRecalls::expected(const Job& job) const {
    const auto whole = context_.store.recall_time(kPackPrefix).value_or(seconds(0));
    const auto passed = std::chrono::floor<seconds>(Clock::now() - job.begun);
    return std::max(whole - passed, seconds(0));
}

Awaitable<void> PackRecalls::run(std::shared_ptr<Job> job) {
    const bool asked = co_await ask_for_all(job.get());
    note_known(*job);
    if (asked) {
        co_await wait_for_all(job.get());
    }
    const bool told = job->archived && !stopped_;
    {
        const std::lock_guard lock(mutex_);
        jobs_.erase(job->cartridge);
    }
    if (told && asked) {
        context_.events.info("archive", "All of an archived cartridge can be read now.",
                             {{"barcode", job->barcode}, {"packs", std::to_string(job->asked)}});
    }
}

void PackRecalls::note_known(Job& job) {
    const std::lock_guard lock(mutex_);
    job.known = true;
    job.changed.cancel();
}

/// False: it was stopped, or the catalog cannot say what is needed; who reads is told then.
Awaitable<bool> PackRecalls::ask_for_all(Job* job) {
    auto look = [this, job]() -> Result<std::vector<LoggedSegment>> {
        TL_TRY(auto facts, context_.catalog.checkpoint_facts(job->cartridge));
        const std::lock_guard lock(mutex_);
        job->barcode = facts.record.barcode;
        return std::move(facts.segments);
    };
    const auto segments = co_await run_on(context_.disk, std::move(look));
    if (!segments) {
        tell_of_trouble(*job, segments.error());
        co_return false;
    }
    std::set<PackId> seen;
    for (const auto& [segment, sequence] : *segments) {
        auto find = [this, cartridge = job->cartridge, number = segment.number] {
            return packs_of(cartridge, number);
        };
        const auto packs = co_await run_on(context_.disk, std::move(find));
        if (!packs) {
            continue;  // cut off meanwhile, or damaged: reading it will tell
        }
        std::vector<PackId> fresh;
        std::ranges::copy_if(*packs, std::back_inserter(fresh),
                             [&](const PackId& pack) { return seen.insert(pack).second; });
        if (!co_await ask(job, std::move(fresh), Look::first)) {
            co_return false;
        }
    }
    co_return true;
}

/// Those with chunks that the cache does not have. Blocks.
Result<std::vector<PackId>> PackRecalls::packs_of(CartridgeId cartridge,
                                                  std::uint64_t segment) const {
    TL_TRY(const auto bytes, context_.catalog.segment_map(cartridge, segment));
    TL_TRY(const auto map, SegmentMap::decode(bytes));
    std::vector<Fingerprint> fingerprints;
    for (const auto& chunk : map.chunks) {
        fingerprints.push_back(chunk.fingerprint);
    }
    TL_TRY(const auto places, context_.catalog.locate_chunks(fingerprints));
    std::set<PackId> packs;
    for (const auto& place : places) {
        if (place &&
            !(context_.cache != nullptr && context_.cache->holds(place->pack, place->chunk.offset,
                                                                 place->chunk.stored_length))) {
            packs.insert(place->pack);
        }
    }
    return std::vector<PackId>(packs.begin(), packs.end());
}

/// So many at once as help the store. Those looked at again are the first of job->left. False: it
/// was stopped.
Awaitable<bool> PackRecalls::ask(Job* job, std::vector<PackId> packs, Look look) {
    const auto parallel = std::max<std::size_t>(1, context_.store.capabilities().parallel);
    for (std::size_t done = 0; done < packs.size();) {
        const auto end = std::min(done + parallel, packs.size());
        std::vector<Awaitable<Result<RecallState>>> calls;
        for (auto i = done; i < end; ++i) {
            calls.push_back(context_.store.recall(pack_name(packs[i])));
        }
        const auto states = co_await gather(std::move(calls));
        for (const auto& state : states) {
            if (!note(*job, packs[done++], look, state)) {
                co_return false;
            }
        }
        if (job->archived && !job->known) {
            note_known(*job);
            context_.events.info(
                "archive", "Packs of a cartridge are archived: they were asked for.",
                {{"barcode", job->barcode},
                 {"expected", duration_in_words(
                                  context_.store.recall_time(kPackPrefix).value_or(seconds(0)))}});
        }
        if (stopped_) {
            co_return false;
        }
    }
    co_return true;
}

/// False: the store was shut down.
bool PackRecalls::note(Job& job, const PackId& pack, Look look, const Result<RecallState>& state) {
    if (!state && state.error().code == Errc::cancelled) {
        return false;
    }
    bool new_trouble = false;
    {
        const std::lock_guard lock(mutex_);
        if (look == Look::first) {
            ++job.asked;
        } else {
            job.left.pop_front();
        }
        if (state) {
            job.trouble.reset();
        } else if (state.error().code != Errc::not_found) {  // reading will tell what is missing
            new_trouble = !job.trouble;
            job.trouble = state.error().message;
        }
        if (state ? *state == RecallState::under_way : state.error().code != Errc::not_found) {
            job.left.push_back(pack);
        }
        job.archived = job.archived || (state && *state == RecallState::under_way);
    }
    if (new_trouble) {
        tell_of_trouble(job, state.error());
    }
    return true;
}

void PackRecalls::tell_of_trouble(const Job& job, const Error& error) {
    context_.events.warning("archive",
                            "Archived packs of a cartridge could not be asked for; it is tried "
                            "again.",
                            {{"barcode", job.barcode}, {"reason", error.message}});
}

/// Those asked for last come last: while one of them is not there, those behind it are not looked
/// at.
Awaitable<void> PackRecalls::wait_for_all(Job* job) {
    const auto whole = context_.store.recall_time(kPackPrefix).value_or(seconds(0));
    auto pause = kPauseMin;
    asio::steady_timer timer(context_.strand);
    const auto parallel = std::max<std::size_t>(1, context_.store.capabilities().parallel);
    while (!stopped_ && !job->left.empty()) {
        timer.expires_after(pause);
        pauses_.insert(&timer);
        co_await timer.async_wait(kAsTuple);
        pauses_.erase(&timer);
        pause = std::min(pause * 2, longest_pause(whole));
        for (bool more = true; more && !stopped_ && !job->left.empty();) {
            const auto before = job->left.size();
            const auto count = std::min(parallel, before);
            std::vector<PackId> lot;
            std::ranges::copy_n(job->left.begin(), static_cast<std::ptrdiff_t>(count),
                                std::back_inserter(lot));
            if (!co_await ask(job, std::move(lot), Look::again)) {
                co_return;
            }
            more = job->left.size() + count == before;
        }
    }
}

bool PackRecalls::is_under_way(CartridgeId cartridge) const {
    const std::lock_guard lock(mutex_);
    return jobs_.contains(cartridge);
}

std::vector<PackRecallStatus> PackRecalls::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<PackRecallStatus> all;
    for (const auto& [id, job] : jobs_) {
        all.push_back(
            {id, job->barcode, job->asked, job->left.size(), expected(*job), job->trouble});
    }
    return all;
}

Awaitable<void> PackRecalls::stop() {
    stopped_ = true;
    for (auto* const pause : pauses_) {
        pause->cancel();
    }
    co_await tasks_.all();
}

}  // namespace tapeloft::media
