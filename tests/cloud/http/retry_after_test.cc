#include "cloud/http/retry_after.h"

#include <chrono>

#include <gtest/gtest.h>

namespace tapeloft {
namespace {

std::chrono::seconds wanted(std::string value, std::string date = "Fri, 24 May 2013 00:00:00 GMT") {
    HttpResponse response;
    response.headers = {{"date", std::move(date)}, {"retry-after", std::move(value)}};
    return retry_after(response);
}

TEST(RetryAfterTest, SecondsAndTimesAreRead) {
    EXPECT_EQ(wanted("0").count(), 0);
    EXPECT_EQ(wanted("120").count(), 120);
    EXPECT_EQ(wanted("Fri, 24 May 2013 00:02:30 GMT").count(), 150);
    EXPECT_EQ(wanted("Thu, 23 May 2013 00:00:00 GMT").count(), 0);
    EXPECT_EQ(retry_after(HttpResponse()).count(), 0);
}

TEST(RetryAfterTest, WithoutADateATimeIsCountedFromOurClock) {
    EXPECT_EQ(wanted("Fri, 24 May 2013 00:02:30 GMT", "x").count(), 0);
    EXPECT_EQ(wanted("Fri, 24 May 9999 00:02:30 GMT", "x"), kRetryAfterMax);
}

TEST(RetryAfterTest, NothingAbsurdIsBelieved) {
    for (const auto* text :
         {"99999", "999999999999999999999999", "Sat, 25 May 2013 00:00:00 GMT"}) {
        EXPECT_EQ(wanted(text), kRetryAfterMax) << text;
    }
    for (const auto* text : {"-5", "soon", "1.5", "5 s", "+5", "0x10"}) {
        EXPECT_EQ(wanted(text).count(), 0) << text;
    }
}

}  // namespace
}  // namespace tapeloft
