// Media changers as rows: what a library says it is.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vtl/scsi/inquiry.h"

namespace tapeloft::vtl::scsi {

struct ChangerModel {
    std::string_view name;           ///< for the configuration: vendor and product in one
    std::string_view vendor;         ///< INQUIRY, at most 8 characters
    std::string_view product;        ///< at most 16 characters
    std::string_view revision;       ///< 4 characters
    bool serial_in_inquiry = false;  ///< bytes 38 to 49 of the standard data hold the serial number
};

[[nodiscard]] std::span<const ChangerModel> changer_models() noexcept;
[[nodiscard]] const ChangerModel* find_changer_model(
    std::string_view name) noexcept;  ///< null: unknown
/// What a library is if its configuration does not say.
[[nodiscard]] const ChangerModel& default_changer_model() noexcept;

/// Vendor, product, revision and vendor specific bytes of the model.
[[nodiscard]] Identity identity_of(const ChangerModel& model, const std::string& serial);

}  // namespace tapeloft::vtl::scsi
