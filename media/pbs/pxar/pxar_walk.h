// Through a pxar archive from its beginning to its end, past what is damaged.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/pxar_reader.h"

namespace tapeloft::media {

struct PxarEvent {
    enum class Kind : std::uint8_t {
        entry,   ///< a directory comes before what is in it
        leave,   ///< all that is in the directory has come
        damage,  ///< something is lost: `error` says what and why
    };

    Kind kind = Kind::entry;
    /// leave: the directory, with its attributes. damage: the path as far as it is known.
    PxarEntry entry;
    std::optional<Error> error;
    bool selected = true;  ///< SelectionWalk: false for a directory that is only on the way
};

/// Goes from item to item and needs no goodbye table, until it meets damage: then the tables of the
/// directories around it tell where the next child begins. A directory whose own entry is lost is
/// still gone through, under its name if that is known, else as "lost-<position>".
///
/// Memory: the directories above the present one with their attributes, kHeldMax at most; kKnownMax
/// ranges.
class PxarWalk {
  public:
    static constexpr std::uint64_t kHeldMax = 64ULL * 1024 * 1024;
    /// Children of one directory that are kept in mind once something in it was damaged.
    static constexpr std::size_t kKnownMax = 64UL * 1024;

    explicit PxarWalk(PxarReader& reader) : reader_(reader) {}

    /// To begin (anew) with the root.
    void begin();
    /// To begin (anew) with the last place of a route, and to end behind it.
    void begin(const PxarRoute& route);

    /// None: the end. Errors: corrupt (nothing of the archive can be read), unsupported (kHeldMax),
    /// the source's other than damage. After an error the walk is over.
    Awaitable<Result<std::optional<PxarEvent>>> next();
    /// Not into the directory that next() has just returned: its leave is the next event.
    void skip() noexcept { skip_ = true; }
    /// Where the directory that next() has just returned ends. Errors: corrupt, the source's.
    Awaitable<Result<std::uint64_t>> end_of_current();

  private:
    struct Level {
        PxarEntry entry;
        std::optional<std::uint64_t> end;
        std::uint64_t held = 0;
    };

    Awaitable<Result<void>> advance();
    Awaitable<Result<void>> advance_root();
    Awaitable<Result<void>> skip_rest();
    Awaitable<Result<void>> recover(Error error, PxarEntry partial);
    Awaitable<Result<void>> recover_in(std::uint64_t from, const PxarEntry* lost);
    Awaitable<Result<void>> enter_lost(ChildRange child, const PxarEntry& lost);
    Awaitable<Result<std::optional<ChildRange>>> child_from(GoodbyeTable& table,
                                                            std::uint64_t position);
    Awaitable<Result<std::uint64_t>> end_of(std::size_t level);
    [[nodiscard]] std::uint64_t limit() const;
    Result<void> enter(PxarEntry entry, std::optional<std::uint64_t> end);
    void leave();
    void push(PxarEvent event);
    void push_damage(Error error, std::string path);

    PxarReader& reader_;
    std::vector<Level> levels_;
    std::size_t base_ = 0;  ///< levels above the start of the walk
    std::uint64_t held_ = 0;
    std::uint64_t at_ = 0;  ///< where the next item stands
    std::optional<PxarPlace> start_;
    bool from_root_ = false;
    bool skip_ = false;
    std::optional<std::size_t> silent_;  ///< this level is gone through, but nobody wants to know
    std::deque<PxarEvent> ready_;
    std::vector<ChildRange> known_;  ///< children from known_from_ on, in order, of one table
    std::uint64_t known_table_ = 0;  ///< where it begins
    std::uint64_t known_from_ = 0;
};

}  // namespace tapeloft::media
