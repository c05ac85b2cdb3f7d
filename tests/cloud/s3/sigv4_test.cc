// Expected values: the worked examples of AWS's documentation ("Signature Calculations for the
// Authorization Header", Amazon S3 API Reference) and of its signature test suite.
#include "cloud/s3/sigv4.h"

#include <gtest/gtest.h>

namespace tapeloft::s3 {
namespace {

const Credentials kExampleKeys = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", {}};
const std::string kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string signature(const RequestToSign& request, const SigningScope& scope,
                      const Credentials& keys = kExampleKeys) {
    const auto value = authorization(request, scope, keys);
    return value.substr(value.rfind('=') + 1);
}

class S3Examples : public testing::Test {
  protected:
    RequestToSign request(std::string path, std::string query, std::vector<HttpHeader> more = {}) {
        RequestToSign made{"GET", std::move(path), std::move(query), std::move(more), kEmptyHash};
        made.headers.push_back({"host", "examplebucket.s3.amazonaws.com"});
        made.headers.push_back({"x-amz-content-sha256", kEmptyHash});
        made.headers.push_back({"x-amz-date", scope.date});
        return made;
    }
    const SigningScope scope{amz_date(1369353600), "us-east-1"};
};

TEST_F(S3Examples, GetOfARange) {
    EXPECT_EQ(
        authorization(request("/test.txt", "", {{"range", "bytes=0-9"}}), scope, kExampleKeys),
        "AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(S3Examples, PutWithAStorageClass) {
    const std::string hash = sha256_hex(as_bytes("Welcome to Amazon S3."));
    EXPECT_EQ(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    const RequestToSign put{"PUT",
                            encoded_path("/test$file.text"),
                            "",
                            {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                             {"date", "Fri, 24 May 2013 00:00:00 GMT"},
                             {"host", "examplebucket.s3.amazonaws.com"},
                             {"x-amz-date", "20130524T000000Z"},
                             {"x-amz-content-sha256", hash}},
                            hash};
    EXPECT_EQ(signature(put, scope),
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(S3Examples, ASubresourceWithoutAValue) {
    EXPECT_EQ(signature(request("/", canonical_query({{"lifecycle", ""}})), scope),
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST_F(S3Examples, AListWhoseQueryWasOutOfOrder) {
    EXPECT_EQ(signature(request("/", canonical_query({{"prefix", "J"}, {"max-keys", "2"}})), scope),
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

class TestSuite : public testing::Test {
  protected:
    std::string sign(std::string method, std::string path, std::string query,
                     std::vector<HttpHeader> more = {}) {
        RequestToSign made{std::move(method), std::move(path), std::move(query), std::move(more),
                           kEmptyHash};
        made.headers.push_back({"host", "example.amazonaws.com"});
        made.headers.push_back({"x-amz-date", "20150830T123600Z"});
        const Credentials keys = {
            "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", {}};
        return signature(made, {"20150830T123600Z", "us-east-1", "service"}, keys);
    }
};

TEST_F(TestSuite, GetVanilla) {
    EXPECT_EQ(sign("GET", "/", ""),
              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_F(TestSuite, PostVanilla) {
    EXPECT_EQ(sign("POST", "/", ""),
              "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST_F(TestSuite, GetVanillaQueryOrderKeyCase) {
    EXPECT_EQ(sign("GET", "/", canonical_query({{"Param2", "value2"}, {"Param1", "value1"}})),
              "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST_F(TestSuite, GetHeaderValueTrim) {
    EXPECT_EQ(sign("GET", "/", "", {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}}),
              "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

TEST_F(TestSuite, GetUtf8) {
    EXPECT_EQ(sign("GET", encoded_path("/\xe1\x88\xb4"), ""),
              "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
}

TEST(SigV4Test, HeadersAreInTheOrderOfTheirNamesAlone) {
    // As whole lines "-" would come before ":".
    const RequestToSign request{"PUT",
                                "/",
                                "",
                                {{"x-amz-server-side-encryption-aws-kms-key-id", "k"},
                                 {"x-amz-server-side-encryption", "aws:kms"},
                                 {"x-amz-meta-a-b", "2"},
                                 {"x-amz-meta-a", "1"}},
                                "hash"};
    EXPECT_EQ(canonical_request(request),
              "PUT\n/\n\n"
              "x-amz-meta-a:1\n"
              "x-amz-meta-a-b:2\n"
              "x-amz-server-side-encryption:aws:kms\n"
              "x-amz-server-side-encryption-aws-kms-key-id:k\n"
              "\n"
              "x-amz-meta-a;x-amz-meta-a-b;x-amz-server-side-encryption;"
              "x-amz-server-side-encryption-aws-kms-key-id\n"
              "hash");
}

TEST(SigV4Test, OnlyUnreservedCharactersStandForThemselves) {
    EXPECT_EQ(encoded("AZaz09-._~"), "AZaz09-._~");
    EXPECT_EQ(encoded("a b+c/d"), "a%20b%2Bc%2Fd");
    EXPECT_EQ(encoded_path("/a//b/./../c d"), "/a//b/./../c%20d");
    EXPECT_EQ(encoded_path("()!*'=:@,;&?#[]"), "%28%29%21%2A%27%3D%3A%40%2C%3B%26%3F%23%5B%5D");
    EXPECT_EQ(encoded_path("\xc3\xbc\x01\x7f"), "%C3%BC%01%7F");
    EXPECT_EQ(encoded(std::string("\0%", 2)), "%00%25");
}

TEST(SigV4Test, AQueryIsSortedByWhatIsSent) {
    EXPECT_EQ(canonical_query({}), "");
    EXPECT_EQ(canonical_query({{"uploads", ""}}), "uploads=");
    EXPECT_EQ(canonical_query({{"b", "2"}, {"a-b", "1"}, {"a", "x/y"}, {"a", "x"}}),
              "a=x&a=x%2Fy&a-b=1&b=2");
    EXPECT_EQ(canonical_query({{"\xc3\xbc", ""}, {"z", ""}}), "%C3%BC=&z=");
}

TEST(SigV4Test, BlanksInValuesAreFoldedAndUtf8Stays) {
    const RequestToSign request{"GET", "/", "", {{"x-amz-meta-a", " \xc3\xbc \t  b  "}}, "h"};
    EXPECT_NE(canonical_request(request).find("x-amz-meta-a:\xc3\xbc b\n"), std::string::npos);
}

TEST(SigV4Test, DatesAreInUtc) {
    EXPECT_EQ(amz_date(0), "19700101T000000Z");
    EXPECT_EQ(amz_date(1440938160), "20150830T123600Z");
}

}  // namespace
}  // namespace tapeloft::s3
