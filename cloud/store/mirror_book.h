// What is known of the stores of a mirror: which of them hold everything, and what the others owe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/result.h"

namespace tapeloft {

enum class MirrorStanding : std::uint8_t {
    away,      ///< it has not answered since the start
    in_step,   ///< it holds every object that was reported as stored
    behind,    ///< it lacks some of them, or may, and catches up
    diverged,  ///< it holds something else under the same names: a person must look
};

[[nodiscard]] std::string_view to_string(MirrorStanding standing) noexcept;

/// For people and the administration.
struct MirrorMemberStatus {
    std::string url;
    MirrorStanding standing = MirrorStanding::away;
    /// Objects to be written or removed there, as far as they are known, also from earlier runs.
    std::uint64_t owed = 0;
    /// What it lacks, perhaps beyond these, is found out by comparing lists.
    bool to_compare = false;
    std::string trouble;  ///< why it failed last; empty: it did not
};

enum class MirrorDebt : std::uint8_t { copy, remove };

/// Sans-IO; any thread. Members are counted from 0, in the order of the configuration.
class MirrorBook {
  public:
    /// One that is caught up with has this much in hand at once.
    static constexpr std::size_t kOwedMax = 100'000;

    struct Debt {
        std::string name;
        MirrorDebt kind = MirrorDebt::copy;
        std::uint64_t version = 0;  ///< the debt is paid if it still has this one
    };
    /// A put or a remove that has begun.
    struct Change {
        std::string name;
        std::vector<std::size_t> targets;  ///< the members in step
        std::vector<std::size_t> others;   ///< who owes it from now on, diverged ones left out
        std::uint64_t era = 0;
    };

    explicit MirrorBook(std::size_t members) : members_(members) {}

    /// Whoever is not in step owes the object before it is anywhere: so nobody is in step without.
    [[nodiscard]] Change begin(const std::string& name, MirrorDebt kind);
    /// The member's part of the change goes on although the change has ended: until end_late() the
    /// object cannot be copied there, and the member is not in step.
    void begin_late(std::size_t member, const Change& change, MirrorDebt kind);
    void end_late(std::size_t member, const Change& change);
    /// The member failed it: it is behind, and owes it. Not so in another era: it was taken in
    /// anew since.
    void fail(std::size_t member, const Change& change, MirrorDebt kind);
    /// It is where it will be; only now can it be copied.
    void end(const Change& change);

    /// Another machine went on, and what was done here counts for nothing: all but the diverged are
    /// away and owe nothing, and another era begins.
    void start_anew();
    [[nodiscard]] std::uint64_t era() const;

    [[nodiscard]] MirrorStanding standing(std::size_t member) const;
    void set_standing(std::size_t member, MirrorStanding standing);
    /// One that is away is taken in; else see set_behind().
    void take_in(std::size_t member, bool to_compare);
    /// to_compare: with another, before it is in step. One that is away stays so.
    void set_behind(std::size_t member, bool to_compare);
    void compared(std::size_t member);
    /// Whether it did not owe it before.
    [[nodiscard]] bool owe(std::size_t member, const std::string& name, MirrorDebt kind);
    void note_trouble(std::size_t member, std::string trouble);
    /// What it lacks that no debt here tells of, in number: an earlier run knew it, or comparing
    /// has found it. It is for people; nothing after it enters step.
    void note_lacking(std::size_t member, std::uint64_t objects);
    void note_brought(std::size_t member);  ///< one of these
    /// The same number as a later run needs it: with the debts, but for names with these prefixes,
    /// which will be owed then by each change anew.
    [[nodiscard]] std::uint64_t lacking(std::size_t member,
                                        const std::vector<std::string>& replaced) const;

    /// All debts up to this version have ended their changes, and can be paid. What a change built
    /// upon, having waited for it, has an earlier version.
    [[nodiscard]] std::uint64_t settled(std::size_t member) const;
    /// The next one behind `after`, of a version up to `until`, that can be paid now.
    [[nodiscard]] std::optional<Debt> next_debt(std::size_t member, const std::string& after,
                                                std::uint64_t until = UINT64_MAX) const;
    /// 0: it does not owe it.
    [[nodiscard]] std::uint64_t owed_version(std::size_t member, const std::string& name) const;
    void pay(std::size_t member, const Debt& debt);
    [[nodiscard]] bool to_compare(std::size_t member) const;
    /// In step from now on, unless it owes anything.
    [[nodiscard]] bool try_enter_step(std::size_t member);

    /// Members in step, the nearest first: by the time of their last answers, unmeasured ones
    /// first, those that did not answer last.
    [[nodiscard]] std::vector<std::size_t> nearest() const;
    void note_time(std::size_t member, double ms);
    void note_answered(std::size_t member);
    void note_unanswered(std::size_t member, std::string trouble);
    [[nodiscard]] bool is_unanswered(std::size_t member) const;

    [[nodiscard]] std::vector<std::size_t> with(MirrorStanding standing) const;
    [[nodiscard]] std::vector<MirrorMemberStatus> status() const;
    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

  private:
    struct Owed {
        MirrorDebt kind = MirrorDebt::copy;
        std::uint64_t version = 0;
        std::size_t under_way = 0;  ///< changes of it that have begun and not ended
    };
    struct Member {
        MirrorStanding standing = MirrorStanding::away;
        bool to_compare = false;
        std::map<std::string, Owed> owed;
        std::uint64_t lacking = 0;  ///< beside these
        std::string trouble;
        std::optional<double> ms;
        bool unanswered = false;  ///< the last question
    };

    static void end_silence(Member& member);
    [[nodiscard]] bool add_debt(Member& member, const std::string& name, MirrorDebt kind,
                                bool under_way);

    mutable std::mutex mutex_;
    std::vector<Member> members_;
    std::uint64_t last_version_ = 0;
    std::uint64_t era_ = 0;
};

}  // namespace tapeloft
