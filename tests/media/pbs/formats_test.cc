// Bytes that are known: what Proxmox Backup Server itself makes of the same inputs.
#include <random>
#include <utility>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "cloud/base/hex.h"

#include "media/pbs/crypto/crc32.h"
#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/store/chunk_index.h"
#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/manifest.h"
#include "media/pbs/tape/content.h"
#include "media/pbs/tape/media_catalog.h"
#include "media/pbs/tape/snapshot_archive.h"
#include "media/repository/key_derivation.h"

#include "tests/media/pbs/golden_tapes.h"
#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {
namespace {

Bytes hex(std::string text) {
    std::erase(text, ' ');
    Bytes bytes(text.size() / 2);
    TL_ASSERT(from_hex(text, bytes));
    return bytes;
}

CryptKey counting_key() {
    Bytes bytes(32);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(i);
    }
    return CryptKey(SecretKey(bytes));
}

const std::string kPlainBlob = "42ab3807be8370a1197e159448656c6c6f2c207461706521";
const std::string kEncryptedBlob =
    "7b6785be222d4cf0d58f8f3fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf2aee09ae31e66e5dc23df82703009524"
    "62c64fd077e1ed02a2ee7a90";
const std::string kZstdBlob =
    "31b958426fb6a37f9fb86a5228b52ffd00484d0000104141010"
    "0fbf70116";
const std::string kZstdEncryptedBlob =
    "e6591bbf0bbfd80b220c5d94a0a1a2a3a4a5a6a7a8a9aaabacadaeaf079a518fdf8eef8420ba782b50938b93"
    "02160c4118858076c38e5ef0ec14766783"
    "53";

Result<Bytes> decoded(const Bytes& blob, const CryptKey* key, std::size_t data_max) {
    TL_TRY(const auto data, decode_blob(Buffer::copy_of(blob), key, data_max));
    return Bytes(data.view().begin(), data.view().end());
}

TEST(PbsBlob, EachEncodingGivesItsData) {
    const auto key = counting_key();
    EXPECT_EQ(as_text(decoded(hex(kPlainBlob), nullptr, 100).value()), "Hello, tape!");
    EXPECT_EQ(as_text(decoded(hex(kEncryptedBlob), &key, 100).value()), "Hello, tape!");
    EXPECT_EQ(decoded(hex(kZstdBlob), nullptr, 4096).value(), Bytes(4096, 'A'));
    EXPECT_EQ(decoded(hex(kZstdEncryptedBlob), &key, 5000).value(), Bytes(4096, 'A'));
    EXPECT_EQ(plain_blob(as_bytes("Hello, tape!")), hex(kPlainBlob));
}

TEST(PbsBlob, DamageAWrongKeyAndTooMuchDataAreToldApart) {
    const auto other = CryptKey(SecretKey(Bytes(32, 9)));
    EXPECT_EQ(decoded(hex(kEncryptedBlob), nullptr, 100).error().code, Errc::denied);
    EXPECT_EQ(decoded(hex(kEncryptedBlob), &other, 100).error().code, Errc::denied);
    EXPECT_EQ(decoded(hex(kPlainBlob), nullptr, 11).error().code, Errc::corrupt);
    EXPECT_EQ(decoded(hex(kZstdBlob), nullptr, 4095).error().code, Errc::corrupt);
    auto flipped = hex(kPlainBlob);
    flipped.back() ^= 1U;
    EXPECT_NE(check_blob(flipped).error().message.find("CRC"), std::string::npos);
    EXPECT_EQ(check_blob(Bytes(7)).error().code, Errc::corrupt);
    EXPECT_EQ(check_blob(ByteView(hex(kEncryptedBlob)).first(43)).error().code, Errc::corrupt);
    auto cut = hex(kZstdBlob);
    cut.pop_back();
    const auto crc = crc32(ByteView(cut).subspan(12));
    store_little_endian<4>(MutableByteView(cut).subspan(8), crc);
    EXPECT_NE(decoded(cut, nullptr, 5000).error().message.find("too early"), std::string::npos);
}

TEST(PbsBlob, Crc32IsThatOfZlibAtEveryLength) {
    EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926U);
    std::mt19937_64 random(3);
    const auto data = make_data(random, 100);
    for (std::size_t size = 0; size <= data.size(); ++size) {
        std::uint32_t state = 0xFFFFFFFFU;
        for (std::size_t i = 0; i < size; ++i) {
            state ^= data[i];
            for (int bit = 0; bit < 8; ++bit) {
                state = (state >> 1U) ^ ((state & 1U) != 0 ? 0xEDB88320U : 0U);
            }
        }
        EXPECT_EQ(crc32(ByteView(data).first(size)), ~state);
    }
}

TEST(PbsKey, DigestsAndFingerprintAreThoseOfPbs) {
    const auto key = counting_key();
    EXPECT_EQ(to_hex(key.fingerprint()),
              "0eabd4460b6eb9ca345023dee2b778c790e54a1683b9659c0a57ae199090159b");
    EXPECT_EQ(to_hex(chunk_digest(as_bytes("Hello, tape!"))),
              "3988a6ce23edd457c17cb6c9ed855e24fd49392af83316d3ffb6f35160f64038");
    EXPECT_EQ(to_hex(key.chunk_digest(as_bytes("Hello, tape!"))),
              "73eb8777a6d83b878e9055fcd58695e77309d5401cff441066f4128a4e69754d");
    EXPECT_EQ(short_fingerprint(key.fingerprint()), "0e:ab:d4:46:0b:6e:b9:ca");
    EXPECT_EQ(parse_fingerprint("75:BE:4d" + std::string(29, '0')), std::nullopt);
}

TEST(PbsKey, KeyFilesOpenPlainAndByPassphraseAndRefuseAWrongOne) {
    const std::string passphrase = "fixture-pass";
    const auto wrapped = golden_bytes("keys/client-key-scrypt.json");
    const auto expected = golden_expectations().at("keys").at("client-key.json");
    EXPECT_EQ(to_hex(golden_key().fingerprint()), expected.at("fingerprint"));
    EXPECT_FALSE(is_key_file_wrapped(golden_bytes("keys/client-key.json")).value());
    EXPECT_TRUE(is_key_file_wrapped(wrapped).value());
    EXPECT_EQ(to_hex(parse_key_file(wrapped, &passphrase).value().fingerprint()),
              expected.at("fingerprint"));
    const std::string wrong = "not the passphrase";
    EXPECT_EQ(parse_key_file(wrapped, &wrong).error().code, Errc::denied);
    EXPECT_EQ(parse_key_file(wrapped, nullptr).error().code, Errc::denied);
    EXPECT_EQ(parse_key_file(as_bytes("{}"), nullptr).error().code, Errc::corrupt);
    const std::string greedy =
        R"({"kdf":{"Scrypt":{"n":1073741824,"r":8,"p":1,"salt":"AAAA"}},"data":")" +
        std::string(86, 'A') + R"(=="})";
    EXPECT_EQ(parse_key_file(as_bytes(greedy), &passphrase).error().code, Errc::unsupported);
}

TEST(PbsKey, AKeyFileWrappedByPbkdf2Opens) {
    const std::string passphrase = "secret passphrase";
    const std::string salt = "saltsaltsaltsaltsaltsaltsaltsalt";
    Bytes wrapping(32);
    PKCS5_PBKDF2_HMAC(passphrase.data(), static_cast<int>(passphrase.size()), as_bytes(salt).data(),
                      static_cast<int>(salt.size()), 65535, EVP_sha256(), 32, wrapping.data());
    // A blob of the same cipher: its IV, tag and data are what the file holds.
    const auto sealed = make_chunk(Bytes(32, 7), MadeEncoding::encrypted, wrapping);
    Bytes digits(100);
    const auto base64 = [&](ByteView bytes) {
        const auto size =
            EVP_EncodeBlock(digits.data(), bytes.data(), static_cast<int>(bytes.size()));
        return std::string(as_text(ByteView(digits).first(static_cast<std::size_t>(size))));
    };
    const auto file = R"({"kdf":{"PBKDF2":{"iter":65535,"salt":")" + base64(as_bytes(salt)) +
                      R"("}},"data":")" + base64(ByteView(sealed.blob).subspan(12)) + R"("})";
    EXPECT_EQ(parse_key_file(as_bytes(file), &passphrase).value().fingerprint(),
              CryptKey(SecretKey(Bytes(32, 7))).fingerprint());
}

TEST(PbsKey, AnRsaWrappedKeyOpensByItsPrivateKeyOnly) {
    const auto pem_of = [](EVP_PKEY* key) {
        auto* const memory = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(memory, key, nullptr, nullptr, 0, nullptr, nullptr);
        char* text = nullptr;
        const auto size = BIO_get_mem_data(memory, &text);
        std::string pem(text, static_cast<std::size_t>(size));
        BIO_free(memory);
        return pem;
    };
    auto* const master = EVP_RSA_gen(4096);
    auto* const stranger = EVP_RSA_gen(2048);
    const auto json = golden_bytes("keys/client-key.json");
    auto* const context = EVP_PKEY_CTX_new(master, nullptr);
    EVP_PKEY_encrypt_init(context);
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
    Bytes sealed(512);
    auto size = sealed.size();
    ASSERT_EQ(EVP_PKEY_encrypt(context, sealed.data(), &size, json.data(), json.size()), 1);
    EVP_PKEY_CTX_free(context);
    EXPECT_EQ(unwrap_key(sealed, pem_of(master), nullptr).value().fingerprint(),
              golden_key().fingerprint());
    EXPECT_EQ(unwrap_key(sealed, pem_of(stranger), nullptr).error().code, Errc::denied);
    EXPECT_EQ(unwrap_key(sealed, "no key", nullptr).error().code, Errc::denied);
    EVP_PKEY_free(master);
    EVP_PKEY_free(stranger);
}

TEST(PbsManifest, TheSignatureIsTheOnePbsMakes) {
    std::array<std::uint8_t, 32> bytes{};
    ASSERT_TRUE(derive_scrypt("test", {}, {65536, 8, 1}, bytes));
    const CryptKey key{SecretKey(bytes)};
    const std::string text =
        R"({"unprotected":{"note":"\u00e9"},"files":[{"filename":"test1.img.fidx","size":200,)"
        R"("crypt-mode":"encrypt","csum":")" +
        std::string("01010101010101010101010101010101") + "01010101010101010101010101010101" +
        R"("},{"crypt-mode":"none","csum":")" + "02020202020202020202020202020202" +
        "02020202020202020202020202020202" +
        R"(","filename":"abc.blob","size":200}],"backup-type":"host","backup-id":"elsa",)"
        R"("backup-time":1593179765,"signature":)"
        R"("d7b446fb7db081662081d4b40fedd858a1d6307a5aff4ecff7d5bf4fd35679e9"})";
    auto manifest = parse_manifest(plain_blob(as_bytes(text)));
    ASSERT_TRUE(manifest.has_value()) << manifest.error().message;
    EXPECT_TRUE(check_signature(*manifest, key).has_value());
    EXPECT_EQ(check_signature(*manifest, counting_key()).error().code, Errc::corrupt);
    manifest->key_fingerprint = key.fingerprint();
    const auto refused = check_signature(*manifest, counting_key());
    EXPECT_EQ(refused.error().code, Errc::denied);
    EXPECT_NE(refused.error().message.find("0e:ab:d4:46"), std::string::npos);
}

TEST(PbsManifest, RefusesWhatCouldLeadAstray) {
    const auto with_file = [](const std::string& file) {
        return parse_manifest(plain_blob(as_bytes(
            R"({"backup-type":"vm","backup-id":"1","backup-time":1,"files":[)" + file + "]}")));
    };
    const std::string rest = R"(,"size":1,"csum":")" + std::string(64, 'a') + R"("})";
    EXPECT_TRUE(with_file(R"({"filename":"a.blob")" + rest).has_value());
    for (const auto* const name :
         {"../a.blob", "a/b.blob", ".blob", "", "a.txt", "index.json.blob"}) {
        EXPECT_FALSE(with_file(R"({"filename":")" + std::string(name) + "\"" + rest).has_value())
            << name;
    }
    EXPECT_FALSE(with_file("3").has_value());
    EXPECT_FALSE(with_file(R"({"filename":"a.blob","size":-1,"csum":"aa"})").has_value());
    EXPECT_FALSE(parse_manifest(plain_blob(Bytes(200'000, '['))).has_value());
}

TEST(PbsIndex, FixedAndDynamicIndexesOfKnownBytes) {
    auto dynamic =
        hex("1c914ea519bab3cd11111111222243338444555555555555f80d606600000000"
            "e7c18ef627f08b03b8b977a47d41b2a400e778b29495f16c43b9b04dbc841136");
    dynamic.resize(4096);
    const auto digest = hex("3988a6ce23edd457c17cb6c9ed855e24fd49392af83316d3ffb6f35160f64038");
    const auto entry = hex("0c00000000000000");
    dynamic.insert(dynamic.end(), entry.begin(), entry.end());
    dynamic.insert(dynamic.end(), digest.begin(), digest.end());
    const auto index = ChunkIndex::parse(SnapshotFileKind::dynamic_index, dynamic).value();
    EXPECT_EQ(index.size(), 12U);
    EXPECT_EQ(index.chunk_at(11), 0U);
    auto fixed =
        hex("2f7f41ed91fd0fcd11111111222243338444555555555555f80d606600000000"
            "31188a9db940c5def1a650bb63fbcef5da92d3874db26c5ceb413da12392ecc4"
            "0c000000000000000000400000000000");
    fixed.resize(4096);
    fixed.insert(fixed.end(), digest.begin(), digest.end());
    EXPECT_EQ(ChunkIndex::parse(SnapshotFileKind::fixed_index, fixed).value().size(), 12U);
    EXPECT_FALSE(ChunkIndex::parse(SnapshotFileKind::dynamic_index, fixed).has_value());
    for (const std::size_t at : {0U, 40U, 66U, 79U, 4100U}) {
        auto damaged = fixed;
        damaged[at] ^= 0x80U;
        EXPECT_FALSE(ChunkIndex::parse(SnapshotFileKind::fixed_index, damaged).has_value()) << at;
    }
    fixed.resize(4096);
    EXPECT_FALSE(ChunkIndex::parse(SnapshotFileKind::fixed_index, fixed).has_value());
}

TEST(PbsCatalog, ParsesTheRealOnesAndRefusesEveryPrefixThatEndsInsideOfARecord) {
    const auto bytes =
        hex("4c8ee8c120a889714c00000000000000007f42c4dd96264d899f2bc7bc6da7d53300000000000000"
            "004c01000000000000009da37a55aac74deb91c6482b3b675f300000000000000000410200000000"
            "000000111111112222433384445555555555550800000000000000766d73746f726531433988a6ce"
            "23edd457c17cb6c9ed855e24fd49392af83316d3ffb6f35160f64038450200000000000000111111"
            "11222243338444555555555555530300000000000000222222222222433384445555555555550800"
            "200000000000766d73746f7265313a6e732f612f766d2f3130302f323032342d30362d3035543037"
            "3a30343a32345a");
    const auto catalog = parse_media_catalog(bytes);
    ASSERT_TRUE(catalog.has_value()) << catalog.error().message;
    ASSERT_EQ(catalog->files.size(), 2U);
    EXPECT_EQ(std::get<CatalogedChunks>(catalog->files[0]).digests.size(), 1U);
    EXPECT_EQ(std::get<CatalogedSnapshot>(catalog->files[1]).name.text(),
              "ns/a/vm/100/2024-06-05T07:04:24Z");
    std::size_t sound = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        sound += parse_media_catalog(ByteView(bytes).first(size)).has_value() ? 1U : 0U;
    }
    EXPECT_EQ(sound, 3U);  // behind each label, and behind the end of the chunk archive
}

TEST(PbsNames, SnapshotsAndReferencesAreParsedStrictly) {
    EXPECT_TRUE(parse_snapshot_name("ns/a/ns/b/host/x/2024-06-05T07:04:24Z").has_value());
    for (const auto* const text :
         {"host/../2024-06-05T07:04:24Z", "a/host/x/2024-06-05T07:04:24Z", "host/x/2024-06-05",
          "lxc/x/2024-06-05T07:04:24Z", "ns/../vm/1/2024-06-05T07:04:24Z", "",
          "vm/1/2024-13-05T07:04:24Z", "/vm/1/2024-06-05T07:04:24Z"}) {
        EXPECT_FALSE(parse_snapshot_name(text).has_value()) << text;
    }
    const auto whole =
        parse_snapshot_reference("alpha:ns/a/vm/100/2024-06-05T07:04:24Z:drive.img").value();
    EXPECT_EQ(whole.store, "alpha");
    EXPECT_EQ(whole.archive, "drive.img");
    EXPECT_EQ(whole.snapshot.time_s, 1717571064);
    EXPECT_EQ(parse_snapshot_reference("vm/100/2024-06-05T07:04:24Z").value().store, "");
    EXPECT_FALSE(parse_snapshot_reference("vm/100/2024-06-05T07:04:24Z:").has_value());
    EXPECT_FALSE(parse_snapshot_reference("vm/100").has_value());
}

}  // namespace
}  // namespace tapeloft::media
