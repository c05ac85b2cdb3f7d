// Whose data encryption parameters are in force for which I_T nexus, and how long (SSC-5, 4.2.22).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "vtl/drive/encryption/data_encryption_parameters.h"
#include "vtl/drive/encryption/set_data_encryption.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::drive {

/// Scopes: LOCAL parameters serve the nexus that set them; those of ALL I_T NEXUS serve the nexus
/// that set them and all of scope PUBLIC, which is where everybody begins. A nexus that says PUBLIC
/// gives up what it has set. Nothing outlives a logical unit reset or the daemon.
///
/// Invariant: shared_owner_ has scope ALL I_T NEXUS, and nobody else has.
class DataEncryption {
  public:
    /// What a nexus sees in the Data Encryption Status page.
    struct View {
        const DataEncryptionParameters* parameters = nullptr;  ///< in force; never null
        EncryptionScope it_nexus_scope = EncryptionScope::public_scope;
        EncryptionScope key_scope = EncryptionScope::public_scope;  ///< whose parameters they are
        std::uint32_t key_instance_counter = 0;                     ///< of those parameters
    };
    [[nodiscard]] View view(scsi::ItNexusId nexus) const;
    [[nodiscard]] const DataEncryptionParameters& parameters(scsi::ItNexusId nexus) const {
        return *view(nexus).parameters;
    }

    /// A nexus that has set LOCK and whose parameters are not those any more: it may not read,
    /// write or verify until it sets parameters again.
    [[nodiscard]] bool locked_out(scsi::ItNexusId nexus) const;

    /// Who else sees other parameters than before: all nexuses without LOCAL parameters but
    /// `cause`, or nobody.
    enum class Affected : std::uint8_t { nobody, others };
    /// Carries out a decoded Set Data Encryption page. Errors: io, and nothing has changed then.
    Result<Affected> set(scsi::ItNexusId nexus, SetDataEncryption page);

    // The ends of a key's life. True: parameters that served all have gone.
    bool on_demount();  ///< of the volume (CKOD)
    /// Of those that set CKORL, or CKORP and it was by PREEMPT, and hold no reservation any more.
    bool on_reservation_change(bool preempted,
                               const std::function<bool(scsi::ItNexusId)>& reserved_still);
    void on_nexus_lost(scsi::ItNexusId nexus);  ///< its LOCAL parameters go
    void on_reset();                            ///< everything goes

  private:
    struct Saved {
        DataEncryptionParameters parameters;
        std::uint32_t key_instance_counter = 0;
    };
    struct Nexus {
        EncryptionScope scope = EncryptionScope::public_scope;
        Saved local;                             ///< if scope is local
        std::optional<std::uint32_t> locked_to;  ///< LOCK: the counter of the parameters then
    };
    /// Has the life of parameters that this nexus set ended? None: who set them is lost.
    using Ends =
        std::function<bool(std::optional<scsi::ItNexusId> setter, const DataEncryptionParameters&)>;

    void release_shared();
    bool release_where(const Ends& ends);

    const Saved none_;                             ///< both modes disabled
    std::map<scsi::ItNexusId, Nexus> nexuses_;     ///< those that have ever said anything
    std::optional<Saved> shared_;                  ///< of scope ALL I_T NEXUS
    std::optional<scsi::ItNexusId> shared_owner_;  ///< its session may have ended
    std::uint32_t key_instance_counter_ = 0;
};

}  // namespace tapeloft::vtl::drive
