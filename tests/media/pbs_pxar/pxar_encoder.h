// Writes pxar archives, sound ones and others, for tests.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/pxar/pxar_entry.h"

#include "tests/media/append_number.h"

namespace tapeloft::media {

struct TestNode {
    std::string name;  ///< written as it is, whatever it is
    FileKind kind = FileKind::file;
    FileAttributes attributes;  ///< mode: permissions only
    Bytes content;              ///< of a file
    std::string target;         ///< of a symlink or hardlink
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    std::vector<TestNode> children;
    bool old_form = false;  ///< ENTRY of version 1
};

[[nodiscard]] TestNode file_node(std::string name, std::string_view content);
[[nodiscard]] TestNode directory_node(std::string name, std::vector<TestNode> children = {});
[[nodiscard]] TestNode link_node(std::string name, FileKind kind, std::string target);

struct TestArchive {
    Bytes archive;  ///< or the metadata stream
    Bytes payload;
    /// Of FILENAME (root: ENTRY), by path.
    std::map<std::string, std::uint64_t> positions;
    /// Behind all of it, by path.
    std::map<std::string, std::uint64_t> ends;
};

enum class TestForm : std::uint8_t { version_1, version_2_one_stream, version_2_split };

[[nodiscard]] TestArchive encode_pxar(const TestNode& root, TestForm form = TestForm::version_1);

void append_item(Bytes& out, std::uint64_t type, ByteView content);

}  // namespace tapeloft::media
