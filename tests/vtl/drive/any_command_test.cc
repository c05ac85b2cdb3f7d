// Whatever a host sends is answered, and what is refused has changed nothing.
#include <random>

#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::SenseKey;
using scsi::Status;
using scsi::Task;

class AnyCommand : public DriveFixture {
  protected:
    using Cdb = std::array<std::uint8_t, 16>;

    Completion run(const Cdb& cdb, const Bytes& data_out) {
        Task task;
        task.it_nexus = host.id();
        task.tag = ++tag;
        task.cdb = cdb;
        task.data_out = Buffer::copy_of(data_out);
        return scsi::finish(io, strand, drive.execute(std::move(task)));
    }
    /// Usage data of every command, as REPORT SUPPORTED OPERATION CODES tells it.
    std::vector<std::pair<std::size_t, Cdb>> usages() {
        std::vector<std::pair<std::size_t, Cdb>> all;
        const Bytes list = bytes_of(host.send({0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0}));
        for (std::size_t at = 4; at + 8 <= list.size(); at += 8) {
            const bool has_action = (list[at + 5] & 1U) != 0;
            const Bytes one =
                bytes_of(host.send({0xA3, 0x0C, has_action ? 2U : 1U, list[at], list[at + 2],
                                    list[at + 3], 0, 0, 0xFF, 0xFF, 0, 0}));
            Cdb usage{};
            std::copy(one.begin() + 4, one.end(), usage.begin());
            if (has_action) {
                usage[1] = list[at + 3];
            }
            all.emplace_back(one.size() - 4, usage);
        }
        return all;
    }
    std::uint64_t objects() const { return tape ? tape->objects.size() : 0; }

    scsi::TaskTag tag = 1000;
};

TEST_F(AnyCommand, IsAnsweredInEveryLoadStateAndARefusedOneChangesNothing) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const auto commands = usages();
    ASSERT_GT(commands.size(), 25U);
    for (int round = 0; round < 10'000; ++round) {
        if (round % 250 == 0) {
            drive.nexus_lost(host.id());  // an end of PREVENT and of the reservation
            host.log_in();
            static_cast<void>(remove());
            if (round % 750 != 0) {
                load();
                tape->native = 20'000;
                tape->early_warning = 15'000;
            }
        }
        const auto& [length, usage] = commands[random() % commands.size()];
        Cdb cdb{};
        cdb[0] = usage[0];
        for (std::size_t i = 1; i < length; ++i) {
            const bool sparse = i < length - 2 && random() % 4 != 0;
            cdb[i] = static_cast<std::uint8_t>(sparse ? 0U : random() & usage[i]);
        }
        const bool action = usage[0] == 0x34 || usage[0] == 0xA3;
        cdb[1] = action ? usage[1] : static_cast<std::uint8_t>(random() & usage[1]);
        if (cdb[0] == 0x10) {
            cdb[2] = cdb[3] = 0;  // the tape of these tests keeps every mark by itself
        }
        if (random() % 20 == 0) {
            cdb[random() % 16] ^= static_cast<std::uint8_t>(1U << random() % 8);
        }
        Bytes data_out(random() % 3 == 0 ? random() % 40 : 4096);
        for (std::size_t i = 0; i < std::min<std::size_t>(data_out.size(), 32); ++i) {
            data_out[i] = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
        }
        const auto before = objects();
        const Completion got = run(cdb, data_out);
        SCOPED_TRACE("round " + std::to_string(round) + " CDB " + hex(cdb) + " " + outcome(got));
        ASSERT_EQ(got.status == Status::check_condition, got.sense.has_value());
        ASSERT_LE(got.data_out_length, data_out.size());
        ASSERT_LE(got.data_in.size(), scsi::kTransferLengthMax);
        const bool refused = got.sense && (got.sense->key == SenseKey::illegal_request ||
                                           got.sense->key == SenseKey::not_ready ||
                                           got.sense->key == SenseKey::unit_attention);
        if (refused) {
            ASSERT_EQ(objects(), before);
            ASSERT_EQ(got.data_out_length, 0U);
        }
        if (outcome(got) == "05/24/00" || outcome(got) == "05/26/00") {
            ASSERT_TRUE(got.sense->field) << "which field?";
        }
        ASSERT_NE(outcome(got).substr(0, 2), "04") << "nothing here is a hardware error";
        if (tape) {
            ASSERT_LE(tape->position, tape->objects.size());
        }
    }
}

}  // namespace
}  // namespace tapeloft::vtl::drive
