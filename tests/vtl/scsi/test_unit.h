// A device server of a few commands, for what is common to all device types.
#pragma once

#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "vtl/scsi/device_server.h"

namespace tapeloft::vtl::scsi {

/// Operation code C0h waits until release(); C1h notes that it ran; C2h needs a medium, C3h a
/// writable one; C5h to C7h do this and that while somebody else holds a reservation.
class TestUnit final : public DeviceServer {
  public:
    explicit TestUnit(Executor executor, std::shared_ptr<ValueStore> memory = nullptr,
                      std::shared_ptr<std::uint64_t> now = std::make_shared<std::uint64_t>(),
                      std::shared_ptr<std::uint64_t> counter = std::make_shared<std::uint64_t>())
        : DeviceServer(options(executor, std::move(memory), now, counter)),
          gate_(executor, boost::asio::steady_timer::time_point::max()) {}

    void release() {
        ++released_;
        gate_.cancel();
    }
    using DeviceServer::exclusive_turn;
    using DeviceServer::idle;
    using DeviceServer::removal_prevented;
    using DeviceServer::unit_attentions;
    using DeviceServer::upkeep_turn;
    using Turn = DeviceServer::Turn;
    Awaitable<std::shared_ptr<Turn>> take_turn() {
        co_return std::make_shared<Turn>(co_await exclusive_turn());
    }
    Awaitable<std::shared_ptr<Turn>> take_upkeep_turn() {
        co_return std::make_shared<Turn>(co_await upkeep_turn());
    }

    bool medium = true;
    bool writable = true;
    int resets = 0;
    std::vector<unsigned> ran;  // CDB byte 1 of C0h (when it ends) and C1h

  private:
    Awaitable<Completion> wait(Task task) {
        const int wanted = released_ + 1;
        while (released_ < wanted) {
            co_await gate_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        ran.push_back(task.cdb[1]);
        co_return Completion::good();
    }
    Completion note(const Task& task) {
        ran.push_back(task.cdb[1]);
        return Completion::good();
    }
    std::optional<Completion> check_gates(Gate gates) override {
        if (has(gates, Gate::medium) && !medium) {
            return Completion::check_condition(SenseKey::not_ready, asc::kMediumNotPresent);
        }
        if (has(gates, Gate::writable) && !writable) {
            return Completion::check_condition(SenseKey::data_protect, asc::kWriteProtected);
        }
        return {};
    }
    void on_reset() override { ++resets; }

    static std::span<const CommandRow> rows() {
        constexpr auto kNo = service_action::kNone;
        constexpr auto kPasses = Gate::past_attention | Gate::concurrent;
        constexpr auto kWritable = Gate::medium | Gate::writable;
        constexpr auto conflict = WhenReserved::conflict;
        constexpr auto allowed = WhenReserved::allowed;
        constexpr auto allowed_to_undo = WhenReserved::allowed_to_undo;
        constexpr auto persistent = WhenReserved::persistent_reserve;
        // clang-format off
        static constexpr auto kRows = std::to_array<CommandRow>({
            {0x03, kNo, 6, {0x03, 1, 0, 0, 0xFF}, kPasses, allowed, 30, handled_by<&TestUnit::request_sense>()},
            {0x12, kNo, 6, {0x12, 1, 0xFF, 0xFF, 0xFF}, kPasses, allowed, 30, handled_by<&TestUnit::inquiry>()},
            {0x15, kNo, 6, {0x15, 0x11, 0, 0, 0xFF}, Gate::none, conflict, 60, handled_by<&TestUnit::mode_select>()},
            {0x16, kNo, 6, {0x16}, Gate::none, WhenReserved::reserve, 30, handled_by<&TestUnit::reserve_command>()},
            {0x17, kNo, 6, {0x17}, Gate::none, WhenReserved::release, 30, handled_by<&TestUnit::release_command>()},
            {0x1A, kNo, 6, {0x1A, 8, 0xFF, 0xFF, 0xFF}, Gate::beside_others, conflict, 60, handled_by<&TestUnit::mode_sense>()},
            {0x1C, kNo, 6, {0x1C, 1, 0xFF, 0xFF, 0xFF}, Gate::none, allowed, 60, handled_by<&TestUnit::receive_diagnostic_results>()},
            {0x1D, kNo, 6, {0x1D, 0x17, 0, 0xFF, 0xFF}, Gate::none, conflict, 60, handled_by<&TestUnit::send_diagnostic>()},
            {0x1E, kNo, 6, {0x1E, 0, 0, 0, 1}, Gate::none, allowed_to_undo, 60, handled_by<&TestUnit::prevent_allow_medium_removal>()},
            {0x3B, kNo, 10, {0x3B, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, conflict, 60, handled_by<&TestUnit::write_buffer>()},
            {0x3C, kNo, 10, {0x3C, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, allowed, 60, handled_by<&TestUnit::read_buffer>()},
            {0x4C, kNo, 10, {0x4C, 2, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF}, Gate::none, conflict, 60, handled_by<&TestUnit::log_select>()},
            {0x4D, kNo, 10, {0x4D, 0, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TestUnit::log_sense_command>()},
            {0x56, kNo, 10, {0x56}, Gate::none, WhenReserved::reserve, 30, handled_by<&TestUnit::reserve_command>()},
            {0x57, kNo, 10, {0x57}, Gate::none, WhenReserved::release, 30, handled_by<&TestUnit::release_command>()},
            {0x5E, 0x00, 10, {0x5E, 0x00, 0, 0, 0, 0, 0, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_in>()},
            {0x5E, 0x01, 10, {0x5E, 0x01, 0, 0, 0, 0, 0, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_in>()},
            {0x5E, 0x02, 10, {0x5E, 0x02, 0, 0, 0, 0, 0, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_in>()},
            {0x5E, 0x03, 10, {0x5E, 0x03, 0, 0, 0, 0, 0, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_in>()},
            {0x5F, 0x00, 10, {0x5F, 0x00, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0x5F, 0x01, 10, {0x5F, 0x01, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0x5F, 0x02, 10, {0x5F, 0x02, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0x5F, 0x03, 10, {0x5F, 0x03, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0x5F, 0x04, 10, {0x5F, 0x04, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0x5F, 0x05, 10, {0x5F, 0x05, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0x5F, 0x06, 10, {0x5F, 0x06, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0x5F, 0x07, 10, {0x5F, 0x07, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, persistent, 60, handled_by<&TestUnit::persistent_reserve_out>()},
            {0xA3, 0x05, 12, {0xA3, 0x05, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}, Gate::none, allowed, 60, handled_by<&TestUnit::report_identifying_information>()},
            {0xA3, 0x0A, 12, {0xA3, 0xEA, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TestUnit::report_target_port_groups>()},
            {0xA3, 0x0C, 12, {0xA3, 0x0C, 0x87, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TestUnit::supported_operation_codes>()},
            {0xA3, 0x0D, 12, {0xA3, 0x0D, 0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TestUnit::report_supported_task_management_functions>()},
            {0xA3, 0x0F, 12, {0xA3, 0x0F, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TestUnit::report_timestamp>()},
            {0xA4, 0x06, 12, {0xA4, 0x06, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}, Gate::none, conflict, 60, handled_by<&TestUnit::set_identifying_information>()},
            {0xA4, 0x0F, 12, {0xA4, 0x0F, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, conflict, 60, handled_by<&TestUnit::set_timestamp>()},
            {0xC0, kNo, 6, {0xC0, 0xFF}, Gate::none, conflict, 600, handled_by<&TestUnit::wait>()},
            {0xC1, kNo, 6, {0xC1, 0xFF}, Gate::none, conflict, 60, handled_by<&TestUnit::note>()},
            {0xC2, kNo, 6, {0xC2}, Gate::medium, conflict, 60, handled_by<&TestUnit::note>()},
            {0xC3, kNo, 6, {0xC3, 0x10}, kWritable, conflict, 60, handled_by<&TestUnit::note>()},
            {0xC4, 0x01, 6, {0xC4, 0x81}, Gate::none, conflict, 60, handled_by<&TestUnit::note>()},
            {0xC4, 0x02, 6, {0xC4, 0x02}, Gate::none, conflict, 60, handled_by<&TestUnit::note>()},
            {0xC5, kNo, 6, {0xC5}, Gate::none, allowed, 60, handled_by<&TestUnit::note>()},
            {0xC6, kNo, 6, {0xC6}, Gate::none, WhenReserved::allowed_to_read, 60, handled_by<&TestUnit::note>()},
            {0xC7, kNo, 6, {0xC7}, Gate::none, WhenReserved::conflicts_with_reserve, 60, handled_by<&TestUnit::note>()},
        });
        // clang-format on
        static_assert(sorted_and_unique(kRows));
        return kRows;
    }
    Completion reserve_command(const Task& task) { return DeviceServer::reserve(task); }
    Completion release_command(const Task& task) { return DeviceServer::release(task); }

    static DeviceServerOptions options(Executor executor, std::shared_ptr<ValueStore> memory,
                                       std::shared_ptr<std::uint64_t> now,
                                       std::shared_ptr<std::uint64_t> counter) {
        DeviceServerOptions result;
        result.memory = std::move(memory);
        result.executor = executor;
        result.identity.device_type = PeripheralDeviceType::media_changer;
        result.identity.vendor = "VENDOR";
        result.identity.product = "PRODUCT";
        result.identity.revision = "0001";
        result.identity.serial = "TESTUNIT01";
        result.commands = rows();
        ModePage page;
        page.page_code = 0x0A;
        page.defaults = {1, 2, 3};
        page.changeable = {0x0F, 0, 0xFF};
        result.mode_pages.push_back(std::move(page));
        result.clock = [now] { return *now; };
        result.log_pages.push_back({0x11, 0, [](LogParameters& to) { to.number(0, 1, 4); }, {}});
        result.log_pages.push_back({0x12, 0,
                                    [counter](LogParameters& to) { to.number(0, *counter, 4); },
                                    [counter] { *counter = 0; }});
        return result;
    }

    boost::asio::steady_timer gate_;
    int released_ = 0;
};

}  // namespace tapeloft::vtl::scsi
