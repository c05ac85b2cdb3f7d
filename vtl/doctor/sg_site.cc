// SG_IO version 3 on a node of the SCSI generic driver.
#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <scsi/sg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vtl/doctor/site.h"

namespace tapeloft::vtl::doctor {
namespace {

constexpr unsigned kSgMajor = 21;

class SgUnit final : public Unit {
  public:
    explicit SgUnit(int descriptor) : descriptor_(descriptor) {}
    ~SgUnit() override { ::close(descriptor_); }

    Result<Reply> in(std::span<const std::uint8_t> cdb, std::size_t length,
                     std::chrono::seconds timeout) override {
        Bytes data(length);
        TL_TRY(auto reply,
               run(cdb, data, length == 0 ? SG_DXFER_NONE : SG_DXFER_FROM_DEV, timeout));
        const auto missing = static_cast<std::size_t>(std::max<std::int64_t>(reply.residual, 0));
        data.erase(data.end() - static_cast<std::ptrdiff_t>(std::min(missing, length)), data.end());
        reply.data = std::move(data);
        return reply;
    }
    Result<Reply> out(std::span<const std::uint8_t> cdb, ByteView data,
                      std::chrono::seconds timeout) override {
        Bytes copy(data.begin(), data.end());
        return run(cdb, copy, SG_DXFER_TO_DEV, timeout);
    }

  private:
    Result<Reply> run(std::span<const std::uint8_t> cdb, MutableByteView data, int direction,
                      std::chrono::seconds timeout) {
        std::array<std::uint8_t, 16> command{};
        std::copy(cdb.begin(), cdb.end(), command.begin());
        std::array<std::uint8_t, 32> sense{};  // as much as libsgutils gives PBS
        sg_io_hdr_t header{};
        header.interface_id = 'S';
        header.dxfer_direction = direction;
        header.cmd_len = static_cast<unsigned char>(cdb.size());
        header.cmdp = command.data();
        header.dxfer_len = static_cast<unsigned>(data.size());
        header.dxferp = data.data();
        header.mx_sb_len = sense.size();
        header.sbp = sense.data();
        header.timeout = static_cast<unsigned>(std::chrono::milliseconds(timeout).count());
        if (::ioctl(descriptor_, SG_IO, &header) != 0) {
            return error_from_errno("SG_IO", errno);
        }
        constexpr unsigned kDriverSense = 0x08;
        const bool answered = header.host_status == 0 || header.sb_len_wr > 0;
        if (!answered || (header.driver_status & ~kDriverSense) != 0) {
            return Error{Errc::io, "no answer in time: host status " +
                                       std::to_string(header.host_status) + ", driver status " +
                                       std::to_string(header.driver_status)};
        }
        Reply reply;
        reply.status = header.status;
        reply.residual = header.resid;
        reply.sense.assign(sense.begin(), sense.begin() + header.sb_len_wr);
        return reply;
    }

    int descriptor_;
};

class SgSite final : public Site {
  public:
    SgSite(std::string changer, std::string drive)
        : changer_(std::move(changer)), drive_(std::move(drive)) {}

    Result<std::unique_ptr<Unit>> open_changer() override { return open(changer_); }
    Result<std::unique_ptr<Unit>> open_drive() override { return open(drive_); }
    Result<std::unique_ptr<Unit>> open_drive_beside() override { return open(drive_); }

  private:
    static Result<std::unique_ptr<Unit>> open(const std::string& node) {
        const int descriptor = ::open(node.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (descriptor < 0) {
            return error_from_errno("open " + node, errno);
        }
        auto unit = std::make_unique<SgUnit>(descriptor);
        struct stat facts {};
        if (::fstat(descriptor, &facts) != 0 || !S_ISCHR(facts.st_mode) ||
            major(facts.st_rdev) != kSgMajor) {
            return Error{Errc::invalid_argument,
                         node + " is no node of the SCSI generic driver (sg); PBS uses no other"};
        }
        if (::fcntl(descriptor, F_SETFL, 0) != 0) {
            return error_from_errno("fcntl " + node, errno);
        }
        return std::unique_ptr<Unit>(std::move(unit));
    }

    std::string changer_;
    std::string drive_;
};

}  // namespace

std::unique_ptr<Site> make_sg_site(std::string changer, std::string drive) {
    return std::make_unique<SgSite>(std::move(changer), std::move(drive));
}

}  // namespace tapeloft::vtl::doctor
