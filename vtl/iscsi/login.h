// The login phase of one connection (RFC 7143, 6 and 11.12 to 13): stages, authentication, keys.
// Sans-IO: plain fields of a Login Request in, plain fields of a Login Response out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/chap.h"
#include "vtl/iscsi/negotiation.h"
#include "vtl/iscsi/text_keys.h"

namespace tapeloft::vtl::iscsi {

using Isid = std::array<std::uint8_t, 6>;

/// Bytes of a data segment in login phase, both ways (RFC 7143, 13.12: the default holds until full
/// feature phase). The caller closes the connection on a longer one.
inline constexpr std::size_t kLoginDataSegmentLengthMax = 8192;
/// Login Requests after which a login that has not ended is refused.
inline constexpr std::uint32_t kLoginRequestsMax = 32;

/// Status-Class and Status-Detail as one number (RFC 7143, 11.13.5).
enum class LoginStatus : std::uint16_t {
    success = 0x0000,
    initiator_error = 0x0200,
    authentication_failure = 0x0201,
    authorization_failure = 0x0202,
    not_found = 0x0203,
    target_removed = 0x0204,
    unsupported_version = 0x0205,
    too_many_connections = 0x0206,
    missing_parameter = 0x0207,
    cannot_include_in_session = 0x0208,
    session_type_not_supported = 0x0209,
    session_does_not_exist = 0x020A,
    invalid_during_login = 0x020B,
    target_error = 0x0300,
    service_unavailable = 0x0301,
    out_of_resources = 0x0302,
};

/// Values of the CSG and NSG fields (RFC 7143, 11.12.3); 2 is not a stage.
enum class LoginStage : std::uint8_t {
    security_negotiation = 0,
    operational_negotiation = 1,
    full_feature = 3,
};

/// One target of a portal and who may log in to it.
struct TargetAccess {
    std::string target_name;
    std::string target_alias;  ///< may be empty; at most 255 bytes
    std::vector<ChapAccount>
        accounts;  ///< checked by check_chap_accounts; empty: no authentication
};

/// What a portal offers. Constant while any Login refers to it.
struct LoginConfiguration {
    std::vector<TargetAccess> targets;
    std::vector<ChapAccount> discovery_accounts;  ///< empty: discovery without authentication
    std::uint16_t target_portal_group_tag = 1;
    LocalParameters local;
};

/// The Login Request header (RFC 7143, 11.12), as values.
struct LoginRequestFields {
    bool transit = false;
    bool continue_text = false;  ///< C bit
    std::uint8_t csg = 0;        ///< 2 bits
    std::uint8_t nsg = 0;        ///< 2 bits
    std::uint8_t version_max = 0;
    std::uint8_t version_min = 0;
    Isid isid{};
    std::uint16_t tsih = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint16_t cid = 0;
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
};

/// The Login Response header (RFC 7143, 11.13) without what the connection knows: Initiator Task
/// Tag, StatSN, ExpCmdSN, MaxCmdSN.
struct LoginResponseFields {
    bool transit = false;
    bool continue_text = false;  ///< C bit
    std::uint8_t csg = 0;
    std::uint8_t nsg = 0;
    std::uint8_t version_max = 0;
    std::uint8_t version_active = 0;
    Isid isid{};
    std::uint16_t tsih = 0;
    LoginStatus status = LoginStatus::success;
    Bytes text;  ///< at most kLoginDataSegmentLengthMax bytes

    [[nodiscard]] std::uint8_t status_class() const noexcept {
        return static_cast<std::uint8_t>(static_cast<std::uint16_t>(status) >> 8U);
    }
    [[nodiscard]] std::uint8_t status_detail() const noexcept {
        return static_cast<std::uint8_t>(static_cast<std::uint16_t>(status) & 0xFFU);
    }
};

enum class LoginProgress : std::uint8_t {
    next,    ///< send the response, wait for the next Login Request
    admit,   ///< nothing to send yet: ask the sessions, then call complete() or refuse()
    done,    ///< send the response; full feature phase begins behind it
    failed,  ///< send the response, then close the connection
};

struct LoginStep {
    LoginProgress progress = LoginProgress::failed;
    LoginResponseFields response;  ///< to send, unless progress is admit
    std::string reason;            ///< failed: one sentence for the log; holds no secret
};

/// Who logged in to what; complete from LoginProgress::admit on, before that what is known so far.
struct LoginIdentity {
    SessionType session_type = SessionType::normal;
    std::string initiator_name;   ///< normalised; never empty from admit on
    std::string initiator_alias;  ///< may be empty
    std::string target_name;      ///< as configured; empty in a discovery session
    std::string user;             ///< authenticated CHAP user; empty: no authentication
    Isid isid{};
    std::uint16_t tsih = 0;  ///< as requested: 0 for a new session (see Login::complete)
    std::uint16_t cid = 0;
};

/// One login. One strand. After done or failed no further call but the accessors.
///
/// At LoginProgress::admit the caller looks at identity():
///   tsih == 0   end the session of the same (initiator_name, isid, target_name), if any
///               (reinstatement), then complete() with a new TSIH, or refuse(out_of_resources) ...
///   tsih != 0   wants to join a session, which MaxConnections=1 forbids: refuse() with
///               too_many_connections if that session exists, else with session_does_not_exist.
class Login {
  public:
    /// configuration: outlives this object. random: for CHAP identifiers and challenges.
    Login(const LoginConfiguration& configuration, RandomSource random);
    ~Login();
    Login(Login&&) noexcept;
    Login& operator=(Login&&) noexcept;
    Login(const Login&) = delete;
    Login& operator=(const Login&) = delete;

    /// One Login Request and its data segment (at most kLoginDataSegmentLengthMax bytes, no
    /// padding).
    [[nodiscard]] LoginStep on_login_request(const LoginRequestFields& request, ByteView text);

    /// Answer to admit: the new session is admitted. tsih: not 0. Refuses a login that asked for an
    /// existing session.
    [[nodiscard]] LoginStep complete(std::uint16_t tsih);

    /// Ends the login with a status other than success: the answer to admit, and at any time before
    /// done (invalid_during_login when another PDU arrives, out_of_resources, ...).
    [[nodiscard]] LoginStep refuse(LoginStatus status);

    [[nodiscard]] const LoginIdentity& identity() const noexcept;
    /// Final from LoginProgress::admit on.
    [[nodiscard]] const NegotiatedParameters& parameters() const noexcept;

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace tapeloft::vtl::iscsi
