// Two machines that use the same mirror at the same time: one was taken over and does not know it
// yet.
#include <utility>

#include "tests/cloud/store/mirror_fixture.h"

namespace tapeloft::tests {
namespace {

class MirrorRoster : public MirrorStoreTest {
  protected:
    MirrorRoster() { members = std::vector<Member>(3); }

    /// Both know that all three are in step; `mirror` is the second one.
    void start_both(std::size_t required) {
        start(required, false);
        ASSERT_TRUE(put("lease", "of the first"));
        ASSERT_TRUE(put("head/s", "old"));
        first = std::move(mirror);
        start(required, false);
        ASSERT_EQ(get("head/s"), "old");
    }
    Result<void> put_by_first(const std::string& name, std::string_view text) {
        return loop.run(first->put(name, body_of(text), {}));
    }
    void tend_first() {
        std::swap(mirror, first);
        tend();
        std::swap(mirror, first);
    }
    std::string get_by_first(const std::string& name) {
        std::swap(mirror, first);
        auto got = get(name);
        std::swap(mirror, first);
        return got;
    }
    /// What a machine that never saw the mirror reads.
    std::string get_by_stranger(const std::string& name, std::size_t required) {
        auto second = std::exchange(mirror, nullptr);
        start(required, false);
        auto got = get(name);
        mirror = std::move(second);
        return got;
    }
    MemoryStore::Objects rosters_in(std::size_t member) const {
        auto objects = members[member].memory->objects();
        std::erase_if(objects,
                      [](const auto& each) { return !each.first.starts_with("mirror/roster/"); });
        return objects;
    }
    std::string newest_roster_in(std::size_t member) const {
        return std::string(as_text(rosters_in(member).rbegin()->second.view()));
    }

    std::unique_ptr<MirrorStore> first;
};

TEST_F(MirrorRoster, OfTheMachineThatWasTakenOverNeverReplacesTheOthers) {
    start_both(2);
    members[1].store->set_down(true);
    ASSERT_TRUE(put("head/s", "new"));
    const auto of_second = newest_roster_in(0);
    members[1].store->set_down(false);
    members[2].store->set_down(true);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(put_by_first("packs/1", "late").error().code, Errc::transient);
        EXPECT_EQ(newest_roster_in(0), of_second);
    }
    EXPECT_EQ(get_by_stranger("head/s", 2), "new");
    tend_first();
    EXPECT_EQ(get_by_first("head/s"), "new");
    members[2].store->set_down(false);
    for (int round = 0; round < 3; ++round) {
        tend_first();
        tend();
    }
    EXPECT_EQ(standings(), "in step, in step, in step");
    EXPECT_TRUE(put("head/s", "newer"));
    EXPECT_EQ(get_by_first("head/s"), "newer");
    EXPECT_EQ(get_by_stranger("head/s", 2), "newer");
}

TEST_F(MirrorRoster, OfTheMachineThatTookOverIsNotReplacedByAFasterOne) {
    start_both(2);
    members[2].store->set_down(true);
    ASSERT_TRUE(put_by_first("packs/1", "late"));
    const auto of_first = newest_roster_in(0);
    members[2].store->set_down(false);
    members[1].store->set_down(true);
    EXPECT_EQ(put("head/s", "new").error().code, Errc::transient);
    EXPECT_EQ(newest_roster_in(0), of_first);
    members[1].store->set_down(false);
    tend();
    tend();
    EXPECT_TRUE(put("head/s", "new"));
    for (std::size_t member = 0; member < 3; ++member) {
        members[member].store->set_down(true);
        EXPECT_EQ(get_by_stranger("head/s", 2), "new") << member;
        members[member].store->set_down(false);
    }
}

TEST_F(MirrorRoster, IsNotWrittenByAMachineWhoseLeaseIsAnothers) {
    start_both(2);
    ASSERT_TRUE(put("lease", "of the second"));
    const auto before = rosters_in(0);
    members[2].store->set_down(true);
    EXPECT_EQ(put_by_first("packs/1", "late").error().code, Errc::transient);
    EXPECT_TRUE(rosters_in(0).size() == before.size() &&
                rosters_in(0).begin()->first == before.begin()->first);
    EXPECT_TRUE(put("packs/2", "in time")) << "who has the lease goes on";
    EXPECT_NE(rosters_in(0).begin()->first, before.begin()->first);
}

TEST_F(MirrorRoster, WhoseLeaseIsAnothersBringsNoStoreIntoStep) {
    start_both(2);
    members[2].store->set_down(true);
    ASSERT_TRUE(put_by_first("head/s", "of the first"));
    members[2].store->set_down(false);
    tend();  // the second learns of it, and goes on with all of them
    tend();
    ASSERT_TRUE(put("lease", "of the second"));
    ASSERT_TRUE(put("head/s", "of the second"));
    EXPECT_EQ(in(2, "head/s"), "of the second");
    lose_in(2, "head/s");
    tend_first();
    EXPECT_EQ(in(2, "head/s"), "none") << "the first copies nothing any more";
}

}  // namespace
}  // namespace tapeloft::tests
