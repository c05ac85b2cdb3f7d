#include "tests/media/pbs_pxar/golden.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>

#include <openssl/evp.h>
#include <zstd.h>

#include "cloud/base/contract.h"
#include "cloud/base/digest.h"
#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

constexpr const char* kFolder = TAPELOFT_TESTS_PATH "/golden/pbs-tape/pxar/";

Bytes file_content(const std::string& name) {
    std::ifstream file(kFolder + name, std::ios::binary);
    TL_ASSERT(file.good());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Golden {
    Bytes archives;
    nlohmann::json files;
    nlohmann::json listings;

    Golden() {
        const auto packed = file_content("archives.zst");
        archives.resize(ZSTD_getFrameContentSize(packed.data(), packed.size()));
        const auto size =
            ZSTD_decompress(archives.data(), archives.size(), packed.data(), packed.size());
        TL_ASSERT(size == archives.size());
        const auto json = nlohmann::json::parse(file_content("listings.json"));
        files = json.at("files");
        listings = json.at("listings");
    }
};

const Golden& golden() {
    static const Golden content;
    return content;
}

std::string octal(std::uint32_t mode) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
    return text.data();
}

}  // namespace

std::vector<std::string> golden_names() {
    std::vector<std::string> names;
    for (const auto& file : golden().files) {
        const auto name = file.at("name").get<std::string>();
        if (name.ends_with(".pxar")) {
            names.push_back(name.substr(0, name.size() - 5));
        }
    }
    return names;
}

std::vector<GoldenCatalog> golden_catalogs() {
    std::vector<GoldenCatalog> catalogs;
    for (const auto& file : golden().files) {
        if (!file.contains("archives")) {
            continue;
        }
        GoldenCatalog catalog;
        catalog.name = file.at("name").get<std::string>();
        catalog.entries = file.at("entries").get<std::size_t>();
        for (const auto& archive : file.at("archives")) {
            catalog.archives.emplace_back(archive.at("name").get<std::string>(),
                                          archive.at("listing").get<std::string>());
        }
        catalogs.push_back(std::move(catalog));
    }
    return catalogs;
}

Bytes golden_file(const std::string& name) {
    for (const auto& file : golden().files) {
        if (file.at("name") == name) {
            const auto begin = golden().archives.begin() + file.at("offset").get<std::ptrdiff_t>();
            return {begin, begin + file.at("size").get<std::ptrdiff_t>()};
        }
    }
    TL_ASSERT(false);
    return {};
}

std::vector<nlohmann::json> golden_listing(const std::string& name) {
    std::vector<nlohmann::json> entries;
    for (auto entry : golden().listings.at(name)) {
        entry.erase("generated_by_client");
        if (entry.contains("path_hex")) {
            const auto digits = entry.at("path_hex").get<std::string>();
            Bytes path(digits.size() / 2);
            TL_ASSERT(from_hex(digits, path));
            entry["path"] = std::string(as_text(path));
            entry.erase("path_hex");
        }
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::string type_name(FileKind kind) {
    static const std::map<FileKind, std::string> kNames = {
        {FileKind::file, "file"},
        {FileKind::directory, "directory"},
        {FileKind::symlink, "symlink"},
        {FileKind::hardlink, "hardlink"},
        {FileKind::block_device, "blockdev"},
        {FileKind::character_device, "chardev"},
        {FileKind::fifo, "fifo"},
        {FileKind::socket, "socket"},
    };
    return kNames.at(kind);
}

nlohmann::json describe_acl(const std::vector<AclEntry>& list) {
    static const std::map<AclTag, std::string> kNames = {
        {AclTag::user_object, "user_obj"},
        {AclTag::user, "user"},
        {AclTag::group_object, "group_obj"},
        {AclTag::group, "group"},
        {AclTag::mask, "mask"},
        {AclTag::other, "other"},
    };
    auto json = nlohmann::json::array();
    for (const auto& entry : list) {
        nlohmann::json one = {{"tag", kNames.at(entry.tag)}, {"perm", entry.permissions}};
        if (entry.tag == AclTag::user || entry.tag == AclTag::group) {
            one["id"] = entry.id;
        }
        json.push_back(std::move(one));
    }
    return json;
}

nlohmann::json describe(const PxarEntry& entry) {
    nlohmann::json json = {{"path", entry.path.empty() ? "." : entry.path},
                           {"type", type_name(entry.kind)}};
    if (!entry.target.empty()) {
        json["target"] = entry.target;
    }
    if (entry.kind == FileKind::hardlink) {
        return json;
    }
    const auto& attributes = entry.attributes;
    json["mode"] = octal(attributes.mode);
    json["uid"] = attributes.uid;
    json["gid"] = attributes.gid;
    json["mtime"] = attributes.mtime.seconds;
    json["mtime_nanos"] = attributes.mtime.nanoseconds;
    if (entry.kind == FileKind::file) {
        json["size"] = entry.size;
    }
    if (entry.kind == FileKind::block_device || entry.kind == FileKind::character_device) {
        json["device"] = {entry.major, entry.minor};
    }
    if (attributes.flags != 0) {
        json["flags"] = attributes.flags;
    }
    for (const auto& xattr : attributes.xattrs) {
        json["xattrs_base64"][xattr.name] = base64(xattr.value);
    }
    if (const auto list = access_acl(attributes); !list.empty()) {
        json["acl_access"] = describe_acl(list);
    }
    if (const auto list = default_acl(attributes); !list.empty()) {
        json["acl_default"] = describe_acl(list);
    }
    if (attributes.capability) {
        json["fcaps_base64"] = base64(*attributes.capability);
    }
    return json;
}

std::string base64(ByteView bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(),
                                     static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::string sha256_hex(ByteView bytes) {
    return to_hex(digest(DigestAlgorithm::sha256, std::span(&bytes, 1)));
}

std::string text_of(const nlohmann::json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tapeloft::media
