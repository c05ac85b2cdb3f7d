#include "media/pbs/pxar/tar_export.h"

#include <algorithm>
#include <array>
#include <utility>

#include "media/pbs/pxar/tar_header.h"

namespace tapeloft::media {
namespace {

constexpr std::array<std::uint8_t, 2 * kTarBlock> kZeros{};

std::vector<AttributeProblem> left_out(const FileAttributes& attributes) {
    static constexpr std::uint64_t kChattrFlags = 0x3FF0000;
    std::vector<AttributeProblem> problems;
    if ((attributes.flags & kChattrFlags) != 0) {
        problems.push_back({AttributeKind::flags, "tar has no place for chattr flags"});
    }
    if (attributes.quota_project) {
        problems.push_back({AttributeKind::quota_project, "tar has no place for quota projects"});
    }
    return problems;
}

}  // namespace

TarExport::TarExport(PxarReader& reader, PathSelection selection, ByteSink& sink)
    : reader_(reader), walk_(reader, std::move(selection)), sink_(sink) {}

Awaitable<Result<void>> TarExport::run() {
    while (true) {
        TL_CO_TRY(auto event, co_await walk_.next());
        if (!event) {
            break;
        }
        TL_CO_CHECK(co_await take(std::move(*event)));
    }
    report_.unmatched = walk_.unmatched();
    co_return co_await sink_.write(kZeros);
}

Awaitable<Result<void>> TarExport::take(PxarEvent event) {
    const auto& entry = event.entry;
    if (event.kind == PxarEvent::Kind::damage) {
        report_.add_failure(entry.path, std::move(*event.error));
        co_return Result<void>();
    }
    if (event.kind == PxarEvent::Kind::leave || (entry.path.empty() && !event.selected)) {
        co_return Result<void>();
    }
    switch (entry.kind) {
        case FileKind::file:
            co_return co_await take_file(std::move(event.entry));
        case FileKind::socket:
            ++report_.sockets_left_out;
            co_return Result<void>();
        case FileKind::directory:
            ++report_.directories;
            break;
        case FileKind::hardlink:
            ++report_.links;
            break;
        default:
            ++report_.others;
    }
    co_return co_await write_header(entry);
}

Awaitable<Result<void>> TarExport::take_file(PxarEntry file) {
    if (auto checked = co_await check(file); !checked) {
        if (!is_damage(checked.error())) {
            co_return std::move(checked).error();
        }
        walk_.failed(file);
        report_.add_failure(file.path, std::move(checked).error());
        co_return Result<void>();
    }
    TL_CO_CHECK(co_await write_header(file));
    TL_CO_CHECK(co_await write_data(file));
    ++report_.files;
    report_.bytes += file.size;
    co_return Result<void>();
}

/// All of it can be read.
Awaitable<Result<void>> TarExport::check(const PxarEntry& file) {
    for (std::uint64_t offset = 0; offset < file.size;) {
        TL_CO_TRY(const auto bytes, co_await piece(file, offset));
        offset += bytes.size();
    }
    co_return Result<void>();
}

Awaitable<Result<void>> TarExport::write_data(const PxarEntry& file) {
    for (std::uint64_t offset = 0; offset < file.size;) {
        TL_CO_TRY(const auto bytes, co_await piece(file, offset));
        TL_CO_CHECK(co_await sink_.write(bytes));
        offset += bytes.size();
    }
    const auto padding = (kTarBlock - file.size % kTarBlock) % kTarBlock;
    co_return co_await sink_.write(ByteView(kZeros).first(static_cast<std::size_t>(padding)));
}

Awaitable<Result<ByteView>> TarExport::piece(const PxarEntry& file, std::uint64_t offset) {
    const auto size = std::min<std::uint64_t>(file.size - offset, kPiece);
    co_return co_await reader_.payload(file, offset, size);
}

Awaitable<Result<void>> TarExport::write_header(const PxarEntry& entry) {
    report_.add_problems(entry.path, left_out(entry.attributes));
    const auto header = tar_header(entry);
    co_return co_await sink_.write(header);
}

}  // namespace tapeloft::media
