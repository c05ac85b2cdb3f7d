// Tapes of a real Proxmox Backup Server through the whole path: written by a host, stored,
// recovered on a machine that has lost everything else, then read by the command line alone.
#include <fstream>
#include <set>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "cloud/base/hex.h"

#include "tests/media/pbs/golden_tapes.h"
#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class PbsTapes : public StoredLibrary {
  protected:
    void begin() {
        configure();
        start();
        log_in();
        write_tape(0, "TL0001L9");
        write_tape(1, "TL0002L9");
        write_tape(3, "TL0003L9");
    }

    void write_tape(std::size_t number, const std::string& barcode) {
        load(barcode);
        const auto tape = media::golden_tapes().at(number);
        for (const auto& file : tape->files) {
            for (const auto& record : file.records) {
                ASSERT_TRUE(drive().write(record).has_value());
            }
            ASSERT_TRUE(drive().write_filemarks(1, true).has_value());
        }
        ASSERT_TRUE(drive().write_filemarks(0).has_value());
        move(barcode, "slot" + barcode.substr(5, 1));
    }

    json scan(const std::string& arguments) const {
        const auto file = path("scan.json").string();
        expect(0, "pbs scan --library=lab --json " + arguments + " >" + file, "");
        return json::parse(contents(file));
    }

    static std::string sha256(const fs::path& file) {
        return to_hex(media::chunk_digest(as_bytes(contents(file))));
    }
    static const json& expected_snapshot(const std::string& name) {
        for (const auto& each : media::golden_expectations().at("snapshots")) {
            if (each.at("name") == name) {
                return each;
            }
        }
        throw std::out_of_range(name);
    }
    static std::string key(const std::string& name) {
        return std::string(TAPELOFT_TESTS_PATH) + "/golden/pbs-tape/keys/" + name;
    }
    /// Files of archives: listed, found, restored, as tar.
    void expect_files() const {
        const std::string name = "ct/200/2024-06-01T10:00:00Z";
        const auto full = "ns/site/ns/lab/" + name;
        const auto& listing = media::golden_expectations().at("listings").at("ct");
        expect(0, "pbs restore --library=lab " + full + ":root.pxar --to=" + path("ct").string(),
               "Restored");
        // The comment takes what run() adds, which would be for tar alone.
        expect(0,
               "pbs restore --library=lab " + full + ":root.pxar --as-tar 2>/dev/null" +
                   " | tar xf - --one-top-level=" + path("tar").string() + " #",
               "");
        std::set<std::string> paths;
        for (const auto& entry : listing) {
            paths.insert(entry.at("path").get<std::string>());
            if (entry.at("type") == "file") {
                const auto file = entry.at("path").get<std::string>();
                EXPECT_EQ(sha256(path("ct") / file), entry.at("sha256")) << file;
                EXPECT_EQ(sha256(path("tar") / file), entry.at("sha256")) << file;
            }
        }
        const auto lines = [this](const std::string& arguments) {
            const auto file = path("lines").string();
            expect(0, arguments + " --json >" + file, "");
            std::ifstream in(file);
            std::set<std::string> found;
            for (std::string line; std::getline(in, line);) {
                found.insert(json::parse(line).at("path").get<std::string>());
            }
            return found;
        };
        auto listed = lines("pbs list --library=lab --recursive " + full);
        listed.insert(*paths.begin());  // the root
        EXPECT_EQ(listed.size(), paths.size());
        const auto find = "pbs find --library=lab --snapshot='*" + name + "' ";
        EXPECT_EQ(lines(find + "--type=f --size=+60k"), (std::set<std::string>{"usr/bin/tool"}));
        EXPECT_TRUE(lines(find + "--name=nothing-of-that-name").empty());
        expect(2, "pbs restore --library=lab " + full + " --as-tar --to=x", "say where to");
        expect(5,
               "pbs restore --library=lab " + full +
                   ":root.pxar no/such --to=" + path("none").string(),
               "no/such");
    }

    static void expect_scan(const json& found) {
        std::set<std::string> names;
        for (const auto& snapshot : found.at("snapshots")) {
            names.insert(snapshot.at("name"));
            for (const auto& copy : snapshot.at("copies")) {
                EXPECT_EQ(copy.at("error"), nullptr);
                EXPECT_EQ(copy.at("needs").at("missing_chunks"), 0);
            }
        }
        std::set<std::string> expected;
        for (const auto& snapshot : media::golden_expectations().at("snapshots")) {
            expected.insert(snapshot.at("store").get<std::string>() + ":" +
                            snapshot.at("name").get<std::string>());
        }
        EXPECT_EQ(names, expected);
        const auto& tapes = media::golden_expectations().at("tapes");
        for (const std::size_t number : {0U, 1U}) {
            const auto& tape = found.at("tapes").at(number);
            EXPECT_EQ(tape.at("label").at("uuid"), tapes[number].at("uuid"));
            ASSERT_EQ(tape.at("files").size(), tapes[number].at("files").size());
            for (std::size_t file = 0; file < tape.at("files").size(); ++file) {
                EXPECT_EQ(tape.at("files")[file].at("content"),
                          tapes[number].at("files")[file].at("content"));
            }
        }
    }
};

TEST_F(PbsTapes, AreListedCheckedAndRestoredAfterTheMachineIsLost) {
    begin();
    wait_until_stored();
    daemon_->kill();
    daemon_.reset();
    log_out();
    lose_all_and_recover();
    expect_scan(scan(""));
    expect_scan(scan("--full"));
    EXPECT_EQ(scan("--pool=spare").at("tapes").size(), 1U);
    EXPECT_EQ(scan("TL0002L9").at("tapes").size(), 1U);
    expect(0, "pbs scan --library=lab", "host/tree-enc/2024-06-03T11:00:00Z");
    expect(4, "pbs scan --library=lab TL0009L9", "TL0009L9");
    expect(0, "pbs verify --library=lab --client-key=" + key("client-key.json"),
           "21 of 21 copies of snapshots are sound");

    const std::string name = "vm/100/2024-06-02T20:00:00Z";
    const auto out = path("drive.img");
    expect(0, "pbs restore --library=lab " + name + ":drive.img --to=" + out.string(),
           "Restored " + out.string());
    const auto image = expected_snapshot(name).at("files").at(1);
    ASSERT_EQ(image.at("name"), "drive.img.fidx");
    EXPECT_EQ(sha256(out), image.at("data_sha256"));
    struct stat state {};
    ASSERT_EQ(::stat(out.c_str(), &state), 0);
    EXPECT_LT(state.st_blocks * 512, state.st_size) << "zeros are holes";
    expect(1, "pbs restore --library=lab " + name + ":drive.img --to=" + out.string(),
           "there already");

    const std::string sealed = "alpha:host/tree-enc/2024-06-03T11:00:00Z";
    expect(
        1,
        "pbs restore --library=lab " + sealed + ":client.log --to=" + path("client.log").string(),
        "75:be:4d:01:9e:ee:4e:d1");
    EXPECT_FALSE(fs::exists(path("client.log")));
    std::ofstream(path("passphrase")) << "fixture-pass\n";
    fs::permissions(path("passphrase"), fs::perms::owner_read);
    expect(0,
           "pbs restore --library=lab " + sealed + ":client.log --to=" +
               path("client.log").string() + " --client-key=" + key("client-key-scrypt.json") +
               " --passphrase-file=" + path("passphrase").string(),
           "Restored");
    for (const auto& file : expected_snapshot("host/tree-enc/2024-06-03T11:00:00Z").at("files")) {
        if (file.at("name") == "client.log.blob") {
            EXPECT_EQ(sha256(path("client.log")), file.at("plain_sha256"));
        }
    }
    expect_files();
    expect(4, "pbs restore --library=lab vm/999/2024-06-02T20:00:00Z --to=x", "no snapshot");
    expect(2, "pbs restore --library=lab " + name, "say where to");
}

TEST_F(PbsTapes, ATapeThatIsInADriveIsNamedAndTheOthersAreRead) {
    begin();
    load("TL0001L9");
    expect(0, "pbs scan --library=lab", "TL0001L9 is in drive 0");
    expect(0,
           "pbs restore --library=lab vm/101/2024-06-01T21:00:00Z:drive.img --to=" +
               path("image").string(),
           "TL0002L9");
    EXPECT_EQ(sha256(path("image")),
              expected_snapshot("vm/101/2024-06-01T21:00:00Z").at("files").at(1).at("data_sha256"));
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
