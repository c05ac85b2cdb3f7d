#include "media/repository/repository.h"

#include <algorithm>
#include <string>
#include <utility>

#include <openssl/crypto.h>

#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

constexpr std::string_view kRepositoryMagic = "TLREPO01";
constexpr std::uint32_t kVersion = 1;

namespace layout::repository_header {
constexpr std::size_t kSize = 64;
constexpr LittleEndian<std::uint32_t, 8> kVersionNumber;
constexpr LittleEndian<std::uint32_t, 12> kReserved;
constexpr std::size_t kId = 16;
constexpr std::size_t kKeyCheck = 32;  ///< of the bytes before it
}  // namespace layout::repository_header

namespace at = layout::repository_header;

Bytes header_of(const KeyRing& keys) {
    Bytes header(at::kSize);
    std::copy(kRepositoryMagic.begin(), kRepositoryMagic.end(), header.begin());
    at::kVersionNumber.store(header, kVersion);
    const auto& id = keys.repository();
    std::copy(id.begin(), id.end(), header.begin() + at::kId);
    const auto check = keys.key_check(ByteView(header).first(at::kKeyCheck));
    std::copy(check.begin(), check.end(), header.begin() + at::kKeyCheck);
    return header;
}

Result<void> check_header(const std::string& url, const KeyRing& keys, ByteView header) {
    const auto where = "the repository header of " + url;
    if (header.size() < at::kKeyCheck ||
        as_text(header.first(kRepositoryMagic.size())) != kRepositoryMagic) {
        return Error{Errc::corrupt, where + " is damaged, or not one of ours"};
    }
    const auto version = at::kVersionNumber.load(header);
    if (version > kVersion) {
        return Error{Errc::unsupported, where + " has version " + std::to_string(version) +
                                            "; this program knows " + std::to_string(kVersion)};
    }
    if (header.size() != at::kSize || version != kVersion || at::kReserved.load(header) != 0) {
        return Error{Errc::corrupt, where + " is damaged"};
    }
    const auto id = header.subspan(at::kId, keys.repository().size());
    if (!std::equal(id.begin(), id.end(), keys.repository().begin())) {
        return Error{Errc::denied, url + " holds the repository " + to_hex(id) +
                                       "; the key is of repository " + to_hex(keys.repository())};
    }
    const auto check = keys.key_check(header.first(at::kKeyCheck));
    if (CRYPTO_memcmp(check.data(), header.data() + at::kKeyCheck, check.size()) != 0) {
        return Error{Errc::denied, "the key is not the key of the repository in " + url};
    }
    return {};
}

/// To whoever wants to make a repository, one of another key is in the way.
Result<void> as_obstacle(Result<void> opened) {
    if (!opened && opened.error().code == Errc::denied) {
        return Error{Errc::already_exists, opened.error().message};
    }
    return opened;
}

}  // namespace

Awaitable<Result<void>> create_repository(ObjectStore& store, const KeyRing& keys) {
    auto there = co_await open_repository(store, keys);
    if (there || there.error().code != Errc::not_found) {
        co_return as_obstacle(std::move(there));
    }
    const PutOptions options{.if_absent = true};
    auto put =
        co_await store.put(std::string(kRepositoryName), Buffer::copy_of(header_of(keys)), options);
    if (!put && put.error().code != Errc::precondition) {
        co_return put;
    }
    // Whoever was first: it is read back before anybody relies on it.
    co_return as_obstacle(co_await open_repository(store, keys));
}

Awaitable<Result<void>> open_repository(ObjectStore& store, const KeyRing& keys) {
    auto header = co_await store.get(std::string(kRepositoryName), ByteRange{});
    if (!header && header.error().code == Errc::not_found) {
        co_return Error{Errc::not_found, store.url() + " holds no repository"};
    }
    if (!header) {
        co_return std::move(header).error();
    }
    co_return check_header(store.url(), keys, header->view());
}

}  // namespace tapeloft::media
