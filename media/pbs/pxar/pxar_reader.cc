#include "media/pbs/pxar/pxar_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include <sys/stat.h>

namespace tapeloft::media {
namespace {

namespace at = layout::pxar;

Error corrupt(std::uint64_t position, std::string_view what) {
    return {Errc::corrupt,
            "pxar archive at byte " + std::to_string(position) + ": " + std::string(what)};
}

Error located(std::uint64_t position, const Error& error) {
    return {error.code, "pxar archive at byte " + std::to_string(position) + ": " + error.message};
}

/// Kinds that end with their attributes.
bool has_content(FileKind kind) {
    return kind != FileKind::directory && kind != FileKind::fifo && kind != FileKind::socket;
}

bool fits(FileKind kind, std::uint64_t type) {
    switch (kind) {
        case FileKind::file:
            return type == at::kPayload || type == at::kPayloadRef;
        case FileKind::symlink:
            return type == at::kSymlink;
        case FileKind::block_device:
        case FileKind::character_device:
            return type == at::kDevice;
        default:
            return false;
    }
}

}  // namespace

PxarEntry lost_directory(std::string path, std::uint64_t position) {
    PxarEntry entry;
    entry.path = std::move(path);
    entry.kind = FileKind::directory;
    entry.attributes.mode = S_IFDIR | S_IRWXU;
    entry.position = position;
    return entry;
}

Awaitable<Result<void>> PxarReader::open() {
    root_ = 0;
    auto end = co_await end_of_preamble();
    if (!end && !is_damage(end.error())) {
        co_return std::move(end).error();
    }
    root_ = end ? *end : 0;
    co_return Result<void>();
}

Awaitable<Result<std::uint64_t>> PxarReader::end_of_preamble() {
    TL_CO_TRY(const auto first, co_await item_at(0, end()));
    if (first.type != at::kFormatVersion) {
        co_return std::uint64_t{0};
    }
    TL_CO_TRY(const auto bytes, co_await view(kPxarHeaderSize, 8));
    if (const auto version = load_little_endian<8>(bytes); version != 2) {
        co_return Error{Errc::unsupported, "the pxar archive has version " +
                                               std::to_string(version) + "; 1 and 2 are known"};
    }
    const auto behind = kPxarHeaderSize + first.content;
    TL_CO_TRY(const auto second, co_await item_at(behind, end()));
    co_return second.type == at::kPrelude ? behind + kPxarHeaderSize + second.content : behind;
}

Awaitable<Result<ByteView>> PxarReader::view(std::uint64_t position, std::size_t size) {
    if (const auto here = window_.cached(position, size)) {
        co_return *here;
    }
    co_return co_await window_.view(position, size);
}

Awaitable<Result<PxarItem>> PxarReader::item_at(std::uint64_t position, std::uint64_t limit) {
    if (position > limit || limit - position < kPxarHeaderSize) {
        co_return corrupt(position, "nothing fits here any more");
    }
    auto header = window_.cached(position, kPxarHeaderSize);
    if (!header) {
        TL_CO_TRY(header, co_await window_.view(position, kPxarHeaderSize));
    }
    auto item = decode_item(*header);
    if (!item) {
        co_return located(position, item.error());
    }
    if (item->content > limit - position - kPxarHeaderSize) {
        co_return corrupt(position,
                          std::string(item_name(item->type)) + " is longer than what it is in");
    }
    co_return *item;
}

Awaitable<Result<void>> PxarReader::read_entry(std::uint64_t position, std::uint64_t limit,
                                               std::string parent, PxarEntry& entry) {
    entry = PxarEntry();
    entry.position = position;
    entry.entry_position = position;
    if (position != root_) {
        TL_CO_TRY(const auto item, co_await item_at(position, limit));
        if (item.type != at::kFilename) {
            co_return corrupt(position,
                              std::string(item_name(item.type)) + " where a FILENAME should be");
        }
        const auto size = static_cast<std::size_t>(item.content);
        TL_CO_TRY(const auto content, co_await view(position + kPxarHeaderSize, size));
        auto name = decode_filename(content);
        if (!name) {
            co_return located(position, name.error());
        }
        if (parent.size() + 1 + name->size() > kPxarPathMax) {
            co_return corrupt(position,
                              "the path is longer than " + std::to_string(kPxarPathMax) + " bytes");
        }
        entry.path = join_path(std::move(parent), *name);
        entry.entry_position = position + kPxarHeaderSize + size;
    }
    co_return co_await read_attributes(limit, entry);
}

Awaitable<Result<void>> PxarReader::read_attributes(std::uint64_t limit, PxarEntry& entry) {
    std::uint64_t taken = 0;
    for (entry.end = entry.entry_position;; entry.end += kPxarHeaderSize) {
        const auto position = entry.end;
        const bool first = position == entry.entry_position;
        auto item = co_await item_at(position, limit);
        if (!item && !first && is_damage(item.error()) && !has_content(entry.kind)) {
            co_return Result<void>();  // what follows it has its own trouble
        }
        TL_CO_TRY(const auto found, std::move(item));
        const bool is_entry = found.type == at::kEntry || found.type == at::kEntryV1;
        const bool is_link = found.type == at::kHardlink && position != root_;
        if (first ? !is_entry && !is_link : is_entry) {
            co_return corrupt(position,
                              std::string(item_name(found.type)) +
                                  (first ? " where an ENTRY should be" : " where none should be"));
        }
        if (!first && !is_attribute(found.type)) {
            co_return co_await read_content(found, entry);
        }
        taken += kPxarHeaderSize + found.content;
        if (taken > kPxarAttributesMax) {
            co_return corrupt(position, "an entry has more attributes than a file can have");
        }
        const auto size = static_cast<std::size_t>(found.content);
        TL_CO_TRY(const auto content, co_await view(position + kPxarHeaderSize, size));
        if (auto decoded = decode_content(found.type, content, entry); !decoded) {
            co_return located(position, decoded.error());
        }
        entry.end += found.content;
        if (is_link) {
            entry.end += kPxarHeaderSize;
            co_return Result<void>();
        }
    }
}

Awaitable<Result<void>> PxarReader::read_content(PxarItem item, PxarEntry& entry) {
    const auto position = entry.end;
    if (entry.position == root_ && entry.kind != FileKind::directory) {
        co_return corrupt(root_, "its root is no directory");
    }
    if (!has_content(entry.kind)) {
        co_return Result<void>();
    }
    if (!fits(entry.kind, item.type)) {
        co_return corrupt(position, std::string(item_name(item.type)) + " in a " +
                                        std::string(to_string(entry.kind)));
    }
    entry.end += kPxarHeaderSize + item.content;
    if (item.type == at::kPayload) {
        entry.size = item.content;
        entry.payload_offset = position + kPxarHeaderSize;
        co_return Result<void>();
    }
    const auto size = static_cast<std::size_t>(item.content);
    TL_CO_TRY(const auto content, co_await view(position + kPxarHeaderSize, size));
    if (auto decoded = decode_content(item.type, content, entry); !decoded) {
        co_return located(position, decoded.error());
    }
    co_return Result<void>();
}

Awaitable<Result<GoodbyeTable>> PxarReader::table(std::uint64_t begin, std::uint64_t end) {
    return GoodbyeTable::open(window_, begin, end);
}

Awaitable<Result<PxarRoute>> PxarReader::locate(std::string path) {
    PxarRoute route;
    PxarPlace place;
    place.end = end();
    auto read = co_await read_entry(root_, end(), "", place.entry);
    if (!read) {
        if (!is_damage(read.error())) {
            co_return std::move(read).error();
        }
        place.entry = lost_directory("", root_);
    }
    route.places.push_back(std::move(place));
    for (std::size_t from = 0; from < path.size();) {
        const auto slash = std::min(path.find('/', from), path.size());
        TL_CO_TRY(const bool found, co_await step(route, path.substr(from, slash - from)));
        if (!found) {
            co_return route;
        }
        from = slash + 1;
    }
    route.found = true;
    co_return route;
}

Awaitable<Result<bool>> PxarReader::step(PxarRoute& route, std::string name) {
    const auto& parent = route.places.back();
    if (parent.entry.kind != FileKind::directory) {
        co_return false;
    }
    auto table_read = co_await table(parent.entry.position, parent.end);
    Result<std::vector<ChildRange>> children = std::vector<ChildRange>();
    if (!table_read) {
        children = std::move(table_read).error();
    } else {
        children = co_await table_read->find(name);
    }
    if (!children) {
        if (!is_damage(children.error())) {
            co_return std::move(children).error();
        }
        route.damage = std::move(children).error();
        co_return false;
    }
    for (const auto& child : *children) {
        PxarPlace place;
        place.end = child.end;
        auto read = co_await read_entry(child.position, child.end, parent.entry.path, place.entry);
        if (!read && !is_damage(read.error())) {
            co_return std::move(read).error();
        }
        if (!read) {
            route.damage = std::move(read).error();
        } else if (place.entry.name() == name) {
            route.places.push_back(std::move(place));
            route.damage.reset();
            co_return true;
        }
    }
    co_return false;
}

Awaitable<Result<ByteView>> PxarReader::payload(const PxarEntry& file, std::uint64_t offset,
                                                std::size_t size) {
    TL_ASSERT(file.kind == FileKind::file && offset <= file.size && size <= file.size - offset);
    if (!file.payload_apart) {
        co_return co_await archive_.view(file.payload_offset + offset, size);
    }
    if (payload_ == nullptr) {
        co_return Error{Errc::precondition, "the data of \"" + file.path +
                                                "\" stand in a payload stream (.ppxar) that is "
                                                "not there"};
    }
    if (offset == 0) {
        TL_CO_CHECK(co_await check_payload(file));
    }
    co_return co_await payload_->view(file.payload_offset + offset, size);
}

Awaitable<Result<void>> PxarReader::check_payload(const PxarEntry& file) {
    const auto end = payload_->size();
    if (file.payload_offset > end || file.size > end - file.payload_offset) {
        co_return Error{Errc::corrupt, "the data of \"" + file.path +
                                           "\" should stand behind the end of the payload stream"};
    }
    std::array<std::uint8_t, kPxarHeaderSize> header{};
    TL_CO_CHECK(co_await payload_->read(file.payload_offset - kPxarHeaderSize, header));
    const auto item = decode_item(header);
    if (!item || item->type != at::kPayload || item->content != file.size) {
        co_return Error{Errc::corrupt,
                        "the data of \"" + file.path + "\" do not stand where the archive says"};
    }
    co_return Result<void>();
}

}  // namespace tapeloft::media
