#include "tests/cloud/s3/real_s3.h"

#include <random>
#include <stdexcept>

#include "cloud/store/store_url.h"

namespace tapeloft::tests {

std::optional<std::string> real_s3_url() {
    return s3::process_environment()("TAPELOFT_TEST_S3_URL");
}

std::optional<std::string> real_s3_locked_url() {
    return s3::process_environment()("TAPELOFT_TEST_S3_LOCKED_URL");
}

s3::Settings real_s3_settings(const std::string& url) {
    const auto parsed = parse_store_url(url);
    TL_ASSERT(parsed);
    auto settings = s3::settings_of(*parsed);
    TL_ASSERT(settings);
    std::random_device random;
    settings->prefix += "test " + std::to_string(random()) + "-" + std::to_string(random()) + "/";
    settings->multipart_threshold = 12UL << 20U;
    settings->part_size = 5UL << 20U;
    return std::move(settings).value();
}

std::unique_ptr<S3Store> open_real_s3(Executor work, s3::Settings settings) {
    auto store = S3Store::open(std::move(settings), {work, work});
    if (!store) {
        throw std::runtime_error(store.error().message);  // an assertion would not say why
    }
    return std::move(store).value();
}

}  // namespace tapeloft::tests
