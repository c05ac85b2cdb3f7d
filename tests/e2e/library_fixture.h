// A real daemon on a temporary state directory, and hosts that log in to it by libiscsi.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/host/daemon_process.h"
#include "tests/host/programs.h"
#include "tests/host/tape_host.h"
#include "tests/temporary_directory.h"

namespace tapeloft::tests {

/// Fails the test with the Error's words, else gives the value.
#define ASSERT_OK(expression)                                            \
    do {                                                                 \
        const auto& ok_result = (expression);                            \
        ASSERT_TRUE(ok_result.has_value()) << ok_result.error().message; \
    } while (false)

/// A Reply that must be GOOD.
#define ASSERT_GOOD(expression)                                            \
    do {                                                                   \
        const auto good_reply = (expression);                              \
        ASSERT_TRUE(good_reply.has_value()) << good_reply.error().message; \
        ASSERT_TRUE(good_reply->good()) << good_reply->text();             \
    } while (false)

/// A Reply that must carry this sense.
#define ASSERT_SENSE(expression, key, asc_ascq)                              \
    do {                                                                     \
        const auto sense_reply = (expression);                               \
        ASSERT_TRUE(sense_reply.has_value()) << sense_reply.error().message; \
        ASSERT_TRUE(sense_reply->is(key, asc_ascq)) << sense_reply->text();  \
    } while (false)

// Element addresses of any library.
inline constexpr std::uint16_t kMail1 = 16;
inline constexpr std::uint16_t kMail2 = 17;
inline constexpr std::uint16_t kDrive0 = 256;
inline constexpr std::uint16_t kDrive1 = 257;
inline constexpr std::uint16_t kSlot1 = 1000;
inline constexpr std::uint16_t kSlot2 = 1001;
inline constexpr std::uint16_t kSlot3 = 1002;
inline constexpr std::uint16_t kSlot4 = 1003;
inline constexpr std::uint16_t kSlot6 = 1005;

class LibraryFixture : public testing::Test {
  protected:
    static constexpr const char* kTarget = "iqn.2026-11.io.tapeloft:e2e";

    // [[library.cartridges]] tables.
    static constexpr const char* kFourCartridges =
        "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\ncapacity = \"100GiB\"\n";
    /// Of two generations, and one that is small.
    static constexpr const char* kCartridgesOfAllKinds =
        "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\ncapacity = \"100GiB\"\n"
        "[[library.cartridges]]\nbarcodes = \"TL0005L8..TL0006L8\"\ncapacity = \"100GiB\"\n"
        "[[library.cartridges]]\nbarcodes = \"TL0007L9..TL0007L9\"\ncapacity = \"32MiB\"\n";

    /// Starts the daemon. cartridges: the [[library.cartridges]] tables; iscsi: more of [iscsi].
    void start(const std::string& cartridges = kFourCartridges, const std::string& iscsi = "",
               const std::string& library = "");
    /// The same configuration and state again.
    void restart();

    [[nodiscard]] LoginOptions login_options() const;
    /// A session whose unit attentions are consumed on the changer and both drives.
    [[nodiscard]] ScsiHost login();
    /// MOVE MEDIUM of a barcode into a drive, and TEST UNIT READY until GOOD.
    void load(ScsiHost& host, const std::string& barcode, std::size_t drive);

    /// Runs `tapeloft --socket=... arguments`; the exit status.
    [[nodiscard]] int admin(const std::string& arguments) const;

    TemporaryDirectory directory_;
    std::string portal_;
    std::optional<DaemonProcess> daemon_;
};

/// size bytes that follow from seed alone.
[[nodiscard]] Bytes pattern(std::size_t size, std::uint64_t seed);

}  // namespace tapeloft::tests
