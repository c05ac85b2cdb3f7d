// A small blocking iSCSI initiator on a POSIX socket, for tests and benchmarks: login with given
// keys, one command at a time, and single PDUs for everything that a good initiator never sends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/pdu.h"

namespace tapeloft::vtl::net {

class RawInitiator {
  public:
    using Keys = std::vector<std::pair<std::string, std::string>>;

    struct Pdu {
        iscsi::BasicHeader header{};
        Bytes data;
        [[nodiscard]] iscsi::Opcode opcode() const { return iscsi::opcode_of(header); }
    };

    struct Command {
        std::uint64_t lun = 0;
        std::array<std::uint8_t, 16> cdb{};
        ByteView data_out;        ///< W bit if not empty
        MutableByteView data_in;  ///< R bit if not empty
    };

    struct Reply {
        std::uint8_t status = 0xFF;
        Bytes sense;  ///< without SenseLength
        bool overflow = false;
        bool underflow = false;
        std::uint32_t residual = 0;
        std::uint32_t data_in_length = 0;
    };

    RawInitiator() = default;
    RawInitiator(const RawInitiator&) = delete;
    RawInitiator& operator=(const RawInitiator&) = delete;
    ~RawInitiator();

    [[nodiscard]] bool connect(std::uint16_t port);
    void close();
    /// Resets the connection instead of closing it in order.
    void reset();

    /// One Login Request from operational negotiation to full feature phase. The values of
    /// MaxBurst... that the target answers are taken over. Returns the status (0: logged in).
    [[nodiscard]] std::optional<std::uint16_t> login(const Keys& keys);

    /// nullopt: the connection is gone, or the target sent something that does not belong there.
    [[nodiscard]] std::optional<Reply> command(const Command& command);

    [[nodiscard]] bool send(iscsi::BasicHeader header, ByteView data = {});
    [[nodiscard]] bool send_bytes(ByteView bytes);
    [[nodiscard]] std::optional<Pdu> receive();
    /// The target closed the connection (waits for that).
    [[nodiscard]] bool at_end();

    [[nodiscard]] std::uint32_t next_cmd_sn() { return cmd_sn_++; }
    [[nodiscard]] std::uint32_t next_tag() { return ++tag_; }
    [[nodiscard]] int descriptor() const noexcept { return socket_; }
    iscsi::Isid isid{0x80, 0, 0, 0, 0, 1};
    bool header_digest = false;
    bool data_digest = false;

  private:
    [[nodiscard]] bool receive_bytes(MutableByteView bytes);
    [[nodiscard]] bool receive_header(iscsi::BasicHeader& header);
    [[nodiscard]] bool receive_data(MutableByteView data);
    [[nodiscard]] bool answer_r2t(const Command& command, const iscsi::BasicHeader& header);
    void take_key(const std::string& key, const std::string& value);

    int socket_ = -1;
    std::uint32_t cmd_sn_ = 1;
    std::uint32_t tag_ = 0;
    bool immediate_data_ = true;
    std::uint32_t first_burst_length_ = 65536;
    std::uint32_t target_segment_length_max_ = 8192;
};

}  // namespace tapeloft::vtl::net
