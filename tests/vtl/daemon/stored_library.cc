#include "tests/vtl/daemon/stored_library.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>

#include <sys/wait.h>

#include "vtl/daemon/rest_json.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::size_t kRecord = 256UL * 1024;
constexpr std::chrono::minutes kPatience{2};

}  // namespace

Ended run(const std::string& command) {
    Ended ended;
    std::FILE* const pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
    if (pipe == nullptr) {
        return ended;
    }
    std::array<char, 4096> buffer{};
    std::size_t size = 0;
    while ((size = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0) {
        ended.output.append(buffer.data(), size);
    }
    const int status = ::pclose(pipe);
    ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ended;
}

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void StoredLibrary::configure(const std::string& more, const std::string& others) {
    portal_ = "127.0.0.1:" + std::to_string(tests::free_port());
    std::ofstream(path("tapeloft.toml"))
        << "state_dir = \"" << path("state").string() << "\"\n[iscsi]\nlisten = [\"" << portal_
        << "\"]\n[[library]]\nname = \"lab\"\nstore = \"" << store()
        << "\"\nslots = 6\nimport_export_slots = 2\ndurability = \"cloud\"\n"
        << more << "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\ncapacity = \"1GB\"\n"
        << others;
}

std::filesystem::path StoredLibrary::program(const std::string& options) const {
    if (options.empty()) {
        return TAPELOFTD_PATH;
    }
    auto script = path("tapeloftd");
    std::ofstream(script) << "#!/bin/sh\nexec " << TAPELOFTD_PATH << " " << options << " \"$@\"\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    return script;
}

void StoredLibrary::start(const std::string& options) {
    auto daemon = tests::DaemonProcess::start(program(options), path("tapeloft.toml"), path("log"));
    ASSERT_TRUE(daemon) << daemon.error().message << contents(path("log"));
    daemon_.emplace(std::move(*daemon));
}

std::string StoredLibrary::refusal(const std::string& options) {
    std::filesystem::remove(path("log"));
    const auto daemon =
        tests::DaemonProcess::start(program(options), path("tapeloft.toml"), path("log"));
    EXPECT_FALSE(daemon);
    return contents(path("log"));
}

void StoredLibrary::stop() {
    log_out();
    const auto status = daemon_->terminate();
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(*status, 0) << contents(path("log"));
    daemon_.reset();
}

void StoredLibrary::log_in(const std::string& library) {
    tests::LoginOptions options;
    options.portal = portal_;
    options.target = "iqn.2026-11.io.tapeloft:" + library;
    auto host = tests::ScsiHost::login(options);
    ASSERT_TRUE(host) << host.error().message;
    host_.emplace(std::move(*host));
    for (int lun = 0; lun <= 2; ++lun) {
        (void)tests::TapeHost(*host_, lun).test_unit_ready();
    }
}

Ended StoredLibrary::tapeloft(const std::string& arguments) const {
    return run(std::string(TAPELOFT_PATH) + " --socket=" + (path("state") / "admin.sock").string() +
               " " + arguments);
}

void StoredLibrary::expect(int status, const std::string& arguments,
                           const std::string& words) const {
    const auto ended = tapeloft(arguments);
    EXPECT_EQ(ended.status, status) << arguments << "\n" << ended.output;
    EXPECT_NE(ended.output.find(words), std::string::npos) << arguments << "\n" << ended.output;
}

Ended StoredLibrary::recover(const std::string& state_dir, const std::string& more) const {
    return tapeloft("library recover '--store=" + store() + "' --key=" + path("copy.key").string() +
                    " --state-dir=" + path(state_dir).string() + " " + more);
}

void StoredLibrary::wait_until_stored() {
    if (!std::filesystem::exists(path("copy.key"))) {
        expect(0, "key backup --key=" + key().string() + " --to=" + path("copy.key").string(),
               "Copied");
    }
    const auto list = tapeloft("cartridge list --json").output;
    const auto served = Json::parse(list).at("cartridges");
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    std::string last;
    while (std::chrono::steady_clock::now() < deadline) {
        std::filesystem::remove_all(path("trial"));
        last = recover("trial").output;
        const auto catalog = media::Catalog::open(path("trial") / "catalog.sqlite");
        const auto cartridges = catalog
                                    ? (*catalog)->cartridges("lab")
                                    : Result<std::vector<media::CartridgeRecord>>(catalog.error());
        bool same = cartridges && cartridges->size() == served.size();
        for (std::size_t i = 0; same && i < served.size(); ++i) {
            same = to_json((*cartridges)[i]) == served.at(i);
        }
        if (same) {
            return;
        }
    }
    FAIL() << "the store never had all of\n" << list << last;
}

void StoredLibrary::lose_all_and_recover() {
    std::filesystem::remove_all(path("state"));
    const auto recovered = recover("state", "--take-over");
    ASSERT_EQ(recovered.status, 0) << recovered.output;
    start();
    log_in();
}

Bytes StoredLibrary::records(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Bytes bytes(count * kRecord);
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
        store_big_endian<8>(MutableByteView(bytes).subspan(i, 8), random());
    }
    return bytes;
}

void StoredLibrary::write_file(std::size_t count, std::uint64_t seed) {
    const auto bytes = records(count, seed);
    for (std::size_t i = 0; i < count; ++i) {
        const auto reply = drive().write(ByteView(bytes).subspan(i * kRecord, kRecord));
        ASSERT_TRUE(reply && reply->good());
    }
    const auto mark = drive().write_filemarks(1);
    ASSERT_TRUE(mark && mark->good());
}

void StoredLibrary::load(const std::string& barcode, std::size_t drive_number) {
    move(barcode, "drive" + std::to_string(drive_number));
    const auto ready = drive(static_cast<int>(drive_number)).wait_ready();
    ASSERT_TRUE(ready) << ready.error().message;
}

}  // namespace tapeloft::vtl::daemon
