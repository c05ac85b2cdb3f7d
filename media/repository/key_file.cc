#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"
#include "cloud/base/digest.h"
#include "cloud/base/hex.h"
#include "cloud/base/new_file.h"

#include "media/repository/key_derivation.h"
#include "media/repository/keys.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "tapeloft-key-1";
constexpr std::size_t kFileSizeMax = 4096;
/// What a file may ask for: 1 GiB of memory, eight times what this program writes.
constexpr std::uint64_t kScryptMemoryMax = 1ULL << 30U;
constexpr std::uint32_t kScryptRoundsMax = 16;
constexpr std::size_t kSaltSize = 32;
constexpr std::string_view kWrapLabel = "tapeloft key file";

/// Text that may hold the key: wiped when it goes. It never grows past what it reserved, so that
/// no copy is left behind.
class SecretText {
  public:
    SecretText() { text_.reserve(2 * kFileSizeMax); }
    SecretText(const SecretText&) = delete;
    SecretText& operator=(const SecretText&) = delete;
    SecretText(SecretText&&) noexcept = default;
    SecretText& operator=(SecretText&&) = delete;
    ~SecretText() { OPENSSL_cleanse(text_.data(), text_.capacity()); }

    void append(std::string_view more) {
        TL_ASSERT(text_.size() + more.size() <= text_.capacity());
        text_ += more;
    }
    void append_hex(std::string_view name, ByteView bytes) {
        append(name);
        append(" = ");
        auto digits = to_hex(bytes);
        append(digits);
        OPENSSL_cleanse(digits.data(), digits.size());
        append("\n");
    }
    [[nodiscard]] std::string_view view() const noexcept { return text_; }

  private:
    std::string text_;
};

std::string named(const fs::path& file) {
    return "key file " + file.string();
}

Error system_error(const fs::path& file, std::string_view what) {
    const int error = errno;
    return error_from_errno(named(file) + ": " + std::string(what), error);
}

Error corrupt(const fs::path& file, std::string_view why) {
    return {Errc::corrupt, named(file) + ": " + std::string(why)};
}

Bytes wrap_label(const RepositoryId& repository) {
    Bytes label(kWrapLabel.size() + repository.size());
    const auto behind = std::copy(kWrapLabel.begin(), kWrapLabel.end(), label.begin());
    std::copy(repository.begin(), repository.end(), behind);
    return label;
}

Result<SecretKey> wrapping_key(const fs::path& file, std::string_view passphrase, ByteView salt,
                               const ScryptCost& cost) {
    std::array<std::uint8_t, SecretKey::kSize> bytes{};
    const bool derived = derive_scrypt(passphrase, salt, cost, bytes);
    const SecretKey key(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    if (!derived) {
        return Error{Errc::io, named(file) + ": no memory for scrypt"};
    }
    return key;
}

// ---- text ----

std::string crc_line(std::string_view before) {
    std::array<std::uint8_t, 4> crc{};
    store_big_endian<4>(crc, crc32c(as_bytes(before)));
    return "crc32c = " + to_hex(crc) + "\n";
}

Result<void> write_wrapped(const fs::path& file, const KeyFile& key, std::string_view passphrase,
                           SecretText& text) {
    std::array<std::uint8_t, kSaltSize> salt{};
    TL_CHECK(fill_random(salt));
    const ScryptCost cost;
    TL_TRY(const auto wrapping, wrapping_key(file, passphrase, salt, cost));
    std::array<std::uint8_t, SecretKey::kSize + kSealTagSize> wrapped{};
    // The salt is new, so the key is, and a nonce of zeros is used once.
    seal(wrapping, Nonce{}, wrap_label(key.repository), key.master.view(), wrapped);
    std::ostringstream line;
    line << "scrypt = " << cost.n << ' ' << cost.r << ' ' << cost.p << '\n';
    text.append(line.str());
    text.append_hex("salt", salt);
    text.append_hex("wrapped_key", wrapped);
    return {};
}

Result<SecretText> text_of(const fs::path& file, const KeyFile& key,
                           const std::optional<std::string>& passphrase) {
    if (passphrase && passphrase->empty()) {
        return Error{Errc::invalid_argument,
                     named(file) + ": an empty passphrase protects nothing"};
    }
    SecretText text;
    text.append("# The master key of a Tapeloft repository. Without it nothing can be read: keep ");
    text.append("a copy elsewhere.\n");
    text.append("format = ");
    text.append(kFormat);
    text.append("\n");
    text.append_hex("repository", key.repository);
    if (passphrase) {
        TL_CHECK(write_wrapped(file, key, *passphrase, text));
    } else {
        text.append_hex("key", key.master.view());
    }
    text.append(crc_line(text.view()));
    return text;
}

using Fields = std::map<std::string_view, std::string_view>;

/// The lines as names and values; views into the text.
Result<Fields> fields_of(const fs::path& file, std::string_view text) {
    constexpr std::string_view kSeparator = " = ";
    Fields fields;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        if (end == std::string_view::npos) {
            return corrupt(file, "its last line has no end");
        }
        const auto line = text.substr(at, end - at);
        at = end + 1;
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const auto separator = line.find(kSeparator);
        if (separator == std::string_view::npos ||
            !fields.emplace(line.substr(0, separator), line.substr(separator + kSeparator.size()))
                 .second) {
            return corrupt(file, "a line that is no \"name = value\", or stands twice");
        }
    }
    return fields;
}

std::string_view value_of(const Fields& fields, std::string_view name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string_view() : found->second;
}

bool has_exactly(const Fields& fields, std::initializer_list<std::string_view> names) {
    return fields.size() == names.size() &&
           std::all_of(names.begin(), names.end(),
                       [&](std::string_view name) { return fields.contains(name); });
}

std::optional<ScryptCost> scrypt_cost_of(std::string_view text) {
    ScryptCost cost;
    std::istringstream words{std::string(text)};
    if (!(words >> cost.n >> cost.r >> cost.p) || !words.eof()) {
        return std::nullopt;
    }
    const bool bounded = cost.n >= 2 && (cost.n & (cost.n - 1)) == 0 && cost.r >= 1 &&
                         cost.p >= 1 && cost.p <= kScryptRoundsMax &&
                         cost.n + cost.p + 2 <= kScryptMemoryMax / 128 / cost.r;
    return bounded ? std::optional(cost) : std::nullopt;
}

Result<SecretKey> unwrap(const fs::path& file, const Fields& fields, const RepositoryId& repository,
                         std::string_view passphrase) {
    const auto cost = scrypt_cost_of(value_of(fields, "scrypt"));
    std::array<std::uint8_t, kSaltSize> salt{};
    std::array<std::uint8_t, SecretKey::kSize + kSealTagSize> wrapped{};
    if (!cost || !from_hex(value_of(fields, "salt"), salt) ||
        !from_hex(value_of(fields, "wrapped_key"), wrapped)) {
        return corrupt(file, "the wrapping of its key makes no sense");
    }
    TL_TRY(const auto wrapping, wrapping_key(file, passphrase, salt, *cost));
    std::array<std::uint8_t, SecretKey::kSize> bytes{};
    const bool opened = media::open(wrapping, Nonce{}, wrap_label(repository), wrapped, bytes);
    const SecretKey key(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    if (!opened) {
        return Error{Errc::denied, named(file) + ": wrong passphrase"};
    }
    return key;
}

Result<KeyFile> parse(const fs::path& file, std::string_view text,
                      const std::optional<std::string>& passphrase) {
    TL_TRY(const auto fields, fields_of(file, text));
    if (value_of(fields, "format") != kFormat) {
        return corrupt(file, "not a key file, or one of a newer version");
    }
    const auto crc_at = text.rfind("crc32c = ");
    if (crc_at == std::string_view::npos ||
        text.substr(crc_at) != crc_line(text.substr(0, crc_at))) {
        return corrupt(file, "its checksum does not fit: it was cut off or changed");
    }
    KeyFile key;
    key.wrapped = fields.contains("wrapped_key");
    const bool complete = key.wrapped
                              ? has_exactly(fields, {"format", "repository", "scrypt", "salt",
                                                     "wrapped_key", "crc32c"})
                              : has_exactly(fields, {"format", "repository", "key", "crc32c"});
    if (!complete || !from_hex(value_of(fields, "repository"), key.repository)) {
        return corrupt(file, "a line is missing, unknown or malformed");
    }
    if (!key.wrapped) {
        std::array<std::uint8_t, SecretKey::kSize> bytes{};
        const bool sound = from_hex(value_of(fields, "key"), bytes);
        key.master = SecretKey(bytes);
        OPENSSL_cleanse(bytes.data(), bytes.size());
        return sound ? Result<KeyFile>(key) : corrupt(file, "its key is malformed");
    }
    if (!passphrase) {
        return Error{Errc::denied, named(file) + ": a passphrase is needed"};
    }
    TL_TRY(key.master, unwrap(file, fields, key.repository, *passphrase));
    return key;
}

// ---- files ----

Result<SecretText> read_private(const fs::path& file) {
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status = {};
    if (!descriptor.is_open() || ::fstat(descriptor.get(), &status) != 0) {
        const bool refused = errno == EACCES || errno == EPERM;
        return refused ? Error{Errc::denied, named(file) + ": no permission to read it"}
                       : system_error(file, "open");
    }
    if (!S_ISREG(status.st_mode)) {
        return corrupt(file, "not a regular file");
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return Error{Errc::denied,
                     named(file) + ": others than its owner may open it; chmod it to 0600"};
    }
    std::array<char, kFileSizeMax + 1> buffer{};
    std::size_t size = 0;
    ssize_t count = 0;
    do {
        count = ::read(descriptor.get(), buffer.data() + size, buffer.size() - size);
        size += count > 0 ? static_cast<std::size_t>(count) : 0;
    } while (count > 0 && size < buffer.size());
    const int error = errno;
    SecretText text;
    text.append({buffer.data(), size});
    OPENSSL_cleanse(buffer.data(), buffer.size());
    if (count < 0) {
        return error_from_errno(named(file) + ": read", error);
    }
    if (size > kFileSizeMax) {
        return corrupt(file, "too long for a key file");
    }
    return text;
}

Result<void> write_new(const fs::path& file, std::string_view text) {
    auto made = create_file(file, as_bytes(text));
    if (!made && made.error().code == Errc::already_exists) {
        return Error{Errc::already_exists, named(file) + " is there already; not replaced"};
    }
    return made;
}

/// Whether the key in a sound key file is wrapped.
Result<bool> wrapped_in(const fs::path& file, std::string_view text) {
    const auto key = parse(file, text, std::nullopt);
    if (!key && key.error().code != Errc::denied) {  // denied: only for want of a passphrase
        return key.error();
    }
    return !key;
}

}  // namespace

Result<void> KeyFile::create(const fs::path& file, const KeyFile& key,
                             const std::optional<std::string>& passphrase) {
    TL_TRY(const auto text, text_of(file, key, passphrase));
    return write_new(file, text.view());
}

Result<bool> KeyFile::is_wrapped(const fs::path& file) {
    TL_TRY(const auto text, read_private(file));
    return wrapped_in(file, text.view());
}

Result<void> KeyFile::copy(const fs::path& from, const fs::path& to) {
    TL_TRY(const auto text, read_private(from));
    TL_CHECK(wrapped_in(from, text.view()));
    return write_new(to, text.view());
}

Result<KeyFile> KeyFile::read(const fs::path& file, const std::optional<std::string>& passphrase) {
    TL_TRY(const auto text, read_private(file));
    return parse(file, text.view(), passphrase);
}

Result<void> KeyFile::change_passphrase(const fs::path& file,
                                        const std::optional<std::string>& current,
                                        const std::optional<std::string>& passphrase) {
    TL_TRY(const auto key, read(file, current));
    std::error_code error;
    const auto target = fs::canonical(file, error);  // a symbolic link stays one
    struct stat status = {};
    if (error) {
        return error_from_errno(named(file) + ": find", error.value());
    }
    if (::stat(target.c_str(), &status) != 0) {
        return system_error(file, "stat");
    }
    TL_TRY(const auto text, text_of(file, key, passphrase));
    NewFileOptions options;
    options.owner.emplace(status.st_uid, status.st_gid);
    return replace_file(target, as_bytes(text.view()), options);
}

}  // namespace tapeloft::media
