#include "vtl/drive/encryption/data_encryption.h"

#include <gtest/gtest.h>

#include "tests/vtl/drive/encryption/set_data_encryption_list.h"

namespace tapeloft::vtl::drive {
namespace {

using Affected = DataEncryption::Affected;

constexpr scsi::ItNexusId kAlice{1};
constexpr scsi::ItNexusId kBob{2};
constexpr scsi::ItNexusId kCarol{3};
constexpr unsigned kPublic = 0x00;
constexpr unsigned kLocal = 0x20;
constexpr unsigned kAll = 0x40;
constexpr unsigned kLock = 0x01;

class DataEncryptionTest : public testing::Test {
  protected:
    Affected set(scsi::ItNexusId nexus, unsigned scope, unsigned encryption, unsigned decryption,
                 unsigned control = 0) {
        Bytes list =
            set_list(static_cast<std::uint8_t>(encryption), static_cast<std::uint8_t>(decryption));
        list[4] = static_cast<std::uint8_t>(scope);
        list[5] = static_cast<std::uint8_t>(control);
        auto page = decode_set_data_encryption(list, {true, true});
        TL_ASSERT(std::holds_alternative<SetDataEncryption>(page));
        const auto affected = state.set(nexus, std::move(*std::get_if<SetDataEncryption>(&page)));
        TL_ASSERT(affected.has_value());
        return *affected;
    }
    /// nexus scope, key scope, modes: "2 2 23".
    std::string seen(scsi::ItNexusId nexus) const {
        const auto view = state.view(nexus);
        const auto digit = [](auto value) { return std::to_string(static_cast<int>(value)); };
        return digit(view.it_nexus_scope) + " " + digit(view.key_scope) + " " +
               digit(view.parameters->encryption_mode) + digit(view.parameters->decryption_mode);
    }
    std::uint32_t counter(scsi::ItNexusId nexus) const {
        return state.view(nexus).key_instance_counter;
    }

    DataEncryption state;
};

TEST_F(DataEncryptionTest, BeginsPublicAndOff) {
    EXPECT_EQ(seen(kAlice), "0 0 00");
    EXPECT_EQ(counter(kAlice), 0U);
}

TEST_F(DataEncryptionTest, AllNexusesServeEverybodyWithoutParametersOfHisOwn) {
    EXPECT_EQ(set(kBob, kLocal, 2, 2), Affected::nobody);
    EXPECT_EQ(set(kAlice, kAll, 2, 3), Affected::others);
    EXPECT_EQ(seen(kAlice), "2 2 23");
    EXPECT_EQ(seen(kCarol), "0 2 23");
    EXPECT_EQ(seen(kBob), "1 1 22");
    EXPECT_NE(state.parameters(kBob).cipher, state.parameters(kCarol).cipher);
    EXPECT_EQ(state.parameters(kAlice).cipher, state.parameters(kCarol).cipher);
}

TEST_F(DataEncryptionTest, WhoSetsForAllTakesItOver) {
    set(kAlice, kAll, 2, 3);
    EXPECT_EQ(set(kBob, kAll, 0, 2), Affected::others);
    EXPECT_EQ(seen(kAlice), "0 2 02");
    EXPECT_EQ(seen(kBob), "2 2 02");
}

TEST_F(DataEncryptionTest, ToClearWhatIsClearAffectsNobody) {
    EXPECT_EQ(set(kAlice, kAll, 0, 0), Affected::nobody);
    EXPECT_EQ(set(kBob, kAll, 0, 0), Affected::nobody);
    set(kAlice, kAll, 2, 3);
    EXPECT_EQ(set(kAlice, kAll, 0, 0), Affected::others);
    EXPECT_EQ(seen(kAlice), "2 2 00");
    EXPECT_EQ(state.parameters(kBob).cipher, nullptr);
}

TEST_F(DataEncryptionTest, PublicGivesUpWhatWasSet) {
    set(kAlice, kAll, 2, 3);
    EXPECT_EQ(set(kAlice, kPublic, 2, 3), Affected::others);
    EXPECT_EQ(seen(kAlice), "0 0 00");
    EXPECT_EQ(seen(kBob), "0 0 00");
    set(kAlice, kLocal, 2, 3);
    EXPECT_EQ(set(kAlice, kPublic, 0, 0), Affected::nobody);
    EXPECT_EQ(seen(kAlice), "0 0 00");
}

TEST_F(DataEncryptionTest, FromAllToLocalTheOthersLoseTheirs) {
    set(kAlice, kAll, 2, 3);
    EXPECT_EQ(set(kAlice, kLocal, 2, 2), Affected::others);
    EXPECT_EQ(seen(kAlice), "1 1 22");
    EXPECT_EQ(seen(kBob), "0 0 00");
}

TEST_F(DataEncryptionTest, TheKeyInstanceCounterGrowsWithEverySet) {
    set(kAlice, kAll, 2, 3);
    EXPECT_EQ(counter(kAlice), 1U);
    EXPECT_EQ(counter(kBob), 1U);
    set(kAlice, kAll, 0, 0);
    EXPECT_EQ(counter(kAlice), 2U);
    set(kBob, kLocal, 2, 2);
    EXPECT_EQ(counter(kBob), 3U);
    EXPECT_EQ(counter(kAlice), 2U);
}

TEST_F(DataEncryptionTest, ALockedNexusIsLockedOutWhenItsParametersChange) {
    set(kAlice, kAll | kLock, 2, 3);
    EXPECT_FALSE(state.locked_out(kAlice));
    set(kBob, kAll, 0, 0);
    EXPECT_TRUE(state.locked_out(kAlice));
    EXPECT_FALSE(state.locked_out(kBob));
    set(kAlice, kAll, 2, 3);
    EXPECT_FALSE(state.locked_out(kAlice));
}

TEST_F(DataEncryptionTest, APublicNexusMayLockToWhatOthersSet) {
    set(kAlice, kAll, 2, 3);
    set(kBob, kPublic | kLock, 0, 0);
    EXPECT_FALSE(state.locked_out(kBob));
    set(kAlice, kAll, 2, 3);
    EXPECT_TRUE(state.locked_out(kBob)) << "the same key again is another instance";
}

TEST_F(DataEncryptionTest, ALockOutlivesTheEndOfTheParameters) {
    set(kAlice, kAll | kLock, 2, 3, 0x04);
    EXPECT_TRUE(state.on_demount());
    EXPECT_EQ(seen(kAlice), "0 0 00");
    EXPECT_TRUE(state.locked_out(kAlice)) << "it must not write in clear without noticing";
}

TEST_F(DataEncryptionTest, DemountClearsOnlyWhatSaysSo) {
    set(kAlice, kAll, 2, 3);
    set(kBob, kLocal, 2, 2, 0x04);
    EXPECT_FALSE(state.on_demount());
    EXPECT_EQ(seen(kAlice), "2 2 23");
    EXPECT_EQ(seen(kBob), "0 2 23");
    set(kAlice, kAll, 2, 3, 0x04);
    EXPECT_TRUE(state.on_demount());
    EXPECT_EQ(seen(kBob), "0 0 00");
}

TEST_F(DataEncryptionTest, TheEndOfAReservationClearsWhatItsHolderSet) {
    set(kAlice, kAll, 2, 3, 0x01);
    set(kBob, kLocal, 2, 2, 0x02);
    const auto nobody = [](scsi::ItNexusId) { return false; };
    const auto both = [](scsi::ItNexusId) { return true; };
    EXPECT_FALSE(state.on_reservation_change(true, both));
    EXPECT_EQ(seen(kAlice) + ", " + seen(kBob), "2 2 23, 1 1 22");
    EXPECT_TRUE(state.on_reservation_change(false, nobody));
    EXPECT_EQ(seen(kAlice), "0 0 00");
    EXPECT_EQ(seen(kBob), "1 1 22") << "CKORP is for PREEMPT alone";
    EXPECT_FALSE(state.on_reservation_change(true, nobody)) << "nobody else had what bob had";
    EXPECT_EQ(seen(kBob), "0 0 00");
}

TEST_F(DataEncryptionTest, WhatALostNexusSetWithItsReservationEndsAtTheNextChange) {
    set(kAlice, kAll, 2, 3, 0x01);
    state.on_nexus_lost(kAlice);
    EXPECT_EQ(seen(kBob), "0 2 23");
    EXPECT_TRUE(state.on_reservation_change(false, [](scsi::ItNexusId) { return true; }));
    EXPECT_EQ(seen(kBob), "0 0 00");
}

TEST_F(DataEncryptionTest, ALostNexusTakesItsLocalKeyWithItAndLeavesTheSharedOne) {
    set(kAlice, kAll, 2, 3);
    set(kBob, kLocal, 2, 2);
    const std::weak_ptr<RecordCipher> key_of_bob = state.parameters(kBob).cipher;
    state.on_nexus_lost(kBob);
    EXPECT_TRUE(key_of_bob.expired());
    state.on_nexus_lost(kAlice);
    EXPECT_EQ(seen(kCarol), "0 2 23");
    EXPECT_EQ(seen(kAlice), "0 2 23") << "one who comes back begins as everybody";
    set(kCarol, kAll, 0, 0);
    EXPECT_EQ(seen(kAlice), "0 2 00");
}

TEST_F(DataEncryptionTest, AResetClearsEverything) {
    set(kAlice, kAll | kLock, 2, 3);
    set(kBob, kLocal, 2, 2);
    const std::weak_ptr<RecordCipher> first = state.parameters(kAlice).cipher;
    const std::weak_ptr<RecordCipher> second = state.parameters(kBob).cipher;
    state.on_reset();
    EXPECT_TRUE(first.expired() && second.expired()) << "the keys are gone";
    EXPECT_EQ(seen(kAlice), "0 0 00");
    EXPECT_EQ(seen(kBob), "0 0 00");
    EXPECT_EQ(counter(kAlice), 0U);
    EXPECT_FALSE(state.locked_out(kAlice));
}

TEST_F(DataEncryptionTest, ANewKeyDestroysTheOldOne) {
    set(kAlice, kAll, 2, 3);
    const std::weak_ptr<RecordCipher> old = state.parameters(kAlice).cipher;
    set(kAlice, kAll, 2, 3);
    EXPECT_TRUE(old.expired());
}

}  // namespace
}  // namespace tapeloft::vtl::drive
