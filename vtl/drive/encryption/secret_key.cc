#include "vtl/drive/encryption/secret_key.h"

#include <algorithm>
#include <utility>

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

namespace tapeloft::vtl::drive {
namespace {

std::size_t page_length() noexcept {
    static const auto kLength = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return kLength;
}

std::uint8_t* allocate_page() noexcept {
    void* const page =
        mmap(nullptr, page_length(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TL_ASSERT(page != MAP_FAILED);
    // Best effort: a limit on locked memory must not keep a host from its data.
    static_cast<void>(mlock(page, page_length()));
    static_cast<void>(madvise(page, page_length(), MADV_DONTDUMP));
    static_cast<void>(madvise(page, page_length(), MADV_WIPEONFORK));
    return static_cast<std::uint8_t*>(page);
}

}  // namespace

SecretKey::SecretKey() : page_(allocate_page()) {}

SecretKey::SecretKey(ByteView key) : SecretKey() {
    TL_ASSERT(key.size() == kLength);
    std::copy(key.begin(), key.end(), page_);
}

SecretKey::SecretKey(SecretKey&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
    if (this != &other) {
        release();
        page_ = std::exchange(other.page_, nullptr);
    }
    return *this;
}

SecretKey::~SecretKey() {
    release();
}

void SecretKey::release() noexcept {
    if (page_ != nullptr) {
        wipe(bytes());
        static_cast<void>(munmap(page_, page_length()));
        page_ = nullptr;
    }
}

void wipe(MutableByteView bytes) noexcept {
    if (!bytes.empty()) {
        OPENSSL_cleanse(bytes.data(), bytes.size());
    }
}

}  // namespace tapeloft::vtl::drive
