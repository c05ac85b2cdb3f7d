// The configuration: what a file gives, and the exact words of every refusal.
#include "vtl/daemon/config.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "vtl/daemon/config_value.h"

#include "tests/temporary_directory.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr const char* kFile = "t.toml";

Result<Config> parse(const std::string& text) {
    return parse_config(text, kFile, std::nullopt);
}

TEST(Config, AnEmptyFileGivesALibraryOfTwentyLto9CartridgesOnLoopback) {
    const auto config = parse("");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->state_dir, "/var/lib/tapeloft");
    ASSERT_EQ(config->listen.size(), 1U);
    EXPECT_EQ(format_endpoint(config->listen.front()), "127.0.0.1:3260");
    EXPECT_TRUE(config->accounts.empty());
    ASSERT_EQ(config->libraries.size(), 1U);
    const auto& library = config->libraries.front();
    EXPECT_EQ(library.target_name(), "iqn.2026-11.io.tapeloft:default");
    EXPECT_EQ(library.stores, std::vector<std::string>{"file:///var/lib/tapeloft/store/default"});
    EXPECT_EQ(library.drives, 2U);
    EXPECT_EQ(library.slots, 24U);
    EXPECT_EQ(library.import_export_slots, 4U);
    EXPECT_EQ(library.drive_model, "IBM ULT3580-TD9");
    EXPECT_EQ(library.changer_model, "IBM 03584L32");
    EXPECT_EQ(library.spool_size, 16ULL << 30U);
    ASSERT_EQ(library.cartridges.size(), 1U);
    EXPECT_EQ(library.cartridges.front().barcodes, "TL0001L9..TL0020L9");
    EXPECT_EQ(library.cartridges.front().capacity, std::nullopt);
}

constexpr const char* kFull = R"(
state_dir = "/srv/tl"
[iscsi]
listen = ["127.0.0.1:3260", "[::1]:3261"]
[[library]]
name = "lab.one-2"
store = "file:///srv/store"
drives = 32
slots = 10000
import_export_slots = 239
drive_model = "IBM ULT3580-TD8"
changer_model = "IBM 3573-TL"
spool_size = 67108864
durability = "cloud"
key_file = "/etc/tapeloft/lab.key"
key_passphrase_file = "/etc/tapeloft/lab.pass"
compression = 9
cache_size = "1GiB"
load_wait = 3600
[[library.cartridges]]
barcodes = "TL0001L8..TL0020L8"
capacity = "100GiB"
[[library.cartridges]]
barcodes = "TL0001M8"
[[library]]
name = "two"
slots = 1
)";

TEST(Config, EveryKeyOfAFullFileArrives) {
    const auto config = parse(kFull);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->state_dir, "/srv/tl");
    ASSERT_EQ(config->listen.size(), 2U);
    EXPECT_EQ(format_endpoint(config->listen[1]), "[::1]:3261");
    ASSERT_EQ(config->libraries.size(), 2U);
    const auto& library = config->libraries[0];
    EXPECT_EQ(library.name, "lab.one-2");
    EXPECT_EQ(library.stores, std::vector<std::string>{"file:///srv/store"});
    EXPECT_EQ(library.drives, 32U);
    EXPECT_EQ(library.slots, 10000U);
    EXPECT_EQ(library.import_export_slots, 239U);
    EXPECT_EQ(library.drive_model, "IBM ULT3580-TD8");
    EXPECT_EQ(library.changer_model, "IBM 3573-TL");
    EXPECT_EQ(library.spool_size, 67108864U);
    EXPECT_EQ(library.durability, "cloud");
    EXPECT_EQ(library.key_file, "/etc/tapeloft/lab.key");
    EXPECT_EQ(library.key_passphrase_file, "/etc/tapeloft/lab.pass");
    EXPECT_EQ(library.compression, 9U);
    EXPECT_EQ(library.cache_size, 1ULL << 30U);
    EXPECT_EQ(library.load_wait_s, 3600U);
    EXPECT_EQ(config->libraries[1].key_file, "/srv/tl/keys/two.key");
    EXPECT_EQ(config->libraries[1].durability, "local");
    ASSERT_EQ(library.cartridges.size(), 2U);
    EXPECT_EQ(library.cartridges[0].capacity, 100ULL << 30U);
    EXPECT_EQ(config->libraries[1].stores, std::vector<std::string>{"file:///srv/tl/store/two"});
    EXPECT_TRUE(config->libraries[1].cartridges.empty());
}

TEST(Config, WhatIsPrintedReadsBackTheSame) {
    const auto config = parse(kFull);
    ASSERT_TRUE(config) << config.error().message;
    const auto printed = to_toml(*config);
    const auto again = parse(printed);
    ASSERT_TRUE(again) << again.error().message << "\n" << printed;
    EXPECT_EQ(to_toml(*again), printed);
}

struct BadInput {
    const char* text;
    const char* where;    ///< "line: key: " or less, behind the file name
    const char* found;    ///< part of the message
    const char* allowed;  ///< part of the message
};

const BadInput kBadInputs[] = {
    // clang-format off
    // TOML itself
    {"state_dir = ", "1: ", "not TOML", ""},
    {"a = 1\na = 2", "2: ", "not TOML", ""},
    {"[iscsi\n", "1: ", "not TOML", ""},
    // the file
    {"state_dri = \"/x\"", "1: state_dri: ", "unknown key", "state_dir, iscsi, library"},
    {"state_dir = 7", "1: state_dir: ", "the integer 7", "an absolute path"},
    {"state_dir = \"relative/path\"", "1: state_dir: ", "\"relative/path\"", "an absolute path"},
    {"state_dir = \"\"", "1: state_dir: ", "the string \"\"", "an absolute path"},
    {"iscsi = 3", "1: iscsi: ", "the integer 3", "a table that begins with [iscsi]"},
    {"library = 3", "1: library: ", "the integer 3", "[[library]]"},
    {"[library]\nname = \"x\"", "1: library: ", "a table", "[[library]]"},
    {"library = []", "1: library: ", "an array", "[[library]]"},
    {"library = [1, 2]", "1: library: ", "an array", "[[library]]"},
    // [iscsi]
    {"[iscsi]\nlissten = []", "2: iscsi.lissten: ", "unknown key", "listen, account"},
    {"[iscsi]\nlisten = []", "2: iscsi.listen: ", "an empty array", "one or more strings"},
    {"[iscsi]\nlisten = \"127.0.0.1:3260\"", "2: iscsi.listen: ", "the string", "one or more strings"},
    {"[iscsi]\nlisten = [3260]", "2: iscsi.listen: ", "the integer 3260", "one or more strings"},
    {"[iscsi]\nlisten = [\"127.0.0.1\"]", "2: iscsi.listen: ", "\"127.0.0.1\"", "a port from 1 to 65535"},
    {"[iscsi]\nlisten = [\":3260\"]", "2: iscsi.listen: ", "\":3260\"", "numeric address"},
    {"[iscsi]\nlisten = [\"localhost:3260\"]", "2: iscsi.listen: ", "\"localhost:3260\"", "numeric address"},
    {"[iscsi]\nlisten = [\"127.0.0.1:0\"]", "2: iscsi.listen: ", "\"127.0.0.1:0\"", "1 to 65535"},
    {"[iscsi]\nlisten = [\"127.0.0.1:65536\"]", "2: iscsi.listen: ", "65536", "1 to 65535"},
    {"[iscsi]\nlisten = [\"127.0.0.1:32x\"]", "2: iscsi.listen: ", "32x", "1 to 65535"},
    {"[iscsi]\nlisten = [\"127.0.0.256:3260\"]", "2: iscsi.listen: ", "127.0.0.256", "numeric address"},
    {"[iscsi]\nlisten = [\"::1:3260\"]", "2: iscsi.listen: ", "\"::1:3260\"", "[::1]:3260"},
    {"[iscsi]\nlisten = [\"127.0.0.1:1\",\n \"127.0.0.1:1\"]", "3: iscsi.listen: ", "collides", "once"},
    {"[iscsi]\nlisten = [\"0.0.0.0:1\", \"127.0.0.1:1\"]", "2: iscsi.listen: ", "collides", "once"},
    // [[iscsi.account]]
    {"[iscsi.account]\nuser = \"x\"", "1: iscsi.account: ", "a table", "[[iscsi.account]]"},
    {"[[iscsi.account]]\nuser = \"x\"\npassword = \"y\"", "3: iscsi.account.password: ", "unknown key", "secret_file"},
    {"[[iscsi.account]]\nuser = \"\"", "2: iscsi.account.user: ", "\"\"", "1 to 255 bytes"},
    {"[[iscsi.account]]\nuser = \"a\\nb\"", "2: iscsi.account.user: ", "", "without control characters"},
    {"[[iscsi.account]]\nuser = \"x\"", "1: iscsi.account: ", "secret_file is missing", ""},
    {"[[iscsi.account]]\nuser = \"x\"\nsecret_file = \"chap\"", "3: iscsi.account.secret_file: ", "\"chap\"", "absolute path"},
    {"[[iscsi.account]]\nuser = \"x\"\nsecret_file = \"/nowhere/chap\"", "3: iscsi.account.secret_file: ", "/nowhere/chap: No such file", ""},
    {"[[iscsi.account]]\nuser = \"x\"\nsecret_file = \"/\"", "3: iscsi.account.secret_file: ", "not a regular file", ""},
    // [[library]]
    {"[[library]]\ndrivs = 3", "2: library.drivs: ", "unknown key", "drives, slots"},
    {"[[library]]\nname = \"\"", "2: library.name: ", "\"\"", "a-z, 0-9"},
    {"[[library]]\nname = \"Upper\"", "2: library.name: ", "\"Upper\"", "a-z, 0-9"},
    {"[[library]]\nname = \".x\"", "2: library.name: ", "\".x\"", "the first a letter or a digit"},
    {"[[library]]\nname = \"a/b\"", "2: library.name: ", "\"a/b\"", "a-z, 0-9"},
    {"[[library]]\nname = \"x\"\n[[library]]\nname = \"x\"", "3: library: ", "a second library with the name \"x\"", "once"},
    {"[[library]]\n[[library]]\n", "2: library: ", "a second library with the name \"default\"", "once"},
    {"[[library]]\nname = \"x\"\nstore = \"file:///s\"\n[[library]]\nname = \"y\"\nstore = \"file:///s\"", "4: library: ", "overlaps that of library \"x\"", "of its own"},
    {"[[library]]\nname = \"x\"\nstore = \"file:///s\"\n[[library]]\nname = \"y\"\nstore = \"file:///./s//\"", "4: library: ", "overlaps that of library \"x\"", "of its own"},
    {"[[library]]\nname = \"x\"\nstore = \"file:///s/t\"\n[[library]]\nname = \"y\"\nstore = \"file:///s\"", "4: library: ", "overlaps that of library \"x\"", "of its own"},
    {"[[library]]\nname = \"x\"\n[[library]]\nname = \"y\"\nstore = \"file:///var/lib/tapeloft/store/x\"", "3: library: ", "overlaps that of library \"x\"", "of its own"},
    {"[[library]]\nstore = \"file:///a\\u0000b\"", "2: library.store: ", "", "written as %XX"},
    {"[[library]]\nstore = []", "2: library.store: ", "array of 0", "1 to 8"},
    {"state_dir = \"/s\"\n[[library]]\nstore = \"file:///s\"", "2: library: ", "overlaps what the daemon keeps", "allowed: a folder of its own"},
    {"state_dir = \"/\"\n[[library]]\nstore = \"file:///spool\"", "2: library: ", "overlaps what the daemon keeps", "as in /store"},
    {"state_dir = \"/s\"\n[[library]]\nname = \"x\"\nkey_file = \"/\"\n[[library]]\nname = \"y\"\nkey_file = \"/\"", "5: library: ", "is that of library \"x\"", "a key of its own"},
    {"state_dir = \"/s/t\"\n[[library]]\nstore = \"file:///s\"", "2: library: ", "overlaps what the daemon keeps", "as in /s/t/store"},
    {"state_dir = \"/s\"\n[[library]]\nstore = \"file:///s/spool/x\"", "2: library: ", "overlaps what the daemon keeps", "allowed: a folder of its own"},
    {"state_dir = \"/s\"\n[[library]]\nstore = \"file:///s/keys\"", "2: library: ", "overlaps what the daemon keeps", "allowed: a folder of its own"},
    {"state_dir = \"/s\"\n[[library]]\nstore = \"file:///a\"\nkey_file = \"/a/k\"", "2: library: ", "lies in its store file:///a", "outside of every store"},
    {"state_dir = \"/s\"\n[[library]]\nkey_file = \"/s/catalog.sqlite\"", "2: library: ", "keeps its catalog.sqlite", "as in /s/keys"},
    {"state_dir = \"/s\"\n[[library]]\nkey_file = \"/s/cache/k\"", "2: library: ", "keeps its cache", "as in /s/keys"},
    {"[[library]]\nname = \"x\"\nkey_file = \"/k\"\n[[library]]\nname = \"y\"\nkey_file = \"/a/../k\"", "4: library: ", "is that of library \"x\"", "a key of its own"},
    {"[[library]]\nname = \"x\"\nkey_file = \"/b/k\"\n[[library]]\nname = \"y\"\nstore = \"file:///b\"", "4: library: ", "lies in the store of library \"y\"", "outside of every store"},
    {"[iscsi]\nlisten = [\"[::ffff:127.0.0.1]:3260\"]", "2: iscsi.listen: ", "an IPv4 address is written by itself", "allowed: "},
    {"[iscsi]\nlisten = [\"[fe80::1]:3260\"]", "2: iscsi.listen: ", "needs its interface", "allowed: "},
    {"[iscsi]\nlisten = [\"[ff02::1]:3260\"]", "2: iscsi.listen: ", "multicast", "allowed: "},
    {"[iscsi]\nlisten = [\"224.0.0.1:3260\"]", "2: iscsi.listen: ", "multicast", "allowed: "},
    {"[iscsi]\nlisten = [\"255.255.255.255:3260\"]", "2: iscsi.listen: ", "broadcast", "allowed: "},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0010L9..TL0001L9\"", "3: library.cartridges.barcodes: ", "ends before it begins", "allowed: a barcode or a range"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0010L9\"\ncapacity = 0", "4: library.cartridges.capacity: ", "found the integer 0", "from 16MiB to 18TB"},
    {"[[iscsi.account]]\nuser = \"pbs\"\nsecret_file = \"/nowhere/secret\"", "3: iscsi.account.secret_file: ", "No such file", "allowed: a file that only its owner may open"},
    {"[[library]]\nstore = [\"file:///a\", \"file:///a/b\"]", "2: library.store: ", "file:///a/b overlaps file:///a", "of its own"},
    {"[[library]]\nstore = [\"file:///a\", 7]", "2: library.store: ", "7", "URL of a store"},
    {"[[library]]\nstore = [\"file:///a\", \"file:///b\"]\nrequired = 3", "3: library.required: ", "3", "from 1 to 2"},
    {"[[library]]\nrequired = 2", "2: library.required: ", "2", "from 1 to 1"},
    {"[[library]]\nstore = \"gopher://hole\"", "2: library.store: ", "gopher://hole", "s3 (s3://bucket/prefix"},
    {"[[library]]\nstore = \"file:///\"", "2: library.store: ", "file:///", "file:///srv/tapeloft"},
    {"[[library]]\nstore = \"s3://b\"", "2: library.store: ", "s3://b", "as in s3://bucket/prefix"},
    {"[[library]]\nstore = \"s3://bucket?regoin=eu-1\"", "2: library.store: ", "regoin", "there are ca, class, credentials"},
    {"[[library]]\nstore = \"s3://bucket?upload_limit=Mon_08:00-18:00_20,Tue_fast\"", "2: library.store: ", "\"Tue_fast\"", "Mon-Fri_08:00-18:00_20MiB/s"},
    {"[[library]]\nstore = \"s3://bucket?endpoint=host:9000\"", "2: library.store: ", "host:9000", "endpoint=https://host:9000"},
    {"[[library]]\nstore = \"s3://bucket?lock=packs/:FOREVER\"", "2: library.store: ", "FOREVER", "COMPLIANCE:DAYS"},
    {"[[library]]\nname = \"x\"\nstore = \"s3://bucket/t\"\n[[library]]\nname = \"y\"\nstore = \"s3://bucket/t/y\"", "4: library: ", "overlaps that of library \"x\"", "a prefix of its own"},
    {"[[library]]\nstore = \"file://relative\"", "2: library.store: ", "file://relative", "file:///srv/tapeloft"},
    {"[[library]]\nstore = \"/plain\"", "2: library.store: ", "/plain", "as in file:///path"},
    {"[[library]]\ndrives = 0", "2: library.drives: ", "the integer 0", "from 1 to 32"},
    {"[[library]]\ndrives = 33", "2: library.drives: ", "the integer 33", "from 1 to 32"},
    {"[[library]]\ndrives = -1", "2: library.drives: ", "-1", "from 1 to 32"},
    {"[[library]]\ndrives = 2.0", "2: library.drives: ", "2", "an integer from 1 to 32"},
    {"[[library]]\ndrives = \"2\"", "2: library.drives: ", "the string \"2\"", "an integer from 1 to 32"},
    {"[[library]]\ndrives = true", "2: library.drives: ", "the boolean true", "an integer"},
    {"[[library]]\nslots = 0", "2: library.slots: ", "0", "from 1 to 60000"},
    {"[[library]]\nslots = 60001", "2: library.slots: ", "60001", "from 1 to 60000"},
    {"[[library]]\nslots = 9223372036854775807", "2: library.slots: ", "9223372036854775807", "from 1 to 60000"},
    {"[[library]]\nimport_export_slots = 240", "2: library.import_export_slots: ", "240", "from 0 to 239"},
    {"[[library]]\nchanger_model = \"STK L700\"", "2: library.changer_model: ", "\"STK L700\"", "\"QUANTUM Scalar i3-i6\""},
    {"[[library]]\ndrive_model = \"IBM 3592\"", "2: library.drive_model: ", "\"IBM 3592\"", "\"IBM ULT3580-TD9\""},
    {"[[library]]\nspool_size = \"63MiB\"", "2: library.spool_size: ", "\"63MiB\"", "64MiB"},
    {"[[library]]\nspool_size = \"1.5GiB\"", "2: library.spool_size: ", "\"1.5GiB\"", "without a fraction"},
    {"[[library]]\nspool_size = \"16gib\"", "2: library.spool_size: ", "\"16gib\"", "GiB"},
    {"[[library]]\nspool_size = \"GiB\"", "2: library.spool_size: ", "\"GiB\"", "GiB"},
    {"[[library]]\nspool_size = \"99999999TiB\"", "2: library.spool_size: ", "99999999TiB", "GiB"},
    {"[[library]]\nspool_size = \"18446744073709551616\"", "2: library.spool_size: ", "18446744073709551616", "GiB"},
    {"[[library]]\nspool_size = -5", "2: library.spool_size: ", "-5", "GiB"},
    {"[[library]]\nspool_size = 1e9", "2: library.spool_size: ", "", "GiB"},
    {"[[library]]\nstore = \"file:///a b\"", "2: library.store: ", "file:///a b", "written as %XX"},
    {"[[library]]\nstore = \"file:///a?x=1\"", "2: library.store: ", "file:///a?x=1", "no option"},
    {"[[library]]\nkey_file = \"key\"", "2: library.key_file: ", "\"key\"", "an absolute path"},
    {"[[library]]\nkey_passphrase_file = 7", "2: library.key_passphrase_file: ", "the integer 7", "an absolute path"},
    {"[[library]]\ncompression = 20", "2: library.compression: ", "the integer 20", "from 0 to 19"},
    {"[[library]]\ncache_size = \"1.5GiB\"", "2: library.cache_size: ", "\"1.5GiB\"", "without a fraction"},
    {"[[library]]\nload_wait = 604801", "2: library.load_wait: ", "the integer 604801", "from 0 to 604800"},
    {"[[library]]\ndurability = \"none\"", "2: library.durability: ", "\"none\"", "\"local\""},
    // [[library.cartridges]]
    {"[[library]]\ncartridges = 20", "2: library.cartridges: ", "the integer 20", "[[library.cartridges]]"},
    {"[[library]]\n[library.cartridges]\nbarcodes = \"TL0001L9\"", "2: library.cartridges: ", "a table", "[[library.cartridges]]"},
    {"[[library]]\n[[library.cartridges]]\n", "2: library.cartridges: ", "barcodes is missing", ""},
    {"[[library]]\n[[library.cartridges]]\nbarcode = \"TL0001L9\"", "3: library.cartridges.barcode: ", "unknown key", "barcodes, capacity"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = [\"TL0001L9\"]", "3: library.cartridges.barcodes: ", "an array", "a barcode or a range"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001\"", "3: library.cartridges.barcodes: ", "\"TL0001\"", "8 characters"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001X9\"", "3: library.cartridges.barcodes: ", "TL0001X9", "L9"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0020L9..TL0001L9\"", "3: library.cartridges.barcodes: ", "TL0020L9..TL0001L9", "before it begins"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001L6\"", "3: library.cartridges.barcodes: ", "cannot read cartridge TL0001L6", "allowed: barcodes that end in L8, L9"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0025L9\"", "3: library.cartridges.barcodes: ", "25 cartridges", "slots (24)"},
    {"[[library]]\nslots = 2\n[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0002L9\"\n[[library.cartridges]]\nbarcodes = \"TL0003L9\"", "6: library.cartridges.barcodes: ", "3 cartridges", "slots (2)"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0005L9\"\n[[library.cartridges]]\nbarcodes = \"TL0005L9..TL0006L9\"", "5: library.cartridges.barcodes: ", "TL0005L9 is given twice", "once"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001L9\"\ncapacity = \"15MiB\"", "4: library.cartridges.capacity: ", "\"15MiB\"", "16MiB"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001L9\"\ncapacity = \"18000000000001B\"", "4: library.cartridges.capacity: ", "18000000000001B", "16MiB to 18TB"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001L8\"\ncapacity = \"18TB\"", "4: library.cartridges.capacity: ", "18TB", "16MiB to 12TB, which is what LTO-8 holds"},
    {"[[library]]\n[[library.cartridges]]\nbarcodes = \"TL0001L9\"\ncapacity = true", "4: library.cartridges.capacity: ", "the boolean true", "16MiB"},
    // clang-format on
};

TEST(Config, EveryBadInputIsRefusedWithFileLineKeyFoundAndAllowed) {
    for (const auto& bad : kBadInputs) {
        SCOPED_TRACE(bad.text);
        const auto config = parse(bad.text);
        ASSERT_FALSE(config);
        const auto& message = config.error().message;
        EXPECT_EQ(config.error().code, Errc::invalid_argument);
        EXPECT_EQ(message.rfind(std::string(kFile) + ":" + bad.where, 0), 0U) << message;
        EXPECT_NE(message.find(bad.found), std::string::npos) << message;
        EXPECT_NE(message.find(bad.allowed), std::string::npos) << message;
    }
}

TEST(Config, ALibraryNameMayMakeAnIscsiNameOf223BytesAndNotOneMore) {
    const std::string longest(223 - kTargetNamePrefix.size(), 'x');
    const auto fits = parse("[[library]]\nname = \"" + longest + "\"");
    ASSERT_TRUE(fits) << fits.error().message;
    EXPECT_EQ(fits->libraries.front().target_name().size(), 223U);
    EXPECT_FALSE(parse("[[library]]\nname = \"" + longest + "x\""));
}

TEST(Config, AStateDirectoryTooLongForTheSocketIsRefused) {
    EXPECT_TRUE(parse("state_dir = \"/" + std::string(95, 'x') + "\""));
    const auto refused = parse("state_dir = \"/" + std::string(96, 'x') + "\"");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.rfind("t.toml:1: state_dir: ", 0), 0U)
        << refused.error().message;
    EXPECT_NE(refused.error().message.find("107"), std::string::npos) << refused.error().message;
    const auto given = parse_config("", kFile, "/" + std::string(96, 'x'));
    ASSERT_FALSE(given);
    EXPECT_NE(given.error().message.find("107"), std::string::npos) << given.error().message;
}

TEST(Config, StoresWhoseNamesOnlyBeginAlikeDoNotOverlap) {
    const auto config = parse(
        "[[library]]\nname = \"x\"\nstore = \"file:///s/t\"\n"
        "[[library]]\nname = \"y\"\nstore = \"file:///s/tt\"\n");
    EXPECT_TRUE(config) << config.error().message;
}

TEST(Config, TheStateDirectoryOfTheCommandLineWins) {
    const auto config = parse_config("state_dir = \"/a\"", kFile, "/b");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->state_dir, "/b");
    EXPECT_EQ(config->libraries.front().stores,
              std::vector<std::string>{"file:///b/store/default"});
    EXPECT_FALSE(default_config("relative"));
}

TEST(Config, AMissingFileIsRefusedByName) {
    const auto config = load_config("/nowhere/tapeloft.toml", std::nullopt);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, Errc::not_found);
    EXPECT_NE(config.error().message.find("/nowhere/tapeloft.toml"), std::string::npos);
    EXPECT_FALSE(load_config("/", std::nullopt)) << "a directory is no file";
}

TEST(Config, ANetworkPortalWithoutChapIsAWarning) {
    const auto open = parse("[iscsi]\nlisten = [\"127.0.0.1:1\", \"192.0.2.1:2\"]");
    ASSERT_TRUE(open);
    const auto sentences = warnings(*open);
    ASSERT_EQ(sentences.size(), 1U);
    EXPECT_NE(sentences.front().find("192.0.2.1:2"), std::string::npos);
    const auto loopback = parse("");
    ASSERT_TRUE(loopback);
    EXPECT_TRUE(warnings(*loopback).empty());
}

class ConfigAccounts : public testing::Test {
  protected:
    std::string secret_file(const std::string& name, const std::string& contents,
                            mode_t mode = 0600) {
        const auto path = directory_.path() / name;
        std::ofstream(path, std::ios::binary) << contents;
        ::chmod(path.c_str(), mode);
        return path.string();
    }
    static std::string account(const std::string& user, const std::string& file) {
        return "[[iscsi.account]]\nuser = \"" + user + "\"\nsecret_file = \"" + file + "\"\n";
    }

    tests::TemporaryDirectory directory_;
};

TEST_F(ConfigAccounts, OneNewlineAtTheEndIsNoPartOfTheSecret) {
    const auto config = parse(account("a", secret_file("1", "twelve bytes\n")) +
                              account("b", secret_file("2", "twelve byteS\n\n")));
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->accounts[0].chap.secret, "twelve bytes");
    EXPECT_EQ(config->accounts[1].chap.secret, "twelve byteS\n");
    EXPECT_EQ(config->accounts[0].chap.mutual_user, std::nullopt);
}

TEST_F(ConfigAccounts, SecretsOf12And256BytesAreTakenAndOthersRefused) {
    EXPECT_TRUE(parse(account("a", secret_file("1", std::string(12, 's')))));
    EXPECT_TRUE(parse(account("a", secret_file("1", std::string(256, 's') + "\n"))));
    for (const std::size_t length : {0U, 1U, 11U, 257U, 4096U}) {
        const auto refused = parse(account("a", secret_file("1", std::string(length, 's') + "\n")));
        ASSERT_FALSE(refused) << length;
        EXPECT_NE(refused.error().message.find("t.toml:3: iscsi.account.secret_file: "),
                  std::string::npos)
            << refused.error().message;
        EXPECT_NE(refused.error().message.find("12 to 256 bytes"), std::string::npos);
    }
}

TEST_F(ConfigAccounts, ASecretThatEveryUserMayOpenIsRefused) {
    const auto refused = parse(account("a", secret_file("1", "twelve bytes", 0604)));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("chmod 600"), std::string::npos);
    EXPECT_EQ(refused.error().message.find("twelve bytes"), std::string::npos);
    EXPECT_TRUE(parse(account("a", secret_file("1", "twelve bytes", 0640)))) << "the group may";
}

TEST_F(ConfigAccounts, ANamedPipeIsRefusedWithoutWaiting) {
    const auto path = directory_.path() / "pipe";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const auto refused = parse(account("a", path.string()));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("not a regular file"), std::string::npos);
}

TEST_F(ConfigAccounts, AUserTwiceIsRefused) {
    const auto file = secret_file("1", "twelve bytes");
    const auto refused = parse(account("a", file) + account("a", file));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message.rfind("t.toml:4: iscsi.account: ", 0), 0U)
        << refused.error().message;
}

TEST_F(ConfigAccounts, MutualChapNeedsBothKeysAndAnotherSecret) {
    const auto base = account("a", secret_file("1", "twelve bytes"));
    const auto same = secret_file("2", "twelve bytes");
    const auto other = secret_file("3", "twelve others");
    EXPECT_FALSE(parse(base + "mutual_user = \"t\"\n"));
    EXPECT_FALSE(parse(base + "mutual_secret_file = \"" + other + "\"\n"));
    const auto reflected =
        parse(base + "mutual_user = \"t\"\nmutual_secret_file = \"" + same + "\"\n");
    ASSERT_FALSE(reflected);
    EXPECT_EQ(reflected.error().message.find("twelve"), std::string::npos);
    const auto mutual =
        parse(base + "mutual_user = \"t\"\nmutual_secret_file = \"" + other + "\"\n");
    ASSERT_TRUE(mutual) << mutual.error().message;
    EXPECT_EQ(mutual->accounts.front().chap.mutual_secret, "twelve others");
}

TEST_F(ConfigAccounts, PrintingTheConfigurationTellsFilesAndNoSecrets) {
    const auto config = parse(account("a\\\"b", secret_file("1", "twelve bytes")));
    ASSERT_TRUE(config) << config.error().message;
    const auto printed = to_toml(*config);
    EXPECT_EQ(printed.find("twelve bytes"), std::string::npos);
    EXPECT_NE(printed.find(directory_.path().string()), std::string::npos);
    const auto again = parse(printed);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->accounts.front().chap.user, "a\"b");
}

TEST(ConfigSizes, UnitsAreDecimalAndBinaryAndRoundTrip) {
    EXPECT_EQ(*parse_size("0"), 0U);
    EXPECT_EQ(*parse_size("7B"), 7U);
    EXPECT_EQ(*parse_size("7kB"), 7'000U);
    EXPECT_EQ(*parse_size("7KiB"), 7'168U);
    EXPECT_EQ(*parse_size("100GB"), 100'000'000'000U);
    EXPECT_EQ(*parse_size("16GiB"), 16ULL << 30U);
    EXPECT_EQ(*parse_size("18446744073709551615"), 18446744073709551615ULL);
    for (const std::uint64_t bytes : {1ULL, 1000ULL, 1024ULL, 100'000'000'000ULL, 3ULL << 40U}) {
        EXPECT_EQ(*parse_size(format_size(bytes)), bytes);
    }
    for (const auto* const bad : {"", "B", "-1", "1 GB", "1.0GB", "0x10", "1EB", "16777216TiB"}) {
        EXPECT_FALSE(parse_size(bad)) << bad;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
