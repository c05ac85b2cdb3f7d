// A host in memory: sends commands to a logical unit and runs its coroutines until nothing moves.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "vtl/scsi/logical_unit.h"

namespace tapeloft::vtl::scsi {

/// The future of something that runs on an io_context.
template <typename T>
using Pending = std::shared_ptr<std::optional<T>>;

template <typename T>
Awaitable<void> put_into(Pending<T> pending, Awaitable<T> work) {
    *pending = co_await std::move(work);
}

inline void settle(boost::asio::io_context& io) {
    io.restart();
    io.poll();
}

template <typename T>
Pending<T> start(boost::asio::io_context& io, Executor where, Awaitable<T> work) {
    auto pending = std::make_shared<std::optional<T>>();
    boost::asio::co_spawn(where, put_into(pending, std::move(work)), boost::asio::detached);
    settle(io);
    return pending;
}

template <typename T>
T finish(boost::asio::io_context& io, Executor where, Awaitable<T> work) {
    auto pending = start(io, where, std::move(work));
    EXPECT_TRUE(pending->has_value()) << "it waits";
    TL_ASSERT(pending->has_value());
    return std::move(**pending);
}

inline Awaitable<bool> then_true(Awaitable<void> work) {
    co_await std::move(work);
    co_return true;
}

class Host {
  public:
    Host(boost::asio::io_context& io, LogicalUnit& unit, std::uint64_t nexus_id, std::string name)
        : io_(io), unit_(unit) {
        nexus_.id.value = nexus_id;
        nexus_.initiator_name = std::move(name);
    }

    void log_in() { unit_.nexus_established(nexus_); }
    void log_in_and_clear() {
        log_in();
        send({0x03, 0, 0, 0, 18, 0});
    }
    void log_out() { unit_.nexus_lost(nexus_.id); }

    Pending<Completion> begin(std::initializer_list<unsigned> cdb, Bytes data_out = {}) {
        Task task;
        task.it_nexus = nexus_.id;
        task.tag = ++last_tag_;
        task.attribute = attribute;
        std::size_t i = 0;
        for (const unsigned byte : cdb) {
            task.cdb.at(i++) = static_cast<std::uint8_t>(byte);
        }
        task.data_out = Buffer::copy_of(data_out);
        return start(io_, unit_.executor(), unit_.execute(std::move(task)));
    }
    Completion send(std::initializer_list<unsigned> cdb, Bytes data_out = {}) {
        const auto pending = begin(cdb, std::move(data_out));
        EXPECT_TRUE(pending->has_value()) << "the command waits";
        TL_ASSERT(pending->has_value());
        return **pending;
    }

    Pending<bool> begin_abort(TaskTag tag) {
        return start(io_, unit_.executor(), unit_.abort_task(nexus_.id, tag));
    }

    [[nodiscard]] ItNexusId id() const { return nexus_.id; }
    [[nodiscard]] TaskTag last_tag() const { return last_tag_; }

    TaskAttribute attribute = TaskAttribute::simple;

  private:
    boost::asio::io_context& io_;
    LogicalUnit& unit_;
    ItNexus nexus_;
    TaskTag last_tag_ = 0;
};

/// "05/24/00", "GOOD", "RESERVATION CONFLICT", "ABORTED".
inline std::string outcome(const Completion& completion) {
    if (completion.status == Status::reservation_conflict) {
        return "RESERVATION CONFLICT";
    }
    if (completion.status == Status::task_aborted) {
        return "ABORTED";
    }
    if (completion.status == Status::good) {
        return completion.sense ? "GOOD with sense" : "GOOD";
    }
    if (!completion.sense) {
        return "CHECK CONDITION without sense";
    }
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%02X/%02X/%02X",
                  static_cast<unsigned>(completion.sense->key), completion.sense->additional.asc(),
                  completion.sense->additional.ascq());
    return text.data();
}

/// "byte 2 bit 5" of the field pointer, or "".
inline std::string field(const Completion& completion) {
    if (!completion.sense || !completion.sense->field) {
        return "";
    }
    const FieldPointer& pointer = *completion.sense->field;
    std::string text = pointer.in_cdb ? "cdb " : "list ";
    text += std::to_string(pointer.byte);
    if (pointer.bit) {
        text += "." + std::to_string(*pointer.bit);
    }
    return text;
}

inline Bytes bytes_of(const Completion& completion) {
    const ByteView view = completion.data_in.view();
    return {view.begin(), view.end()};
}

inline std::string hex(ByteView bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        std::array<char, 4> two{};
        std::snprintf(two.data(), two.size(), "%02X", byte);
        text += two.data();
    }
    return text;
}

}  // namespace tapeloft::vtl::scsi
