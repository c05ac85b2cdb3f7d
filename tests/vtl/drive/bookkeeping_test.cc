// Log pages over real counters, what outlives a restart, and TapeAlert flags with their causes.
#include <map>

#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class KeptValues final : public ValueStore {
  public:
    [[nodiscard]] std::optional<Bytes> get(std::string_view name) const override {
        const auto found = values.find(std::string(name));
        return found == values.end() ? std::nullopt : std::optional(found->second);
    }
    Awaitable<Result<void>> put(std::string name, Bytes value) override {
        if (fails) {
            co_return Error{Errc::io, "the disk failed"};
        }
        ++puts;
        values[std::move(name)] = std::move(value);
        co_return Result<void>();
    }
    std::map<std::string, Bytes> values;
    int puts = 0;
    bool fails = false;
};

using Parameters = std::map<std::uint16_t, Bytes>;

class Bookkeeping : public DriveFixture {
  protected:
    Bookkeeping()
        : drive_memory(std::make_shared<KeptValues>()),
          volume_memory(std::make_shared<KeptValues>()) {
        restart();
    }
    /// The drive as after a start of the daemon, with what it remembers and nothing else.
    void restart(std::string_view model = "IBM ULT3580-TD8") {
        kept_host.reset();
        kept_drive.reset();
        TapeDriveOptions start = options(model);
        start.memory = drive_memory;
        kept_drive = std::make_unique<TapeDrive>(std::move(start), events);
        kept_host = std::make_unique<Host>(io, *kept_drive, 7, "iqn.kept");
        kept_host->log_in_and_clear();
    }
    Result<void> put_in(Medium cartridge) {
        tape = std::make_shared<FakeTapeControl>(strand);
        cartridge.memory = volume_memory;
        return scsi::finish(io, io.get_executor(),
                            kept_drive->insert(std::make_unique<FakeTape>(tape),
                                               std::move(cartridge), kept_host->id()));
    }
    Result<RemovedMedium> take_out() {
        return scsi::finish(io, io.get_executor(), kept_drive->remove());
    }
    void idle() {
        scsi::finish(io, io.get_executor(), scsi::then_true(kept_drive->sync_when_idle()));
    }
    Completion send(std::initializer_list<unsigned> cdb, Bytes data = {}) {
        return kept_host->send(cdb, std::move(data));
    }
    void put_record(std::size_t length) {
        ASSERT_EQ(outcome(send({0x0A, 0, byte(length, 2), byte(length, 1), byte(length, 0), 0},
                               pattern(length))),
                  "GOOD");
    }
    Parameters page(unsigned code) {
        const Bytes data = bytes_of(send({0x4D, 0, 0x40U | code, 0, 0, 0, 0, 0xFF, 0xFF, 0}));
        Parameters result;
        EXPECT_GE(data.size(), 8U) << "never an empty page";
        for (std::size_t at = 4; at + 4 <= data.size(); at += 4U + data[at + 3]) {
            const ByteView rest = ByteView(data).subspan(at);
            const ByteView value = rest.subspan(4, rest[3]);
            result[static_cast<std::uint16_t>(load_big_endian<2>(rest))] =
                Bytes(value.begin(), value.end());
        }
        return result;
    }
    std::uint64_t number(unsigned code, std::uint16_t parameter) {
        const Parameters parameters = page(code);
        const auto found = parameters.find(parameter);
        EXPECT_NE(found, parameters.end()) << "page " << code << " parameter " << parameter;
        std::uint64_t value = 0;
        for (const std::uint8_t each : found == parameters.end() ? Bytes{} : found->second) {
            value = value << 8U | each;
        }
        return value;
    }
    std::string alerts() {  // the state, page 12h: the numbers of the flags
        const Bytes flags = page(0x12).at(0);
        std::string text;
        for (unsigned flag = 1; flag <= 64; ++flag) {
            if ((flags[(flag - 1) / 8] & (0x80U >> ((flag - 1) % 8))) != 0) {
                text += (text.empty() ? "" : " ") + std::to_string(flag);
            }
        }
        return text;
    }
    static std::string told(Host& asking) {  // what page 2Eh tells this nexus
        const Bytes data = bytes_of(asking.send({0x4D, 0, 0x6E, 0, 0, 0, 0, 0xFF, 0xFF, 0}));
        std::string text;
        for (std::size_t flag = 1; flag <= 64; ++flag) {
            if (data.at(4 + (flag - 1) * 5 + 4) != 0) {
                text += (text.empty() ? "" : " ") + std::to_string(flag);
            }
        }
        return text;
    }

    std::shared_ptr<KeptValues> drive_memory;
    std::shared_ptr<KeptValues> volume_memory;
    std::unique_ptr<TapeDrive> kept_drive;
    std::unique_ptr<Host> kept_host;
};

TEST_F(Bookkeeping, CountersOfDriveAndCartridgeOutliveARestart) {
    ASSERT_TRUE(put_in(medium()));
    put_record(3'000'000);
    put_record(10);
    ASSERT_TRUE(take_out());
    restart();
    EXPECT_EQ(number(0x0C, 0x0000), 3'000'010U);
    EXPECT_EQ(number(0x02, 0x0005), 3'000'010U);
    EXPECT_EQ(number(0x14, 0x0000), 1U) << "loads";
    EXPECT_EQ(number(0x14, 0x000C), 2U) << "power cycles";
    EXPECT_EQ(number(0x17, 0x0000), 0U) << "there is no medium and was none";
    ASSERT_TRUE(put_in(medium()));
    EXPECT_EQ(number(0x17, 0x0002), 2U) << "records written in its life";
    EXPECT_EQ(number(0x17, 0x000E), 0U) << "nothing in this load";
    EXPECT_EQ(number(0x17, 0x0001), 3U) << "one mount before it remembered, and two";
    EXPECT_EQ(number(0x14, 0x0000), 2U);
}

TEST_F(Bookkeeping, ACrashLosesNoMoreThanWhatCameAfterTheLastIdleSync) {
    ASSERT_TRUE(put_in(medium()));
    put_record(1000);
    idle();
    put_record(500);
    const auto drive_values = drive_memory->values;
    const auto volume_values = volume_memory->values;
    ASSERT_TRUE(take_out());
    drive_memory->values = drive_values;  // as a kill would have left it
    volume_memory->values = volume_values;
    restart();
    EXPECT_EQ(number(0x0C, 0x0000), 1000U);
    ASSERT_TRUE(put_in(medium()));
    EXPECT_EQ(number(0x17, 0x0002), 1U);
}

TEST_F(Bookkeeping, AnIdleDriveWritesNothingTwice) {
    ASSERT_TRUE(put_in(medium()));
    put_record(1000);
    idle();
    const int drive_puts = drive_memory->puts;
    const int volume_puts = volume_memory->puts;
    idle();
    idle();
    EXPECT_EQ(drive_memory->puts, drive_puts);
    EXPECT_EQ(volume_memory->puts, volume_puts);
}

TEST_F(Bookkeeping, CountersThatCannotBeKeptAreOneEventAndAnAlertUntilTheyCan) {
    ASSERT_TRUE(put_in(medium()));
    put_record(1000);
    const auto before = events.events_after(0).size();
    drive_memory->fails = volume_memory->fails = true;
    idle();
    idle();
    EXPECT_EQ(events.events_after(0).size(), before + 2) << "one each";
    EXPECT_EQ(alerts(), "15 50");
    drive_memory->fails = volume_memory->fails = false;
    idle();
    EXPECT_EQ(alerts(), "");
    ASSERT_TRUE(take_out());
    restart();
    EXPECT_EQ(number(0x0C, 0x0000), 1000U) << "nothing was lost meanwhile";
}

TEST_F(Bookkeeping, VolumeStatisticsHaveOneRecordForEachPartition) {
    ASSERT_TRUE(put_in(medium()));
    put_record(3'000'000);
    const Parameters volume = page(0x17);
    EXPECT_EQ(volume.at(0x0202).size(), 8U);
    EXPECT_EQ(hex(volume.at(0x0202)), "07000000000003E8") << "length, partition 0, megabytes";
    EXPECT_EQ(hex(volume.at(0x0203)), "0700000000000003");
    EXPECT_EQ(hex(volume.at(0x0204)), "0700000000000381") << "to early warning";
    EXPECT_EQ(hex(volume.at(0x0200)), "09000000FFFFFFFFFFFE") << "not known";
    for (const auto needed : std::to_array<std::uint16_t>(
             {0x0001, 0x0002, 0x0003, 0x0004, 0x0007, 0x0008, 0x0009, 0x000C, 0x000D, 0x0010,
              0x0011, 0x0016, 0x0017, 0x0101, 0x0102})) {
        ASSERT_TRUE(volume.contains(needed)) << needed;
        EXPECT_GE(volume.at(needed).size(), 1U);
        EXPECT_LE(volume.at(needed).size(), 8U);
    }
    EXPECT_EQ(volume.at(0x0040).size(), 32U);
}

TEST_F(Bookkeeping, TwoPartitionsAreExactlyTwoRecordsOfSixteenBytes) {  // LTFS takes no other size
    ASSERT_TRUE(put_in(medium()));
    tape->partitions.resize(2);
    tape->partitions[1].native = 500'000'000;
    const Parameters volume = page(0x17);
    for (const auto code : std::to_array<std::uint16_t>({0x0202, 0x0203, 0x0204})) {
        const Bytes& records = volume.at(code);
        ASSERT_EQ(records.size(), 16U) << code;
        EXPECT_EQ(records[0], 7) << "length of what follows";
        EXPECT_EQ(load_big_endian<2>(ByteView(records).subspan(2)), 0U);
        EXPECT_EQ(records[8], 7);
        EXPECT_EQ(load_big_endian<2>(ByteView(records).subspan(10)), 1U);
    }
    EXPECT_EQ(load_big_endian<4>(ByteView(volume.at(0x0202)).subspan(12)), 500U);
    EXPECT_EQ(number(0x31, 0x0004), 500'000'000U / (1024 * 1024));
    EXPECT_EQ(number(0x17, 0x0016), 1500U) << "of all partitions";
}

TEST_F(Bookkeeping, CapacityPageIsOfTheLoadedMediumOnly) {
    EXPECT_EQ(number(0x31, 0x0003), 0U);
    ASSERT_TRUE(put_in(medium()));
    EXPECT_EQ(number(0x31, 0x0003), 1'000'000'000U / (1024 * 1024));
    EXPECT_EQ(number(0x31, 0x0001), 1'000'000'000U / (1024 * 1024));
    EXPECT_EQ(number(0x31, 0x0002), 0U);
    EXPECT_EQ(number(0x31, 0x0004), 0U);
    send({0x1B, 0, 0, 0, 0, 0});
    EXPECT_EQ(number(0x31, 0x0003), 0U);
}

TEST_F(Bookkeeping, EveryPageThatIsListedAnswersWithAndWithoutAMedium) {
    for (const char* model :
         {"IBM ULT3580-TD9", "HPE Ultrium 9-SCSI", "QUANTUM ULTRIUM-HH5", "TAPELOFT VTD-LTO7"}) {
        restart(model);
        for (const bool with_medium : {false, true}) {
            if (with_medium) {
                const std::string name = model;
                const char generation = name[name.find_first_of("579", name.size() - 6)];
                ASSERT_TRUE(put_in(medium(std::string("L") + generation)));
            }
            const Bytes list = bytes_of(send({0x4D, 0, 0x40, 0, 0, 0, 0, 0xFF, 0xFF, 0}));
            ASSERT_GE(list.size(), 10U);
            for (std::size_t i = 5; i < list.size(); ++i) {
                const auto got = send({0x4D, 0, 0x40U | list[i], 0, 0, 0, 0, 0xFF, 0xFF, 0});
                EXPECT_EQ(outcome(got), "GOOD") << unsigned{list[i]};
                const Bytes data = bytes_of(got);
                ASSERT_GE(data.size(), 9U) << unsigned{list[i]};
                EXPECT_EQ(data[0], list[i]) << "SPF is 0";
                EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(2)), data.size() - 4);
            }
        }
    }
}

TEST_F(Bookkeeping, AnErrorIsInTheDiagnosticDataWithItsSenseAndMedium) {
    ASSERT_TRUE(put_in(medium()));
    EXPECT_EQ(page(0x16).size(), 1U);
    EXPECT_EQ(page(0x16).at(0), Bytes(68)) << "nothing has happened";
    put_record(10);
    tape->sync_error = Error{Errc::io, "segment 3: Input/output error"};
    EXPECT_EQ(outcome(send({0x10, 0, 0, 0, 1, 0})), "03/0C/00");
    const Bytes record = page(0x16).at(0);
    EXPECT_EQ(record[2], 0x5E);
    EXPECT_EQ(record[3], 0x88);
    EXPECT_EQ(hex(ByteView(record).subspan(9, 3)), "030C00");
    EXPECT_EQ(record[24], 0x10) << "WRITE FILEMARKS";
    EXPECT_EQ(as_text(ByteView(record).subspan(28, 10)), "M000000001");
    tape->sync_error = Error{Errc::io, "segment 3: Input/output error"};
    send({0x10, 0, 0, 0, 1, 0});
    EXPECT_EQ(page(0x16).size(), 1U) << "the same again";
    EXPECT_EQ(page(0x16).at(0)[9], 0x83) << "REPEAT";
}

TEST_F(Bookkeeping, BlankMediumRaisesNoFlag) {  // trap 84
    ASSERT_TRUE(put_in(medium()));
    EXPECT_EQ(outcome(send({0x08, 0, 0, 2, 0, 0})), "08/00/05");
    EXPECT_EQ(alerts(), "");
    EXPECT_EQ(told(*kept_host), "");
}

TEST_F(Bookkeeping, CorruptDataIsFlagsThreeFourAndFive) {
    ASSERT_TRUE(put_in(medium()));
    put_record(10);
    send({0x01, 0, 0, 0, 0, 0});
    tape->read_error = Error{Errc::corrupt, "object 0: checksum"};
    send({0x08, 0, 0, 0, 10, 0});
    EXPECT_EQ(alerts(), "3 4 5");
    EXPECT_EQ(number(0x03, 0x0006), 1U);
    EXPECT_EQ(number(0x17, 0x0009), 1U);
    EXPECT_EQ(number(0x14, 0x000F), 1U);
}

TEST_F(Bookkeeping, ReadingTheTapeAlertPageClearsForTheNexusThatReadAndForNoOther) {
    ASSERT_TRUE(put_in(medium()));
    Host second(io, *kept_drive, 8, "iqn.second");
    second.log_in_and_clear();
    put_record(10);
    tape->sync_error = Error{Errc::io, "disk"};
    send({0x10, 0, 0, 0, 1, 0});
    EXPECT_EQ(told(*kept_host), "3 6");
    EXPECT_EQ(told(*kept_host), "");
    EXPECT_EQ(told(second), "3 6");
    EXPECT_EQ(alerts(), "3 6") << "the response page tells the state";
    ASSERT_TRUE(take_out());
    ASSERT_TRUE(put_in(medium()));
    EXPECT_EQ(alerts(), "") << "another medium";
}

TEST_F(Bookkeeping, RefusalsThatAPersonShouldKnowOfAreFlags) {
    ASSERT_TRUE(put_in(medium("L5")));
    EXPECT_EQ(alerts(), "12") << "a medium that this drive cannot use";
    ASSERT_TRUE(take_out());
    ASSERT_TRUE(put_in(medium()));
    EXPECT_EQ(alerts(), "");
    tape->write_protected = true;
    EXPECT_EQ(outcome(send({0x0A, 0, 0, 0, 10, 0}, pattern(10))), "07/27/00");
    EXPECT_EQ(alerts(), "9");
    send({0x1E, 0, 0, 0, 1, 0});
    EXPECT_FALSE(take_out());
    EXPECT_EQ(alerts(), "9 10");
}

TEST_F(Bookkeeping, AnAttemptToOverwriteAWormMediumIsAFlag) {
    Medium worm = medium();
    worm.worm = true;
    ASSERT_TRUE(put_in(worm));
    put_record(10);
    put_record(10);
    EXPECT_EQ(alerts(), "");
    send({0x01, 0, 0, 0, 0, 0});
    EXPECT_EQ(outcome(send({0x0A, 0, 0, 0, 10, 0}, pattern(10))), "07/30/0C");
    EXPECT_EQ(alerts(), "60");
}

TEST_F(Bookkeeping, AMediumBeyondItsRatedLifeIsAnAlertAndOneNearItAnother) {
    Medium old = medium();
    old.load_count = 18'000;
    ASSERT_TRUE(put_in(old));
    EXPECT_EQ(alerts(), "19");
    ASSERT_TRUE(take_out());
    volume_memory = std::make_shared<KeptValues>();
    old.load_count = 20'000;
    ASSERT_TRUE(put_in(old));
    EXPECT_EQ(alerts(), "7");
    ASSERT_TRUE(take_out());
    volume_memory = std::make_shared<KeptValues>();
    Medium full = medium();
    full.capacity = 1'000'000;
    full.bytes_written = 260'000'000;
    ASSERT_TRUE(put_in(full));
    EXPECT_EQ(alerts(), "7");
}

TEST_F(Bookkeeping, FullSpoolIsAnAlertUntilAWriteWorksAgain) {
    ASSERT_TRUE(put_in(medium()));
    tape->write_error = Error{Errc::no_space, "spool limit"};
    EXPECT_EQ(outcome(send({0x0A, 0, 0, 0, 10, 0}, pattern(10))), "0B/55/01");
    EXPECT_EQ(alerts(), "29");
    put_record(10);
    EXPECT_EQ(alerts(), "");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
