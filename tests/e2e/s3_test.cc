// Tapes in S3: a store that comes and goes, a network that does what it likes, a machine that is
// lost, two daemons on one prefix. Against the stand-in, and against a real server where there is
// one (scripts/test-s3).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "tests/cloud/http/faulty_proxy.h"
#include "tests/cloud/s3/fake_s3.h"
#include "tests/e2e/store_fixture.h"
#include "tests/host/programs.h"

namespace tapeloft::tests {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// "FakeS3", and "RealS3" where a server is given.
std::vector<std::string> servers() {
    std::vector<std::string> names = {"FakeS3"};
    if (!variable("TAPELOFT_TEST_S3_URL").empty()) {
        names.emplace_back("RealS3");
    }
    return names;
}

class S3EndToEnd : public StoreFixture, public testing::WithParamInterface<std::string> {
  protected:
    S3EndToEnd() {
        std::string url;
        if (GetParam() == "FakeS3") {
            fake_ = std::make_unique<FakeS3>();
            const auto keys = fake_->environment();
            for (const auto* const name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
                kept_[name] = variable(name);
                ::setenv(name, keys(name)->c_str(), 1);
            }
            url = fake_->url("tests");
        } else {
            url = variable("TAPELOFT_TEST_S3_URL");
        }
        std::random_device random;
        url.insert(url.find('?'), "/" + std::to_string(random()) + std::to_string(random()));
        direct_ = url;
        const auto port = url.find("127.0.0.1:") + 10;
        proxy_ =
            std::make_unique<FaultyProxy>(static_cast<unsigned short>(std::stoi(url.substr(port))));
        const auto end = url.find_first_not_of("0123456789", port);
        url.replace(port, std::min(end, url.size()) - port, std::to_string(proxy_->port()));
        url_ = url;
    }

    ~S3EndToEnd() override {
        for (const auto& [name, value] : kept_) {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }

    std::map<std::string, std::string> kept_;  ///< of the environment
    std::unique_ptr<FakeS3> fake_;
    std::unique_ptr<FaultyProxy> proxy_;
    std::string direct_;  ///< URL of the store
};
INSTANTIATE_TEST_SUITE_P(Servers, S3EndToEnd, testing::ValuesIn(servers()),
                         [](const auto& server) { return server.param; });

TEST_P(S3EndToEnd, ABackupDuringWhichTheStoreIsAwayOutlivesTheMachine) {
    start_on(url_);
    {
        auto host = login();
        mount(host);
        TapeHost drive(host, 1);
        write(drive, 1, 300);  // more than a segment, so some of it is on its way
        ASSERT_GOOD(drive.write_filemarks(1));
        proxy_->take_away();
        write(drive, 301, 400);
        ASSERT_GOOD(drive.write_filemarks(1));
        put_away(host);
        ASSERT_TRUE(soon([&] { return is_away(); }));
        EXPECT_NE(log().find("The object store cannot be written"), std::string::npos);
        EXPECT_GT(archive().at("local_only"), 0);
        mount(host);
        ASSERT_GOOD(drive.space(3, 0));  // end of data
        write(drive, 401, 420);
        proxy_->bring_back();
        put_away(host);
    }
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    EXPECT_NE(log().find("The object store can be written again"), std::string::npos);
    stop();
    lose_the_machine_and_recover();
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, 300);
    ASSERT_SENSE(drive.read(kSize), 0, 0x0001);
    expect_records(drive, 301, 400);
    ASSERT_SENSE(drive.read(kSize), 0, 0x0001);
    expect_records(drive, 401, 420);
    ASSERT_SENSE(drive.read(kSize), 8, 0x0005);
}

TEST_P(S3EndToEnd, ADaemonStartsAndServesWhileItsStoreIsAway) {
    start_on(url_);
    {
        auto host = login();
        load(host, "TL0001L9", 0);
        TapeHost drive(host, 1);
        write(drive, 1, 100);
        ASSERT_GOOD(drive.write_filemarks(1));
        put_away(host);
    }
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    stop();
    proxy_->take_away();
    const auto begin = steady_clock::now();
    restart();
    EXPECT_LT(steady_clock::now() - begin, seconds(30));
    EXPECT_NE(log().find("The object store does not answer"), std::string::npos) << log();
    ASSERT_TRUE(soon([&] { return is_away(); }));
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.space(3, 0));  // end of data
    write(drive, 101, 200);
    ASSERT_GOOD(drive.write_filemarks(1));
    put_away(host);
    EXPECT_GT(archive().at("local_only"), 0);
    proxy_->bring_back();
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    mount(host);
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, 100);
    ASSERT_SENSE(drive.read(kSize), 0, 0x0001);
    expect_records(drive, 101, 200);
}

TEST_P(S3EndToEnd, ADaemonThatStartsWithWrongKeysSaysSo) {
    start_on(url_);
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    stop();
    constexpr const char* kSecret = "AWS_SECRET_ACCESS_KEY";
    const auto secret = variable(kSecret);
    ::setenv(kSecret, "wrong", 1);
    restart();
    ::setenv(kSecret, secret.c_str(), 1);
    EXPECT_NE(log().find("The object store does not accept its keys"), std::string::npos) << log();
    EXPECT_EQ(log().find("The object store does not answer"), std::string::npos) << log();
    EXPECT_EQ(log().find(secret), std::string::npos);
    static_cast<void>(login());  // hosts are served
}

TEST_P(S3EndToEnd, TheStatusShowsTheRateInForce) {
    start_on(url_ + "&upload_limit=Mon-Sun_20MiB/s");
    ASSERT_TRUE(soon([&] { return archive().is_object(); }));
    EXPECT_EQ(archive().at("upload_limit"), 20U << 20U);
    EXPECT_TRUE(archive().at("download_limit").is_null());
    EXPECT_EQ(admin("status | grep -q 'upload limited to 21.0 MB/s just now'"), 0);
}

TEST_P(S3EndToEnd, TheStatusShowsTheRateOfEachStoreOfAMirror) {
    start(kCartridges, "",
          "store = [\"file://" + (directory_.path() / "other").string() + "\", \"" + url_ +
              "&upload_limit=Mon-Sun_20MiB/s\"]\nrequired = 1\n");
    const std::string line = "status | grep -q 'in step, upload limited to 21.0 MB/s'";
    ASSERT_TRUE(soon([&] { return admin(line) == 0; })) << archive() << log();
    EXPECT_TRUE(archive().at("upload_limit").is_null());
    EXPECT_TRUE(archive().at("mirror").at(0).at("upload_limit").is_null());
    EXPECT_EQ(archive().at("mirror").at(1).at("upload_limit"), 20U << 20U);
}

TEST_P(S3EndToEnd, ADaemonEndsSoonWhateverItsStoreDoes) {
    start_on(url_);
    constexpr std::uint64_t kFirst = 20;
    {
        auto host = login();
        mount(host);
        TapeHost drive(host, 1);
        write(drive, 1, kFirst);
        put_away(host);
    }
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    std::uint64_t records = kFirst;
    for (const bool hangs : {false, true}) {
        auto host = login();
        mount(host);
        TapeHost drive(host, 1);
        ASSERT_GOOD(drive.space(3, 0));
        if (hangs) {
            proxy_->always(WireFault::silence);
        } else {
            proxy_->take_away();
        }
        write(drive, records + 1, records + 80);
        records += 80;
        ASSERT_GOOD(drive.write_filemarks(0));
        put_away(host);
        if (!hangs) {
            ASSERT_TRUE(soon([&] { return is_away(); }));
        } else {
            ASSERT_TRUE(soon([&] { return proxy_->met()[WireFault::silence] > 0; }));
        }
        const auto begin = steady_clock::now();
        stop();
        EXPECT_LT(steady_clock::now() - begin, seconds(10)) << "hangs: " << hangs;
        proxy_->always(std::nullopt);
        if (!hangs) {
            proxy_->bring_back();
        }
        restart();
    }
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, records);
}

TEST_P(S3EndToEnd, TheFirstStartNeedsTheStoreAndSaysSo) {
    proxy_->take_away();
    std::ofstream(directory_.path() / "tapeloft.toml")
        << "state_dir = \"" << state().string()
        << "\"\n[iscsi]\nlisten = [\"127.0.0.1:" << free_port()
        << "\"]\n[[library]]\nname = \"e2e\"\nstore = \"" << url_ << "\"\n";
    const auto daemon = DaemonProcess::start(daemon_program(), directory_.path() / "tapeloft.toml",
                                             directory_.path() / "daemon.log");
    ASSERT_FALSE(daemon);
    EXPECT_NE(log().find("the first start needs the store s3://"), std::string::npos) << log();
    EXPECT_FALSE(fs::exists(state() / "keys" / "e2e.key"));
}

/// Another machine, to which the library was recovered.
class SecondDaemon : public S3EndToEnd {
  protected:
    void recover(const std::string& options) {
        const auto other = directory_.path() / "other";
        fs::remove_all(other);
        const auto key = (state() / "keys" / "e2e.key").string();
        const auto command = "library recover '--store=" + url_ + "' --key=" + key +
                             " --state-dir=" + other.string() + options + " >&2";
        ASSERT_TRUE(soon([&] { return admin(command) == 0 || !fs::remove_all(other); }));
        portal_of_second_ = "127.0.0.1:" + std::to_string(free_port());
        std::ofstream(directory_.path() / "other.toml")
            << "state_dir = \"" << other.string() << "\"\n[iscsi]\nlisten = [\""
            << portal_of_second_ << "\"]\n[[library]]\nname = \"e2e\"\nstore = \"" << url_
            << "\"\ndurability = \"cloud\"\n";
    }
    [[nodiscard]] Result<DaemonProcess> start_second() const {
        return DaemonProcess::start(daemon_program(), directory_.path() / "other.toml",
                                    directory_.path() / "other.log");
    }
    [[nodiscard]] std::string log_of_second() const {
        std::ifstream in(directory_.path() / "other.log");
        return {std::istreambuf_iterator<char>(in), {}};
    }
    [[nodiscard]] Result<ScsiHost> log_in_to_second() const {
        auto options = login_options();
        options.portal = portal_of_second_;
        return ScsiHost::login(options);
    }

    std::string portal_of_second_;
};
INSTANTIATE_TEST_SUITE_P(Servers, SecondDaemon, testing::ValuesIn(servers()),
                         [](const auto& server) { return server.param; });

TEST_P(SecondDaemon, IsRefusedAndAfterATakeoverTheFirstStopsServing) {
    start_on(url_);
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    write(drive, 1, 20);
    put_away(host);
    mount(host);
    ASSERT_GOOD(drive.space(3, 0));
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    recover("");
    ASSERT_FALSE(start_second());
    EXPECT_NE(log_of_second().find("(process " + std::to_string(daemon_->pid()) + ", since "),
              std::string::npos)
        << log_of_second();

    recover(" --take-over");
    auto second = start_second();
    ASSERT_TRUE(second.has_value()) << log_of_second();
    auto there = log_in_to_second();
    ASSERT_OK(there);
    mount(*there);
    TapeHost elsewhere(*there, 1);
    ASSERT_GOOD(elsewhere.space(3, 0));
    write(elsewhere, 21, 40);
    ASSERT_GOOD(elsewhere.write_filemarks(0));  // in the store now

    bool in_spool = false;
    for (std::uint64_t record = 1001; record <= 1020; ++record) {
        const auto reply = drive.write(pattern(kSize, record));
        ASSERT_OK(reply);
        ASSERT_TRUE(reply->good() || reply->is(2, 0x0403)) << reply->text();
        in_spool = in_spool || reply->good();
    }
    ASSERT_TRUE(soon([&] { return archive().at("fenced") == true; })) << archive() << log();
    EXPECT_NE(log().find("Another daemon writes to the store of this library"), std::string::npos);
    EXPECT_NE(log().find("the library is served by tapeloftd on "), std::string::npos) << log();
    const auto is_kept = [&] { return archive().at("local_only") > 0; };
    EXPECT_TRUE(!in_spool || soon(is_kept)) << "nothing is given up";
    for (const int lun : {0, 1}) {
        ASSERT_SENSE(TapeHost(host, lun).test_unit_ready(), 2, 0x0403);
    }
    write(elsewhere, 41, 60);
    ASSERT_GOOD(elsewhere.write_filemarks(0));
    ASSERT_GOOD(elsewhere.rewind());
    expect_records(elsewhere, 1, 60);
    ASSERT_SENSE(elsewhere.read(kSize), 8, 0x0005);
}

constexpr WireFault kEveryFault[] = {WireFault::reset_at_once,    WireFault::reset_in_request,
                                     WireFault::reset_in_answer,  WireFault::answer_lost,
                                     WireFault::answer_cut_short, WireFault::answer_slow,
                                     WireFault::wrong_length,     WireFault::internal_error,
                                     WireFault::slow_down,        WireFault::answer_of_html};

TEST_P(S3EndToEnd, BackupAndRestoreGetThroughEveryFaultOfTheNetwork) {
    start_on(url_, "durability = \"cloud\"\ncache_size = 0\n");
    const std::vector<WireFault> faults(std::begin(kEveryFault), std::end(kEveryFault));
    // Each object, or range of one, meets one at most: ten in a row would be an outage.
    const auto is = [](const char* method, const char* folder) {
        return [=, met = std::make_shared<std::set<std::string>>()](const SeenRequest& request) {
            return request.method == method && request.target.find(folder) != std::string::npos &&
                   met->insert(request.target + request.header("range")).second;
        };
    };
    {
        auto host = login();
        load(host, "TL0001L9", 0);
        TapeHost drive(host, 1);
        proxy_->script(faults, is("PUT", "/packs/"));
        proxy_->script(faults, is("PUT", "/log/"));
        for (std::uint64_t file = 0; file < 12; ++file) {
            write(drive, file * 20 + 1, file * 20 + 20);
            ASSERT_GOOD(drive.write_filemarks(1));
        }
        EXPECT_EQ(proxy_->scripted_left(), 0U);
        put_away(host);
    }
    stop();
    lose_the_machine_and_recover();
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    auto reading = faults;
    reading.push_back(WireFault::flipped_bit);
    proxy_->script(reading, is("GET", "/packs/"));
    ASSERT_GOOD(drive.rewind());
    for (std::uint64_t file = 0; file < 12; ++file) {
        expect_records(drive, file * 20 + 1, file * 20 + 20);
        ASSERT_SENSE(drive.read(kSize), 0, 0x0001);
    }
    EXPECT_EQ(proxy_->scripted_left(), 0U);
    EXPECT_EQ(log().find("A record could not be read"), std::string::npos) << log();
    for (const auto fault : reading) {
        EXPECT_GE(proxy_->met()[fault], 1) << static_cast<int>(fault);
    }
}

/// A server that can be killed: scripts/rgw.
class KilledServer : public S3EndToEnd {
  protected:
    static void rgw(const std::string& action) {
        const auto command =
            variable("TAPELOFT_TEST_RGW") + " " + action + " " + variable("TAPELOFT_TEST_RGW_DIR");
        ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT: our own script
    }
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KilledServer);

std::vector<std::string> servers_to_kill() {
    return variable("TAPELOFT_TEST_RGW").empty() ? std::vector<std::string>()
                                                 : std::vector<std::string>{"RealS3"};
}
INSTANTIATE_TEST_SUITE_P(Servers, KilledServer, testing::ValuesIn(servers_to_kill()),
                         [](const auto& server) { return server.param; });

TEST_P(KilledServer, ABackupGoesOnAndTheBucketIsEnough) {
    url_ = direct_;
    start_on(url_);
    {
        auto host = login();
        load(host, "TL0001L9", 0);
        TapeHost drive(host, 1);
        write(drive, 1, 300);  // some of it is on its way
        rgw("kill");
        write(drive, 301, 600);
        ASSERT_GOOD(drive.write_filemarks(1));
        ASSERT_TRUE(soon([&] { return is_away(); }));
        rgw("again");
        put_away(host);
    }
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    stop();
    lose_the_machine_and_recover();
    auto host = login();
    mount(host);
    TapeHost drive(host, 1);
    ASSERT_GOOD(drive.rewind());
    expect_records(drive, 1, 600);
    ASSERT_SENSE(drive.read(kSize), 0, 0x0001);
    ASSERT_SENSE(drive.read(kSize), 8, 0x0005);
}

/// What only the stand-in can be told to do.
class S3Refusals : public S3EndToEnd {
  protected:
    struct Collected {
        int status = -1;
        Json json;
        std::string complaint;  ///< on standard error
    };
    Collected collect() {
        const auto out = directory_.path() / "gc.json";
        const auto err = directory_.path() / "gc.err";
        Collected done;
        done.status = admin("gc --json --grace=0 >" + out.string() + " 2>" + err.string());
        std::ifstream json(out);
        done.json = Json::parse(json, nullptr, false);
        std::ifstream text(err);
        done.complaint.assign(std::istreambuf_iterator<char>(text), {});
        return done;
    }
    std::size_t packs() const {
        const auto objects = fake_->objects();
        return static_cast<std::size_t>(std::ranges::count_if(objects, [](const auto& object) {
            return object.first.find("/packs/") != std::string::npos;
        }));
    }
};
INSTANTIATE_TEST_SUITE_P(StandIn, S3Refusals, testing::Values("FakeS3"),
                         [](const auto& server) { return server.param; });

TEST_P(S3Refusals, APackThatTheStoreDoesNotLetGoIsSaidAndIsNoSuccess) {
    start_on(url_);
    {
        auto host = login();
        mount(host);
        TapeHost drive(host, 1);
        write(drive, 1, 40);
        put_away(host);
    }
    ASSERT_TRUE(soon([&] { return all_is_stored(); })) << archive() << log();
    ASSERT_GT(packs(), 0U);
    fake_->set_intercept([](const SeenRequest& request) -> std::optional<std::string> {
        const bool hit =
            request.method == "DELETE" && request.target.find("/packs/") != std::string::npos;
        return hit ? std::optional(
                         http_answer("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>"))
                   : std::nullopt;
    });
    ASSERT_EQ(admin("cartridge delete --yes TL0001L9 >&2"), 0);
    Collected done;
    ASSERT_TRUE(soon([&] {
        done = collect();
        return done.json.value("refused", 0) != 0;
    })) << done.json
        << log();
    EXPECT_EQ(done.status, 1);
    EXPECT_EQ(done.json.at("refused"), packs());
    EXPECT_NE(done.json.at("refusal").get<std::string>().find("AccessDenied"), std::string::npos);
    EXPECT_NE(done.complaint.find("the store does not let go of"), std::string::npos)
        << done.complaint;
    EXPECT_NE(done.complaint.find("AccessDenied"), std::string::npos) << done.complaint;

    fake_->set_intercept({});
    done = collect();
    EXPECT_EQ(done.status, 0) << done.complaint;
    EXPECT_EQ(done.json.at("refused"), 0);
    EXPECT_EQ(done.complaint, "");
    EXPECT_EQ(packs(), 0U);
}

}  // namespace
}  // namespace tapeloft::tests
