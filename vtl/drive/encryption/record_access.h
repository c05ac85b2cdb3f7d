// Whether the parameters in force let a record be read, and its plaintext (SSC-5, 4.2.22.4).
#pragma once

#include <variant>

#include "media/cartridge/block_io.h"

#include "vtl/drive/encryption/data_encryption_parameters.h"
#include "vtl/drive/encryption/encryption_pages.h"
#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::drive {

/// outcome: a record. Its plaintext, or the reason (with sense key DATA PROTECT) why not. A record
/// that was not encrypted is passed on without a copy.
[[nodiscard]] std::variant<Buffer, scsi::AdditionalSense> open_record(
    const DataEncryptionParameters& parameters, const RecordPlace& place,
    const media::ReadOutcome& outcome);

/// What the Next Block Encryption Status page says of what a READ would meet.
[[nodiscard]] NextBlock describe_next_block(const DataEncryptionParameters& parameters,
                                            std::uint64_t logical_object_number,
                                            const media::ReadOutcome& outcome);

}  // namespace tapeloft::vtl::drive
