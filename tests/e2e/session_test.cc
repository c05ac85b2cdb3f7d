// Discovery, login, identity, CHAP and digests, by libiscsi against the real daemon.
#include <fstream>
#include <set>

#include <fcntl.h>
#include <iscsi/iscsi.h>
#include <sys/stat.h>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

class Session : public LibraryFixture {
  protected:
    std::string account(const std::string& name, const std::string& user,
                        const std::string& secret) {
        const auto file = directory_.path() / name;
        std::ofstream(file) << secret << "\n";
        ::chmod(file.c_str(), 0600);
        return "[[iscsi.account]]\nuser = \"" + user + "\"\nsecret_file = \"" + file.string() +
               "\"\n";
    }
};

TEST_F(Session, DiscoveryNamesTheTargetAndItsPortal) {
    start();
    const auto targets = ScsiHost::discover(login_options());
    ASSERT_OK(targets);
    ASSERT_EQ(targets->size(), 1U);
    EXPECT_EQ(targets->front().name, kTarget);
    ASSERT_EQ(targets->front().addresses.size(), 1U);
    EXPECT_EQ(targets->front().addresses.front(), portal_ + ",1");
}

TEST_F(Session, ALoginToAnUnknownTargetIsRefused) {
    start();
    auto options = login_options();
    options.target = "iqn.2026-11.io.tapeloft:nobody";
    const auto host = ScsiHost::login(options);
    ASSERT_FALSE(host.has_value());
    EXPECT_TRUE(ScsiHost::login(login_options()).has_value());
}

TEST_F(Session, SerialNumbersAreUniqueAndOutliveTheDaemon) {
    start();
    std::vector<std::string> before;
    {
        auto host = login();
        for (int lun = 0; lun <= 2; ++lun) {
            const auto serial = TapeHost(host, lun).serial();
            ASSERT_OK(serial);
            EXPECT_EQ(serial->size(), 10U);
            before.push_back(*serial);
        }
    }
    EXPECT_EQ(std::set<std::string>(before.begin(), before.end()).size(), 3U);
    const auto status = daemon_->terminate();
    ASSERT_OK(status);
    EXPECT_EQ(*status, 0);
    restart();
    auto host = login();
    for (int lun = 0; lun <= 2; ++lun) {
        const auto serial = TapeHost(host, lun).serial();
        ASSERT_OK(serial);
        EXPECT_EQ(*serial, before[static_cast<std::size_t>(lun)]);
    }
}

TEST_F(Session, ChapAdmitsTheRightSecretOnly) {
    start("", account("chap", "pbs", "a secret of 20 bytes"));
    auto options = login_options();
    EXPECT_FALSE(ScsiHost::login(options).has_value()) << "no CHAP at all";
    options.user = "pbs";
    options.secret = "another secret 20 by";
    EXPECT_FALSE(ScsiHost::login(options).has_value()) << "wrong secret";
    options.user = "pbt";
    options.secret = "a secret of 20 bytes";
    EXPECT_FALSE(ScsiHost::login(options).has_value()) << "wrong user";
    options.user = "pbs";
    ASSERT_OK(ScsiHost::login(options));
    EXPECT_FALSE(ScsiHost::discover(login_options()).has_value()) << "discovery demands CHAP too";
    std::ifstream log(directory_.path() / "daemon.log");
    const std::string text((std::istreambuf_iterator<char>(log)), std::istreambuf_iterator<char>());
    EXPECT_EQ(text.find("secret of 20"), std::string::npos) << "the secret is in the log";
}

TEST_F(Session, MutualChapProvesTheTarget) {
    const auto secret = directory_.path() / "mutual";
    std::ofstream(secret) << "the target's secret\n";
    ::chmod(secret.c_str(), 0600);
    start("", account("chap", "pbs", "a secret of 20 bytes") +
                  "mutual_user = \"library\"\nmutual_secret_file = \"" + secret.string() + "\"\n");
    auto options = login_options();
    options.user = "pbs";
    options.secret = "a secret of 20 bytes";
    options.target_user = "library";
    options.target_secret = "the target's secret";
    ASSERT_OK(ScsiHost::login(options));
    options.target_secret = "somebody else's one";
    EXPECT_FALSE(ScsiHost::login(options).has_value())
        << "the host must notice a target that does not know";
}

TEST_F(Session, RecordsPassWithAHeaderDigestAndEveryWayOfSendingData) {
    start();
    for (const bool digest : {false, true}) {
        for (const bool immediate : {false, true}) {
            for (const bool initial_r2t : {false, true}) {
                SCOPED_TRACE(testing::Message() << digest << immediate << initial_r2t);
                auto options = login_options();
                options.header_digest = digest;
                options.immediate_data = immediate;
                options.initial_r2t = initial_r2t;
                auto host = ScsiHost::login(options);
                ASSERT_OK(host);
                for (int lun = 0; lun <= 2; ++lun) {
                    (void)TapeHost(*host, lun).test_unit_ready();
                }
                load(*host, "TL0001L9", 0);
                TapeHost drive(*host, 1);
                const auto record = pattern(8U << 20U, 1);
                ASSERT_GOOD(drive.write(record));
                ASSERT_GOOD(drive.write(ByteView(record).first(1)));
                ASSERT_GOOD(drive.rewind());
                const auto whole = drive.read(8U << 20U);
                ASSERT_OK(whole);
                EXPECT_EQ(whole->data, record);
                const auto one = drive.read(256);
                ASSERT_OK(one);
                EXPECT_EQ(one->data, Bytes(record.begin(), record.begin() + 1));
                EXPECT_EQ(one->residual, 255);
            }
        }
    }
}

TEST_F(Session, TwoHostsAndAReservation) {
    start();
    auto first = login();
    auto options = login_options();
    options.initiator_name = "iqn.2026-11.io.tapeloft.tests:second";
    auto second = ScsiHost::login(options);
    ASSERT_OK(second);
    ASSERT_SENSE(TapeHost(*second, 1).test_unit_ready(), 6, 0x2900);
    load(first, "TL0001L9", 0);
    TapeHost mine(first, 1);
    TapeHost theirs(*second, 1);
    ASSERT_SENSE(theirs.test_unit_ready(), 6, 0x2800);
    ASSERT_GOOD(mine.command({0x16, 0, 0, 0, 0, 0}));
    const auto conflict = theirs.write(pattern(512, 1));
    ASSERT_OK(conflict);
    EXPECT_EQ(conflict->status, 0x18);
    ASSERT_GOOD(mine.write(pattern(512, 2)));
    ASSERT_OK(first.logout());  // a reservation ends with its session
    ASSERT_GOOD(theirs.test_unit_ready());
    const auto position = theirs.position();
    ASSERT_OK(position);
    EXPECT_EQ(position->object, 1U) << "position and cartridge stay when a session ends";
}

TEST_F(Session, ALogicalUnitResetKeepsTheCartridgeAndTellsEveryHost) {
    start();
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.write(pattern(512, 1)));
    ASSERT_EQ(iscsi_task_mgmt_lun_reset_sync(host.context(), 1), 0);
    ASSERT_SENSE(drive.test_unit_ready(), 6, 0x2903);
    ASSERT_GOOD(drive.test_unit_ready());
    ASSERT_EQ(iscsi_task_mgmt_target_warm_reset_sync(host.context()), 0);
    ASSERT_OK(drive.wait_ready());
    const auto position = drive.position();
    ASSERT_OK(position);
    EXPECT_EQ(position->object, 1U);
}

TEST_F(Session, NopOutIsAnswered) {
    start();
    auto host = login();
    bool answered = false;
    unsigned char ping[] = "are you there";
    const auto on_answer = [](iscsi_context*, int status, void*, void* told) {
        *static_cast<bool*>(told) = status == 0;
    };
    ASSERT_EQ(iscsi_nop_out_async(host.context(), on_answer, ping, sizeof ping, &answered), 0);
    ASSERT_GOOD(TapeHost(host, 0).test_unit_ready());
    EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace tapeloft::tests
