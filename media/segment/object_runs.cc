#include "media/segment/object_runs.h"

#include <algorithm>
#include <limits>

#include "cloud/base/digest.h"

namespace tapeloft::media {
namespace {

constexpr std::uint64_t kCountMax = std::numeric_limits<std::uint32_t>::max();

}  // namespace

void ObjectRuns::append_record(std::uint32_t length) {
    if (!runs_.empty() && runs_.back().kind == RunKind::records && runs_.back().length == length) {
        extend_end(runs_.back(), 1);
        ++runs_.back().count;
        return;
    }
    append(RunKind::records, length, 1);
}

void ObjectRuns::append_filemarks(std::uint32_t count) {
    append(RunKind::filemarks, 0, count);
}

void ObjectRuns::append_damage(std::uint64_t objects, std::uint64_t filemarks,
                               std::uint32_t file_bytes) {
    TL_ASSERT(filemarks <= objects);
    auto records = objects - filemarks;
    while (records != 0) {
        const auto count = std::min(records, kCountMax);
        append(RunKind::damaged, file_bytes, static_cast<std::uint32_t>(count));
        file_bytes = 0;
        records -= count;
    }
    while (filemarks != 0) {
        const auto count = std::min(filemarks, kCountMax);
        append(RunKind::lost_filemarks, file_bytes, static_cast<std::uint32_t>(count));
        file_bytes = 0;
        filemarks -= count;
    }
}

void ObjectRuns::append(RunKind kind, std::uint32_t length, std::uint32_t count) {
    TL_ASSERT(count != 0);
    runs_.push_back({end_.object, end_.file, end_.byte, end_.offset, length, count, kind});
    extend_end(runs_.back(), count);
}

void ObjectRuns::extend_end(const Run& run, std::uint32_t count) {
    end_.object += count;
    switch (run.kind) {
        case RunKind::records:
            end_.byte += std::uint64_t{count} * run.length;
            end_.offset += std::uint64_t{count} * (layout::frame::kHeaderSize + run.length);
            frames_ += count;
            break;
        case RunKind::filemarks:
            end_.file += count;
            end_.byte += std::uint64_t{count} * kFilemarkCost;
            end_.offset += layout::frame::kHeaderSize;
            ++frames_;
            break;
        case RunKind::damaged:
            end_.byte += run.length;
            end_.offset += run.length;
            break;
        case RunKind::lost_filemarks:
            end_.file += count;
            end_.byte += std::uint64_t{count} * kFilemarkCost;
            end_.offset += run.length;
            break;
    }
}

std::size_t ObjectRuns::index_of(std::uint64_t object) const {
    TL_ASSERT(object < end_.object);
    const auto behind =
        std::upper_bound(runs_.begin(), runs_.end(), object,
                         [](std::uint64_t wanted, const Run& run) { return wanted < run.object; });
    return static_cast<std::size_t>(behind - runs_.begin()) - 1;
}

ObjectPlace ObjectRuns::place(std::uint64_t object) const {
    const auto& run = runs_[index_of(object)];
    const auto index = object - run.object;
    ObjectPlace place{run.kind, object, run.file, run.byte, run.offset, run.length};
    switch (run.kind) {
        case RunKind::records:
            place.byte += index * run.length;
            place.offset += index * (layout::frame::kHeaderSize + run.length);
            break;
        case RunKind::filemarks:
        case RunKind::lost_filemarks:
            place.file += index;
            place.byte += index * kFilemarkCost;
            break;
        case RunKind::damaged:
            break;
    }
    return place;
}

std::uint64_t ObjectRuns::end_of_run(std::uint64_t object) const {
    const auto& run = runs_[index_of(object)];
    return run.object + run.count;
}

std::uint64_t ObjectRuns::object_of_filemark(std::uint64_t filemark) const {
    TL_ASSERT(filemark < end_.file);
    // The last run with at most `filemark` filemarks before it is the one that holds it.
    const auto behind =
        std::upper_bound(runs_.begin(), runs_.end(), filemark,
                         [](std::uint64_t wanted, const Run& run) { return wanted < run.file; });
    const auto& run = *std::prev(behind);
    TL_ASSERT(is_filemarks(run));
    return run.object + (filemark - run.file);
}

std::optional<std::uint64_t> ObjectRuns::end_of_streak(std::uint64_t from, std::uint64_t count,
                                                       std::uint64_t& streak) const {
    for (auto i = index_of(from); i < runs_.size(); ++i) {
        const auto& run = runs_[i];
        if (!is_filemarks(run)) {
            streak = 0;
            continue;
        }
        const auto first = std::max(from, run.object);
        const auto marks = run.object + run.count - first;
        if (streak + marks >= count) {
            return first + (count - streak);
        }
        streak += marks;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> ObjectRuns::start_of_streak(std::uint64_t from, std::uint64_t count,
                                                         std::uint64_t& streak) const {
    for (auto i = from == 0 ? 0 : index_of(from - 1) + 1; i-- > 0;) {
        const auto& run = runs_[i];
        if (!is_filemarks(run)) {
            streak = 0;
            continue;
        }
        const auto end = std::min<std::uint64_t>(from, run.object + run.count);
        const auto marks = end - run.object;
        if (streak + marks >= count) {
            return end - (count - streak);
        }
        streak += marks;
    }
    return std::nullopt;
}

void ObjectRuns::cut(std::uint64_t objects) {
    TL_ASSERT(objects <= end_.object);
    auto old = std::move(runs_);
    runs_.clear();
    end_ = {};
    frames_ = 0;
    for (const auto& run : old) {
        if (run.object >= objects) {
            break;
        }
        const auto count = std::min<std::uint64_t>(run.count, objects - run.object);
        append(run.kind, run.length, static_cast<std::uint32_t>(count));
    }
}

Bytes ObjectRuns::encode_runs() const {
    namespace at = layout::index_run;
    Bytes bytes(runs_.size() * at::kSize);
    for (std::size_t i = 0; i < runs_.size(); ++i) {
        const auto run = MutableByteView(bytes).subspan(i * at::kSize, at::kSize);
        at::kKind.store(run, static_cast<std::uint8_t>(runs_[i].kind));
        at::kLength.store(run, runs_[i].length);
        at::kCount.store(run, runs_[i].count);
    }
    return bytes;
}

Bytes ObjectRuns::encode(std::uint32_t seed) const {
    namespace foot = layout::index_footer;
    auto bytes = encode_runs();
    const auto runs_crc = crc32c(bytes, seed);
    bytes.resize(bytes.size() + foot::kSize);
    const auto footer = MutableByteView(bytes).last(foot::kSize);
    foot::kMagic.store(footer, foot::kMagicValue);
    foot::kRuns.store(footer, static_cast<std::uint32_t>(runs_.size()));
    foot::kObjects.store(footer, end_.object);
    foot::kFilemarks.store(footer, end_.file);
    foot::kRunsCrc.store(footer, runs_crc);
    foot::kCrc.store(footer, crc32c(footer.first(foot::kCrc.offset), seed));
    return bytes;
}

std::optional<ObjectRuns::Footer> ObjectRuns::decode_footer(ByteView bytes, std::uint32_t seed) {
    namespace at = layout::index_footer;
    if (bytes.size() < at::kSize || at::kMagic.load(bytes) != at::kMagicValue ||
        at::kCrc.load(bytes) != crc32c(bytes.first(at::kCrc.offset), seed)) {
        return std::nullopt;
    }
    Footer footer;
    footer.runs = at::kRuns.load(bytes);
    footer.objects = at::kObjects.load(bytes);
    footer.filemarks = at::kFilemarks.load(bytes);
    footer.runs_crc = at::kRunsCrc.load(bytes);
    return footer;
}

std::optional<ObjectRuns> ObjectRuns::decode_runs(ByteView runs) {
    namespace at = layout::index_run;
    if (runs.size() % at::kSize != 0) {
        return std::nullopt;
    }
    ObjectRuns index;
    index.runs_.reserve(runs.size() / at::kSize);
    for (; !runs.empty(); runs = runs.subspan(at::kSize)) {
        const auto kind = at::kKind.load(runs);
        const auto count = at::kCount.load(runs);
        if (kind < static_cast<std::uint8_t>(RunKind::records) ||
            kind > static_cast<std::uint8_t>(RunKind::lost_filemarks) || count == 0) {
            return std::nullopt;
        }
        index.append(static_cast<RunKind>(kind), at::kLength.load(runs), count);
    }
    return index;
}

std::optional<ObjectRuns> ObjectRuns::decode(const Footer& footer, ByteView runs,
                                             std::uint32_t seed) {
    if (runs.size() != footer.runs * layout::index_run::kSize ||
        crc32c(runs, seed) != footer.runs_crc) {
        return std::nullopt;
    }
    auto index = decode_runs(runs);
    if (!index || index->objects() != footer.objects || index->filemarks() != footer.filemarks) {
        return std::nullopt;
    }
    return index;
}

}  // namespace tapeloft::media
