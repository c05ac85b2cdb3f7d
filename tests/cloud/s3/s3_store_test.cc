#include "cloud/s3/s3_store.h"

#include <algorithm>

#include <openssl/evp.h>

#include "tests/cloud/s3/s3_store_fixture.h"

namespace tapeloft::tests {
namespace {

TEST_F(S3StoreTest, ANameIsAKeyBehindThePrefix) {
    ASSERT_EQ(open(), "");
    ASSERT_EQ(put("packs/ab", "x"), "");
    EXPECT_TRUE(server.objects().contains("root/packs/ab"));
    EXPECT_EQ(server.objects().size(), 1U);  // and nothing stays of opening it
    EXPECT_EQ(store->url(), "s3://bucket/root/?endpoint=" + server.endpoint());
    EXPECT_TRUE(server.violations().empty());
}

TEST_F(S3StoreTest, AConditionIsACapabilityOnlyWhereItHolds) {
    ASSERT_EQ(open(), "");
    EXPECT_TRUE(store->capabilities().put_if_absent);
    server.set_options({.conditions = Conditions::ignored});
    ASSERT_EQ(open(), "");
    EXPECT_FALSE(store->capabilities().put_if_absent);
    server.set_options({.conditions = Conditions::refused});
    ASSERT_EQ(open(), "");
    EXPECT_FALSE(store->capabilities().put_if_absent);
    server.set_options({});
    ASSERT_EQ(open("&variant=garage"), "");  // says 412 and cannot hold it among writers at once
    EXPECT_FALSE(store->capabilities().put_if_absent);
    EXPECT_TRUE(server.objects().empty());
}

TEST_F(S3StoreTest, IfMatchIsSpelledAsTheStoreWantsIt) {
    for (const bool bare : {false, true}) {
        SCOPED_TRACE(bare);
        server.set_options({.bare_tags = bare});
        ASSERT_EQ(open(), "");
        EXPECT_TRUE(store->capabilities().put_if_match);
        ASSERT_EQ(put("head/a", "one"), "");
        const auto tag = loop.run(store->head("head/a"))->tag;
        EXPECT_EQ(put("head/a", "two", {.if_match = tag}), "");
        EXPECT_EQ(put("head/a", "three", {.if_match = tag}), "error: precondition");
        EXPECT_EQ(get("head/a"), "two");
        const auto last = server.requests()[server.requests().size() - 2];
        EXPECT_EQ(last.header("if-match"),
                  bare ? std::string(tag.text()) : '"' + std::string(tag.text()) + '"');
    }
}

TEST_F(S3StoreTest, AStoreThatIsBusyIsNotTakenForOneWithoutTheCondition) {
    server.set_intercept([](const SeenRequest& request) {
        return request.header("if-match").empty()
                   ? std::nullopt
                   : std::optional(
                         http_answer("503 Slow Down", "<Error><Code>SlowDown</Code></Error>"));
    });
    EXPECT_NE(open().find("throttled"), std::string::npos);
    server.set_intercept({});
    EXPECT_EQ(put("head/a", "one"), "") << "the same store asks again";
    EXPECT_TRUE(store->capabilities().put_if_match);
}

TEST_F(S3StoreTest, WithoutConditionsAPutIfMatchLooksFirst) {
    for (const auto conditions : {Conditions::ignored, Conditions::refused}) {
        server.set_options({.conditions = conditions});
        ASSERT_EQ(open(), "");
        EXPECT_FALSE(store->capabilities().put_if_match);
        ASSERT_EQ(put("head/a", "one"), "");
        const auto tag = loop.run(store->head("head/a"))->tag;
        ASSERT_FALSE(tag.empty());
        EXPECT_EQ(put("head/a", "two", {.if_match = tag}), "");
        EXPECT_EQ(put("head/a", "three", {.if_match = tag}), "error: precondition");
        EXPECT_EQ(put("head/none", "x", {.if_match = tag}), "error: precondition");
        EXPECT_EQ(get("head/a"), "two");
    }
}

TEST_F(S3StoreTest, AThousandObjectsAreRemovedWithOneRequest) {
    ASSERT_EQ(open(), "");
    std::vector<std::string> names;
    for (int i = 0; i < 2001; ++i) {
        names.push_back("log/" + std::to_string(i));
        server.put_object("root/" + names.back(), "x");
    }
    const auto before = server.requests().size();
    EXPECT_EQ(outcome(loop.run(store->remove_many(names))), "");
    EXPECT_EQ(server.requests().size(), before + 3);
    EXPECT_TRUE(server.objects().empty());
    EXPECT_EQ(server.violations(), std::vector<std::string>{});
}

TEST_F(S3StoreTest, AnObjectThatStaysIsToldOfThoughTheAnswerSaysOk) {
    server.set_options({.undeletable = "root/log/2"});
    ASSERT_EQ(open(), "");
    for (const auto* const name : {"log/1", "log/2", "log/3"}) {
        ASSERT_EQ(put(name, "x"), "");
    }
    const std::vector<std::string> names = {"log/1", "log/2", "log/3"};
    EXPECT_EQ(outcome(loop.run(store->remove_many(names))), "error: denied");
    EXPECT_NE(last_error.find("root/log/2"), std::string::npos) << last_error;
    EXPECT_EQ(server.objects().size(), 1U);
}

TEST_F(S3StoreTest, WhereNotManyCanBeRemovedAtOnceTheyGoOneByOne) {
    server.set_options({.deletes_many = false});
    ASSERT_EQ(open(), "");
    ASSERT_EQ(put("log/1", "x"), "");
    ASSERT_EQ(put("log/2", "x"), "");
    EXPECT_EQ(outcome(loop.run(store->remove_many({"log/1", "log/2"}))), "");
    EXPECT_TRUE(server.objects().empty());
    EXPECT_EQ(outcome(loop.run(store->remove_many({"log/1", "log/2"}))), "");
    std::size_t asked = 0;
    for (const auto& request : server.requests()) {
        asked += request.method == "POST" ? 1U : 0U;
    }
    EXPECT_EQ(asked, 1U) << "once is enough to know";
}

TEST_F(S3StoreTest, WithoutConditionsAPutIfAbsentLooksFirst) {
    server.set_options({.conditions = Conditions::refused});
    ASSERT_EQ(open(), "");
    EXPECT_EQ(put("log/1", "first", {.if_absent = true}), "");
    EXPECT_EQ(put("log/1", "second", {.if_absent = true}), "error: precondition");
    EXPECT_EQ(get("log/1"), "first");
}

TEST_F(S3StoreTest, WrongKeysAndAMissingBucketAreFoundByTheFirstQuestion) {
    const FakeS3 other({.secret_access_key = "another"});
    environment = other.environment();
    auto error = open();
    EXPECT_NE(error.find("denied"), std::string::npos) << error;
    EXPECT_NE(error.find("is the secret key right?"), std::string::npos) << error;
    server.set_intercept([](const SeenRequest&) {
        return http_answer("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>");
    });
    error = open();
    EXPECT_NE(error.find("there is no such bucket"), std::string::npos) << error;
}

TEST_F(S3StoreTest, AMissingBucketIsNeverAnEmptyOne) {
    ASSERT_EQ(open(), "");
    server.set_intercept([](const SeenRequest&) {
        return http_answer("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>");
    });
    EXPECT_EQ(get("a"), "error: i/o") << last_error;
    EXPECT_EQ(outcome(loop.run(store->head("a"))), "error: i/o");
    EXPECT_EQ(outcome(loop.run(store->list("", "", 10))), "error: i/o");
    EXPECT_EQ(outcome(loop.run(store->remove("a"))), "error: i/o");
}

TEST_F(S3StoreTest, EveryRefusalIsSaidInAClassAndInWords) {
    ASSERT_EQ(open(), "");
    struct Row {
        std::string status;
        std::string code;
        std::string outcome;
    };
    const std::vector<Row> rows = {{"503 x", "SlowDown", "throttled"},
                                   {"503 x", "", "throttled"},
                                   {"429 x", "", "throttled"},
                                   {"500 x", "InternalError", "transient"},
                                   {"502 x", "", "transient"},
                                   {"403 x", "AccessDenied", "denied"},
                                   {"403 x", "QuotaExceeded", "no space"},
                                   {"409 x", "ConditionalRequestConflict", "transient"},
                                   {"400 x", "BadDigest", "transient"},
                                   {"403 x", "InvalidObjectState", "busy"},
                                   {"501 x", "NotImplemented", "unsupported"}};
    for (const auto& row : rows) {
        refuse("PUT", row.status, row.code);
        EXPECT_EQ(put("a", "x"), "error: " + row.outcome) << row.status << " " << row.code;
        EXPECT_NE(last_error.find("put a"), std::string::npos) << last_error;
        EXPECT_NE(last_error.find(row.code), std::string::npos) << last_error;
        EXPECT_EQ(row.code.empty(), last_error.find("id-7") == std::string::npos) << last_error;
    }
}

TEST_F(S3StoreTest, ARangeTheStoreAnswersOtherwiseIsAnError) {
    ASSERT_EQ(open(), "");
    ASSERT_EQ(put("a", "0123456789"), "");
    const auto answer = [&](const std::string& with) {
        server.set_intercept([with](const SeenRequest& request) -> std::optional<std::string> {
            return request.method == "GET" ? std::optional(with) : std::nullopt;
        });
        return get("a", {.offset = 2, .length = 3});
    };
    const auto range = [](const std::string& text) { return "Content-Range: " + text + "\r\n"; };
    const auto part = [&](const std::string& body, const std::string& text) {
        return answer(http_answer("206 Partial Content", body, range(text)));
    };
    EXPECT_EQ(part("234", "bytes 2-4/10"), "234");
    EXPECT_EQ(part("23", "bytes 2-3/10"), "error: transient");
    EXPECT_EQ(part("23", "bytes 2-4/10"), "error: transient");
    EXPECT_EQ(part("2345", "bytes 2-5/10"), "error: transient");
    EXPECT_EQ(part("123", "bytes 1-3/10"), "error: transient");
    EXPECT_EQ(part("23", "bytes 2-3/4"), "error: invalid argument");
    EXPECT_EQ(part("234", "bytes 2-4/*"), "error: transient");
    EXPECT_EQ(part("234", "bytes 2-4/3"), "error: transient");
    EXPECT_EQ(part("234", "words 2-4/10"), "error: transient");
    EXPECT_EQ(answer(http_answer("206 Partial Content", "234")), "error: transient");
    EXPECT_EQ(answer(http_answer("200 OK", "0123456789")), "error: unsupported");
}

TEST_F(S3StoreTest, AnObjectThatEndsWhereTheConnectionDoesIsAnError) {
    ASSERT_EQ(open(), "");
    server.set_intercept([](const SeenRequest&) {
        return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nperhaps all of it";
    });
    EXPECT_EQ(get("a"), "error: transient");
    EXPECT_NE(last_error.find("not the whole object"), std::string::npos) << last_error;
}

TEST_F(S3StoreTest, AListThatIsNotWhatWasAskedForIsAnError) {
    ASSERT_EQ(open(), "");
    const auto list = [&](const std::string& keys, const std::string& truncated) {
        const auto answered =
            http_answer("200 OK", "<ListBucketResult>" + keys + "<IsTruncated>" + truncated +
                                      "</IsTruncated></ListBucketResult>");
        server.set_intercept([=](const SeenRequest&) { return answered; });
        return outcome(loop.run(store->list("", "", 2)));
    };
    const auto key = [](const std::string& name) {
        return "<Contents><Key>" + name + "</Key><Size>1</Size></Contents>";
    };
    EXPECT_EQ(list(key("root/a") + key("root/b"), "false"), "");
    EXPECT_EQ(list(key("root/b") + key("root/a"), "false"), "error: transient");
    EXPECT_EQ(list(key("root/a") + key("root/a"), "false"), "error: transient");
    EXPECT_EQ(list(key("other/a"), "false"), "error: transient");
    EXPECT_EQ(list(key("root/a") + key("root/b") + key("root/c"), "false"), "error: transient");
    EXPECT_EQ(list("", "true"), "error: transient");
    EXPECT_EQ(list(key("root/a"), "perhaps"), "error: transient");
    EXPECT_EQ(list("<Contents><Key>root/a</Key><Size>-1</Size></Contents>", "false"),
              "error: transient");
    server.set_intercept([](const SeenRequest&) { return http_answer("200 OK", "<html>"); });
    EXPECT_EQ(outcome(loop.run(store->list("", "", 2))), "error: transient");
}

TEST_F(S3StoreTest, KeysThatAreNoNamesArePassedOverAndEndNoPage) {
    ASSERT_EQ(open(), "");
    server.put_object("root/", "");
    server.put_object("root/A&B <c>", "x");
    server.put_object("root/b", "x");
    server.put_object("root/c d+%20\xc3\xbc", "x");
    server.put_object("root/d//e", "x");
    server.put_object("root/e", "x");
    server.put_object("rootless", "x");
    for (const std::size_t limit : {1U, 2U, 3U}) {
        std::string names;
        std::string after;
        bool more = true;
        while (more) {
            const auto page = loop.run(store->list("", after, limit));
            ASSERT_TRUE(page) << page.error().message;
            for (const auto& object : page->objects) {
                names += object.name + " ";
                after = object.name;
            }
            more = page->more;
        }
        EXPECT_EQ(names, "b e ") << limit;
    }
}

TEST_F(S3StoreTest, ALargeBodyGoesInPartsOfOneSize) {
    server.set_options({.empty_complete_etag = true});
    ASSERT_EQ(open("&class=packs/:STANDARD_IA"), "");
    std::mt19937_64 random(3);
    auto body = random_body(random, (13UL << 20U) + 5);
    ASSERT_EQ(outcome(loop.run(store->put("packs/1", body, {}))), "") << last_error;
    const auto read = loop.run(store->get("packs/1", {}));
    ASSERT_TRUE(read);
    EXPECT_TRUE(std::ranges::equal(read->view(), body.view()));
    EXPECT_EQ(header_of("root/packs/1", "x-amz-storage-class"), "STANDARD_IA");
    EXPECT_EQ(server.uploads(), 0U);
    EXPECT_TRUE(server.violations().empty());
}

TEST_F(S3StoreTest, AnUploadInPartsThatFailsIsAbortedAndLeavesWhatWasThere) {
    ASSERT_EQ(open(), "");
    ASSERT_EQ(put("packs/1", "before"), "");
    const auto fail = [&](const std::string& in_target, const std::string& answered) {
        server.set_intercept([=](const SeenRequest& request) -> std::optional<std::string> {
            const bool hit =
                request.target.find(in_target) != std::string::npos && request.method != "DELETE";
            return hit ? std::optional(answered) : std::nullopt;
        });
        return outcome(loop.run(store->put("packs/1", Buffer::zeroed(12UL << 20U), {})));
    };
    EXPECT_EQ(fail("partNumber=2", http_answer("503 Slow Down", "")), "error: throttled");
    EXPECT_EQ(fail("partNumber=1", http_answer("200 OK", "")), "error: transient");  // no ETag
    // An error inside a success: CompleteMultipartUpload answers before it knows.
    const auto late = http_answer("200 OK", "<Error><Code>InternalError</Code></Error>");
    EXPECT_EQ(fail("?uploadId", late), "error: transient");
    EXPECT_EQ(server.uploads(), 0U);
    server.set_intercept({});
    EXPECT_EQ(get("packs/1"), "before");
}

TEST_F(S3StoreTest, APartIsSentAgainForItsTimeAndNotWhereTheUploadIsGone) {
    ASSERT_EQ(open(), "");
    struct Row {
        std::string answered;
        std::size_t attempts;
        std::string outcome;
    };
    const auto later = "Retry-After: 10\r\n";
    const std::vector<Row> rows = {
        {http_answer("500 x", "<Error><Code>InternalError</Code></Error>"), 5, "error: transient"},
        {http_answer("503 x", "<Error><Code>SlowDown</Code></Error>", later), 2,
         "error: throttled"},
        {http_answer("404 x", "<Error><Code>NoSuchUpload</Code></Error>"), 1, "error: transient"},
        {http_answer("403 x", "<Error><Code>AccessDenied</Code></Error>"), 1, "error: denied"}};
    for (const auto& row : rows) {
        std::size_t sent = 0;
        server.set_intercept([&](const SeenRequest& request) -> std::optional<std::string> {
            const bool second = request.target.find("partNumber=2") != std::string::npos;
            sent += second ? 1U : 0U;
            return second ? std::optional(row.answered) : std::nullopt;
        });
        EXPECT_EQ(outcome(loop.run(store->put("packs/1", Buffer::zeroed(12UL << 20U), {}))),
                  row.outcome);
        EXPECT_EQ(sent, row.attempts) << row.answered;
    }
    EXPECT_EQ(server.uploads(), 0U);
}

TEST_F(S3StoreTest, WhatAKilledProcessLeftInPartsIsAborted) {
    server.add_upload("root/packs/old", 90000);
    server.add_upload("root/packs/new", 3600);
    server.add_upload("other/packs/old", 90000);
    ASSERT_EQ(open(), "");
    EXPECT_EQ(server.uploads(), 2U);
}

TEST_F(S3StoreTest, WhatIsLeftInPartsIsAbortedOnEveryPageOfTheList) {
    server.set_options({.uploads_a_page = 2});
    for (const auto* const key : {"a", "b", "c", "d", "e"}) {
        server.add_upload("root/packs/" + std::string(key), 90000);
    }
    server.add_upload("root/packs/between", 3600);
    ASSERT_EQ(open(), "");
    EXPECT_EQ(server.uploads(), 1U);
    EXPECT_TRUE(server.violations().empty());
}

TEST_F(S3StoreTest, AListOfUploadsThatNeverEndsIsLeft) {
    for (const bool goes_on : {false, true}) {
        std::size_t lists = 0;
        server.set_intercept([&](const SeenRequest& request) -> std::optional<std::string> {
            if (request.target.find("uploads=") == std::string::npos) {
                return std::nullopt;
            }
            ++lists;
            return http_answer("200 OK",
                               "<ListMultipartUploadsResult><IsTruncated>true"
                               "</IsTruncated><NextKeyMarker>root/" +
                                   std::to_string(goes_on ? lists : 1) +
                                   "</NextKeyMarker></ListMultipartUploadsResult>");
        });
        ASSERT_EQ(open(), "");
        EXPECT_EQ(lists, goes_on ? 100U : 2U);
    }
}

TEST_F(S3StoreTest, WhatWasTooYoungToBeAbortedIsADayLater) {
    ASSERT_EQ(open(), "");
    server.add_upload("root/packs/left", 3600);
    ASSERT_EQ(put("log/1", "x"), "");
    EXPECT_EQ(server.uploads(), 1U);
    server.set_options({.clock_ahead_s = 2 * 86400});
    ASSERT_EQ(put("log/2", "x"), "");  // tells the time
    ASSERT_EQ(put("log/3", "x"), "");
    EXPECT_EQ(server.uploads(), 0U);
}

TEST_F(S3StoreTest, ADeleteMarkerOverALockedObjectIsNoMissingObject) {
    server.set_intercept([](const SeenRequest& request) -> std::optional<std::string> {
        return request.target.find("object-lock") != std::string::npos
                   ? std::optional(http_answer("200 OK",
                                               "<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
                                               "</ObjectLockEnabled></ObjectLockConfiguration>"))
                   : std::nullopt;
    });
    ASSERT_EQ(open("&lock=packs/:COMPLIANCE:30"), "");
    ASSERT_EQ(put("packs/1", "x"), "");
    EXPECT_EQ(header_of("root/packs/1", "x-amz-object-lock-mode"), "COMPLIANCE");
    EXPECT_EQ(put("log/1", "x"), "");
    EXPECT_EQ(header_of("root/log/1", "x-amz-object-lock-mode"), "");
    std::string versions =
        "<DeleteMarker><Key>root/packs/1</Key></DeleteMarker>"
        "<Version><Key>root/packs/1</Key></Version>";
    server.set_intercept([&](const SeenRequest& request) {
        return request.target.find("versions=") == std::string::npos
                   ? http_answer("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>")
                   : http_answer("200 OK",
                                 "<ListVersionsResult>" + versions + "</ListVersionsResult>");
    });
    EXPECT_EQ(get("packs/1"), "error: corrupt");
    EXPECT_EQ(outcome(loop.run(store->head("packs/1"))), "error: corrupt");
    EXPECT_EQ(get("log/1"), "error: not found");
    versions = "<Version><Key>root/packs/10</Key></Version>";
    EXPECT_EQ(get("packs/1"), "error: not found");
}

TEST_F(S3StoreTest, ShutDownEndsARequestThatHangs) {
    ASSERT_EQ(open(), "");
    server.set_intercept([this](const SeenRequest&) {
        store->shut_down();
        return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nnever";
    });
    EXPECT_EQ(get("a"), "error: cancelled");
    EXPECT_EQ(put("a", "x"), "error: cancelled");
    server.set_intercept({});  // once the one above has returned from the store
}

TEST_F(S3StoreTest, ClassTagsAndEncryptionGoWithTheObjectsTheyAreFor) {
    ASSERT_EQ(open("&class=packs/:GLACIER_IR,log/:STANDARD&tag=packs/:kind=pack;who=a%2520b"
                   "&sse=AES256"),
              "");
    ASSERT_EQ(put("packs/1", "x"), "");
    ASSERT_EQ(put("log/1", "x"), "");
    ASSERT_EQ(put("lease", "x"), "");
    EXPECT_EQ(header_of("root/packs/1", "x-amz-storage-class"), "GLACIER_IR");
    EXPECT_EQ(header_of("root/packs/1", "x-amz-tagging"), "kind=pack&who=a%2520b");
    EXPECT_EQ(header_of("root/packs/1", "x-amz-server-side-encryption"), "AES256");
    EXPECT_EQ(header_of("root/log/1", "x-amz-storage-class"), "STANDARD");
    EXPECT_EQ(header_of("root/log/1", "x-amz-tagging"), "");
    EXPECT_EQ(header_of("root/lease", "x-amz-storage-class"), "");
    EXPECT_TRUE(server.violations().empty());
}

TEST_F(S3StoreTest, WhatTheStoreIgnoresIsNotPromised) {
    server.set_options({.keeps_encryption = false});
    EXPECT_NE(open("&sse=AES256").find("ignores x-amz-server-side-encryption"), std::string::npos);
    EXPECT_NE(open("&lock=packs/:COMPLIANCE:30").find("was not made with it"), std::string::npos);
    EXPECT_NE(open("&variant=swift&tag=a=b").find("swift has no tags"), std::string::npos);
}

TEST_F(S3StoreTest, EncryptionThatAServerRefusesWithoutTlsIsRefusedWithThatReason) {
    ASSERT_EQ(open("&sse=AES256"), "");
    refuse("PUT", "400 Bad Request", "InvalidRequest");
    EXPECT_NE(put("a", "x"), "");
    EXPECT_NE(last_error.find("InvalidRequest"), std::string::npos) << last_error;
    EXPECT_NE(last_error.find("over https only"), std::string::npos) << last_error;
}

TEST_F(S3StoreTest, WhereOpenSslHasNoMd5AStoreThatNeedsItIsRefusedInWords) {
    ASSERT_EQ(open("&variant=garage"), "");
    const auto before = server.requests().size();
    ASSERT_EQ(EVP_set_default_properties(nullptr, "fips=yes"), 1);  // and no such provider
    const auto put = loop.run(store->put("a", body_of("text"), {}));
    ASSERT_EQ(EVP_set_default_properties(nullptr, ""), 1);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, Errc::unsupported);
    EXPECT_NE(put.error().message.find("has no MD5"), std::string::npos) << put.error().message;
    EXPECT_EQ(server.requests().size(), before);
}

TEST_F(S3StoreTest, AnETagOfAnotherBodyIsCorrupt) {
    ASSERT_EQ(open(), "");
    server.set_intercept([](const SeenRequest& request) -> std::optional<std::string> {
        return request.method == "PUT"
                   ? std::optional(http_answer("200 OK", "",
                                               "ETag: \"00000000000000000000000000000000\"\r\n"))
                   : std::nullopt;
    });
    EXPECT_EQ(put("a", "x"), "error: corrupt");
}

TEST_F(S3StoreTest, TheRegionIsTakenFromTheStoreAndTheRequestSignedAnew) {
    server.set_options({.region = "mars-north-1"});
    ASSERT_EQ(open(), "");
    EXPECT_EQ(put("a", "x"), "");
    EXPECT_EQ(get("a"), "x");
}

TEST_F(S3StoreTest, AClockThatIsWrongIsPutRightByTheStores) {
    server.set_options({.clock_ahead_s = 7200});
    ASSERT_EQ(open(), "");
    EXPECT_EQ(put("a", "x"), "");
    EXPECT_EQ(get("a"), "x");
    ASSERT_TRUE(store->clock_ahead());
    EXPECT_NEAR(static_cast<double>(store->clock_ahead()->count()), 7200, 2);
}

TEST_F(S3StoreTest, KeysThatWereRenewedMeanwhileAreReadAgain) {
    server.set_options({.session_token = "first"});
    ASSERT_EQ(open(), "");
    ASSERT_EQ(put("a", "x"), "");
    server.set_options({.session_token = "second"});  // the environment has it too
    EXPECT_EQ(put("a", "y"), "") << last_error;
    EXPECT_EQ(get("a"), "y");
    server.set_options({.session_token = "third"});
    EXPECT_TRUE(loop.run(store->head("a")));  // whose refusal does not say why
}

TEST_F(S3StoreTest, KeysThatWereReadHalfWrittenAreReadAgain) {
    int reads = 0;
    environment = [whole = server.environment(), &reads](const std::string& name) {
        auto value = whole(name);
        if (value && name == "AWS_SECRET_ACCESS_KEY" && reads++ == 0) {
            value->resize(3);
        }
        return value;
    };
    EXPECT_EQ(open(), "");
    EXPECT_EQ(put("a", "x"), "") << last_error;
    EXPECT_EQ(reads, 2);
}

TEST_F(S3StoreTest, KeysThatEndAreAnErrorAndNeverInIt) {
    ASSERT_EQ(open(), "");
    refuse("GET", "403 Forbidden", "InvalidAccessKeyId");
    EXPECT_EQ(get("a"), "error: denied");
    EXPECT_NE(last_error.find("does not know this access key"), std::string::npos);
    EXPECT_EQ(last_error.find("fake/secret+key"), std::string::npos);
    EXPECT_EQ(last_error.find("AKIDFAKE"), std::string::npos);
}

TEST_F(S3StoreTest, AServerThatCutsAnswersOffIsTransient) {
    ASSERT_EQ(open(), "");
    server.set_intercept([](const SeenRequest& request) -> std::optional<std::string> {
        return request.method == "PUT" ? "" : "HTTP/1.1 200 OK\r\nContent-Le";
    });
    EXPECT_EQ(put("a", "x"), "error: transient");
}

}  // namespace
}  // namespace tapeloft::tests
