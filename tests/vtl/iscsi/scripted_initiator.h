// Plays an initiator against iscsi::Connection in memory, with any split of the byte stream.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/digest.h"

#include "vtl/iscsi/connection.h"

namespace tapeloft::vtl::iscsi {

inline constexpr const char* kScriptTarget = "iqn.2026-11.io.tapeloft:script";
inline constexpr std::uint64_t kLun1 = 0x0001000000000000;

class ScriptedInitiator {
  public:
    using Keys = std::vector<std::pair<std::string, std::string>>;
    struct Pdu {
        BasicHeader header{};
        Bytes data;
        [[nodiscard]] Opcode opcode() const { return opcode_of(header); }
    };
    /// How many of the n bytes that are left go in next.
    using Split = std::function<std::size_t(std::size_t n)>;

    explicit ScriptedInitiator(
        Split split = [](std::size_t n) { return n; },
        std::size_t memory_budget = std::size_t{64} * 1024 * 1024)
        : split_(std::move(split)) {
        TargetConfiguration target;
        target.name = kScriptTarget;
        target.units.units = {nullptr, nullptr};  // the core only counts them
        targets_.push_back(target);
        login_.targets.push_back({kScriptTarget, "", {}});
        ConnectionOptions options;
        options.login = &login_;
        options.targets = targets_;
        options.portal_address = "192.0.2.1:3260";
        options.random = [](MutableByteView bytes) { std::fill(bytes.begin(), bytes.end(), 1); };
        options.memory_budget = memory_budget;
        core_ = std::make_unique<Connection>(std::move(options), 0);
    }

    static Keys keys(const Keys& more = {}) {
        Keys all = {{"InitiatorName", "iqn.2026-11.test:host"},
                    {"TargetName", kScriptTarget},
                    {"InitialR2T", "No"},
                    {"ImmediateData", "Yes"},
                    {"MaxBurstLength", "16384"},
                    {"FirstBurstLength", "8192"},
                    {"MaxRecvDataSegmentLength", "4096"}};
        for (const auto& [key, value] : more) {
            std::erase_if(all, [&key = key](const auto& one) { return one.first == key; });
            all.emplace_back(key, value);
        }
        return all;
    }

    /// Logs in and admits the session; EXPECTs that it works.
    void log_in(const Keys& with = keys()) {
        LoginRequestFields request;
        request.transit = true;
        request.csg = 1;
        request.nsg = 3;
        request.isid = {0x80, 0, 0, 0, 0, 1};
        request.initiator_task_tag = 0x1000;
        request.cid = 1;
        request.cmd_sn = 10;
        request.exp_stat_sn = 100;
        Bytes text;
        for (const auto& [key, value] : with) {
            append_text_pair(text, key, value);
        }
        send(encode(request), text);
        auto action = take<AdmitSession>();
        ASSERT_TRUE(action);
        core_->on_session_admitted(scsi::ItNexusId{5}, 9);
        collect();
        const auto answer = next();
        ASSERT_TRUE(answer);
        ASSERT_EQ(answer->opcode(), Opcode::login_response);
        ASSERT_EQ(layout::login_response::kStatusClass.load(answer->header), 0);
        header_digest = core_->parameters().header_digest;
        data_digest = core_->parameters().data_digest;
    }

    /// The PDU as it goes on the wire.
    [[nodiscard]] Bytes wire(BasicHeader header, ByteView data = {}, ByteView ahs = {}) const {
        layout::kDataSegmentLength.store(header, static_cast<std::uint32_t>(data.size()));
        layout::kTotalAhsLength.store(header, static_cast<std::uint8_t>(ahs.size() / 4));
        Bytes bytes(header.begin(), header.end());
        bytes.insert(bytes.end(), ahs.begin(), ahs.end());
        if (header_digest) {
            append_digest(bytes, crc32c(bytes));
        }
        if (!data.empty()) {
            Bytes segment(data.begin(), data.end());
            segment.resize(segment.size() + padding_of(data.size()));
            const auto crc = crc32c(segment);
            bytes.insert(bytes.end(), segment.begin(), segment.end());
            if (data_digest) {
                append_digest(bytes, crc);
            }
        }
        return bytes;
    }
    void send(const BasicHeader& header, ByteView data = {}, ByteView ahs = {}) {
        send_bytes(wire(header, data, ahs));
    }
    /// False: the core did not want all of it.
    bool send_bytes(ByteView bytes) {
        while (!bytes.empty()) {
            auto room = core_->receive_buffer();
            if (room.empty()) {
                return false;
            }
            const auto n = std::max<std::size_t>(1, std::min(room.size(), split_(bytes.size())));
            const auto size = std::min(n, bytes.size());
            std::copy_n(bytes.begin(), size, room.begin());
            core_->on_received(size);
            bytes = bytes.subspan(size);
            collect();
        }
        return true;
    }

    /// Takes what the core wants to send and to have done.
    void collect() {
        for (bool more = true; more;) {
            more = false;
            while (auto pdu = core_->next_pdu()) {
                received_.push_back(parse(*pdu));
                more = true;
            }
            while (auto action = core_->next_action()) {
                actions_.push_back(std::move(*action));
                more = true;
            }
        }
    }

    [[nodiscard]] std::optional<Pdu> next() {
        if (received_.empty()) {
            return std::nullopt;
        }
        auto pdu = std::move(received_.front());
        received_.pop_front();
        return pdu;
    }
    /// The next PDU as T; EXPECTs its opcode.
    template <typename T>
    [[nodiscard]] T expect(Opcode opcode, Bytes* data = nullptr) {
        auto pdu = next();
        if (!pdu) {
            ADD_FAILURE() << "no PDU, expected opcode " << static_cast<int>(opcode);
            return T{};
        }
        EXPECT_EQ(pdu->opcode(), opcode);
        if (data != nullptr) {
            *data = std::move(pdu->data);
        }
        return decode<T>(pdu->header);
    }
    /// The first action of that type; those before it stay.
    template <typename T>
    [[nodiscard]] std::optional<T> take() {
        for (auto action = actions_.begin(); action != actions_.end(); ++action) {
            if (std::holds_alternative<T>(*action)) {
                auto found = std::get<T>(std::move(*action));
                actions_.erase(action);
                return found;
            }
        }
        return std::nullopt;
    }
    void done(TaskHandle handle, scsi::Completion completion) {
        core_->on_task_done(handle, std::move(completion));
        collect();
    }

    [[nodiscard]] ScsiCommand command(std::uint32_t length = 0, bool read = false,
                                      bool write = false) {
        ScsiCommand pdu;
        pdu.lun = kLun1;
        pdu.read = read;
        pdu.write = write;
        pdu.expected_data_transfer_length = length;
        pdu.initiator_task_tag = ++tag;
        pdu.numbers.cmd_sn = cmd_sn++;
        return pdu;
    }
    [[nodiscard]] TaskManagementRequest function(TaskManagementFunction which,
                                                 std::uint32_t referenced = kReservedTag) {
        TaskManagementRequest pdu;
        pdu.immediate = true;
        pdu.function = static_cast<std::uint8_t>(which);
        pdu.lun = kLun1;
        pdu.initiator_task_tag = ++tag;
        pdu.referenced_task_tag = referenced;
        pdu.numbers.cmd_sn = cmd_sn;
        return pdu;
    }
    [[nodiscard]] bool closed() { return take<Close>().has_value(); }
    [[nodiscard]] Connection& core() { return *core_; }
    [[nodiscard]] bool silent() const { return received_.empty(); }

    bool header_digest = false;
    bool data_digest = false;
    std::uint32_t cmd_sn = 10;
    std::uint32_t tag = 0x2000;

  private:
    static void append_digest(Bytes& bytes, std::uint32_t crc) {
        std::array<std::uint8_t, kDigestLength> digest{};
        store_little_endian<kDigestLength>(digest, crc);
        bytes.insert(bytes.end(), digest.begin(), digest.end());
    }
    [[nodiscard]] Pdu parse(const OutgoingPdu& out) const {
        Pdu pdu;
        std::copy_n(out.head.begin(), kBasicHeaderLength, pdu.header.begin());
        const auto data = out.data.view();
        pdu.data.assign(data.begin(), data.end());
        EXPECT_EQ(layout::kDataSegmentLength.load(pdu.header), data.size());
        const bool login = pdu.opcode() == Opcode::login_response;
        const auto padding = padding_of(data.size());
        EXPECT_EQ(out.head_length, kBasicHeaderLength + (header_digest && !login ? 4U : 0U));
        EXPECT_EQ(out.tail_length, padding + (data_digest && !login && !data.empty() ? 4U : 0U));
        if (header_digest && !login) {
            EXPECT_EQ(load_little_endian<4>(ByteView(out.head).subspan(kBasicHeaderLength)),
                      crc32c(pdu.header));
        }
        if (data_digest && !login && !data.empty()) {
            const auto crc = crc32c(ByteView(out.tail).first(padding), crc32c(data));
            EXPECT_EQ(load_little_endian<4>(ByteView(out.tail).subspan(padding)), crc);
        }
        return pdu;
    }

    Split split_;
    std::vector<TargetConfiguration> targets_;
    LoginConfiguration login_;
    std::unique_ptr<Connection> core_;
    std::deque<Pdu> received_;
    std::deque<Action> actions_;
};

}  // namespace tapeloft::vtl::iscsi
