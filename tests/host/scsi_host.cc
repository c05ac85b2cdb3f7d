#include "tests/host/scsi_host.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

namespace tapeloft::tests {
namespace {

struct FreeTask {
    void operator()(scsi_task* task) const noexcept { scsi_free_scsi_task(task); }
};
using TaskPointer = std::unique_ptr<scsi_task, FreeTask>;

Error iscsi_error(iscsi_context* context, std::string what) {
    return {Errc::io, std::move(what) + ": " + iscsi_get_error(context)};
}

Reply reply_of(const scsi_task& task) {
    Reply reply;
    reply.status = task.status;
    if (task.residual_status == SCSI_RESIDUAL_UNDERFLOW) {
        reply.residual = static_cast<std::int64_t>(task.residual);
    } else if (task.residual_status == SCSI_RESIDUAL_OVERFLOW) {
        reply.residual = -static_cast<std::int64_t>(task.residual);
    }
    if (task.status == SCSI_STATUS_CHECK_CONDITION && task.datain.size > 2) {
        const ByteView received(task.datain.data, static_cast<std::size_t>(task.datain.size));
        reply.sense.assign(received.begin() + 2, received.end());
    }
    if (reply.sense.size() >= 14) {
        reply.key = reply.sense[2] & 0x0FU;
        reply.additional =
            static_cast<std::uint16_t>(load_big_endian<2>(ByteView(reply.sense).subspan(12)));
    }
    return reply;
}

Result<Reply> run(iscsi_context* context, int lun, std::span<const std::uint8_t> cdb, int direction,
                  std::span<const std::uint8_t> data_out, MutableByteView data_in) {
    std::array<unsigned char, 16> bytes{};
    std::copy(cdb.begin(), cdb.end(), bytes.begin());
    const auto length = direction == SCSI_XFER_WRITE ? data_out.size() : data_in.size();
    TaskPointer task(scsi_create_task(static_cast<int>(cdb.size()), bytes.data(), direction,
                                      static_cast<int>(length)));
    if (!data_in.empty()) {
        scsi_task_add_data_in_buffer(task.get(), static_cast<int>(data_in.size()), data_in.data());
    }
    iscsi_data data{data_out.size(),
                    const_cast<unsigned char*>(data_out.data())};  // NOLINT: libiscsi only reads it
    auto* const answered = iscsi_scsi_command_sync(
        context, lun, task.get(),
        direction == SCSI_XFER_WRITE && !data_out.empty() ? &data : nullptr);
    if (answered == nullptr || task->status > 0xFF || task->status < 0) {
        return iscsi_error(context, "command got no answer");
    }
    return reply_of(*task);
}

}  // namespace

std::optional<std::int32_t> Reply::information() const noexcept {
    if (sense.size() < 7 || (sense[0] & 0x80U) == 0) {
        return std::nullopt;
    }
    return static_cast<std::int32_t>(load_big_endian<4>(ByteView(sense).subspan(3)));
}

std::string Reply::text() const {
    std::array<char, 96> line{};
    std::snprintf(line.data(), line.size(), "status %02x sense %x/%02x/%02x residual %lld", status,
                  key, additional >> 8, additional & 0xFF, static_cast<long long>(residual));
    return line.data();
}

void ScsiHost::Destroy::operator()(iscsi_context* context) const noexcept {
    iscsi_destroy_context(context);
}

Result<ScsiHost::Context> ScsiHost::connect(const LoginOptions& options) {
    Context context(iscsi_create_context(options.initiator_name.c_str()));
    if (!context) {
        return Error{Errc::io, "libiscsi gave no context"};
    }
    auto* const raw = context.get();
    iscsi_set_noautoreconnect(raw, 1);
    iscsi_set_timeout(raw, options.timeout_s);
    if (options.isid) {
        iscsi_set_isid_random(raw, *options.isid, 0);  // the format, with a number that is none
    }
    iscsi_set_session_type(raw,
                           options.target.empty() ? ISCSI_SESSION_DISCOVERY : ISCSI_SESSION_NORMAL);
    iscsi_set_header_digest(
        raw, options.header_digest ? ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
    iscsi_set_immediate_data(
        raw, options.immediate_data ? ISCSI_IMMEDIATE_DATA_YES : ISCSI_IMMEDIATE_DATA_NO);
    iscsi_set_initial_r2t(raw, options.initial_r2t ? ISCSI_INITIAL_R2T_YES : ISCSI_INITIAL_R2T_NO);
    if (!options.target.empty()) {
        iscsi_set_targetname(raw, options.target.c_str());
    }
    if (!options.user.empty()) {
        iscsi_set_initiator_username_pwd(raw, options.user.c_str(), options.secret.c_str());
    }
    if (!options.target_user.empty()) {
        iscsi_set_target_username_pwd(raw, options.target_user.c_str(),
                                      options.target_secret.c_str());
    }
    if (iscsi_connect_sync(raw, options.portal.c_str()) != 0) {
        return iscsi_error(raw, "cannot connect to " + options.portal);
    }
    if (iscsi_login_sync(raw) != 0) {
        return iscsi_error(raw, "login to '" + options.target + "' failed");
    }
    return context;
}

Result<ScsiHost> ScsiHost::login(const LoginOptions& options) {
    TL_TRY(auto context, connect(options));
    return ScsiHost(std::move(context));
}

Result<std::vector<DiscoveredTarget>> ScsiHost::discover(const LoginOptions& options) {
    auto discovery = options;
    discovery.target.clear();
    TL_TRY(auto context, connect(discovery));
    auto* const found = iscsi_discovery_sync(context.get());
    if (found == nullptr) {
        return iscsi_error(context.get(), "SendTargets failed");
    }
    std::vector<DiscoveredTarget> targets;
    for (const auto* target = found; target != nullptr; target = target->next) {
        DiscoveredTarget entry;
        entry.name = target->target_name;
        for (const auto* portal = target->portals; portal != nullptr; portal = portal->next) {
            entry.addresses.emplace_back(portal->portal);
        }
        targets.push_back(std::move(entry));
    }
    iscsi_free_discovery_data(context.get(), found);
    return targets;
}

Result<Reply> ScsiHost::execute(int lun, std::span<const std::uint8_t> cdb,
                                std::size_t data_in_length) {
    Bytes data_in(data_in_length);
    TL_TRY(auto reply, execute_into(lun, cdb, data_in));
    const auto missing = static_cast<std::size_t>(std::max<std::int64_t>(0, reply.residual));
    data_in.resize(data_in.size() - std::min(missing, data_in.size()));
    reply.data = std::move(data_in);
    return reply;
}

Result<Reply> ScsiHost::execute_into(int lun, std::span<const std::uint8_t> cdb,
                                     MutableByteView data_in) {
    return run(context_.get(), lun, cdb, data_in.empty() ? SCSI_XFER_NONE : SCSI_XFER_READ, {},
               data_in);
}

Result<Reply> ScsiHost::execute_out(int lun, std::span<const std::uint8_t> cdb, ByteView data_out) {
    return run(context_.get(), lun, cdb, SCSI_XFER_WRITE, data_out, {});
}

Result<void> ScsiHost::logout() {
    if (iscsi_logout_sync(context_.get()) != 0) {
        return iscsi_error(context_.get(), "logout failed");
    }
    return {};
}

}  // namespace tapeloft::tests
