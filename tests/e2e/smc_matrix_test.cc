// Every command of a changer in every state of the library: status, sense, and where cartridges
// stand afterwards.
#include <algorithm>
#include <map>

#include "tests/e2e/command_matrix.h"
#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

constexpr const char* kSourceEmpty = "05/3B/0E";
constexpr const char* kFull = "05/3B/0D";  // the destination
constexpr const char* kPrevented = "05/53/02";
constexpr const char* kOpen = "05/3B/11";  // the magazine is not accessible
constexpr const char* kNoElement = "05/21/01";

constexpr std::uint16_t kNowhere = 2000;

using Places = std::map<std::string, std::uint16_t>;

struct ChangerRow {
    enum Passes : std::uint8_t {
        nothing = 0,
        attention = 1,
        reserve = 2,           // of SPC-2
        write_exclusive = 4,   // persistent, of any type of that name
        exclusive_access = 8,  // the same
        persistent = 12,
        anybody = 14,
        always = 15,
    };

    const char* name;
    Cdb cdb;
    std::size_t in;
    Bytes out;
    // no cartridge at all; stocked, drive 0 loaded; drive 0 unloaded by a host; removal prevented
    // by another host in drive 0 and changer; mail slots open
    Outcomes expected;
    int passes;
    Places moved = {};  // where GOOD puts cartridges
};

Cdb move_cdb(std::uint16_t from, std::uint16_t to, std::uint8_t invert = 0) {
    Cdb cdb{0xA5, 0, 0, 0, 0, 0, 0, 0, 0, 0, invert, 0};
    store_big_endian<2>(MutableByteView(cdb).subspan(4), from);
    store_big_endian<2>(MutableByteView(cdb).subspan(6), to);
    return cdb;
}

Cdb exchange_cdb(std::uint16_t source, std::uint16_t first, std::uint16_t second) {
    Cdb cdb{0xA6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    store_big_endian<2>(MutableByteView(cdb).subspan(4), source);
    store_big_endian<2>(MutableByteView(cdb).subspan(6), first);
    store_big_endian<2>(MutableByteView(cdb).subspan(8), second);
    return cdb;
}

Bytes volume_tag(std::string text) {
    text.resize(32, ' ');
    Bytes list(as_bytes(text).begin(), as_bytes(text).end());
    list.resize(40);
    return list;
}

// clang-format off
std::vector<ChangerRow> common_rows() {
    using enum ChangerRow::Passes;
    const Bytes no_data;
    const Bytes list(24);
    const Bytes timestamp = {0, 0, 0, 0, 1, 0x90, 0, 0, 0, 0, 0, 0};
    const Bytes identifier = {'h', 'o', 's', 't'};
    return {
        {"TEST UNIT READY", {0x00, 0, 0, 0, 0, 0}, 0, no_data, all(kGood), persistent},
        {"REQUEST SENSE", {0x03, 0, 0, 0, 252, 0}, 252, no_data, all(kGood), always},
        {"INQUIRY", {0x12, 0, 0, 0, 36, 0}, 36, no_data, all(kGood), always},
        {"MODE SELECT(6)", {0x15, 0x10, 0, 0, 4, 0}, 0, Bytes(4), all(kGood), nothing},
        {"RESERVE(6)", {0x16, 0, 0, 0, 0, 0}, 0, no_data, all(kGood), nothing},
        {"RELEASE(6)", {0x17, 0, 0, 0, 0, 0}, 0, no_data, all(kGood), reserve},
        {"MODE SENSE(6)", {0x1A, 8, 0x1D, 0, 255, 0}, 255, no_data, all(kGood), write_exclusive},
        {"RECEIVE DIAGNOSTIC RESULTS", {0x1C, 1, 0, 0, 64, 0}, 64, no_data, all(kGood), write_exclusive},
        {"SEND DIAGNOSTIC", {0x1D, 4, 0, 0, 0, 0}, 0, no_data, all(kGood), nothing},
        {"WRITE BUFFER", {0x3B, 0x0A, 0, 0, 0, 0, 0, 0, 4, 0}, 0, Bytes(4), all(kGood), nothing},
        {"READ BUFFER", {0x3C, 3, 0, 0, 0, 0, 0, 0, 4, 0}, 4, no_data, all(kGood), write_exclusive},
        {"LOG SELECT", {0x4C, 2, 0x40, 0, 0, 0, 0, 0, 0, 0}, 0, no_data, all(kGood), nothing},
        {"LOG SENSE", {0x4D, 0, 0x54, 0, 0, 0, 0, 0x10, 0, 0}, 4096, no_data, all(kGood), anybody},
        {"MODE SELECT(10)", {0x55, 0x10, 0, 0, 0, 0, 0, 0, 8, 0}, 0, Bytes(8), all(kGood), nothing},
        {"RESERVE(10)", {0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data, all(kGood), nothing},
        {"RELEASE(10)", {0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data, all(kGood), reserve},
        {"MODE SENSE(10)", {0x5A, 0, 0x3F, 0, 0, 0, 0, 0x10, 0, 0}, 4096, no_data, all(kGood), write_exclusive},
        {"READ KEYS", {0x5E, 0, 0, 0, 0, 0, 0, 1, 0, 0}, 256, no_data, all(kGood), persistent},
        {"READ RESERVATION", {0x5E, 1, 0, 0, 0, 0, 0, 1, 0, 0}, 256, no_data, all(kGood), persistent},
        {"REPORT CAPABILITIES", {0x5E, 2, 0, 0, 0, 0, 0, 1, 0, 0}, 256, no_data, all(kGood), persistent},
        {"READ FULL STATUS", {0x5E, 3, 0, 0, 0, 0, 0, 4, 0, 0}, 1024, no_data, all(kGood), persistent},
        {"REGISTER of no key", {0x5F, 0, 0, 0, 0, 0, 0, 0, 24, 0}, 0, list, all(kGood), persistent},
        {"RESERVE unregistered", {0x5F, 1, 3, 0, 0, 0, 0, 0, 24, 0}, 0, list, all(kConflict), persistent},
        {"RELEASE unregistered", {0x5F, 2, 3, 0, 0, 0, 0, 0, 24, 0}, 0, list, all(kConflict), persistent},
        {"CLEAR unregistered", {0x5F, 3, 0, 0, 0, 0, 0, 0, 24, 0}, 0, list, all(kConflict), persistent},
        {"PREEMPT unregistered", {0x5F, 4, 3, 0, 0, 0, 0, 0, 24, 0}, 0, list, all(kConflict), persistent},
        {"PREEMPT AND ABORT unregistered", {0x5F, 5, 3, 0, 0, 0, 0, 0, 24, 0}, 0, list, all(kConflict), persistent},
        {"REGISTER AND IGNORE EXISTING KEY of no key", {0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0}, 0, list, all(kGood), persistent},
        {"REGISTER AND MOVE to no port", {0x5F, 7, 0, 0, 0, 0, 0, 0, 24, 0}, 0, list, all("05/26/00"), persistent},
        {"REPLACE LOST RESERVATION", {0x5F, 8, 3, 0, 0, 0, 0, 0, 24, 0}, 0, list, all("05/24/00"), nothing},
        {"REPORT LUNS", {0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256, no_data, all(kGood), always},
        {"REPORT IDENTIFYING INFORMATION", {0xA3, 5, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256, no_data, all(kGood), anybody},
        {"REPORT TARGET PORT GROUPS", {0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256, no_data, all(kGood), anybody},
        {"REPORT SUPPORTED OPERATION CODES", {0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0}, 0x4000, no_data, all(kGood), anybody},
        {"REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", {0xA3, 0x0D, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0}, 16, no_data, all(kGood), anybody},
        {"REPORT TIMESTAMP", {0xA3, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, 12, no_data, all(kGood), anybody},
        {"SET IDENTIFYING INFORMATION", {0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0}, 0, identifier, all(kGood), nothing},
        {"SET TIMESTAMP", {0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, 0, timestamp, all(kGood), nothing},
        {"an unknown operation code", {0xC7, 0, 0, 0, 0, 0}, 0, no_data, all("05/20/00"), nothing},
    };
}

std::vector<ChangerRow> smc_rows() {
    using enum ChangerRow::Passes;
    const Bytes no_data;
    const auto everything = volume_tag("*");
    //                                                                         no cartridge  stocked       unloaded      prevented     mail slots open
    return {
        {"INITIALIZE ELEMENT STATUS", {0x07, 0, 0, 0, 0, 0}, 0, no_data,       all(kGood), nothing},
        {"INITIALIZE ... WITH RANGE", {0x37, 1, 3, 0xE8, 0, 0, 0, 2, 0, 0}, 0, no_data, all(kGood), nothing},
        {"the same, vendor's",        {0xE7, 1, 3, 0xE8, 0, 0, 0, 2, 0, 0}, 0, no_data, all(kGood), nothing},
        {"OPEN IMPORT/EXPORT",        {0x1B, 0, 0, 16, 0, 0}, 0, no_data,      {kGood,        kGood,        kGood,        kPrevented,   kGood}, nothing},
        {"CLOSE IMPORT/EXPORT",       {0x1B, 0, 0, 16, 1, 0}, 0, no_data,      all(kGood), nothing},
        {"OPEN a slot",               {0x1B, 0, 3, 0xE8, 0, 0}, 0, no_data,    all(kNoElement), nothing},
        {"PREVENT",                   {0x1E, 0, 0, 0, 1, 0}, 0, no_data,       all(kGood), nothing},
        {"ALLOW",                     {0x1E, 0, 0, 0, 0, 0}, 0, no_data,       all(kGood), anybody},
        {"POSITION TO ELEMENT",       {0x2B, 0, 0, 0, 3, 0xE8, 0, 0, 0, 0}, 0, no_data, all(kGood), nothing},
        {"POSITION to nowhere",       {0x2B, 0, 0, 0, 7, 0xD0, 0, 0, 0, 0}, 0, no_data, all(kNoElement), nothing},
        {"MOVE, slot to slot",        move_cdb(kSlot1, kSlot3), 0, no_data,    {kSourceEmpty, kGood,        kGood,        kGood,        kGood}, nothing, {{"TL0001L9", kSlot3}}},
        {"MOVE, to where it is",      move_cdb(kSlot1, kSlot1), 0, no_data,    {kSourceEmpty, kGood,        kGood,        kGood,        kGood}, nothing},
        {"MOVE, source empty",        move_cdb(kSlot3, kSlot4), 0, no_data,    all(kSourceEmpty), nothing},
        {"MOVE, destination full",    move_cdb(kSlot1, kSlot2), 0, no_data,    {kSourceEmpty, kFull,        kFull,        kFull,        kFull}, nothing},
        {"MOVE, into a full drive",   move_cdb(kSlot1, kDrive0), 0, no_data,   {kSourceEmpty, kFull,        kFull,        kFull,        kFull}, nothing},
        {"MOVE, into a drive",        move_cdb(kSlot1, kDrive1), 0, no_data,   {kSourceEmpty, kGood,        kGood,        kGood,        kGood}, nothing, {{"TL0001L9", kDrive1}}},
        {"MOVE, out of a drive",      move_cdb(kDrive0, kSlot3), 0, no_data,   {kSourceEmpty, kGood,        kGood,        kPrevented,   kGood}, nothing, {{"TL0003L9", kSlot3}}},
        {"MOVE, drive to drive",      move_cdb(kDrive0, kDrive1), 0, no_data,  {kSourceEmpty, kGood,        kGood,        kPrevented,   kGood}, nothing, {{"TL0003L9", kDrive1}}},
        {"MOVE, out of an empty drive", move_cdb(kDrive1, kSlot3), 0, no_data, all(kSourceEmpty), nothing},
        {"MOVE, into a mail slot",    move_cdb(kSlot1, kMail2), 0, no_data,    {kSourceEmpty, kGood,        kGood,        kGood,        kOpen}, nothing, {{"TL0001L9", kMail2}}},
        {"MOVE, out of a mail slot",  move_cdb(kMail1, kSlot4), 0, no_data,    {kSourceEmpty, kGood,        kGood,        kGood,        kOpen}, nothing, {{"TL0004L9", kSlot4}}},
        {"MOVE, from nowhere",        move_cdb(kNowhere, kSlot3), 0, no_data,  all(kNoElement), nothing},
        {"MOVE, to nowhere",          move_cdb(kSlot1, kNowhere), 0, no_data,  all(kNoElement), nothing},
        {"MOVE, to the robot",        move_cdb(kSlot1, 0), 0, no_data,         all(kNoElement), nothing},
        {"MOVE, inverted",            move_cdb(kSlot1, kSlot3, 1), 0, no_data, all("05/24/00"), nothing},
        {"EXCHANGE, slots",           exchange_cdb(kSlot1, kSlot2, kSlot3), 0, no_data, {kSourceEmpty, kGood, kGood, kGood, kGood}, nothing, {{"TL0001L9", kSlot2}, {"TL0002L9", kSlot3}}},
        {"EXCHANGE, swap",            exchange_cdb(kSlot1, kSlot2, kSlot1), 0, no_data, {kSourceEmpty, kGood, kGood, kGood, kGood}, nothing, {{"TL0001L9", kSlot2}, {"TL0002L9", kSlot1}}},
        {"EXCHANGE, with a drive",    exchange_cdb(kSlot1, kDrive0, kSlot3), 0, no_data, {kSourceEmpty, kGood, kGood, kPrevented, kGood}, nothing, {{"TL0001L9", kDrive0}, {"TL0003L9", kSlot3}}},
        {"EXCHANGE, source empty",    exchange_cdb(kSlot3, kSlot1, kSlot4), 0, no_data, all(kSourceEmpty), nothing},
        {"EXCHANGE, first empty",     exchange_cdb(kSlot1, kSlot3, kSlot4), 0, no_data, all(kSourceEmpty), nothing},
        {"EXCHANGE, second full",     exchange_cdb(kSlot1, kSlot2, kDrive0), 0, no_data, {kSourceEmpty, kFull, kFull, kFull, kFull}, nothing},
        {"EXCHANGE, with a mail slot", exchange_cdb(kSlot1, kMail1, kSlot4), 0, no_data, {kSourceEmpty, kGood, kGood, kGood, kOpen}, nothing, {{"TL0001L9", kMail1}, {"TL0004L9", kSlot4}}},
        {"EXCHANGE, to nowhere",      exchange_cdb(kSlot1, kSlot2, kNowhere), 0, no_data, all(kNoElement), nothing},
        {"REQUEST VOLUME ELEMENT ADDRESS without a search", {0xB5, 0x10, 0, 0, 0, 9, 0, 0, 16, 0, 0, 0}, 4096, no_data, all("05/2C/00"), nothing},
        {"SEND VOLUME TAG, search",   {0xB6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0}, 0, everything, all(kGood), nothing},
        {"REQUEST VOLUME ELEMENT ADDRESS", {0xB5, 0x10, 0, 0, 0, 9, 0, 0, 16, 0, 0, 0}, 4096, no_data, all(kGood), nothing},
        {"SEND VOLUME TAG, assert",   {0xB6, 0, 3, 0xE8, 0, 9, 0, 0, 0, 40, 0, 0}, 0, volume_tag("FRIDAY"), {kSourceEmpty, kGood, kGood, kGood, kGood}, nothing},
        {"SEND VOLUME TAG, undefine", {0xB6, 0, 3, 0xE8, 0, 13, 0, 0, 0, 0, 0, 0}, 0, no_data, {kSourceEmpty, kGood, kGood, kGood, kGood}, nothing},
        {"SEND VOLUME TAG, assert a label", {0xB6, 0, 3, 0xE8, 0, 8, 0, 0, 0, 40, 0, 0}, 0, volume_tag("NEW001L9"), all("05/24/00"), nothing},
        {"READ ELEMENT STATUS",       {0xB8, 0x10, 0, 0, 0, 99, 0, 0, 64, 0, 0, 0}, 0x4000, no_data, all(kGood), nothing},
        {"READ ELEMENT STATUS, current data", {0xB8, 0x10, 0, 0, 0, 99, 3, 0, 64, 0, 0, 0}, 0x4000, no_data, all(kGood), anybody},
    };
}
// clang-format on

std::vector<ChangerRow> changer_rows() {
    auto all_rows = common_rows();
    auto more = smc_rows();
    std::move(more.begin(), more.end(), std::back_inserter(all_rows));
    return all_rows;
}

const Places& stocked_places() {
    static const Places kPlaces = {
        {"TL0001L9", kSlot1}, {"TL0002L9", kSlot2}, {"TL0003L9", kDrive0}, {"TL0004L9", kMail1}};
    return kPlaces;
}

class SmcMatrix : public LibraryFixture {
  protected:
    void begin(bool stocked) {
        start(stocked ? "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0004L9\"\n" : "", "",
              "slots = 6\nimport_export_slots = 2\n");
        host_.emplace(login());
        auto options = login_options();
        options.initiator_name += "-other";
        auto other = ScsiHost::login(options);
        ASSERT_OK(other);
        other_.emplace(std::move(*other));
        if (stocked) {
            ASSERT_GOOD(ChangerHost(*host_).move(kSlot3, kDrive0));
            ASSERT_GOOD(ChangerHost(*host_).move(kSlot4, kMail1));
        }
        take_attentions();
    }
    void take_attentions() {
        for (auto* const host : {&*host_, &*other_}) {
            for (int lun = 0; lun <= 2; ++lun) {
                (void)TapeHost(*host, lun).wait_ready();
            }
        }
    }
    std::string send(const ChangerRow& row) { return outcome_of(*host_, 0, row); }
    TapeHost mine(int lun = 0) { return TapeHost(*host_, lun); }
    TapeHost theirs(int lun = 0) { return TapeHost(*other_, lun); }

    Places places() {
        const auto elements = ChangerHost(*other_).inventory();
        EXPECT_TRUE(elements.has_value()) << elements.error().message;
        Places found;
        for (const auto& element : *elements) {
            if (element.full) {
                EXPECT_TRUE(found.emplace(element.barcode, element.address).second);
            }
        }
        return found;
    }
    /// Puts every cartridge back; one that another stands in the way of goes by way of a free slot.
    void restore(const Places& before) {
        for (auto now = places(); now != before; now = places()) {
            bool moved = false;
            for (const auto& [barcode, address] : before) {
                const bool free = std::none_of(
                    now.begin(), now.end(),
                    [address = address](const auto& each) { return each.second == address; });
                if (now.at(barcode) != address && free) {
                    ASSERT_GOOD(ChangerHost(*host_).move(now.at(barcode), address));
                    now[barcode] = address;
                    moved = true;
                }
            }
            if (!moved) {
                const auto stuck = std::find_if(
                    before.begin(), before.end(),
                    [&now](const auto& each) { return now.at(each.first) != each.second; });
                ASSERT_GOOD(ChangerHost(*host_).move(now.at(stuck->first), kSlot6));
            }
        }
    }
    /// Every row in a state that prepare() makes (before each one), and what it leaves.
    template <typename Prepare>
    void expect_column(std::size_t column, const Prepare& prepare) {
        const Places before = column == 0 ? Places() : stocked_places();
        for (const auto& row : changer_rows()) {
            SCOPED_TRACE(row.name);
            prepare();
            ASSERT_FALSE(HasFatalFailure());
            const auto outcome = send(row);
            EXPECT_EQ(outcome, row.expected.at(column));
            auto after = before;
            if (outcome == kGood) {
                for (const auto& [barcode, address] : row.moved) {
                    after[barcode] = address;
                }
            }
            EXPECT_EQ(places(), after);
            ASSERT_GOOD(mine().command({0x1E, 0, 0, 0, 0, 0}));  // what the row may have begun
            ASSERT_GOOD(mine().command({0x17, 0, 0, 0, 0, 0}));
            if (row.cdb[0] == 0x1B || after != before) {
                take_attentions();
                ASSERT_GOOD(mine().command({0x1B, 0, 0, 16, 1, 0}));
                ASSERT_GOOD(theirs(1).command({0x1E, 0, 0, 0, 0, 0}));
                restore(before);
                take_attentions();
            }
        }
    }

    void reserve_persistently(std::uint8_t type) {
        Bytes list(24);
        list[15] = 0x77;  // service action reservation key
        ASSERT_GOOD(theirs().command_out({0x5F, 0, 0, 0, 0, 0, 0, 0, 24, 0}, list));
        std::swap(list[7], list[15]);
        ASSERT_GOOD(theirs().command_out({0x5F, 1, type, 0, 0, 0, 0, 0, 24, 0}, list));
    }
    void clear_reservations() {
        Bytes list(24);
        list[7] = 0x77;
        ASSERT_GOOD(theirs().command_out({0x5F, 3, 0, 0, 0, 0, 0, 0, 24, 0}, list));
    }
    /// Every row while the other host has the changer reserved.
    void expect_reserved(int passes) {
        for (const auto& row : changer_rows()) {
            SCOPED_TRACE(row.name);
            EXPECT_EQ(send(row), (row.passes & passes) != 0 ? row.expected[1] : kConflict);
        }
        EXPECT_EQ(places(), stocked_places());
    }

    std::optional<ScsiHost> host_;
    std::optional<ScsiHost> other_;
};

TEST_F(SmcMatrix, OfALibraryWithoutACartridge) {
    begin(false);
    expect_column(0, [] {});
}

TEST_F(SmcMatrix, OfAStockedLibraryWithALoadedDrive) {
    begin(true);
    expect_column(1, [] {});
}

TEST_F(SmcMatrix, WithACartridgeThatAHostHasUnloaded) {
    begin(true);
    expect_column(2, [this] { ASSERT_GOOD(mine(1).unload()); });
}

TEST_F(SmcMatrix, WhileAnotherHostPreventsRemoval) {
    begin(true);
    expect_column(3, [this] {
        ASSERT_GOOD(theirs(1).command({0x1E, 0, 0, 0, 1, 0}));
        ASSERT_GOOD(theirs().command({0x1E, 0, 0, 0, 1, 0}));
    });
}

TEST_F(SmcMatrix, WhileTheMailSlotsAreOpen) {
    begin(true);
    expect_column(4, [this] { ASSERT_GOOD(mine().command({0x1B, 0, 0, 16, 0, 0})); });
}

TEST_F(SmcMatrix, WhileAUnitAttentionWaits) {
    begin(true);
    for (const auto& row : changer_rows()) {
        SCOPED_TRACE(row.name);
        ASSERT_GOOD(theirs().command({0x1B, 0, 0, 16, 0, 0}));
        ASSERT_GOOD(theirs().command({0x1B, 0, 0, 16, 1, 0}));
        EXPECT_EQ(send(row), (row.passes & ChangerRow::attention) != 0 ? kGood : "06/28/01");
        const bool still_there = row.cdb[0] == 0x12 || row.cdb[0] == 0xA0;
        const auto next = mine().test_unit_ready();
        ASSERT_OK(next);
        EXPECT_EQ(next->is(6, 0x2801), still_there) << next->text();
        EXPECT_EQ(places(), stocked_places());
    }
}

TEST_F(SmcMatrix, WhileAnotherHostHasItReserved) {
    begin(true);
    ASSERT_GOOD(theirs().command({0x16, 0, 0, 0, 0, 0}));
    expect_reserved(ChangerRow::reserve);
    ASSERT_GOOD(theirs().command({0x17, 0, 0, 0, 0, 0}));
}

TEST_F(SmcMatrix, WhileAnotherHostHasItReservedPersistently) {
    begin(true);
    for (const auto type : std::to_array<std::uint8_t>({1, 3, 5, 6, 7, 8})) {
        SCOPED_TRACE(testing::Message() << "type " << int{type});
        reserve_persistently(type);
        const bool readable = type == 1 || type == 5 || type == 7;
        expect_reserved(readable ? ChangerRow::write_exclusive : ChangerRow::exclusive_access);
        clear_reservations();
        take_attentions();
    }
}

}  // namespace
}  // namespace tapeloft::tests
