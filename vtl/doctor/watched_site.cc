#include "vtl/doctor/watched_site.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tapeloft::vtl::doctor {
namespace {

constexpr int kReservationConflict = 0x18;  // SAM status

struct AttentionRow {
    std::uint16_t code;  ///< ASC, ASCQ
    const char* words;
};
// clang-format off
constexpr auto kAttentions = std::to_array<AttentionRow>({
    {0x2800, "a cartridge was changed"},
    {0x2801, "a mail slot was used"},
    {0x2900, "the device was reset"},
    {0x2902, "the device was reset"},
    {0x2903, "the device was reset"},
    {0x2A01, "the settings of the drive were changed"},
    {0x2A03, "a reservation was preempted"},
    {0x2A04, "a reservation was released"},
    {0x2A05, "a registration was preempted"},
    {0x2A11, "the encryption settings were changed"},
});
// clang-format on

std::string disturbance_in(const Reply& reply) {
    if (reply.status == kReservationConflict) {
        return "another host has reserved the device: it must give it back, or be stopped";
    }
    if (reply.sense.size() < 14 || reply.sense[2] % 0x10 != kUnitAttention) {
        return "";
    }
    const int code = reply.sense[12] << 8U | reply.sense[13];
    const auto* const row =
        std::find_if(kAttentions.begin(), kAttentions.end(),
                     [code](const AttentionRow& each) { return each.code == code; });
    return std::string("the device says that ") +
           (row == kAttentions.end() ? "something was changed" : row->words) +
           " (unit attention): does another host work with it? Examine again without it; if there "
           "is none, this is a fault of the library";
}

class WatchedUnit final : public Unit {
  public:
    WatchedUnit(std::unique_ptr<Unit> unit, std::string& disturbance)
        : unit_(std::move(unit)), disturbance_(disturbance) {}
    Result<Reply> in(std::span<const std::uint8_t> cdb, std::size_t length,
                     std::chrono::seconds timeout) override {
        return note(unit_->in(cdb, length, timeout));
    }
    Result<Reply> out(std::span<const std::uint8_t> cdb, ByteView data,
                      std::chrono::seconds timeout) override {
        return note(unit_->out(cdb, data, timeout));
    }

  private:
    Result<Reply> note(Result<Reply> reply) {
        if (reply && disturbance_.empty()) {
            disturbance_ = disturbance_in(*reply);
        }
        return reply;
    }

    std::unique_ptr<Unit> unit_;
    std::string& disturbance_;
};

}  // namespace

Result<std::unique_ptr<Unit>> WatchedSite::open_changer() {
    return watch(site_.open_changer());
}

Result<std::unique_ptr<Unit>> WatchedSite::open_drive() {
    return watch(site_.open_drive());
}

Result<std::unique_ptr<Unit>> WatchedSite::open_drive_beside() {
    return site_.open_drive_beside();  // for a thread of its own, and only to ask for the activity
}

std::string WatchedSite::take_disturbance() {
    return std::exchange(disturbance_, "");
}

Result<std::unique_ptr<Unit>> WatchedSite::watch(Result<std::unique_ptr<Unit>> unit) {
    if (!unit) {
        return unit;
    }
    return std::unique_ptr<Unit>(std::make_unique<WatchedUnit>(*std::move(unit), disturbance_));
}

}  // namespace tapeloft::vtl::doctor
