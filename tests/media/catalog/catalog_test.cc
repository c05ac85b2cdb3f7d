#include "media/catalog/catalog.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/catalog/schema.h"
#include "media/catalog/sqlite.h"

#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

CartridgeRecord cartridge(const std::string& barcode, Element element) {
    CartridgeRecord record;
    record.library = "default";
    record.barcode = barcode;
    record.generation = "L9";
    record.medium_serial = "S" + barcode;
    record.capacity = 18'000'000'000'000;
    record.element = element;
    record.created_unix_s = 1'790'000'000;
    return record;
}

SegmentRecord segment(std::uint64_t number, std::uint64_t first_object) {
    SegmentRecord record;
    record.number = number;
    record.first_object = first_object;
    record.first_file = first_object / 2;
    record.first_byte = first_object * 1000;
    record.sealed = true;
    record.object_count = 10;
    record.filemark_count = 5;
    record.byte_count = 10'000;
    record.file_length = 12'345;
    return record;
}

std::string bytes_of(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

class CatalogTest : public testing::Test {
  protected:
    [[nodiscard]] std::filesystem::path file() const {
        return directory_.path() / "catalog.sqlite";
    }
    void open() {
        catalog_.reset();
        auto opened = Catalog::open(file());
        ASSERT_TRUE(opened) << opened.error().message;
        catalog_ = std::move(*opened);
    }
    void SetUp() override { open(); }

    CartridgeId add(const std::string& barcode, Element element) {
        auto added = catalog_->add_cartridge(cartridge(barcode, element));
        EXPECT_TRUE(added) << added.error().message;
        return added->id;
    }

    tests::TemporaryDirectory directory_;
    std::unique_ptr<Catalog> catalog_;
};

TEST_F(CatalogTest, EveryFieldOfACartridgeSurvivesAReopen) {
    auto record = cartridge("TL0001L9", {ElementKind::import_export, 3});
    record.write_protected = true;
    record.source = Element{ElementKind::storage, 7};
    record.load_count = 5;
    record.bytes_written = 1ULL << 50U;
    record.bytes_read = 42;
    const auto added = catalog_->add_cartridge(record);
    ASSERT_TRUE(added);
    open();
    const auto found = catalog_->cartridge(added->id);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->library, "default");
    EXPECT_EQ(found->barcode, "TL0001L9");
    EXPECT_EQ(found->generation, "L9");
    EXPECT_EQ(found->medium_serial, "STL0001L9");
    EXPECT_EQ(found->capacity, 18'000'000'000'000U);
    EXPECT_TRUE(found->write_protected);
    EXPECT_EQ(found->element, (Element{ElementKind::import_export, 3}));
    EXPECT_EQ(found->source, (Element{ElementKind::storage, 7}));
    EXPECT_EQ(found->created_unix_s, 1'790'000'000);
    EXPECT_EQ(found->load_count, 5U);
    EXPECT_EQ(found->bytes_written, 1ULL << 50U);
    EXPECT_EQ(found->bytes_read, 42U);
}

TEST_F(CatalogTest, CartridgesAreListedByBarcodeAndOnlyThoseOfTheLibrary) {
    add("TL0002L9", {ElementKind::storage, 0});
    add("TL0001L9", {ElementKind::storage, 1});
    auto other = cartridge("TL0001L9", {ElementKind::storage, 0});
    other.library = "other";
    other.medium_serial = "OTHER";
    ASSERT_TRUE(catalog_->add_cartridge(other));
    const auto listed = catalog_->cartridges("default");
    ASSERT_TRUE(listed);
    ASSERT_EQ(listed->size(), 2U);
    EXPECT_EQ(listed->at(0).barcode, "TL0001L9");
    EXPECT_EQ(listed->at(1).barcode, "TL0002L9");
    EXPECT_TRUE(catalog_->cartridges("nobody")->empty());
    EXPECT_EQ(catalog_->all_cartridges()->size(), 3U);
}

TEST_F(CatalogTest, ATakenBarcodeIsRefusedByName) {
    add("TL0001L9", {ElementKind::storage, 0});
    auto again = cartridge("TL0001L9", {ElementKind::storage, 1});
    again.medium_serial = "DIFFERENT";
    const auto refused = catalog_->add_cartridge(again);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::already_exists);
    EXPECT_NE(refused.error().message.find("TL0001L9"), std::string::npos);
}

TEST_F(CatalogTest, ATakenElementIsRefusedAndNamesItsCartridge) {
    add("TL0001L9", {ElementKind::storage, 0});
    const auto refused = catalog_->add_cartridge(cartridge("TL0002L9", {ElementKind::storage, 0}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::already_exists);
    EXPECT_NE(refused.error().message.find("TL0001L9"), std::string::npos);
}

TEST_F(CatalogTest, ARangeWithOneBadCartridgeAddsNone) {
    add("TL0009L9", {ElementKind::storage, 9});
    const std::vector records{cartridge("TL0001L9", {ElementKind::storage, 0}),
                              cartridge("TL0002L9", {ElementKind::storage, 9})};
    EXPECT_FALSE(catalog_->add_cartridges(records));
    EXPECT_EQ(catalog_->cartridges("default")->size(), 1U);
}

TEST_F(CatalogTest, ImpossibleValuesAreRefusedByTheSchema) {
    auto record = cartridge("TL0001L9", {ElementKind::storage, 0});
    record.capacity = 0;
    EXPECT_EQ(catalog_->add_cartridge(record).error().code, Errc::precondition);
    record.capacity = ~0ULL;
    EXPECT_EQ(catalog_->add_cartridge(record).error().code, Errc::invalid_argument);
    EXPECT_TRUE(catalog_->cartridges("default")->empty());
}

TEST_F(CatalogTest, IdsAreNeverUsedTwice) {
    const auto first = add("TL0001L9", {ElementKind::storage, 0});
    ASSERT_TRUE(catalog_->remove_cartridge(first));
    EXPECT_GT(add("TL0001L9", {ElementKind::storage, 0}), first);
}

TEST_F(CatalogTest, AMoveChangesElementAndSourceOrNothing) {
    const auto moved = add("TL0001L9", {ElementKind::storage, 0});
    add("TL0002L9", {ElementKind::drive, 0});
    const auto refused = catalog_->move_cartridge(moved, {ElementKind::drive, 0}, std::nullopt);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_NE(refused.error().message.find("TL0002L9"), std::string::npos);
    EXPECT_EQ(catalog_->cartridge(moved)->element, (Element{ElementKind::storage, 0}));

    ASSERT_TRUE(
        catalog_->move_cartridge(moved, {ElementKind::drive, 1}, Element{ElementKind::storage, 0}));
    open();
    EXPECT_EQ(catalog_->cartridge(moved)->element, (Element{ElementKind::drive, 1}));
    EXPECT_EQ(catalog_->cartridge(moved)->source, (Element{ElementKind::storage, 0}));
    EXPECT_EQ(catalog_->cartridge(moved)->load_count, 1U);
    ASSERT_TRUE(catalog_->move_cartridge(moved, {ElementKind::storage, 4}, std::nullopt));
    EXPECT_EQ(catalog_->cartridge(moved)->load_count, 1U);
    EXPECT_EQ(catalog_->cartridge(moved)->source, std::nullopt);
}

TEST_F(CatalogTest, CartridgesChangePlacesAtOnceOrNotAtAll) {
    const Element slot{ElementKind::storage, 0};
    const Element drive{ElementKind::drive, 0};
    const auto one = add("TL0001L9", slot);
    const auto other = add("TL0002L9", drive);
    add("TL0003L9", {ElementKind::storage, 1});
    ASSERT_TRUE(catalog_->move_cartridges({{one, drive, slot}, {other, slot, std::nullopt}}));
    open();
    EXPECT_EQ(catalog_->cartridge(one)->element, drive);
    EXPECT_EQ(catalog_->cartridge(other)->element, slot);

    const auto refused =
        catalog_->move_cartridges({{one, slot, slot}, {other, {ElementKind::storage, 1}, {}}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_EQ(catalog_->cartridge(one)->element, drive);
    EXPECT_EQ(catalog_->cartridge(other)->element, slot);
    EXPECT_FALSE(catalog_->move_cartridges({{one, slot, slot}, {99, drive, {}}}));
    EXPECT_EQ(catalog_->cartridge(one)->element, drive);
}

TEST_F(CatalogTest, AnyNumberOfCartridgesMayBeOutsideOfTheLibrary) {
    const auto one = add("TL0001L9", {ElementKind::storage, 0});
    const auto other = add("TL0002L9", {ElementKind::storage, 1});
    ASSERT_TRUE(catalog_->move_cartridge(one, kOutside, std::nullopt));
    ASSERT_TRUE(catalog_->move_cartridge(other, kOutside, std::nullopt));
    open();
    EXPECT_EQ(catalog_->cartridge(one)->element, kOutside);
    EXPECT_EQ(catalog_->cartridges("default")->size(), 2U);
    ASSERT_TRUE(catalog_->move_cartridge(other, {ElementKind::storage, 0}, std::nullopt));
    EXPECT_EQ(catalog_->cartridge(other)->element, (Element{ElementKind::storage, 0}));
}

TEST_F(CatalogTest, UnknownCartridgesAreNotFound) {
    EXPECT_EQ(catalog_->cartridge(99).error().code, Errc::not_found);
    EXPECT_EQ(catalog_->remove_cartridge(99).error().code, Errc::not_found);
    EXPECT_EQ(catalog_->move_cartridge(99, {}, std::nullopt).error().code, Errc::not_found);
    EXPECT_EQ(catalog_->set_write_protected(99, true).error().code, Errc::not_found);
    EXPECT_EQ(catalog_->note_usage("NONE", 2, 3).error().code, Errc::not_found);
    EXPECT_EQ(catalog_->change_segments(99, {}).error().code, Errc::not_found);
}

TEST_F(CatalogTest, UsageNeverGoesBack) {
    const auto id = add("TL0001L9", {ElementKind::storage, 0});
    const auto serial = catalog_->cartridge(id)->medium_serial;
    ASSERT_TRUE(catalog_->note_usage(serial, 100, 10));
    ASSERT_TRUE(catalog_->note_usage(serial, 150, 5));
    ASSERT_TRUE(catalog_->set_write_protected(id, true));
    const auto found = catalog_->cartridge(id);
    EXPECT_EQ(found->bytes_written, 150U);
    EXPECT_EQ(found->bytes_read, 10U);
    EXPECT_TRUE(found->write_protected);
}

TEST_F(CatalogTest, WormAndCleaningAndNewerCartridgesAreKnownAgain) {
    auto worm = cartridge("TL0001LZ", {ElementKind::storage, 0});
    worm.worm = true;
    worm.format = kCartridgeFormat + 1;
    auto cleaning = cartridge("CLN001CU", {ElementKind::storage, 1});
    cleaning.cleaning = true;
    cleaning.capacity = 0;
    const auto worm_id = catalog_->add_cartridge(worm)->id;
    const auto cleaning_id = catalog_->add_cartridge(cleaning)->id;
    open();
    EXPECT_TRUE(catalog_->cartridge(worm_id)->worm);
    EXPECT_EQ(catalog_->cartridge(worm_id)->format, kCartridgeFormat + 1);
    EXPECT_TRUE(catalog_->cartridge(cleaning_id)->cleaning);
    EXPECT_EQ(catalog_->cartridge(cleaning_id)->capacity, 0U);
}

TEST_F(CatalogTest, PartitionsChangeWithTheSegmentsOrNotAtAll) {
    const auto id = add("TL0001L9", {ElementKind::storage, 0});
    SegmentChange change;
    change.partitions = {1000, 500};
    change.added = {segment(1, 0)};
    ASSERT_TRUE(catalog_->change_segments(id, change));
    change.partitions = {700};
    EXPECT_FALSE(catalog_->change_segments(id, change));  // there is a segment 1 already
    open();
    EXPECT_EQ(*catalog_->partitions(id), (std::vector<std::uint64_t>{1000, 500}));
}

TEST_F(CatalogTest, ValuesAreKeptForTheirOwnerUntilItGoes) {
    const auto id = add("TL0001L9", {ElementKind::storage, 0});
    const auto owner = value_owner(id);
    ASSERT_TRUE(catalog_->set_value(owner, "b", Bytes{1, 0, 2}));
    ASSERT_TRUE(catalog_->set_value(owner, "a", Bytes{3}));
    ASSERT_TRUE(catalog_->set_value(owner, "a", Bytes{4}));
    ASSERT_TRUE(catalog_->set_value("lu/1", "a", Bytes{5}));
    open();
    const auto values = catalog_->values(owner);
    ASSERT_EQ(values->size(), 2U);
    EXPECT_EQ(values->at(0).name, "a");
    EXPECT_EQ(values->at(0).value, Bytes{4});
    EXPECT_EQ(values->at(1).value, (Bytes{1, 0, 2}));
    ASSERT_TRUE(catalog_->set_value(owner, "a", {}));
    EXPECT_EQ(catalog_->values(owner)->size(), 1U);
    ASSERT_TRUE(catalog_->remove_cartridge(id));
    EXPECT_TRUE(catalog_->values(owner)->empty());
    EXPECT_EQ(catalog_->values("lu/1")->size(), 1U);
}

TEST_F(CatalogTest, PropertiesAreKeptAndOverwritten) {
    EXPECT_EQ(*catalog_->property("serial"), std::nullopt);
    ASSERT_TRUE(catalog_->set_property("serial", "A"));
    ASSERT_TRUE(catalog_->set_property("serial", "ZZ9"));
    open();
    EXPECT_EQ(*catalog_->property("serial"), "ZZ9");
}

TEST_F(CatalogTest, SegmentsComeBackInTapeOrderWithEveryField) {
    const auto id = add("TL0001L9", {ElementKind::storage, 0});
    SegmentChange change;
    change.added = {segment(3, 20), segment(1, 0), segment(2, 10)};
    change.added[1].sealed = false;
    auto partition_1 = segment(4, 0);
    partition_1.partition = 1;
    change.added.push_back(partition_1);
    ASSERT_TRUE(catalog_->change_segments(id, change));
    open();
    const auto found = catalog_->segments(id);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 4U);
    for (const std::size_t i : {0U, 1U, 2U}) {
        EXPECT_EQ(found->at(i).number, i + 1);
        EXPECT_EQ(found->at(i).first_object, i * 10);
        EXPECT_EQ(found->at(i).first_file, i * 5);
        EXPECT_EQ(found->at(i).first_byte, i * 10'000);
        EXPECT_EQ(found->at(i).object_count, 10U);
        EXPECT_EQ(found->at(i).filemark_count, 5U);
        EXPECT_EQ(found->at(i).byte_count, 10'000U);
        EXPECT_EQ(found->at(i).file_length, 12'345U);
    }
    EXPECT_FALSE(found->at(0).sealed);
    EXPECT_TRUE(found->at(1).sealed);
    EXPECT_EQ(found->at(3).partition, 1U);
}

TEST_F(CatalogTest, ASegmentChangeIsOneTransaction) {
    const auto id = add("TL0001L9", {ElementKind::storage, 0});
    SegmentChange first;
    first.added = {segment(1, 0), segment(2, 10)};
    ASSERT_TRUE(catalog_->change_segments(id, first));

    SegmentChange broken;  // the last row names a segment that does not exist
    broken.removed = {2};
    broken.added = {segment(3, 10)};
    broken.replaced = {segment(77, 0)};
    EXPECT_EQ(catalog_->change_segments(id, broken).error().code, Errc::not_found);
    SegmentChange twice;
    twice.removed = {2};
    twice.added = {segment(1, 10)};
    EXPECT_EQ(catalog_->change_segments(id, twice).error().code, Errc::precondition);
    ASSERT_EQ(catalog_->segments(id)->size(), 2U);
    EXPECT_EQ(catalog_->segments(id)->at(1).number, 2U);

    SegmentChange truncation;
    truncation.removed = {2};
    truncation.replaced = {segment(1, 0)};
    truncation.replaced[0].object_count = 4;
    truncation.added = {segment(3, 4)};
    ASSERT_TRUE(catalog_->change_segments(id, truncation));
    const auto found = catalog_->segments(id);
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ(found->at(0).object_count, 4U);
    EXPECT_EQ(found->at(1).number, 3U);
}

TEST_F(CatalogTest, SegmentsGoWithTheirCartridge) {
    const auto id = add("TL0001L9", {ElementKind::storage, 0});
    SegmentChange change;
    change.added = {segment(1, 0)};
    ASSERT_TRUE(catalog_->change_segments(id, change));
    ASSERT_TRUE(catalog_->remove_cartridge(id));
    EXPECT_TRUE(catalog_->segments(id)->empty());
}

TEST_F(CatalogTest, ManyThreadsMayCallAtOnce) {
    const auto id = add("TL0001L9", {ElementKind::storage, 0});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([this, id] {
            for (int i = 0; i < 25; ++i) {
                EXPECT_TRUE(catalog_->move_cartridge(id, {ElementKind::drive, 0}, std::nullopt));
                EXPECT_TRUE(catalog_->cartridges("default"));
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(catalog_->cartridge(id)->load_count, 100U);
}

TEST_F(CatalogTest, ASecondUserInThisProcessIsRefusedAsBusy) {
    const auto second = Catalog::open(file());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::busy);
    EXPECT_NE(second.error().message.find(file().string()), std::string::npos);
    EXPECT_TRUE(catalog_->set_property("still", "works"));
}

/// Runs `body` in a child process and returns its exit status, or the signal as a negative number.
template <typename Body>
int in_child(Body body) {
    const auto pid = fork();
    if (pid == 0) {
        _exit(body());
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_F(CatalogTest, ASecondProcessIsRefusedAsBusyUntilTheFirstEnds) {
    const auto probe = [this] {
        const auto second = Catalog::open(file());
        return second ? 0 : 1 + static_cast<int>(second.error().code);
    };
    EXPECT_EQ(in_child(probe), 1 + static_cast<int>(Errc::busy));
    catalog_.reset();
    EXPECT_EQ(in_child(probe), 0);
}

TEST_F(CatalogTest, WhatWasAnsweredSurvivesAKilledProcess) {
    catalog_.reset();
    const int status = in_child([this] {
        auto opened = Catalog::open(file());
        if (!opened || !(*opened)->add_cartridge(cartridge("TL0001L9", {ElementKind::drive, 1}))) {
            return 1;
        }
        kill(getpid(), SIGKILL);
        return 2;
    });
    EXPECT_EQ(status, -SIGKILL);
    open();
    ASSERT_EQ(catalog_->cartridges("default")->size(), 1U);
    EXPECT_EQ(catalog_->cartridges("default")->front().element, (Element{ElementKind::drive, 1}));
}

TEST_F(CatalogTest, ChangesGoToAWriteAheadLog) {
    catalog_.reset();
    auto database = Database::open(file());
    ASSERT_TRUE(database);
    EXPECT_EQ(*(*database)->text("PRAGMA journal_mode"), "wal");
}

TEST_F(CatalogTest, AFileThatIsNoDatabaseIsRefusedAndNotTouched) {
    const auto other = directory_.path() / "notes.txt";
    const std::string text(5000, 'x');
    std::ofstream(other) << text;
    const auto refused = Catalog::open(other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    EXPECT_NE(refused.error().message.find("notes.txt"), std::string::npos);
    EXPECT_EQ(bytes_of(other), text);
}

TEST_F(CatalogTest, ADatabaseOfAnotherProgramIsRefusedAndNotTouched) {
    const auto other = directory_.path() / "other.sqlite";
    ASSERT_TRUE((*Database::open(other))->execute("CREATE TABLE mail (id INTEGER)"));
    const auto before = bytes_of(other);
    const auto refused = Catalog::open(other);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    EXPECT_NE(refused.error().message.find("another program"), std::string::npos);
    EXPECT_EQ(bytes_of(other), before);
}

TEST_F(CatalogTest, ANewerSchemaIsRefusedByItsNumberAndNotTouched) {
    catalog_.reset();
    ASSERT_TRUE((*Database::open(file()))->execute("PRAGMA user_version = 999"));
    const auto before = bytes_of(file());
    const auto refused = Catalog::open(file());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    EXPECT_NE(refused.error().message.find("999"), std::string::npos);
    EXPECT_EQ(bytes_of(file()), before);
}

TEST_F(CatalogTest, ADamagedFileIsRefused) {
    for (int i = 0; i < 200; ++i) {
        const auto n = std::to_string(100 + i);
        add("TL0" + n + "L9", {ElementKind::storage, static_cast<std::uint32_t>(i)});
    }
    catalog_.reset();
    auto bytes = bytes_of(file());
    ASSERT_GT(bytes.size(), 3U * 4096);
    for (std::size_t i = 4096; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(bytes[i] ^ 0x5A);
    }
    std::ofstream(file(), std::ios::binary) << bytes;
    const auto refused = Catalog::open(file());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    EXPECT_EQ(bytes_of(file()), bytes);
}

TEST_F(CatalogTest, ADirectoryThatCannotBeWrittenIsRefused) {
    const auto directory = directory_.path() / "locked";
    std::filesystem::create_directory(directory);
    std::filesystem::permissions(directory, std::filesystem::perms(0555));
    constexpr int kRefused = 7;
    const int status = in_child([&directory] {
        if (geteuid() == 0 && seteuid(65534) != 0) {
            return 1;
        }
        const auto refused = Catalog::open(directory / "catalog.sqlite");
        return !refused && refused.error().message.find("locked") != std::string::npos ? kRefused
                                                                                       : 2;
    });
    EXPECT_EQ(status, kRefused);
    EXPECT_TRUE(std::filesystem::is_empty(directory));
}

TEST_F(CatalogTest, AMissingDirectoryIsRefusedAndNotCreated) {
    const auto file = directory_.path() / "nowhere" / "catalog.sqlite";
    EXPECT_FALSE(Catalog::open(file));
    EXPECT_FALSE(std::filesystem::exists(file.parent_path()));
}

TEST(CatalogMigrations, ACatalogOfTheFirstVersionKeepsCartridgesSegmentsAndUsedIds) {
    const tests::TemporaryDirectory directory;
    const auto file = directory.path() / "catalog.sqlite";
    {
        auto database = Database::open(file);
        ASSERT_TRUE(database);
        ASSERT_TRUE(migrate(**database, migrations().first(1)));
        ASSERT_TRUE((*database)->execute(
            "INSERT INTO cartridge (library, barcode, generation, medium_serial, capacity, "
            "write_protected, element_kind, element_index, source_kind, source_index, "
            "created_unix_s, load_count, bytes_written, bytes_read) VALUES "
            "('a', 'TL0001L9', 'L9', 'S1', 1000, 1, 2, 0, 0, 7, 5, 6, 7, 8), "
            "('a', 'TL0002L9', 'L9', 'S2', 1000, 0, 0, 0, NULL, NULL, 5, 6, 7, 8); "
            "INSERT INTO segment VALUES (1, 0, 0, 1, 0, 0, 1, 10, 2, 300, 400); "
            "DELETE FROM cartridge WHERE id = 2"));
    }
    auto catalog = Catalog::open(file);
    ASSERT_TRUE(catalog) << catalog.error().message;
    const auto record = (*catalog)->cartridge(1);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->element, (Element{ElementKind::drive, 0}));
    EXPECT_EQ(record->source, (Element{ElementKind::storage, 7}));
    EXPECT_TRUE(record->write_protected);
    EXPECT_EQ(record->load_count, 6U);
    ASSERT_EQ((*catalog)->segments(1)->size(), 1U);
    EXPECT_EQ((*catalog)->segments(1)->front().file_length, 400U);

    CartridgeRecord next = *record;
    next.barcode = "TL0003L9";
    next.medium_serial = "S3";
    next.element = kOutside;
    EXPECT_EQ((*catalog)->add_cartridge(next)->id, 3);  // 2 was used once
    ASSERT_TRUE((*catalog)->remove_cartridge(1));
    EXPECT_TRUE((*catalog)->segments(1)->empty());  // the reference still holds
}

TEST(CatalogMigrations, AreNumberedFromOneWithoutGaps) {
    std::int64_t expected = 0;
    for (const auto& step : migrations()) {
        EXPECT_EQ(step.version, ++expected);
    }
}

TEST(CatalogMigrations, AnOlderSchemaIsLiftedStepByStepAndKeepsItsRows) {
    const tests::TemporaryDirectory directory;
    const auto file = directory.path() / "catalog.sqlite";
    const auto steps = std::to_array<Migration>({
        {1, "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1)"},
        {2, "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7"},
        {3, "CREATE TABLE b AS SELECT x + y AS z FROM a"},
    });
    auto database = Database::open(file);
    ASSERT_TRUE(database);
    ASSERT_TRUE(migrate(**database, std::span(steps).first(1)));
    EXPECT_EQ(*(*database)->integer("PRAGMA user_version"), 1);
    ASSERT_TRUE((*database)->execute("UPDATE a SET x = 5"));
    ASSERT_TRUE(check_before_use(**database, steps));
    ASSERT_TRUE(migrate(**database, steps));
    EXPECT_EQ(*(*database)->integer("PRAGMA user_version"), 3);
    EXPECT_EQ(*(*database)->integer("SELECT z FROM b"), 12);
}

TEST(CatalogMigrations, AVersionOneCatalogKeepsItsCartridges) {
    const tests::TemporaryDirectory directory;
    const auto file = directory.path() / "catalog.sqlite";
    {
        auto database = Database::open(file);
        ASSERT_TRUE(database);
        ASSERT_TRUE(migrate(**database, migrations().first(1)));
        ASSERT_TRUE((*database)->execute(
            "INSERT INTO cartridge (id, library, barcode, generation, medium_serial, capacity, "
            "write_protected, element_kind, element_index, created_unix_s, load_count, "
            "bytes_written, bytes_read) VALUES (4, 'default', 'TL0001L9', 'L9', 'SERIAL', 1000, 1, "
            "0, 3, 17, 2, 100, 50)"));
    }
    auto catalog = Catalog::open(file);
    ASSERT_TRUE(catalog) << catalog.error().message;
    const auto found = (*catalog)->cartridge(4);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->barcode, "TL0001L9");
    EXPECT_EQ(found->bytes_written, 100U);
    EXPECT_TRUE(found->write_protected);
    EXPECT_FALSE(found->worm);
    EXPECT_FALSE(found->cleaning);
    EXPECT_EQ(found->format, 1U);
    EXPECT_TRUE((*catalog)->partitions(4)->empty());
    ASSERT_TRUE((*catalog)->set_value(value_owner(4), "x", Bytes{1}));
}

TEST(CatalogMigrations, AFailingStepLeavesTheVersionBeforeItWhole) {
    const tests::TemporaryDirectory directory;
    const auto steps = std::to_array<Migration>({
        {1, "CREATE TABLE a (x INTEGER)"},
        {2, "CREATE TABLE b (y INTEGER); INSERT INTO nothing VALUES (1)"},
    });
    const auto database = std::move(Database::open(directory.path() / "catalog.sqlite")).value();
    EXPECT_FALSE(migrate(*database, steps));
    EXPECT_EQ(*database->integer("PRAGMA user_version"), 1);
    EXPECT_EQ(*database->integer("SELECT count(*) FROM sqlite_schema"), 1);
}

}  // namespace
}  // namespace tapeloft::media
