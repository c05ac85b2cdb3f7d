#include "media/archive/chunk_fetcher.h"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "cloud/base/hex.h"

#include "media/pack/pack_reader.h"
#include "media/pack/pack_writer.h"

namespace tapeloft::media {
namespace {

void finish(const std::weak_ptr<ChunkSlot>& wanted, Result<Buffer> chunk) {
    if (const auto slot = wanted.lock()) {
        slot->chunk = std::move(chunk);
        slot->done.set();
    }
}

/// What the index says of the chunk; corrupt where it cannot be.
Result<ChunkLocation> sound_location(const ChunkRef& ref,
                                     const std::optional<ChunkLocation>& found) {
    const auto name = "chunk " + to_hex(ByteView(ref.fingerprint).first(8));
    if (!found) {
        return Error{Errc::corrupt, name + " is in no pack that the index knows"};
    }
    const auto end = std::uint64_t{found->chunk.offset} + found->chunk.stored_length;
    if (found->chunk.plain_length != ref.plain_length || found->chunk.stored_length > kRangeMax ||
        end > UINT32_MAX) {
        return Error{Errc::corrupt, name + ": the index and the segment map do not agree on it"};
    }
    return *found;
}

/// The chunks of a range may be sound one by one although the range as a whole is not.
bool may_be_of_one_chunk(Errc code) {
    return code == Errc::corrupt || code == Errc::invalid_argument || code == Errc::io;
}

}  // namespace

void ChunkFetcher::fetch(std::vector<ChunkRequest> requests, Urgency urgency) {
    boost::asio::post(context_.disk,
                      [self = shared_from_this(), requests = std::move(requests),
                       urgency]() mutable { self->resolve(std::move(requests), urgency); });
}

void ChunkFetcher::resolve(std::vector<ChunkRequest> requests, Urgency urgency) {
    std::erase_if(requests, [](const ChunkRequest& request) { return request.slot.expired(); });
    std::vector<Fingerprint> fingerprints;
    fingerprints.reserve(requests.size());
    for (const auto& request : requests) {
        fingerprints.push_back(request.ref.fingerprint);
    }
    const auto found = context_.catalog.locate_chunks(fingerprints);
    std::vector<ChunkLocation> locations;
    std::vector<JobChunk> wanted;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        if (!found) {
            finish(requests[i].slot, found.error());
            continue;
        }
        auto location = sound_location(requests[i].ref, (*found)[i]);
        if (!location) {
            finish(requests[i].slot, std::move(location).error());
            continue;
        }
        locations.push_back(*location);
        wanted.push_back({location->chunk, std::move(requests[i].slot)});
    }
    std::vector<Job> jobs;
    for (const auto& range : plan_ranges(locations)) {
        Job job{range.pack, range.offset, range.length, {}};
        for (const auto index : range.chunks) {
            job.chunks.push_back(std::move(wanted[index]));
        }
        jobs.push_back(std::move(job));
    }
    enqueue(std::move(jobs), urgency);
}

void ChunkFetcher::enqueue(std::vector<Job> jobs, Urgency urgency) {
    {
        const std::lock_guard lock(mutex_);
        queue_.insert(urgency == Urgency::now ? queue_.begin() : queue_.end(),
                      std::make_move_iterator(jobs.begin()), std::make_move_iterator(jobs.end()));
    }
    start_jobs();
}

void ChunkFetcher::start_jobs() {
    std::vector<Job> started;
    {
        const std::lock_guard lock(mutex_);
        const auto parallel = std::max<std::size_t>(1, context_.store.capabilities().parallel);
        while (requests_ < parallel && !queue_.empty()) {
            auto job = std::move(queue_.front());
            queue_.pop_front();
            std::erase_if(job.chunks, [](const JobChunk& chunk) { return chunk.slot.expired(); });
            if (!job.chunks.empty()) {
                ++requests_;
                started.push_back(job_of(job.pack, std::move(job.chunks)));
            }
        }
    }
    for (auto& job : started) {  // posted: one that ends here and now begins the next one
        boost::asio::post(context_.cpu,
                          [self = shared_from_this(), job = std::move(job)]() mutable {
                              const auto cpu = self->context_.cpu;
                              boost::asio::co_spawn(cpu, serve(std::move(self), std::move(job)),
                                                    boost::asio::detached);
                          });
    }
}

void ChunkFetcher::end_request() {
    {
        const std::lock_guard lock(mutex_);
        --requests_;
    }
    start_jobs();
}

ChunkFetcher::Job ChunkFetcher::job_of(const PackId& pack, std::vector<JobChunk> chunks) {
    Job job{pack, chunks.front().chunk.offset, 0, {}};
    for (const auto& [chunk, slot] : chunks) {
        job.length = std::max(job.length, chunk.offset + chunk.stored_length - job.offset);
    }
    job.chunks = std::move(chunks);
    return job;
}

Awaitable<void> ChunkFetcher::serve(std::shared_ptr<ChunkFetcher> self, Job job) {
    if (self->context_.cache != nullptr) {
        auto left = co_await self->serve_from_cache(job);
        if (left.empty()) {
            self->end_request();
            co_return;
        }
        job = job_of(job.pack, std::move(left));
    }
    co_await self->serve_from_store(std::move(job));
}

/// The chunks that the cache does not have, or not sound.
Awaitable<std::vector<ChunkFetcher::JobChunk>> ChunkFetcher::serve_from_cache(Job& job) {
    auto look = [cache = context_.cache, pack = job.pack, offset = job.offset,
                 length = job.length] { return cache->find(pack, offset, length); };
    auto disk = context_.disk;
    const auto sealed = co_await run_on(disk, std::move(look));
    if (sealed.empty()) {
        co_return std::move(job.chunks);
    }
    auto left = open_chunks(job, sealed.view(), false);
    if (!left.empty()) {
        auto drop = [cache = context_.cache, pack = job.pack, offset = job.offset,
                     length = job.length] {
            cache->drop(pack, offset, length);
            return true;
        };
        co_await run_on(disk, std::move(drop));
    }
    co_return left;
}

Awaitable<void> ChunkFetcher::serve_from_store(Job job) {
    auto name = pack_name(job.pack);
    auto sealed = co_await context_.store.get(name, ByteRange{job.offset, job.length});
    end_request();
    if (sealed && sealed->size() != job.length) {
        sealed = Error{Errc::corrupt, "the store gave " + std::to_string(sealed->size()) +
                                          " bytes for " + std::to_string(job.length)};
    }
    if (sealed) {
        auto bad = open_chunks(job, sealed->view(), false);
        if (bad.empty() && context_.cache != nullptr) {
            co_await keep(job, std::move(sealed).value());
        }
        for (auto& chunk : bad) {
            std::vector<JobChunk> one;
            one.push_back(std::move(chunk));
            co_await serve_from_another(name, job_of(job.pack, std::move(one)));
        }
        co_return;
    }
    if (job.chunks.size() == 1 || !may_be_of_one_chunk(sealed.error().code)) {
        fail(std::move(job), std::move(sealed).error());
        co_return;
    }
    std::vector<Job> alone;
    for (auto& chunk : job.chunks) {
        std::vector<JobChunk> one;
        one.push_back(std::move(chunk));
        alone.push_back(job_of(job.pack, std::move(one)));
    }
    enqueue(std::move(alone), Urgency::now);
}

/// Of a chunk that did not open: whether the store has it elsewhere, too.
Awaitable<void> ChunkFetcher::serve_from_another(std::string name, Job job) {
    const auto key = context_.keys.pack_key(job.pack);
    const auto& chunk = job.chunks.front().chunk;
    auto opens = [&key, &chunk](ByteView sealed) {
        return sealed.size() == chunk.stored_length && open_chunk(key, chunk, sealed).has_value();
    };
    auto sealed = co_await context_.store.get_sound(
        std::move(name), ByteRange{job.offset, job.length}, std::move(opens));
    if (sealed && sealed->size() == job.length) {
        open_chunks(job, sealed->view(), true);
        co_return;
    }
    fail(std::move(job), sealed ? Error{Errc::corrupt, "the store gave another length"}
                                : std::move(sealed).error());
}

/// A disk that is slower than the store is not waited for: as many ranges as there may be requests
/// are in memory for it, others are not kept.
Awaitable<void> ChunkFetcher::keep(const Job& job, Buffer sealed) {
    {
        const std::lock_guard lock(mutex_);
        if (keeping_ >= std::max<std::size_t>(1, context_.store.capabilities().parallel)) {
            co_return;
        }
        ++keeping_;
    }
    auto insert = [cache = context_.cache, pack = job.pack, offset = job.offset,
                   sealed = std::move(sealed)] {
        cache->insert(pack, offset, sealed);
        return true;
    };
    auto disk = context_.disk;
    co_await run_on(disk, std::move(insert));
    const std::lock_guard lock(mutex_);
    --keeping_;
}

/// Gives back those that cannot be opened; at the last try their slots are done with the error.
std::vector<ChunkFetcher::JobChunk> ChunkFetcher::open_chunks(const Job& job, ByteView sealed,
                                                              bool last_try) {
    const auto key = context_.keys.pack_key(job.pack);
    std::vector<JobChunk> bad;
    for (const auto& wanted : job.chunks) {
        if (wanted.slot.expired()) {
            continue;
        }
        const auto& chunk = wanted.chunk;
        auto plain =
            open_chunk(key, chunk, sealed.subspan(chunk.offset - job.offset, chunk.stored_length));
        if (plain) {
            finish(wanted.slot, std::move(plain));
            continue;
        }
        bad.push_back(wanted);
        if (last_try) {
            finish(wanted.slot,
                   Error{Errc::corrupt, "pack " + to_hex(job.pack) + ": " + plain.error().message});
        }
    }
    return bad;
}

void ChunkFetcher::fail(Job job, Error error) {
    if (error.code == Errc::not_found) {
        error = {Errc::corrupt, "it is missing"};
    } else if (error.code == Errc::invalid_argument) {
        error = {Errc::corrupt, "it is shorter than the index says"};
    }
    for (const auto& [chunk, slot] : job.chunks) {
        finish(slot, Error{error.code, "pack " + to_hex(job.pack) + ", chunk at byte " +
                                           std::to_string(chunk.offset) + ": " + error.message});
    }
}

}  // namespace tapeloft::media
