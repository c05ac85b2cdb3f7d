// What a person meets who restores without PBS: keys that open other keys, folders that are not
// empty, tapes that have lost their labels.
#include <cstdio>
#include <fstream>
#include <memory>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "cloud/base/hex.h"

#include "media/pbs/store/data_blob.h"

#include "tests/media/pbs/tape_maker.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/vtl/daemon/pbs_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;
using media::MadeEncoding;
using media::TapeMaker;
using nlohmann::json;

constexpr const char* kSealed = "host/sealed/2024-06-05T07:04:24Z";
constexpr const char* kTree = "host/tree/2024-06-05T07:04:24Z";
const std::string kKeyFile =  // 32 bytes of 1
    R"({"kdf":null,"created":"2024-06-05T09:04:24+02:00","modified":"2024-06-05T09:04:24+02:00",)"
    R"("data":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="})";

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key rsa_key() {
    return {EVP_RSA_gen(2048), &EVP_PKEY_free};
}

/// As the client puts it beside a backup.
Bytes wrapped(const Key& key, const std::string& content) {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(key.get(), nullptr), &EVP_PKEY_CTX_free);
    Bytes sealed(256);
    auto size = sealed.size();
    TL_ASSERT(EVP_PKEY_encrypt_init(context.get()) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
              EVP_PKEY_encrypt(context.get(), sealed.data(), &size, as_bytes(content).data(),
                               content.size()) == 1);
    return sealed;
}

/// passphrase: empty, if there is none.
void write_private_key(const fs::path& file, const Key& key, std::string passphrase = "") {
    std::FILE* const out = std::fopen(file.c_str(), "w");
    const auto* const cipher = passphrase.empty() ? nullptr : EVP_aes_256_cbc();
    TL_ASSERT(out != nullptr &&
              PEM_write_PKCS8PrivateKey(
                  out, key.get(), cipher, passphrase.empty() ? nullptr : passphrase.data(),
                  static_cast<int>(passphrase.size()), nullptr, nullptr) == 1 &&
              std::fclose(out) == 0);
}

class PbsRestore : public PbsLibrary {
  protected:
    void begin(const TapeMaker& tape) {
        configure();
        start();
        log_in();
        write_tape(*tape.tape(), barcode(0));
    }

    [[nodiscard]] std::string sealed_to(const std::string& name, const std::string& keys) const {
        return "pbs restore --library=lab " + std::string(kSealed) +
               ":drive.img --to=" + path(name).string() + " " + keys;
    }

    /// A backup of a folder with "a" and "sub/b", and the file catalog of it, which is no catalog.
    [[nodiscard]] static TapeMaker tape_with_tree() {
        const auto root = media::directory_node(
            "", {media::file_node("a", "of the tape"), media::file_node("c", "also of the tape"),
                 media::directory_node("sub", {media::file_node("b", "below")})});
        const std::vector<media::MadeChunk> archive = {
            media::make_chunk(media::encode_pxar(root).archive, MadeEncoding::zstd)};
        const std::vector<media::MadeChunk> catalog = {media::make_chunk(Bytes(5000, 'x'))};
        TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", {archive[0], catalog[0]});
        tape.snapshot("store", kTree,
                      {media::make_dynamic_index("root.pxar.didx", archive),
                       media::make_dynamic_index("catalog.pcat1.didx", catalog)});
        return tape;
    }
};

TEST_F(PbsRestore, TheMasterKeyOpensTheKeyKeptWithABackup) {
    const Bytes secret(32, 1);
    const media::CryptKey key{media::SecretKey(secret)};
    const auto master = rsa_key();
    const auto chunk = media::make_chunk(Bytes(100'000, 's'), MadeEncoding::encrypted, secret);
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {chunk});
    const auto image = media::make_fixed_index("drive.img.fidx", {chunk}, "encrypt");
    tape.snapshot("store", kSealed,
                  {image, media::make_blob_file("rsa-encrypted.key.blob",
                                                media::plain_blob(wrapped(master, kKeyFile)))},
                  media::StreamEnd::complete, &key);
    tape.snapshot("store", "host/alone/2024-06-05T07:04:24Z", {image}, media::StreamEnd::complete,
                  &key);
    tape.snapshot("store", "host/plain/2024-06-05T07:04:24Z",
                  {media::make_blob_file("fw.conf.blob", media::plain_blob(as_bytes("x")))});
    tape.catalog(tape);
    begin(tape);
    write_private_key(path("master.pem"), master);
    write_private_key(path("locked.pem"), master, "a passphrase");
    write_private_key(path("stranger.pem"), rsa_key());
    std::ofstream(path("client.json")) << kKeyFile;
    std::ofstream(path("passphrase")) << "a passphrase\n";
    fs::permissions(path("passphrase"), fs::perms::owner_read);
    const auto master_key = "--master-key=" + path("master.pem").string();

    expect(1, sealed_to("image", "--master-key=" + path("stranger.pem").string()),
           "was not wrapped for this private key");
    expect(1, sealed_to("image", "--master-key=" + path("client.json").string()),
           "holds no private key");
    expect(2, sealed_to("image", master_key + " --client-key=" + path("client.json").string()),
           "not both");
    EXPECT_FALSE(fs::exists(path("image"))) << "nothing was written";
    expect(0, sealed_to("image", master_key), "Restored");
    EXPECT_TRUE(contents(path("image")) == std::string(100'000, 's'));
    expect(0,
           sealed_to("again", "--master-key=" + path("locked.pem").string() +
                                  " --passphrase-file=" + path("passphrase").string()),
           "Restored");
    EXPECT_TRUE(contents(path("again")) == std::string(100'000, 's'));

    expect(1,
           "pbs restore --library=lab host/alone/2024-06-05T07:04:24Z " + master_key +
               " --to=" + path("alone").string(),
           "needs --client-key");
    expect(0,
           "pbs restore --library=lab host/plain/2024-06-05T07:04:24Z " + master_key +
               " --to=" + path("plain").string(),
           "Not signed");
    const auto verified = json::parse(output(0, "verify --library=lab --json " + master_key));
    EXPECT_EQ(verified.at("not_decrypted"), 0);
    EXPECT_EQ(verified.at("encrypted_by_other_keys"), 0);
    expect(1, "pbs verify --library=lab --master-key=" + path("stranger.pem").string(),
           "was not wrapped for this private key");
}

TEST_F(PbsRestore, ATarStreamSaysWhatItHasNoPlaceFor) {
    media::TestNode socket;
    socket.name = "s";
    socket.kind = media::FileKind::socket;
    const std::vector<media::MadeChunk> archive = {media::make_chunk(
        media::encode_pxar(media::directory_node("", {media::file_node("a", "data"), socket}))
            .archive)};
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", archive);
    tape.snapshot("store", kTree, {media::make_dynamic_index("root.pxar.didx", archive)});
    begin(tape);
    EXPECT_NE(output(0, std::string("restore --library=lab ") + kTree + " --as-tar 2>" +
                            path("errors").string()),
              "");
    EXPECT_NE(contents(path("errors")).find("Left out: 1 socket,"), std::string::npos)
        << contents(path("errors"));
}

TEST_F(PbsRestore, TheWrappedKeyIsRestoredAndNeedsNoKey) {
    const Bytes secret(32, 1);
    const media::CryptKey key{media::SecretKey(secret)};
    const auto chunk = media::make_chunk(Bytes(1000, 's'), MadeEncoding::encrypted, secret);
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {chunk});
    tape.snapshot(
        "store", kSealed,
        {media::make_fixed_index("drive.img.fidx", {chunk}, "encrypt"),
         media::make_blob_file("rsa-encrypted.key.blob", media::plain_blob(as_bytes("wrapped")))},
        media::StreamEnd::complete, &key);
    begin(tape);
    std::ofstream(path("client.json")) << kKeyFile;
    const auto sealed = "pbs restore --library=lab " + std::string(kSealed);
    expect(0, sealed + ":rsa-encrypted.key --to=" + path("kept").string(), "Restored");
    EXPECT_EQ(contents(path("kept")), "wrapped");
    expect(0,
           sealed + " --client-key=" + path("client.json").string() +
               " --to=" + path("whole").string(),
           (path("whole") / "rsa-encrypted.key").string());
    EXPECT_EQ(contents(path("whole/rsa-encrypted.key")), "wrapped");
    expect(1, sealed + " --to=" + path("sealed").string(), "no key was given");
}

TEST_F(PbsRestore, AWholeSnapshotLeavesNothingOutUnsaid) {
    const auto split =
        media::encode_pxar(media::directory_node("", {media::file_node("a", "in two streams")}),
                           media::TestForm::version_2_split);
    const std::vector<media::MadeChunk> metadata = {media::make_chunk(split.archive)};
    const std::vector<media::MadeChunk> payload = {media::make_chunk(split.payload)};
    const std::vector<media::MadeChunk> alone = {media::make_chunk(Bytes(5000, 'p'))};
    auto gone = media::make_blob_file("gone.conf.blob", media::plain_blob(as_bytes("x")));
    auto gone_too = media::make_dynamic_index("gone.pxar.didx", alone);
    gone.on_tape = false;
    gone_too.on_tape = false;
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {metadata[0], payload[0], alone[0]});
    tape.snapshot("store", kTree,
                  {media::make_dynamic_index("root.mpxar.didx", metadata),
                   media::make_dynamic_index("root.ppxar.didx", payload),
                   media::make_dynamic_index("alone.ppxar.didx", alone), gone, gone_too});
    begin(tape);
    const auto restored = json::parse(output(5, std::string("restore --library=lab --json ") +
                                                    kTree + " --to=" + path("folder").string()));
    EXPECT_EQ(contents(path("folder/root.mpxar/a")), "in two streams");
    EXPECT_EQ(contents(path("folder/alone.ppxar")), std::string(5000, 'p'));
    EXPECT_EQ(restored.at("damaged").size(), 2U) << restored;
    const auto one = json::parse(output(0, std::string("restore --library=lab --json ") + kTree +
                                               ":root.mpxar --to=" + path("one").string()));
    EXPECT_EQ(contents(path("one/a")), "in two streams");
    EXPECT_EQ(one.at("plan").at("chunks"), 2) << "of metadata and of data";
    for (const std::string name : {"gone.conf", "gone.pxar"}) {
        expect(5,
               std::string("pbs restore --library=lab ") + kTree + ":" + name +
                   " --to=" + path(name).string(),
               "it has no " + name);
    }
}

TEST_F(PbsRestore, AFileThatTheSignedManifestDoesNotListIsNamedAndNotRestored) {
    const media::CryptKey key{media::SecretKey(Bytes(32, 1))};
    auto log = media::make_blob_file("client.log.blob", media::plain_blob(as_bytes("log")));
    auto stranger = media::make_blob_file("fw.conf.blob", media::plain_blob(as_bytes("evil")));
    log.manifest_entry.clear();
    stranger.manifest_entry.clear();
    auto own = media::make_blob_file("vm.conf.blob", media::plain_blob(as_bytes("own")));
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.snapshot("store", kSealed, {own, stranger, log}, media::StreamEnd::complete, &key);
    tape.catalog(tape);
    begin(tape);
    std::ofstream(path("client.json")) << kKeyFile;
    const auto with_key = " --client-key=" + path("client.json").string();
    const auto to = [&](const std::string& name) { return " --to=" + path(name).string(); };

    expect(5, "pbs verify --library=lab" + with_key,
           "fw.conf.blob: the manifest does not list it; it is no part of the backup");
    const auto restore = "restore --library=lab " + std::string(kSealed) + with_key;
    const auto restored = json::parse(output(5, restore + to("folder") + " --json"));
    EXPECT_EQ(restored.at("signed"), true);
    EXPECT_EQ(restored.at("unproven"), json::array({"client.log.blob"}));
    ASSERT_EQ(restored.at("damaged").size(), 1U) << restored;
    EXPECT_NE(restored.at("damaged").at(0).get<std::string>().find("fw.conf.blob"),
              std::string::npos);
    EXPECT_EQ(contents(path("folder/vm.conf")), "own");
    EXPECT_EQ(contents(path("folder/client.log")), "log");
    EXPECT_FALSE(fs::exists(path("folder/fw.conf")));
    expect(5,
           "pbs restore --library=lab " + std::string(kSealed) + ":fw.conf" + with_key + to("one"),
           "does not list it");
    EXPECT_FALSE(fs::exists(path("one")));
    expect(0,
           "pbs restore --library=lab " + std::string(kSealed) + ":client.log" + with_key +
               to("client.log"),
           "Not proven by the key: client.log.blob");
}

TEST_F(PbsRestore, AKeyFileIsAShortRegularFileOrAPipe) {
    const Bytes secret(32, 1);
    const media::CryptKey key{media::SecretKey(secret)};
    const auto chunk = media::make_chunk(Bytes(1000, 's'), MadeEncoding::encrypted, secret);
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {chunk});
    tape.snapshot("store", kSealed, {media::make_fixed_index("drive.img.fidx", {chunk}, "encrypt")},
                  media::StreamEnd::complete, &key);
    begin(tape);
    std::ofstream(path("long")) << std::string(64UL * 1024 + 1, ' ');
    for (const std::string option : {"--client-key=", "--master-key="}) {
        expect(2, sealed_to("image", option + "/etc"), "/etc is neither a regular file nor a pipe");
        expect(2, sealed_to("image", option + "/dev/zero"), "/dev/zero is neither");
        expect(2, sealed_to("image", option + path("long").string()),
               "is too long; at most 65536 bytes were expected");
        expect(4, sealed_to("image", option + path("absent").string()), path("absent").string());
    }
    std::ofstream(path("client.json")) << kKeyFile;
    const auto piped =
        run("cat " + path("client.json").string() +
            " | " TAPELOFT_PATH " --socket=" + (path("state") / "admin.sock").string() + " " +
            sealed_to("image", "--client-key=/dev/stdin 2>&1 #"));
    EXPECT_EQ(piped.status, 0) << piped.output;
    EXPECT_TRUE(contents(path("image")) == std::string(1000, 's'));
}

TEST_F(PbsRestore, WhatIsInTheFolderIsLeftAsItIsAndIsNoDamageOfTheTape) {
    begin(tape_with_tree());
    const auto folder = path("folder");
    const auto restore =
        std::string("restore --library=lab --json ") + kTree + ":root.pxar --to=" + folder.string();
    const auto first = json::parse(output(0, restore));
    EXPECT_TRUE(first.at("refused").empty());
    std::ofstream(folder / "a") << "of a person";
    fs::remove(folder / "c");
    fs::remove_all(folder / "sub");
    std::ofstream(folder / "sub") << "no folder";
    const auto second = json::parse(output(1, restore));
    EXPECT_TRUE(second.at("damaged").empty()) << second.at("damaged");
    ASSERT_EQ(second.at("refused").size(), 2U) << second;
    EXPECT_TRUE(second.at("refused").at(0).get<std::string>().starts_with("a: "));
    EXPECT_TRUE(second.at("refused").at(1).get<std::string>().starts_with("sub: "));
    EXPECT_EQ(contents(folder / "a"), "of a person");
    EXPECT_EQ(contents(folder / "c"), "also of the tape");
    EXPECT_EQ(contents(folder / "sub"), "no folder");
    expect(1,
           std::string("pbs restore --library=lab ") + kTree + ":root.pxar --to=" + folder.string(),
           "Left as it is: a: ");
}

TEST_F(PbsRestore, WhatAPersonGotWrongIsNoDamageOfTheTape) {
    auto tape = tape_with_tree();
    const auto image = media::make_chunk(Bytes(1000, 'i'));
    tape.chunk_archive("store", {image});
    tape.snapshot("store", kSealed, {media::make_fixed_index("drive.img.fidx", {image})});
    begin(tape);
    const auto tree = std::string("pbs restore --library=lab ") + kTree + ":root.pxar";
    expect(4, tree + " no/such --to=" + path("none").string(),
           "Not found: nothing in the archive matches \"no/such\"");
    expect(4, tree + " a no/such --to=" + path("some").string(), "Restored");
    EXPECT_EQ(contents(path("some/a")), "of the tape");
    expect(1, sealed_to("absent/image", ""), "absent/image: its folder is not there");
    std::ofstream(path("file")) << "no folder";
    expect(1, tree + " --to=" + path("file/below").string(), "is no folder, and cannot be made");
}

TEST_F(PbsRestore, ADamagedFileCatalogIsNamedAndTheArchivesAreSearched) {
    begin(tape_with_tree());
    const auto found =
        output(5, "find --library=lab --name='*' --type=f 2>" + path("errors").string());
    for (const auto* const file : {"root.pxar: a\n", "root.pxar: c\n", "root.pxar: sub/b\n"}) {
        EXPECT_NE(found.find(file), std::string::npos) << found;
    }
    EXPECT_NE(contents(path("errors")).find("catalog.pcat1.didx"), std::string::npos);
}

TEST_F(PbsRestore, DirectoriesAreFoundByTimeThoughFileCatalogsHaveNoTimesOfThem) {
    const auto root = media::directory_node(
        "", {media::directory_node("etc", {media::file_node("hosts", "of the tape")})});
    const auto archive = media::make_chunk(media::encode_pxar(root).archive, MadeEncoding::zstd);
    Bytes known(64);  // etc with hosts, and the link bin
    ASSERT_TRUE(
        from_hex("91fd60f9c46758d50f016605686f737473dc01f89b80b3060c0264036574631"
                 "06c0362696e1201640e726f6f742e707861722e646964780d2500000000000000",
                 known));
    const auto catalog = media::make_chunk(known);
    TapeMaker tape(barcode(0), 1, TapeMaker::uuid(9), 0);
    tape.chunk_archive("store", {archive, catalog});
    tape.snapshot("store", kTree,
                  {media::make_dynamic_index("root.pxar.didx", {archive}),
                   media::make_dynamic_index("catalog.pcat1.didx", {catalog})});
    begin(tape);
    const auto find = [this](const std::string& what) {
        return output(
            0, "find --library=lab --older=2100-01-01 " + what + " 2>" + path("errors").string());
    };
    const auto directories = find("--type=d");
    EXPECT_NE(directories.find("root.pxar: etc\n"), std::string::npos) << directories;
    EXPECT_EQ(contents(path("errors")), "");
    const auto all = find("");
    EXPECT_NE(all.find("root.pxar: etc/hosts\n"), std::string::npos) << all;
    EXPECT_NE(contents(path("errors")).find("the times of files only"), std::string::npos);
    (void)find("--type=f");
    EXPECT_EQ(contents(path("errors")), "") << "all that was asked for";
}

TEST_F(PbsRestore, ATapeThatLostBothLabelsIsNamedAndRead) {
    auto tape = tape_with_tree();
    for (std::size_t label = 0; label < 2; ++label) {
        tape.tape()->files[label].records[0][0] ^= 0xFFU;
    }
    begin(tape);
    const auto scan = output(5, "scan --library=lab");
    EXPECT_NE(scan.find("both of its labels are damaged"), std::string::npos) << scan;
    EXPECT_NE(scan.find(kTree), std::string::npos) << scan;
    expect(0,
           std::string("pbs restore --library=lab ") + kTree +
               ":root.pxar sub/b --to=" + path("folder").string(),
           "Restored");
    EXPECT_EQ(contents(path("folder/sub/b")), "below");
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
