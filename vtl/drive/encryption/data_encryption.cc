#include "vtl/drive/encryption/data_encryption.h"

namespace tapeloft::vtl::drive {
namespace {

// Would a host see a difference in what is written or read?
bool same_effect(const DataEncryptionParameters& left, const DataEncryptionParameters& right) {
    return left.encryption_mode == right.encryption_mode &&
           left.decryption_mode == right.decryption_mode && left.cipher == nullptr &&
           right.cipher == nullptr;
}

}  // namespace

DataEncryption::View DataEncryption::view(scsi::ItNexusId nexus) const {
    View view;
    const auto found = nexuses_.find(nexus);
    if (found != nexuses_.end()) {
        view.it_nexus_scope = found->second.scope;
    }
    const Saved* saved = &none_;
    if (view.it_nexus_scope == EncryptionScope::local) {
        saved = &found->second.local;
        view.key_scope = EncryptionScope::local;
    } else if (shared_) {
        saved = &*shared_;
        view.key_scope = EncryptionScope::all_it_nexus;
    }
    view.parameters = &saved->parameters;
    view.key_instance_counter = saved->key_instance_counter;
    return view;
}

bool DataEncryption::locked_out(scsi::ItNexusId nexus) const {
    const auto found = nexuses_.find(nexus);
    return found != nexuses_.end() && found->second.locked_to &&
           *found->second.locked_to != view(nexus).key_instance_counter;
}

Result<DataEncryption::Affected> DataEncryption::set(scsi::ItNexusId nexus,
                                                     SetDataEncryption page) {
    if (page.key && page.scope != EncryptionScope::public_scope) {
        TL_TRY(page.parameters.cipher, RecordCipher::create(std::move(*page.key)));
    }
    const DataEncryptionParameters before = shared_ ? shared_->parameters : none_.parameters;
    Nexus& mine = nexuses_[nexus];
    if (mine.scope == EncryptionScope::all_it_nexus &&
        page.scope != EncryptionScope::all_it_nexus) {
        release_shared();
    }
    mine.scope = page.scope;
    mine.local = {};
    switch (page.scope) {
        case EncryptionScope::public_scope:
            break;
        case EncryptionScope::local:
            mine.local = {std::move(page.parameters), ++key_instance_counter_};
            break;
        case EncryptionScope::all_it_nexus:
            if (shared_owner_ && *shared_owner_ != nexus) {
                nexuses_[*shared_owner_].scope = EncryptionScope::public_scope;
            }
            shared_owner_ = nexus;
            shared_ = Saved{std::move(page.parameters), ++key_instance_counter_};
            break;
    }
    mine.locked_to.reset();
    if (page.lock) {
        mine.locked_to = view(nexus).key_instance_counter;
    }
    const DataEncryptionParameters& after = shared_ ? shared_->parameters : none_.parameters;
    const bool untouched = before.cipher != nullptr && before.cipher == after.cipher;
    return untouched || same_effect(before, after) ? Affected::nobody : Affected::others;
}

void DataEncryption::release_shared() {
    if (shared_owner_) {
        nexuses_[*shared_owner_].scope = EncryptionScope::public_scope;
    }
    shared_owner_.reset();
    shared_.reset();
    ++key_instance_counter_;
}

bool DataEncryption::release_where(const Ends& ends) {
    for (auto& [id, state] : nexuses_) {
        if (state.scope == EncryptionScope::local && ends(id, state.local.parameters)) {
            state.scope = EncryptionScope::public_scope;
            state.local = {};
            ++key_instance_counter_;
        }
    }
    if (!shared_ || !ends(shared_owner_, shared_->parameters)) {
        return false;
    }
    release_shared();
    return true;
}

bool DataEncryption::on_demount() {
    return release_where(
        [](const auto&, const DataEncryptionParameters& set) { return set.clear_on_demount; });
}

bool DataEncryption::on_reservation_change(
    bool preempted, const std::function<bool(scsi::ItNexusId)>& reserved_still) {
    return release_where(
        [&](std::optional<scsi::ItNexusId> setter, const DataEncryptionParameters& set) {
            const bool meant =
                set.clear_on_reservation_loss || (preempted && set.clear_on_reservation_preempt);
            return meant && !(setter && reserved_still(*setter));
        });
}

void DataEncryption::on_nexus_lost(scsi::ItNexusId nexus) {
    if (shared_owner_ == nexus) {
        shared_owner_.reset();  // what it has set for all stays
    }
    nexuses_.erase(nexus);
}

void DataEncryption::on_reset() {
    nexuses_.clear();
    shared_.reset();
    shared_owner_.reset();
    key_instance_counter_ = 0;
}

}  // namespace tapeloft::vtl::drive
