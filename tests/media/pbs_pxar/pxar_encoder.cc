#include "tests/media/pbs_pxar/pxar_encoder.h"

#include <algorithm>
#include <array>

#include <sys/stat.h>

#include "media/pbs/pxar/pxar_format.h"
#include "media/pbs/pxar/sip_hash.h"

namespace tapeloft::media {
namespace {

namespace at = layout::pxar;

struct Child {
    std::uint64_t hash = 0;
    std::uint64_t position = 0;
    std::uint64_t end = 0;
};

class Encoder {
  public:
    explicit Encoder(TestForm form) : form_(form) {}

    TestArchive run(const TestNode& root) {
        if (form_ != TestForm::version_1) {
            Bytes version;
            append_number(version, 2);
            append_item(result_.archive, at::kFormatVersion, version);
            append_item(result_.archive, at::kPrelude, as_bytes("what the client says"));
        }
        if (form_ == TestForm::version_2_split) {
            append_item(result_.payload, at::kPayloadStart, {});
        }
        result_.positions[""] = result_.archive.size();
        object(root, "", result_.archive.size());
        result_.ends[""] = result_.archive.size();
        return std::move(result_);
    }

  private:
    void object(const TestNode& node, const std::string& path, std::uint64_t filename) {
        if (node.kind == FileKind::hardlink) {
            Bytes content;
            append_number(content, filename - result_.positions[node.target]);
            text(content, node.target);
            append_item(result_.archive, at::kHardlink, content);
            return;
        }
        const auto entry = result_.archive.size();
        attributes(node);
        switch (node.kind) {
            case FileKind::file:
                payload(node.content);
                break;
            case FileKind::symlink: {
                Bytes content;
                text(content, node.target);
                append_item(result_.archive, at::kSymlink, content);
                break;
            }
            case FileKind::block_device:
            case FileKind::character_device: {
                Bytes content;
                append_number(content, node.major);
                append_number(content, node.minor);
                append_item(result_.archive, at::kDevice, content);
                break;
            }
            case FileKind::directory:
                children(node, path, entry);
                break;
            default:
                break;
        }
    }

    static void text(Bytes& out, std::string_view content) {
        out.insert(out.end(), content.begin(), content.end());
        out.push_back(0);
    }

    void attributes(const TestNode& node) {
        static const std::map<FileKind, std::uint32_t> kTypes = {
            {FileKind::file, S_IFREG},
            {FileKind::directory, S_IFDIR},
            {FileKind::symlink, S_IFLNK},
            {FileKind::block_device, S_IFBLK},
            {FileKind::character_device, S_IFCHR},
            {FileKind::fifo, S_IFIFO},
            {FileKind::socket, S_IFSOCK}};
        const auto& from = node.attributes;
        Bytes content;
        append_number(content, kTypes.at(node.kind) | from.mode);
        append_number(content, from.flags);
        append_number(content, from.uid, 4);
        append_number(content, from.gid, 4);
        if (node.old_form) {
            append_number(content, static_cast<std::uint64_t>(from.mtime.seconds) * 1'000'000'000 +
                                       from.mtime.nanoseconds);
        } else {
            append_number(content, static_cast<std::uint64_t>(from.mtime.seconds));
            append_number(content, from.mtime.nanoseconds);
        }
        append_item(result_.archive, node.old_form ? at::kEntryV1 : at::kEntry, content);
        for (const auto& xattr : from.xattrs) {
            Bytes item;
            text(item, xattr.name);
            item.insert(item.end(), xattr.value.begin(), xattr.value.end());
            append_item(result_.archive, at::kXattr, item);
        }
        permissions(at::kAclUser, from.acl.users);
        permissions(at::kAclGroup, from.acl.groups);
        if (from.acl.group_object) {
            numbers(at::kAclGroupObject, {*from.acl.group_object});
        }
        if (from.default_acl) {
            const auto& acl = *from.default_acl;
            numbers(at::kAclDefault, {acl.user_object, acl.group_object, acl.other,
                                      acl.mask ? std::uint64_t{*acl.mask} : ~std::uint64_t{0}});
            permissions(at::kAclDefaultUser, acl.users);
            permissions(at::kAclDefaultGroup, acl.groups);
        }
        if (from.capability) {
            append_item(result_.archive, at::kCapability, *from.capability);
        }
        if (from.quota_project) {
            numbers(at::kQuotaProject, {*from.quota_project});
        }
    }

    void numbers(std::uint64_t type, const std::vector<std::uint64_t>& values) {
        Bytes item;
        for (const auto value : values) {
            append_number(item, value);
        }
        append_item(result_.archive, type, item);
    }

    void permissions(std::uint64_t type, const std::vector<AclPermission>& list) {
        for (const auto& entry : list) {
            numbers(type, {entry.id, entry.permissions});
        }
    }

    void payload(const Bytes& content) {
        if (form_ != TestForm::version_2_split) {
            append_item(result_.archive, at::kPayload, content);
            return;
        }
        numbers(at::kPayloadRef, {result_.payload.size(), content.size()});
        append_item(result_.payload, at::kPayload, content);
    }

    void children(const TestNode& node, const std::string& path, std::uint64_t entry) {
        std::vector<Child> table;
        for (const auto& child : node.children) {
            const auto inner = path.empty() ? child.name : path + "/" + child.name;
            const auto position = result_.archive.size();
            result_.positions[inner] = position;
            Bytes name;
            text(name, child.name);
            append_item(result_.archive, at::kFilename, name);
            object(child, inner, position);
            result_.ends[inner] = result_.archive.size();
            table.push_back(
                {sip_hash_2_4(at::goodbye::kHashKey0, at::goodbye::kHashKey1, as_bytes(child.name)),
                 position, result_.archive.size()});
        }
        std::ranges::stable_sort(table, {}, &Child::hash);
        std::vector<Child> slots(table.size());
        std::size_t next = 0;
        place(slots, table, 0, next);
        const auto start = result_.archive.size();
        Bytes goodbye;
        for (const auto& child : slots) {
            append_number(goodbye, child.hash);
            append_number(goodbye, start - child.position);
            append_number(goodbye, child.end - child.position);
        }
        append_number(goodbye, at::goodbye::kTail);
        append_number(goodbye, start - entry);
        append_number(goodbye, goodbye.size() + 8 + kPxarHeaderSize);
        append_item(result_.archive, at::kGoodbye, goodbye);
    }

    /// In order through the slots of the tree.
    static void place(std::vector<Child>& slots, const std::vector<Child>& sorted, std::size_t slot,
                      std::size_t& next) {
        if (slot < slots.size()) {
            place(slots, sorted, 2 * slot + 1, next);
            slots[slot] = sorted[next++];
            place(slots, sorted, 2 * slot + 2, next);
        }
    }

    TestForm form_;
    TestArchive result_;
};

}  // namespace

TestNode file_node(std::string name, std::string_view content) {
    TestNode node;
    node.name = std::move(name);
    node.attributes.mode = 0644;
    node.attributes.mtime = {1'717'571'064, 5};
    node.content.assign(content.begin(), content.end());
    return node;
}

TestNode directory_node(std::string name, std::vector<TestNode> children) {
    TestNode node;
    node.name = std::move(name);
    node.kind = FileKind::directory;
    node.attributes.mode = 0755;
    node.attributes.mtime = {1'717'571'000, 7};
    node.children = std::move(children);
    return node;
}

TestNode link_node(std::string name, FileKind kind, std::string target) {
    TestNode node;
    node.name = std::move(name);
    node.kind = kind;
    node.attributes.mode = 0777;
    node.target = std::move(target);
    return node;
}

TestArchive encode_pxar(const TestNode& root, TestForm form) {
    return Encoder(form).run(root);
}

void append_item(Bytes& out, std::uint64_t type, ByteView content) {
    append_number(out, type);
    append_number(out, content.size() + kPxarHeaderSize);
    out.insert(out.end(), content.begin(), content.end());
}

}  // namespace tapeloft::media
