#include "media/pbs/tape/media_catalog.h"

#include <optional>

namespace tapeloft::media {
namespace {

constexpr PbsMagic kMagic = {0x4C, 0x8E, 0xE8, 0xC1, 0x20, 0xA8, 0x89, 0x71};
constexpr PbsMagic kOldMagic = {0xDD, 0x1D, 0xA4, 0x01, 0x3B, 0x45, 0x13, 0x28};

// Records are C structures: what lies between the fields is padding, of any value.
namespace record {
inline constexpr LittleEndian<std::uint64_t, 0> kFile;
inline constexpr std::size_t kUuidOffset = 8;
inline constexpr LittleEndian<std::uint64_t, 24> kSequence;    // label
inline constexpr LittleEndian<std::uint8_t, 24> kStoreLength;  // chunk archive, snapshot
inline constexpr LittleEndian<std::uint16_t, 26> kNameLength;  // snapshot
inline constexpr std::size_t kSize = 32;     // label, chunk archive, snapshot; a digest too
inline constexpr std::size_t kEndSize = 24;  // end of a chunk archive
}  // namespace record

class Parser {
  public:
    explicit Parser(ByteView bytes) : rest_(bytes) {}

    Result<MediaCatalog> run() {
        TL_CHECK(check_magic());
        while (!rest_.empty()) {
            TL_CHECK(next());
        }
        if (labels_ == 0) {
            return corrupt("it has no label");
        }
        if (open_) {
            return corrupt("a chunk archive has no end");
        }
        return std::move(catalog_);
    }

  private:
    using Read = Result<void> (Parser::*)();
    struct Row {
        char type;
        bool inside;  ///< of a chunk archive
        Read read;
    };

    Result<void> check_magic() {
        if (begins_with(rest_, kOldMagic)) {
            return Error{Errc::unsupported,
                         "media catalog: it is of version 1.0, which was never released"};
        }
        if (!begins_with(rest_, kMagic)) {
            return corrupt("wrong magic number");
        }
        rest_ = rest_.subspan(kMagic.size());
        return {};
    }

    Result<void> next() {
        static constexpr auto kRows = std::to_array<Row>({
            {'L', false, &Parser::label},
            {'A', false, &Parser::chunk_archive},
            {'C', true, &Parser::chunk},
            {'E', true, &Parser::end_of_chunk_archive},
            {'S', false, &Parser::snapshot},
        });
        const char type = static_cast<char>(rest_.front());
        rest_ = rest_.subspan(1);
        for (const auto& row : kRows) {
            if (row.type == type && row.inside == open_) {
                return (this->*row.read)();
            }
        }
        return corrupt("a record of type " + std::to_string(static_cast<unsigned char>(type)) +
                       " where none may be");
    }

    Result<void> label() {
        TL_TRY(const auto body, take(record::kSize));
        const auto file = record::kFile.load(body);
        if (file != labels_ || file > 1 || !catalog_.files.empty()) {
            return corrupt("a label of tape file " + std::to_string(file) + " out of place");
        }
        ++labels_;
        if (file == 0) {
            catalog_.medium = uuid(body);
            return record::kSequence.load(body) == 0
                       ? Result<void>()
                       : corrupt("a media label with a sequence number");
        }
        catalog_.media_set = uuid(body);
        catalog_.sequence = record::kSequence.load(body);
        return {};
    }

    Result<void> chunk_archive() {
        TL_TRY(const auto body, take(record::kSize));
        CatalogedChunks chunks;
        TL_TRY(chunks.file, file_number(body));
        chunks.content = uuid(body);
        TL_TRY(chunks.store, store(record::kStoreLength.load(body)));
        catalog_.files.emplace_back(std::move(chunks));
        open_ = true;
        return {};
    }

    Result<void> chunk() {
        TL_TRY(const auto body, take(record::kSize));
        PbsDigest digest;
        std::copy(body.begin(), body.end(), digest.begin());
        std::get<CatalogedChunks>(catalog_.files.back()).digests.push_back(digest);
        return {};
    }

    Result<void> end_of_chunk_archive() {
        TL_TRY(const auto body, take(record::kEndSize));
        const auto& chunks = std::get<CatalogedChunks>(catalog_.files.back());
        if (record::kFile.load(body) != chunks.file || uuid(body) != chunks.content) {
            return corrupt("the end of another chunk archive");
        }
        open_ = false;
        return {};
    }

    Result<void> snapshot() {
        TL_TRY(const auto body, take(record::kSize));
        CatalogedSnapshot snapshot;
        TL_TRY(snapshot.file, file_number(body));
        snapshot.content = uuid(body);
        TL_TRY(snapshot.store, store(record::kStoreLength.load(body)));
        TL_TRY(const auto colon, take(1));
        TL_TRY(const auto name, take(record::kNameLength.load(body)));
        auto parsed = parse_snapshot_name(as_text(name));
        if (colon.front() != ':' || !parsed) {
            return corrupt("an impossible snapshot name");
        }
        snapshot.name = std::move(*parsed);
        catalog_.files.emplace_back(std::move(snapshot));
        return {};
    }

    Result<ByteView> take(std::size_t size) {
        if (rest_.size() < size) {
            return corrupt("it ends inside a record");
        }
        const auto bytes = rest_.first(size);
        rest_ = rest_.subspan(size);
        return bytes;
    }

    Result<std::uint64_t> file_number(ByteView body) {
        const auto file = record::kFile.load(body);
        if (labels_ == 0 || file < 2 || file <= last_file_) {
            return corrupt("tape file " + std::to_string(file) + " out of order");
        }
        last_file_ = file;
        return file;
    }

    Result<std::string> store(std::size_t length) {
        TL_TRY(const auto name, take(length));
        if (!is_pbs_name(as_text(name))) {
            return corrupt("an impossible datastore name");
        }
        return std::string(as_text(name));
    }

    static PbsUuid uuid(ByteView body) {
        PbsUuid uuid{};
        std::copy_n(body.begin() + record::kUuidOffset, uuid.size(), uuid.begin());
        return uuid;
    }

    static Error corrupt(const std::string& why) {
        return {Errc::corrupt, "media catalog: " + why};
    }

    ByteView rest_;
    MediaCatalog catalog_;
    std::uint64_t labels_ = 0;
    std::uint64_t last_file_ = 0;
    bool open_ = false;
};

}  // namespace

Result<MediaCatalog> parse_media_catalog(ByteView bytes) {
    return Parser(bytes).run();
}

}  // namespace tapeloft::media
