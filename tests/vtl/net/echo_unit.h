// A logical unit that keeps the last block written in memory, for tests of the transport.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "vtl/scsi/logical_unit.h"

namespace tapeloft::vtl::net {

/// WRITE(6) keeps the block, READ(6) returns it; opcode E0h waits until release(); opcode E1h
/// answers with 05/24/00; all else is GOOD without data.
class EchoUnit final : public scsi::LogicalUnit {
  public:
    explicit EchoUnit(boost::asio::io_context& io_context)
        : executor_(boost::asio::make_strand(io_context)),
          gate_(executor_, boost::asio::steady_timer::time_point::max()) {}

    [[nodiscard]] Executor executor() const override { return executor_; }

    Awaitable<scsi::Completion> execute(scsi::Task task) override {
        ++commands;
        scsi::Completion completion;
        switch (task.cdb[0]) {
            case 0x0A:
                completion.data_out_length = static_cast<std::uint32_t>(task.data_out.size());
                block_ = std::move(task.data_out);
                break;
            case 0x08:
                completion.data_in = block_;
                break;
            case 0xE0:
                co_return co_await wait_for_release(task.it_nexus, task.tag);
            case 0xE1:
                co_return scsi::Completion::check_condition(scsi::SenseKey::illegal_request,
                                                            scsi::asc::kInvalidFieldInCdb);
            default:
                break;
        }
        co_return completion;
    }

    /// Every waiting task ends. Any thread.
    void release() {
        boost::asio::post(executor_, [this] {
            released_ = true;
            gate_.cancel();
        });
    }

    Awaitable<bool> abort_task(scsi::ItNexusId nexus, scsi::TaskTag tag) override {
        const auto found = waiting_.find({nexus.value, tag});
        if (found == waiting_.end()) {
            co_return false;
        }
        found->second = true;
        gate_.cancel();
        co_return true;
    }
    Awaitable<void> abort_task_set(scsi::ItNexusId nexus) override {
        for (auto& [key, aborted] : waiting_) {
            aborted = aborted || key.first == nexus.value;
        }
        gate_.cancel();
        co_return;
    }
    Awaitable<void> clear_task_set(scsi::ItNexusId /*cause*/) override {
        for (auto& [key, aborted] : waiting_) {
            aborted = true;
        }
        gate_.cancel();
        co_return;
    }
    Awaitable<void> reset() override {
        ++resets;
        for (auto& [key, aborted] : waiting_) {
            aborted = true;
        }
        gate_.cancel();
        co_return;
    }
    void nexus_established(const scsi::ItNexus& /*nexus*/) override { ++nexuses; }
    void nexus_lost(scsi::ItNexusId nexus) override {
        for (const auto& [key, aborted] : waiting_) {  // its tasks ended before
            left_over += key.first == nexus.value ? 1 : 0;
        }
        --nexuses;
    }

    std::atomic<int> commands{0};
    std::atomic<int> resets{0};
    std::atomic<int> nexuses{0};
    std::atomic<int> waiting{0};
    std::atomic<int> left_over{0};

  private:
    Awaitable<scsi::Completion> wait_for_release(scsi::ItNexusId nexus, scsi::TaskTag tag) {
        const auto key = std::pair(nexus.value, tag);
        waiting_[key] = false;
        ++waiting;
        while (!released_ && !waiting_[key]) {
            co_await gate_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        scsi::Completion completion;
        if (waiting_[key]) {
            completion.status = scsi::Status::task_aborted;
        }
        waiting_.erase(key);
        --waiting;
        co_return completion;
    }

    boost::asio::strand<boost::asio::io_context::executor_type> executor_;
    boost::asio::steady_timer gate_;
    std::map<std::pair<std::uint64_t, scsi::TaskTag>, bool> waiting_;  ///< true: aborted
    bool released_ = false;
    Buffer block_;
};

}  // namespace tapeloft::vtl::net
