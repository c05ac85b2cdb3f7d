#include "vtl/scsi/alert_flags.h"

#include <algorithm>

namespace tapeloft::vtl::scsi {
namespace {

std::size_t bit_of(std::uint8_t flag) {
    TL_ASSERT(flag >= 1 && flag <= AlertFlags::kFlagMax);
    return flag - 1U;
}

}  // namespace

void AlertFlags::raise(std::uint8_t flag) {
    state_.set(bit_of(flag));
    for (Reader& reader : readers_) {
        reader.told.reset(bit_of(flag));
    }
}

void AlertFlags::clear(std::uint8_t flag) {
    state_.reset(bit_of(flag));
    for (Reader& reader : readers_) {
        reader.told.reset(bit_of(flag));
    }
}

bool AlertFlags::active(std::uint8_t flag) const {
    return state_.test(bit_of(flag));
}

AlertFlags::Bits AlertFlags::take(ItNexusId nexus) {
    const auto found = std::find_if(readers_.begin(), readers_.end(),
                                    [nexus](const Reader& each) { return each.nexus == nexus; });
    const Bits told = found == readers_.end() ? Bits{} : found->told;
    if (found != readers_.end()) {
        readers_.erase(found);
    }
    readers_.push_front({nexus, state_});
    if (readers_.size() > kNexusesMax) {
        readers_.pop_back();
    }
    return state_ & ~told;
}

void AlertFlags::add_page(LogParameters& parameters, std::uint8_t flag_count) {
    const Bits flags = take(parameters.it_nexus());
    for (std::uint8_t flag = 1; flag <= flag_count; ++flag) {
        parameters.number(flag, flags.test(bit_of(flag)) ? 1 : 0, 1);
    }
}

}  // namespace tapeloft::vtl::scsi
