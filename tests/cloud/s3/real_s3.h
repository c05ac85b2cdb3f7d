// A real S3 server, where one is given: scripts/test-s3 starts Ceph's gateway and sets the
// variable.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cloud/s3/s3_store.h"

namespace tapeloft::tests {

/// TAPELOFT_TEST_S3_URL: "s3://bucket/prefix?endpoint=...", its keys where AWS tools have them.
[[nodiscard]] std::optional<std::string> real_s3_url();
/// TAPELOFT_TEST_S3_LOCKED_URL: a bucket that was made with object lock.
[[nodiscard]] std::optional<std::string> real_s3_locked_url();

/// Of the URL and "&option=value", under a prefix that nobody else has.
[[nodiscard]] s3::Settings real_s3_settings(const std::string& url);

/// Throws what the store says where it cannot be opened. Its objects stay.
[[nodiscard]] std::unique_ptr<S3Store> open_real_s3(Executor work, s3::Settings settings);

}  // namespace tapeloft::tests
