#include "tests/e2e/pbs_traps.h"

#include <cstdlib>

namespace tapeloft::tests {

void PbsTraps::start_library(const std::string& library) {
    start(kCartridgesOfAllKinds, "", library);
    if (!daemon_) {
        std::abort();  // the failure has been told
    }
    host_.emplace(login());
    drive_.emplace(*host_, 1);
}

void PbsTraps::start_with(const std::string& barcode) {
    start_library();
    ASSERT_EQ(load_into(barcode, 0), kGood);
    ASSERT_EQ(drive().open(), kGood);
}

ScsiHost PbsTraps::another_host(const std::string& name) {
    auto options = login_options();
    options.initiator_name += name;
    auto other = ScsiHost::login(options);
    if (!other) {
        ADD_FAILURE() << other.error().message;
        std::abort();
    }
    for (int lun = 0; lun <= 2; ++lun) {
        (void)TapeHost(*other, lun).test_unit_ready();
    }
    return std::move(*other);
}

void PbsTraps::reconnect() {
    drive_.reset();
    host_.reset();
    host_.emplace(login());
    drive_.emplace(*host_, 1);
}

PbsLibrary PbsTraps::changer(ScsiHost& host) {
    std::string why;
    auto library = pbs_changer_status(host, why);
    EXPECT_TRUE(library) << why;
    return library.value_or(PbsLibrary{});
}

std::string PbsTraps::move(const std::string& barcode, std::uint16_t to) {
    const auto library = changer();
    const auto* const from = library.find(barcode);
    return from == nullptr ? "there is no " + barcode : pbs_move(host(), from->address, to);
}

std::string PbsTraps::load_into(const std::string& barcode, std::size_t drive) {
    const auto library = changer();
    return drive >= library.drives.size() ? "no such drive"
                                          : move(barcode, library.drives[drive].address);
}

Bytes PbsTraps::vpd(int lun, std::uint8_t page) {
    const Cdb cdb{0x12, 1, page, 0, 0xFF, 0};
    auto reply = host().execute(lun, cdb, 255);
    EXPECT_EQ(pbs_outcome(reply, 255), kGood);
    return reply ? std::move(reply->data) : Bytes();
}

void PbsTraps::write_file(std::uint64_t seed, std::uint64_t blocks) {
    for (std::uint64_t i = 0; i < blocks; ++i) {
        ASSERT_EQ(drive().write(block(seed * 1000 + i)), kGood);
    }
    ASSERT_EQ(drive().mark(), kGood);
}

}  // namespace tapeloft::tests
