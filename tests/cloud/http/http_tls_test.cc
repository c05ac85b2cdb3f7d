#include <fstream>

#include <gtest/gtest.h>

#include "cloud/http/http_engine.h"

#include "tests/cloud/http/tls_server.h"
#include "tests/cloud/store/store_world.h"
#include "tests/temporary_directory.h"

namespace tapeloft::tests {
namespace {

class HttpTlsTest : public testing::Test {
  protected:
    HttpTlsTest() { std::ofstream(ca_file) << server.certificate_pem(); }

    std::string outcome(const std::string& host, const std::string& ca) {
        HttpLimits limits;
        limits.ca_file = ca;
        const auto engine = HttpEngine::start(limits).value();
        HttpRequest request;
        request.method = "GET";
        request.url = server.url(host);
        const auto response = loop.run(engine->send(request));
        return response ? std::string(as_text(response->body.view()))
                        : "error: " + std::string(to_string(response.error().code));
    }

    TlsServer server;
    StoreLoop loop;
    TemporaryDirectory directory;
    const std::string ca_file = (directory.path() / "ca.pem").string();
};

TEST_F(HttpTlsTest, AnAuthorityOfOnesOwnIsTrusted) {
    EXPECT_EQ(outcome("127.0.0.1", ca_file), "secret");
}

TEST_F(HttpTlsTest, AnUnknownAuthorityIsDeniedAndNotAskedAgain) {
    EXPECT_EQ(outcome("127.0.0.1", ""), "error: denied");
}

TEST_F(HttpTlsTest, ACertificateForAnotherHostIsDenied) {
    EXPECT_EQ(outcome("localhost", ca_file), "error: denied");
}

}  // namespace
}  // namespace tapeloft::tests
