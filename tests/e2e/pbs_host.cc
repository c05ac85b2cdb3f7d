#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {
namespace {

Result<vtl::doctor::Reply> as_doctor(const Result<Reply>& reply) {
    if (!reply) {
        return reply.error();
    }
    return vtl::doctor::Reply{reply->status, reply->data, reply->sense, reply->residual};
}

}  // namespace

Result<vtl::doctor::Reply> HostUnit::in(std::span<const std::uint8_t> cdb, std::size_t length,
                                        std::chrono::seconds /*timeout*/) {
    return as_doctor(host_->execute(lun_, cdb, length));
}

Result<vtl::doctor::Reply> HostUnit::out(std::span<const std::uint8_t> cdb, ByteView data,
                                         std::chrono::seconds /*timeout*/) {
    return as_doctor(host_->execute_out(lun_, cdb, data));
}

std::string pbs_outcome(const Result<Reply>& reply, std::size_t buffer) {
    return vtl::doctor::pbs_outcome(as_doctor(reply), buffer);
}

std::optional<PbsLibrary> pbs_changer_status(ScsiHost& host, std::string& why) {
    HostUnit changer(host, 0);
    return vtl::doctor::pbs_changer_status(changer, why);
}

std::string pbs_move(ScsiHost& host, std::uint16_t from, std::uint16_t to) {
    HostUnit changer(host, 0);
    return vtl::doctor::pbs_move(changer, from, to);
}

}  // namespace tapeloft::tests
