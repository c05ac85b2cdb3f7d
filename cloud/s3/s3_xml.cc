#include "cloud/s3/s3_xml.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <pugixml.hpp>

#include "cloud/base/percent.h"
#include "cloud/base/timestamps.h"

namespace tapeloft::s3 {
namespace {

/// The root, whatever its namespace prefix. No DTD is read and no entity of one is expanded.
pugi::xml_node root_of(pugi::xml_document& document, ByteView xml) {
    const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default);
    return parsed ? document.document_element() : pugi::xml_node();
}

Error unexpected(std::string_view wanted) {
    return {Errc::transient, "the store's answer is no " + std::string(wanted)};
}

/// encoding-type=url: some write a blank as "+".
std::string url_decoded(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (const auto byte = percent_byte(text.substr(i))) {
            result += static_cast<char>(*byte);
            i += 2;
        } else {
            result += text[i] == '+' ? ' ' : text[i];
        }
    }
    return result;
}

std::string xml_text(const pugi::xml_document& document) {
    std::ostringstream out;
    document.save(out, "", pugi::format_raw);
    return out.str();
}

}  // namespace

Result<ListedKeys> parse_list(ByteView xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    const std::string_view truncated = root.child_value("IsTruncated");
    if (std::string_view(root.name()) != "ListBucketResult" ||
        (truncated != "true" && truncated != "false")) {
        return unexpected("list");
    }
    ListedKeys list;
    list.truncated = truncated == "true";
    const bool decode = std::string_view(root.child_value("EncodingType")) == "url";
    for (const auto& entry : root.children("Contents")) {
        const std::string_view key = entry.child_value("Key");
        const std::string_view size = entry.child_value("Size");
        ListedKey row{decode ? url_decoded(key) : std::string(key), 0};
        const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), row.size);
        if (key.empty() || error != std::errc() || end != size.data() + size.size()) {
            return unexpected("list of keys with sizes");
        }
        list.keys.push_back(std::move(row));
    }
    return list;
}

Result<ListedUploads> parse_uploads(ByteView xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    if (std::string_view(root.name()) != "ListMultipartUploadsResult") {
        return unexpected("list of uploads in parts");
    }
    ListedUploads list;
    for (const auto& entry : root.children("Upload")) {
        if (const auto begun = parse_iso_time(entry.child_value("Initiated"))) {
            list.uploads.push_back(
                {entry.child_value("Key"), entry.child_value("UploadId"), *begun});
        }
    }
    if (std::string_view(root.child_value("IsTruncated")) == "true") {
        list.next = {root.child_value("NextKeyMarker"), root.child_value("NextUploadIdMarker")};
    }
    return list;
}

Result<std::string> parse_upload_id(ByteView xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    std::string id = root.child_value("UploadId");
    if (std::string_view(root.name()) != "InitiateMultipartUploadResult" || id.empty()) {
        return unexpected("begin of an upload in parts");
    }
    return id;
}

Result<void> parse_completed(ByteView xml, std::string_view what) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    if (std::string_view(root.name()) == "Error") {
        return error_of(parse_error(xml), what);
    }
    return std::string_view(root.name()) == "CompleteMultipartUploadResult"
               ? Result<void>()
               : unexpected("end of an upload in parts");
}

Result<bool> parse_has_version(ByteView xml, std::string_view key) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    if (std::string_view(root.name()) != "ListVersionsResult") {
        return unexpected("list of versions");
    }
    const auto versions = root.children("Version");
    return std::any_of(versions.begin(), versions.end(),
                       [&](const auto& entry) { return entry.child_value("Key") == key; });
}

bool parse_lock_enabled(ByteView xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    return std::string_view(root.name()) == "ObjectLockConfiguration" &&
           std::string_view(root.child_value("ObjectLockEnabled")) == "Enabled";
}

Refusal parse_error(ByteView xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    Refusal refusal;
    if (std::string_view(root.name()) == "Error") {
        refusal.code = root.child_value("Code");
        refusal.message = root.child_value("Message");
        refusal.region = root.child_value("Region");
        refusal.request_id = root.child_value("RequestId");
    }
    return refusal;
}

Result<void> parse_deleted(ByteView xml) {
    pugi::xml_document document;
    const auto root = root_of(document, xml);
    if (std::string_view(root.name()) == "Error") {
        return error_of(parse_error(xml), "remove objects");
    }
    if (std::string_view(root.name()) != "DeleteResult") {
        return unexpected("removal of objects");
    }
    for (const auto& entry : root.children("Error")) {
        Refusal refusal;
        refusal.code = entry.child_value("Code");
        refusal.message = entry.child_value("Message");
        if (refusal.code != "NoSuchKey") {
            return error_of(refusal, "remove " + std::string(entry.child_value("Key")));
        }
    }
    return {};
}

std::string delete_body(const std::vector<std::string>& keys) {
    pugi::xml_document document;
    auto root = document.append_child("Delete");
    root.append_attribute("xmlns").set_value("http://s3.amazonaws.com/doc/2006-03-01/");
    root.append_child("Quiet").text().set("true");
    for (const auto& key : keys) {
        root.append_child("Object").append_child("Key").text().set(key.c_str());
    }
    return xml_text(document);
}

std::string retention_body(const std::string& mode, std::int64_t until_unix_s) {
    pugi::xml_document document;
    auto root = document.append_child("Retention");
    root.append_attribute("xmlns").set_value("http://s3.amazonaws.com/doc/2006-03-01/");
    root.append_child("Mode").text().set(mode.c_str());
    root.append_child("RetainUntilDate").text().set(iso_time(until_unix_s).c_str());
    return xml_text(document);
}

std::string complete_body(const std::vector<std::string>& etags) {
    pugi::xml_document document;
    auto root = document.append_child("CompleteMultipartUpload");
    for (std::size_t i = 0; i < etags.size(); ++i) {
        auto part = root.append_child("Part");
        part.append_child("PartNumber").text().set(static_cast<unsigned long long>(i + 1));
        part.append_child("ETag").text().set(etags[i].c_str());
    }
    return xml_text(document);
}

}  // namespace tapeloft::s3
