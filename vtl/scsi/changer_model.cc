#include "vtl/scsi/changer_model.h"

#include <algorithm>

namespace tapeloft::vtl::scsi {
namespace {

// clang-format off
constexpr auto kChangerModels = std::to_array<ChangerModel>({
    // name,                  vendor,     product,         revision, serial in INQUIRY
    {"IBM 03584L32",          "IBM",      "03584L32",      "0100",   true},
    {"IBM 3573-TL",           "IBM",      "3573-TL",       "F.11",   false},
    {"HP MSL G3 Series",      "HP",       "MSL G3 Series", "9.90",   false},
    {"QUANTUM Scalar i3-i6",  "QUANTUM",  "Scalar i3-i6",  "300G",   false},
    {"TAPELOFT VTL",          "TAPELOFT", "VTL",           "0100",   false},
});
// clang-format on

// Offsets in the vendor specific bytes, which begin at byte 36 of the standard data.
constexpr std::size_t kSerial = 38 - 36;
constexpr std::size_t kBarcodeScannerByte = 55 - 36;
constexpr std::uint8_t kBarcodeScanner = 0x01;  // BARC

}  // namespace

std::span<const ChangerModel> changer_models() noexcept {
    return kChangerModels;
}

const ChangerModel* find_changer_model(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(kChangerModels.begin(), kChangerModels.end(),
                     [name](const ChangerModel& row) { return row.name == name; });
    return found == kChangerModels.end() ? nullptr : found;
}

const ChangerModel& default_changer_model() noexcept {
    return kChangerModels.front();
}

Identity identity_of(const ChangerModel& model, const std::string& serial) {
    Identity identity;
    identity.device_type = PeripheralDeviceType::media_changer;
    identity.vendor = model.vendor;
    identity.product = model.product;
    identity.revision = model.revision;
    identity.serial = serial;
    if (model.serial_in_inquiry) {
        std::copy(serial.begin(), serial.end(), identity.vendor_specific.begin() + kSerial);
    }
    identity.vendor_specific[kBarcodeScannerByte] = kBarcodeScanner;
    return identity;
}

}  // namespace tapeloft::vtl::scsi
