#include "cloud/store/request_checks.h"

#include <string>

#include "cloud/base/printable.h"

namespace tapeloft {
namespace {

constexpr std::size_t kShown = 80;  ///< bytes of what is no name

}  // namespace

Result<void> check_object_name(std::string_view name) {
    if (!is_object_name(name)) {
        return Error{Errc::invalid_argument,
                     "\"" + printable(name, kShown) +
                         "\" is no object name: 1 to 512 bytes of a-z 0-9 . _ - in parts of at "
                         "most 255 that \"/\" separates, none of them empty, \".\" or \"..\""};
    }
    return {};
}

Result<void> check_put(std::string_view name, std::size_t body_size) {
    TL_CHECK(check_object_name(name));
    if (body_size > kObjectSizeMax) {
        return Error{Errc::invalid_argument, "object " + std::string(name) + " has " +
                                                 std::to_string(body_size) + " bytes, at most " +
                                                 std::to_string(kObjectSizeMax)};
    }
    return {};
}

Result<void> check_list(std::size_t limit) {
    if (limit == 0 || limit > kListLimitMax) {
        return Error{Errc::invalid_argument, "a list of " + std::to_string(limit) +
                                                 " names was asked for; a page has 1 to " +
                                                 std::to_string(kListLimitMax)};
    }
    return {};
}

Result<std::uint64_t> length_of_range(const ByteRange& range, std::uint64_t size,
                                      std::string_view what) {
    const auto rest = range.offset <= size ? size - range.offset : 0;
    const auto length = range.length.value_or(rest);
    if (range.offset > size || length > rest) {
        return Error{Errc::invalid_argument,
                     "the range of " +
                         (range.length ? std::to_string(*range.length) + " bytes" : "bytes") +
                         " from byte " + std::to_string(range.offset) + " on passes the end of " +
                         std::string(what) + ", which has " + std::to_string(size) + " bytes"};
    }
    return length;
}

Error no_such_object(std::string_view name) {
    return {Errc::not_found, "there is no object " + std::string(name)};
}

Error name_is_taken(std::string_view name) {
    return {Errc::precondition, "there is an object " + std::string(name) + " already"};
}

Result<void> check_tagless(std::string_view name, const PutOptions& options) {
    return options.if_match.empty() ? Result<void>() : object_has_changed(name);
}

Error object_has_changed(std::string_view name) {
    return {Errc::precondition, std::string(name) + " is not what it was any more"};
}

}  // namespace tapeloft
