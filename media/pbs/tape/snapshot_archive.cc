#include "media/pbs/tape/snapshot_archive.h"

#include <array>
#include <set>

namespace tapeloft::media {
namespace {

// Each item: type, size with this header, content.
constexpr std::size_t kItemHeaderSize = 16;
constexpr LittleEndian<std::uint64_t, 0> kType;
constexpr LittleEndian<std::uint64_t, 8> kFullSize;
constexpr std::uint64_t kEntry = 0xD5956474E588ACEF;
constexpr std::uint64_t kFilename = 0x16701121063917B3;
constexpr std::uint64_t kPayload = 0x28147A1B0B7C1A25;
constexpr std::uint64_t kGoodbye = 0x2FEC4FA642D5731D;

namespace entry {
constexpr std::size_t kSize = 40;
constexpr LittleEndian<std::uint64_t, 0> kMode;
constexpr std::uint64_t kTypeMask = 0170000;
constexpr std::uint64_t kDirectory = 0040000;
constexpr std::uint64_t kRegular = 0100000;
constexpr LittleEndian<std::uint32_t, 16> kUid;
constexpr LittleEndian<std::uint32_t, 20> kGid;
constexpr LittleEndian<std::int64_t, 24> kMtime;
constexpr LittleEndian<std::uint32_t, 32> kMtimeNanoseconds;
}  // namespace entry

constexpr std::uint64_t kNameMax = 257;  // with the zero behind it
constexpr std::size_t kFilesMax = 4096;

class FlatArchive {
  public:
    FlatArchive(TapeFile& file, std::uint64_t offset, std::uint64_t end)
        : file_(file), offset_(offset), end_(end) {}

    Awaitable<Result<std::vector<SnapshotFile>>> run() {
        SnapshotFile root;
        TL_CO_CHECK(co_await next_item());
        TL_CO_CHECK(co_await read_entry(root, entry::kDirectory));
        std::set<std::string> names;
        std::vector<SnapshotFile> files;
        while (true) {
            TL_CO_CHECK(co_await next_item());
            if (type_ == kGoodbye) {
                co_return files;
            }
            SnapshotFile next;
            TL_CO_CHECK(co_await read_name(next.name));
            TL_CO_CHECK(co_await next_item());
            TL_CO_CHECK(co_await read_entry(next, entry::kRegular));
            TL_CO_CHECK(co_await next_item());
            if (type_ != kPayload) {
                co_return corrupt("a file with no content");
            }
            next.offset = offset_;
            next.size = size_;
            offset_ += size_;
            if (files.size() == kFilesMax || !names.insert(next.name).second) {
                co_return corrupt("too many files, or one of them twice");
            }
            files.push_back(std::move(next));
        }
    }

  private:
    /// Goes to the content of the next item.
    Awaitable<Result<void>> next_item() {
        std::array<std::uint8_t, kItemHeaderSize> header{};
        TL_CO_CHECK(co_await file_.read_all(offset_, header));
        type_ = kType.load(header);
        const auto full_size = kFullSize.load(header);
        offset_ += kItemHeaderSize;
        if (full_size < kItemHeaderSize || offset_ > end_ ||
            full_size - kItemHeaderSize > end_ - offset_) {
            co_return corrupt("an item of impossible size");
        }
        size_ = full_size - kItemHeaderSize;
        co_return Result<void>();
    }

    Awaitable<Result<void>> read_name(std::string& name) {
        if (type_ != kFilename || size_ < 2 || size_ > kNameMax) {
            co_return corrupt("no name where one must be");
        }
        Bytes bytes(size_);
        TL_CO_CHECK(co_await file_.read_all(offset_, bytes));
        offset_ += size_;
        name = as_text(ByteView(bytes).first(bytes.size() - 1));
        if (bytes.back() != 0 || !is_pbs_name(name)) {
            co_return corrupt("an impossible file name");
        }
        co_return Result<void>();
    }

    Awaitable<Result<void>> read_entry(SnapshotFile& file, std::uint64_t kind) {
        std::array<std::uint8_t, entry::kSize> bytes{};
        if (type_ != kEntry || size_ != bytes.size()) {
            co_return corrupt("no metadata where they must be");
        }
        TL_CO_CHECK(co_await file_.read_all(offset_, bytes));
        offset_ += size_;
        const auto mode = entry::kMode.load(bytes);
        if ((mode & entry::kTypeMask) != kind) {
            co_return corrupt("something that is no regular file");
        }
        file.mode = static_cast<std::uint32_t>(mode & 07777);
        file.uid = entry::kUid.load(bytes);
        file.gid = entry::kGid.load(bytes);
        file.mtime_s = entry::kMtime.load(bytes);
        file.mtime_nanoseconds = entry::kMtimeNanoseconds.load(bytes);
        co_return Result<void>();
    }

    Error corrupt(const std::string& why) const {
        return {Errc::corrupt, file_.name(offset_) + ": snapshot archive with " + why};
    }

    TapeFile& file_;
    std::uint64_t offset_;
    const std::uint64_t end_;
    std::uint64_t type_ = 0;
    std::uint64_t size_ = 0;
};

}  // namespace

Awaitable<Result<std::vector<SnapshotFile>>> read_snapshot_files(TapeFile& file,
                                                                 std::uint64_t offset,
                                                                 std::uint64_t stream_size) {
    FlatArchive archive(file, offset, stream_size);
    co_return co_await archive.run();
}

Awaitable<Result<Bytes>> read_snapshot_file(TapeFile& archive, const SnapshotFile& file) {
    if (file.size > kSnapshotFileMax) {
        co_return Error{Errc::unsupported, archive.name(file.offset) + ": " + file.name + " of " +
                                               std::to_string(file.size) + " bytes is too long"};
    }
    Bytes bytes(file.size);
    auto read = co_await archive.read_all(file.offset, bytes);
    if (!read) {
        co_return Error{read.error().code, file.name + ": " + read.error().message};
    }
    co_return bytes;
}

}  // namespace tapeloft::media
