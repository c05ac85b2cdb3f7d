// A library that has lost everything but its store and its key; and what is refused.
#include <array>
#include <fstream>
#include <set>
#include <thread>

#include "cloud/base/hex.h"

#include "media/log/log_object.h"
#include "media/repository/keys.h"

#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;
using tests::ChangerHost;

class Recovery : public StoredLibrary {
  protected:
    /// Data on two cartridges, a text in the memory of one, and none of them where it began.
    void begin() {
        configure();
        start();
        log_in();
        load("TL0002L9");
        write_file(9, 1);
        write_file(3, 2);
        write_text("tapes of spring");
        move("TL0002L9", "slot6");
        load("TL0003L9");
        write_file(2, 3);
        move("TL0003L9", "mail2");
        wait_until_stored();
    }
    /// MAM attribute 0803h, USER MEDIUM TEXT LABEL (SPC-5, 7.4.2.4).
    void write_text(const std::string& text) {
        Bytes list = {0, 0, 0, 165, 0x08, 0x03, 0x02, 0, 160};
        list.insert(list.end(), text.begin(), text.end());
        list.resize(169, 0);
        const auto written =
            drive().command_out({0x8D, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 169, 0, 0}, list);
        ASSERT_TRUE(written && written->good()) << written->text();
    }
    std::string text() {
        const auto read =
            drive().command({0x8C, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x03, 0, 0, 1, 0, 0, 0}, 256);
        EXPECT_TRUE(read && read->good());
        return std::string(read->data.begin() + 9, read->data.end()).c_str();
    }
    void expect_file(std::size_t count, std::uint64_t seed) {
        Bytes all;
        for (std::size_t i = 0; i < count; ++i) {
            const auto read = drive().read(256 * 1024);
            ASSERT_TRUE(read && read->good()) << i << read->text();
            all.insert(all.end(), read->data.begin(), read->data.end());
        }
        EXPECT_TRUE(all == records(count, seed));
        const auto mark = drive().read(256 * 1024);
        EXPECT_TRUE(mark && mark->filemark());
    }
    [[nodiscard]] std::vector<fs::path> objects(const std::string& folder) const {
        std::vector<fs::path> files;
        for (const auto& entry : fs::recursive_directory_iterator(path("store") / folder)) {
            if (entry.is_regular_file()) {
                files.push_back(entry.path());
            }
        }
        return files;
    }
    [[nodiscard]] Json storage(const std::string& barcode) const {
        return Json::parse(tapeloft("cartridge show --json " + barcode).output).at("storage");
    }
    static constexpr std::uint64_t kStored = 40U * 256 * 1024;
    [[nodiscard]] Json archive() const {
        return Json::parse(tapeloft("status --json").output).at("libraries").at(0).at("archive");
    }
    /// They hold the same, and nothing else is stored.
    void expect_costs(const std::vector<std::string>& barcodes) const {
        const auto all = archive();
        const auto& cartridges = all.at("cartridges");
        ASSERT_EQ(cartridges.size(), barcodes.size()) << "those that hold something";
        const auto copies = static_cast<double>(barcodes.size());
        EXPECT_NEAR(all.at("dedup_ratio").get<double>(), copies, 0.1);
        double cost = 0;
        for (std::size_t i = 0; i < barcodes.size(); ++i) {
            const auto& each = cartridges.at(i);
            EXPECT_EQ(each.at("barcode"), barcodes[i]);
            EXPECT_EQ(each.at("stored"), kStored);
            EXPECT_EQ(each.at("local_only"), 0U);
            EXPECT_NEAR(each.at("dedup_ratio").get<double>(), copies, 0.1);
            EXPECT_NEAR(each.at("compression_ratio").get<double>(), 1, 0.01);
            EXPECT_GE(each.at("cost_packs").get<int>(), 1);
            cost += each.at("cost_bytes").get<double>();
        }
        EXPECT_NEAR(cost, all.at("live_bytes").get<double>(), 10'000);
        expect(0, "status", "STORED CARTRIDGE");
        const auto shown = tapeloft("cartridge show " + barcodes.back()).output;
        for (const auto* const line :
             {"Stored           10.5 MB", "Only local       0 B", "Dedup            ",
              "Compression      1.00", "Cost             ", " packs, and ", " log objects"}) {
            EXPECT_NE(shown.find(line), std::string::npos) << line << "\n" << shown;
        }
    }
    [[nodiscard]] bool has_catalog(const std::string& state_dir) const {
        return fs::exists(path(state_dir) / "catalog.sqlite");
    }
};

TEST_F(Recovery, StoreAndKeyGiveBackTheSameLibrary) {
    begin();
    const auto list = tapeloft("cartridge list").output;
    const auto changer = tests::TapeHost(*host_, 0).serial();
    const std::array serials = {drive(0).serial(), drive(1).serial()};
    daemon_->kill();
    daemon_.reset();
    log_out();
    lose_all_and_recover();
    EXPECT_EQ(tapeloft("cartridge list").output, list);
    EXPECT_EQ(tests::TapeHost(*host_, 0).serial().value(), changer.value());
    EXPECT_EQ(drive(0).serial().value(), serials[0].value());
    EXPECT_EQ(drive(1).serial().value(), serials[1].value());
    load("TL0002L9");
    EXPECT_EQ(text(), "tapes of spring");
    expect_file(9, 1);
    expect_file(3, 2);
    write_file(1, 4);
    move("TL0002L9", "slot2");
    load("TL0003L9");
    expect_file(2, 3);
    expect(1,
           "library recover --store=" + store() + " --key=" + path("copy.key").string() +
               " --state-dir=" + path("state").string(),
           "another tapeloftd");
    stop();
    const auto again = recover("state");
    EXPECT_EQ(again.status, 1);
    EXPECT_NE(again.output.find("has the library lab already"), std::string::npos) << again.output;
}

/// What is random does not compress; what two cartridges have costs each of them half.
TEST_F(Recovery, EachCartridgeSaysWhatItCostsAlsoInTheLibraryThatIsRebuilt) {
    configure();
    start();
    log_in();
    for (const auto* const barcode : {"TL0001L9", "TL0003L9"}) {
        load(barcode);
        write_file(40, 1);
        move(barcode, barcode == std::string("TL0001L9") ? "slot1" : "slot3");
        while (storage(barcode).at("stored") != kStored) {
            std::this_thread::yield();
        }
    }
    wait_until_stored();
    expect_costs({"TL0001L9", "TL0003L9"});
    daemon_->kill();
    daemon_.reset();
    log_out();
    lose_all_and_recover();
    expect_costs({"TL0001L9", "TL0003L9"});
    expect(0, "cartridge delete --yes TL0001L9", "Deleted");
    while (archive().at("dedup_ratio").get<double>() > 1.1) {
        (void)tapeloft("gc");
    }
    const auto left = storage("TL0003L9");
    EXPECT_NEAR(left.at("dedup_ratio").get<double>(), 1, 0.001);
    EXPECT_NEAR(left.at("cost_bytes").get<double>(), archive().at("live_bytes").get<double>(), 1);
}

TEST_F(Recovery, WhatAHostHasWrittenIsOnlyLocalAtOnce) {
    configure();
    start();
    log_in();
    load("TL0001L9");
    write_file(40, 1);
    const auto now = [this] {
        return Json::parse(tapeloft("cartridge show --json TL0001L9").output).at("storage");
    };
    const auto storage = now();
    EXPECT_GE(
        storage.at("local_only").get<std::uint64_t>() + storage.at("stored").get<std::uint64_t>(),
        kStored);
    EXPECT_FALSE(storage.at("seconds_left").is_null());
    while (now().at("stored") != kStored) {
        std::this_thread::yield();
    }
    EXPECT_EQ(now().at("local_only"), 0U);
    EXPECT_EQ(now().at("seconds_left"), 0U);
}

TEST_F(Recovery, TheReportSaysHowToGoOn) {
    begin();
    stop();
    const auto recovered = recover("other");
    EXPECT_EQ(recovered.status, 0) << recovered.output;
    for (const std::string words :
         {"Recovered library lab: 4 cartridges", "6 slots, 2 mail slots and 0 drives",
          "name = \"lab\"", "store = \"file:///"}) {
        EXPECT_NE(recovered.output.find(words), std::string::npos) << recovered.output;
    }
    const auto key = path("other") / "keys" / "lab.key";
    EXPECT_EQ(fs::status(key).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(contents(key), contents(path("copy.key")));
}

TEST_F(Recovery, AKeyThatIsNotTheStoresOrNoneIsRefusedAndLeavesNothing) {
    begin();
    stop();
    media::KeyFile other;
    other.repository.fill(7);
    other.master = media::SecretKey::random().value();
    fs::remove(path("copy.key"));
    EXPECT_EQ(recover("other").status, 1);
    ASSERT_TRUE(media::KeyFile::create(path("copy.key"), other, std::nullopt));
    const auto wrong = recover("other");
    EXPECT_EQ(wrong.status, 1);
    EXPECT_NE(wrong.output.find("key"), std::string::npos) << wrong.output;
    EXPECT_FALSE(has_catalog("other"));
}

TEST_F(Recovery, AStoreThatIsNotThereIsNotMade) {
    configure();
    start();
    stop();
    const auto nowhere = path("nowhere");
    const auto refused =
        tapeloft("library recover --store=file://" + nowhere.string() + " --key=" + key().string() +
                 " --state-dir=" + path("other").string());
    EXPECT_EQ(refused.status, 1) << refused.output;
    EXPECT_NE(refused.output.find("there is no folder " + nowhere.string()), std::string::npos)
        << refused.output;
    EXPECT_FALSE(fs::exists(nowhere));
    EXPECT_FALSE(fs::exists(path("other")));
}

TEST_F(Recovery, ACartridgeWithoutItsLogIsNamedAndNothingIsDoneUntilItIsGivenUp) {
    begin();
    stop();
    const auto key = media::KeyFile::read(path("copy.key"), std::nullopt);
    const media::KeyRing keys(key->master, key->repository);
    const std::set<std::string> others = {to_hex(keys.library_stream()),
                                          to_hex(keys.index_stream())};
    std::string lost;
    for (const auto& object : objects("log")) {
        const auto stream = object.parent_path().filename().string();
        if (!others.contains(stream) && (lost.empty() || lost == stream)) {
            lost = stream;
            fs::remove(object);
        }
    }
    ASSERT_FALSE(lost.empty());
    const auto refused = recover("other");
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.output.find("Not recovered: cartridge TL000"), std::string::npos)
        << refused.output;
    EXPECT_NE(refused.output.find("Nothing was changed"), std::string::npos);
    EXPECT_FALSE(has_catalog("other"));
    const auto partial = recover("other", "--partial");
    EXPECT_EQ(partial.status, 0) << partial.output;
    EXPECT_NE(partial.output.find("Recovered library lab: 3 cartridges"), std::string::npos)
        << partial.output;
}

TEST_F(Recovery, DataThatIsOnlyInTheSpoolIsNotGivenUpSilently) {
    begin();
    stop();
    fs::remove(path("state") / "catalog.sqlite");
    fs::create_directories(path("state") / "spool" / "lab" / "X");
    std::ofstream(path("state") / "spool" / "lab" / "X" / "0") << "records";
    const auto refused = recover("state");
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.output.find("Move it away first"), std::string::npos) << refused.output;
}

TEST_F(Recovery, AJournalWithoutItsCatalogDoesNotBecomePartOfTheNewOne) {
    begin();
    stop();
    for (const std::string journal : {"catalog.sqlite-wal", "catalog.sqlite-journal"}) {
        fs::create_directories(path("other"));
        std::ofstream(path("other") / journal) << "of another catalog";
        const auto refused = recover("other");
        EXPECT_EQ(refused.status, 1);
        EXPECT_NE(refused.output.find(journal + " belongs to a catalog"), std::string::npos)
            << refused.output;
        EXPECT_FALSE(has_catalog("other"));
        fs::remove(path("other") / journal);
    }
    EXPECT_EQ(recover("other").status, 0);
}

TEST_F(Recovery, ADaemonThatCannotBeSureOfItsStoreDoesNotStart) {
    begin();
    stop();
    fs::rename(key(), path("lab.key"));
    EXPECT_NE(refusal().find("without it nothing of the library can be read"), std::string::npos);
    fs::rename(path("lab.key"), key());
    fs::rename(path("store"), path("unmounted"));
    EXPECT_NE(refusal().find("is empty, and the catalog knows that it was not"), std::string::npos);
    fs::remove_all(path("store"));
    fs::rename(path("unmounted"), path("store"));
    fs::rename(path("state"), path("old"));
    EXPECT_NE(refusal().find("holds a library already"), std::string::npos);
    fs::create_directories(key().parent_path());
    fs::copy_file(path("copy.key"), key());
    EXPECT_NE(refusal().find("does not know. To take it over"), std::string::npos);
    fs::remove_all(path("state"));
    fs::rename(path("old"), path("state"));
    start();
}

// --- Keys

TEST_F(Recovery, AKeyIsBackedUpOnceAndOpensByItsPassphrase) {
    configure();
    start();
    const auto backup = path("copy.key");
    const auto of_lab = "--state-dir=" + path("state").string();
    expect(0, "key backup --library=lab --to=" + backup.string() + " " + of_lab, "fire");
    EXPECT_EQ(fs::status(backup).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(contents(backup), contents(key()));
    expect(1, "key backup --to=" + backup.string() + " " + of_lab, "not replaced");
    expect(1, "key backup --library=none --to=" + path("x").string() + " " + of_lab, "none.key");
    expect(1, "key change-passphrase " + of_lab, "no terminal");
    std::ofstream(path("first")) << "first\n";
    std::ofstream(path("second")) << "second\n";
    for (const auto* const file : {"first", "second"}) {
        fs::permissions(path(file), fs::perms::owner_read | fs::perms::owner_write);
    }
    const auto change = "key change-passphrase " + of_lab + " --passphrase-file=";
    const auto fresh = " --new-passphrase-file=";
    expect(0, change + path("first").string() + fresh + path("first").string(), "Changed");
    expect(1, change + path("second").string() + fresh + path("first").string(),
           "wrong passphrase");
    expect(0, change + path("first").string() + fresh + path("second").string(), "Changed");
    EXPECT_TRUE(media::KeyFile::read(key(), "second"));
    EXPECT_TRUE(media::KeyFile::read(backup, std::nullopt)) << "a backup stays as it was";
    stop();
    EXPECT_NE(refusal().find("a passphrase is needed"), std::string::npos);
    configure("key_passphrase_file = \"" + path("second").string() + "\"\n");
    start();
    expect(0, "cartridge list", "TL0004L9");
}

// --- Records without a drive

class Cat : public Recovery {
  protected:
    [[nodiscard]] Ended cat(const std::string& arguments) const {
        return run("( " + std::string(TAPELOFT_PATH) +
                   " --socket=" + (path("state") / "admin.sock").string() + " cartridge cat " +
                   arguments + " >" + path("out").string() + " )");
    }
    void expect_out(const Bytes& bytes) const {
        const auto out = contents(path("out"));
        EXPECT_TRUE(as_bytes(out).size() == bytes.size() &&
                    std::equal(bytes.begin(), bytes.end(), as_bytes(out).begin()))
            << out.size();
    }
};

TEST_F(Cat, AFileOfATapeComesByteForByteUnlessItIsInADrive) {
    begin();
    EXPECT_EQ(cat("TL0002L9").status, 0);
    expect_out(records(9, 1));
    EXPECT_EQ(cat("TL0002L9 --file=1 --partition=0").status, 0);
    expect_out(records(3, 2));
    for (const std::string missing :
         {"TL0002L9 --file=2", "TL0002L9 --partition=1", "TL0009L9", "TL0001L9"}) {
        EXPECT_EQ(cat(missing).status, 4) << missing;
        expect_out({});
    }
    load("TL0002L9");
    const auto refused = cat("TL0002L9");
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.output.find("move it to a slot first"), std::string::npos) << refused.output;
    EXPECT_EQ(drive().rewind()->status, 0);
    expect_file(9, 1);
}

TEST_F(Cat, WhatIsDamagedInTheMiddleEndsItWithTheReason) {
    begin();
    stop();
    for (const auto& pack : objects("packs")) {
        if (fs::file_size(pack) < 1024 * 1024) {
            continue;
        }
        std::fstream file(pack, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(-300'000, std::ios::end);
        file << "damaged";
    }
    lose_all_and_recover();
    const auto ended = cat("TL0002L9");
    EXPECT_EQ(ended.status, 1);
    EXPECT_NE(ended.output.find("ends in the middle"), std::string::npos) << ended.output;
    const auto out = contents(path("out"));
    EXPECT_GT(out.size(), 256U * 1024);
    const auto whole = records(9, 1);
    EXPECT_TRUE(out.size() < whole.size() &&
                std::equal(out.begin(), out.end(), as_text(whole).begin()));
}

TEST_F(Cat, AHostThatWantsTheCartridgeGetsItAtOnce) {
    begin();
    load("TL0004L9");
    write_file(48, 4);  // more than the sockets hold
    move("TL0004L9", "slot4");
    // Nobody reads the pipe, so the records wait.
    std::FILE* const reader = ::popen(
        (std::string(TAPELOFT_PATH) + " --socket=" + (path("state") / "admin.sock").string() +
         " cartridge cat TL0004L9 2>" + path("why").string())
            .c_str(),
        "r");
    ASSERT_NE(reader, nullptr);
    ASSERT_NE(std::fgetc(reader), EOF);
    load("TL0004L9");
    expect_file(48, 4);
    while (std::fgetc(reader) != EOF) {
    }
    EXPECT_NE(::pclose(reader), 0);
    EXPECT_NE(contents(path("why")).find("wanted in a drive"), std::string::npos)
        << contents(path("why"));
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
