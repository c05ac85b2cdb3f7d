// A whole library on a real catalog, with drives and tapes that do as they are told.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <gtest/gtest.h>

#include "cloud/base/memory_value_store.h"

#include "media/catalog/catalog.h"
#include "media/library/cartridge_store.h"

#include "vtl/library/media_changer.h"

#include "tests/temporary_directory.h"

namespace tapeloft::tests {

template <typename T>
Awaitable<void> keep_result(Awaitable<T> work, std::optional<T>* result) {
    result->emplace(co_await std::move(work));
}

/// Runs a coroutine to its end on a context that nothing else runs.
template <typename T>
T run(boost::asio::io_context& context, Awaitable<T> work) {
    std::optional<T> result;
    boost::asio::co_spawn(context, keep_result(std::move(work), &result), boost::asio::detached);
    context.restart();
    context.run();
    TL_ASSERT(result.has_value());  // else it waits for something that cannot happen
    return std::move(*result);
}

/// A tape nobody reads: the changer only opens, carries and closes it.
class CarriedTape final : public media::Tape {
  public:
    CarriedTape(std::string barcode, std::set<std::string>& open, bool& close_fails)
        : barcode_(std::move(barcode)), open_(open), close_fails_(close_fails) {
        TL_ASSERT(open_.insert(barcode_).second);  // never two tapes of one cartridge
    }
    ~CarriedTape() override { open_.erase(barcode_); }

    [[nodiscard]] const std::string& barcode() const { return barcode_; }

    Awaitable<Result<media::ReadOutcome>> read() override { co_return media::ReadOutcome(); }
    Awaitable<Result<media::WriteOutcome>> write_encoded(Buffer, media::RecordEncoding) override {
        co_return media::WriteOutcome();
    }
    Awaitable<Result<media::WriteOutcome>> write_filemarks(std::uint32_t) override {
        co_return media::WriteOutcome();
    }
    Awaitable<Result<void>> sync() override { co_return Result<void>(); }
    [[nodiscard]] media::Position position() const noexcept override { return {}; }
    [[nodiscard]] bool at_end_of_data() const noexcept override { return true; }
    [[nodiscard]] media::Capacity capacity() const noexcept override { return {}; }
    [[nodiscard]] bool write_protected() const noexcept override { return false; }
    [[nodiscard]] std::uint32_t partition_count() const noexcept override { return 1; }
    [[nodiscard]] media::Capacity capacity(std::uint32_t) const noexcept override { return {}; }
    [[nodiscard]] std::uint64_t end_of_data(std::uint32_t) const noexcept override { return 0; }
    Awaitable<Result<void>> change_partition(std::uint32_t) override { co_return Result<void>(); }
    Awaitable<Result<bool>> only_filemarks_follow() override { co_return true; }
    Awaitable<Result<media::SpaceOutcome>> space_records(std::int64_t) override {
        co_return media::SpaceOutcome();
    }
    Awaitable<Result<media::SpaceOutcome>> space_filemarks(std::int64_t) override {
        co_return media::SpaceOutcome();
    }
    Awaitable<Result<media::SpaceOutcome>> space_sequential_filemarks(std::int64_t) override {
        co_return media::SpaceOutcome();
    }
    Awaitable<Result<void>> space_to_end_of_data() override { co_return Result<void>(); }
    Awaitable<Result<bool>> locate_object(std::uint64_t) override { co_return true; }
    Awaitable<Result<bool>> locate_file(std::uint64_t) override { co_return true; }
    Awaitable<Result<void>> erase_to_end() override { co_return Result<void>(); }
    Awaitable<Result<void>> format(std::vector<std::uint64_t>) override {
        co_return Result<void>();
    }
    Awaitable<Result<void>> close() override {
        if (close_fails_) {
            co_return Error{Errc::io, "close failed"};
        }
        co_return Result<void>();
    }

  private:
    std::string barcode_;
    std::set<std::string>& open_;
    bool& close_fails_;
};

class FakeTapes final : public media::TapeProvider {
  public:
    Awaitable<Result<std::unique_ptr<media::Tape>>> open(
        media::CartridgeRecord cartridge) override {
        if (open_fails) {
            co_return Error{Errc::corrupt, "cannot open " + cartridge.barcode};
        }
        co_return std::unique_ptr<media::Tape>(
            std::make_unique<CarriedTape>(cartridge.barcode, open_tapes, close_fails));
    }
    Awaitable<Result<void>> discard(media::CartridgeRecord cartridge) override {
        discarded.push_back(cartridge.barcode);
        co_return Result<void>();
    }

    Awaitable<std::chrono::seconds> recall(media::CartridgeId /*cartridge*/) override {
        co_return readable_in;
    }

    std::chrono::seconds readable_in{0};  ///< it is archived in the store
    bool open_fails = false;
    bool close_fails = false;
    std::set<std::string> open_tapes;
    std::vector<std::string> discarded;
};

class FakeDriveBay final : public vtl::library::DriveBay {
  public:
    explicit FakeDriveBay(std::string serial) : serial_(std::move(serial)) {}

    [[nodiscard]] vtl::library::DriveIdentity identity() const override {
        return {"IBM", "ULT3580-TD8", serial_};
    }

    Awaitable<Result<void>> insert(media::OpenCartridge cartridge,
                                   std::optional<vtl::scsi::ItNexusId> mover) override {
        co_await pass_gate();
        if (insert_error) {
            co_return *insert_error;
        }
        if (tape_) {
            co_return Error{Errc::precondition, "the drive is not empty"};
        }
        if (cartridge.unreadable) {
            co_return *cartridge.unreadable;
        }
        tape_ = std::move(cartridge.tape);
        loads.push_back(cartridge.record.barcode);
        last_mover = mover;
        co_return Result<void>();
    }

    Awaitable<Result<vtl::library::RemovedCartridge>> remove() override {
        co_await pass_gate();
        if (!tape_) {
            co_return Error{Errc::not_found, "the drive is empty"};
        }
        if (remove_error) {
            co_return *remove_error;
        }
        vtl::library::RemovedCartridge removed;
        removed.tape = std::move(tape_);
        removed.bytes_written = bytes_written;
        co_return removed;
    }

    /// The barcode of the mounted tape; empty: none.
    [[nodiscard]] std::string mounted() const {
        return tape_ ? static_cast<const CarriedTape&>(*tape_).barcode() : std::string();
    }

    /// While it is set, insert() and remove() wait for its cancellation.
    boost::asio::steady_timer* gate = nullptr;
    std::optional<Error> insert_error;
    std::optional<Error> remove_error;
    std::uint64_t bytes_written = 0;
    std::vector<std::string> loads;
    std::optional<vtl::scsi::ItNexusId> last_mover;

  private:
    Awaitable<void> pass_gate() {
        if (gate != nullptr) {
            co_await gate->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        co_return;
    }

    std::string serial_;
    std::unique_ptr<media::Tape> tape_;
};

/// Passes everything on to a real catalog, unless it is told to fail moves.
class FailingCatalog final : public media::Catalog {
  public:
    explicit FailingCatalog(std::unique_ptr<media::Catalog> real) : real_(std::move(real)) {}

    Result<std::optional<std::string>> property(const std::string& name) override {
        return real_->property(name);
    }
    Result<void> set_property(const std::string& name, const std::string& value) override {
        return real_->set_property(name, value);
    }
    Result<std::vector<media::CartridgeRecord>> cartridges(const std::string& library) override {
        return real_->cartridges(library);
    }
    Result<std::vector<media::CartridgeRecord>> all_cartridges() override {
        return real_->all_cartridges();
    }
    Result<media::CartridgeRecord> cartridge(media::CartridgeId id) override {
        return real_->cartridge(id);
    }
    Result<media::CartridgeRecord> add_cartridge(const media::CartridgeRecord& record) override {
        return real_->add_cartridge(record);
    }
    Result<std::vector<media::CartridgeRecord>> add_cartridges(
        const std::vector<media::CartridgeRecord>& records) override {
        return real_->add_cartridges(records);
    }
    Result<void> remove_cartridge(media::CartridgeId id) override {
        return real_->remove_cartridge(id);
    }
    Result<void> move_cartridges(const std::vector<media::CartridgeMove>& moves) override {
        if (moves_fail) {
            return Error{Errc::io, "the disk failed"};
        }
        return real_->move_cartridges(moves);
    }
    Result<void> set_write_protected(media::CartridgeId id, bool on) override {
        return real_->set_write_protected(id, on);
    }
    Result<void> note_usage(const std::string& medium_serial, std::uint64_t bytes_written,
                            std::uint64_t bytes_read) override {
        return real_->note_usage(medium_serial, bytes_written, bytes_read);
    }
    Result<std::vector<std::uint64_t>> partitions(media::CartridgeId id) override {
        return real_->partitions(id);
    }
    Result<std::vector<media::NamedValue>> values(const std::string& owner) override {
        return real_->values(owner);
    }
    Result<void> set_value(const std::string& owner, const std::string& name,
                           ByteView value) override {
        return real_->set_value(owner, name, value);
    }
    Result<void> set_damaged(media::CartridgeId id, bool on) override {
        return real_->set_damaged(id, on);
    }
    Result<void> visit_segments(media::CartridgeId id, const SegmentVisitor& visit) override {
        return real_->visit_segments(id, visit);
    }
    Result<std::vector<media::SegmentRecord>> unsealed_segments(media::CartridgeId id) override {
        return real_->unsealed_segments(id);
    }
    Result<std::vector<std::uint64_t>> spooled_segments(media::CartridgeId id) override {
        return real_->spooled_segments(id);
    }
    media::ArchiveCatalog& archive() override { return real_->archive(); }
    Result<std::vector<media::SegmentRecord>> segments(media::CartridgeId id) override {
        return real_->segments(id);
    }
    Result<void> change_segments(media::CartridgeId id,
                                 const media::SegmentChange& change) override {
        return real_->change_segments(id, change);
    }

    bool moves_fail = false;

  private:
    std::unique_ptr<media::Catalog> real_;
};

struct LibraryShape {
    std::uint32_t slots = 4;
    std::uint32_t mail_slots = 1;
    std::uint32_t drives = 2;
    const vtl::scsi::ChangerModel* model = &vtl::scsi::default_changer_model();
};

/// An event loop that can let go of everything that is suspended, as a killed process does.
class MortalContext : public boost::asio::io_context {
  public:
    void die() { shutdown(); }
};

/// One life of the daemon over a state directory; it ends by kill, in the middle of whatever runs.
class LibraryLife {
  public:
    LibraryLife(const std::filesystem::path& state, LibraryShape shape,
                std::shared_ptr<ValueStore> memory = nullptr) {
        auto catalog_opened = media::Catalog::open(state / "catalog.sqlite");
        TL_ASSERT(catalog_opened);
        catalog = std::make_unique<FailingCatalog>(std::move(*catalog_opened));
        media::CartridgeStore::Settings store_settings{"default", context.get_executor()};
        store = std::make_unique<media::CartridgeStore>(store_settings, *catalog, tapes, events);
        std::vector<vtl::library::DriveBay*> bays;
        for (std::uint32_t i = 0; i < shape.drives; ++i) {
            drives.push_back(std::make_unique<FakeDriveBay>("VTLDRV" + padded(i + 1)));
            bays.push_back(drives.back().get());
        }
        vtl::library::MediaChanger::Settings settings;
        settings.executor = boost::asio::make_strand(context);
        settings.model = shape.model;
        settings.target_name = "iqn.2026-11.io.tapeloft:default";
        settings.serial = "VTLCHG0001";
        settings.slots = shape.slots;
        settings.import_export_slots = shape.mail_slots;
        settings.memory = std::move(memory);
        auto created =
            vtl::library::MediaChanger::create(settings, *store, std::move(bays), events);
        TL_ASSERT(created);
        changer = std::move(*created);
    }

    LibraryLife(const LibraryLife&) = delete;
    LibraryLife& operator=(const LibraryLife&) = delete;
    ~LibraryLife() { context.die(); }

    static std::string padded(std::uint32_t number) {
        auto digits = std::to_string(number);
        return std::string(4 - digits.size(), '0') + digits;
    }

    MortalContext context;
    EventLog events;
    FakeTapes tapes;
    std::unique_ptr<FailingCatalog> catalog;
    std::unique_ptr<media::CartridgeStore> store;
    std::vector<std::unique_ptr<FakeDriveBay>> drives;
    std::unique_ptr<vtl::library::MediaChanger> changer;
};

class LibraryTest : public testing::Test {
  protected:
    static constexpr vtl::scsi::ItNexusId kHost{1};
    static constexpr vtl::scsi::ItNexusId kOtherHost{2};

    // Element addresses.
    static constexpr std::uint16_t kMail1 = 16;
    static constexpr std::uint16_t kDrive0 = 256;
    static constexpr std::uint16_t kDrive1 = 257;
    static constexpr std::uint16_t kSlot1 = 1000;
    static constexpr std::uint16_t kSlot2 = 1001;
    static constexpr std::uint16_t kSlot3 = 1002;

    /// Starts a daemon over the state directory; one that ran before dies at once, without stop().
    void start(LibraryShape shape = {}) {
        life_.reset();
        life_ = std::make_unique<LibraryLife>(directory_.path(), shape, memory_);
        const auto started = run(life_->context, changer().start());
        ASSERT_TRUE(started) << started.error().message;
        for (const auto nexus : {kHost, kOtherHost}) {
            vtl::scsi::ItNexus port;
            port.id = nexus;
            port.initiator_name = "iqn.2026-11.example:host" + std::to_string(nexus.value);
            changer().nexus_established(port);
            send({0x03, 0, 0, 0, 18, 0}, nexus);  // REQUEST SENSE takes the power-on attention
        }
    }

    void create(const std::vector<std::string>& barcodes,
                std::optional<media::Element> first = std::nullopt) {
        const auto created =
            run(life_->context, changer().create_cartridges(barcodes, std::nullopt, first));
        ASSERT_TRUE(created) << created.error().message;
        take_attentions();
    }

    vtl::scsi::Completion send(std::vector<std::uint8_t> cdb, vtl::scsi::ItNexusId nexus = kHost) {
        return run(life_->context, changer().execute(task(std::move(cdb), nexus)));
    }

    vtl::scsi::Completion move_medium(std::uint16_t from, std::uint16_t to) {
        return send(move_cdb(from, to));
    }

    Result<void> admin_move(const std::string& barcode, media::Element destination) {
        return run(life_->context, changer().move(barcode, destination));
    }

    void take_attentions() {
        for (const auto nexus : {kHost, kOtherHost}) {
            send({0x03, 0, 0, 0, 18, 0}, nexus);
        }
    }

    static vtl::scsi::Task task(std::vector<std::uint8_t> cdb, vtl::scsi::ItNexusId nexus) {
        static vtl::scsi::TaskTag tag = 0;
        vtl::scsi::Task built;
        built.it_nexus = nexus;
        built.tag = ++tag;
        std::copy(cdb.begin(), cdb.end(), built.cdb.begin());
        built.data_in_length_max = 1U << 24U;
        return built;
    }

    static std::vector<std::uint8_t> move_cdb(std::uint16_t from, std::uint16_t to) {
        const auto high = [](std::uint16_t v) { return static_cast<std::uint8_t>(v >> 8U); };
        const auto low = [](std::uint16_t v) { return static_cast<std::uint8_t>(v & 0xFFU); };
        return {0xA5, 0, 0, 0, high(from), low(from), high(to), low(to), 0, 0, 0, 0};
    }

    /// Where the inventory and the catalog (they must agree) have a cartridge.
    std::optional<media::Element> place_of(const std::string& barcode) {
        std::optional<media::Element> place;
        for (const auto& view : changer().snapshot()) {
            if (view.cartridge && view.cartridge->barcode == barcode) {
                EXPECT_FALSE(place) << barcode << " is in two elements";
                EXPECT_EQ(view.cartridge->element, view.element);
                place = view.element;
            }
        }
        const auto records = life_->catalog->cartridges("default");
        for (const auto& record : *records) {
            if (record.barcode == barcode) {
                EXPECT_EQ(place, record.element) << "catalog and inventory disagree";
            }
        }
        return place;
    }

    /// "key/asc/ascq" as in the standards, or "GOOD".
    static std::string outcome(const vtl::scsi::Completion& completion) {
        if (!completion.sense) {
            return completion.status == vtl::scsi::Status::good
                       ? "GOOD"
                       : "status " + std::to_string(static_cast<int>(completion.status));
        }
        constexpr std::string_view kDigits = "0123456789ABCDEF";
        const auto hex = [&](std::uint8_t value) {
            return std::string{kDigits[value >> 4U], kDigits[value & 0xFU]};
        };
        const auto& sense = *completion.sense;
        return hex(static_cast<std::uint8_t>(sense.key)) + "/" + hex(sense.additional.asc()) + "/" +
               hex(sense.additional.ascq());
    }

    vtl::library::MediaChanger& changer() { return *life_->changer; }
    FakeDriveBay& drive(std::size_t index) { return *life_->drives.at(index); }

    static constexpr media::Element slot(std::uint32_t number) {  // from 1, as people count
        return {media::ElementKind::storage, number - 1};
    }
    static constexpr media::Element mail(std::uint32_t number) {
        return {media::ElementKind::import_export, number - 1};
    }
    static constexpr media::Element in_drive(std::uint32_t index) {
        return {media::ElementKind::drive, index};
    }

    TemporaryDirectory directory_;
    std::shared_ptr<MemoryValueStore> memory_ = std::make_shared<MemoryValueStore>();
    std::unique_ptr<LibraryLife> life_;
};

}  // namespace tapeloft::tests
