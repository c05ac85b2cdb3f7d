#include "cloud/base/result.h"

#include <array>
#include <cerrno>
#include <system_error>

namespace tapeloft {

std::string_view to_string(Errc code) noexcept {
    constexpr std::array<std::string_view, 14> kNames = {
        "invalid argument", "not found",   "already exists",
        "precondition",     "busy",        "denied",
        "corrupt",          "i/o",         "no space",
        "end of medium",    "unsupported", "cancelled",
        "throttled",        "transient"};
    const auto index = static_cast<std::size_t>(code);
    TL_ASSERT(index < kNames.size());
    return kNames[index];
}

Error error_from_errno(std::string_view what, int errno_value) {
    auto code = Errc::io;
    if (errno_value == ENOSPC || errno_value == EDQUOT) {
        code = Errc::no_space;
    } else if (errno_value == ENOENT) {
        code = Errc::not_found;
    } else if (errno_value == EEXIST) {
        code = Errc::already_exists;
    } else if (errno_value == EACCES || errno_value == EPERM || errno_value == EROFS) {
        code = Errc::denied;
    }
    return {code, std::string(what) + ": " + std::generic_category().message(errno_value)};
}

}  // namespace tapeloft
