#include "vtl/scsi/persistent_reservations.h"

#include <random>

#include "vtl/scsi/transport_id.h"

#include "tests/vtl/scsi/fake_memory.h"
#include "tests/vtl/scsi/host.h"
#include "tests/vtl/scsi/test_unit.h"

namespace tapeloft::vtl::scsi {
namespace {

enum : unsigned {
    kRegister = 0,
    kReserve = 1,
    kRelease = 2,
    kClear = 3,
    kPreempt = 4,
    kPreemptAndAbort = 5,
    kRegisterAndIgnore = 6,
    kRegisterAndMove = 7,
};
constexpr auto kTypes = std::to_array<unsigned>({1, 3, 5, 6, 7, 8});

Bytes list_of(std::uint64_t key, std::uint64_t action_key, std::uint8_t flags = 0) {
    Bytes list(24);
    store_big_endian<8>(list, key);
    store_big_endian<8>(MutableByteView(list).subspan(8), action_key);
    list[20] = flags;
    return list;
}

InitiatorPort port_named(std::string name) {
    return {std::move(name), {}};
}

class PersistentReservationsTest : public testing::Test {
  protected:
    PersistentReservationsTest() : strand(boost::asio::make_strand(io)) { start_unit(); }

    void start_unit() {
        hosts.clear();
        unit = std::make_unique<TestUnit>(strand, memory);
        for (std::uint64_t i = 1; i <= 4; ++i) {
            hosts.push_back(std::make_unique<Host>(io, *unit, i, "iqn.h" + std::to_string(i)));
            hosts.back()->log_in_and_clear();
        }
    }
    Host& host(std::size_t number) { return *hosts.at(number - 1); }

    std::string out(std::size_t from, unsigned action, unsigned type, const Bytes& list) {
        const auto length = static_cast<unsigned>(list.size());
        const Completion got = host(from).send(
            {0x5F, action, type, 0, 0, 0, 0, length >> 8U, length & 0xFFU, 0}, list);
        if (got.status == Status::good) {
            EXPECT_EQ(got.data_out_length, length);
        }
        return got.sense ? outcome(got) + " " + field(got) : outcome(got);
    }
    std::string out(std::size_t from, unsigned action, unsigned type, std::uint64_t key,
                    std::uint64_t action_key, std::uint8_t flags = 0) {
        return out(from, action, type, list_of(key, action_key, flags));
    }
    /// Registers host n with key n.
    void register_hosts(std::initializer_list<std::size_t> numbers, std::uint8_t flags = 0) {
        for (const std::size_t number : numbers) {
            ASSERT_EQ(out(number, kRegisterAndIgnore, 0, 0, number, flags), "GOOD");
        }
    }
    std::string in(unsigned action, std::size_t from = 4) {
        return hex(bytes_of(host(from).send({0x5E, action, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0})));
    }
    std::string attention(std::size_t of) { return outcome(host(of).send({0xC5})); }
    std::string conflicting(std::size_t from) { return outcome(host(from).send({0xC1})); }
    std::string reading(std::size_t from) { return outcome(host(from).send({0xC6})); }

    boost::asio::io_context io;
    Executor strand;
    std::shared_ptr<FakeMemory> memory = std::make_shared<FakeMemory>();
    std::unique_ptr<TestUnit> unit;
    std::vector<std::unique_ptr<Host>> hosts;
};

class Registering : public PersistentReservationsTest {};

TEST_F(Registering, RegisterNeedsTheKeyThatIsThere) {
    EXPECT_EQ(out(1, kRegister, 0, 5, 1), "RESERVATION CONFLICT") << "nothing is registered";
    EXPECT_EQ(out(1, kRegister, 0, 0, 0), "GOOD") << "nothing to do";
    EXPECT_EQ(in(0), "0000000000000000");
    EXPECT_EQ(out(1, kRegister, 0, 0, 0x0102030405060708), "GOOD");
    EXPECT_EQ(in(0), "00000001000000080102030405060708");
    EXPECT_EQ(out(1, kRegister, 0, 0, 2), "RESERVATION CONFLICT");
    EXPECT_EQ(out(1, kRegister, 0, 0x0102030405060708, 2), "GOOD");
    EXPECT_EQ(in(0), "00000002000000080000000000000002");
    EXPECT_EQ(out(1, kRegister, 0, 2, 0), "GOOD");
    EXPECT_EQ(in(0), "0000000300000000");
}

TEST_F(Registering, RegisterAndIgnoreNeedsNoKey) {
    EXPECT_EQ(out(1, kRegisterAndIgnore, 0, 99, 0), "GOOD");
    EXPECT_EQ(in(0), "0000000000000000");
    EXPECT_EQ(out(1, kRegisterAndIgnore, 0, 99, 7), "GOOD");
    EXPECT_EQ(out(1, kRegisterAndIgnore, 0, 98, 8), "GOOD");
    EXPECT_EQ(in(0), "00000002000000080000000000000008");
    EXPECT_EQ(out(1, kRegisterAndIgnore, 0, 0, 0), "GOOD");
    EXPECT_EQ(in(0), "0000000300000000");
}

TEST_F(Registering, EverythingElseNeedsARegistrationAndItsKey) {
    register_hosts({1});
    for (const unsigned action : {kReserve, kRelease, kClear, kPreempt, kPreemptAndAbort}) {
        EXPECT_EQ(out(2, action, 1, 1, 1), "RESERVATION CONFLICT") << action;
        EXPECT_EQ(out(1, action, 1, 2, 1), "RESERVATION CONFLICT") << action;
    }
    EXPECT_EQ(in(0), "00000001000000080000000000000001");
    EXPECT_EQ(in(1), "0000000100000000");
}

TEST_F(Registering, OutlivesTheSessionAndAReset) {
    register_hosts({1});
    ASSERT_EQ(out(1, kReserve, 3, 1, 0), "GOOD");
    host(1).log_out();
    EXPECT_EQ(conflicting(2), "RESERVATION CONFLICT");
    Host again(io, *unit, 77, "iqn.h1");
    again.log_in();
    EXPECT_EQ(outcome(again.send({0xC1})), "06/29/07");
    EXPECT_EQ(outcome(again.send({0xC1})), "GOOD") << "the same port with another session";
    start(io, strand, then_true(unit->reset()));
    host(2).send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(conflicting(2), "RESERVATION CONFLICT");
}

TEST_F(Registering, AnotherIsidIsAnotherPort) {
    register_hosts({1});
    ASSERT_EQ(out(1, kReserve, 3, 1, 0), "GOOD");
    unit->nexus_established({{50}, "iqn.h1", {0, 2, 3, 0x0D, 0, 1}});
    Task task;
    task.it_nexus.value = 50;
    task.cdb = {0x03, 0, 0, 0, 18};
    finish(io, strand, unit->execute(task));
    task.cdb = {0xC1};
    EXPECT_EQ(outcome(finish(io, strand, unit->execute(task))), "RESERVATION CONFLICT");
}

TEST_F(Registering, ThereIsALimitAndItSaysSo) {
    register_hosts({1});
    Bytes list = list_of(0, 2, 0x08);
    list.resize(28);
    for (std::size_t i = 0; i < PersistentReservations::kRegistrationsMax - 2; ++i) {
        const Bytes id = encode_transport_id(port_named("iqn.many-" + std::to_string(i)));
        list.insert(list.end(), id.begin(), id.end());
    }
    store_big_endian<4>(MutableByteView(list).subspan(24), list.size() - 28);
    ASSERT_EQ(out(2, kRegister, 0, list), "GOOD");
    EXPECT_EQ(in(0).substr(0, 16), "0000000200000200");
    EXPECT_EQ(out(3, kRegister, 0, 0, 3), "05/55/04 ");
    EXPECT_EQ(out(3, kRegisterAndIgnore, 0, 0, 3), "05/55/04 ");
    EXPECT_EQ(in(0).substr(0, 16), "0000000200000200");
    ASSERT_EQ(out(1, kReserve, 1, 1, 0), "GOOD");
    EXPECT_EQ(out(2, kRegister, 0, 2, 0), "GOOD");
    EXPECT_EQ(out(3, kRegister, 0, 0, 3), "GOOD");
}

TEST_F(Registering, TransportIdsRegisterOthersAllOrNone) {
    const Bytes two = encode_transport_id(port_named("iqn.h2"));
    const Bytes three = encode_transport_id(port_named("iqn.h3"));
    Bytes list = list_of(0, 9, 0x0C);
    list.resize(28);
    list.insert(list.end(), two.begin(), two.end());
    list.insert(list.end(), three.begin(), three.end());
    store_big_endian<4>(MutableByteView(list).subspan(24), two.size() + three.size());
    Bytes broken = list;
    broken[28 + two.size() + 4 + 7] = 'x';  // the comma behind the second name
    EXPECT_EQ(out(1, kRegister, 0, broken), "05/26/00 list " + std::to_string(28 + two.size() + 4));
    EXPECT_EQ(out(1, kRegisterAndIgnore, 0, list), "05/26/00 list 20.3");
    EXPECT_EQ(in(0), "0000000000000000");
    EXPECT_EQ(out(1, kRegister, 0, list), "GOOD");
    EXPECT_EQ(in(0), "0000000100000018000000000000000900000000000000090000000000000009");
    EXPECT_EQ(out(3, kReserve, 1, 9, 0), "GOOD");
    EXPECT_EQ(out(4, kRegister, 0, list), "05/26/00 list 28") << "registered already";
}

class Lists : public PersistentReservationsTest {};

TEST_F(Lists, WrongLengthsAndFieldsAreRefusedAndChangeNothing) {
    register_hosts({1});
    Bytes long_list = list_of(1, 2);
    long_list.push_back(0);
    EXPECT_EQ(out(1, kRegister, 0, Bytes(23)), "05/1A/00 ");
    EXPECT_EQ(out(1, kRegister, 0, Bytes()), "05/1A/00 ");
    EXPECT_EQ(out(1, kRegister, 0, long_list), "05/1A/00 ");
    EXPECT_EQ(outcome(host(1).send({0x5F, 0, 0, 0, 0, 0, 0, 0, 24, 0}, Bytes(20))), "05/0E/03");
    EXPECT_EQ(out(1, kRegister, 0, 1, 2, 0x80), "05/26/00 list 20.7");
    EXPECT_EQ(out(1, kRegister, 0, 1, 2, 0x02), "05/26/00 list 20.1");
    Bytes reserved = list_of(1, 2);
    reserved[21] = 1;
    EXPECT_EQ(out(1, kRegister, 0, reserved), "05/26/00 list 21.7");
    EXPECT_EQ(out(1, kRegister, 0, 1, 2, 0x08), "05/1A/00 ") << "no TransportIDs behind";
    for (const unsigned type : {0U, 2U, 4U, 9U, 15U}) {
        EXPECT_EQ(out(1, kReserve, type, 1, 0), "05/24/00 cdb 2.3") << type;
    }
    EXPECT_EQ(out(1, kReserve, 0x11, 1, 0), "05/24/00 cdb 2.7") << "scope";
    EXPECT_EQ(out(1, 8, 0, 1, 0), "05/24/00 cdb 1.4");
    EXPECT_EQ(field(host(1).send({0x5E, 4, 0, 0, 0, 0, 0, 0, 8, 0})), "cdb 1.4");
    EXPECT_EQ(in(0), "00000001000000080000000000000001");
    EXPECT_EQ(in(1), "0000000100000000");
}

TEST_F(Lists, RandomListsNeverBreakTheState) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    PersistentReservations state(true);
    const std::array ports = {port_named("iqn.a"), port_named("iqn.b"), port_named("iqn.c")};
    for (int round = 0; round < 20000; ++round) {
        Bytes list = list_of(random() % 3, random() % 3, random() % 4 == 0 ? random() & 0xFFU : 0);
        if (random() % 3 == 0) {
            const Bytes id = encode_transport_id(ports[random() % 3]);
            list[16] = list[17] = list[18] = 0;
            list[19] = 1;
            store_big_endian<4>(MutableByteView(list).subspan(20), id.size());
            list.insert(list.end(), id.begin(), id.end());
            if (random() % 2 == 0) {
                list[random() % list.size()] = static_cast<std::uint8_t>(random());
            }
        }
        list.resize(list.size() - (random() % 8 == 0 ? random() % 5 : 0));
        Task task;
        task.cdb = {0x5F, static_cast<std::uint8_t>(random() % 8),
                    static_cast<std::uint8_t>(random() % 10)};
        store_big_endian<4>(MutableByteView(task.cdb).subspan(5), list.size());
        task.data_out = Buffer::copy_of(list);
        PersistentReservations before = state;
        const auto outcome = state.out(task, ports[random() % 3]);
        if (outcome.completion.status != Status::good) {
            ASSERT_EQ(before.encode(), state.encode());
            ASSERT_TRUE(outcome.attentions.empty());
        }
        if (const Bytes kept = state.encode(); !kept.empty()) {
            PersistentReservations again(true);
            ASSERT_TRUE(again.decode(kept));
            ASSERT_EQ(again.encode(), kept);
            const auto cut = static_cast<std::ptrdiff_t>(random() % kept.size());
            ASSERT_FALSE(again.decode(Bytes(kept.begin(), kept.begin() + cut)));
            ASSERT_EQ(again.encode(), kept);
        }
    }
}

class Matrix : public PersistentReservationsTest {};

// SPC-5, 5.13.1: type x class of command x who sends it.
TEST_F(Matrix, WhatOthersMayDoDependsOnTypeAndCommand) {
    for (const unsigned type : kTypes) {
        SCOPED_TRACE(testing::Message() << "type " << type);
        start_unit();
        register_hosts({1, 2});
        ASSERT_EQ(out(1, kReserve, type, 1, 0), "GOOD");
        const bool for_registrants = type >= 5;
        const bool excludes_reading = type == 3 || type == 6 || type == 8;
        for (const unsigned opcode : {0xC1U, 0xC5U, 0xC6U, 0xC7U, 0xFFU, 0x12U, 0x1EU}) {
            SCOPED_TRACE(testing::Message() << "operation code " << opcode);
            const auto expect = [&](std::size_t from, bool passes) {
                const auto got = outcome(host(from).send({opcode}));
                if (passes) {
                    EXPECT_NE(got, "RESERVATION CONFLICT") << "host " << from;
                } else {
                    EXPECT_EQ(got, "RESERVATION CONFLICT") << "host " << from;
                }
            };
            const bool always = opcode != 0xC1 && opcode != 0xC6 && opcode != 0xFF;
            const bool reads = opcode == 0xC6 && !excludes_reading;
            expect(1, true);
            expect(2, for_registrants || always || reads);
            expect(3, always || reads);
        }
    }
}

TEST_F(Matrix, OnlyTheHolderOrWithAllRegistrantsEveryOneReservesAgainAndReleases) {
    for (const unsigned type : kTypes) {
        SCOPED_TRACE(testing::Message() << "type " << type);
        start_unit();
        register_hosts({1, 2});
        ASSERT_EQ(out(1, kReserve, type, 1, 0), "GOOD");
        const bool all_registrants = type >= 7;
        EXPECT_EQ(out(1, kReserve, type, 1, 0), "GOOD") << "the same again";
        EXPECT_EQ(out(1, kReserve, type == 1 ? 3 : 1, 1, 0), "RESERVATION CONFLICT");
        EXPECT_EQ(out(2, kReserve, type, 2, 0), all_registrants ? "GOOD" : "RESERVATION CONFLICT");
        EXPECT_EQ(in(1), std::string("0000000200000010") +
                             (all_registrants ? "0000000000000000" : "0000000000000001") +
                             "00000000000" + std::to_string(type) + "0000");
        EXPECT_EQ(out(1, kRelease, type == 1 ? 3 : 1, 1, 0), "05/26/04 ");
        EXPECT_EQ(out(2, kRelease, type, 2, 0), "GOOD");
        EXPECT_EQ(in(1).size(), all_registrants ? 16U : 48U) << "not the holder: nothing happens";
        EXPECT_EQ(attention(1), all_registrants ? "06/2A/04" : "GOOD");
        EXPECT_EQ(out(1, kRelease, type, 1, 0), "GOOD");
        EXPECT_EQ(in(1), "0000000200000000");
        EXPECT_EQ(attention(2), type == 5 || type == 6 ? "06/2A/04" : "GOOD");
        EXPECT_EQ(attention(2), "GOOD");
        EXPECT_EQ(attention(3), "GOOD");
    }
}

TEST_F(Matrix, UnregisteringTheHolderReleases) {
    for (const unsigned type : kTypes) {
        SCOPED_TRACE(testing::Message() << "type " << type);
        start_unit();
        register_hosts({1, 2});
        ASSERT_EQ(out(1, kReserve, type, 1, 0), "GOOD");
        EXPECT_EQ(out(1, kRegister, 0, 1, 0), "GOOD");
        EXPECT_EQ(in(1).size(), type >= 7 ? 48U : 16U);
        EXPECT_EQ(attention(2), type == 5 || type == 6 ? "06/2A/04" : "GOOD");
        EXPECT_EQ(out(2, kRegister, 0, 2, 0), "GOOD");
        EXPECT_EQ(in(1), "0000000400000000");
        EXPECT_EQ(conflicting(3), "GOOD");
    }
}

class Preempting : public PersistentReservationsTest {};

TEST_F(Preempting, TheKeyOfTheHolderTakesTheReservationOver) {
    register_hosts({1, 2, 3});
    ASSERT_EQ(out(1, kReserve, 5, 1, 0), "GOOD");
    EXPECT_EQ(out(2, kPreempt, 3, 2, 1), "GOOD");
    EXPECT_EQ(in(0),
              "00000004000000100000000000000002"
              "0000000000000003");
    EXPECT_EQ(in(1),
              "0000000400000010"
              "0000000000000002"
              "0000000000030000");
    EXPECT_EQ(attention(1), "06/2A/05");
    EXPECT_EQ(attention(1), "GOOD");
    EXPECT_EQ(attention(2), "GOOD");
    EXPECT_EQ(attention(3), "06/2A/04") << "the type is another one now";
    EXPECT_EQ(conflicting(1), "RESERVATION CONFLICT");
    EXPECT_EQ(conflicting(3), "RESERVATION CONFLICT");
}

TEST_F(Preempting, AnotherKeyOnlyEndsRegistrations) {
    register_hosts({1, 2, 3});
    ASSERT_EQ(out(1, kReserve, 1, 1, 0), "GOOD");
    EXPECT_EQ(out(2, kPreempt, 3, 2, 3), "GOOD");
    EXPECT_EQ(in(1),
              "0000000400000010"
              "0000000000000001"
              "0000000000010000");
    EXPECT_EQ(attention(3), "06/2A/05");
    EXPECT_EQ(attention(1), "GOOD");
    EXPECT_EQ(out(2, kPreempt, 3, 2, 99), "RESERVATION CONFLICT") << "nobody has it";
    EXPECT_EQ(out(2, kPreempt, 3, 2, 0), "05/26/00 list 8.7");
}

TEST_F(Preempting, TheHolderMayChangeItsTypeThatWay) {
    register_hosts({1, 2});
    ASSERT_EQ(out(1, kReserve, 1, 1, 0), "GOOD");
    EXPECT_EQ(out(1, kPreempt, 3, 1, 1), "GOOD");
    EXPECT_EQ(in(1),
              "0000000300000010"
              "0000000000000001"
              "0000000000030000");
    EXPECT_EQ(attention(2), "06/2A/04");
}

TEST_F(Preempting, KeyZeroTakesWhatAllRegistrantsHold) {
    register_hosts({1, 2, 3});
    ASSERT_EQ(out(1, kReserve, 8, 1, 0), "GOOD");
    EXPECT_EQ(out(2, kPreempt, 3, 2, 1), "GOOD");
    EXPECT_EQ(in(1).substr(40), "00080000") << "a key of all registrants does not";
    EXPECT_EQ(out(2, kPreempt, 3, 2, 0), "GOOD");
    EXPECT_EQ(in(0),
              "0000000500000008"
              "0000000000000002");
    EXPECT_EQ(in(1),
              "0000000500000010"
              "0000000000000002"
              "0000000000030000");
    EXPECT_EQ(attention(3), "06/2A/05");
}

TEST_F(Preempting, AndAbortEndsTheTasksOfThePreemptedThatWait) {
    register_hosts({1, 2});
    const auto running = host(3).begin({0xC0, 0});
    auto list = list_of(2, 1);
    const auto preempt = host(2).begin({0x5F, kPreemptAndAbort, 1, 0, 0, 0, 0, 0, 24, 0}, list);
    const auto theirs = host(1).begin({0xC1, 1});
    const auto mine = host(2).begin({0xC1, 2});
    EXPECT_FALSE(theirs->has_value());
    unit->release();
    settle(io);
    ASSERT_TRUE(preempt->has_value() && theirs->has_value() && mine->has_value());
    EXPECT_EQ(outcome(**preempt), "GOOD");
    EXPECT_EQ(outcome(**theirs), "ABORTED");
    EXPECT_EQ(outcome(**mine), "GOOD");
    EXPECT_EQ(outcome(**running), "GOOD");
    EXPECT_EQ(attention(1), "06/2A/05");
    EXPECT_EQ(attention(1), "06/2F/00") << "no status told of the task that was cleared";
    EXPECT_EQ(unit->ran, (std::vector<unsigned>{0, 2}));
    EXPECT_EQ(attention(1), "GOOD");
    EXPECT_EQ(attention(2), "GOOD");
}

TEST_F(Preempting, AndAbortOfItselfDoesNotWaitForItself) {
    register_hosts({1, 2});
    ASSERT_EQ(out(2, kReserve, 1, 2, 0), "GOOD");
    EXPECT_EQ(out(1, kPreemptAndAbort, 1, 1, 1), "GOOD");
    EXPECT_EQ(in(0),
              "0000000300000008"
              "0000000000000002");
}

TEST_F(Preempting, ClearEndsEverythingAndTellsTheOthers) {
    register_hosts({1, 2});
    ASSERT_EQ(out(1, kReserve, 3, 1, 0), "GOOD");
    EXPECT_EQ(out(2, kClear, 0, 2, 0), "GOOD");
    EXPECT_EQ(in(0), "0000000300000000");
    EXPECT_EQ(in(1), "0000000300000000");
    EXPECT_EQ(attention(1), "06/2A/03");
    EXPECT_EQ(attention(2), "GOOD");
    EXPECT_EQ(attention(3), "GOOD");
}

class Moving : public PersistentReservationsTest {
  protected:
    static Bytes move_list(std::uint64_t key, std::uint64_t action_key, const std::string& name,
                           std::uint8_t flags = 0) {
        Bytes list = list_of(key, action_key);
        list[17] = flags;
        list[19] = 1;
        list[20] = 0;
        const Bytes id = encode_transport_id(port_named(name));
        store_big_endian<4>(MutableByteView(list).subspan(20), id.size());
        list.insert(list.end(), id.begin(), id.end());
        return list;
    }
};

TEST_F(Moving, TheReservationGoesToThePortNamed) {
    register_hosts({1, 2});
    EXPECT_EQ(out(1, kRegisterAndMove, 0, move_list(1, 9, "iqn.h3")), "RESERVATION CONFLICT");
    ASSERT_EQ(out(1, kReserve, 3, 1, 0), "GOOD");
    EXPECT_EQ(out(2, kRegisterAndMove, 0, move_list(2, 9, "iqn.h3")), "RESERVATION CONFLICT");
    EXPECT_EQ(out(1, kRegisterAndMove, 0, move_list(1, 0, "iqn.h3")), "05/26/00 list 8.7");
    EXPECT_EQ(out(1, kRegisterAndMove, 0, move_list(1, 9, "iqn.h1")), "05/26/00 list 24");
    EXPECT_EQ(out(1, kRegisterAndMove, 0, move_list(1, 9, "iqn.h3", 0x04)), "05/26/00 list 17.7");
    Bytes elsewhere = move_list(1, 9, "iqn.h3");
    elsewhere[19] = 2;
    EXPECT_EQ(out(1, kRegisterAndMove, 0, elsewhere), "05/26/00 list 18.7");
    EXPECT_EQ(out(1, kRegisterAndMove, 0, list_of(1, 9)), "05/26/00 list 18.7");
    EXPECT_EQ(out(1, kRegisterAndMove, 0, move_list(1, 9, "iqn.h3", 0x02)), "GOOD");
    EXPECT_EQ(in(1),
              "0000000300000010"
              "0000000000000009"
              "0000000000030000");
    EXPECT_EQ(in(0),
              "0000000300000010"
              "0000000000000002"
              "0000000000000009");
    EXPECT_EQ(conflicting(3), "GOOD");
    EXPECT_EQ(conflicting(1), "RESERVATION CONFLICT");
}

class Reporting : public PersistentReservationsTest {};

TEST_F(Reporting, CapabilitiesTellTheTruth) {
    EXPECT_EQ(in(2), "00081D80EA010000");
    register_hosts({1}, 0x01);
    EXPECT_EQ(in(2), "00081D81EA010000");
    memory = nullptr;
    start_unit();
    EXPECT_EQ(in(2), "00081C80EA010000") << "nowhere to keep anything";
    EXPECT_EQ(out(1, kRegister, 0, 0, 1, 0x01), "05/26/00 list 20.0");
}

TEST_F(Reporting, FullStatusNamesTheHolders) {
    register_hosts({1, 2});
    ASSERT_EQ(out(2, kReserve, 3, 2, 0), "GOOD");
    const std::string first =
        "0000000000000001"
        "00000000"
        "0000"
        "00000000"
        "0001"
        "0000001C"
        "45000018" +
        hex(as_bytes("iqn.h1,i,0x000000000000")) + "00";
    const std::string second =
        "0000000000000002"
        "00000000"
        "0103"
        "00000000"
        "0001"
        "0000001C"
        "45000018" +
        hex(as_bytes("iqn.h2,i,0x000000000000")) + "00";
    EXPECT_EQ(in(3), "0000000200000068" + first + second);
    EXPECT_EQ(bytes_of(host(1).send({0x5E, 3, 0, 0, 0, 0, 0, 0, 9, 0})).size(), 9U);
}

class Persisting : public PersistentReservationsTest {};

TEST_F(Persisting, WithAptplAllButTheGenerationOutlivesARestart) {
    for (const unsigned type : kTypes) {
        SCOPED_TRACE(testing::Message() << "type " << type);
        memory->values.clear();
        start_unit();
        register_hosts({1, 2}, 0x01);
        ASSERT_EQ(out(2, kReserve, type, 2, 0), "GOOD");
        const std::string keys = in(0);
        const std::string reservation = in(1);
        const std::string status = in(3);
        start_unit();
        EXPECT_EQ(in(0), "00000000" + keys.substr(8));
        EXPECT_EQ(in(1), "00000000" + reservation.substr(8));
        EXPECT_EQ(in(3), "00000000" + status.substr(8));
        EXPECT_EQ(conflicting(3), "RESERVATION CONFLICT");
        EXPECT_EQ(out(2, kClear, 0, 2, 0), "GOOD");
        start_unit();
        EXPECT_EQ(in(0), "0000000000000000");
        EXPECT_EQ(conflicting(3), "GOOD");
    }
}

TEST_F(Persisting, WithoutAptplNothingDoes) {
    register_hosts({1, 2}, 0x01);
    ASSERT_EQ(out(2, kReserve, 3, 2, 0), "GOOD");
    ASSERT_EQ(out(1, kRegister, 0, 1, 7), "GOOD") << "APTPL = 0: for all of them";
    start_unit();
    EXPECT_EQ(in(0), "0000000000000000");
    EXPECT_EQ(conflicting(3), "GOOD");
}

TEST_F(Persisting, WhatCannotBeKeptDoesNotHappen) {
    register_hosts({1}, 0x01);
    memory->fails = true;
    EXPECT_EQ(out(1, kReserve, 3, 1, 0), "04/44/00 ");
    EXPECT_EQ(out(2, kRegister, 0, 0, 2, 0x01), "04/44/00 ");
    EXPECT_EQ(in(0),
              "0000000100000008"
              "0000000000000001");
    EXPECT_EQ(conflicting(3), "GOOD");
    memory->fails = false;
    EXPECT_EQ(out(1, kReserve, 3, 1, 0), "GOOD");
}

TEST_F(Persisting, DamagedMemoryIsNoReservation) {
    memory->values[std::string(kPersistentReservationsValue)] = {1, 3, 0, 1, 9};
    start_unit();
    EXPECT_EQ(in(0), "0000000000000000");
    memory->values[std::string(kPersistentReservationsValue)] = {2};
    start_unit();
    EXPECT_EQ(in(1), "0000000000000000");
}

class WithReserve : public PersistentReservationsTest {};

TEST_F(WithReserve, AReserveOfWhomeverKeepsPersistentReservationsOut) {
    ASSERT_EQ(outcome(host(1).send({0x16})), "GOOD");
    EXPECT_EQ(out(1, kRegister, 0, 0, 1), "RESERVATION CONFLICT");
    EXPECT_EQ(out(2, kRegister, 0, 0, 1), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(host(1).send({0x5E, 0, 0, 0, 0, 0, 0, 0, 8, 0})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(host(2).send({0xC6})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(host(2).send({0xC7})), "RESERVATION CONFLICT");
    ASSERT_EQ(outcome(host(1).send({0x17})), "GOOD");
    EXPECT_EQ(out(1, kRegister, 0, 0, 1), "GOOD");
}

TEST_F(WithReserve, RegistrationsKeepReserveOut) {
    register_hosts({1, 2});
    EXPECT_EQ(outcome(host(1).send({0x16})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(host(3).send({0x56})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(host(3).send({0x17})), "RESERVATION CONFLICT");
    ASSERT_EQ(out(1, kReserve, 1, 1, 0), "GOOD");
    EXPECT_EQ(outcome(host(1).send({0x16})), "GOOD") << "of the holder: without effect (CRH)";
    EXPECT_EQ(outcome(host(1).send({0x17})), "GOOD");
    EXPECT_EQ(outcome(host(2).send({0x16})), "RESERVATION CONFLICT");
    EXPECT_EQ(outcome(host(2).send({0xC7})), "GOOD") << "it reserved nothing";
    ASSERT_EQ(out(1, kPreempt, 5, 1, 1), "GOOD");
    host(2).send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(outcome(host(2).send({0x16})), "GOOD");
    EXPECT_EQ(outcome(host(3).send({0x16})), "RESERVATION CONFLICT");
}

}  // namespace
}  // namespace tapeloft::vtl::scsi
