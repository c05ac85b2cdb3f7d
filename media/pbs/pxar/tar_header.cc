#include "media/pbs/pxar/tar_header.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace tapeloft::media {
namespace {

struct Field {
    std::size_t offset;
    std::size_t size;
};

/// POSIX.1-2017, pax, "ustar Interchange Format".
namespace ustar {
constexpr Field kName = {0, 100};
constexpr Field kMode = {100, 8};
constexpr Field kUid = {108, 8};
constexpr Field kGid = {116, 8};
constexpr Field kSize = {124, 12};
constexpr Field kMtime = {136, 12};
constexpr Field kChecksum = {148, 8};
constexpr Field kTypeFlag = {156, 1};
constexpr Field kLinkName = {157, 100};
constexpr Field kMagic = {257, 8};
constexpr Field kMajor = {329, 8};
constexpr Field kMinor = {337, 8};
}  // namespace ustar

constexpr std::array<std::pair<FileKind, char>, 7> kTypeFlags = {{
    {FileKind::file, '0'},
    {FileKind::hardlink, '1'},
    {FileKind::symlink, '2'},
    {FileKind::character_device, '3'},
    {FileKind::block_device, '4'},
    {FileKind::directory, '5'},
    {FileKind::fifo, '6'},
}};

void put_text(MutableByteView block, Field field, std::string_view text) {
    const auto size = std::min(field.size, text.size());
    std::copy_n(text.begin(), size, block.begin() + static_cast<std::ptrdiff_t>(field.offset));
}

/// Octal digits of a field, which ends with a NUL.
bool fits(Field field, std::uint64_t value) {
    return value >> (3 * (field.size - 1)) == 0;
}

void put_number(MutableByteView block, Field field, std::uint64_t value) {
    for (auto i = field.size - 1; i-- > 0;) {
        block[field.offset + i] = static_cast<std::uint8_t>('0' + (value & 7U));
        value >>= 3U;
    }
}

void finish(MutableByteView block) {
    put_text(block, ustar::kMagic, std::string_view("ustar\00000", 8));
    put_text(block, ustar::kChecksum, "        ");
    std::uint64_t sum = 0;
    for (const auto byte : block) {
        sum += byte;
    }
    put_number(block, {ustar::kChecksum.offset, 7}, sum);
    block[ustar::kChecksum.offset + 6] = 0;
}

/// "<length of all of it> <key>=<value>\n".
void add_record(std::string& records, std::string_view key, std::string_view value) {
    const auto rest = key.size() + value.size() + 3;
    auto length = rest + 1;
    while (length != rest + std::to_string(length).size()) {
        length = rest + std::to_string(length).size();
    }
    records += std::to_string(length) + " ";
    records.append(key).append("=").append(value).append("\n");
}

std::string time_text(const FileTime& time) {
    auto seconds = time.seconds;
    auto nanoseconds = time.nanoseconds;
    const bool negative = seconds < 0;
    if (negative && nanoseconds != 0) {
        ++seconds;
        nanoseconds = 1'000'000'000 - nanoseconds;
    }
    // The magnitude: that of the least number does not fit into the type.
    auto text = std::to_string(negative ? 0 - static_cast<std::uint64_t>(seconds)
                                        : static_cast<std::uint64_t>(seconds));
    if (negative) {
        text.insert(0, "-");
    }
    if (nanoseconds != 0) {
        auto digits = std::to_string(nanoseconds);
        text += "." + std::string(9 - digits.size(), '0') + digits;
    }
    return text;
}

/// A key ends at the first '='; so GNU tar and star write it this way.
std::string xattr_key(const std::string& name) {
    std::string key = "SCHILY.xattr.";
    for (const char byte : name) {
        if (byte == '=' || byte == '%') {
            key += byte == '=' ? "%3D" : "%25";
        } else {
            key += byte;
        }
    }
    return key;
}

void add_attribute_records(std::string& records, const FileAttributes& attributes) {
    for (const auto& xattr : attributes.xattrs) {
        add_record(records, xattr_key(xattr.name), as_text(xattr.value));
    }
    if (attributes.capability) {
        add_record(records, "SCHILY.xattr.security.capability", as_text(*attributes.capability));
    }
    if (const auto list = access_acl(attributes); !list.empty()) {
        add_record(records, "SCHILY.acl.access", acl_text(list));
    }
    if (const auto list = default_acl(attributes); !list.empty()) {
        add_record(records, "SCHILY.acl.default", acl_text(list));
    }
}

/// The number in its field if that can hold it, else 0 there and a record.
void put_or_record(MutableByteView block, Field field, std::uint64_t value, std::string_view key,
                   std::string& records) {
    const bool good = fits(field, value);
    put_number(block, field, good ? value : 0);
    if (!good) {
        add_record(records, key, std::to_string(value));
    }
}

void put_or_record(MutableByteView block, Field field, std::string_view text, std::string_view key,
                   std::string& records) {
    put_text(block, field, text);
    if (text.size() > field.size) {
        add_record(records, key, text);
    }
}

void put_time(MutableByteView block, const FileTime& time, std::string& records) {
    const bool good = time.seconds >= 0 && time.nanoseconds == 0 &&
                      fits(ustar::kMtime, static_cast<std::uint64_t>(time.seconds));
    put_number(block, ustar::kMtime, good ? static_cast<std::uint64_t>(time.seconds) : 0);
    if (!good) {
        add_record(records, "mtime", time_text(time));
    }
}

void append_padded(Bytes& bytes, ByteView more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    bytes.resize((bytes.size() + kTarBlock - 1) / kTarBlock * kTarBlock);
}

Bytes record_header(std::size_t size) {
    Bytes block(kTarBlock);
    put_text(block, ustar::kName, "././@PaxHeader");
    put_number(block, ustar::kMode, 0644);
    put_number(block, ustar::kUid, 0);
    put_number(block, ustar::kGid, 0);
    put_number(block, ustar::kSize, size);
    put_number(block, ustar::kMtime, 0);
    put_text(block, ustar::kTypeFlag, "x");
    finish(block);
    return block;
}

}  // namespace

Bytes tar_header(const PxarEntry& entry) {
    const auto* type = std::ranges::find(kTypeFlags, entry.kind, &std::pair<FileKind, char>::first);
    TL_ASSERT(type != kTypeFlags.end());
    Bytes block(kTarBlock);
    std::string records;
    auto name = "./" + entry.path;
    if (entry.kind == FileKind::directory && !entry.path.empty()) {
        name += "/";
    }
    const auto& attributes = entry.attributes;
    const auto link = (entry.kind == FileKind::hardlink ? "./" : "") + entry.target;
    put_or_record(block, ustar::kName, name, "path", records);
    put_number(block, ustar::kMode, attributes.mode & 07777U);
    put_or_record(block, ustar::kUid, attributes.uid, "uid", records);
    put_or_record(block, ustar::kGid, attributes.gid, "gid", records);
    put_or_record(block, ustar::kSize, entry.size, "size", records);
    put_time(block, attributes.mtime, records);
    put_text(block, ustar::kTypeFlag, std::string_view(&type->second, 1));
    put_or_record(block, ustar::kLinkName, link, "linkpath", records);
    put_number(block, ustar::kMajor, entry.major);
    put_number(block, ustar::kMinor, entry.minor);
    add_attribute_records(records, attributes);
    finish(block);
    Bytes header;
    if (!records.empty()) {
        header = record_header(records.size());
        append_padded(header, as_bytes(records));
    }
    append_padded(header, block);
    return header;
}

std::string acl_text(const std::vector<AclEntry>& list) {
    static constexpr std::array<std::pair<AclTag, std::string_view>, 6> kTags = {{
        {AclTag::user_object, "user"},
        {AclTag::user, "user"},
        {AclTag::group_object, "group"},
        {AclTag::group, "group"},
        {AclTag::mask, "mask"},
        {AclTag::other, "other"},
    }};
    std::string text;
    for (const auto& entry : list) {
        const auto* tag =
            std::ranges::find(kTags, entry.tag, &std::pair<AclTag, std::string_view>::first);
        text += text.empty() ? "" : ",";
        text.append(tag->second).append(":");
        if (entry.tag == AclTag::user || entry.tag == AclTag::group) {
            text += std::to_string(entry.id);
        }
        text += ":";
        for (std::size_t i = 0; i < 3; ++i) {
            text += (entry.permissions & (4U >> i)) != 0 ? "rwx"[i] : '-';
        }
    }
    return text;
}

}  // namespace tapeloft::media
