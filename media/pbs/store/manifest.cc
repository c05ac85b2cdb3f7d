#include "media/pbs/store/manifest.h"

#include <algorithm>
#include <set>

#include <openssl/crypto.h>

#include "cloud/base/hex.h"

#include "media/pbs/json.h"
#include "media/pbs/store/data_blob.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kManifestSizeMax = 16UL * 1024 * 1024;
constexpr std::size_t kFilesMax = 4096;
constexpr auto kModes = std::to_array<std::string_view>({"none", "encrypt", "sign-only"});

Error corrupt_manifest(const std::string& why) {
    return {Errc::corrupt, "manifest: " + why};
}

Result<CryptMode> parse_mode(const PbsJson& json) {
    TL_TRY(const auto text, json_optional_text(json, "crypt-mode"));
    if (!text) {
        return CryptMode::none;
    }
    const auto* const at = std::find(kModes.begin(), kModes.end(), *text);
    return at != kModes.end() ? Result<CryptMode>(static_cast<CryptMode>(at - kModes.begin()))
                              : corrupt_manifest("an unknown crypt mode");
}

Result<ManifestFile> parse_file(const PbsJson& json) {
    ManifestFile file;
    if (!json.is_object()) {
        return corrupt_manifest("a file that is no object");
    }
    TL_TRY(file.name, json_text(json, "filename"));
    const auto kind = snapshot_file_kind(file.name);
    if (!kind) {
        return corrupt_manifest("an impossible file name");
    }
    file.kind = *kind;
    TL_TRY(file.mode, parse_mode(json));
    TL_TRY(file.size, json_unsigned(json, "size"));
    TL_TRY(const auto checksum, json_text(json, "csum"));
    if (!from_hex(checksum, file.checksum)) {
        return corrupt_manifest("the checksum of " + file.name + " is none");
    }
    return file;
}

Result<PbsJson> manifest_json(ByteView blob) {
    const auto text = decode_blob(Buffer::copy_of(blob), nullptr, kManifestSizeMax);
    if (!text) {
        return corrupt_manifest(text.error().message);
    }
    return parse_json_object("manifest", text->view());
}

Result<void> parse_key_fingerprint(const PbsJson& json, Manifest& manifest) {
    const auto unprotected = json.find("unprotected");
    if (unprotected == json.end() || !unprotected->is_object()) {
        return {};
    }
    TL_TRY(const auto text, json_optional_text(*unprotected, "key-fingerprint"));
    if (text) {
        manifest.key_fingerprint = parse_fingerprint(*text);
        if (!manifest.key_fingerprint) {
            return corrupt_manifest("the fingerprint of its key is none");
        }
    }
    return {};
}

Result<void> parse_signature(const PbsJson& json, Manifest& manifest) {
    TL_TRY(const auto text, json_optional_text(json, "signature"));
    if (text && !from_hex(*text, manifest.signature.emplace())) {
        return corrupt_manifest("its signature is none");
    }
    // nlohmann::json keeps members sorted bytewise, and dumps as canonical JSON wants it.
    auto covered = json;
    covered.erase("unprotected");
    covered.erase("signature");
    manifest.signed_text = covered.dump(-1, ' ', false, PbsJson::error_handler_t::replace);
    return {};
}

}  // namespace

std::string_view to_string(CryptMode mode) noexcept {
    return kModes.at(static_cast<std::size_t>(mode));
}

const ManifestFile* Manifest::find(std::string_view name) const noexcept {
    const auto at = std::find_if(files.begin(), files.end(),
                                 [&](const ManifestFile& file) { return file.name == name; });
    return at != files.end() ? &*at : nullptr;
}

bool Manifest::encrypted() const noexcept {
    return std::any_of(files.begin(), files.end(),
                       [](const ManifestFile& file) { return file.mode == CryptMode::encrypt; });
}

bool Manifest::lost_its_signature() const noexcept {
    const bool had_key = std::any_of(files.begin(), files.end(), [](const ManifestFile& file) {
        return file.mode != CryptMode::none;
    });
    return !signature && (had_key || key_fingerprint);
}

Result<Manifest> parse_manifest(ByteView blob) {
    TL_TRY(const auto json, manifest_json(blob));
    Manifest manifest;
    TL_TRY(manifest.type, json_text(json, "backup-type"));
    TL_TRY(manifest.id, json_text(json, "backup-id"));
    TL_TRY(manifest.time_s, json_integer(json, "backup-time"));
    const auto files = json.find("files");
    if (files == json.end() || !files->is_array() || files->size() > kFilesMax) {
        return corrupt_manifest("no list of files, or too many of them");
    }
    std::set<std::string> names;
    for (const auto& each : *files) {
        TL_TRY(auto file, parse_file(each));
        if (!names.insert(file.name).second || file.name == kManifestName) {
            return corrupt_manifest("file " + file.name + " twice");
        }
        manifest.files.push_back(std::move(file));
    }
    TL_CHECK(parse_key_fingerprint(json, manifest));
    TL_CHECK(parse_signature(json, manifest));
    return manifest;
}

Result<void> check_signature(const Manifest& manifest, const CryptKey& key) {
    const auto fingerprint = key.fingerprint();
    if (manifest.key_fingerprint && *manifest.key_fingerprint != fingerprint) {
        return Error{Errc::denied, "the snapshot needs the key " +
                                       short_fingerprint(*manifest.key_fingerprint) +
                                       ", and the given one is " + short_fingerprint(fingerprint)};
    }
    if (!manifest.signature) {
        return {};
    }
    const auto tag = key.authentication_tag(as_bytes(manifest.signed_text));
    if (CRYPTO_memcmp(tag.data(), manifest.signature->data(), tag.size()) != 0) {
        return corrupt_manifest("its signature was not made by the key " +
                                short_fingerprint(fingerprint));
    }
    return {};
}

bool proves_key(const Manifest& manifest, const CryptKey& key) {
    return manifest.key_fingerprint ? *manifest.key_fingerprint == key.fingerprint()
                                    : manifest.signature && check_signature(manifest, key);
}

Result<Bytes> without_verify_state(ByteView blob) {
    TL_TRY(auto json, manifest_json(blob));
    const auto unprotected = json.find("unprotected");
    if (unprotected == json.end() || !unprotected->is_object() ||
        unprotected->erase("verify_state") == 0) {
        return Bytes(blob.begin(), blob.end());
    }
    const auto text = json.dump(2, ' ', false, PbsJson::error_handler_t::replace);
    return plain_blob(as_bytes(text));
}

}  // namespace tapeloft::media
