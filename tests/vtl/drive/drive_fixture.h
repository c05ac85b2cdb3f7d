// A drive with a tape in memory and two hosts; and the rules by which PBS reads answers.
#pragma once

#include <boost/asio/strand.hpp>
#include <gtest/gtest.h>

#include "cloud/base/memory_value_store.h"

#include "vtl/drive/tape_drive.h"

#include "tests/vtl/drive/fake_tape.h"
#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::drive {

using scsi::bytes_of;
using scsi::Completion;
using scsi::field;
using scsi::hex;
using scsi::Host;
using scsi::outcome;

class DriveFixture : public testing::Test {
  protected:
    explicit DriveFixture(std::string_view model = "IBM ULT3580-TD8")
        : strand(boost::asio::make_strand(io)),
          drive(options(model), events),
          host(io, drive, 1, "iqn.host"),
          other(io, drive, 2, "iqn.other") {
        host.log_in_and_clear();
        other.log_in_and_clear();
    }

    TapeDriveOptions options(std::string_view model) {
        TapeDriveOptions result;
        result.executor = strand;
        result.name = "drive0";
        result.model = scsi::find_drive_model(model);
        result.serial = "VTLDRV0001";
        result.target_name = "iqn.2026-11.io.tapeloft:default";
        result.logical_unit_count = 3;
        return result;
    }

    Medium medium(std::string generation = "L8") const {
        Medium result;
        result.barcode = "VTL001" + generation;
        result.generation = std::move(generation);
        result.medium_serial = "M000000001";
        result.load_count = 1;
        result.capacity = 1'000'000'000;
        result.created_unix_s = 1'735'689'600;  // 2025-01-01
        result.memory = memory;
        return result;
    }

    Result<void> insert(std::string generation = "L8") {
        return insert(medium(std::move(generation)));
    }
    /// A blank tape, if the medium has one.
    Result<void> insert(Medium medium) {
        const bool has_tape = !medium.cleaning && !medium.unreadable;
        tape = std::make_shared<FakeTapeControl>(strand);
        auto fake = has_tape ? std::make_unique<FakeTape>(tape) : nullptr;
        return scsi::finish(io, io.get_executor(),
                            drive.insert(std::move(fake), std::move(medium), host.id()));
    }
    /// The tape that was taken out before.
    Result<void> insert_again(RemovedMedium removed, Medium medium) {
        return scsi::finish(io, io.get_executor(),
                            drive.insert(std::move(removed.tape), std::move(medium), host.id()));
    }
    void load() {
        ASSERT_TRUE(insert());
        other.send({0x00, 0, 0, 0, 0, 0});  // takes its unit attention
    }
    Result<RemovedMedium> remove() { return scsi::finish(io, io.get_executor(), drive.remove()); }

    static Bytes pattern(std::size_t size, unsigned seed = 1) {
        Bytes bytes(size);
        for (std::size_t i = 0; i < size; ++i) {
            bytes[i] = static_cast<std::uint8_t>(seed + i * 7);
        }
        return bytes;
    }
    static unsigned byte(std::uint64_t value, unsigned index) {
        return static_cast<unsigned>(value >> (8U * index)) & 0xFFU;
    }

    Completion write(std::size_t length, unsigned seed = 1) {
        return host.send({0x0A, 0, byte(length, 2), byte(length, 1), byte(length, 0), 0},
                         pattern(length, seed));
    }
    Completion read(std::size_t length, unsigned flags = 0) {
        return host.send({0x08, flags, byte(length, 2), byte(length, 1), byte(length, 0), 0});
    }
    Completion marks(unsigned count, bool immediate = false) {
        return host.send({0x10, immediate ? 1U : 0U, 0, byte(count, 1), byte(count, 0), 0});
    }
    Completion rewind() { return host.send({0x01, 0, 0, 0, 0, 0}); }
    Completion space(unsigned code, std::int64_t count) {
        const auto bits = static_cast<std::uint64_t>(count);
        return host.send({0x11, code, byte(bits, 2), byte(bits, 1), byte(bits, 0), 0});
    }
    Completion set_block_length(std::uint32_t length) {
        return host.send(
            {0x15, 0x10, 0, 0, 12, 0},
            {0, 0, 0x10, 8, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(length >> 16U),
             static_cast<std::uint8_t>(length >> 8U), static_cast<std::uint8_t>(length)});
    }
    Completion locate(std::uint64_t object, std::optional<unsigned> partition = {}) {
        return host.send({0x92, partition ? 2U : 0U, 0, partition.value_or(0), 0, 0, 0, 0,
                          byte(object, 3), byte(object, 2), byte(object, 1), byte(object, 0)});
    }
    struct Place {
        std::uint64_t object = 0;
        std::uint64_t file = 0;
        friend bool operator==(const Place&, const Place&) = default;
        friend void PrintTo(const Place& place, std::ostream* out) {
            *out << "object " << place.object << " file " << place.file;
        }
    };
    Place place() {
        const Bytes data = bytes_of(host.send({0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0}));
        EXPECT_EQ(data.size(), 32U);
        return {load_big_endian<8>(ByteView(data).subspan(8)),
                load_big_endian<8>(ByteView(data).subspan(16))};
    }
    static std::int64_t information(const Completion& completion) {
        EXPECT_TRUE(completion.sense && completion.sense->information) << "VALID is not set";
        return completion.sense->information.value_or(-999999);
    }

    boost::asio::io_context io;
    Executor strand;
    EventLog events;
    TapeDrive drive;
    Host host;
    Host other;
    std::shared_ptr<FakeTapeControl> tape;
    std::shared_ptr<MemoryValueStore> memory = std::make_shared<MemoryValueStore>();
};

}  // namespace tapeloft::vtl::drive
