#include "vtl/daemon/readable_media.h"

#include "media/library/barcode.h"

#include "vtl/scsi/personality.h"

namespace tapeloft::vtl::daemon {

Result<void> check_readable(std::string_view drive_model, std::string_view barcode) {
    TL_TRY(const auto marking, media::marking_of(barcode));
    if (marking.cleaning) {
        return {};
    }
    const auto& generation = marking.generation;
    const auto* const model = scsi::find_drive_model(drive_model);
    TL_ASSERT(model != nullptr);
    std::string allowed;
    for (const auto& medium : scsi::medium_generations()) {
        if (scsi::access(*model, medium) == scsi::Access::none) {
            continue;
        }
        if (medium.suffix == generation.suffix) {
            return {};
        }
        allowed += (allowed.empty() ? "" : ", ") + std::string(medium.suffix);
    }
    return Error{Errc::unsupported, "a drive \"" + std::string(drive_model) +
                                        "\" cannot read cartridge " + std::string(barcode) + " (" +
                                        std::string(generation.name) +
                                        "); allowed: barcodes that end in " + allowed};
}

}  // namespace tapeloft::vtl::daemon
