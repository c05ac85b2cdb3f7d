#include "tests/media/pbs_pxar/pxar_world.h"

#include <algorithm>

namespace tapeloft::media {

Result<ByteView> MemorySource::taken(std::uint64_t offset, std::size_t size) {
    reads.emplace_back(offset, offset + size);
    bytes_read += size;
    largest_read = std::max(largest_read, size);
    if (offset > bytes.size() || size > bytes.size() - offset) {
        return Error{Errc::invalid_argument, "a read behind the end"};
    }
    for (const auto& [begin, end] : damaged) {
        if (offset < end && begin < offset + size) {
            return Error{code, "the chunk at byte " + std::to_string(begin) + " is damaged"};
        }
    }
    return ByteView(bytes).subspan(offset, size);
}

Awaitable<Result<void>> MemorySource::read(std::uint64_t offset, MutableByteView into) {
    TL_CO_TRY(const auto there, taken(offset, into.size()));
    std::copy(there.begin(), there.end(), into.begin());
    co_return Result<void>();
}

Awaitable<Result<ByteView>> MemorySource::view(std::uint64_t offset, std::size_t size) {
    co_return taken(offset, std::min<std::uint64_t>(size, kTogether - offset % kTogether));
}

std::vector<std::string> WalkResult::paths(PxarEvent::Kind kind) const {
    std::vector<std::string> paths;
    for (const auto& event : events) {
        if (event.kind == kind) {
            paths.push_back(event.entry.path);
        }
    }
    return paths;
}

WalkResult walk_all(PxarReader& reader) {
    WalkResult result;
    PxarWalk walk(reader);
    walk.begin();
    while (true) {
        auto event = run(walk.next());
        if (!event) {
            result.error = event.error();
            return result;
        }
        if (!*event) {
            return result;
        }
        result.events.push_back(std::move(**event));
    }
}

Result<Bytes> read_file(PxarReader& reader, const PxarEntry& file) {
    Bytes content;
    while (content.size() < file.size) {
        TL_TRY(const auto more,
               run(reader.payload(file, content.size(), file.size - content.size())));
        content.insert(content.end(), more.begin(), more.end());
    }
    return content;
}

}  // namespace tapeloft::media
