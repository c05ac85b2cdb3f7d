#include "vtl/scsi/sense_from_error.h"

namespace tapeloft::vtl::scsi {

Sense sense_from_error(const Error& error, Direction direction) noexcept {
    const bool writing = direction == Direction::writing;
    Sense sense;
    const auto set = [&sense](SenseKey key, AdditionalSense additional) {
        sense.key = key;
        sense.additional = additional;
    };
    switch (error.code) {
        case Errc::corrupt:
        case Errc::io:
            set(SenseKey::medium_error, writing ? asc::kWriteError : asc::kUnrecoveredReadError);
            break;
        case Errc::end_of_medium:
            set(SenseKey::volume_overflow, asc::kEndOfPartitionMediumDetected);
            sense.end_of_medium = true;
            break;
        case Errc::no_space:
            set(SenseKey::aborted_command, asc::kSystemBufferFull);
            break;
        case Errc::denied:  // what is read was denied by the store, and nothing here protects it
            set(writing ? SenseKey::data_protect : SenseKey::hardware_error,
                writing ? asc::kWriteProtected : asc::kInternalTargetFailure);
            break;
        case Errc::unsupported:
            set(SenseKey::illegal_request, asc::kIncompatibleMediumInstalled);
            break;
        case Errc::invalid_argument:
            set(SenseKey::illegal_request, asc::kInvalidFieldInCdb);
            break;
        case Errc::precondition:
            set(SenseKey::illegal_request, asc::kCommandSequenceError);
            break;
        case Errc::busy:  // archived in the store, and asked for
            set(SenseKey::not_ready, asc::kBecomingReady);
            break;
        case Errc::cancelled:
            set(SenseKey::aborted_command, asc::kNone);
            break;
        case Errc::not_found:
        case Errc::already_exists:
        case Errc::throttled:
        case Errc::transient:
            set(SenseKey::hardware_error, asc::kInternalTargetFailure);
            break;
    }
    return sense;
}

}  // namespace tapeloft::vtl::scsi
