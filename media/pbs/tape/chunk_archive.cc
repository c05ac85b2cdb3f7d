#include "media/pbs/tape/chunk_archive.h"

#include <algorithm>
#include <array>

#include "media/pbs/archive_format.h"

namespace tapeloft::media {
namespace {

namespace chunk_entry = layout::pbs_chunk_entry;

bool is_of_the_archive(const Error& error) {
    return error.code == Errc::corrupt || error.code == Errc::io;
}

}  // namespace

std::optional<ChunkEntry> parse_chunk_entry(ByteView header, std::uint64_t offset) {
    const auto parsed = parse_pbs_chunk_entry(header);
    if (!parsed) {
        return std::nullopt;
    }
    ChunkEntry entry;
    entry.digest = parsed->digest;
    entry.offset = offset + chunk_entry::kSize;
    entry.size = parsed->blob_size;
    return entry;
}

Awaitable<Result<ChunkArchiveHead>> read_chunk_archive_head(TapeFile& file, const PbsUuid& content,
                                                            const std::string& store) {
    const auto head = co_await read_content(file);
    if (!head && !is_of_the_archive(head.error())) {
        co_return head.error();
    }
    if (!head) {
        co_return ChunkArchiveHead{0, head.error().message};
    }
    const auto* const known = std::get_if<ChunkArchiveHeader>(&head->kind);
    const bool strange = std::holds_alternative<UnknownContent>(head->kind);
    const bool same_store = known != nullptr && (store.empty() || known->store == store);
    if (!strange && !same_store && !(known != nullptr && head->uuid == content)) {
        co_return Error{Errc::corrupt, file.name() + ": it is not the chunk archive it should be"};
    }
    ChunkArchiveHead found{head->data_offset, {}};
    if (strange || !same_store || head->uuid != content) {
        found.damage = file.name() + ": its head is not that of the chunk archive it should be";
    }
    co_return found;
}

Awaitable<Result<std::optional<ChunkEntry>>> ChunkArchiveWalk::next() {
    while (offset_ < stream_size_) {
        std::array<std::uint8_t, chunk_entry::kSize> header{};
        auto read = co_await file_.read_all(offset_, header);
        if (!read && !is_of_the_archive(read.error())) {
            co_return std::move(read).error();
        }
        const auto entry = parse_chunk_entry(header, offset_);
        if (!read || !entry) {
            auto why = !read ? read.error().message
                             : file_.name(offset_) + ": no entry of a chunk archive";
            TL_CO_TRY(const bool found, co_await resynchronise(offset_, std::move(why)));
            if (!found) {
                break;
            }
            continue;
        }
        if (entry->size > stream_size_ - entry->offset) {
            offset_ = stream_size_;
            cut_off_ = entry;
            break;
        }
        offset_ = entry->offset + entry->size;
        co_return entry;
    }
    co_return std::nullopt;
}

Awaitable<Result<bool>> ChunkArchiveWalk::resynchronise(std::uint64_t from, std::string why) {
    auto position = from + 1;
    for (auto block = from / kPbsPayloadMax; block * kPbsPayloadMax < stream_size_; ++block) {
        position = std::max(position, block * kPbsPayloadMax);
        TL_CO_TRY(const auto found, co_await find_entry(block, position));
        if (found) {
            gaps_.push_back({from, *found, std::move(why)});
            offset_ = *found;
            co_return true;
        }
    }
    gaps_.push_back({from, stream_size_, std::move(why)});
    offset_ = stream_size_;
    co_return false;
}

Awaitable<Result<std::optional<std::uint64_t>>> ChunkArchiveWalk::find_entry(std::uint64_t block,
                                                                             std::uint64_t from) {
    // The payload of the block, and as much of the next one as an entry may stand in.
    const auto end = std::min(stream_size_, (block + 1) * kPbsPayloadMax);
    if (from >= end) {
        co_return std::nullopt;
    }
    Bytes bytes(end - from);
    const auto sound = co_await file_.read_all(from, bytes);
    if (!sound) {
        if (!is_of_the_archive(sound.error())) {
            co_return sound.error();
        }
        co_return std::nullopt;
    }
    Bytes more(std::min<std::uint64_t>(chunk_entry::kSize - 1, stream_size_ - end));
    if ((co_await file_.read_all(end, more)).has_value()) {
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    for (auto found = bytes.begin();; ++found) {
        found =
            std::search(found, bytes.end(), chunk_entry::kMagic.begin(), chunk_entry::kMagic.end());
        if (static_cast<std::size_t>(bytes.end() - found) < chunk_entry::kSize) {
            co_return std::nullopt;
        }
        const auto offset = static_cast<std::size_t>(found - bytes.begin());
        if (parse_pbs_chunk_entry(ByteView(bytes).subspan(offset, chunk_entry::kSize))) {
            co_return from + offset;
        }
    }
}

}  // namespace tapeloft::media
