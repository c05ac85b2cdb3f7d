#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"

#include "media/repository/keys.h"

#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

bool same(const SecretKey& a, const SecretKey& b) {
    return std::equal(a.view().begin(), a.view().end(), b.view().begin());
}

class KeyFiles : public testing::Test {
  protected:
    KeyFiles() {
        Bytes bytes(32);
        std::iota(bytes.begin(), bytes.end(), std::uint8_t{0xC0});
        key_.master = SecretKey(bytes);
        key_.repository.fill(0x5A);
    }

    [[nodiscard]] std::string text() const {
        std::ifstream in(file_);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    void put(const std::string& text) {
        std::ofstream(file_) << text;
        fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write);
    }

    /// Puts `text` with the checksum that it needs.
    void put_with_checksum(const std::string& text) {
        Bytes crc(4);
        store_big_endian<4>(crc, crc32c(as_bytes(text)));
        put(text + "crc32c = " + to_hex(crc) + "\n");
    }

    void expect_refused(Errc code, const std::string& words,
                        const std::optional<std::string>& passphrase = {}) const {
        const auto read = KeyFile::read(file_, passphrase);
        ASSERT_FALSE(read.has_value()) << words;
        EXPECT_EQ(read.error().code, code) << read.error().message;
        EXPECT_NE(read.error().message.find(words), std::string::npos) << read.error().message;
        EXPECT_NE(read.error().message.find(file_.string()), std::string::npos);
        EXPECT_EQ(read.error().message.find(to_hex(key_.master.view()).substr(0, 8)),
                  std::string::npos)
            << "an error never tells of the key";
    }

    void expect_reads(const std::optional<std::string>& passphrase) const {
        const auto read = KeyFile::read(file_, passphrase);
        ASSERT_TRUE(read.has_value()) << read.error().message;
        EXPECT_TRUE(same(read->master, key_.master));
        EXPECT_EQ(read->repository, key_.repository);
    }

    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
    }

    tests::TemporaryDirectory folder_;
    fs::path file_ = folder_.path() / "master.key";
    KeyFile key_;
};

TEST_F(KeyFiles, APlainKeyComesBackAndOnlyItsOwnerMayReadIt) {
    ASSERT_TRUE(KeyFile::create(file_, key_, {}).has_value());
    expect_reads({});
    EXPECT_FALSE(KeyFile::read(file_, {})->wrapped);
    struct stat status = {};
    ASSERT_EQ(::stat(file_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
    EXPECT_EQ(files(), 1U) << "nothing is left beside it";
}

TEST_F(KeyFiles, AWrappedKeyComesBackOnlyForItsPassphrase) {
    ASSERT_TRUE(KeyFile::create(file_, key_, "right horse").has_value());
    EXPECT_EQ(text().find(to_hex(key_.master.view())), std::string::npos);
    expect_reads("right horse");
    EXPECT_TRUE(KeyFile::read(file_, "right horse")->wrapped);
    expect_refused(Errc::denied, "a passphrase is needed");
    expect_refused(Errc::denied, "wrong passphrase", "wrong horse");
}

TEST_F(KeyFiles, AnExistingFileIsNeverReplaced) {
    put("precious");
    const auto made = KeyFile::create(file_, key_, {});
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Errc::already_exists);
    EXPECT_EQ(text(), "precious");
    EXPECT_EQ(files(), 1U);
}

TEST_F(KeyFiles, AnEmptyPassphraseIsRefusedAndChangesNothing) {
    EXPECT_EQ(KeyFile::create(file_, key_, "").error().code, Errc::invalid_argument);
    EXPECT_EQ(files(), 0U);
    ASSERT_TRUE(KeyFile::create(file_, key_, {}).has_value());
    EXPECT_EQ(KeyFile::change_passphrase(file_, {}, "").error().code, Errc::invalid_argument);
    expect_reads({});
}

TEST_F(KeyFiles, AFileThatOthersMayOpenIsRefused) {
    ASSERT_TRUE(KeyFile::create(file_, key_, {}).has_value());
    for (const auto mode : {0640U, 0604U, 0620U, 0601U}) {
        ASSERT_EQ(::chmod(file_.c_str(), mode), 0);
        expect_refused(Errc::denied, "0600");
    }
    ASSERT_EQ(::chmod(file_.c_str(), 0400), 0);
    expect_reads({});
}

TEST_F(KeyFiles, ThePassphraseChangesInPlaceAndTheFormerOneNoLongerFits) {
    ASSERT_TRUE(KeyFile::create(file_, key_, {}).has_value());
    const auto link = folder_.path() / "link";
    fs::create_symlink(file_, link);
    ASSERT_TRUE(KeyFile::change_passphrase(link, {}, "first").has_value());
    EXPECT_TRUE(fs::is_symlink(link));
    expect_reads("first");
    EXPECT_EQ(KeyFile::change_passphrase(file_, "guess", "second").error().code, Errc::denied);
    expect_reads("first");
    ASSERT_TRUE(KeyFile::change_passphrase(file_, "first", "second").has_value());
    expect_refused(Errc::denied, "wrong passphrase", "first");
    ASSERT_TRUE(KeyFile::change_passphrase(file_, "second", {}).has_value());
    expect_reads({});
    EXPECT_EQ(files(), 2U);
}

TEST_F(KeyFiles, ACopyHasTheSameWrappingAndNeverReplacesAFile) {
    const auto copy = folder_.path() / "copy.key";
    for (const auto& passphrase : {std::optional<std::string>(), std::optional<std::string>("p")}) {
        fs::remove(file_);
        fs::remove(copy);
        ASSERT_TRUE(KeyFile::create(file_, key_, passphrase).has_value());
        EXPECT_EQ(KeyFile::is_wrapped(file_).value(), passphrase.has_value());
        ASSERT_TRUE(KeyFile::copy(file_, copy).has_value());
        const auto read = KeyFile::read(copy, passphrase);
        ASSERT_TRUE(read.has_value()) << read.error().message;
        EXPECT_TRUE(same(read->master, key_.master));
        EXPECT_EQ(fs::status(copy).permissions(), fs::perms::owner_read | fs::perms::owner_write);
        EXPECT_EQ(KeyFile::copy(file_, copy).error().code, Errc::already_exists);
    }
    put("no key");
    EXPECT_EQ(KeyFile::copy(file_, folder_.path() / "other").error().code, Errc::corrupt);
    EXPECT_FALSE(fs::exists(folder_.path() / "other"));
}

TEST_F(KeyFiles, MissingOrStrangeFilesAreNamed) {
    expect_refused(Errc::not_found, "open");
    fs::create_directory(file_, folder_.path());
    fs::permissions(file_, fs::perms::owner_all);
    expect_refused(Errc::corrupt, "not a regular file");
    EXPECT_FALSE(KeyFile::create(folder_.path() / "no" / "key", key_, {}).has_value());
}

TEST_F(KeyFiles, NoCutAndNoFlippedBitIsTakenForAKey) {
    ASSERT_TRUE(KeyFile::create(file_, key_, {}).has_value());
    const auto whole = text();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        put(whole.substr(0, size));
        ASSERT_EQ(KeyFile::read(file_, {}).error().code, Errc::corrupt) << size;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        auto spoiled = whole;
        spoiled[at] = static_cast<char>(spoiled[at] ^ 1);
        put(spoiled);
        ASSERT_EQ(KeyFile::read(file_, {}).error().code, Errc::corrupt) << at;
    }
    put(std::string(1'000'000, '#'));
    expect_refused(Errc::corrupt, "too long");
}

TEST_F(KeyFiles, AWrappingThatAsksForTooMuchMemoryIsRefused) {
    const std::string head = "format = tapeloft-key-1\nrepository = " + std::string(32, 'a') + "\n";
    const std::string rest =
        "\nsalt = " + std::string(64, 'b') + "\nwrapped_key = " + std::string(96, 'c') + "\n";
    for (const auto* cost :
         {"1099511627776 8 1", "131072 8 1000", "131072 4000000000 1", "2 4194304 16",
          "1048576 8 1", "9223372036854775808 1 1", "131071 8 1", "0 8 1", "131072 0 1",
          "131072 8 0", "131072 8", "131072 8 1 1", "-131072 8 1", "", "x"}) {
        put_with_checksum(head + "scrypt = " + cost + rest);
        expect_refused(Errc::corrupt, "makes no sense", "passphrase");
    }
}

TEST_F(KeyFiles, UnknownMissingAndDoubleLinesAreRefused) {
    const std::string head = "format = tapeloft-key-1\nrepository = " + std::string(32, 'a') + "\n";
    const std::string key = "key = " + std::string(64, 'b') + "\n";
    put_with_checksum(head + key);
    EXPECT_TRUE(KeyFile::read(file_, {}).has_value());
    put_with_checksum(head);
    expect_refused(Errc::corrupt, "missing");
    put_with_checksum(head + key + "colour = blue\n");
    expect_refused(Errc::corrupt, "unknown");
    put_with_checksum(head + key + key);
    expect_refused(Errc::corrupt, "stands twice");
    put_with_checksum("format = tapeloft-key-2\n" + key);
    expect_refused(Errc::corrupt, "newer version");
}

}  // namespace
}  // namespace tapeloft::media
