// Traps 49 to 61: log pages, cartridge memory, encryption.
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "tests/e2e/pbs_traps.h"

namespace tapeloft::tests {
namespace {

const Bytes kKey(32, 0x5A);
constexpr auto kHostAttributes =
    std::to_array<std::uint16_t>({0x0800, 0x0801, 0x0802, 0x0803, 0x0808});

TEST_F(PbsTraps, T49_TheActivityIsToldWithinASecondWhileTheDriveWorks) {
    start_with("TL0001L9");
    std::atomic<int> slow = 0;
    std::atomic<int> refused = 0;
    std::jthread poller([this, &slow, &refused](const std::stop_token& stop) {
        auto other = another_host();
        PbsDrive theirs(other, 1);
        do {
            const auto start = std::chrono::steady_clock::now();
            refused += theirs.activity() ? 0 : 1;
            slow += std::chrono::steady_clock::now() - start > std::chrono::seconds(1) ? 1 : 0;
        } while (!stop.stop_requested());
    });
    for (std::uint64_t i = 0; i < 200; ++i) {
        ASSERT_EQ(drive().write(block(i)), kGood);
    }
    ASSERT_EQ(drive().sync(), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    ASSERT_EQ(drive().plain({0x19, 1, 0, 0, 0, 0}), kGood);
    poller.request_stop();
    poller.join();
    EXPECT_EQ(slow, 0);
    EXPECT_EQ(refused, 0);
}

TEST_F(PbsTraps, T50_TheStatusPageSaysThatItIsInitialized) {
    start_library();
    EXPECT_EQ(drive().activity(), 0);
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    EXPECT_EQ(drive().activity(), 0);
}

TEST_F(PbsTraps, T51_NoLogPageIsEmptyOrOfTheSubpageFormat) {
    start_library();
    for (const bool loaded : {false, true}) {
        for (const std::uint8_t page : Bytes{0x11, 0x12, 0x17}) {
            Bytes data;
            ASSERT_EQ(drive().in({0x4D, 0, static_cast<std::uint8_t>(0x40U | page), 0, 0, 0, 0,
                                  0x20, 0, 0},
                                 8192, data),
                      kGood);
            ASSERT_GT(data.size(), 4U);
            EXPECT_EQ(data[0] & 0x7FU, page);
            EXPECT_EQ(data[1], 0);
        }
        ASSERT_TRUE(loaded || load_into("TL0001L9", 0) == kGood);
    }
}

TEST_F(PbsTraps, T52_TapeAlertResponseHasSixtyFourFlagsFromTheMostSignificantBit) {
    start_with("TL0001L9");
    Bytes data;
    ASSERT_EQ(drive().in({0x4D, 0, 0x52, 0, 0, 0, 0, 2, 0, 0}, 512, data), kGood);
    ASSERT_EQ(data.size(), 4U + 0x0C);
    EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(2)), 0x0CU);
    EXPECT_EQ(data[7], 8);
    EXPECT_EQ(load_big_endian<8>(ByteView(data).subspan(8)), 0U);
}

TEST_F(PbsTraps, T53_VolumeStatisticsAreValidAndTheirCountersOfOneToEightBytes) {
    start_with("TL0001L9");
    write_file(1, 8);
    const auto page = drive().log_page(0x17, 0x2000);
    ASSERT_TRUE(page && page->contains(0));
    EXPECT_NE(page->at(0), Bytes(page->at(0).size()));
    for (const std::uint16_t code : std::initializer_list<std::uint16_t>{
             0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0006, 0x0007, 0x0008, 0x0009, 0x000C, 0x000D,
             0x000E, 0x000F, 0x0010, 0x0011, 0x0016, 0x0017, 0x0101, 0x0102}) {
        ASSERT_TRUE(page->contains(code)) << code;
        const auto& value = page->at(code);
        EXPECT_TRUE(!value.empty() && value.size() <= 8) << code;
        EXPECT_NE(value, Bytes(value.size(), 0xFF)) << code;
    }
    EXPECT_NE(page->at(0x0001), Bytes(page->at(0x0001).size())) << "mounts";
}

TEST_F(PbsTraps, T54_AttributesHaveTheLengthsThatPbsKnows) {
    start_with("TL0001L9");
    const auto found = drive().attributes();
    ASSERT_TRUE(found);
    for (const auto& [id, length] : {std::pair{0x0000, 8U},
                                     {0x0001, 8U},
                                     {0x0002, 8U},
                                     {0x0003, 8U},
                                     {0x0004, 8U},
                                     {0x0005, 8U},
                                     {0x0006, 1U},
                                     {0x0007, 2U},
                                     {0x0009, 4U},
                                     {0x0220, 8U},
                                     {0x0221, 8U},
                                     {0x0400, 8U},
                                     {0x0401, 32U},
                                     {0x0406, 8U},
                                     {0x0408, 1U}}) {
        const auto one = found->find(static_cast<std::uint16_t>(id));
        ASSERT_NE(one, found->end()) << std::hex << id;
        EXPECT_EQ(one->second.size(), length) << std::hex << id;
    }
    const std::string date(as_text(found->at(0x0406)));
    EXPECT_EQ(date.find_first_not_of("0123456789"), std::string::npos) << date;
    EXPECT_TRUE(date.substr(4, 2) >= "01" && date.substr(4, 2) <= "12") << date;
    EXPECT_TRUE(date.substr(6, 2) >= "01" && date.substr(6, 2) <= "31") << date;
}

TEST_F(PbsTraps, T55_WriteAttributeTakesWhatPbsSendsAndDeletesForGood) {
    start_with("TL0001L9");
    ASSERT_EQ(drive().write_attribute(0x0800, 1, "Proxmox", 8), kGood);
    ASSERT_EQ(drive().write_attribute(0x0801, 1, "Proxmox Backup Server", 32), kGood);
    ASSERT_EQ(drive().write_attribute(0x0802, 1, "3.2.4", 8), kGood);
    ASSERT_EQ(drive().write_attribute(0x0803, 2, "TL0001L9", 160), kGood);
    ASSERT_EQ(drive().write_attribute(0x0808, 2, "pool", 160), kGood);
    auto found = drive().attributes();
    ASSERT_TRUE(found && found->contains(0x0803));
    EXPECT_EQ(as_text(found->at(0x0803)).substr(0, 8), "TL0001L9");
    EXPECT_EQ(found->at(0x0803).size(), 160U);
    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(drive().open(), kGood);
    found = drive().attributes();
    ASSERT_TRUE(found && found->contains(0x0808)) << "kept with the cartridge";
    ASSERT_EQ(drive().format(), kGood);
    for (const std::uint16_t id : kHostAttributes) {
        ASSERT_EQ(drive().write_attribute(id, id >= 0x0803 ? 2 : 1, "", 0), kGood);
    }
    found = drive().attributes();
    ASSERT_TRUE(found);
    for (const std::uint16_t id : kHostAttributes) {
        EXPECT_FALSE(found->contains(id)) << id;
    }
}

TEST_F(PbsTraps, T56_TheCapabilitiesHaveAes256GcmInHardware) {
    start_library();
    Bytes data;
    ASSERT_EQ(drive().in({0xA2, 0x20, 0, 0x10, 0, 0, 0, 0, 0x20, 4, 0, 0}, 8196, data), kGood);
    EXPECT_EQ(drive().encryption(kKey), kGood);
}

TEST_F(PbsTraps, T57_EveryCapabilityDescriptorHas24BytesAndNothingFollows) {
    start_with("TL0001L9");
    Bytes data;
    ASSERT_EQ(drive().in({0xA2, 0x20, 0, 0x10, 0, 0, 0, 0, 0x20, 4, 0, 0}, 8196, data), kGood);
    ASSERT_GE(data.size(), 44U);
    EXPECT_EQ((data.size() - 20) % 24, 0U);
    for (std::size_t at = 20; at < data.size(); at += 24) {
        EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(at + 2)), 0x14U);
    }
}

TEST_F(PbsTraps, T58_TheStatusIsEncryptAndMixedAfterSetAndOffAfterClear) {
    start_with("TL0001L9");
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(drive().encryption(kKey), kGood);
        EXPECT_EQ(drive().encryption_off(), kGood);
    }
}

TEST_F(PbsTraps, T59_AClearWithoutAKeyIsTaken) {
    start_library();
    EXPECT_EQ(drive().encryption_off(), kGood) << "without a medium";
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    EXPECT_EQ(drive().encryption_off(), kGood);
    EXPECT_EQ(drive().encryption_off(), kGood) << "nothing to clear";
}

TEST_F(PbsTraps, T60_MixedModeReadsBothAndEncryptedBlocksNeedTheirKey) {
    start_with("TL0001L9");
    write_file(0, 1);
    ASSERT_EQ(drive().encryption(kKey), kGood);
    write_file(1, 3);
    ASSERT_EQ(drive().sync(), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    ASSERT_EQ(drive().read(), kGood) << "a clear block under mixed mode";
    ASSERT_EQ(drive().last(), block(0));
    ASSERT_EQ(drive().marks_forward(), kGood);
    ASSERT_EQ(drive().read(), kGood);
    ASSERT_EQ(drive().last(), block(1000));

    ASSERT_EQ(drive().encryption_off(), kGood);
    EXPECT_EQ(drive().read().substr(0, 5), "07/74");
    ASSERT_EQ(drive().encryption(Bytes(32, 1)), kGood);
    EXPECT_EQ(drive().read().substr(0, 5), "07/74") << "a wrong key";
    ASSERT_EQ(drive().encryption_off(), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    EXPECT_EQ(drive().read(), kGood) << "the label is always readable";

    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(drive().open(), kGood);
    ASSERT_EQ(drive().move_to_file(1), kGood);
    EXPECT_EQ(drive().read().substr(0, 5), "07/74") << "no key outlives the daemon";
    ASSERT_EQ(drive().move_to_file(1), kGood);
    ASSERT_EQ(drive().encryption(kKey), kGood);
    for (std::uint64_t i = 0; i < 3; ++i) {
        ASSERT_EQ(drive().read(), kGood);
        ASSERT_EQ(drive().last(), block(1000 + i));
    }
    EXPECT_EQ(drive().read(512), kFilemark);
}

TEST_F(PbsTraps, T61_AKeyIsInForceForEveryProcessOfTheSessionAndEverySession) {
    start_with("TL0001L9");
    {
        auto helper = another_host("-key-helper");
        PbsDrive theirs(helper, 1);
        ASSERT_EQ(theirs.encryption(kKey), kGood);
    }
    const auto attention = drive().test_unit_ready();
    EXPECT_TRUE(attention == kGood || attention.substr(0, 5) == "06/2A") << attention;
    write_file(1, 1);
    ASSERT_EQ(drive().encryption_off(), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    EXPECT_EQ(drive().read().substr(0, 5), "07/74") << "it was encrypted";
}

}  // namespace
}  // namespace tapeloft::tests
