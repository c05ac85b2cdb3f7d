// Every command of a drive in every state of drive and medium: status, sense, and what it leaves.
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string_view>

#include "media/catalog/catalog.h"

#include "tests/e2e/command_matrix.h"
#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

constexpr std::size_t kRecordLength = 1000;
constexpr std::uint64_t kObjects = 3;  // a record, a filemark, a record

constexpr const char* kNone = "02/3A/00";       // medium not present
constexpr const char* kProtected = "07/27/00";  // write protected
constexpr const char* kOverwrite = "07/30/0C";  // WORM medium, overwrite attempted
constexpr const char* kEnd = "08/00/05";
constexpr const char* kMark = "00/00/01";
constexpr const char* kDamaged = "03/52/00";  // cartridge fault

/// What a command that changes the medium leaves where it may: its first object, and how many.
struct Left {
    std::uint64_t objects = 0;
    const char* first = kEnd;  // outcome of READ at the beginning
    Bytes record = {};         // what it gives
};

struct DriveRow {
    enum Passes : std::uint8_t { nothing = 0, attention = 1, reservation = 2, both = 3 };

    const char* name;
    Cdb cdb;
    std::size_t in;
    Bytes out;
    Outcomes expected;  // empty, blank, data, write-protected, WORM
    Passes passes;
    std::optional<Left> left = {};  // none: the medium is as before
};

Bytes parameter_list(std::initializer_list<std::uint8_t> head, std::size_t size) {
    Bytes bytes(head);
    bytes.resize(size);
    return bytes;
}

/// To an initiator port by its name and session (SPC-5, 6.17.4 and 7.6.4.7), in 64 bytes.
Bytes register_and_move_list() {
    const std::string port = "iqn.2026-11.x:y,i,0x000000000001";
    Bytes list(24);
    list[15] = 0x77;  // service action reservation key
    list[19] = 1;     // relative target port
    list[23] = 40;
    list.insert(list.end(), {0x45, 0, 0, 36});
    list.insert(list.end(), port.begin(), port.end());
    list.resize(64);
    return list;
}

// clang-format off
std::vector<DriveRow> rows_of_six_bytes() {
    using enum DriveRow::Passes;
    const Bytes no_data;
    const Bytes four = {'f', 'o', 'u', 'r'};
    const Left kBlank;
    const Bytes select6 = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0, 0};
    return {
        //                                                                                     empty  blank  data   protected   WORM
        {"TEST UNIT READY",      {0x00, 0, 0, 0, 0, 0}, 0, no_data,                            {kNone, kGood, kGood, kGood, kGood}, reservation},
        {"REWIND",               {0x01, 0, 0, 0, 0, 0}, 0, no_data,                            {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"REQUEST SENSE",        {0x03, 0, 0, 0, 252, 0}, 252, no_data,                        {kGood, kGood, kGood, kGood, kGood}, both},
        {"FORMAT MEDIUM",        {0x04, 0, 0, 0, 0, 0}, 0, no_data,                            {kNone, kGood, kGood, kProtected, kOverwrite}, nothing, kBlank},
        {"READ BLOCK LIMITS",    {0x05, 0, 0, 0, 0, 0}, 6, no_data,                            {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"READ(6)",              {0x08, 2, 0, 2, 0, 0}, 512, no_data,                          {kNone, kEnd, kGood, kGood, kGood}, nothing},
        {"WRITE(6)",             {0x0A, 0, 0, 0, 4, 0}, 0, four,                               {kNone, kGood, kGood, kProtected, kOverwrite}, nothing, Left{1, kGood, four}},
        {"SET CAPACITY",         {0x0B, 0, 0, 0xFF, 0xFF, 0}, 0, no_data,                      {kNone, kGood, kGood, kProtected, kOverwrite}, nothing, kBlank},
        {"WRITE FILEMARKS(6)",   {0x10, 0, 0, 0, 1, 0}, 0, no_data,                            {kNone, kGood, kGood, kProtected, kOverwrite}, nothing, Left{1, kMark}},
        {"WRITE FILEMARKS(6), 0", {0x10, 0, 0, 0, 0, 0}, 0, no_data,                           {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"SPACE(6), EOD",        {0x11, 3, 0, 0, 0, 0}, 0, no_data,                            {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"SPACE(6), filemark",   {0x11, 1, 0, 0, 1, 0}, 0, no_data,                            {kNone, kEnd, kGood, kGood, kGood}, nothing},
        {"INQUIRY",              {0x12, 0, 0, 0, 36, 0}, 36, no_data,                          {kGood, kGood, kGood, kGood, kGood}, both},
        {"VERIFY(6)",            {0x13, 0, 0, 0x03, 0xE8, 0}, 0, no_data,                      {kNone, kEnd, kGood, kGood, kGood}, nothing},
        {"MODE SELECT(6)",       {0x15, 0x10, 0, 0, 12, 0}, 0, select6,                        {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"RESERVE(6)",           {0x16, 0, 0, 0, 0, 0}, 0, no_data,                            {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"RELEASE(6)",           {0x17, 0, 0, 0, 0, 0}, 0, no_data,                            {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"ERASE(6)",             {0x19, 0, 0, 0, 0, 0}, 0, no_data,                            {kNone, kGood, kGood, kProtected, kOverwrite}, nothing, kBlank},
        {"ERASE(6), LONG",       {0x19, 1, 0, 0, 0, 0}, 0, no_data,                            {kNone, kGood, kGood, kProtected, kOverwrite}, nothing, kBlank},
        {"MODE SENSE(6)",        {0x1A, 0, 0x0F, 0, 255, 0}, 255, no_data,                     {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"LOAD",                 {0x1B, 0, 0, 0, 1, 0}, 0, no_data,                            {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"UNLOAD",               {0x1B, 0, 0, 0, 0, 0}, 0, no_data,                            {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"RECEIVE DIAGNOSTIC RESULTS", {0x1C, 1, 0, 0, 5, 0}, 5, no_data,                      {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"SEND DIAGNOSTIC",      {0x1D, 4, 0, 0, 0, 0}, 0, no_data,                            {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"PREVENT",              {0x1E, 0, 0, 0, 1, 0}, 0, no_data,                            {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"ALLOW",                {0x1E, 0, 0, 0, 0, 0}, 0, no_data,                            {kGood, kGood, kGood, kGood, kGood}, reservation},
    };
}

std::vector<DriveRow> rows_of_persistent_reservations() {
    using enum DriveRow::Passes;
    const Bytes no_data;
    const Bytes move_list = register_and_move_list();
    return {
        {"READ KEYS",            {0x5E, 0, 0, 0, 0, 0, 0, 1, 0, 0}, 256, no_data,              {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"READ RESERVATION",     {0x5E, 1, 0, 0, 0, 0, 0, 1, 0, 0}, 256, no_data,              {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"REPORT CAPABILITIES",  {0x5E, 2, 0, 0, 0, 0, 0, 1, 0, 0}, 256, no_data,              {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"READ FULL STATUS",     {0x5E, 3, 0, 0, 0, 0, 0, 4, 0, 0}, 1024, no_data,             {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"READ KEYS, reserved action", {0x5E, 4, 0, 0, 0, 0, 0, 1, 0, 0}, 256, no_data,        all("05/24/00"), nothing},
        {"REGISTER, none",       {0x5F, 0, 0, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24),             all(kGood), reservation},
        {"RESERVE, unregistered", {0x5F, 1, 3, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24),            all(kConflict), reservation},
        {"RELEASE, unregistered", {0x5F, 2, 3, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24),            all(kConflict), reservation},
        {"CLEAR, unregistered",  {0x5F, 3, 0, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24),             all(kConflict), reservation},
        {"PREEMPT, unregistered", {0x5F, 4, 3, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24),            all(kConflict), reservation},
        {"PREEMPT AND ABORT, unregistered", {0x5F, 5, 3, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24),  all(kConflict), reservation},
        {"REGISTER AND MOVE, unregistered", {0x5F, 7, 0, 0, 0, 0, 0, 0, 64, 0}, 0, move_list,  all(kConflict), reservation},
        {"REPLACE LOST RESERVATION", {0x5F, 8, 3, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24),         all("05/24/00"), nothing},
        {"REGISTER AND IGNORE EXISTING KEY, none", {0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0}, 0, Bytes(24), {kGood, kGood, kGood, kGood, kGood}, reservation},
    };
}

std::vector<DriveRow> rows_of_more_bytes() {
    using enum DriveRow::Passes;
    const Bytes no_data;
    const Bytes select10 = {0, 0, 0, 0x10, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0};
    const Bytes attribute = {0, 0, 0, 7, 0x08, 0x05, 0, 0, 1, 0x81, 0};
    const Bytes timestamp = parameter_list({0, 0, 0, 0, 1, 0x90, 0, 0, 0, 0}, 12);
    const Bytes clear_key = parameter_list({0, 0x10, 0, 0x10, 0x40, 0, 0, 0, 1}, 20);
    const Bytes identifier = {'h', 'o', 's', 't'};
    return {
        //                                                                                     empty  blank  data   protected   WORM
        {"LOCATE(10)",           {0x2B, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data,                {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ POSITION, short", {0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 20, no_data,               {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ POSITION, 01h",   {0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 20, no_data,               {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ POSITION, long",  {0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}, 32, no_data,               {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ POSITION, extended", {0x34, 8, 0, 0, 0, 0, 0, 0, 32, 0}, 32, no_data,           {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"WRITE BUFFER, echo",   {0x3B, 0x0A, 0, 0, 0, 0, 0, 0, 4, 0}, 0, Bytes(4),            {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"READ BUFFER",          {0x3C, 3, 0, 0, 0, 0, 0, 0, 4, 0}, 4, no_data,                {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"REPORT DENSITY SUPPORT", {0x44, 0, 0, 0, 0, 0, 0, 0x10, 0, 0}, 4096, no_data,        {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"LOG SELECT, reset",    {0x4C, 2, 0xC0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data,             {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"LOG SENSE",            {0x4D, 0, 0x51, 0, 0, 0, 0, 0x10, 0, 0}, 4096, no_data,       {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"MODE SELECT(10)",      {0x55, 0x10, 0, 0, 0, 0, 0, 0, 16, 0}, 0, select10,           {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"RESERVE(10)",          {0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data,                {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"RELEASE(10)",          {0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data,                {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"MODE SENSE(10)",       {0x5A, 0, 0x3F, 0, 0, 0, 0, 0x10, 0, 0}, 4096, no_data,       {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"ALLOW OVERWRITE, none", {0x82, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data, {kNone, kGood, kGood, kProtected, kGood}, nothing},
        {"READ ATTRIBUTE, values", {0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0}, 0x8000, no_data, {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ ATTRIBUTE, list", {0x8C, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0}, 0x8000, no_data, {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ ATTRIBUTE, logical volumes", {0x8C, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0}, 0x8000, no_data, {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ ATTRIBUTE, partitions", {0x8C, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0}, 0x8000, no_data, {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ ATTRIBUTE, supported", {0x8C, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0}, 0x8000, no_data, {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"READ ATTRIBUTE, reserved action", {0x8C, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0}, 0x8000, no_data, all("05/24/00"), nothing},
        {"WRITE ATTRIBUTE",      {0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0}, 0, Bytes(attribute.begin(), attribute.begin() + 10), {kNone, kGood, kGood, kProtected, kGood}, nothing},
        {"SPACE(16)",            {0x91, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0, no_data, {kNone, kEnd, kGood, kGood, kGood}, nothing},
        {"LOCATE(16)",           {0x92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, no_data, {kNone, kGood, kGood, kGood, kGood}, nothing},
        {"LOCATE(16), file",     {0x92, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0, no_data, {kNone, kEnd, kGood, kGood, kGood}, nothing},
        {"REPORT LUNS",          {0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256, no_data,        {kGood, kGood, kGood, kGood, kGood}, both},
        {"SECURITY PROTOCOL IN", {0xA2, 0x20, 0, 0x20, 0, 0, 0, 0, 0, 64, 0, 0}, 64, no_data,  {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"SECURITY PROTOCOL OUT", {0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 20, 0, 0}, 0, clear_key, {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"REPORT IDENTIFYING INFORMATION", {0xA3, 5, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256, no_data, {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"SET IDENTIFYING INFORMATION", {0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0}, 0, identifier, {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"REPORT TARGET PORT GROUPS", {0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256, no_data, {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"REPORT SUPPORTED OPERATION CODES", {0xA3, 0x0C, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0}, 0x4000, no_data, {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", {0xA3, 0x0D, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0}, 16, no_data, {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"REPORT TIMESTAMP",     {0xA3, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, 12, no_data,     {kGood, kGood, kGood, kGood, kGood}, reservation},
        {"SET TIMESTAMP",        {0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, 0, timestamp,    {kGood, kGood, kGood, kGood, kGood}, nothing},
        {"READ MEDIA SERIAL NUMBER", {0xAB, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, 256, no_data,    {kNone, kGood, kGood, kGood, kGood}, reservation},
        {"an unknown operation code", {0xC7, 0, 0, 0, 0, 0}, 0, no_data,                       {"05/20/00", "05/20/00", "05/20/00", "05/20/00", "05/20/00"}, nothing},
    };
}
// clang-format on

std::vector<DriveRow> drive_rows() {
    auto every = rows_of_six_bytes();
    for (auto* const more : {&rows_of_persistent_reservations, &rows_of_more_bytes}) {
        for (DriveRow& row : more()) {
            every.push_back(std::move(row));
        }
    }
    return every;
}

class SscMatrix : public LibraryFixture {
  protected:
    void begin() {
        start(
            "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0003L9\"\n"
            "[[library.cartridges]]\nbarcodes = \"TL0009L9..TL0009L9\"\nworm = true\n");
        host_.emplace(login());
        auto options = login_options();
        options.initiator_name += "-other";
        auto other = ScsiHost::login(options);
        ASSERT_OK(other);
        other_.emplace(std::move(*other));
        for (int lun = 0; lun <= 2; ++lun) {
            (void)TapeHost(*other_, lun).test_unit_ready();
        }
    }
    std::string send(ScsiHost& host, const DriveRow& row) { return outcome_of(host, 1, row); }
    TapeHost mine() { return TapeHost(*host_, 1); }
    TapeHost theirs() { return TapeHost(*other_, 1); }

    void write_content() {
        ASSERT_GOOD(mine().rewind());
        ASSERT_GOOD(mine().write(pattern(kRecordLength, 1)));
        ASSERT_GOOD(mine().write_filemarks(1));
        ASSERT_GOOD(mine().write(pattern(kRecordLength, 2)));
        ASSERT_GOOD(mine().write_filemarks(0));
        ASSERT_GOOD(mine().rewind());
    }
    /// As write_content() left it (objects 0: as on a blank tape).
    void expect_content(std::uint64_t objects) {
        ASSERT_GOOD(mine().load());
        ASSERT_GOOD(mine().space(3, 0));
        const auto end = mine().position();
        ASSERT_OK(end);
        EXPECT_EQ(end->object, objects);
        ASSERT_GOOD(mine().rewind());
        if (objects != 0) {
            const auto record = mine().read(kRecordLength);
            ASSERT_OK(record);
            EXPECT_EQ(record->data, pattern(kRecordLength, 1));
            ASSERT_GOOD(mine().rewind());
        }
    }
    /// What a command that changes the medium has left of it.
    void expect_left(const Left& left) {
        ASSERT_GOOD(mine().space(3, 0));
        const auto end = mine().position();
        ASSERT_OK(end);
        EXPECT_EQ(end->object, left.objects);
        ASSERT_GOOD(mine().rewind());
        const auto first = mine().read(kRecordLength);
        ASSERT_OK(first);
        EXPECT_EQ(pbs_outcome(first, kRecordLength), left.first);
        if (!left.record.empty()) {
            EXPECT_EQ(first->data, left.record);
        }
    }
    /// Without a daemon: the catalog's segments of the cartridge do not fit together any more.
    void damage(const std::string& barcode) const {
        const auto catalog = media::Catalog::open(directory_.path() / "state" / "catalog.sqlite");
        ASSERT_OK(catalog);
        const auto cartridges = (*catalog)->all_cartridges();
        ASSERT_OK(cartridges);
        for (const auto& cartridge : *cartridges) {
            if (cartridge.barcode == barcode) {
                const auto segments = (*catalog)->segments(cartridge.id);
                ASSERT_OK(segments);
                ASSERT_FALSE(segments->empty());
                media::SegmentChange change;
                change.replaced = *segments;
                change.replaced.front().first_object += 7;
                ASSERT_OK((*catalog)->change_segments(cartridge.id, change));
            }
        }
    }
    void allow_removal() { ASSERT_GOOD(mine().command({0x1E, 0, 0, 0, 0, 0})); }

    std::optional<ScsiHost> host_;
    std::optional<ScsiHost> other_;
};

TEST_F(SscMatrix, WithoutAMedium) {
    begin();
    for (const auto& row : drive_rows()) {
        EXPECT_EQ(send(*host_, row), row.expected[0]) << row.name;
    }
}

TEST_F(SscMatrix, OnABlankMedium) {
    begin();
    load(*host_, "TL0001L9", 0);
    for (const auto& row : drive_rows()) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(send(*host_, row), row.expected[1]);
        allow_removal();
        if (row.left) {
            expect_left(*row.left);
            ASSERT_GOOD(mine().rewind());
            ASSERT_GOOD(mine().command({0x19, 0, 0, 0, 0, 0}));
        }
        expect_content(0);
    }
}

TEST_F(SscMatrix, OnAMediumWithData) {
    begin();
    load(*host_, "TL0001L9", 0);
    write_content();
    for (const auto& row : drive_rows()) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(send(*host_, row), row.expected[2]);
        allow_removal();
        if (row.left) {
            expect_left(*row.left);
            write_content();
        }
        expect_content(kObjects);
    }
}

TEST_F(SscMatrix, OnAWriteProtectedMedium) {
    begin();
    load(*host_, "TL0001L9", 0);
    write_content();
    ASSERT_GOOD(ChangerHost(*host_).move_to("TL0001L9", 2, 20));
    ASSERT_EQ(admin("cartridge protect TL0001L9"), 0);
    load(*host_, "TL0001L9", 0);
    for (const auto& row : drive_rows()) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(send(*host_, row), row.expected[3]);
        allow_removal();
        expect_content(kObjects);
    }
}

TEST_F(SscMatrix, OnAWormMediumAtItsBeginning) {
    begin();
    load(*host_, "TL0009L9", 0);
    write_content();
    for (const auto& row : drive_rows()) {
        SCOPED_TRACE(row.name);
        EXPECT_EQ(send(*host_, row), row.expected[4]);
        allow_removal();
        expect_content(kObjects);
    }
}

TEST_F(SscMatrix, OnAMediumWhoseContentIsDamaged) {
    begin();
    load(*host_, "TL0001L9", 0);
    write_content();
    other_.reset();
    host_.reset();
    const auto ended = daemon_->terminate();
    ASSERT_OK(ended);
    damage("TL0001L9");
    restart();
    host_.emplace(login());
    for (const auto& row : drive_rows()) {
        SCOPED_TRACE(row.name);
        const bool of_the_medium = std::string_view(row.expected[0]) == kNone;
        const bool works = row.cdb == Cdb{0x1B, 0, 0, 0, 0, 0} || row.cdb[0] == 0x8C;
        EXPECT_EQ(send(*host_, row), !of_the_medium ? row.expected[0] : works ? kGood : kDamaged);
        allow_removal();
    }
    ASSERT_GOOD(ChangerHost(*host_).move_to("TL0001L9", 2, 20));
    load(*host_, "TL0002L9", 0);
    write_content();
    expect_content(kObjects);
}

TEST_F(SscMatrix, WhileAUnitAttentionWaits) {
    begin();
    load(*host_, "TL0001L9", 0);
    write_content();
    (void)theirs().test_unit_ready();
    for (const auto& row : drive_rows()) {
        SCOPED_TRACE(row.name);
        ASSERT_GOOD(theirs().unload());
        ASSERT_GOOD(theirs().load());
        const bool passes = (row.passes & DriveRow::attention) != 0;
        EXPECT_EQ(send(*host_, row), passes ? kGood : "06/28/00");
        constexpr std::array<std::uint8_t, 5> kDoNotClear = {0x0A, 0x10, 0x12, 0x19, 0xA0};
        const bool still_there =
            std::find(kDoNotClear.begin(), kDoNotClear.end(), row.cdb[0]) != kDoNotClear.end();
        const auto next = mine().test_unit_ready();
        ASSERT_OK(next);
        EXPECT_EQ(next->is(6, 0x2800), still_there) << next->text();
        expect_content(kObjects);
    }
}

TEST_F(SscMatrix, WhileAnotherHostHasItReserved) {
    begin();
    load(*host_, "TL0001L9", 0);
    write_content();
    (void)theirs().test_unit_ready();
    Bytes list(24);
    list[15] = 0x77;  // service action reservation key
    ASSERT_GOOD(theirs().command_out({0x5F, 0, 0, 0, 0, 0, 0, 0, 24, 0}, list));
    list[7] = 0x77;  // reservation key
    list[15] = 0;
    ASSERT_GOOD(theirs().command_out({0x5F, 1, 3, 0, 0, 0, 0, 0, 24, 0}, list));
    ASSERT_GOOD(theirs().rewind());
    for (const auto& row : drive_rows()) {
        SCOPED_TRACE(row.name);
        const auto outcome = send(*host_, row);
        const bool passes = (row.passes & DriveRow::reservation) != 0;
        EXPECT_EQ(outcome, passes ? row.expected[2] : kConflict);
        const auto position = theirs().position();
        ASSERT_OK(position);
        EXPECT_EQ(position->object, 0U);
    }
    ASSERT_GOOD(theirs().command_out({0x5F, 2, 3, 0, 0, 0, 0, 0, 24, 0}, list));
    expect_content(kObjects);
}

}  // namespace
}  // namespace tapeloft::tests
