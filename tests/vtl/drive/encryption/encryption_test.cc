// What a host sees of encryption: records, positions, scopes, lifetimes.
#include <algorithm>

#include "tests/vtl/drive/encryption/encrypting_host.h"

namespace tapeloft::vtl::drive {
namespace {

class Encryption : public EncryptingHost {
  protected:
    void SetUp() override { load(); }

    const Buffer& stored(std::size_t object) const { return *tape->objects.at(object); }
    bool on_tape(const Bytes& text) const {
        return std::any_of(tape->objects.begin(), tape->objects.end(), [&](const auto& object) {
            const ByteView bytes = object ? object->view() : ByteView();
            return std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) != bytes.end();
        });
    }
    Completion set_control(unsigned control, unsigned scope = 0x40) {
        Bytes list = set_list(2, 3);
        list[4] = static_cast<std::uint8_t>(scope);
        list[5] = static_cast<std::uint8_t>(control);
        return out(list);
    }
};

TEST_F(Encryption, WhatReachesTheTapeIsEncryptedAndComesBack) {
    EXPECT_EQ(outcome(set(2, 3)), "GOOD");
    EXPECT_EQ(outcome(write(1000)), "GOOD");
    EXPECT_EQ(tape->encodings.at(0), media::RecordEncoding::encrypted);
    const Bytes start = pattern(16);
    EXPECT_FALSE(on_tape(start));
    rewind();
    const Completion got = read(1000);
    EXPECT_EQ(outcome(got), "GOOD");
    EXPECT_EQ(bytes_of(got), pattern(1000));
}

TEST_F(Encryption, LengthsAreThoseOfThePlaintext) {
    set(2, 3);
    write(100);
    rewind();
    const Completion shorter = read(512);
    EXPECT_EQ(outcome(shorter), "00/00/00");
    EXPECT_EQ(information(shorter), 412);
    rewind();
    const Completion longer = read(60);
    EXPECT_EQ(information(longer), -40);
    EXPECT_EQ(bytes_of(longer).size(), 60U);
    EXPECT_EQ(place(), (Place{1, 0}));
}

TEST_F(Encryption, FixedBlocksAreEncryptedOneByOne) {
    set(2, 2);
    set_block_length(512);
    EXPECT_EQ(outcome(host.send({0x0A, 1, 0, 0, 4, 0}, pattern(2048))), "GOOD");
    EXPECT_EQ(tape->objects.size(), 4U);
    rewind();
    EXPECT_EQ(bytes_of(host.send({0x08, 1, 0, 0, 4, 0})), pattern(2048));
}

TEST_F(Encryption, AnEncryptedRecordIsRefusedByEveryOtherSettingAndThePositionStaysBeforeIt) {
    set(2, 3);
    write(100);
    marks(1);
    struct Row {
        Bytes list;
        std::string outcome;
    };
    for (const Row& row : {Row{clear_list(), "07/74/01"}, Row{set_list(2, 0), "07/74/01"},
                           Row{set_list(0, 2, test_key(0x50)), "07/74/03"},
                           Row{set_list(2, 3, test_key(0x50)), "07/74/03"}}) {
        rewind();
        EXPECT_EQ(outcome(out(row.list)), "GOOD");
        const Completion got = read(100);
        EXPECT_EQ(outcome(got), row.outcome);
        EXPECT_EQ(information(got), 100);
        EXPECT_TRUE(got.data_in.empty());
        EXPECT_EQ(place(), (Place{0, 0}));
    }
    set(0, 2);
    EXPECT_EQ(read_outcome(), "GOOD") << "with the key it can be read at once";
}

TEST_F(Encryption, DecryptRefusesClearRecordsAndMixedReadsBoth) {
    write(100, 5);
    set(2, 3);
    write(100, 9);
    rewind();
    EXPECT_EQ(bytes_of(read(100)), pattern(100, 5));
    EXPECT_EQ(bytes_of(read(100)), pattern(100, 9));
    rewind();
    set(0, 2);
    EXPECT_EQ(read_outcome(), "07/74/02");
    EXPECT_EQ(place(), (Place{0, 0}));
    space(0, 1);
    EXPECT_EQ(bytes_of(read(100)), pattern(100, 9));
}

TEST_F(Encryption, CeemElevenRefusesRecordsOfEncryptMode) {
    set(2, 3);
    write(100);
    rewind();
    set_control(0xC0);
    EXPECT_EQ(read_outcome(), "07/74/09");
    set_control(0x80);
    EXPECT_EQ(read_outcome(), "GOOD");
}

TEST_F(Encryption, SpaceAndLocateNeedNoKey) {
    set(2, 2);
    for (int i = 0; i < 5; ++i) {
        write(100);
    }
    marks(2);
    out(clear_list());
    rewind();
    EXPECT_EQ(outcome(space(0, 3)), "GOOD");
    EXPECT_EQ(place(), (Place{3, 0}));
    EXPECT_EQ(outcome(space(1, 2)), "GOOD");
    EXPECT_EQ(place(), (Place{7, 2}));
    EXPECT_EQ(outcome(space(0, -1)), "00/00/01");
    EXPECT_EQ(outcome(host.send({0x2B, 0, 0, 0, 0, 0, 2, 0, 0, 0})), "GOOD");
    EXPECT_EQ(place(), (Place{2, 0}));
}

TEST_F(Encryption, AChangedRecordIsRefusedAndAnEventSaysSo) {
    set(2, 3);
    write(100);
    const Bytes sound = bytes_of(Completion::with_data(stored(0)));
    for (const std::size_t at : {std::size_t{44}, sound.size() / 2, sound.size() - 1}) {
        Bytes changed = sound;
        changed[at] ^= 0x04U;
        tape->objects[0] = Buffer::copy_of(changed);
        rewind();
        EXPECT_EQ(read_outcome(), "07/74/04") << "byte " << at;
        EXPECT_EQ(place(), (Place{0, 0}));
    }
    tape->objects[0] = Buffer::copy_of(Bytes(20));
    EXPECT_EQ(read_outcome(), "07/74/04") << "what is no encrypted record at all";
}

TEST_F(Encryption, ARecordMovedToAnotherObjectIsRefused) {
    set(2, 3);
    write(100, 1);
    write(100, 2);
    std::swap(tape->objects[0], tape->objects[1]);
    rewind();
    EXPECT_EQ(read_outcome(), "07/74/04");
}

TEST_F(Encryption, ARecordMovedToAnotherCartridgeIsRefused) {
    set(2, 3);
    write(100);
    const Buffer record = stored(0);
    ASSERT_TRUE(remove());
    tape = std::make_shared<FakeTapeControl>(strand);
    tape->objects = {record};
    tape->encodings = {media::RecordEncoding::encrypted};
    Medium stranger = medium();
    stranger.medium_serial = "M000000002";
    ASSERT_TRUE(scsi::finish(
        io, io.get_executor(),
        drive.insert(std::make_unique<FakeTape>(tape), std::move(stranger), host.id())));
    EXPECT_EQ(read_outcome(), "07/74/04");
}

TEST_F(Encryption, AKeyThatDoesNotClearOnDemountServesTheNextCartridge) {
    set(2, 3);
    ASSERT_TRUE(remove());
    EXPECT_EQ(modes(host), "23");
    ASSERT_TRUE(insert());
    write(100);
    EXPECT_EQ(tape->encodings.at(0), media::RecordEncoding::encrypted);
}

TEST_F(Encryption, ClearOnDemountClearsAtUnloadAndAtRemoval) {
    for (const bool unload : {true, false}) {
        other.send({0x03, 0, 0, 0, 18, 0});
        EXPECT_EQ(outcome(set_control(0x04)), "GOOD");
        EXPECT_EQ(modes(host), "23");
        EXPECT_EQ(modes(other), "06/2A/11");
        EXPECT_EQ(modes(other), "23");
        if (unload) {
            host.send({0x1B, 0, 0, 0, 0, 0});
            EXPECT_EQ(modes(other), "06/2A/11");
        } else {
            ASSERT_TRUE(remove());
        }
        EXPECT_EQ(modes(host), "00");
        EXPECT_EQ(modes(other), "00");
        host.send({0x1B, 0, 0, 0, 1, 0});
    }
    EXPECT_EQ(field(set_control(0x04)), "list 5.2") << "nothing is mounted";
}

TEST_F(Encryption, AResetClearsTheKey) {
    set(2, 3);
    scsi::finish(io, strand, scsi::then_true(drive.reset()));
    EXPECT_EQ(modes(host), "06/29/03");
    EXPECT_EQ(modes(host), "00");
    write(100);
    EXPECT_EQ(tape->encodings.at(0), media::RecordEncoding::plain);
}

TEST_F(Encryption, ALocalKeyServesItsNexusAloneAndGoesWithIt) {
    EXPECT_EQ(outcome(set_control(0, 0x20)), "GOOD");
    EXPECT_EQ(modes(other), "00") << "and no unit attention: nothing has changed for it";
    EXPECT_EQ(modes(host), "23");
    write(100);
    rewind();
    EXPECT_EQ(outcome(other.send({0x08, 0, 0, 0, 100, 0})), "07/74/01");
    host.log_out();
    host.log_in_and_clear();
    EXPECT_EQ(modes(host), "00");
}

TEST_F(Encryption, AKeyForAllOutlivesTheSessionThatSetIt) {
    set(2, 3);
    host.log_out();
    other.send({0, 0, 0, 0, 0, 0});
    EXPECT_EQ(modes(other), "23");
}

TEST_F(Encryption, OthersAreToldOfAChangeAndTheSenderIsNot) {
    set(2, 3);
    EXPECT_EQ(modes(host), "23");
    EXPECT_EQ(modes(other), "06/2A/11");
    EXPECT_EQ(modes(other), "23");
    out(clear_list());
    EXPECT_EQ(modes(other), "06/2A/11");
    out(clear_list());
    EXPECT_EQ(modes(other), "00") << "clear again is no change";
}

TEST_F(Encryption, ALockedHostMayNotGoOnWithOtherParameters) {
    Bytes list = set_list(2, 3);
    list[4] = 0x41;
    out(list);
    write(100);
    other.send({0, 0, 0, 0, 0, 0});
    EXPECT_EQ(outcome(send_out(other, clear_list())), "GOOD");
    host.send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(outcome(write(100)), "07/2A/13");
    EXPECT_EQ(tape->objects.size(), 1U) << "nothing is written in clear";
    rewind();
    EXPECT_EQ(read_outcome(), "07/2A/13");
    set(2, 3);
    EXPECT_EQ(read_outcome(), "GOOD");
}

TEST_F(Encryption, ClearOnReservationLossNeedsAReservationAndEndsWithIt) {
    EXPECT_EQ(field(set_control(0x01)), "list 5.0");
    EXPECT_EQ(field(set_control(0x02)), "list 5.1");
    host.send({0x16, 0, 0, 0, 0, 0});
    EXPECT_EQ(outcome(set_control(0x01)), "GOOD");
    EXPECT_EQ(modes(host), "23");
    host.send({0x17, 0, 0, 0, 0, 0});
    EXPECT_EQ(modes(host), "06/2A/11");
    EXPECT_EQ(modes(host), "00");
}

TEST_F(Encryption, ClearOnReservationPreemptEndsWithPreempt) {
    const auto reserve_out = [](Host& from, unsigned action, unsigned type, std::uint8_t key,
                                std::uint8_t service_action_key) {
        Bytes list(24);
        list[7] = key;
        list[15] = service_action_key;
        return outcome(from.send({0x5F, action, type, 0, 0, 0, 0, 0, 24, 0}, list));
    };
    EXPECT_EQ(reserve_out(host, 0, 0, 0, 1), "GOOD");
    EXPECT_EQ(reserve_out(other, 0, 0, 0, 2), "GOOD");
    EXPECT_EQ(reserve_out(host, 1, 5, 1, 0), "GOOD");
    EXPECT_EQ(outcome(set_control(0x02)), "GOOD");
    other.send({0, 0, 0, 0, 0, 0});
    EXPECT_EQ(modes(other), "23");
    EXPECT_EQ(reserve_out(other, 4, 5, 2, 1), "GOOD");
    other.send({0, 0, 0, 0, 0, 0});
    EXPECT_EQ(modes(other), "00");
}

TEST_F(Encryption, ARefusedPageChangesNothing) {
    set(2, 3);
    const Bytes before = page(0x20);
    for (std::size_t at = 0; at < 20; ++at) {
        Bytes list = set_list(2, 3, test_key(0x70));
        list[at] = 0xFF;
        EXPECT_EQ(outcome(out(list)).substr(0, 2), "05") << "byte " << at;
    }
    EXPECT_EQ(page(0x20), before);
    EXPECT_EQ(modes(other), "06/2A/11") << "of the first one";
    EXPECT_EQ(modes(other), "23");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
