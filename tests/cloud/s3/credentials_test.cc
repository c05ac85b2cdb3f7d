#include "cloud/s3/credentials.h"

#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "cloud/base/timestamps.h"

#include "tests/temporary_directory.h"

namespace tapeloft::s3 {
namespace {

constexpr std::string_view kFile = R"(# keys
[default]
aws_access_key_id = AKIDEFAULT
aws_secret_access_key=secret/of+default==

; another
[profile work]
  aws_access_key_id=AKIWORK
  aws_secret_access_key = geheim
  aws_session_token = token//==
  aws_expiration = 2030-01-02T03:04:05Z
  region = eu-central-1
[half]
aws_access_key_id = AKIHALF
[empty]
)";

TEST(CredentialsTest, AProfileIsReadWithItsToken) {
    const auto work = parse_credentials(kFile, "work");
    ASSERT_TRUE(work) << work.error().message;
    EXPECT_EQ(work->access_key_id, "AKIWORK");
    EXPECT_EQ(work->secret_access_key, "geheim");
    EXPECT_EQ(work->session_token, "token//==");
    EXPECT_EQ(work->expires_unix_s, parse_iso_time("2030-01-02T03:04:05Z"));
    EXPECT_EQ(parse_credentials(kFile, "default")->secret_access_key, "secret/of+default==");
}

TEST(CredentialsTest, AMissingOrHalfProfileIsNamedAndNothingIsRepeated) {
    EXPECT_EQ(parse_credentials(kFile, "none").error().code, Errc::not_found);
    EXPECT_EQ(parse_credentials(kFile, "empty").error().code, Errc::not_found);
    EXPECT_EQ(parse_credentials(kFile, "half").error().code, Errc::invalid_argument);
    EXPECT_EQ(parse_credentials(kFile, "half").error().message.find("AKIHALF"), std::string::npos);
    EXPECT_FALSE(parse_credentials("[", "x"));
    EXPECT_FALSE(parse_credentials(std::string(10000, '['), "x"));
}

class CredentialSourceTest : public testing::Test {
  protected:
    void write(const std::string& name, std::string_view text) {
        std::ofstream(path(name)) << text;
    }
    std::string path(const std::string& name) { return (directory.path() / name).string(); }
    CredentialSource source(CredentialOptions options) {
        return {std::move(options), [this](const std::string& name) -> std::optional<std::string> {
                    const auto found = variables.find(name);
                    return found == variables.end() ? std::nullopt : std::optional(found->second);
                }};
    }

    tests::TemporaryDirectory directory;
    std::map<std::string, std::string> variables = {{"HOME", directory.path().string()}};
};

TEST_F(CredentialSourceTest, TheEnvironmentComesFirstUnlessSomethingElseIsAskedFor) {
    variables["AWS_ACCESS_KEY_ID"] = "AKIENV";
    variables["AWS_SECRET_ACCESS_KEY"] = "s";
    variables["AWS_SESSION_TOKEN"] = "t";
    write("keys", kFile);
    auto environment = source({});
    EXPECT_EQ(environment.read(0)->access_key_id, "AKIENV");
    EXPECT_EQ(environment.read(0)->session_token, "t");
    auto file = source({path("keys"), ""});
    EXPECT_EQ(file.read(0)->access_key_id, "AKIDEFAULT");
    auto profile = source({path("keys"), "work"});
    EXPECT_EQ(profile.read(0)->access_key_id, "AKIWORK");
}

TEST_F(CredentialSourceTest, TheSharedFilesAreFoundWhereAwsToolsPutThem) {
    std::filesystem::create_directory(directory.path() / ".aws");
    write(".aws/credentials", "[default]\naws_access_key_id=A\naws_secret_access_key=B\n");
    write(".aws/config", kFile);
    EXPECT_EQ(source({}).read(0)->access_key_id, "A");
    EXPECT_EQ(source({"", "work"}).read(0)->access_key_id, "AKIWORK");
    variables["AWS_PROFILE"] = "work";
    EXPECT_EQ(source({}).read(0)->access_key_id, "AKIWORK");
    variables["AWS_SHARED_CREDENTIALS_FILE"] = path("elsewhere");
    write("elsewhere", "[work]\naws_access_key_id=C\naws_secret_access_key=D\n");
    EXPECT_EQ(source({}).read(0)->access_key_id, "C");
}

TEST_F(CredentialSourceTest, WithoutKeysTheErrorSaysWhereItLooked) {
    const auto found = source({}).read(0);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, Errc::denied);
    EXPECT_NE(found.error().message.find(".aws/credentials"), std::string::npos);
    EXPECT_NE(found.error().message.find("AWS_ACCESS_KEY_ID"), std::string::npos);
    EXPECT_NE(found.error().message.find("profile \"default\""), std::string::npos);
    EXPECT_NE(found.error().message.find("cannot be read: No such file"), std::string::npos);
    const auto asked_for = source({path("keys"), "work"}).read(0);
    ASSERT_FALSE(asked_for);
    EXPECT_NE(asked_for.error().message.find(path("keys")), std::string::npos);
    EXPECT_NE(asked_for.error().message.find("profile \"work\""), std::string::npos);
    EXPECT_EQ(asked_for.error().message.find("AWS_ACCESS_KEY_ID"), std::string::npos)
        << "it was not looked there";
}

TEST_F(CredentialSourceTest, AFileThatIsHalfWrittenLeavesTheKeysAlone) {
    std::filesystem::create_directory(directory.path() / ".aws");
    write(".aws/credentials", "[default]\naws_access_key_id=A\naws_secret_access_key=B\n");
    write(".aws/config", "[default]\naws_access_key_id=OTHER\naws_secret_access_key=C\n");
    auto shared = source({});
    ASSERT_EQ(shared.read(0)->access_key_id, "A");
    write(".aws/credentials", "[default]\naws_access_key_id=NEW\n");
    EXPECT_EQ(shared.read(60)->access_key_id, "A");
    EXPECT_EQ(shared.read(60)->secret_access_key, "B");
    write(".aws/credentials", "[default]\naws_access_key_id=NEW\naws_secret_access_key=D\n");
    EXPECT_EQ(shared.read(120)->access_key_id, "NEW");
}

TEST_F(CredentialSourceTest, AFileIsReadAgainBeforeItsKeysEnd) {
    const auto keys = [](const std::string& id, std::int64_t ends) {
        return "[default]\naws_access_key_id=" + id +
               "\naws_secret_access_key=s\naws_expiration=" + iso_time(ends) + "\n";
    };
    write("keys", keys("FIRST", 10000));
    auto renewed = source({path("keys"), ""});
    EXPECT_FALSE(renewed.known(100));
    ASSERT_TRUE(renewed.read(100));
    EXPECT_EQ(renewed.known(130)->access_key_id, "FIRST");
    EXPECT_FALSE(renewed.known(160));  // a minute is over
    ASSERT_TRUE(renewed.read(9690));
    EXPECT_TRUE(renewed.known(9699));
    EXPECT_FALSE(renewed.known(9700));  // five minutes before the end
    write("keys", keys("SECOND", 20000));
    EXPECT_EQ(renewed.read(9700)->access_key_id, "SECOND");
}

TEST_F(CredentialSourceTest, AFileThatIsAwayForAWhileCostsNothingUntilTheKeysEnd) {
    write("keys", "[default]\naws_access_key_id=A\naws_secret_access_key=s\naws_expiration=" +
                      iso_time(10000) + "\n");
    auto renewed = source({path("keys"), ""});
    ASSERT_TRUE(renewed.read(100));
    std::filesystem::remove(path("keys"));
    EXPECT_TRUE(renewed.read(9000));
    const auto ended = renewed.read(10000);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Errc::denied);
}

TEST(TimestampsTest, TimesOfHttpAndXml) {
    EXPECT_EQ(parse_http_time("Fri, 24 May 2013 00:00:00 GMT"), 1369353600);
    EXPECT_EQ(parse_iso_time("2013-05-24T00:00:00Z"), 1369353600);
    EXPECT_EQ(parse_iso_time("2013-05-24T00:00:00.123Z"), 1369353600);
    EXPECT_EQ(parse_iso_time("2013-05-24T00:00:00+00:00"), 1369353600);
    EXPECT_EQ(iso_time(1369353600), "2013-05-24T00:00:00Z");
    for (const auto* wrong : {"", "Fri", "Fri, 31 Feb 2013 00:00:00 GMT",
                              "Fri, 24 Mai 2013 00:00:00 GMT", "Fri, 24 May 2013 25:00:00 GMT",
                              "Friday, 24-May-13 00:00:00 GMT", "xxx, xx xxx xxxx xx:xx:xx GMT"}) {
        EXPECT_FALSE(parse_http_time(wrong)) << wrong;
        EXPECT_FALSE(parse_iso_time(wrong)) << wrong;
    }
    EXPECT_FALSE(parse_iso_time("2013-05-24T00:00:00+02:00"));
    EXPECT_FALSE(parse_iso_time("2013-13-24T00:00:00Z"));
}

}  // namespace
}  // namespace tapeloft::s3
