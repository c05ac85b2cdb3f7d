#include "media/library/cartridge_store.h"

#include <regex>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

class NoTapes final : public TapeProvider {
  public:
    Awaitable<Result<std::unique_ptr<Tape>>> open(CartridgeRecord) override {
        co_return Error{Errc::io, "no tapes here"};
    }
    Awaitable<Result<void>> discard(CartridgeRecord cartridge) override {
        discarded.push_back(cartridge.barcode);
        if (discard_fails) {
            co_return Error{Errc::io, "busy disk"};
        }
        co_return Result<void>();
    }
    bool discard_fails = false;
    std::vector<std::string> discarded;
};

template <typename T>
Awaitable<void> keep_result(Awaitable<T> work, std::optional<T>* result) {
    result->emplace(co_await std::move(work));
}

class CartridgeStoreTest : public testing::Test {
  protected:
    CartridgeStoreTest() {
        auto opened = Catalog::open(directory_.path() / "catalog.sqlite");
        TL_ASSERT(opened);
        catalog_ = std::move(*opened);
        store_ = make_store("default");
    }
    std::unique_ptr<CartridgeStore> make_store(const std::string& library) {
        CartridgeStore::Settings settings{library, disk_.get_executor()};
        return std::make_unique<CartridgeStore>(settings, *catalog_, tapes_, events_);
    }

    template <typename T>
    T run(Awaitable<T> work) {
        std::optional<T> result;
        boost::asio::co_spawn(context_, keep_result(std::move(work), &result),
                              boost::asio::detached);
        context_.restart();
        context_.run();
        TL_ASSERT(result.has_value());
        return std::move(*result);
    }

    static NewCartridge request(const std::string& barcode, std::uint32_t slot) {
        NewCartridge built;
        built.barcode = barcode;
        built.element.index = slot;
        return built;
    }

    static std::vector<CartridgeStore::Population> populations(const std::string& barcodes) {
        std::vector<CartridgeStore::Population> built(1);
        built.front().barcodes = barcodes;
        return built;
    }

    tests::TemporaryDirectory directory_;
    EventLog events_;
    NoTapes tapes_;
    std::unique_ptr<Catalog> catalog_;
    std::unique_ptr<CartridgeStore> store_;
    boost::asio::io_context context_;
    boost::asio::thread_pool disk_{1};
};

TEST_F(CartridgeStoreTest, ANewCartridgeIsBlankWithItsNativeCapacityAndASerialOfItsOwn) {
    const auto first = run(store_->create(request("TL0001L9", 0)));
    const auto second = run(store_->create(request("TL0002L8", 1)));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->generation, "L9");
    EXPECT_EQ(first->capacity, 18'000'000'000'000U);
    EXPECT_EQ(second->capacity, 12'000'000'000'000U);
    EXPECT_FALSE(first->write_protected);
    EXPECT_EQ(first->load_count, 0U);
    EXPECT_GT(first->created_unix_s, 1'700'000'000);
    EXPECT_NE(first->medium_serial, second->medium_serial);
    EXPECT_TRUE(std::regex_match(first->medium_serial, std::regex("[0-9A-Z]{12}")));
    EXPECT_EQ(run(store_->list())->size(), 2U);
}

TEST_F(CartridgeStoreTest, CapacityIsFrom16MiBToTheNativeOne) {
    auto small = request("TL0001L9", 0);
    small.capacity = kCartridgeCapacityMin - 1;
    EXPECT_EQ(run(store_->create(small)).error().code, Errc::invalid_argument);
    small.capacity = 18'000'000'000'001;
    EXPECT_EQ(run(store_->create(small)).error().code, Errc::invalid_argument);
    small.capacity = kCartridgeCapacityMin;
    EXPECT_EQ(run(store_->create(small))->capacity, kCartridgeCapacityMin);
}

TEST_F(CartridgeStoreTest, ACartridgeIsNotCreatedInADrive) {
    auto in_drive = request("TL0001L9", 0);
    in_drive.element.kind = ElementKind::drive;
    EXPECT_EQ(run(store_->create(in_drive)).error().code, Errc::invalid_argument);
}

TEST_F(CartridgeStoreTest, TakenBarcodesAndElementsAreRefused) {
    ASSERT_TRUE(run(store_->create(request("TL0001L9", 0))));
    EXPECT_EQ(run(store_->create(request("TL0001L9", 1))).error().code, Errc::already_exists);
    EXPECT_EQ(run(store_->create(request("TL0002L9", 0))).error().code, Errc::already_exists);
    EXPECT_EQ(run(store_->list())->size(), 1U);
}

TEST_F(CartridgeStoreTest, LibrariesDoNotSeeEachOther) {
    const auto other = make_store("other");
    ASSERT_TRUE(run(store_->create(request("TL0001L9", 0))));
    ASSERT_TRUE(run(other->create(request("TL0001L9", 0))));
    EXPECT_EQ(run(store_->list())->size(), 1U);
    EXPECT_EQ(run(other->list())->size(), 1U);
}

TEST_F(CartridgeStoreTest, RemovingDiscardsTheDataUnlessItIsInADrive) {
    const auto created = run(store_->create(request("TL0001L9", 0)));
    ASSERT_TRUE(run(store_->move(created->id, {ElementKind::drive, 0}, created->element)));
    EXPECT_EQ(run(store_->remove(created->id)).error().code, Errc::precondition);
    EXPECT_TRUE(tapes_.discarded.empty());
    ASSERT_TRUE(run(store_->move(created->id, {ElementKind::storage, 5}, std::nullopt)));
    ASSERT_TRUE(run(store_->remove(created->id)));
    EXPECT_EQ(tapes_.discarded, std::vector<std::string>{"TL0001L9"});
    EXPECT_EQ(run(store_->remove(created->id)).error().code, Errc::not_found);
}

TEST_F(CartridgeStoreTest, FilesThatCannotBeRemovedAreAnEventAndTheCartridgeIsGone) {
    const auto created = run(store_->create(request("TL0001L9", 0)));
    tapes_.discard_fails = true;
    EXPECT_TRUE(run(store_->remove(created->id)));
    EXPECT_TRUE(run(store_->list())->empty());
    ASSERT_EQ(events_.events_after(0).size(), 1U);
    EXPECT_EQ(events_.events_after(0).front().severity, Severity::warning);
}

TEST_F(CartridgeStoreTest, UsageIsKept) {
    const auto created = run(store_->create(request("TL0001L9", 0)));
    ASSERT_TRUE(run(store_->note_usage(created->medium_serial, 100, 7)));
    ASSERT_TRUE(run(store_->note_usage(created->medium_serial, 150, 7)));
    EXPECT_EQ(run(store_->list())->front().bytes_written, 150U);
    EXPECT_EQ(run(store_->list())->front().bytes_read, 7U);
}

TEST_F(CartridgeStoreTest, TheFirstStartPopulatesAndLaterOnesDoNot) {
    auto two = populations("TL0001L9..TL0003L9");
    two.push_back({"AB0001L8", kCartridgeCapacityMin});
    ASSERT_TRUE(run(store_->populate_once(two, 24)));
    const auto cartridges = run(store_->list());
    ASSERT_EQ(cartridges->size(), 4U);
    EXPECT_EQ(cartridges->at(0).barcode, "AB0001L8");
    EXPECT_EQ(cartridges->at(0).element, (Element{ElementKind::storage, 3}));
    EXPECT_EQ(cartridges->at(0).capacity, kCartridgeCapacityMin);
    EXPECT_EQ(cartridges->at(1).element, (Element{ElementKind::storage, 0}));

    for (const auto& cartridge : *cartridges) {
        ASSERT_TRUE(run(store_->remove(cartridge.id)));
    }
    ASSERT_TRUE(run(store_->populate_once(two, 24)));
    EXPECT_TRUE(run(store_->list())->empty());
}

TEST_F(CartridgeStoreTest, APopulationThatWasCutShortIsNotDoneTwice) {
    ASSERT_TRUE(run(store_->create(request("TL0001L9", 0))));  // as if the mark was not written yet
    ASSERT_TRUE(run(store_->populate_once(populations("TL0001L9..TL0003L9"), 24)));
    EXPECT_EQ(run(store_->list())->size(), 1U);
}

TEST_F(CartridgeStoreTest, APopulationThatDoesNotFitCreatesNothing) {
    EXPECT_EQ(run(store_->populate_once(populations("TL0001L9..TL0003L9"), 2)).error().code,
              Errc::precondition);
    EXPECT_EQ(run(store_->populate_once(populations("TL0001"), 2)).error().code,
              Errc::invalid_argument);
    auto overlapping = populations("TL0001L9..TL0003L9");
    overlapping.push_back({"TL0003L9", std::nullopt});
    EXPECT_EQ(run(store_->populate_once(overlapping, 24)).error().code, Errc::already_exists);
    EXPECT_TRUE(run(store_->list())->empty());
    ASSERT_TRUE(run(store_->populate_once(populations("TL0001L9..TL0003L9"), 3)));
    EXPECT_EQ(run(store_->list())->size(), 3U);
}

}  // namespace
}  // namespace tapeloft::media
