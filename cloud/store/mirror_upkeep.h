// How the members of a mirror are met, told apart, and brought into step again.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/event_log.h"
#include "cloud/base/run_once.h"
#include "cloud/base/turn.h"
#include "cloud/store/mirror_agreement.h"
#include "cloud/store/mirror_book.h"
#include "cloud/store/mirror_race.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

inline constexpr std::string_view kMirrorNames = "mirror/";

/// It is said of the object, which another member may have; not of the way there. io may be of the
/// whole store, too.
[[nodiscard]] inline bool is_of_object(const Error& error) noexcept {
    return error.code == Errc::not_found || error.code == Errc::corrupt || error.code == Errc::io;
}

/// What one machine remembers of its mirror; without it more members have to answer at the start.
/// One call at a time; both may wait for a disk, and are rare.
class MirrorMemory {
  public:
    MirrorMemory() = default;
    MirrorMemory(const MirrorMemory&) = delete;
    MirrorMemory& operator=(const MirrorMemory&) = delete;
    virtual ~MirrorMemory() = default;

    [[nodiscard]] virtual Result<std::optional<std::string>> load() const = 0;
    /// Durable when it returns.
    virtual Result<void> save(const std::string& text) = 0;
};

struct MirrorParts {
    std::vector<std::shared_ptr<ObjectStore>> members;
    std::size_t required = 1;
    /// Prefixes of names that are written over and over. All others are written once.
    std::vector<std::string> replaced;
    /// Small objects among those by which machines agree: a get asks all that are in step.
    std::vector<std::string> agreed;
    /// Prefixes of names that others lead to. One that is behind gets these first, `replaced` ones
    /// last, so that what is there leads to nothing that is not.
    std::vector<std::string> led_to;
    EventLog* events = nullptr;
    /// A change counts once `required` members have it: so long the others have to get it, too. Who
    /// takes longer is behind, is sent nothing but what it owes, and so much of that at once.
    std::chrono::milliseconds slow_patience{5000};
    /// At the start the others have so long once enough have answered, and each that is silent in
    /// each round; who takes longer is away, and its answer counts in the next round. And so long
    /// they have to say what machines agree by.
    std::chrono::milliseconds start_patience{2000};
    std::size_t copies_at_once = 4;        ///< objects in memory
    std::shared_ptr<MirrorMemory> memory;  ///< null: it has none
};

/// "mirror/member" in each member: the ids of the mirror and of the member. "mirror/roster/EPOCH"
/// in those that are in step: who they are. Nothing is reported as stored unless the newest roster,
/// on `required` members, names none that lacks it; so any members - required + 1 of them know who
/// is in step, also to a machine that never saw this mirror. Lost with a crash is only that one had
/// caught up. Only an empty store becomes a member beside others, so nothing is lost in one that
/// was meant for something else. An epoch is taken by one machine only (put if absent); who meets
/// another's roster writes none until it has learnt anew who is in step, and who finds that another
/// machine put the lease after it writes none, and brings no store into step, at all.
class MirrorUpkeep {
  public:
    /// parts, book: outlive it.
    MirrorUpkeep(MirrorParts& parts, MirrorBook& book);

    /// Once it is known who is in step. Errors: transient (too few answer, and who).
    Awaitable<Result<void>> ready();
    /// The roster names nobody but `holders`, or fewer; who cannot be told is behind then. Errors:
    /// transient, where fewer of them than required are left, or they held it in another era.
    Awaitable<Result<void>> leave_out_others(std::vector<std::size_t> holders, std::uint64_t era);
    /// A member in step does not answer: where the others that do are enough it is behind, and
    /// nobody waits for it any more.
    Awaitable<void> leave_out(std::size_t member, std::string trouble);
    Awaitable<void> tend();
    /// Any thread: what tend() is about, for hours perhaps, ends soon.
    void stop() noexcept { stopped_ = true; }
    [[nodiscard]] bool is_replaced(std::string_view name) const;
    [[nodiscard]] bool is_led_to(std::string_view name) const;
    [[nodiscard]] MirrorAgreement& agreement() noexcept { return *agreement_; }

  private:
    using Ids = std::set<std::string>;

    struct Roster {
        std::uint64_t epoch = 0;  ///< 0: there is none
        Ids members;
    };
    /// What a member says of itself and of others.
    struct Entry {
        std::string mirror;  ///< empty: it is in none
        std::string id;
        bool empty = false;  ///< but for the names of a mirror
        Roster roster;
    };
    /// With one member, which may hang: there is one at a time, and it is not waited for.
    struct Meeting {
        std::mutex mutex;
        bool under_way = false;
        std::optional<Entry> late;  ///< it has ended since it was last asked for
    };
    static constexpr std::string_view kMemberName = "mirror/member";
    static constexpr std::size_t kCompared = 1UL
                                             << 20U;  ///< bytes: larger ones only by their sizes

    Awaitable<Result<void>> get_ready();
    Awaitable<Result<void>> learn_who_is_in_step();
    [[nodiscard]] bool another_went_on();
    Awaitable<void> start_anew();
    Awaitable<void> meet_those_away(std::size_t enough);
    Awaitable<std::vector<Result<Entry>>> try_meet(const std::vector<std::size_t>& members,
                                                   std::size_t enough);
    static Awaitable<Result<Entry>> meet_once(std::shared_ptr<ObjectStore> store,
                                              std::shared_ptr<Meeting> meeting);
    static Awaitable<Result<Entry>> meet(std::shared_ptr<ObjectStore> store);
    [[nodiscard]] static std::string roster_name(std::uint64_t epoch);
    static Awaitable<Result<Roster>> newest_roster(ObjectStore& store);
    [[nodiscard]] std::size_t needed() const;
    [[nodiscard]] std::size_t met() const;
    [[nodiscard]] Result<void> recall();
    [[nodiscard]] Result<void> identify();
    [[nodiscard]] Result<void> check_one_history();
    Awaitable<Result<void>> begin_mirror();
    [[nodiscard]] Result<void> check_enough() const;
    Awaitable<Result<void>> adopt(std::size_t member);
    void take_in(std::size_t member);
    void take_in_all();

    Awaitable<Result<void>> shrink_roster(std::vector<std::size_t> holders, std::uint64_t era);
    Awaitable<Result<std::vector<std::size_t>>> write_roster(std::vector<std::size_t> members);
    Awaitable<Result<void>> check_agreement(const std::vector<std::size_t>& members);
    using Telling = std::function<Awaitable<Result<void>>(std::shared_ptr<ObjectStore>)>;
    Awaitable<RaceOutcomes<void>> tell(const std::vector<std::size_t>& members, Telling what);
    void note_roster(std::uint64_t epoch, const Ids& ids, bool told);
    [[nodiscard]] Result<void> remember();
    void recall_lacking(std::string_view word);
    [[nodiscard]] std::string lacking_of_all() const;
    Awaitable<void> remember_lacking();
    [[nodiscard]] bool roster_within(const std::vector<std::size_t>& members, std::uint64_t era);

    /// What a member lacks is put there in this order.
    enum class Pass : std::uint8_t { led_to, others, replaced, removed };
    static constexpr std::array kPasses{Pass::led_to, Pass::others, Pass::replaced, Pass::removed};
    struct Difference {
        std::string name;
        MirrorDebt kind = MirrorDebt::copy;
    };
    struct Differences {
        std::vector<Difference> found;
        bool all = true;
    };
    using Calls = std::vector<Awaitable<Result<void>>>;

    [[nodiscard]] Pass pass_of(std::string_view name, MirrorDebt kind) const;
    [[nodiscard]] std::size_t at_once(Pass pass) const;
    [[nodiscard]] Result<void> go_on() const;
    Awaitable<void> catch_up_all();
    Awaitable<void> catch_up(std::size_t member);
    Awaitable<bool> answers(std::size_t member);
    Awaitable<Result<void>> catch_up_with(std::size_t member, std::size_t source);
    Awaitable<Result<void>> pay_all(std::size_t member);
    Awaitable<Result<void>> pay_pass(std::size_t member, Pass pass, std::uint64_t until);
    Awaitable<Result<void>> pay(std::size_t member, const MirrorBook::Debt& debt);
    Awaitable<Result<void>> do_all(Calls calls, std::optional<Error>& archived);
    Awaitable<Result<void>> copy(std::size_t member, const std::string& name,
                                 std::uint64_t version);
    Awaitable<Result<void>> copy_new(std::size_t member, const std::string& name, Buffer body);
    Awaitable<Result<void>> compare(std::size_t member, std::size_t source);
    Awaitable<Result<Differences>> differences(std::size_t member, std::size_t source,
                                               std::optional<Pass> only, std::string after);
    Awaitable<Result<void>> compare_bytes(std::size_t member, std::size_t source,
                                          std::vector<std::string> names);
    Awaitable<Result<void>> compare_object(std::size_t member, std::size_t source,
                                           std::string name);
    [[nodiscard]] Result<std::optional<Difference>> difference(
        std::size_t member, const std::optional<ObjectInfo>& there,
        const std::optional<ObjectInfo>& here);
    Awaitable<Result<void>> settle_pass(std::size_t member, std::size_t source, Pass pass,
                                        const std::vector<Difference>& found);
    Awaitable<Result<void>> settle(std::size_t member, std::size_t source,
                                   const Difference& difference);
    Awaitable<void> join_roster(std::size_t member);
    Awaitable<void> remember_diverged(std::size_t member);
    Error diverge(std::size_t member, const std::string& why);
    [[nodiscard]] ObjectStore& store(std::size_t member) const { return *parts_.members[member]; }

    MirrorParts& parts_;
    MirrorBook& book_;
    RunOnce ready_;
    std::atomic<bool> tending_ = false;
    std::atomic<bool> stopped_ = false;
    // Of ready(), then of tend().
    std::string mirror_;  ///< its id; empty: not known yet
    bool asked_memory_ = false;
    bool recalled_ = false;  ///< and it is the newest
    Ids at_start_;           ///< who was in step before anything was done here
    std::vector<std::optional<Entry>> entries_;
    std::vector<std::shared_ptr<Meeting>> meetings_;  ///< they may outlive it
    bool told_of_two_ = false;                        ///< histories
    Ids diverged_;                                    ///< changed with the turn of the roster
    std::string lacking_remembered_;                  ///< likewise

    const std::shared_ptr<MirrorAgreement> agreement_;  ///< late calls ask it
    Turn roster_turn_;                                  ///< of who changes the roster
    std::atomic<bool> overtaken_ = false;  ///< a store had another machine's roster of an epoch
    std::mutex mutex_;
    /// The newest, changed in its turn only; of one that not all were told of, and the one before,
    /// all members.
    Roster roster_;
};

}  // namespace tapeloft
