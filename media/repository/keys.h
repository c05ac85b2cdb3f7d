// The master key of a library and what is derived from it. media/FORMAT.md, "Keys".
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/chunk/chunk.h"

namespace tapeloft::media {

using RepositoryId = std::array<std::uint8_t, 16>;

/// 32 secret bytes, wiped when they go. Never logged, never compared in variable time.
/// Threads keep the last key they used in their cipher and HMAC contexts, wiped when they end.
class SecretKey {
  public:
    static constexpr std::size_t kSize = 32;

    SecretKey() = default;  ///< zeros
    explicit SecretKey(ByteView bytes);
    SecretKey(const SecretKey&) = default;
    SecretKey& operator=(const SecretKey&) = default;
    ~SecretKey();

    /// From the operating system's generator. Errors: io.
    [[nodiscard]] static Result<SecretKey> random();
    [[nodiscard]] ByteView view() const noexcept { return bytes_; }

  private:
    std::array<std::uint8_t, kSize> bytes_{};
};

/// Random bytes that are no secret (ids, salts). Errors: io.
[[nodiscard]] Result<void> fill_random(MutableByteView bytes);

/// The keys of one repository. Any thread.
class KeyRing {
  public:
    KeyRing(const SecretKey& master, const RepositoryId& repository);

    [[nodiscard]] const RepositoryId& repository() const noexcept { return repository_; }
    [[nodiscard]] Fingerprint fingerprint(ByteView chunk) const;

    struct UnnamedChunk {
        ByteView plain;
        Fingerprint* fingerprint = nullptr;  ///< where it goes
    };
    /// The same of each chunk that `next` gives (nothing: there are no more), in half of the time
    /// where sha256_each() takes it. They are there when this returns.
    void take_fingerprints(const std::function<std::optional<UnnamedChunk>()>& next) const;
    [[nodiscard]] SecretKey pack_key(const PackId& pack) const;
    [[nodiscard]] SecretKey log_key(ByteView salt, const StreamId& stream,
                                    std::uint64_t sequence) const;
    [[nodiscard]] SecretKey head_key(ByteView salt, const StreamId& stream) const;
    [[nodiscard]] StreamId library_stream() const;
    [[nodiscard]] StreamId index_stream() const;
    [[nodiscard]] Sha256 key_check(ByteView header) const;

  private:
    SecretKey master_;
    RepositoryId repository_;
    SecretKey fingerprint_key_;
};

/// AES-256-GCM. seal(): `into` has plain.size() + kSealTagSize bytes. open(): `into` has
/// sealed.size() - kSealTagSize bytes; false, and `into` is zeros: it is not what was sealed.
using Nonce = std::array<std::uint8_t, 12>;
void seal(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView plain,
          MutableByteView into);
[[nodiscard]] bool open(const SecretKey& key, const Nonce& nonce, ByteView additional,
                        ByteView sealed, MutableByteView into);
/// The same, always by OpenSSL; also what the tests compare with.
void seal_portable(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView plain,
                   MutableByteView into);
[[nodiscard]] bool open_portable(const SecretKey& key, const Nonce& nonce, ByteView additional,
                                 ByteView sealed, MutableByteView into);

/// The key file: text, one "name = value" a line, mode 0600; the key plain, or wrapped by a
/// passphrase (scrypt N=2^17 r=8 p=1: 128 MiB while it runs; AES-256-GCM). README.md has the lines.
/// Every call blocks. Errors name the file, never what is in it: denied (others than the owner may
/// open it, wrong or missing passphrase), invalid_argument (an empty passphrase), corrupt,
/// not_found, already_exists, io.
struct KeyFile {
    RepositoryId repository{};
    SecretKey master;
    bool wrapped = false;  ///< it was read with a passphrase

    /// Makes a new one; never over an existing file; durable when it returns.
    [[nodiscard]] static Result<void> create(const std::filesystem::path& file, const KeyFile& key,
                                             const std::optional<std::string>& passphrase);
    [[nodiscard]] static Result<KeyFile> read(const std::filesystem::path& file,
                                              const std::optional<std::string>& passphrase);
    /// Whether a passphrase is needed to read it.
    [[nodiscard]] static Result<bool> is_wrapped(const std::filesystem::path& file);
    /// The same lines in another file, wrapped as they are; never over an existing one; durable
    /// when it returns. Errors: of `from` as those of read(), of `to` as those of create().
    [[nodiscard]] static Result<void> copy(const std::filesystem::path& from,
                                           const std::filesystem::path& to);
    /// Writes the same key under another passphrase (none: plain), atomically; the owner stays.
    [[nodiscard]] static Result<void> change_passphrase(
        const std::filesystem::path& file, const std::optional<std::string>& current,
        const std::optional<std::string>& passphrase);
};

}  // namespace tapeloft::media
