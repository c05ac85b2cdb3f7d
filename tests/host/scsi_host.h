// A host on libiscsi: one session, one command at a time. What the end-to-end tests, the demo and
// the benchmark drive the daemon with. Not for several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

struct iscsi_context;

namespace tapeloft::tests {

struct LoginOptions {
    std::string portal;  ///< "127.0.0.1:3260"
    std::string target;  ///< iqn; empty: a discovery session
    std::string initiator_name = "iqn.2026-11.io.tapeloft.tests:host";
    /// Of the ISID. A host that comes back with the same one is the same initiator port; nothing:
    /// each login is a port of its own.
    std::optional<std::uint32_t> isid;
    std::string user;  ///< empty: no CHAP
    std::string secret;
    std::string target_user;  ///< empty: one-way CHAP
    std::string target_secret;
    bool header_digest = false;
    bool immediate_data = true;
    bool initial_r2t = false;
    int timeout_s = 60;
};

/// How one command ended.
struct Reply {
    int status = 0;        ///< SAM status
    Bytes data;            ///< data-in, without what the residual says is missing
    std::uint8_t key = 0;  ///< the rest: from fixed-format sense, if status is CHECK CONDITION
    std::uint16_t additional = 0;  ///< ASC and ASCQ
    Bytes sense;
    std::int64_t residual = 0;  ///< > 0: underflow, < 0: overflow

    [[nodiscard]] bool good() const noexcept { return status == 0; }
    [[nodiscard]] bool is(std::uint8_t sense_key, std::uint16_t asc_ascq) const noexcept {
        return status == 2 && key == sense_key && additional == asc_ascq;
    }
    [[nodiscard]] bool filemark() const noexcept {
        return sense.size() > 2 && (sense[2] & 0x80U) != 0;
    }
    [[nodiscard]] bool end_of_medium() const noexcept {
        return sense.size() > 2 && (sense[2] & 0x40U) != 0;
    }
    [[nodiscard]] bool incorrect_length() const noexcept {
        return sense.size() > 2 && (sense[2] & 0x20U) != 0;
    }
    /// INFORMATION, if VALID.
    [[nodiscard]] std::optional<std::int32_t> information() const noexcept;
    [[nodiscard]] std::string text() const;  ///< for messages
};

struct DiscoveredTarget {
    std::string name;
    std::vector<std::string> addresses;
};

class ScsiHost {
  public:
    [[nodiscard]] static Result<ScsiHost> login(const LoginOptions& options);
    [[nodiscard]] static Result<std::vector<DiscoveredTarget>> discover(
        const LoginOptions& options);

    /// A lost session is an Error; everything a device server may answer is a Reply.
    Result<Reply> execute(int lun, std::span<const std::uint8_t> cdb,
                          std::size_t data_in_length = 0);
    /// Reply::data stays empty; what came is in data_in.
    Result<Reply> execute_into(int lun, std::span<const std::uint8_t> cdb, MutableByteView data_in);
    Result<Reply> execute_out(int lun, std::span<const std::uint8_t> cdb, ByteView data_out);

    Result<void> logout();
    [[nodiscard]] iscsi_context* context() noexcept { return context_.get(); }

  private:
    struct Destroy {
        void operator()(iscsi_context* context) const noexcept;
    };
    using Context = std::unique_ptr<iscsi_context, Destroy>;

    explicit ScsiHost(Context context) : context_(std::move(context)) {}
    [[nodiscard]] static Result<Context> connect(const LoginOptions& options);

    Context context_;
};

}  // namespace tapeloft::tests
