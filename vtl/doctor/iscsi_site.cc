// Sessions of libiscsi: one for all handles of a thread, so that they are one I_T nexus as on a
// host.
#include <algorithm>
#include <array>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "vtl/doctor/site.h"

namespace tapeloft::vtl::doctor {
namespace {

constexpr const char* kInitiatorName = "iqn.2026-11.io.tapeloft:doctor";
constexpr int kLoginTimeoutS = 30;

void end_session(iscsi_context* context) noexcept {
    if (context != nullptr) {
        iscsi_logout_sync(context);
        iscsi_destroy_context(context);
    }
}
using Context = std::shared_ptr<iscsi_context>;

struct FreeTask {
    void operator()(scsi_task* task) const noexcept { scsi_free_scsi_task(task); }
};
using TaskPointer = std::unique_ptr<scsi_task, FreeTask>;

class IscsiUnit final : public Unit {
  public:
    IscsiUnit(Context context, int lun) : context_(std::move(context)), lun_(lun) {}

    Result<Reply> in(std::span<const std::uint8_t> cdb, std::size_t length,
                     std::chrono::seconds timeout) override {
        Bytes data(length);
        auto task = make_task(cdb, length == 0 ? SCSI_XFER_NONE : SCSI_XFER_READ, length);
        if (length != 0) {
            scsi_task_add_data_in_buffer(task.get(), static_cast<int>(length), data.data());
        }
        TL_TRY(auto reply, run(std::move(task), nullptr, timeout));
        const auto missing = static_cast<std::size_t>(std::max<std::int64_t>(reply.residual, 0));
        data.erase(data.end() - static_cast<std::ptrdiff_t>(std::min(missing, length)), data.end());
        reply.data = std::move(data);
        return reply;
    }
    Result<Reply> out(std::span<const std::uint8_t> cdb, ByteView data,
                      std::chrono::seconds timeout) override {
        iscsi_data sent{data.size(), const_cast<unsigned char*>(data.data())};  // NOLINT: only read
        return run(make_task(cdb, SCSI_XFER_WRITE, data.size()), &sent, timeout);
    }
    /// What waits for a session that is new is no fault of the library: PBS's own is never new.
    Result<void> take_attentions() {
        constexpr std::array<std::uint8_t, 6> kTestUnitReady{};
        constexpr int kTries = 4;
        for (int i = 0; i < kTries; ++i) {
            TL_TRY(const auto reply, in(kTestUnitReady, 0, std::chrono::seconds(kLoginTimeoutS)));
            if (reply.sense.size() < 3 || reply.sense[2] % 0x10 != kUnitAttention) {
                break;
            }
        }
        return {};
    }

  private:
    static TaskPointer make_task(std::span<const std::uint8_t> cdb, int direction,
                                 std::size_t length) {
        std::array<unsigned char, 16> bytes{};
        std::copy(cdb.begin(), cdb.end(), bytes.begin());
        return TaskPointer(scsi_create_task(static_cast<int>(cdb.size()), bytes.data(), direction,
                                            static_cast<int>(length)));
    }
    Result<Reply> run(TaskPointer task, iscsi_data* sent, std::chrono::seconds timeout) {
        auto* const context = context_.get();
        iscsi_set_timeout(context, static_cast<int>(timeout.count()));
        if (iscsi_scsi_command_sync(context, lun_, task.get(), sent) == nullptr ||
            task->status < 0 || task->status > 0xFF) {
            return Error{Errc::io, std::string("no answer in time: ") + iscsi_get_error(context)};
        }
        Reply reply;
        reply.status = task->status;
        if (task->residual_status != SCSI_RESIDUAL_NO_RESIDUAL) {
            const auto residual = static_cast<std::int64_t>(task->residual);
            reply.residual =
                task->residual_status == SCSI_RESIDUAL_UNDERFLOW ? residual : -residual;
        }
        if (task->status == SCSI_STATUS_CHECK_CONDITION && task->datain.size > 2) {
            reply.sense.assign(task->datain.data + 2, task->datain.data + task->datain.size);
        }
        return reply;
    }

    Context context_;
    int lun_;
};

class IscsiSite final : public Site {
  public:
    IscsiSite(std::string url, int lun) : url_(std::move(url)), lun_(lun) {}

    Result<std::unique_ptr<Unit>> open_changer() override { return open(0); }
    Result<std::unique_ptr<Unit>> open_drive() override { return open(lun_); }
    Result<std::unique_ptr<Unit>> open_drive_beside() override {
        TL_TRY(auto session, login());
        return handle(std::move(session), lun_);
    }

  private:
    Result<std::unique_ptr<Unit>> open(int lun) {
        if (!session_) {
            TL_TRY(session_, login());
        }
        return handle(session_, lun);
    }
    static Result<std::unique_ptr<Unit>> handle(Context session, int lun) {
        auto unit = std::make_unique<IscsiUnit>(std::move(session), lun);
        TL_CHECK(unit->take_attentions());
        return std::unique_ptr<Unit>(std::move(unit));
    }
    [[nodiscard]] Result<Context> login() const {
        Context context(iscsi_create_context(kInitiatorName), &end_session);
        auto* const raw = context.get();
        iscsi_url* const url = iscsi_parse_full_url(raw, (url_ + "/0").c_str());
        if (url == nullptr) {
            return Error{Errc::invalid_argument, iscsi_get_error(raw)};
        }
        iscsi_set_noautoreconnect(raw, 1);
        iscsi_set_timeout(raw, kLoginTimeoutS);
        iscsi_set_session_type(raw, ISCSI_SESSION_NORMAL);
        iscsi_set_targetname(raw, url->target);
        const bool there = iscsi_connect_sync(raw, url->portal) == 0 && iscsi_login_sync(raw) == 0;
        iscsi_destroy_url(url);
        if (!there) {
            return Error{Errc::io, "no login at " + url_ + ": " + iscsi_get_error(raw)};
        }
        return context;
    }

    Context session_;
    std::string url_;
    int lun_;
};

}  // namespace

Result<std::unique_ptr<Site>> make_iscsi_site(const std::string& url, int lun) {
    Context context(iscsi_create_context(kInitiatorName), &end_session);
    iscsi_url* const parsed = iscsi_parse_full_url(context.get(), (url + "/0").c_str());
    if (parsed == nullptr) {
        return Error{Errc::invalid_argument, "\"" + url +
                                                 "\" is no target; allowed: "
                                                 "iscsi://[user@]host[:port]/target"};
    }
    iscsi_destroy_url(parsed);
    return std::unique_ptr<Site>(std::make_unique<IscsiSite>(url, lun));
}

}  // namespace tapeloft::vtl::doctor
