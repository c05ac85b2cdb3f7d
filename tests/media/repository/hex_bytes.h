#pragma once

#include <string_view>

#include <gtest/gtest.h>

#include "cloud/base/bytes.h"
#include "cloud/base/hex.h"

namespace tapeloft::media {

inline Bytes bytes_of(std::string_view digits) {
    Bytes bytes(digits.size() / 2);
    EXPECT_TRUE(from_hex(digits, bytes));
    return bytes;
}

}  // namespace tapeloft::media
