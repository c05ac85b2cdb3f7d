// iSCSI names (RFC 7143, 4.2.7): iqn., eui. and naa. forms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tapeloft::vtl::iscsi {

inline constexpr std::size_t kIscsiNameLengthMax = 223;  // bytes; RFC 7143, 4.2.7.1

/// True for a well-formed name of at most kIscsiNameLengthMax bytes. Case does not matter here.
[[nodiscard]] bool is_iscsi_name(std::string_view name) noexcept;

/// The form in which names are compared and kept: ASCII letters in lower case (RFC 7143, 4.2.7.1).
/// Bytes above 7Fh stay as they are: an initiator has to send them in their prepared form.
[[nodiscard]] std::string normalised_iscsi_name(std::string_view name);

}  // namespace tapeloft::vtl::iscsi
