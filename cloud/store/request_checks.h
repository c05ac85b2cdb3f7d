// What every provider refuses before it begins, in the same words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

inline constexpr std::size_t kListLimitMax = 1000;  ///< names of one page

/// invalid_argument unless is_object_name(name).
[[nodiscard]] Result<void> check_object_name(std::string_view name);

/// The same, and that the body is no larger than kObjectSizeMax.
[[nodiscard]] Result<void> check_put(std::string_view name, std::size_t body_size);

/// limit: 1 to kListLimitMax, else invalid_argument.
[[nodiscard]] Result<void> check_list(std::size_t limit);

/// How many bytes the range has in an object of `size` bytes; invalid_argument where it passes the
/// end. what: the object, for the message.
[[nodiscard]] Result<std::uint64_t> length_of_range(const ByteRange& range, std::uint64_t size,
                                                    std::string_view what);

/// The error of get() and head() for a name that is free.
[[nodiscard]] Error no_such_object(std::string_view name);

/// The error of put() if absent for a name that is taken.
[[nodiscard]] Error name_is_taken(std::string_view name);

/// Where a store has no tags none can match: precondition.
[[nodiscard]] Result<void> check_tagless(std::string_view name, const PutOptions& options);

/// The error of put() if match for an object that is another one by now, or gone.
[[nodiscard]] Error object_has_changed(std::string_view name);

}  // namespace tapeloft
