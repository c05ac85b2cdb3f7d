#include "media/repository/lease.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <utility>

#include <unistd.h>

#include "media/log/fields.h"

namespace tapeloft::media {
namespace {

constexpr std::string_view kLeaseMagic = "TLLEASE1";
constexpr std::size_t kLeaseSaltSize = 16;
constexpr std::size_t kHeaderSize = 24;
constexpr std::size_t kSizeMax = 1024;  ///< of the object; more is none of ours

/// In place of a stream's id, none of which is text.
constexpr StreamId kStream = {'t', 'a', 'p', 'e', 'l', 'o', 'f', 't',
                              ' ', 'l', 'e', 'a', 's', 'e', 0,   0};

/// The salt of each object is random, so each key seals one message only.
constexpr Nonce kNonce{};

Error damaged() {
    return {Errc::corrupt,
            "the object `" + std::string(kLeaseName) + "` is damaged, or not what was put there"};
}

Error taken_by(const LeaseHolder& holder) {
    return {Errc::precondition, "the library is served by " + to_string(holder)};
}

std::string utc(std::int64_t unix_s) {
    const std::time_t time = unix_s;
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&time, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts) == 0) {
        return "an unknown time";
    }
    return text.data();
}

}  // namespace

Result<LeaseHolder> make_lease_holder(const WriterId& writer) {
    LeaseHolder holder;
    TL_CHECK(fill_random(holder.daemon));
    holder.writer = writer;
    holder.process = static_cast<std::uint64_t>(::getpid());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    holder.since_unix_s = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    std::array<char, kLeaseHostMax + 1> name{};
    if (::gethostname(name.data(), kLeaseHostMax) == 0) {
        holder.host = name.data();
    }
    return holder;
}

std::string to_string(const LeaseHolder& holder) {
    return "tapeloftd on " + (holder.host.empty() ? "an unnamed host" : holder.host) +
           " (process " + std::to_string(holder.process) + ", since " + utc(holder.since_unix_s) +
           ")";
}

Result<Bytes> seal_lease(const KeyRing& keys, const LeaseHolder& holder) {
    std::array<std::uint8_t, kLeaseSaltSize> salt{};
    TL_CHECK(fill_random(salt));
    FieldWriter header;
    header.bytes(as_bytes(kLeaseMagic));
    header.bytes(salt);
    FieldWriter plain;
    plain.bytes(holder.daemon);
    plain.bytes(holder.writer);
    plain.u64(holder.process);
    plain.u64(static_cast<std::uint64_t>(holder.since_unix_s));
    plain.bytes(as_bytes(std::string_view(holder.host).substr(0, kLeaseHostMax)));
    const auto message = plain.take();
    auto bytes = header.take();
    bytes.resize(kHeaderSize + message.size() + kSealTagSize);
    seal(keys.head_key(salt, kStream), kNonce, ByteView(bytes).first(kHeaderSize), message,
         std::span(bytes).subspan(kHeaderSize));
    return bytes;
}

Result<LeaseHolder> open_lease(const KeyRing& keys, ByteView bytes) {
    FieldReader header(bytes);
    const bool magic = as_text(header.bytes(kLeaseMagic.size())) == kLeaseMagic;
    const auto salt = header.bytes(kLeaseSaltSize);
    if (!magic || bytes.size() < kHeaderSize + kSealTagSize || bytes.size() > kSizeMax) {
        return damaged();
    }
    const auto sealed = bytes.subspan(kHeaderSize);
    Bytes plain(sealed.size() - kSealTagSize);
    if (!open(keys.head_key(salt, kStream), kNonce, bytes.first(kHeaderSize), sealed, plain)) {
        return damaged();
    }
    FieldReader reader(plain);
    LeaseHolder holder;
    holder.daemon = reader.array<16>();
    holder.writer = reader.array<std::tuple_size_v<WriterId>>();
    holder.process = reader.u64();
    holder.since_unix_s = static_cast<std::int64_t>(reader.u64());
    if (reader.failed()) {
        return damaged();
    }
    holder.host = as_text(reader.rest());
    return holder;
}

Awaitable<Result<std::optional<LeaseHolder>>> Lease::holder() {
    TL_CO_TRY(auto now, co_await find());
    co_return std::move(now.holder);
}

/// A bit may be wrong on the way: what reads wrong is read once more. Or the stores of a mirror
/// hold different ones: who took it over reached some of them only, or one of them rots.
Awaitable<Result<Lease::Found>> Lease::find() {
    auto now = co_await read();
    if (now) {
        co_return Found{std::move(now).value(), true};
    }
    if (now.error().code != Errc::corrupt) {
        co_return std::move(now).error();
    }
    std::function<bool(const LeaseHolder&)> is_own = [this](const LeaseHolder& holder) {
        return holder.writer == self_.writer;
    };
    std::function<bool(const LeaseHolder&)> is_other = std::not_fn(is_own);
    TL_CO_TRY(auto other, co_await read_where(std::move(is_other)));
    if (other) {
        co_return Found{std::move(other), true};
    }
    TL_CO_TRY(auto own, co_await read_where(std::move(is_own)));
    if (own) {
        co_return Found{std::move(own), false};
    }
    co_return std::move(now).error();
}

/// Unset: none that can be read is such.
Awaitable<Result<std::optional<LeaseHolder>>> Lease::read_where(
    std::function<bool(const LeaseHolder&)> is_such) {
    SoundCheck is_sound = [this, is_such](ByteView bytes) {
        const auto holder = open_lease(keys_, bytes);
        return holder && is_such(*holder);
    };
    const auto bytes = co_await store_.get_sound(std::string(kLeaseName), ByteRange{}, is_sound);
    if (!bytes && bytes.error().code != Errc::not_found && bytes.error().code != Errc::corrupt) {
        co_return bytes.error();
    }
    if (!bytes || !is_sound(bytes->view())) {
        co_return std::optional<LeaseHolder>();
    }
    co_return opened(bytes);
}

Awaitable<Result<std::optional<LeaseHolder>>> Lease::read() {
    const auto bytes = co_await store_.get(std::string(kLeaseName), ByteRange{});
    co_return opened(bytes);
}

Result<std::optional<LeaseHolder>> Lease::opened(const Result<Buffer>& bytes) const {
    if (!bytes && bytes.error().code == Errc::not_found) {
        return std::optional<LeaseHolder>();
    }
    if (!bytes) {
        return bytes.error();
    }
    TL_TRY(auto holder, open_lease(keys_, bytes->view()));
    return std::optional(std::move(holder));
}

Awaitable<Result<void>> Lease::put(PutOptions options) {
    TL_CO_TRY(const auto bytes, seal_lease(keys_, self_));
    auto put = co_await store_.put(std::string(kLeaseName), Buffer::copy_of(bytes), options);
    if (!put && put.error().code != Errc::precondition) {
        co_return put;
    }
    // Whoever was first; or an earlier try whose answer was lost.
    TL_CO_TRY(const auto now, co_await holder());
    if (now && now->daemon == self_.daemon) {
        co_return Result<void>();
    }
    co_return now ? taken_by(*now)
                  : Error{Errc::transient, "the lease was given up while it was being taken"};
}

/// Of the object that is there; what is put over it then replaces nothing else.
Awaitable<Result<ObjectTag>> Lease::tag() {
    const auto info = co_await store_.head(std::string(kLeaseName));
    if (!info && info.error().code != Errc::not_found) {
        co_return info.error();
    }
    co_return info ? info->tag : ObjectTag();
}

Awaitable<Result<void>> Lease::take() {
    TL_CO_TRY(const auto before, co_await tag());
    TL_CO_TRY(const auto now, co_await find());
    if (!now.holder) {
        co_return co_await put({.if_absent = true});
    }
    if (now.holder->daemon == self_.daemon && now.everywhere) {
        co_return Result<void>();
    }
    if (now.holder->writer == self_.writer) {
        co_return co_await put({.if_match = now.everywhere ? before : ObjectTag()});
    }
    co_return taken_by(*now.holder);
}

Awaitable<Result<void>> Lease::take_over() {
    TL_CO_TRY(const auto before, co_await tag());
    co_return co_await put({.if_match = before});
}

Awaitable<Result<void>> Lease::check() {
    TL_CO_TRY(const auto now, co_await find());
    if (!now.holder) {
        co_return co_await put({.if_absent = true});
    }
    if (!now.everywhere) {
        co_return co_await put({});
    }
    co_return now.holder->daemon == self_.daemon ? Result<void>() : taken_by(*now.holder);
}

Awaitable<Result<void>> Lease::give_up() {
    TL_CO_TRY(const auto now, co_await holder());
    if (!now || now->daemon != self_.daemon) {
        co_return Result<void>();
    }
    co_return co_await store_.remove(std::string(kLeaseName));
}

}  // namespace tapeloft::media
