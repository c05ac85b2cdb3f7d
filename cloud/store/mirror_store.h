// One store that is several: what is put is held by all of them, and any of them can be lost.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cloud/store/mirror_book.h"
#include "cloud/store/mirror_race.h"
#include "cloud/store/mirror_upkeep.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

/// A put, or a removal, succeeds when at least `required` members have done it; one that fails is
/// left out from then on ("behind"), which the others are told in writing before the put returns,
/// and catches up when it answers again (tend()). A member in step holds every object that was ever
/// reported as stored, so it answers for all.
///
/// - get: from the nearest member in step, else from the next. One that lacks the object, or says
///   that it is corrupt, gets it anew from another, at last from one that is behind. One that fails
///   otherwise is asked last until it answers again. A name that is not found is transient where a
///   member in step could not be asked; but where enough others are in step, and it is nothing that
///   others lead to, that member is behind from then on, and the name is not found.
/// - get of what machines agree by: from all members in step. Where they hold different objects
///   another machine has put one, or a bit is wrong: it is corrupt, and get_sound() finds the one
///   that the caller looks for. It is transient where so few answer that two machines might have
///   asked different ones, though each needs `required` members.
/// - put if absent: the members one after the other, in the order of the configuration. The object
///   that is there already is its own where the bytes are the same: it succeeds, and who lacks it
///   gets it. So who finds an object that he was never told is stored puts what he found once more.
///   Where members hold different objects of the name, one of them his, it is corrupt. Two writers
///   at once are told apart where they reach a common member; where more than half are required
///   they always do.
/// - Names under "mirror/" are its own; it lists no such names and takes none (invalid_argument).
///
/// Any thread. Until the first call has learnt enough of the members all calls are transient:
/// required = 1 of 2 needs both, unless the memory says which of them are in step.
class MirrorStore final : public ObjectStore {
  public:
    /// parts.members: two or more, required: 1 to as many.
    explicit MirrorStore(MirrorParts parts);

    /// What all members can do, as far as they know it by now.
    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override;
    [[nodiscard]] const std::string& url() const noexcept override { return url_; }
    [[nodiscard]] std::optional<std::chrono::seconds> clock_ahead() const override;
    /// Of the worst member that tells.
    Awaitable<Result<StoreCondition>> condition() override;
    /// Of the slowest member: where one of them archives nothing, recall() says available all the
    /// same.
    [[nodiscard]] std::optional<std::chrono::seconds> recall_time(
        std::string_view name) const override;
    void shut_down() override;

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    /// From the nearest member whose bytes are sound. Into a bad copy go those bytes and nothing
    /// else: what is sound there and bad elsewhere stays.
    Awaitable<Result<Buffer>> get_sound(std::string name, ByteRange range,
                                        SoundCheck is_sound) override;
    /// Of the first member, those first that archive nothing, that answers.
    Awaitable<Result<RecallState>> recall(std::string name) override;
    /// Of the member that keeps it longest, of those in step.
    Awaitable<Result<std::optional<std::int64_t>>> retained_until(std::string name) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;

    /// One round of what is done in the background: members that are away or behind are tried, and
    /// catch up. It may take as long as there is to copy; a second one meanwhile returns at once.
    Awaitable<void> tend() { return upkeep_.tend(); }
    [[nodiscard]] std::vector<MirrorMemberStatus> members() const;

  private:
    Awaitable<Result<void>> put_everywhere(const MirrorBook::Change& change, Buffer body);
    Awaitable<Result<void>> put_one_by_one(const MirrorBook::Change& change, Buffer body);
    /// The error of a put if absent that met other bytes. A member that has the bytes of the call
    /// makes it corrupt: precondition would say that they are there, and some have others.
    Awaitable<Error> taken(const MirrorBook::Change& change, Buffer body, Error why);
    [[nodiscard]] RaceRules rules(const MirrorBook::Change& change, MirrorDebt kind) const;
    [[nodiscard]] Result<void> check_targets(const MirrorBook::Change& change) const;
    /// Who failed is behind, and the others are told. Errors: the first failure, where too few are
    /// left.
    Awaitable<Result<void>> count(const MirrorBook::Change& change, MirrorDebt kind,
                                  RaceOutcomes<void> outcomes);
    template <typename T>
    Awaitable<Result<T>> ask_nearest(std::string name,
                                     std::function<Awaitable<Result<T>>(ObjectStore&)> call);
    Awaitable<bool> may_leave_out(std::vector<std::size_t> silent, std::string name);
    Awaitable<Result<Buffer>> get_agreed(std::string name, ByteRange range);
    Awaitable<Result<ObjectPage>> page_of(std::size_t member, std::string prefix, std::string after,
                                          std::size_t limit);
    void note_unanswered(std::size_t member, const std::string& name, const Error& error);
    void mend(const std::vector<std::size_t>& lacking, const std::string& name);
    Awaitable<void> mend_range(std::size_t member, std::string name, std::uint64_t offset,
                               bool whole, Buffer sound);
    [[nodiscard]] ObjectStore& store(std::size_t member) const { return *parts_.members[member]; }

    MirrorParts parts_;
    const std::shared_ptr<MirrorBook> shared_book_;  ///< late calls end there
    MirrorBook& book_ = *shared_book_;
    MirrorUpkeep upkeep_;
    const std::string url_;
    mutable std::mutex mutex_;
    mutable std::list<StoreCapabilities> capabilities_;  ///< all there ever were, the newest first
};

}  // namespace tapeloft
