#include "media/archive/chunk_pipeline.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace tapeloft::media {

Awaitable<void> ChunkPipeline::add(std::vector<StreamChunk> chunks) {
    if (chunks.empty()) {
        co_return;
    }
    TL_ASSERT(chunks.front().number == first_ + fingerprints_.size());
    fingerprints_.resize(fingerprints_.size() + chunks.size());
    co_await groups_.below(kGroupsMax);
    if (failure_) {
        co_return;
    }
    Group group;
    group.chunks = std::move(chunks);
    processing_.insert(group.chunks.front().number);
    groups_.spawn(process(std::move(group)));
}

Awaitable<void> ChunkPipeline::seal() {
    co_await groups_.all();
    if (writer_ && !failure_) {
        co_await begin_upload();
    }
    if (!waiting_.empty() && !failure_) {
        co_await begin_uploads(std::exchange(waiting_, {}));
    }
}

Awaitable<void> ChunkPipeline::wait_for_room() {
    co_await groups_.all();
    co_await uploads_.below(uploads_max());
}

Awaitable<Result<std::vector<PackContents>>> ChunkPipeline::settle(std::uint64_t below) {
    co_await wait_for_groups(below);
    // A chunk that counted as known may be new in a group behind them, which has begun by now.
    co_await wait_for_groups(first_ + fingerprints_.size());
    const auto packs = writer_ ? sealed_ + 1 : sealed_;
    while (!failure_ && (sealed_ < packs || (!storing_.empty() && *storing_.begin() < packs))) {
        co_await wait_for_change();
    }
    if (failure_) {
        co_return *failure_;
    }
    for (const auto& fingerprint : std::exchange(given_, {})) {
        under_way_.erase(fingerprint);
    }
    for (const auto& pack : stored_) {
        for (const auto& chunk : pack.chunks) {
            given_.push_back(chunk.fingerprint);
        }
    }
    co_return std::exchange(stored_, {});
}

Awaitable<void> ChunkPipeline::wait_for_groups(std::uint64_t below) {
    while (!failure_ && !processing_.empty() && *processing_.begin() < below) {
        co_await wait_for_change();
    }
}

Awaitable<void> ChunkPipeline::wait_for_change() {
    co_await changed_.async_wait(kAsTuple);
}

Awaitable<std::vector<PackContents>> ChunkPipeline::abandon() {
    fail({Errc::cancelled, "given up"});
    co_await groups_.all();
    co_await uploads_.all();
    co_return std::exchange(stored_, {});
}

const Fingerprint& ChunkPipeline::fingerprint(std::uint64_t chunk) const {
    TL_ASSERT(chunk >= first_ && chunk - first_ < fingerprints_.size());
    return fingerprints_[static_cast<std::size_t>(chunk - first_)];
}

void ChunkPipeline::forget_below(std::uint64_t chunk) {
    while (first_ < chunk && !fingerprints_.empty()) {
        fingerprints_.pop_front();
        ++first_;
    }
}

Awaitable<void> ChunkPipeline::process(Group group) {
    const auto number = group.chunks.front().number;
    co_await take_fingerprints(group);
    auto found = co_await find_fresh(group);
    if (found) {
        co_await encode_fresh(group);
        found = co_await pack(group);
    }
    if (!found) {
        fail(std::move(found).error());
    }
    processing_.erase(number);
    note_change();
}

/// Shares the numbers below count between jobs on the CPU threads; returns when all are done.
Awaitable<void> ChunkPipeline::on_all_processors(std::size_t count, Share work) {
    const auto processors = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
    const auto jobs = std::min(count, processors);
    auto taken = std::make_shared<std::atomic<std::size_t>>(0);
    auto job = [taken, count, work = std::move(work)] {
        work([&]() -> std::optional<std::size_t> {
            const auto i = taken->fetch_add(1);
            return i < count ? std::optional(i) : std::nullopt;
        });
        return true;
    };
    TaskGroup group(parts_.strand);
    auto run = [](Executor cpu, decltype(job) each) -> Awaitable<void> {
        co_await run_on(std::move(cpu), std::move(each));
    };
    for (std::size_t i = 0; i < jobs; ++i) {
        group.spawn(run(parts_.cpu, job));
    }
    co_await group.all();
}

Awaitable<void> ChunkPipeline::take_fingerprints(Group& group) {
    group.fingerprints.resize(group.chunks.size());
    auto work = [this, &group](const Numbers& next) {
        parts_.keys.take_fingerprints([&]() -> std::optional<KeyRing::UnnamedChunk> {
            const auto i = next();
            if (!i) {
                return std::nullopt;
            }
            return KeyRing::UnnamedChunk{group.chunks[*i].plain.view(), &group.fingerprints[*i]};
        });
    };
    co_await on_all_processors(group.chunks.size(), std::move(work));
    for (std::size_t i = 0; i < group.chunks.size(); ++i) {
        const auto at = group.chunks[i].number - first_;
        fingerprints_[static_cast<std::size_t>(at)] = group.fingerprints[i];
    }
}

Awaitable<Result<void>> ChunkPipeline::find_fresh(Group& group) {
    auto look = [this, &group] { return parts_.catalog.find_chunks(group.fingerprints); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto places, co_await run_on(std::move(disk), std::move(look)));
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < group.chunks.size(); ++i) {
        bytes += group.chunks[i].plain.size();
        // A chunk of the same content that another group has just begun with counts as known.
        const bool fresh = !places[i] && under_way_.insert(group.fingerprints[i]).second;
        if (fresh) {
            group.fresh.push_back(i);
        }
    }
    parts_.progress.taken(cartridge_, bytes);
    co_return Result<void>();
}

Awaitable<void> ChunkPipeline::encode_fresh(Group& group) {
    group.encoded.resize(group.fresh.size());
    auto work = [this, &group](const Numbers& next) {
        while (const auto i = next()) {
            const auto chunk = group.fresh[*i];
            group.encoded[*i] =
                encode_chunk(group.fingerprints[chunk], std::move(group.chunks[chunk].plain),
                             parts_.compression_level, trend_);
        }
    };
    co_await on_all_processors(group.fresh.size(), std::move(work));
    group.chunks.clear();
}

/// One group at a time: they share the open pack.
Awaitable<Result<void>> ChunkPipeline::pack(Group& group) {
    while (packing_) {
        co_await wait_for_change();
    }
    packing_ = true;
    Result<void> done;
    for (std::size_t next = 0; next < group.encoded.size() && done && !failure_;) {
        if (writer_ && writer_->is_full(group.encoded[next].body.size())) {
            co_await begin_upload();
        }
        if (!writer_) {
            const auto& store = parts_.store.capabilities();
            auto writer = PackWriter::begin(parts_.keys, Buffer::allocate(store.best_object_size),
                                            store.object_step);
            if (!writer) {
                done = std::move(writer).error();
                break;
            }
            writer_ = std::move(writer).value();
        }
        auto fill = [writer = &*writer_, &group, next] {
            auto i = next;
            do {
                writer->add(group.encoded[i]);
                group.encoded[i].body = {};
                ++i;
            } while (i < group.encoded.size() && !writer->is_full(group.encoded[i].body.size()));
            return i;
        };
        auto cpu = parts_.cpu;
        next = co_await run_on(std::move(cpu), std::move(fill));
    }
    packing_ = false;
    note_change();
    co_return done;
}

/// Of the open pack. Where the store wants their SHA-256, of as many as are hashed in step.
Awaitable<void> ChunkPipeline::begin_upload() {
    auto seal = [this] { return std::move(*writer_).finish(); };
    auto cpu = parts_.cpu;
    auto pack = co_await run_on(std::move(cpu), std::move(seal));
    writer_.reset();
    const auto number = sealed_++;
    storing_.insert(number);
    waiting_.push_back({number, std::move(pack)});
    if (waiting_.size() < kSha256InStep && parts_.store.capabilities().wants_sha256) {
        co_return;
    }
    co_await begin_uploads(std::exchange(waiting_, {}));
}

std::size_t ChunkPipeline::uploads_max() const {
    return std::max<std::size_t>(parts_.store.capabilities().parallel, 1);
}

Awaitable<void> ChunkPipeline::begin_uploads(std::vector<SealedPack> packs) {
    co_await uploads_.below(uploads_max());
    uploads_.spawn(upload_together(std::move(packs)));
}

Awaitable<void> ChunkPipeline::upload_together(std::vector<SealedPack> packs) {
    if (parts_.store.capabilities().wants_sha256) {
        auto take = [&packs] {
            for (auto& [number, pack, digest] : packs) {
                digest.emplace();
            }
            auto next = packs.begin();
            sha256_each([&]() -> std::optional<Sha256Message> {
                if (next == packs.end()) {
                    return std::nullopt;
                }
                auto& each = *next++;
                return Sha256Message{{each.pack.object.view(), {}}, &*each.sha256};
            });
            return true;
        };
        auto cpu = parts_.cpu;
        co_await run_on(std::move(cpu), std::move(take));
    }
    for (auto& pack : std::span(packs).subspan(1)) {
        uploads_.spawn(upload(std::move(pack)));
    }
    co_await upload(std::move(packs.front()));
}

Awaitable<void> ChunkPipeline::upload(SealedPack pack) {
    PutOptions options;
    options.sha256 = pack.sha256;
    auto put = [this, name = pack_name(pack.pack.contents.id), object = pack.pack.object,
                options]() -> Awaitable<Result<void>> {
        return parts_.store.put(name, object, options);
    };
    auto done = co_await parts_.access.until_done(std::move(put));
    if (!done) {
        fail(std::move(done).error());
        co_return;
    }
    stored_.push_back(std::move(pack.pack.contents));
    storing_.erase(pack.number);
    note_change();
}

void ChunkPipeline::fail(Error error) {
    if (!failure_) {
        failure_ = std::move(error);
    }
    note_change();
}

}  // namespace tapeloft::media
