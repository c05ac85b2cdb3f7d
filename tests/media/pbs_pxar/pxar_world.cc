#include "tests/media/pbs_pxar/pxar_world.h"

#include <algorithm>

namespace tapeloft::media {

Awaitable<Result<void>> MemorySource::read(std::uint64_t offset, MutableByteView into) {
    reads.emplace_back(offset, offset + into.size());
    bytes_read += into.size();
    largest_read = std::max(largest_read, into.size());
    if (offset > bytes.size() || into.size() > bytes.size() - offset) {
        co_return Error{Errc::invalid_argument, "a read behind the end"};
    }
    for (const auto& [begin, end] : damaged) {
        if (offset < end && begin < offset + into.size()) {
            co_return Error{code, "the chunk at byte " + std::to_string(begin) + " is damaged"};
        }
    }
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin());
    co_return Result<void>();
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
    Bytes content(file.size);
    TL_CHECK(run(reader.read_payload(file, 0, content)));
    return content;
}

}  // namespace tapeloft::media
