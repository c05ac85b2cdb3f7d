// What cartridges take in the store is looked up a little at a time.
#include "media/archive/storage_shares.h"

#include <array>

#include "tests/media/catalog/archive_fixture.h"

namespace tapeloft::media {
namespace {

using namespace std::chrono_literals;

class StorageSharesTest : public ArchiveFixture {
  protected:
    /// Two cartridges, of one chunk each.
    void SetUp() override {
        ArchiveFixture::SetUp();
        first_ = id_;
        second_ = add("TL0002L9", 1);
        add_packs({pack(1, {1, 2})});
        for (const auto id : {first_, second_}) {
            id_ = id;
            add_segments({full_segment(1, 0)});
            ASSERT_TRUE(commit({stored(1, {static_cast<std::uint8_t>(id == first_ ? 1 : 2)})}));
        }
    }
    [[nodiscard]] std::array<StorageShares::Wanted, 2> both() const {
        return {{{first_, 1000, 1}, {second_, 1000, 1}}};
    }

    CartridgeId first_ = 0;
    CartridgeId second_ = 0;
};

TEST_F(StorageSharesTest, WithoutPatienceNothingIsLookedUpAndWhatIsKnownStays) {
    StorageShares shares(*archive_);
    EXPECT_EQ(shares.of(both(), -1ms)->size(), 0U);
    const auto wanted = both();
    EXPECT_EQ(shares.of(wanted, 1h)->size(), 2U);
    EXPECT_EQ(shares.of(std::span(wanted).first(1), 1h)->size(), 1U) << "the other is forgotten";
    EXPECT_EQ(shares.of(wanted, -1ms)->size(), 1U);
}

TEST_F(StorageSharesTest, AShareIsKeptUntilTheCartridgeChangesOrIsLookedUpNow) {
    StorageShares shares(*archive_);
    auto wanted = both();
    EXPECT_EQ(shares.of(wanted, 1h)->at(first_).plain_share, 1000);
    id_ = second_;
    add_segments({full_segment(2, 10)});
    ASSERT_TRUE(commit({stored(2, {1})}, 2));
    EXPECT_EQ(shares.of(wanted, 1h)->at(second_).plain_share, 1000);
    EXPECT_EQ(shares.now(first_)->plain_share, 500);
    wanted[1].stored = 2000;
    EXPECT_EQ(shares.of(wanted, 1h)->at(second_).plain_share, 1500);
}

}  // namespace
}  // namespace tapeloft::media
