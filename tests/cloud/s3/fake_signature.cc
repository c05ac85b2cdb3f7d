#include "tests/cloud/s3/fake_signature.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <regex>
#include <set>
#include <sstream>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "cloud/base/timestamps.h"

namespace tapeloft::tests {
namespace {

std::string evp(const EVP_MD* type, std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, type, nullptr);
    return {out.begin(), out.begin() + size};
}

std::string mac(std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    const std::vector<unsigned char> data(text.begin(), text.end());
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data.data(), data.size(),
         out.data(), &size);
    return {out.begin(), out.begin() + size};
}

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, at);) {
        parts.push_back(part);
    }
    return parts;
}

/// What is sent must be in canonical form already: that is what is signed.
std::string wrong_form(const std::string& path, const std::string& query) {
    static const std::regex kPath("(/|[A-Za-z0-9._~-]|%[0-9A-F]{2})*");
    static const std::regex kQuery(
        "(([A-Za-z0-9._~-]|%[0-9A-F]{2})+=([A-Za-z0-9._~-]|%[0-9A-F]{2})*"
        "(&|$))*");
    static const std::regex kNeedless("%(2D|2E|5F|7E|3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])");
    if (!std::regex_match(path, kPath) || std::regex_search(path, kNeedless)) {
        return "InvalidURI the path is not encoded as S3 has it: " + path;
    }
    if (!std::regex_match(query, kQuery) || std::regex_search(query, kNeedless)) {
        return "InvalidURI the query is not encoded as S3 has it: " + query;
    }
    const auto pairs = split(query, '&');
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& pair : pairs) {
        rows.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    }
    return std::is_sorted(rows.begin(), rows.end()) ? "" : "InvalidURI the query is not sorted";
}

std::string not_covered(const SeenRequest& request, const std::vector<std::string>& names) {
    const std::set<std::string> covered(names.begin(), names.end());
    if (!std::is_sorted(names.begin(), names.end()) || covered.size() != names.size()) {
        return "SignatureDoesNotMatch the signed headers are not in order";
    }
    for (const auto& [name, value] : request.headers) {
        const bool must = name == "host" || name.starts_with("x-amz-") || name == "content-md5" ||
                          name == "range" || name == "if-none-match";
        if (must && !covered.contains(name)) {
            return "SignatureDoesNotMatch " + name + " is not signed";
        }
    }
    for (const auto& name : names) {
        if (request.headers.count(name) != 1) {
            return "SignatureDoesNotMatch " + name + " is signed and not sent once";
        }
    }
    return "";
}

std::string wrong_payload(const SeenRequest& request) {
    const auto said = request.header("x-amz-content-sha256");
    if (said != "UNSIGNED-PAYLOAD" && said != lower_hex(sha256_of(request.body))) {
        return "XAmzContentSHA256Mismatch " + said;
    }
    const auto md5 = request.header("content-md5");
    return md5.empty() || md5 == base64_of(md5_of(request.body)) ? "" : "BadDigest " + md5;
}

std::string wrong_time(const std::string& date, std::int64_t now_unix_s) {
    if (date.size() != 16) {
        return "AccessDenied x-amz-date " + date;
    }
    const auto iso = date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 5) + ":" +
                     date.substr(11, 2) + ":" + date.substr(13);
    const auto time = parse_iso_time(iso);
    if (!time) {
        return "AccessDenied x-amz-date " + iso;
    }
    return std::abs(*time - now_unix_s) > 900 ? "RequestTimeTooSkewed " + date : "";
}

}  // namespace

std::string lower_hex(std::string_view bytes) {
    std::ostringstream out;
    for (const auto c : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        out << kDigits[byte >> 4U] << kDigits[byte & 15U];
    }
    return out.str();
}

std::string sha256_of(std::string_view bytes) {
    return evp(EVP_sha256(), bytes);
}

std::string md5_of(std::string_view bytes) {
    return evp(EVP_md5(), bytes);
}

std::string base64_of(std::string_view bytes) {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            const auto byte = i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U;
            group = group << 8U | byte;
        }
        for (std::size_t j = 0; j < 4; ++j) {
            text += i + j <= bytes.size() ? kLetters[group >> (18 - 6 * j) & 63U] : '=';
        }
    }
    return text;
}

std::string percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() + 0) {
            decoded +=
                static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

std::string check_signature(const SeenRequest& request, const SignatureKeys& keys,
                            std::int64_t now_unix_s) {
    static const std::regex kForm(
        "AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]+)/s3/aws4_request, "
        "SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})");
    const auto header = request.header("authorization");
    std::smatch parts;
    if (!std::regex_match(header, parts, kForm)) {
        return "AuthorizationHeaderMalformed the header Authorization";
    }
    if (parts[1] != keys.access_key_id) {
        return "InvalidAccessKeyId " + parts[1].str();
    }
    if (parts[3] != keys.region) {
        return "AuthorizationHeaderMalformed the region is " + keys.region;
    }
    const auto date = request.header("x-amz-date");
    const auto names = split(parts[4], ';');
    const auto question = std::min(request.target.find('?'), request.target.size());
    const auto path = request.target.substr(0, question);
    const auto query = question == request.target.size() ? "" : request.target.substr(question + 1);
    for (const auto& wrong : {wrong_time(date, now_unix_s), wrong_form(path, query),
                              not_covered(request, names), wrong_payload(request)}) {
        if (!wrong.empty()) {
            return wrong;
        }
    }
    std::string lines = request.method + "\n" + path + "\n" + query + "\n";
    for (const auto& name : names) {
        lines +=
            name + ":" + std::regex_replace(request.header(name), std::regex(" +"), " ") + "\n";
    }
    lines += "\n" + parts[4].str() + "\n" + request.header("x-amz-content-sha256");
    const auto scope = parts[2].str() + "/" + parts[3].str() + "/s3/aws4_request";
    const auto to_sign =
        "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + lower_hex(sha256_of(lines));
    auto key = "AWS4" + keys.secret_access_key;
    for (const auto& step :
         {parts[2].str(), parts[3].str(), std::string("s3"), std::string("aws4_request")}) {
        key = mac(key, step);
    }
    return lower_hex(mac(key, to_sign)) == parts[5] && date.starts_with(parts[2].str())
               ? ""
               : "SignatureDoesNotMatch of\n" + lines;
}

}  // namespace tapeloft::tests
