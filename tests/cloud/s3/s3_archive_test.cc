// Objects in GLACIER and DEEP_ARCHIVE, against the stand-in: no server of Debian's archives.
#include "cloud/s3/s3_archive.h"

#include <gtest/gtest.h>

#include "tests/cloud/s3/s3_store_fixture.h"

namespace tapeloft::tests {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class S3Archive : public S3StoreTest {
  protected:
    S3Archive() {
        options_.archives = true;
        server.set_options(options_);
    }
    std::string recall(const std::string& name) {
        const auto state = loop.run(store->recall(name));
        return !state                             ? outcome(state)
               : *state == RecallState::available ? "available"
                                                  : "under way";
    }
    std::size_t restores() const {
        std::size_t count = 0;
        for (const auto& request : server.requests()) {
            count += request.target.find("?restore") == std::string::npos ? 0U : 1U;
        }
        return count;
    }

    FakeS3Options options_;
};

TEST_F(S3Archive, AnArchivedObjectIsBusyAndNeverDamagedOrMissing) {
    ASSERT_EQ(open("&class=packs/:GLACIER"), "");
    ASSERT_EQ(put("packs/a", "cold"), "");
    EXPECT_EQ(get("packs/a"), "error: busy");
    EXPECT_EQ(get("packs/a", {.offset = 1, .length = 2}), "error: busy");
    EXPECT_NE(last_error.find("archived"), std::string::npos) << last_error;
    EXPECT_EQ(loop.run(store->head("packs/a"))->size, 4U);
    ASSERT_EQ(put("log/1", "hot"), "");
    EXPECT_EQ(get("log/1"), "hot");
}

TEST_F(S3Archive, ARecallIsAskedForOnceAndEndsWithTheObjectReadable) {
    ASSERT_EQ(open("&class=packs/:DEEP_ARCHIVE&restore=Bulk:3"), "");
    ASSERT_EQ(put("packs/a", "cold"), "");
    EXPECT_EQ(recall("packs/a"), "under way");
    EXPECT_EQ(recall("packs/a"), "under way");
    EXPECT_EQ(restores(), 1U);
    EXPECT_EQ(get("packs/a"), "error: busy");
    server.finish_restores();
    EXPECT_EQ(recall("packs/a"), "available");
    EXPECT_EQ(get("packs/a", {.offset = 1, .length = 2}), "ol");
    server.expire_copies();
    EXPECT_EQ(get("packs/a"), "error: busy");
    EXPECT_EQ(recall("packs/a"), "under way");
    EXPECT_EQ(server.violations(), std::vector<std::string>{});
}

TEST_F(S3Archive, SomebodyElseWhoAskedAtTheSameMomentIsNoError) {
    ASSERT_EQ(open("&class=packs/:GLACIER"), "");
    ASSERT_EQ(put("packs/a", "cold"), "");
    server.set_intercept([](const SeenRequest& request) -> std::optional<std::string> {
        return request.method != "POST"
                   ? std::nullopt
                   : std::optional(http_answer(
                         "409 Conflict", "<Error><Code>RestoreAlreadyInProgress</Code></Error>"));
    });
    EXPECT_EQ(recall("packs/a"), "under way");
}

TEST_F(S3Archive, ACopyThatSoonExpiresIsAskedToStay) {
    ASSERT_EQ(open("&class=packs/:GLACIER&restore=Standard:30"), "");
    ASSERT_EQ(put("packs/a", "cold"), "");
    EXPECT_EQ(recall("packs/a"), "under way");
    server.finish_restores();  // for 7 days, of 30
    EXPECT_EQ(recall("packs/a"), "available");
    EXPECT_EQ(restores(), 2U);
    EXPECT_EQ(recall("packs/a"), "available");
    EXPECT_EQ(restores(), 2U) << "it stays for 30 days now";
}

TEST_F(S3Archive, WhatIsNotArchivedIsNotAskedFor) {
    ASSERT_EQ(open("&class=packs/:GLACIER_IR"), "");
    ASSERT_EQ(put("packs/a", "warm"), "");
    EXPECT_EQ(recall("packs/a"), "available");
    EXPECT_EQ(restores(), 0U);
    EXPECT_EQ(store->recall_time("packs/a"), std::nullopt);
    EXPECT_EQ(recall("packs/none"), "error: not found");
    EXPECT_EQ(recall("A"), "error: invalid argument");
}

TEST_F(S3Archive, AStoreThatKnowsTheClassByNameOnlyServesItAtOnce) {
    options_.archives = false;
    server.set_options(options_);
    ASSERT_EQ(open("&class=packs/:GLACIER"), "");
    ASSERT_EQ(put("packs/a", "not cold"), "");
    EXPECT_EQ(recall("packs/a"), "available");
    EXPECT_EQ(recall("packs/a"), "available");
    EXPECT_EQ(restores(), 1U) << "once is enough to know";
    EXPECT_EQ(get("packs/a"), "not cold");
}

TEST_F(S3Archive, ExpeditedThatIsNotToBeHadIsTriedLater) {
    options_.refuses_expedited = true;
    server.set_options(options_);
    ASSERT_EQ(open("&class=packs/:GLACIER&restore=Expedited:1"), "");
    ASSERT_EQ(put("packs/a", "cold"), "");
    EXPECT_EQ(recall("packs/a"), "error: throttled");
    options_.refuses_expedited = false;
    server.set_options(options_);
    EXPECT_EQ(recall("packs/a"), "under way");
}

TEST_F(S3Archive, HowLongItTakesIsOfClassAndTier) {
    ASSERT_EQ(open("&class=packs/:GLACIER,probe/:DEEP_ARCHIVE"), "");
    EXPECT_EQ(store->recall_time("packs/a"), seconds(hours(5)));
    EXPECT_EQ(store->recall_time("probe/a"), seconds(hours(12)));
    EXPECT_EQ(store->recall_time("log/a"), std::nullopt);
    ASSERT_EQ(open("&class=packs/:GLACIER&restore=Expedited:1"), "");
    EXPECT_EQ(store->recall_time("packs/a"), seconds(minutes(5)));
}

TEST_F(S3Archive, WhatIntelligentTieringArchivedComesBackForGood) {
    ASSERT_EQ(open("&class=packs/:INTELLIGENT_TIERING&restore=Expedited:1"), "");
    ASSERT_EQ(put("packs/a", "cold"), "");
    EXPECT_EQ(recall("packs/a"), "available");
    EXPECT_EQ(store->recall_time("packs/a"), std::nullopt);
    struct Row {
        const char* tier;
        seconds time;
    };
    for (const auto& [tier, time] :
         {Row{"ARCHIVE_ACCESS", minutes(5)}, Row{"DEEP_ARCHIVE_ACCESS", hours(12)}}) {
        SCOPED_TRACE(tier);
        server.archive_unread(tier);
        const auto before = restores();
        EXPECT_EQ(get("packs/a"), "error: busy");
        EXPECT_EQ(recall("packs/a"), "under way");
        EXPECT_EQ(recall("packs/a"), "under way");
        EXPECT_EQ(restores(), before + 1);
        EXPECT_EQ(store->recall_time("packs/a"), time);
        server.finish_restores();
        EXPECT_EQ(recall("packs/a"), "available");
        EXPECT_EQ(get("packs/a"), "cold");
        server.expire_copies();
        EXPECT_EQ(get("packs/a"), "cold") << "no copy, which would expire";
    }
    EXPECT_EQ(server.violations(), std::vector<std::string>{});
}

TEST_F(S3Archive, ATierThatAClassDoesNotHaveIsRefusedByName) {
    EXPECT_NE(open("&class=packs/:DEEP_ARCHIVE&restore=Expedited:1")
                  .find("DEEP_ARCHIVE has no tier Expedited"),
              std::string::npos);
    for (const auto* const wrong : {"Fast:1", "Bulk", "Bulk:", "Bulk:0", "Bulk:366", ":1"}) {
        EXPECT_NE(open(std::string("&restore=") + wrong).find("restore is TIER:DAYS"),
                  std::string::npos)
            << wrong;
    }
}

}  // namespace
}  // namespace tapeloft::tests
