#include "vtl/daemon/identity.h"

#include <random>
#include <string_view>

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::size_t kLetters = 26;

std::string draw_serial() {
    std::random_device source;
    std::uniform_int_distribution<std::size_t> letter(0, kLetters - 1);
    std::uniform_int_distribution<std::size_t> any(0, kAlphabet.size() - 1);
    std::string serial(1, kAlphabet[letter(source)]);
    while (serial.size() < kSerialLength) {
        serial += kAlphabet[any(source)];
    }
    return serial;
}

bool legal(std::string_view serial) {
    return serial.size() == kSerialLength &&
           serial.find_first_not_of(kAlphabet) == std::string_view::npos;
}

}  // namespace

Result<std::string> serial_number(media::Catalog& catalog, const std::string& library,
                                  const std::string& unit, std::set<std::string>& taken) {
    const auto property = "serial/" + library + "/" + unit;
    TL_TRY(const auto kept, catalog.property(property));
    if (kept) {
        if (!legal(*kept) || !taken.insert(*kept).second) {
            return Error{Errc::corrupt, "the catalog's " + property +
                                            " is no serial number or "
                                            "stands there twice"};
        }
        return *kept;
    }
    auto serial = draw_serial();
    while (!taken.insert(serial).second) {
        serial = draw_serial();
    }
    TL_CHECK(catalog.set_property(property, serial));
    return serial;
}

}  // namespace tapeloft::vtl::daemon
