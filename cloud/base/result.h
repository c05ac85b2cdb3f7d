// The world failed: Result<T> carries a value or an Error. Bugs are TL_ASSERT, host-visible
// conditions are scsi::Completion.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "cloud/base/contract.h"

namespace tapeloft {

/// The class of a failure: what a caller may do about it.
enum class Errc : std::uint8_t {
    invalid_argument,  ///< the request makes no sense; nothing was changed
    not_found,
    already_exists,
    precondition,   ///< the state does not allow it now (element full, drive loaded, ...)
    busy,           ///< somebody else holds it; may succeed later
    denied,         ///< permission, protection or credentials
    corrupt,        ///< bytes were found that are not what was written
    io,             ///< the operating system reported a failure
    no_space,       ///< the disk or the spool limit is used up
    end_of_medium,  ///< the record does not fit on the cartridge any more
    unsupported,
    cancelled,
    throttled,  ///< a store asks to be asked less often; the same again later
    transient,  ///< network, time-out, a server's trouble: it may or may not have happened
};

[[nodiscard]] std::string_view to_string(Errc code) noexcept;

/// What failed, and on which object, in words for a log or a person. Never holds a secret.
struct Error {
    Errc code = Errc::io;
    std::string message;
    /// Of what is throttled or transient: how long whoever failed wants to be left alone. 0: it
    /// does not say.
    std::chrono::seconds retry_after{0};
};

/// errno as an Error: "<what>: <strerror>"; ENOSPC and EDQUOT are no_space, ENOENT not_found.
[[nodiscard]] Error error_from_errno(std::string_view what, int errno_value);

/// A value or an Error; names follow std::expected (C++23).
template <typename T>
class [[nodiscard]] Result {
  public:
    using value_type = T;

    Result(T value)
        : state_(std::in_place_index<0>, std::move(value)) {
    }  // NOLINT(google-explicit-constructor)
    Result(Error error)
        : state_(std::in_place_index<1>, std::move(error)) {
    }  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & {
        TL_ASSERT(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const T& value() const& {
        TL_ASSERT(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && {
        TL_ASSERT(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] T& operator*() & { return value(); }
    [[nodiscard]] const T& operator*() const& { return value(); }
    [[nodiscard]] T&& operator*() && { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() { return &value(); }
    [[nodiscard]] const T* operator->() const { return &value(); }

    [[nodiscard]] const Error& error() const& {
        TL_ASSERT(!has_value());
        return *std::get_if<1>(&state_);
    }
    [[nodiscard]] Error&& error() && {
        TL_ASSERT(!has_value());
        return std::move(*std::get_if<1>(&state_));
    }

  private:
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
  public:
    using value_type = void;

    Result() = default;
    Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] const Error& error() const& {
        TL_ASSERT(error_.has_value());
        return *error_;
    }
    [[nodiscard]] Error&& error() && {
        TL_ASSERT(error_.has_value());
        return std::move(*error_);
    }

  private:
    std::optional<Error> error_;
};

}  // namespace tapeloft

#define TL_CONCAT_INNER(a, b) a##b
#define TL_CONCAT(a, b) TL_CONCAT_INNER(a, b)

#define TL_TRY_IMPL(keyword, result, declaration, expression) \
    auto result = (expression);                               \
    if (!(result)) {                                          \
        keyword std::move(result).error();                    \
    }                                                         \
    declaration = std::move(result).value()

#define TL_CHECK_IMPL(keyword, result, expression) \
    if (auto result = (expression); !(result)) {   \
        keyword std::move(result).error();         \
    }                                              \
    static_assert(true)

/// TL_TRY(const auto header, read_header()); declares the value, or returns the Error.
#define TL_TRY(declaration, expression) \
    TL_TRY_IMPL(return, TL_CONCAT(tl_result_, __LINE__), declaration, expression)
/// The same in a coroutine: TL_CO_TRY(auto block, co_await reader.read());
#define TL_CO_TRY(declaration, expression) \
    TL_TRY_IMPL(co_return, TL_CONCAT(tl_result_, __LINE__), declaration, expression)
/// TL_CHECK(file.sync()); for Result<void>, or where the value is not needed.
#define TL_CHECK(expression) TL_CHECK_IMPL(return, TL_CONCAT(tl_result_, __LINE__), expression)
#define TL_CO_CHECK(expression) \
    TL_CHECK_IMPL(co_return, TL_CONCAT(tl_result_, __LINE__), expression)
