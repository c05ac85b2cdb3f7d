// What there is to say of elements besides which cartridge is in them.
#pragma once

#include <map>

#include "vtl/library/element_address.h"
#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::library {

struct ElementConditions {
    /// A person has them open: the robot does not reach them.
    bool mail_slots_open = false;
    /// Of drives whose cartridge could not be mounted: why (SMC-3, 6.11.4, EXCEPT).
    std::map<ElementAddress, scsi::AdditionalSense> exceptions;
};

}  // namespace tapeloft::vtl::library
