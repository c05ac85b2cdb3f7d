#include "media/pbs/tape/content.h"

#include "cloud/base/hex.h"

#include "media/pbs/archive_format.h"
#include "media/pbs/json.h"

namespace tapeloft::media {
namespace {

namespace at = layout::pbs_content_header;

/// What PBS demands.
constexpr std::size_t kLabelJsonSizeMax = 64UL * 1024;

Result<PbsUuid> json_uuid(const PbsJson& json, const char* name) {
    TL_TRY(const auto text, json_text(json, name));
    const auto uuid = parse_uuid(text);
    return uuid ? Result<PbsUuid>(*uuid)
                : Error{Errc::corrupt, "its JSON has no UUID \"" + std::string(name) + "\""};
}

Result<std::string> json_store(const PbsJson& json) {
    TL_TRY(auto store, json_text(json, "store"));
    if (!is_pbs_name(store)) {
        return Error{Errc::corrupt, "its JSON names an impossible datastore"};
    }
    return store;
}

Result<ContentKind> parse_media_label(const PbsJson& json) {
    MediaLabel label;
    TL_TRY(label.uuid, json_uuid(json, "uuid"));
    TL_TRY(label.label_text, json_text(json, "label_text"));
    TL_TRY(label.time_s, json_integer(json, "ctime"));
    TL_TRY(label.pool, json_optional_text(json, "pool"));
    return ContentKind(std::move(label));
}

Result<ContentKind> parse_media_set_label(const PbsJson& json) {
    MediaSetLabel label;
    TL_TRY(label.uuid, json_uuid(json, "uuid"));
    TL_TRY(label.pool, json_text(json, "pool"));
    TL_TRY(label.sequence, json_unsigned(json, "seq_nr"));
    TL_TRY(label.time_s, json_integer(json, "ctime"));
    TL_TRY(label.key_fingerprint, json_optional_text(json, "encryption_key_fingerprint"));
    return ContentKind(std::move(label));
}

Result<ContentKind> parse_chunk_archive(const PbsJson& json) {
    ChunkArchiveHeader header;
    TL_TRY(header.store, json_store(json));
    return ContentKind(std::move(header));
}

Result<ContentKind> parse_snapshot_archive(const PbsJson& json) {
    SnapshotArchiveHeader header;
    TL_TRY(header.store, json_store(json));
    TL_TRY(const auto name, json_text(json, "snapshot"));
    TL_TRY(header.snapshot, parse_snapshot_name(name));
    return ContentKind(std::move(header));
}

Result<ContentKind> parse_catalog_archive(const PbsJson& json) {
    CatalogArchiveHeader header;
    TL_TRY(header.uuid, json_uuid(json, "uuid"));
    TL_TRY(header.media_set, json_uuid(json, "media_set_uuid"));
    TL_TRY(header.sequence, json_unsigned(json, "seq_nr"));
    return ContentKind(std::move(header));
}

struct KindRow {
    PbsMagic magic;
    Result<ContentKind> (*parse)(const PbsJson& json);
    bool is_label;
};
constexpr auto kKinds = std::to_array<KindRow>({
    {at::kMediaLabel, &parse_media_label, true},
    {at::kMediaSetLabel, &parse_media_set_label, true},
    {at::kChunkArchive, &parse_chunk_archive, false},
    {at::kSnapshotArchive, &parse_snapshot_archive, false},
    {at::kSnapshotArchiveInNamespace, &parse_snapshot_archive, false},
    {at::kCatalogArchive, &parse_catalog_archive, false},
    {at::kCatalogArchiveOfNamespaces, &parse_catalog_archive, false},
});

Result<ContentKind> parse_kind(const Content& content) {
    if (content.magic == at::kOldChunkArchive || content.magic == at::kOldSnapshotArchive) {
        return ContentKind(UnknownContent{"an archive of version 1.0, which was never released"});
    }
    for (const auto& row : kKinds) {
        if (row.magic != content.magic) {
            continue;
        }
        if (row.is_label && (content.json.empty() || content.json.size() > kLabelJsonSizeMax)) {
            return Error{Errc::corrupt,
                         "a label with " + std::to_string(content.json.size()) + " bytes of JSON"};
        }
        TL_TRY(const auto json, parse_json_object("its header", as_bytes(content.json)));
        return row.parse(json);
    }
    return ContentKind(UnknownContent{"content of unknown magic number " + to_hex(content.magic)});
}

}  // namespace

std::string_view name_of(const ContentKind& kind) noexcept {
    constexpr auto kNames =
        std::to_array<std::string_view>({"unknown", "media-label", "media-set-label",
                                         "chunk-archive", "snapshot-archive", "catalog-archive"});
    return kNames.at(kind.index());
}

Awaitable<Result<Content>> read_content(TapeFile& file) {
    std::array<std::uint8_t, at::kSize> header{};
    TL_CO_CHECK(co_await file.read_all(0, header));
    const auto corrupt = [&](const std::string& why) {
        return Error{Errc::corrupt, file.name() + ": " + why};
    };
    const auto parsed = parse_pbs_content_header(header);
    if (!parsed) {
        co_return corrupt("it does not begin with a content header");
    }
    if (parsed->part_number != 0) {
        co_return corrupt("part " + std::to_string(parsed->part_number) +
                          " of a stream over several media, which PBS never writes");
    }
    Content content;
    content.magic = parsed->content;
    content.uuid = parsed->uuid;
    content.time_s = parsed->time_s;
    Bytes json(parsed->json_size);
    TL_CO_CHECK(co_await file.read_all(at::kSize, json));
    content.json = as_text(json);
    content.data_offset = at::kSize + json.size();
    auto kind = parse_kind(content);
    if (!kind) {
        co_return corrupt(kind.error().message);
    }
    content.kind = std::move(*kind);
    co_return content;
}

}  // namespace tapeloft::media
