// How commands on tapes of PBS end, and what they say of what is damaged, missing or wrong.
#include <fstream>

#include <nlohmann/json.hpp>

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/store/data_blob.h"

#include "tests/media/pbs/tape_maker.h"
#include "tests/vtl/daemon/pbs_library.h"

namespace tapeloft::vtl::daemon {
namespace {

using media::MadeEncoding;
using media::StreamEnd;
using media::TapeMaker;
using nlohmann::json;

constexpr const char* kSealedHost = "host/sealed/2024-06-05T07:04:24Z";

class PbsStatus : public PbsLibrary {
  protected:
    void SetUp() override {
        configure();
        start();
        log_in();
    }
    static std::vector<media::MadeChunk> chunks(std::size_t count) {
        std::vector<media::MadeChunk> made;
        for (std::size_t i = 0; i < count; ++i) {
            made.push_back(media::make_chunk(Bytes(5000, static_cast<std::uint8_t>('a' + i))));
        }
        return made;
    }
    static media::MadeFile image(const std::vector<media::MadeChunk>& of) {
        return media::make_fixed_index("drive.img.fidx", of);
    }
    [[nodiscard]] std::string key_file(char byte) const {
        const auto file = path(std::string("key") + byte + ".json");
        const std::string data = byte == '1' ? "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
                                             : "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
        std::ofstream(file) << R"({"kdf":null,"created":"2024-06-05T09:04:24+02:00","modified":)"
                               R"("2024-06-05T09:04:24+02:00","data":")"
                            << data << R"("})";
        return file.string();
    }
};

TEST_F(PbsStatus, ADamagedCatalogIsNoDamageOfWhatWasBackedUp) {
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", chunks(2));
    tape.snapshot("store", media::kMadeSnapshot, {image(chunks(2))});
    tape.catalog(tape);
    tape.tape()->files.back().records.at(0)[200] ^= 0xFFU;
    write_tape(*tape.tape(), barcode(0));
    expect(0, "pbs scan --library=lab", "DAMAGE: tape " + barcode(0) + ", tape file 4");
    const auto scanned = json::parse(output(0, "scan --library=lab --json"));
    EXPECT_EQ(scanned.at("damaged"), false);
    EXPECT_EQ(scanned.at("tapes").at(0).at("findings").at(0).at("made_good"), true);
    expect(5, "pbs verify --library=lab", "1 of 1 copies of snapshots are sound");
}

TEST_F(PbsStatus, ASnapshotThatCannotBeReadIsDamage) {
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", chunks(2));
    tape.snapshot("store", media::kMadeSnapshot, {image(chunks(2))});
    tape.snapshot("store", "vm/100/2024-06-06T07:04:24Z", {image(chunks(3))});
    tape.catalog(tape);
    const auto sound = tape.tape()->files;
    write_tape(*tape.tape(), barcode(0));
    expect(5, "pbs scan --library=lab", "1 chunks missing");
    auto& archive = tape.tape()->files.at(3).records.at(0);
    const std::string_view word = "backup-id";
    *std::search(archive.begin(), archive.end(), word.begin(), word.end()) ^= 1U;
    tape.tape()->files.erase(tape.tape()->files.begin() + 4);
    tape.tape()->files.pop_back();
    tape.catalog(tape);
    write_tape(*tape.tape(), barcode(1));
    expect(5, "pbs scan --library=lab " + barcode(1), "tape " + barcode(1) + ", tape file 3");
}

TEST_F(PbsStatus, AListOfASnapshotWhoseArchiveIsGoneIsDamage) {
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", chunks(2));
    tape.snapshot("store", media::kMadeSnapshot, {image(chunks(2))});
    tape.catalog(tape);
    tape.tape()->files.at(3).records.clear();
    write_tape(*tape.tape(), barcode(0));
    const std::string snapshot = media::kMadeSnapshot;
    expect(5, "pbs list --library=lab " + snapshot, "is missing from tape " + barcode(0));
    expect(5, "pbs restore --library=lab " + snapshot + " --to=" + path("to").string(),
           "is missing from tape " + barcode(0));
}

TEST_F(PbsStatus, AKeyOfNoSnapshotIsRefusedAndWhatWasNotSearchedIsSaid) {
    const Bytes secret(32, 1);
    const media::CryptKey key{media::SecretKey(secret)};
    const auto sealed = media::make_chunk(Bytes(5000, 's'), MadeEncoding::encrypted, secret);
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {sealed});
    tape.snapshot("store", kSealedHost,
                  {media::make_fixed_index("drive.img.fidx", {sealed}, "encrypt")},
                  StreamEnd::complete, &key);
    tape.catalog(tape);
    write_tape(*tape.tape(), barcode(0));
    expect(0, "pbs verify --library=lab", "only their CRC was checked");
    expect(0, "pbs verify --library=lab --client-key=" + key_file('1'), "are sound");
    expect(1, "pbs verify --library=lab --client-key=" + key_file('2'),
           "made with " + media::short_fingerprint(key.fingerprint()));
    expect(1, "pbs find --library=lab --name=none", "no key was given");
    expect(0, "pbs find --library=lab --name=none --client-key=" + key_file('1'), "");
}

TEST_F(PbsStatus, ARestoreNamesTheTapesThatAreNotHere) {
    TapeMaker first("TL0009L9", 8, TapeMaker::uuid(9), 0);
    first.chunk_archive("store", {chunks(3)[0]});
    TapeMaker second(barcode(0), 1, TapeMaker::uuid(9), 1);
    const auto of_two = chunks(3);
    second.chunk_archive("store", {of_two[1], of_two[2]});
    second.snapshot("store", media::kMadeSnapshot, {image(of_two)});
    second.catalog(second);
    write_tape(*second.tape(), barcode(0));
    const auto restore =
        std::string("pbs restore --library=lab ") + media::kMadeSnapshot + ":drive.img --to=";
    expect(5, restore + path("one").string(),
           "nothing tells where 1 chunk is: it may be on tape number 0 of media set 09090909-");
    // With a catalog of it.
    TapeMaker third(barcode(1), 2, TapeMaker::uuid(7), 1);
    TapeMaker before("TL0008L9", 8, TapeMaker::uuid(7), 0);
    before.chunk_archive("other", {of_two[0]});
    third.catalog(before);
    third.chunk_archive("other", {of_two[1], of_two[2]});
    third.snapshot("other", media::kMadeSnapshot, {image(of_two)});
    third.catalog(third);
    write_tape(*third.tape(), barcode(1));
    expect(5,
           std::string("pbs restore --library=lab other:") + media::kMadeSnapshot +
               ":drive.img --to=" + path("two").string(),
           "tape number 0 of media set 07070707-0707-0707-0707-070707070707 (medium "
           "08080808-0808-0808-0808-080808080808) (not here): 1 chunk");
}

TEST_F(PbsStatus, WhatACatalogHidesIsRestoredAndSaid) {
    const auto there = chunks(2);
    const std::string other = "vm/100/2024-06-06T07:04:24Z";
    const auto make = [&](const std::vector<media::MadeChunk>& listed, const std::string& name) {
        TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", listed);
        tape.snapshot("store", name, {image(there)});
        tape.catalog(tape);
        return tape;
    };
    const auto tape = make(there, media::kMadeSnapshot);
    auto listed = there;
    listed[1].digest[3] ^= 1U;
    tape.tape()->files.back() = make(listed, other).tape()->files.back();
    write_tape(*tape.tape(), barcode(0));
    const auto restore = [&](int status, const std::string& name, const std::string& words) {
        expect(status,
               "pbs restore --library=lab " + name +
                   ":drive.img --to=" + path(name.substr(7, 10)).string(),
               words);
    };
    restore(4, other, "no snapshot");
    restore(0, media::kMadeSnapshot, "which no catalog lists");
    EXPECT_TRUE(contents(path("2024-06-05")) == std::string(5000, 'a') + std::string(5000, 'b'));
    expect(5, "pbs verify --library=lab",
           "its catalog says that it is a snapshot-archive of store:" + other);
}

TEST_F(PbsStatus, ACartridgeThatCannotBeReadIsNamed) {
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", chunks(2));
    tape.snapshot("store", media::kMadeSnapshot, {image(chunks(2))});
    tape.catalog(tape);
    write_tape(*tape.tape(), barcode(0));
    load(barcode(0));
    expect(1, "pbs find --library=lab --name=none", "Not read: " + barcode(0));
    expect(4,
           std::string("pbs restore --library=lab ") + media::kMadeSnapshot +
               " --to=" + path("out").string(),
           "is on the tapes that were read; not read: " + barcode(0));
    const auto scanned = json::parse(output(0, "scan --library=lab --json " + barcode(0)));
    EXPECT_EQ(scanned.at("tapes").at(0).at("read"), false);
    expect(0, "pbs scan --library=lab", "not read");
    move(barcode(0), "slot1");
}

TEST_F(PbsStatus, OfTwoCopiesTheOneWithASoundSignatureIsTaken) {
    const Bytes secret(32, 1);
    const media::CryptKey key{media::SecretKey(secret)};
    const auto sealed = media::make_chunk(Bytes(5000, 's'), MadeEncoding::encrypted, secret);
    const auto index = media::make_fixed_index("drive.img.fidx", {sealed}, "encrypt");
    for (const bool newest : {false, true}) {
        TapeMaker tape(barcode(newest ? 1 : 0), newest ? 2 : 1, TapeMaker::uuid(newest ? 8 : 9), 0);
        tape.join(TapeMaker::uuid(newest ? 8 : 9), 0, {"p", newest ? 1717571065 : 1717500000});
        tape.chunk_archive("store", {sealed});
        tape.snapshot("store", kSealedHost, {index}, StreamEnd::complete, &key, !newest);
        tape.catalog(tape);
        write_tape(*tape.tape(), barcode(newest ? 1 : 0));
    }
    expect(0,
           std::string("pbs restore --library=lab ") + kSealedHost +
               ":drive.img --to=" + path("sealed").string() + " --client-key=" + key_file('1'),
           "the copy on tape " + barcode(1) + ", tape file 3 was passed over");
    EXPECT_TRUE(contents(path("sealed")) == std::string(5000, 's'));
}

TEST_F(PbsStatus, OfTwoCopiesThatDifferTheOneWhoseIndexIsSoundIsTakenWhole) {
    const auto all = chunks(4);
    const std::vector<media::MadeChunk> before(all.begin(), all.begin() + 2);
    const std::vector<media::MadeChunk> after(all.begin() + 2, all.end());
    for (const bool newest : {false, true}) {
        const auto& content = newest ? after : before;
        TapeMaker tape(barcode(newest ? 1 : 0), newest ? 2 : 1, TapeMaker::uuid(newest ? 8 : 9), 0);
        tape.join(TapeMaker::uuid(newest ? 8 : 9), 0, {"p", newest ? 1717571065 : 1717500000});
        tape.chunk_archive("store", content);
        tape.snapshot("store", media::kMadeSnapshot, {image(content)});
        tape.catalog(tape);
        if (newest) {
            auto& archive = tape.tape()->files.at(3).records.at(0);
            *std::search(archive.begin(), archive.end(), after[0].digest.begin(),
                         after[0].digest.end()) ^= 1U;
        }
        write_tape(*tape.tape(), barcode(newest ? 1 : 0));
    }
    expect(0,
           std::string("pbs restore --library=lab ") + media::kMadeSnapshot +
               ":drive.img --to=" + path("image").string(),
           "the copy on tape " + barcode(1) + ", tape file 3 was passed over: tape " + barcode(1) +
               ", tape file 3, drive.img.fidx");
    EXPECT_TRUE(contents(path("image")) == std::string(5000, 'a') + std::string(5000, 'b'));
}

TEST_F(PbsStatus, OfTwoCopiesTheOneThatHasWhatIsAskedForIsTaken) {
    const auto all = chunks(6);
    for (const bool newest : {false, true}) {
        const auto from = all.begin() + (newest ? 3 : 0);
        const std::vector<media::MadeChunk> small(from, from + 1);
        const std::vector<media::MadeChunk> large(from + 1, from + 3);
        TapeMaker tape(barcode(newest ? 1 : 0), newest ? 2 : 1, TapeMaker::uuid(newest ? 8 : 9), 0);
        tape.join(TapeMaker::uuid(newest ? 8 : 9), 0, {"p", newest ? 1717571065 : 1717500000});
        tape.chunk_archive("store", {from, from + 3});
        tape.snapshot("store", media::kMadeSnapshot,
                      {media::make_fixed_index("small.img.fidx", small),
                       media::make_fixed_index("large.img.fidx", large)});
        tape.catalog(tape);
        // The newest copy lost the small archive, the other one the large one.
        const auto& lost = newest ? small : large;
        auto& archive = tape.tape()->files.at(3).records.at(0);
        *std::search(archive.begin(), archive.end(), lost[0].digest.begin(),
                     lost[0].digest.end()) ^= 1U;
        write_tape(*tape.tape(), barcode(newest ? 1 : 0));
    }
    const auto restore = [](const std::string& archive) {
        return std::string("pbs restore --library=lab ") + media::kMadeSnapshot + ":" + archive +
               " --to=";
    };
    expect(0, restore("small.img") + path("small").string(),
           "the copy on tape " + barcode(1) + ", tape file 3 was passed over");
    EXPECT_TRUE(contents(path("small")) == std::string(5000, 'a'));
    expect(0, restore("large.img.fidx") + path("large").string(),
           "the copy on tape " + barcode(0) + ", tape file 3 was passed over");
    EXPECT_TRUE(contents(path("large")) == std::string(5000, 'e') + std::string(5000, 'f'));
}

TEST_F(PbsStatus, WhatACatalogLeavesOutIsNotMissing) {
    const auto there = chunks(3);
    const auto make = [&](const std::vector<media::MadeChunk>& listed) {
        TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", listed);
        tape.snapshot("store", media::kMadeSnapshot, {image(there)});
        tape.catalog(tape);
        return tape;
    };
    const auto tape = make(there);
    tape.tape()->files.back() = make({there[1], there[2]}).tape()->files.back();
    write_tape(*tape.tape(), barcode(0));
    expect(0, "pbs scan --library=lab", "1 chunks of store:");
    const auto restored =
        json::parse(output(0, std::string("restore --json --library=lab ") + media::kMadeSnapshot +
                                  ":drive.img --to=" + path("image").string()));
    EXPECT_EQ(restored.at("made_good").size(), 1U);
    expect(5, "pbs verify --library=lab", "the catalog does not list chunk");
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
