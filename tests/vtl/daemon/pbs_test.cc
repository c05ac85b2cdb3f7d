// Tapes of a real Proxmox Backup Server through the whole path: written by a host, stored,
// recovered on a machine that has lost everything else, then read by the command line alone. On a
// file system, and on a real S3 server where there is one (scripts/test-s3).
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "cloud/base/hex.h"

#include "media/pbs/store/collection.h"
#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/manifest.h"

#include "vtl/cli/remote_medium.h"

#include "tests/media/pbs/golden_comparison.h"
#include "tests/media/pbs/golden_tapes.h"
#include "tests/media/pbs/tape_maker.h"
#include "tests/media/pbs_pxar/expect_restored.h"
#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/restored_tree.h"
#include "tests/vtl/daemon/pbs_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// "File", and "RealS3" where a server is given.
std::vector<std::string> stores() {
    std::vector<std::string> names = {"File"};
    if (!variable("TAPELOFT_TEST_S3_URL").empty()) {
        names.emplace_back("RealS3");
    }
    return names;
}

class PbsTapes : public PbsLibrary, public testing::WithParamInterface<std::string> {
  protected:
    PbsTapes() {
        if (GetParam() == "RealS3") {
            std::random_device random;
            url_ = variable("TAPELOFT_TEST_S3_URL");
            url_.insert(url_.find('?'), "/" + std::to_string(random()) + std::to_string(random()));
        }
    }
    ~PbsTapes() override { media::remove_tree(path("restored")); }

    [[nodiscard]] std::string store() const override {
        return url_.empty() ? StoredLibrary::store() : url_;
    }

    void begin() {
        configure();
        start();
        log_in();
        const auto tapes = media::golden_tapes();
        for (std::size_t number = 0; number < tapes.size(); ++number) {
            write_tape(*tapes[number], barcode(number));
        }
    }

    [[nodiscard]] json scan(const std::string& arguments) const {
        return json::parse(output(0, "scan --library=lab --json " + arguments));
    }
    /// What `list` or `find` prints, by path.
    [[nodiscard]] std::map<std::string, json> lines(const std::string& arguments) const {
        std::istringstream in(output(0, arguments + " --json"));
        std::map<std::string, json> found;
        for (std::string line; std::getline(in, line);) {
            auto file = json::parse(line);
            const auto at = (file.contains("archive") ? file.at("archive").get<std::string>() : "");
            found.emplace(at + file.at("path").get<std::string>(), std::move(file));
        }
        return found;
    }

    static std::string sha256(const fs::path& file) {
        return to_hex(media::chunk_digest(as_bytes(contents(file))));
    }
    static std::string full_name(const json& snapshot) {
        return snapshot.at("store").get<std::string>() + ":" +
               snapshot.at("name").get<std::string>();
    }
    static const json& expected_snapshots() { return media::golden_expectations().at("snapshots"); }
    static std::string key(const std::string& name) {
        return std::string(TAPELOFT_TESTS_PATH) + "/golden/pbs-tape/keys/" + name;
    }

    media::Collection collection(bool full) const;
    void expect_scan(bool full) const;
    void expect_listings() const;
    void expect_finds() const;
    void expect_restored_snapshot(const json& snapshot) const;
    void expect_tar() const;
    void expect_refusal_of_other_keys() const;
    void expect_errors_as_json(const std::string& name) const;

    std::string url_;
};
INSTANTIATE_TEST_SUITE_P(Stores, PbsTapes, testing::ValuesIn(stores()),
                         [](const auto& store) { return store.param; });

media::Collection PbsTapes::collection(bool full) const {
    std::vector<std::unique_ptr<media::TapeMedium>> tapes;
    const auto exchange =
        std::make_shared<cli::RecordExchange>((path("state") / "admin.sock").string());
    for (std::size_t number = 0; number < media::golden_tapes().size(); ++number) {
        tapes.push_back(std::make_unique<cli::RemoteMedium>(exchange, "lab", barcode(number)));
    }
    return media::run(media::Collection::scan(std::move(tapes), {full, "", {}})).value();
}

void expect_tape_file(const json& found, const json& expected) {
    SCOPED_TRACE(expected.at("number"));
    for (const auto* const same : {"number", "content", "records", "content_uuid"}) {
        EXPECT_EQ(found.at(same), expected.at(same)) << same;
    }
    EXPECT_EQ(found.at("filemark"), true);
    EXPECT_EQ(found.at("used"), true);
    // A catalog does not tell.
    for (const auto* const same : {"end", "stream_size", "ctime"}) {
        if (!found.at(same).is_null()) {
            EXPECT_EQ(found.at(same), expected.at(same)) << same;
        }
    }
    const auto& header = expected.at("header");
    for (const auto* const same : {"store", "snapshot"}) {
        if (header.is_object() && header.contains(same)) {
            EXPECT_EQ(found.at(same), header.at(same));
        }
    }
    if (expected.contains("chunks")) {
        EXPECT_EQ(found.at("chunks"), expected.at("chunks").size());
    }
}

void expect_tapes(const json& found, bool full) {
    const auto& expected = media::golden_expectations().at("tapes");
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t number = 0; number < expected.size(); ++number) {
        const auto& tape = found.at(number);
        const auto& wanted = expected.at(number);
        EXPECT_EQ(tape.at("label").at("label_text"), wanted.at("label"));
        EXPECT_EQ(tape.at("label").at("uuid"), wanted.at("uuid"));
        EXPECT_EQ(tape.at("label").at("ctime"), wanted.at("ctime"));
        EXPECT_EQ(tape.at("label").at("pool"), wanted.value("pool", json(nullptr)));
        EXPECT_EQ(tape.at("by_catalog"), !full && !wanted.at("media_set").is_null());
        EXPECT_TRUE(tape.at("findings").empty()) << tape.at("findings");
        for (const auto& [name, value] : wanted.at("media_set").items()) {
            EXPECT_EQ(tape.at("media_set").at(name), value) << name;
        }
        ASSERT_EQ(tape.at("files").size(), wanted.at("files").size());
        for (std::size_t file = 0; file < tape.at("files").size(); ++file) {
            expect_tape_file(tape.at("files").at(file), wanted.at("files").at(file));
            EXPECT_EQ(tape.at("files").at(file).at("end").is_null(),
                      !full && (wanted.at("files").at(file).at("content") == "chunk-archive" ||
                                wanted.at("files").at(file).at("content") == "snapshot-archive"));
        }
    }
}

void expect_snapshot(const json& found, const json& expected) {
    for (const auto* const same : {"store", "namespace", "type", "id", "time", "time_epoch"}) {
        EXPECT_EQ(found.at(same), expected.at(same)) << same;
    }
    std::set<std::pair<std::string, int>> places;
    std::set<std::pair<std::string, int>> wanted;
    for (const auto& copy : expected.at("copies")) {
        wanted.emplace(copy.at("media_set"), copy.at("file"));
    }
    for (const auto& copy : found.at("copies")) {
        places.emplace(copy.at("media_set"), copy.at("file"));
        EXPECT_EQ(copy.at("error"), nullptr);
        EXPECT_EQ(copy.at("encrypted"), expected.at("encrypted"));
        EXPECT_EQ(copy.at("signed"), expected.at("signed"));
        EXPECT_EQ(copy.at("needs").at("missing_chunks"), 0);
        ASSERT_EQ(copy.at("needs").at("tapes").size(), 1U);
        EXPECT_EQ(copy.at("needs").at("tapes").at(0).at("name"), copy.at("tape"));
        const auto& files = expected.at("files");
        ASSERT_EQ(copy.at("files").size(), files.size());
        for (std::size_t i = 0; i < files.size(); ++i) {
            const auto& file = copy.at("files").at(i);
            for (const auto* const same : {"name", "size", "crypt_mode"}) {
                EXPECT_EQ(file.at(same), files.at(i).at(same)) << same;
            }
            EXPECT_EQ(file.at("data_size"), files.at(i).value("data_size", json(nullptr)));
        }
    }
    EXPECT_EQ(places, wanted);
}

void PbsTapes::expect_scan(bool full) const {
    const auto found = scan(full ? "--full" : "");
    EXPECT_EQ(found.at("damaged"), false);
    EXPECT_TRUE(found.at("findings").empty());
    expect_tapes(found.at("tapes"), full);
    const auto& sets = media::golden_expectations().at("media_sets");
    ASSERT_EQ(found.at("media_sets").size(), sets.size());
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto& set = found.at("media_sets").at(i);
        for (const auto* const same : {"uuid", "pool", "ctime"}) {
            EXPECT_EQ(set.at(same), sets.at(i).at(same)) << same;
        }
        EXPECT_EQ(set.at("complete"), true);
        ASSERT_EQ(set.at("tapes").size(), sets.at(i).at("tapes").size());
    }
    ASSERT_EQ(found.at("snapshots").size(), expected_snapshots().size());
    for (const auto& expected : expected_snapshots()) {
        SCOPED_TRACE(full_name(expected));
        const auto& all = found.at("snapshots");
        const auto snapshot = std::find_if(all.begin(), all.end(), [&](const json& each) {
            return each.at("name") == full_name(expected);
        });
        ASSERT_NE(snapshot, all.end());
        expect_snapshot(*snapshot, expected);
    }
    const auto same = collection(full);
    media::expect_golden_labels(same);
    media::expect_golden_files(same, full);
    media::expect_golden_snapshots(same);
    if (full) {
        media::expect_golden_streams(same);
    }
}

/// As `list` shows it: what is not UTF-8 was replaced.
std::string shown(const std::string& path) {
    return json::parse(media::text_of(path)).get<std::string>();
}

void expect_listed(const json& found, const json& expected) {
    SCOPED_TRACE(media::text_of(expected));
    const std::map<std::string, std::string> words = {{"blockdev", "block device"},
                                                      {"chardev", "character device"}};
    const auto type = expected.at("type").get<std::string>();
    EXPECT_EQ(found.at("type"), words.contains(type) ? words.at(type) : type);
    for (const auto* const same : {"uid", "gid", "size", "mtime", "target"}) {
        if (expected.contains(same)) {
            EXPECT_EQ(found.at(same), expected.at(same)) << same;
        }
    }
    if (expected.contains("mode")) {
        EXPECT_EQ(found.at("mode").get<unsigned>() & 07777U,
                  std::stoul(expected.at("mode").get<std::string>(), nullptr, 8));
    }
}

void PbsTapes::expect_listings() const {
    for (const auto& snapshot : expected_snapshots()) {
        for (const auto& file : snapshot.at("files")) {
            if (!file.contains("listing")) {
                continue;
            }
            const auto archive = full_name(snapshot) + ":" + file.at("name").get<std::string>();
            SCOPED_TRACE(archive);
            const auto found =
                lines("list --library=lab --recursive --client-key=" + key("client-key.json") +
                      " " + archive);
            auto expected = media::golden_listing(file.at("listing"));
            EXPECT_EQ(found.size(), expected.size() - 1) << "all but the root";
            for (std::size_t i = 1; i < expected.size(); ++i) {
                const auto name = shown(expected[i].at("path"));
                ASSERT_TRUE(found.contains(name)) << name;
                expect_listed(found.at(name), expected[i]);
            }
        }
    }
}

void PbsTapes::expect_finds() const {
    std::set<std::string> expected;
    for (const auto& snapshot : expected_snapshots()) {
        for (const auto& file : snapshot.at("files")) {
            for (const auto& entry :
                 media::golden_expectations().at("listings").at(file.value("listing", "docs"))) {
                const auto name = entry.at("path").get<std::string>();
                if (file.contains("listing") && name.ends_with(".txt") &&
                    entry.at("type") == "file" && entry.at("size") > 50'000) {
                    const auto archive = file.at("name").get<std::string>();
                    expected.insert(full_name(snapshot) + ":" +
                                    archive.substr(0, archive.rfind('.')) + name);
                }
            }
        }
    }
    std::set<std::string> found;
    for (const auto& [name, file] :
         lines("find --library=lab --name='*.txt' --type=f --size=+50000 --client-key=" +
               key("client-key.json"))) {
        found.insert(name);
    }
    EXPECT_FALSE(found.empty());
    EXPECT_EQ(found, expected);
    EXPECT_TRUE(lines("find --library=lab --name=nothing-of-that-name --client-key=" +
                      key("client-key.json"))
                    .empty());
}

void PbsTapes::expect_restored_snapshot(const json& snapshot) const {
    SCOPED_TRACE(full_name(snapshot));
    const auto target = path("restored") / "snapshot";
    fs::create_directories(target.parent_path());
    const auto restored = json::parse(
        output(0, "restore --library=lab --json --client-key=" + key("client-key.json") + " " +
                      full_name(snapshot) + " --to=" + target.string()));
    EXPECT_TRUE(restored.at("damaged").empty()) << restored.at("damaged");
    const bool flags = !restored.contains("attributes_missing");
    std::size_t names = 0;
    for (const auto& file : snapshot.at("files")) {
        const auto name = file.at("name").get<std::string>();
        const auto place = target / name.substr(0, name.rfind('.'));
        SCOPED_TRACE(name);
        if (file.contains("listing")) {
            media::expect_restored(place, file.at("listing"), flags);
        } else if (name == media::kManifestName || name.starts_with("catalog.pcat1")) {
            continue;
        } else {
            EXPECT_EQ(sha256(place),
                      file.at(file.contains("plain_sha256") ? "plain_sha256" : "data_sha256"));
        }
        ++names;
    }
    EXPECT_EQ(std::distance(fs::directory_iterator(target), {}), static_cast<long>(names));
    media::remove_tree(path("restored"));
}

void PbsTapes::expect_tar() const {
    const auto name = "alpha:ns/site/ns/lab/ct/200/2024-06-01T10:00:00Z";
    expect(0,
           "pbs restore --library=lab " + std::string(name) + ":root.pxar --as-tar 2>/dev/null" +
               " | tar xf - --one-top-level=" + path("tar").string() + " #",
           "");
    for (const auto& entry : media::golden_expectations().at("listings").at("ct")) {
        if (entry.at("type") == "file") {
            const auto file = entry.at("path").get<std::string>();
            EXPECT_EQ(sha256(path("tar") / file), entry.at("sha256")) << file;
        }
    }
}

void PbsTapes::expect_refusal_of_other_keys() const {
    const std::string sealed = "alpha:host/tree-enc/2024-06-03T11:00:00Z";
    const auto target = path("sealed").string();
    const auto restore = "pbs restore --library=lab " + sealed + " --to=" + target;
    expect(1, restore, "75:be:4d:01:9e:ee:4e:d1");
    auto other = json::parse(media::golden_bytes("keys/client-key.json"));
    other.erase("fingerprint");
    other["data"] = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    std::ofstream(path("other.json")) << other;
    expect(1, restore + " --client-key=" + path("other.json").string(), "75:be:4d:01:9e:ee:4e:d1");
    EXPECT_FALSE(fs::exists(target)) << "nothing was written";
    std::ofstream(path("passphrase")) << "fixture-pass\n";
    fs::permissions(path("passphrase"), fs::perms::owner_read);
    expect(0,
           "pbs restore --library=lab " + sealed + ":client.log --to=" + target + " --client-key=" +
               key("client-key-scrypt.json") + " --passphrase-file=" + path("passphrase").string(),
           "Restored");
    for (const auto& snapshot : expected_snapshots()) {
        for (const auto& file : snapshot.at("files")) {
            if (full_name(snapshot) == sealed && file.at("name") == "client.log.blob") {
                EXPECT_EQ(sha256(target), file.at("plain_sha256"));
            }
        }
    }
}

TEST_P(PbsTapes, AreListedCheckedAndRestoredAfterTheMachineIsLost) {
    begin();
    wait_until_stored();
    stop();
    lose_all_and_recover();
    expect_scan(false);
    expect_scan(true);
    EXPECT_EQ(scan("--pool=spare").at("tapes").size(), 1U);
    EXPECT_EQ(scan("TL0002L9").at("tapes").size(), 1U);
    expect(0, "pbs scan --library=lab", "host/tree-enc/2024-06-03T11:00:00Z");
    expect(4, "pbs scan --library=lab TL0009L9", "TL0009L9");
    expect(0, "pbs verify --library=lab --client-key=" + key("client-key.json"),
           "21 of 21 copies of snapshots are sound");
    expect_listings();
    expect_finds();
    for (const auto& snapshot : expected_snapshots()) {
        expect_restored_snapshot(snapshot);
    }
    expect_tar();
    expect_refusal_of_other_keys();
}

void PbsTapes::expect_errors_as_json(const std::string& name) const {
    const auto error = [&](int status, const std::string& arguments) {
        return json::parse(output(status, arguments + " --library=lab --json 2>/dev/null"))
            .at("error");
    };
    const auto target = path("target");
    EXPECT_EQ(error(4, "restore " + name + ":no.img --to=" + target.string()).at("code"),
              "not found");
    EXPECT_EQ(error(2, "restore nonsense --to=" + target.string()).at("code"), "invalid argument");
    EXPECT_EQ(error(2, "restore " + name + ":drive.img etc --to=" + target.string()).at("code"),
              "invalid argument");
    EXPECT_FALSE(fs::exists(target)) << "nothing was written";
    EXPECT_EQ(error(4, "list vm/999/2024-06-02T20:00:00Z").at("code"), "not found");
    EXPECT_EQ(error(2, "find --size=much").at("code"), "invalid argument");
    fs::create_directories(target);
    std::ofstream(target / "drive.img") << "precious";
    EXPECT_EQ(error(1, "restore " + name + " --to=" + target.string()).at("code"),
              "already exists");
    EXPECT_EQ(contents(target / "drive.img"), "precious");
    EXPECT_EQ(std::distance(fs::directory_iterator(target), {}), 1) << "nothing beside it either";
    EXPECT_EQ(lines("find --library=lab --name='docs/text-?.txt' --tape=TL0001L9 "
                    "--snapshot='host/tree/2024-06-01*'")
                  .size(),
              6U);
}

TEST_P(PbsTapes, WhatCannotBeRestoredIsRefusedAndNothingIsWrittenOver) {
    begin();
    const std::string name = "vm/100/2024-06-02T20:00:00Z";
    const auto out = path("drive.img");
    expect(0, "pbs restore --library=lab " + name + ":drive.img --to=" + out.string(),
           "Restored " + out.string());
    struct stat state {};
    ASSERT_EQ(::stat(out.c_str(), &state), 0);
    EXPECT_LT(state.st_blocks * 512, state.st_size) << "zeros are holes";
    expect(1, "pbs restore --library=lab " + name + ":drive.img --to=" + out.string(),
           "there already");
    expect(4, "pbs restore --library=lab vm/999/2024-06-02T20:00:00Z --to=x", "no snapshot");
    expect(2, "pbs restore --library=lab " + name, "say where to");
    expect(2, "pbs restore --library=lab " + name + " --as-tar --to=x", "say where to");
    expect(4,
           "pbs restore --library=lab ns/site/ns/lab/ct/200/2024-06-01T10:00:00Z:root.pxar "
           "no/such --to=" +
               path("none").string(),
           "no/such");
    expect_errors_as_json(name);
}

TEST_P(PbsTapes, AKeyDoesNotMakeAStrippedManifestSound) {
    configure();
    start();
    log_in();
    const Bytes secret(32, 1);
    const auto sealed = media::make_chunk(Bytes(1000, 'x'), media::MadeEncoding::encrypted, secret);
    media::TapeMaker tape(barcode(0), 1, media::TapeMaker::uuid(9), 0);
    tape.snapshot("store", "host/stripped/2024-06-05T07:04:24Z",
                  {media::make_blob_file("fw.conf.blob", sealed.blob)});
    tape.snapshot("store", "host/plain/2024-06-05T07:04:24Z",
                  {media::make_blob_file("fw.conf.blob", media::plain_blob(as_bytes("x")))});
    tape.catalog(tape);
    write_tape(*tape.tape(), barcode(0));
    std::ofstream(path("key.json"))
        << R"({"kdf":null,"created":"2024-06-05T09:04:24+02:00","modified":)"
           R"("2024-06-05T09:04:24+02:00","data":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="})";
    const auto restore = [&](int status, const std::string& id, const std::string& words) {
        expect(status,
               "pbs restore --library=lab host/" + id + "/2024-06-05T07:04:24Z --client-key=" +
                   path("key.json").string() + " --to=" + path(id).string(),
               words);
    };
    restore(5, "stripped", "signature is missing");
    restore(0, "plain", "Not signed");
    EXPECT_EQ(contents(path("plain") / "fw.conf"), "x");
    const auto found = json::parse(output(5, "verify --library=lab --json --client-key=" +
                                                 path("key.json").string() + " 2>/dev/null"));
    for (const auto& snapshot : found.at("snapshots")) {
        EXPECT_EQ(snapshot.at("sound"),
                  snapshot.at("snapshot") == "store:host/plain/2024-06-05T07:04:24Z");
    }
}

TEST_P(PbsTapes, ATapeThatIsInADriveIsNamedAndTheOthersAreRead) {
    begin();
    load("TL0001L9");
    expect(0, "pbs scan --library=lab", "TL0001L9 is in drive 0");
    expect(1, "pbs verify --library=lab TL0001L9", "Nothing was verified");
    expect(1, "pbs verify --library=lab TL0001L9", "TL0001L9 is in drive 0");
    const auto two =
        json::parse(output(1, "verify --library=lab --json TL0001L9 TL0004L9 2>/dev/null"));
    EXPECT_EQ(two.at("not_verified"), json::array({"TL0001L9"})) << two;
    EXPECT_EQ(two.at("nothing_verified"), false);
    expect(0,
           "pbs restore --library=lab vm/101/2024-06-01T21:00:00Z:drive.img --to=" +
               path("image").string(),
           "TL0002L9");
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
