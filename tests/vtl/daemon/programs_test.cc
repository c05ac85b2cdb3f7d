// The programs as a person or a script meets them: output and exit status.
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <set>
#include <system_error>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/wait.h>

#include "tests/vtl/daemon/running_daemon.h"
#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {
namespace {

class CommandLineTool : public RunningDaemon {
  protected:
    [[nodiscard]] Ended tapeloft(const std::string& arguments) const {
        return run(std::string(TAPELOFT_PATH) + " --socket=" + socket() + " " + arguments);
    }
    void expect(int status, const std::string& arguments, const std::string& words) const {
        const auto ended = tapeloft(arguments);
        EXPECT_EQ(ended.status, status) << arguments << "\n" << ended.output;
        EXPECT_NE(ended.output.find(words), std::string::npos) << arguments << "\n" << ended.output;
    }
};

TEST_F(CommandLineTool, TheStoreIsLookedAfterFromTheCommandLine) {
    start();
    expect(0, "status", "file://");
    expect(0, "cartridge show TL0001L9", "Only local       0 B");
    expect(0, "gc --dry-run --grace=0", "Would be removed: 0 packs");
    expect(0, "gc", "removed: 0 packs");
    expect(0, "cartridge verify TL0001L9", "TL0001L9: sound; 0 records");
    expect(0, "cartridge verify --all --sample 10%", "TL0004L9: sound");
    expect(2, "cartridge verify", "--all");
    expect(2, "cartridge verify TL0001L9 --all", "--all");
    expect(2, "cartridge verify --all --sample=0%", "1% to 100%");
    expect(4, "cartridge verify TL0099L9", "TL0099L9");
    expect(0, "library check", "Nothing of the library is damaged.");
    expect(0, "library check --repair", "4 cartridges");
}

TEST_F(CommandLineTool, AStoreIsProbedWithoutADaemon) {
    const auto place = directory_.path() / "probed";
    expect(0, "store probe file://" + place.string(), "This store can be used.");
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
        files += entry.is_regular_file() ? 1U : 0U;
    }
    EXPECT_EQ(files, 0U);
    expect(1, "store probe gopher://hole", "known are: file");
    expect(1, "store probe s3://bucket?secret=x", "there is no option \"secret\"");
    expect(2, "store probe", "URL");
}

TEST_F(CommandLineTool, AStoreOfAPluginIsAStoreLikeAnyOther) {
    const auto folder = std::filesystem::path(TAPELOFT_PATH).parent_path() / "plugins";
    const auto plugins = "TAPELOFT_STORE_PLUGINS=" + folder.string() + " ";
    const auto probed = run(plugins + TAPELOFT_PATH + " store probe shelf://one");
    EXPECT_EQ(probed.status, 0) << probed.output;
    EXPECT_NE(probed.output.find("This store can be used."), std::string::npos) << probed.output;
    std::ofstream(directory_.path() / "shelf.toml")
        << "state_dir = \"" << state().string() << "\"\n[[library]]\nstore = \"shelf://one\"\n";
    const auto checked = run(plugins + TAPELOFTD_PATH + " --check --config " +
                             (directory_.path() / "shelf.toml").string());
    EXPECT_EQ(checked.status, 0) << checked.output;
    const auto without = run(std::string(TAPELOFTD_PATH) + " --check --config " +
                             (directory_.path() / "shelf.toml").string());
    EXPECT_EQ(without.status, 2) << without.output;
    EXPECT_NE(without.output.find("there is no store of scheme \"shelf\""), std::string::npos);
}

TEST_F(CommandLineTool, ALibraryWhoseLogIsDamagedGivesExitStatusFive) {
    start();
    const auto log = state() / "store" / "lab" / "log";
    std::filesystem::path object;
    std::set<std::filesystem::path> streams;
    while (streams.size() < 5) {  // four cartridges, then their library
        std::error_code none;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(log, none)) {
            if (entry.path().filename() == "0000000000000001") {
                object = entry.path();
                streams.insert(object.parent_path());
            }
        }
    }
    expect(0, "library check", "Nothing of the library is damaged.");
    std::ofstream(object, std::ios::binary) << "not what was written there";
    expect(5, "library check", "log_damaged");
    expect(5, "library check --repair", "Not repaired: ");
}

TEST_F(CommandLineTool, EveryCommandWorksAgainstARealDaemon) {
    start();
    expect(0, "status", "iqn.2026-11.io.tapeloft:lab");
    expect(0, "library show", "slot1       1000  TL0001L9");
    expect(0, "drive list", "drive1");
    expect(0, "cartridge list", "TL0004L9");
    expect(0, "cartridge show TL0003L9", "1.0 GB");
    expect(0, "cartridge create AB0001L9 --capacity=100MB --location=mail2", "mail2");
    expect(0, "changer move AB0001L9 drive0", "Moved AB0001L9 from mail2 to drive0.");
    expect(0, "drive list", "loaded");
    expect(0, "changer move AB0001L9 slot6", "Moved AB0001L9 from drive0 to slot6.");
    expect(0, "cartridge delete AB0001L9 --dry-run", "Would delete:");
    expect(0, "cartridge show AB0001L9", "slot6");
    expect(0, "cartridge delete AB0001L9 --yes", "Deleted:");
    expect(0, "cartridge protect TL0003L9", "Write protected  yes");
    expect(0, "cartridge unprotect TL0003L9", "Write protected  no");
    expect(0, "cartridge create WO0001L9 --worm --location=slot5", "WORM");
    expect(0, "cartridge create CLN001CU --location=slot6", "cleaning");
    expect(0, "cartridge delete WO0001L9 --yes", "Deleted:");
    expect(0, "cartridge delete CLN001CU --yes", "Deleted:");
    expect(0, "events", "AB0001L9");
}

TEST_F(CommandLineTool, CartridgesLeaveAndComeBackByMailSlotsAndTheDaemonRemembers) {
    start();
    expect(0, "cartridge export TL0001L9", "Took TL0001L9 from slot1 out of the library by mail1.");
    expect(1, "cartridge export TL0001L9", "outside of the library already");
    expect(1, "changer move TL0001L9 slot5", "import it first");
    expect(0, "cartridge list", "outside");
    expect(0, "status", "(1 outside)");
    expect(0, "library mail open", "The mail slots are open");
    expect(1, "changer move TL0002L9 mail1", "the mail slots are open");
    expect(1, "cartridge export TL0002L9", "close them first");
    stop();
    start();
    expect(0, "library show", "The mail slots are open");
    expect(0, "cartridge show TL0001L9", "outside");
    expect(1, "cartridge import TL0001L9 --slot=slot5", "mailN");
    expect(4, "cartridge import TL0001L9 --slot=mail99", "mail slot 99");
    expect(4, "cartridge import TL0099L9", "TL0099L9");
    expect(0, "cartridge import TL0001L9 --slot=mail2", "Moved TL0001L9 from outside to mail2.");
    expect(0, "library mail close", "The mail slots are closed.");
    expect(0, "changer move TL0001L9 slot1", "Moved TL0001L9 from mail2 to slot1.");
    expect(2, "library mail ajar", "ajar");
}

TEST_F(CommandLineTool, ExitStatusSaysWhatKindOfFailureItWas) {
    start();
    expect(1, "changer move TL0001L9 slot2", "TL0002L9");
    expect(2, "changer move TL0001L9", "DESTINATION");
    expect(2, "frobnicate", "\"frobnicate\"");
    expect(2, "drive frobnicate", "\"frobnicate\"");
    expect(2, "status --frobnicate", "\"--frobnicate\"");
    expect(2, "changer move TL0001L9 slot5 now", "\"now\"");
    expect(2, "events --after=x", "--after");
    expect(1, "changer move TL0001L9 shelf1", "shelf1");
    expect(1, "changer move TL0001L9 slot0", "slot0");
    expect(4, "changer move TL0001L9 drive7", "drive 7");
    expect(1, "cartridge create TL0001L9", "TL0001L9");
    expect(1, "cartridge create TL0050L9 --capacity=1", "TL0050L9");
    expect(1, "cartridge create TL0050L9..TL0060L9", "");
    expect(1, "cartridge create TL0050L5", "allowed: barcodes that end in L8, L9");
    expect(2, "", "subcommand");
    expect(2, "cartridge delete TL0001L9", "--yes");
    expect(4, "cartridge show TL0099L9", "TL0099L9");
    expect(4, "changer move TL0099L9 slot5", "TL0099L9");
    expect(4, "drive list --library=other", "there are: lab");
    expect(0, "cartridge show TL0001L9", "slot1");
    const auto nobody = run(std::string(TAPELOFT_PATH) + " --socket=/nowhere/admin.sock status");
    EXPECT_EQ(nobody.status, 3);
    EXPECT_NE(nobody.output.find("/nowhere/admin.sock"), std::string::npos);
}

TEST_F(CommandLineTool, ADaemonThatIsGoneBeforeItAnsweredIsNotSaidToHaveDoneNothing) {
    using Protocol = boost::asio::local::stream_protocol;
    boost::asio::io_context io_context;
    std::filesystem::create_directories(state());
    Protocol::acceptor acceptor(io_context, Protocol::endpoint(socket()));
    std::thread dying([&acceptor, &io_context] {
        Protocol::socket connection(io_context);
        acceptor.accept(connection);
        std::array<char, 1> first{};
        connection.read_some(boost::asio::buffer(first));
    });
    expect(3, "cartridge delete TL0001L9 --yes", "whether it was carried out is not known");
    dying.join();
}

TEST_F(CommandLineTool, OutputThatDoesNotArriveIsAFailure) {
    start();
    const auto ended =
        run("( " + std::string(TAPELOFT_PATH) + " --socket=" + socket() + " status >/dev/full )");
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.output.find("standard output takes no more"), std::string::npos)
        << ended.output;
}

TEST_F(CommandLineTool, JsonIsTheDaemonsOwnAlsoForAnError) {
    start();
    const auto good =
        nlohmann::json::parse(tapeloft("cartridge list --json").output, nullptr, false);
    ASSERT_TRUE(good.is_object());
    EXPECT_EQ(good["cartridges"].size(), 4U);
    const auto bad = tapeloft("--json cartridge show TL0099L9 2>/dev/null");
    EXPECT_EQ(bad.status, 4);
    EXPECT_NE(bad.output.find("\"code\": \"not found\""), std::string::npos) << bad.output;
}

TEST_F(CommandLineTool, TheSocketMayComeFromTheEnvironment) {
    start();
    const auto ended = run("TAPELOFT_SOCKET=" + socket() + " " + TAPELOFT_PATH + " status");
    EXPECT_EQ(ended.status, 0) << ended.output;
}

TEST(CommandLineHelp, EveryCommandHasExamplesInItsHelp) {
    for (const auto* const command :
         {"", "status", "library show", "library mail", "drive list", "cartridge list",
          "cartridge show", "cartridge create", "cartridge protect", "cartridge unprotect",
          "cartridge delete", "cartridge export", "cartridge import", "changer move", "events",
          "store probe"}) {
        const auto help = run(std::string(TAPELOFT_PATH) + " " + command + " --help");
        EXPECT_EQ(help.status, 0) << command;
        EXPECT_NE(help.output.find("Examples:\n  tapeloft "), std::string::npos) << help.output;
    }
    EXPECT_NE(run(std::string(TAPELOFT_PATH) + " --help").output.find("Exit status: 0 done"),
              std::string::npos);
}

class DaemonProgram : public testing::Test {
  protected:
    std::string config(const std::string& more = "") {
        const auto path = directory_.path() / "tapeloft.toml";
        std::ofstream(path) << "state_dir = \"" << (directory_.path() / "state").string()
                            << "\"\n[iscsi]\nlisten = [\"127.0.0.1:" << tests::free_port()
                            << "\"]\n[[library]]\nname = \"lab\"\n"
                            << more;
        return path.string();
    }
    Ended tapeloftd(const std::string& arguments) {
        return run(std::string(TAPELOFTD_PATH) + " " + arguments);
    }

    tests::TemporaryDirectory directory_;
};

TEST_F(DaemonProgram, CheckPrintsTheEffectiveConfigurationAndTouchesNothing) {
    const auto ended = tapeloftd("--check --config " + config());
    EXPECT_EQ(ended.status, 0) << ended.output;
    EXPECT_NE(ended.output.find("drive_model = \"IBM ULT3580-TD9\""), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state"));
}

TEST_F(DaemonProgram, ABadConfigurationOrOptionEndsWithStatus2AndTheLine) {
    const auto file = config("slots = 0\n");
    const auto ended = tapeloftd("--config " + file);
    EXPECT_EQ(ended.status, 2);
    EXPECT_NE(ended.output.find(file + ":6: library.slots: "), std::string::npos) << ended.output;
    EXPECT_EQ(tapeloftd("--config /nowhere/x.toml").status, 2);
    EXPECT_EQ(tapeloftd("--frobnicate").status, 2);
    EXPECT_EQ(tapeloftd("--log-level loud --check").status, 2);
    EXPECT_EQ(tapeloftd("--help").status, 0);
    EXPECT_EQ(tapeloftd("--check --config ''").status, 2) << "an empty name is not \"no name\"";
    EXPECT_EQ(tapeloftd("--check --state-dir ''").status, 2);
}

TEST_F(DaemonProgram, ItTellsTheServiceManagerAndEndsCleanlyOnSigterm) {
    auto daemon = tests::DaemonProcess::start(TAPELOFTD_PATH, config(), directory_.path() / "log");
    ASSERT_TRUE(daemon) << daemon.error().message;
    const auto status = daemon->terminate();
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(*status, 0);
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state" / "admin.sock"));
}

TEST_F(DaemonProgram, ASignalDuringTheStartIsACleanEnd) {
    const auto command = "exec " + std::string(TAPELOFTD_PATH) + " --config " + config() + " 2>&1";
    std::FILE* const pipe = ::popen(("echo $$; " + command).c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    std::array<char, 1024> line{};
    ASSERT_NE(std::fgets(line.data(), line.size(), pipe), nullptr);
    const pid_t process = std::stoi(line.data());
    ASSERT_NE(std::fgets(line.data(), line.size(), pipe), nullptr);
    EXPECT_NE(std::string(line.data()).find("Starting."), std::string::npos) << line.data();
    ::kill(process, SIGTERM);
    std::string rest;
    while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
        rest += line.data();
    }
    const int status = ::pclose(pipe);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status << "\n" << rest;
}

TEST_F(DaemonProgram, ASecondOneOnTheSameStateEndsWithStatus1AndANewOneStartsAfterAKill) {
    const auto file = config();
    auto first = tests::DaemonProcess::start(TAPELOFTD_PATH, file, directory_.path() / "log");
    ASSERT_TRUE(first) << first.error().message;
    const auto second = tapeloftd("--config " + file);
    EXPECT_EQ(second.status, 1);
    EXPECT_NE(second.output.find("another tapeloftd (process " + std::to_string(first->pid())),
              std::string::npos)
        << second.output;
    first->kill();
    auto third = tests::DaemonProcess::start(TAPELOFTD_PATH, file, directory_.path() / "log");
    ASSERT_TRUE(third) << third.error().message;
    EXPECT_EQ(*third->terminate(), 0);
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
