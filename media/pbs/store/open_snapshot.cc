#include "media/pbs/store/open_snapshot.h"

#include <algorithm>
#include <array>

#include "media/pbs/store/data_blob.h"
#include "media/pbs/tape/content.h"

namespace tapeloft::media {
namespace {

bool may_be_elsewhere(const Error& error) {
    return is_of_the_tape(error) || error.code == Errc::not_found;
}

}  // namespace

Awaitable<Result<OpenSnapshot>> OpenSnapshot::open(const Collection& collection,
                                                   const PbsSnapshot& snapshot,
                                                   const SnapshotCopy& copy) {
    const auto* const scanned = collection.file(copy.set, copy.member, copy.file);
    const auto tape = collection.sets().at(copy.set).members.at(copy.member).tape;
    if (tape && (scanned == nullptr || scanned->extent.records == 0)) {
        co_return Error{Errc::corrupt, "the archive of " + snapshot.text() + " is missing from " +
                                           collection.name_of(copy.set, copy.member) +
                                           "; a catalog lists it there"};
    }
    if (scanned == nullptr) {
        co_return Error{Errc::not_found, snapshot.text() + " is on " +
                                             collection.name_of(copy.set, copy.member) +
                                             ", which is not here"};
    }
    OpenSnapshot opened;
    opened.collection_ = &collection;
    opened.snapshot_ = &snapshot;
    opened.copy_ = copy;
    // Snapshot archives are short, and all of it is asked for anyway.
    const auto read_ahead =
        std::clamp<std::size_t>(scanned->extent.records, 1, TapeFile::kReadAheadMax);
    opened.archive_ = std::make_unique<TapeFile>(collection.medium(*tape), copy.file,
                                                 scanned->extent, read_ahead);
    auto& archive = *opened.archive_;
    TL_CO_TRY(const auto content, co_await read_content(archive));
    const auto* const header = std::get_if<SnapshotArchiveHeader>(&content.kind);
    if (header == nullptr || header->store != snapshot.store || content.uuid != copy.content ||
        header->snapshot.text() != snapshot.name.text()) {
        co_return Error{Errc::corrupt,
                        archive.name() + ": it is not the archive of " + snapshot.text()};
    }
    TL_CO_TRY(const auto ending, co_await archive.ending());
    if (ending.end != StreamEnd::complete) {
        co_return Error{Errc::corrupt, archive.name() + ": the snapshot archive is " +
                                           std::string(to_string(ending.end))};
    }
    TL_CO_TRY(opened.files_,
              co_await read_snapshot_files(archive, content.data_offset, ending.stream_size));
    TL_CO_TRY(const auto blob, co_await opened.raw(std::string(kManifestName)));
    auto manifest = parse_manifest(blob);
    if (!manifest) {
        co_return opened.corrupt(std::string(kManifestName), manifest.error().message);
    }
    opened.manifest_ = std::move(*manifest);
    const auto& name = snapshot.name;
    if (opened.manifest_.type != name.type || opened.manifest_.id != name.id ||
        opened.manifest_.time_s != name.time_s) {
        co_return opened.corrupt(std::string(kManifestName), "it is that of another snapshot");
    }
    co_return opened;
}

Error OpenSnapshot::corrupt(const std::string& name, const std::string& why) const {
    return {Errc::corrupt, archive_->name() + ", " + name + ": " + why};
}

const SnapshotFile* OpenSnapshot::find(std::string_view name) const noexcept {
    const auto at = std::find_if(files_.begin(), files_.end(),
                                 [&](const SnapshotFile& file) { return file.name == name; });
    return at != files_.end() ? &*at : nullptr;
}

Error OpenSnapshot::lacks(const std::string& name) const {
    return {Errc::not_found,
            archive_->name() + ": it has no " + name +
                (manifest_.find(name) != nullptr ? ", and the manifest lists it" : "")};
}

std::vector<std::string> OpenSnapshot::names() const {
    std::vector<std::string> names;
    for (const auto& file : files_) {
        names.push_back(file.name);
    }
    for (const auto& listed : manifest_.files) {
        if (find(listed.name) == nullptr) {
            names.push_back(listed.name);
        }
    }
    return names;
}

Awaitable<Result<Bytes>> OpenSnapshot::raw(const std::string& name) {
    const auto* const file = find(name);
    if (file == nullptr) {
        co_return lacks(name);
    }
    co_return co_await read_snapshot_file(*archive_, *file);
}

Awaitable<Result<Bytes>> OpenSnapshot::checked(const std::string& name) {
    auto bytes = co_await raw(name);
    auto checked = bytes ? check(name, std::move(*bytes)) : std::move(bytes);
    if (checked || !uses_other_copies_ || !may_be_elsewhere(checked.error()) ||
        manifest_.find(name) == nullptr) {
        co_return checked;
    }
    TL_CO_CHECK(co_await open_other_copies());
    for (auto& other : *others_) {
        bytes = co_await other.raw(name);
        if (!bytes && !may_be_elsewhere(bytes.error())) {
            co_return std::move(bytes).error();
        }
        auto found = bytes ? check(name, std::move(*bytes)) : std::move(bytes);
        if (found) {
            co_return found;
        }
    }
    co_return checked;
}

Awaitable<Result<void>> OpenSnapshot::open_other_copies() {
    if (others_) {
        co_return Result<void>();
    }
    others_.emplace();
    for (const auto& copy : snapshot_->copies) {
        if (copy == copy_) {
            continue;
        }
        auto other = co_await open(*collection_, *snapshot_, copy);
        if (!other && !may_be_elsewhere(other.error())) {
            co_return std::move(other).error();
        }
        if (other) {
            others_->push_back(std::move(*other));
        }
    }
    co_return Result<void>();
}

Result<Bytes> OpenSnapshot::check(const std::string& name, Bytes bytes) const {
    const auto* const listed = manifest_.find(name);
    if (listed == nullptr && name != kManifestName && name != kClientLogName) {
        return corrupt(name, std::string(kNotListed));
    }
    if (listed == nullptr) {
        return bytes;
    }
    if (listed->kind == SnapshotFileKind::blob) {
        if (bytes.size() != listed->size || chunk_digest(bytes) != listed->checksum) {
            return corrupt(name, "it is not what the manifest says");
        }
        return bytes;
    }
    const auto index = ChunkIndex::parse(listed->kind, bytes);
    if (!index) {
        return corrupt(name, index.error().message);
    }
    if (index->checksum() != listed->checksum || index->size() != listed->size) {
        return corrupt(name, "it is not what the manifest says");
    }
    return bytes;
}

Awaitable<Result<ChunkIndex>> OpenSnapshot::index(const std::string& name) {
    const auto* const listed = manifest_.find(name);
    if (listed == nullptr || listed->kind == SnapshotFileKind::blob) {
        co_return Error{Errc::not_found,
                        snapshot_->text() + " has no archive of chunks \"" + name + "\""};
    }
    TL_CO_TRY(const auto bytes, co_await checked(name));
    co_return ChunkIndex::parse(listed->kind, bytes);
}

Awaitable<Result<Bytes>> OpenSnapshot::blob_data(const std::string& name, const CryptKey* key) {
    TL_CO_TRY(const auto bytes, co_await checked(name));
    const auto data = decode_blob(Buffer::copy_of(bytes), key, kBlobDataMax);
    if (!data) {
        co_return Error{data.error().code,
                        archive_->name() + ", " + name + ": " + data.error().message};
    }
    co_return Bytes(data->view().begin(), data->view().end());
}

Awaitable<Result<bool>> OpenSnapshot::lost_its_signature() {
    if (manifest_.signature) {
        co_return false;
    }
    if (manifest_.lost_its_signature() || find(kWrappedKeyName) != nullptr) {
        co_return true;
    }
    for (const auto& file : files_) {
        if (snapshot_file_kind(file.name) != SnapshotFileKind::blob || file.size < kBlobMagicSize) {
            continue;
        }
        std::array<std::uint8_t, kBlobMagicSize> magic{};
        const auto read = co_await archive_->read_all(file.offset, magic);
        if (!read && !is_of_the_tape(read.error())) {
            co_return read.error();
        }
        if (read && begins_encrypted_blob(magic)) {
            co_return true;
        }
    }
    co_return false;
}

std::vector<WantedChunk> OpenSnapshot::chunks(const std::string& name,
                                              const ChunkIndex& index) const {
    const auto* const listed = manifest_.find(name);
    const bool encrypted = listed != nullptr && listed->mode == CryptMode::encrypt;
    std::vector<WantedChunk> chunks;
    chunks.reserve(index.count());
    for (std::size_t i = 0; i < index.count(); ++i) {
        const auto range = index.range(i);
        chunks.push_back({index.digests()[i], range.end - range.begin, encrypted});
    }
    std::sort(chunks.begin(), chunks.end());
    chunks.erase(std::unique(chunks.begin(), chunks.end()), chunks.end());
    return chunks;
}

}  // namespace tapeloft::media
