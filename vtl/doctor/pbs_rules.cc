#include "vtl/doctor/pbs_rules.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace tapeloft::vtl::doctor {
namespace {

struct TimeoutRow {
    std::uint8_t opcode;
    int seconds;
};
constexpr int kTimeoutDefault = 60;
constexpr int kActivityTimeout = 1;
constexpr std::uint8_t kLogSense = 0x4D;
constexpr std::uint8_t kDeviceStatusPage = 0x11;
constexpr auto kTimeouts = std::to_array<TimeoutRow>({
    {0x00, 30},    // TEST UNIT READY
    {0x01, 600},   // REWIND
    {0x03, 30},    // REQUEST SENSE
    {0x04, 600},   // FORMAT MEDIUM
    {0x07, 1800},  // INITIALIZE ELEMENT STATUS
    {0x08, 600},   // READ(6)
    {0x0A, 600},   // WRITE(6)
    {0x10, 600},   // WRITE FILEMARKS(6)
    {0x11, 600},   // SPACE(6)
    {0x12, 30},    // INQUIRY
    {0x19, 600},   // ERASE(6)
    {0x1A, 300},   // MODE SENSE(6), of the changer
    {0x1B, 600},   // LOAD UNLOAD
    {0x1E, 600},   // PREVENT ALLOW MEDIUM REMOVAL
    {0x34, 30},    // READ POSITION
    {0x55, 600},   // MODE SELECT(10)
    {0x91, 600},   // SPACE(16)
    {0x92, 600},   // LOCATE(16)
    {0xA5, 300},   // MOVE MEDIUM
    {0xB8, 300},   // READ ELEMENT STATUS
});

}  // namespace

std::string Reply::text() const {
    std::array<char, 96> line{};
    const bool sensed = sense.size() >= 14;
    std::snprintf(line.data(), line.size(), "status %02x sense %x/%02x/%02x residual %lld", status,
                  sensed ? sense[2] & 0x0FU : 0U, sensed ? sense[12] : 0U, sensed ? sense[13] : 0U,
                  static_cast<long long>(residual));
    return line.data();
}

std::string pbs_outcome(const Result<Reply>& reply, std::size_t buffer) {
    if (!reply) {
        return reply.error().message;
    }
    if (reply->residual < 0 || reply->residual > static_cast<std::int64_t>(buffer)) {
        return "residual beyond the buffer: " + reply->text();
    }
    if (reply->good()) {
        return "GOOD";
    }
    if (reply->status != 2) {
        return reply->text();
    }
    const Bytes& sense = reply->sense;
    if (sense.size() < 18 || sense[0] % 0x80 != 0x70 || sense[7] < 0x0A) {
        return "sense data that PBS cannot read";
    }
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%02X/%02X/%02X", sense[2] & 0x0FU, sense[12],
                  sense[13]);
    return text.data();
}

std::string pbs_text(ByteView bytes) {
    std::string text(as_text(bytes));
    for (const char blank : {'\0', ' '}) {
        text.erase(text.find_last_not_of(blank) + 1);
    }
    return text;
}

std::chrono::seconds pbs_timeout(const Cdb& cdb) {
    if (cdb[0] == kLogSense && cdb[2] % 0x40 == kDeviceStatusPage) {
        return std::chrono::seconds(kActivityTimeout);
    }
    const auto* const row =
        std::find_if(kTimeouts.begin(), kTimeouts.end(),
                     [&cdb](const TimeoutRow& each) { return each.opcode == cdb[0]; });
    return std::chrono::seconds(row == kTimeouts.end() ? kTimeoutDefault : row->seconds);
}

}  // namespace tapeloft::vtl::doctor
