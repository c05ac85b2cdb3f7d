#include "media/pbs/pxar/path_selection.h"

#include <chrono>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "media/pbs/pxar/find_filter.h"
#include "media/pbs/pxar/sip_hash.h"

namespace tapeloft::media {
namespace {

TEST(Glob, MatchesAsShellsDo) {
    struct Row {
        std::string_view pattern;
        std::string_view text;
        bool matches;
    };
    const std::vector<Row> rows = {
        {"*.txt", "a.txt", true},
        {"*.txt", ".txt", true},
        {"*.txt", "a.txt.gz", false},
        {"a*b*c", "aXbXbc", true},
        {"a*b*c", "aXbXb", false},
        {"?", "", false},
        {"?", "x", true},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[^a-c]x", "ax", false},
        {"[]]", "]", true},
        {"[!]]", "]", false},
        {"[a-]", "-", true},
        {"[", "[", true},
        {"[ab", "[ab", true},
        {"\\*", "*", true},
        {"\\*", "x", false},
        {"[\\]]", "]", true},
        {"", "", true},
        {"", "x", false},
        {"**", "anything", true},
        {"x\\", "x\\", true},
        {"*\xe9*", "latin1-\xe9.txt", true},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(glob_match(row.pattern, row.text), row.matches) << row.pattern << " " << row.text;
    }
}

TEST(Glob, TakesNoLongerThanTheProductOfBothLengths) {
    const std::string text(20'000, 'a');
    std::string pattern;
    for (int i = 0; i < 200; ++i) {
        pattern += "*a";
    }
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(glob_match(pattern + "b", text));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

PathSelection select(const std::vector<std::string>& patterns) {
    auto selection = PathSelection::make(patterns);
    EXPECT_TRUE(selection.has_value()) << selection.error().message;
    return *std::move(selection);
}

TEST(PathSelection, TakesWhatIsInASelectedDirectoryAndKnowsTheWayToIt) {
    const auto selection = select({"/etc/ssh/", "home/*/notes.txt", "var/**/log"});
    struct Row {
        std::string_view path;
        bool selected;
        bool below;
    };
    const std::vector<Row> rows = {
        {"", false, true},
        {"etc", false, true},
        {"etc/ssh", true, true},
        {"etc/ssh/keys/a", true, true},
        {"etc/sshd", false, false},
        {"home/ann", false, true},
        {"home/ann/notes.txt", true, true},
        {"home/ann/notes.txt/x", true, true},
        {"home/ann/other", false, false},
        {"var/log", true, true},
        {"var/a/b/log", true, true},
        {"var/a/b", false, true},
        {"usr", false, false},
    };
    for (const auto& row : rows) {
        const auto match = selection.match(row.path);
        EXPECT_EQ(match.selected, row.selected) << row.path;
        EXPECT_EQ(match.below, row.below) << row.path;
    }
    EXPECT_EQ(selection.prefix(0), "etc/ssh");
    EXPECT_TRUE(selection.is_literal(0));
    EXPECT_EQ(selection.prefix(1), "home");
}

TEST(PathSelection, TakesANameThatLooksLikeAGlobByItself) {
    const auto selection = select({"names/*glob?[x]", "names/back\\slash"});
    EXPECT_TRUE(selection.match("names/*glob?[x]").selected);
    EXPECT_TRUE(selection.match("names/back\\slash").selected);
}

TEST(PathSelection, RefusesWaysOutOfTheArchive) {
    for (const std::string pattern : {"..", "a/../b", "./a", "a//b", "a/."}) {
        const auto made = PathSelection::make({pattern});
        ASSERT_FALSE(made.has_value()) << pattern;
        EXPECT_EQ(made.error().code, Errc::invalid_argument);
    }
    EXPECT_FALSE(PathSelection::make({std::string("a\0b", 3)}).has_value());
}

TEST(FindFilter, TellsFilesByNameKindTimeAndSize) {
    ListedFile file;
    file.path = "etc/hosts.conf";
    file.size = 2048;
    file.mtime = FileTime{1000, 5};
    FindFilter filter;
    EXPECT_TRUE(matches(filter, file));
    filter.name = "*.conf";
    filter.kinds = *parse_kinds("f,d");
    filter.newer = 1000;
    filter.older = 1001;
    filter.size = *parse_size_rule("2k");
    EXPECT_TRUE(matches(filter, file));
    filter.newer = 1001;
    EXPECT_FALSE(matches(filter, file));
    filter.newer.reset();
    filter.older = 1000;
    EXPECT_FALSE(matches(filter, file));
    filter.older.reset();
    filter.size = *parse_size_rule("+2k");
    EXPECT_FALSE(matches(filter, file));
    filter.size = *parse_size_rule("-3k");
    EXPECT_TRUE(matches(filter, file));
    filter.kinds = *parse_kinds("l");
    EXPECT_FALSE(matches(filter, file));
}

TEST(FindFilter, TellsFilesByTheirPathToo) {
    ListedFile file;
    FindFilter filter;
    filter.path = PathSelection::make({"etc/**/*.con[fg]"}).value();
    for (const auto& [path, found] : std::map<std::string, bool>{{"etc/a.conf", true},
                                                                 {"etc/x/y/a.cong", true},
                                                                 {"etc/x/y/a.cont", false},
                                                                 {"var/etc/a.conf", false},
                                                                 {"etc/a.conf/below", false}}) {
        file.path = path;
        EXPECT_EQ(matches(filter, file), found) << path;
    }
}

TEST(FindFilter, DoesNotMatchWhatIsNotKnown) {
    ListedFile directory;
    directory.path = "etc";
    directory.kind = FileKind::directory;
    FindFilter filter;
    filter.size = SizeRule{SizeRule::Order::less, 100};
    EXPECT_FALSE(matches(filter, directory));
    filter.size.reset();
    filter.older = 2'000'000'000;
    EXPECT_FALSE(matches(filter, directory));
}

TEST(FindFilter, TakesHardLinksForFiles) {
    ListedFile link;
    link.path = "a";
    link.kind = FileKind::hardlink;
    FindFilter filter;
    filter.kinds = *parse_kinds("f");
    EXPECT_TRUE(matches(filter, link));
}

TEST(FindFilter, RefusesWhatItDoesNotUnderstand) {
    for (const auto* text :
         {"", "+", "k", "1X", "--1", "1.5M", "99999999999999999999", "16777216T"}) {
        EXPECT_FALSE(parse_size_rule(text).has_value()) << text;
    }
    EXPECT_EQ(parse_size_rule("+1M")->bytes, 1024U * 1024);
    for (const auto* text : {"", "x", "f,", ",f", "ff", "f,,d"}) {
        EXPECT_FALSE(parse_kinds(text).has_value()) << text;
    }
    for (const auto* text :
         {"", "@", "2024", "2024-13-01", "2023-02-29", "2024-06-05T24:00", "2024-06-05X07:04",
          "2024-06-05T07:04:2", "yesterday", "@1x", "@--1"}) {
        EXPECT_FALSE(parse_time(text).has_value()) << text;
    }
}

TEST(FindFilter, KnowsTheCalendar) {
    EXPECT_EQ(*parse_time("2024-06-05T07:04:24Z"), 1'717'571'064);
    EXPECT_EQ(*parse_time("2024-06-05 07:04"), 1'717'571'040);
    EXPECT_EQ(*parse_time("2024-06-05"), 1'717'545'600);
    EXPECT_EQ(*parse_time("1938-04-24T22:13:20"), -1'000'000'000);
    EXPECT_EQ(*parse_time("@-5"), -5);
}

/// Appendix A of the paper: key 00 01 .. 0f, message 00 01 .. 0e.
TEST(SipHash, GivesTheKnownAnswer) {
    Bytes message(15);
    for (std::size_t i = 0; i < message.size(); ++i) {
        message[i] = static_cast<std::uint8_t>(i);
    }
    EXPECT_EQ(sip_hash_2_4(0x0706050403020100, 0x0f0e0d0c0b0a0908, message), 0xa129ca6149be45e5);
}

}  // namespace
}  // namespace tapeloft::media
