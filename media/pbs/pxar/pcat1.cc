#include "media/pbs/pxar/pcat1.h"

#include <algorithm>
#include <array>
#include <utility>

#include "media/pbs/pxar/pxar_format.h"

namespace tapeloft::media {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5};
constexpr std::size_t kTrailer = 8;
constexpr std::size_t kNameMax = 4095;
/// The least an entry takes: letter, length, one byte of name.
constexpr std::uint64_t kEntryLeast = 3;

constexpr std::array<std::pair<char, FileKind>, 8> kLetters = {{
    {'d', FileKind::directory},
    {'f', FileKind::file},
    {'l', FileKind::symlink},
    {'h', FileKind::hardlink},
    {'b', FileKind::block_device},
    {'c', FileKind::character_device},
    {'p', FileKind::fifo},
    {'s', FileKind::socket},
}};

constexpr std::size_t kNumberMax = 10;

struct Number {
    std::uint64_t value = 0;
    std::size_t size = 0;  ///< bytes of it
};

std::optional<Number> decode_number(ByteView bytes) {
    Number number;
    for (; number.size < std::min(bytes.size(), kNumberMax); ++number.size) {
        const auto byte = bytes[number.size];
        if (number.size == kNumberMax - 1 && byte > 1) {
            return std::nullopt;
        }
        number.value |= std::uint64_t{byte & 0x7FU} << (7 * number.size);
        if ((byte & 0x80U) == 0) {
            ++number.size;
            return number;
        }
    }
    return std::nullopt;
}

/// A negative number is its magnitude with "more" set in every byte, then a zero byte.
std::optional<Number> decode_signed(ByteView bytes) {
    constexpr auto kMost = std::uint64_t{1} << 63U;
    Number number;
    for (; number.size < bytes.size(); ++number.size) {
        const auto byte = bytes[number.size];
        if (byte == 0 && number.size != 0) {
            ++number.size;
            number.value = 0 - number.value;
            return number.value == 0 || number.value >= kMost ? std::optional(number)
                                                              : std::nullopt;
        }
        if (number.size >= kNumberMax || (number.size == kNumberMax - 1 && (byte & 0x7EU) != 0)) {
            return std::nullopt;
        }
        number.value |= std::uint64_t{byte & 0x7FU} << (7 * number.size);
        if ((byte & 0x80U) == 0) {
            ++number.size;
            return number.value < kMost ? std::optional(number) : std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace

Error CatalogCursor::corrupt(std::string_view what) const {
    return {Errc::corrupt,
            "file catalog, block at byte " + std::to_string(block_) + ": " + std::string(what)};
}

Awaitable<Result<CatalogCursor>> CatalogCursor::open(SourceWindow& window, std::uint64_t block,
                                                     std::string path) {
    CatalogCursor cursor(window, block, std::move(path));
    cursor.end_ = window.source_size() - kTrailer;
    TL_CO_TRY(const auto size, co_await cursor.number());
    if (size > cursor.end_ - cursor.at_) {
        co_return cursor.corrupt("it is longer than the catalog");
    }
    cursor.end_ = cursor.at_ + size;
    TL_CO_TRY(cursor.left_, co_await cursor.number());
    if (cursor.left_ > (cursor.end_ - cursor.at_) / kEntryLeast) {
        co_return cursor.corrupt("more entries than fit into it");
    }
    co_return cursor;
}

Awaitable<Result<std::optional<CatalogFile>>> CatalogCursor::next() {
    if (left_ == 0) {
        if (at_ != end_) {
            co_return corrupt("bytes behind the last entry");
        }
        co_return std::optional<CatalogFile>();
    }
    --left_;
    TL_CO_TRY(const auto letter, co_await ahead(1));
    if (letter.empty()) {
        co_return corrupt("it ends where an entry should begin");
    }
    ++at_;
    const auto kind = std::ranges::find(kLetters, static_cast<char>(letter.front()),
                                        &std::pair<char, FileKind>::first);
    if (kind == kLetters.end()) {
        co_return corrupt("an entry of an unknown type");
    }
    std::optional<CatalogFile> entry(std::in_place);
    entry->file.kind = kind->second;
    TL_CO_TRY(const auto length, co_await number());
    if (length > kNameMax || length > end_ - at_) {
        co_return corrupt("a name that is too long");
    }
    TL_CO_TRY(const auto name, co_await window_->view(at_, static_cast<std::size_t>(length)));
    if (!is_safe_name(as_text(name)) || path_.size() + 1 + length > kPxarPathMax) {
        co_return corrupt("a name that no file can have");
    }
    entry->file.path = join_path(path_, as_text(name));
    at_ += length;
    if (entry->file.kind == FileKind::directory) {
        TL_CO_TRY(const auto back, co_await number());
        if (back == 0 || back > block_ - kMagic.size()) {
            co_return corrupt("a directory lies outside of the catalog");
        }
        entry->block = block_ - back;
    }
    if (entry->file.kind == FileKind::file) {
        TL_CO_TRY(entry->file.size, co_await number());
        TL_CO_TRY(const auto seconds, co_await signed_number());
        entry->file.mtime = FileTime{seconds, 0};
    }
    co_return entry;
}

Awaitable<Result<ByteView>> CatalogCursor::ahead(std::size_t size) {
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(size, end_ - at_));
    if (const auto bytes = window_->cached(at_, here)) {
        co_return *bytes;
    }
    co_return co_await window_->view(at_, here);
}

Awaitable<Result<std::uint64_t>> CatalogCursor::number() {
    TL_CO_TRY(const auto bytes, co_await ahead(kNumberMax));
    const auto number = decode_number(bytes);
    if (!number) {
        co_return corrupt("a number that does not end, or has more than 64 bits");
    }
    at_ += number->size;
    co_return number->value;
}

Awaitable<Result<std::int64_t>> CatalogCursor::signed_number() {
    TL_CO_TRY(const auto bytes, co_await ahead(kNumberMax + 1));
    const auto number = decode_signed(bytes);
    if (!number) {
        co_return corrupt("a time that does not end, or has more than 64 bits");
    }
    at_ += number->size;
    co_return static_cast<std::int64_t>(number->value);
}

Awaitable<Result<void>> CatalogReader::open() {
    const auto size = window_.source_size();
    if (size < kMagic.size() + kTrailer) {
        co_return Error{Errc::corrupt, "the file catalog is too short"};
    }
    TL_CO_TRY(const auto magic, co_await window_.view(0, kMagic.size()));
    if (!std::ranges::equal(magic, kMagic)) {
        co_return Error{Errc::corrupt, "the file catalog has a wrong magic number"};
    }
    TL_CO_TRY(const auto trailer, co_await window_.view(size - kTrailer, kTrailer));
    root_ = load_little_endian<8>(trailer);
    if (root_ < kMagic.size() || root_ >= size - kTrailer) {
        co_return Error{Errc::corrupt, "the root of the file catalog lies outside of it"};
    }
    co_return Result<void>();
}

Awaitable<Result<CatalogCursor>> CatalogReader::directory(std::string path) {
    std::string so_far;
    auto block = root_;
    for (std::size_t from = 0; from < path.size();) {
        const auto slash = std::min(path.find('/', from), path.size());
        TL_CO_TRY(auto cursor, co_await CatalogCursor::open(window_, block, std::move(so_far)));
        so_far = path.substr(0, slash);
        std::optional<CatalogFile> entry;
        do {
            TL_CO_TRY(entry, co_await cursor.next());
        } while (entry && entry->file.path != so_far);
        if (!entry) {
            co_return Error{Errc::not_found, "\"" + so_far + "\" is not in the file catalog"};
        }
        if (entry->file.kind != FileKind::directory) {
            co_return Error{Errc::precondition, "\"" + so_far + "\" is no directory"};
        }
        block = entry->block;
        from = slash + 1;
    }
    co_return co_await CatalogCursor::open(window_, block, std::move(path));
}

Awaitable<Result<void>> CatalogReader::begin(std::string path) {
    told_ = 0;
    held_ = 0;
    cursors_.clear();
    TL_CO_TRY(auto cursor, co_await directory(std::move(path)));
    held_ = cursor.path().size();
    cursors_.push_back(std::move(cursor));
    co_return Result<void>();
}

Awaitable<Result<std::optional<ListedFile>>> CatalogReader::next_of_all() {
    while (!cursors_.empty()) {
        TL_CO_TRY(auto entry, co_await cursors_.back().next());
        if (!entry) {
            held_ -= cursors_.back().path().size();
            cursors_.pop_back();
            continue;
        }
        // Each block has one parent, so no catalog has more entries than fit into its bytes.
        if (++told_ > window_.source_size() / kEntryLeast) {
            co_return Error{Errc::corrupt, "directories of the file catalog hold one another"};
        }
        if (entry->file.kind == FileKind::directory) {
            TL_CO_TRY(auto cursor,
                      co_await CatalogCursor::open(window_, entry->block, entry->file.path));
            held_ += entry->file.path.size();
            if (held_ > kHeldMax) {
                co_return Error{Errc::corrupt, "the file catalog is deeper than any tree"};
            }
            cursors_.push_back(std::move(cursor));
        }
        co_return std::optional<ListedFile>(std::move(entry->file));
    }
    co_return std::optional<ListedFile>();
}

}  // namespace tapeloft::media
