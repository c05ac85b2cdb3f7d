#include "media/pbs/pxar/pcat1.h"

#include <map>

#include <gtest/gtest.h>

#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/media/pbs_pxar/pxar_world.h"

namespace tapeloft::media {
namespace {

struct CatalogWalk {
    std::vector<ListedFile> files;
    Result<void> end;
};

CatalogWalk walk_catalog(CatalogReader& reader, const std::string& path) {
    CatalogWalk walk;
    walk.end = run(reader.begin(path));
    while (walk.end) {
        auto file = run(reader.next_of_all());
        if (!file) {
            walk.end = file.error();
        } else if (!*file) {
            break;
        } else {
            walk.files.push_back(std::move(**file));
        }
    }
    return walk;
}

/// What a catalog knows of an entry.
nlohmann::json known(const nlohmann::json& entry) {
    nlohmann::json json = {{"type", entry.at("type")}};
    if (entry.at("type") == "file") {
        json["size"] = entry.at("size");
        json["mtime"] = entry.at("mtime");
    }
    return json;
}

TEST(FileCatalog, HoldsEveryFileOfEveryArchiveOfTheFixture) {
    for (const auto& golden : golden_catalogs()) {
        SCOPED_TRACE(golden.name);
        MemorySource source(golden_file(golden.name));
        CatalogReader reader(source);
        ASSERT_TRUE(run(reader.open()).has_value());
        const auto walk = walk_catalog(reader, "");
        ASSERT_TRUE(walk.end.has_value()) << walk.end.error().message;
        EXPECT_EQ(walk.files.size(), golden.entries);
        std::map<std::string, nlohmann::json> found;
        for (const auto& file : walk.files) {
            nlohmann::json json = {{"type", type_name(file.kind)}};
            if (file.kind == FileKind::file) {
                json["size"] = file.size.value();
                json["mtime"] = file.mtime.value().seconds;
            }
            found[file.path] = json;
        }
        std::size_t expected = 0;
        for (const auto& [archive, listing] : golden.archives) {
            for (const auto& entry : golden_listing(listing)) {
                const auto path = entry.at("path").get<std::string>();
                const auto full = path == "." ? archive : archive + "/" + path;
                EXPECT_EQ(found[full], known(entry)) << text_of(entry);
                ++expected;
            }
        }
        EXPECT_EQ(found.size(), expected);
    }
}

TEST(FileCatalog, ListsOneDirectory) {
    MemorySource source(golden_file("tree1.pcat1"));
    CatalogReader reader(source);
    ASSERT_TRUE(run(reader.open()).has_value());
    auto cursor = run(reader.directory("root.pxar.didx/links"));
    ASSERT_TRUE(cursor.has_value()) << cursor.error().message;
    std::vector<std::string> expected;
    for (const auto& entry : golden_listing("tree1")) {
        const auto path = entry.at("path").get<std::string>();
        if (path.starts_with("links/") && path.find('/', 6) == std::string::npos) {
            expected.push_back("root.pxar.didx/" + path);
        }
    }
    std::vector<std::string> found;
    while (true) {
        const auto entry = run(cursor->next());
        ASSERT_TRUE(entry.has_value());
        if (!*entry) {
            break;
        }
        found.push_back((*entry)->file.path);
    }
    EXPECT_EQ(found, expected);
    EXPECT_EQ(run(reader.directory("root.pxar.didx/nowhere")).error().code, Errc::not_found);
    EXPECT_EQ(run(reader.directory("root.pxar.didx/empty")).error().code, Errc::precondition);
}

Bytes known_catalog() {
    Bytes bytes = {0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5, 0x0f, 0x01, 0x66, 0x05,
                   0x68, 0x6f, 0x73, 0x74, 0x73, 0xdc, 0x01, 0xf8, 0x9b, 0x80, 0xb3, 0x06,
                   0x0c, 0x02, 0x64, 0x03, 0x65, 0x74, 0x63, 0x10, 0x6c, 0x03, 0x62, 0x69,
                   0x6e, 0x12, 0x01, 0x64, 0x0e, 0x72, 0x6f, 0x6f, 0x74, 0x2e, 0x70, 0x78,
                   0x61, 0x72, 0x2e, 0x64, 0x69, 0x64, 0x78, 0x0d};
    append_number(bytes, 37);
    return bytes;
}

TEST(FileCatalog, ReadsTheKnownOne) {
    MemorySource source(known_catalog());
    CatalogReader reader(source);
    ASSERT_TRUE(run(reader.open()).has_value());
    const auto walk = walk_catalog(reader, "");
    ASSERT_TRUE(walk.end.has_value()) << walk.end.error().message;
    ASSERT_EQ(walk.files.size(), 4U);
    EXPECT_EQ(walk.files[2].path, "root.pxar.didx/etc/hosts");
    EXPECT_EQ(walk.files[2].size, 220U);
    EXPECT_EQ(walk.files[2].mtime, (FileTime{1'717'571'064, 0}));
    EXPECT_EQ(walk.files[3].kind, FileKind::symlink);
}

TEST(FileCatalog, ReadsTimesOfAllSigns) {
    // The last bytes are i-varints: -1, -64, -300, the least and the greatest number.
    const std::vector<std::pair<Bytes, std::int64_t>> times = {
        {{0x81, 0x00}, -1},
        {{0xc0, 0x00}, -64},
        {{0xac, 0x82, 0x00}, -300},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x00}, INT64_MIN},
        {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, INT64_MAX},
        {{0x00}, 0},
    };
    for (const auto& [varint, seconds] : times) {
        Bytes block = {0x01, 'f', 0x01, 'x', 0x00};
        block.insert(block.end(), varint.begin(), varint.end());
        Bytes bytes = {0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5};
        bytes.push_back(static_cast<std::uint8_t>(block.size()));
        bytes.insert(bytes.end(), block.begin(), block.end());
        append_number(bytes, 8);
        MemorySource source(bytes);
        CatalogReader reader(source);
        ASSERT_TRUE(run(reader.open()).has_value());
        const auto walk = walk_catalog(reader, "");
        ASSERT_TRUE(walk.end.has_value()) << walk.end.error().message;
        EXPECT_EQ(walk.files.at(0).mtime->seconds, seconds);
    }
}

TEST(FileCatalog, OfDirectoriesThatHoldOneAnotherHasAnEnd) {
    // 60 blocks with two entries each that lead to the same block before: 2^60 paths.
    Bytes bytes = {0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5};
    auto block = bytes.size();
    bytes.insert(bytes.end(), {0x01, 0x00});
    for (int i = 0; i < 60; ++i) {
        const auto back = static_cast<std::uint8_t>(bytes.size() - block);
        block = bytes.size();
        bytes.insert(bytes.end(), {0x09, 0x02, 'd', 0x01, 'a', back, 'd', 0x01, 'b', back});
    }
    append_number(bytes, block);
    MemorySource source(bytes);
    CatalogReader reader(source);
    ASSERT_TRUE(run(reader.open()).has_value());
    const auto walk = walk_catalog(reader, "");
    ASSERT_FALSE(walk.end.has_value());
    EXPECT_EQ(walk.end.error().code, Errc::corrupt);
    EXPECT_LE(walk.files.size(), bytes.size());
}

}  // namespace
}  // namespace tapeloft::media
