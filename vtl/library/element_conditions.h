// What there is to say of elements and cartridges besides which cartridge is in which element.
#pragma once

#include <map>

#include "vtl/library/element_address.h"
#include "vtl/library/volume_tags.h"
#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::library {

struct ElementConditions {
    /// A person has them open: the robot does not reach them.
    bool mail_slots_open = false;
    /// Of drives whose cartridge could not be mounted: why (SMC-3, 6.11.4, EXCEPT).
    std::map<ElementAddress, scsi::AdditionalSense> exceptions;
    AlternateTags alternate_tags;
};

}  // namespace tapeloft::vtl::library
