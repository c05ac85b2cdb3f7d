// One drive of each family, with a medium: all it says of itself is what it said before.
#include "tests/vtl/scsi/snapshot.h"

#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

struct SnapshotCase {
    const char* model;
    const char* generation;
    const char* file;
};

class DriveSnapshot : public DriveFixture, public testing::WithParamInterface<SnapshotCase> {};

TEST_P(DriveSnapshot, IsWhatItWas) {
    TapeDriveOptions settings = options(GetParam().model);
    settings.automation_serial = "VTLCHG0001";
    TapeDrive one(std::move(settings), events);
    tape = std::make_shared<FakeTapeControl>(strand);
    ASSERT_TRUE(scsi::finish(
        io, io.get_executor(),
        one.insert(std::make_unique<FakeTape>(tape), medium(GetParam().generation), host.id())));
    scsi::TaskTag tag = 0;
    const auto send = [&](const Bytes& cdb) {
        scsi::Task task;
        task.it_nexus = host.id();
        task.tag = ++tag;
        std::copy(cdb.begin(), cdb.end(), task.cdb.begin());
        return scsi::finish(io, one.executor(), one.execute(std::move(task)));
    };
    scsi::expect_golden(TAPELOFT_TESTS_PATH "/vtl/drive", GetParam().file, scsi::snapshot(send));
}

INSTANTIATE_TEST_SUITE_P(Families, DriveSnapshot,
                         testing::Values(SnapshotCase{"IBM ULT3580-TD9", "L9", "ibm_td9"},
                                         SnapshotCase{"HPE Ultrium 8-SCSI", "L8", "hpe_8"},
                                         SnapshotCase{"QUANTUM ULTRIUM-HH7", "L7", "quantum_hh7"},
                                         SnapshotCase{"TAPELOFT VTD-LTO5", "L5", "tapeloft_5"}),
                         [](const auto& each) { return std::string(each.param.file); });

}  // namespace
}  // namespace tapeloft::vtl::drive
