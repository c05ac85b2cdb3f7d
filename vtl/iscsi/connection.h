// One iSCSI connection, and with MaxConnections=1 its session (RFC 7143): bytes in, PDUs and
// actions out. Sans-IO: no socket, clock or thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/action.h"
#include "vtl/iscsi/command_window.h"
#include "vtl/iscsi/login.h"
#include "vtl/iscsi/pdu.h"
#include "vtl/iscsi/pdu_reader.h"
#include "vtl/iscsi/pdu_writer.h"
#include "vtl/iscsi/target.h"
#include "vtl/iscsi/task_set.h"
#include "vtl/iscsi/text_keys.h"

namespace tapeloft::vtl::iscsi {

/// What a connection needs to know; all that is referred to outlives it.
struct ConnectionOptions {
    const LoginConfiguration* login = nullptr;
    std::span<const TargetConfiguration> targets;  ///< the same targets as in login
    std::string portal_address;                    ///< that the initiator connected to, "addr:port"
    RandomSource random;
    std::size_t memory_budget = std::size_t{64} * 1024 * 1024;  ///< bytes; see README.md
    std::int64_t login_timeout_ms = 15'000;
    std::int64_t keep_alive_interval_ms = 30'000;
};

/// Call in a loop: receive_buffer(), on_received(); after every call that tells it something take
/// next_action() and next_pdu() until both are empty. One strand. Never blocks, never throws.
///
/// At Close: every task given out by Execute must still be ended (abort it at its logical unit),
/// but need not be reported any more.
class Connection {
  public:
    Connection(ConnectionOptions options, std::int64_t now_ms);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Where the next bytes from the socket go. Empty: do not read now (too much waits to be sent,
    /// the session is being admitted, or the connection is over); ask again after the next call of
    /// any function below. Valid until then.
    [[nodiscard]] MutableByteView receive_buffer();
    /// The first n bytes of receive_buffer() are there; 1 <= n <= its size.
    void on_received(std::size_t n);

    void on_session_admitted(scsi::ItNexusId it_nexus, std::uint16_t tsih);
    void on_session_refused(LoginStatus status);
    void on_task_done(TaskHandle handle, scsi::Completion completion);
    void on_task_management_done(ManagementHandle handle);
    /// The answer to EndSession.
    void on_session_ended();
    /// Another session resets or clears the logical unit `lun` (empty: all of them): ends the tasks
    /// that have not been given out by Execute yet, without answer.
    void abort_waiting_tasks(std::optional<std::uint64_t> lun);

    /// Call about once a second. now_ms: any monotonic clock, the one given to the constructor.
    void on_tick(std::int64_t now_ms);
    /// The target goes away: tells the initiator, takes no further command, lets those that run
    /// end, and then closes.
    void shut_down();
    /// Ends at once, e.g. because the session is reinstated elsewhere. Only Close follows.
    void abandon(std::string reason);

    /// What to do next, oldest first; empty: nothing now. Close is the last one.
    [[nodiscard]] std::optional<Action> next_action();
    /// What to send next; ask again only when it has been sent, so that memory stays bounded.
    [[nodiscard]] std::optional<OutgoingPdu> next_pdu();

    [[nodiscard]] bool in_full_feature_phase() const noexcept { return tasks_ != nullptr; }
    /// Valid in full feature phase.
    [[nodiscard]] const LoginIdentity& identity() const noexcept { return login_.identity(); }
    [[nodiscard]] const NegotiatedParameters& parameters() const noexcept { return parameters_; }
    /// The target logged in to; nullptr in a discovery session and before full feature phase.
    [[nodiscard]] const TargetConfiguration* target() const noexcept { return target_; }

  private:
    enum class Phase : std::uint8_t {
        login,
        admitting,
        full_feature,
        draining,
        ending,
        closing,
        closed
    };

    /// The PDU that is being received.
    struct Incoming {
        const BasicHeader* header = nullptr;
        std::size_t length = 0;  ///< of the data segment, bytes
        Buffer data;             ///< the data segment, unless it goes to a task
        TaskHandle task = 0;     ///< of a SCSI Command
        bool numbered = false;   ///< its CmdSN counts
        bool ignored = false;    ///< nothing is done with it
        CommandWindow::Verdict verdict = CommandWindow::Verdict::deliver;
    };
    /// A numbered PDU that waits for those before it (RFC 7143, 4.2.2.1).
    struct HeldPdu {
        BasicHeader header{};
        Buffer data;
        TaskHandle task = 0;
        bool ignored = false;
    };
    struct OpcodeRow;
    static const OpcodeRow kOpcodes[];
    [[nodiscard]] static const OpcodeRow* find_row(Opcode opcode) noexcept;

    // Framing: what this PDU is, where its data goes, what to do once it is complete.
    [[nodiscard]] PduReader::Event on_header();
    [[nodiscard]] PduReader::Event on_login_header();
    [[nodiscard]] PduReader::Event on_full_feature_header();
    [[nodiscard]] PduReader::Event place(const Placement& placement);
    [[nodiscard]] PduReader::Event place_in_own_buffer();
    [[nodiscard]] PduReader::Event ignore();
    void on_pdu();
    void on_numbered_pdu();
    void deliver(const BasicHeader& header, Buffer data, TaskHandle task);
    void deliver_held();

    void on_login_pdu();
    void take_login_step(LoginStep step);
    void enter_full_feature_phase(scsi::ItNexusId it_nexus);

    // One function an opcode; `data` is the whole data segment.
    void on_nop_out(const BasicHeader& header, Buffer data);
    void on_task_management(const BasicHeader& header, Buffer data);
    void on_text(const BasicHeader& header, Buffer data);
    void on_logout(const BasicHeader& header, Buffer data);

    void answer_text(const TextRequest& request, FullFeatureText& text);
    void send_text_part(const TextRequest& request);

    void reject(const BasicHeader& header, RejectReason reason, std::string_view why);
    void notice(std::string text);
    void protocol_error(std::string why);
    void close(bool fault, std::string reason);
    void drop_actions();
    void progress();
    [[nodiscard]] bool receiving_paused() const noexcept;

    ConnectionOptions options_;
    Phase phase_ = Phase::login;
    Login login_;
    NegotiatedParameters parameters_;
    const TargetConfiguration* target_ = nullptr;

    PduReader reader_;
    PduWriter writer_;
    CommandWindow window_{0, 1};
    std::unique_ptr<TaskSet> tasks_;  ///< from the beginning of full feature phase
    std::deque<Action> actions_;

    Incoming incoming_;
    std::map<std::uint32_t, HeldPdu> held_;  ///< by CmdSN, RFC 7143, 4.2.2.1
    TextCollector text_in_;
    TextSplitter text_out_;
    std::uint32_t text_tag_ = kReservedTag;  ///< Target Transfer Tag of the text that goes on
    std::uint32_t last_text_tag_ = 0;
    std::uint32_t login_initiator_task_tag_ = 0;
    bool first_login_request_ = true;
    std::uint32_t logout_initiator_task_tag_ = 0;

    bool received_since_tick_ = false;
    std::int64_t started_ms_ = 0;
    std::int64_t last_heard_ms_ = 0;
    std::optional<std::int64_t> closing_since_ms_;  ///< by the first tick since then
    std::uint32_t pings_ = 0;  ///< NOP-In sent since the initiator was last heard
    std::uint32_t ping_tag_ = 0;
    std::uint32_t notices_ = 0;
    std::optional<Close> close_;  ///< set in closing; given out when everything is sent
};

}  // namespace tapeloft::vtl::iscsi
