// Objects of one log stream out of a store, opened: what reading and adopting have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/log/log_stream.h"

namespace tapeloft::media {

/// store, keys outlive it. Errors of all calls: corrupt, unsupported, those of the store.
class LogFetch {
  public:
    static constexpr std::size_t kAtOnce = 16;  ///< requests

    LogFetch(ObjectStore& store, const KeyRing& keys, const StreamId& stream,
             TrimLogObject trim = nullptr);

    [[nodiscard]] std::string name(std::uint64_t sequence) const;

    /// Nothing: there is none, or none that can be opened; `findings` then says so.
    Awaitable<Result<std::optional<StreamHead>>> head(std::vector<LogFinding>* findings);
    Awaitable<Result<void>> put_head(StreamHead head);
    /// Of an object that is there, though nobody was told that it is stored: puts its very bytes
    /// once more, if absent. So every store of a mirror has it, not only one that an interrupted
    /// put reached. Errors: corrupt also where it has another digest.
    Awaitable<Result<void>> settle(std::uint64_t sequence, Sha256 digest);
    /// The objects first, first + 1, ..., each nothing where there is none; at most kAtOnce.
    Awaitable<Result<std::vector<std::optional<LogObjectAt>>>> range(std::uint64_t first,
                                                                     std::size_t count);
    /// The same for any sequences, any number of them.
    Awaitable<Result<std::vector<std::optional<LogObjectAt>>>> objects(
        std::vector<std::uint64_t> sequences);
    /// Those from `first` on, up to the first one that does not exist. Errors: corrupt also where
    /// there is one behind that.
    Awaitable<Result<std::vector<LogObjectAt>>> from(std::uint64_t first);
    /// The highest sequence behind `after` that a list shows; nothing: it shows none.
    Awaitable<Result<std::optional<std::uint64_t>>> highest_listed(std::uint64_t after);

    /// Each names the one before it by digest. Errors: corrupt.
    [[nodiscard]] Result<void> check_chain(const std::vector<LogObjectAt>& objects) const;
    [[nodiscard]] Error removed(std::uint64_t sequence) const;
    [[nodiscard]] Error out_of_chain(std::uint64_t sequence) const;

  private:
    Awaitable<Result<std::optional<LogObjectAt>>> object(std::uint64_t sequence);

    ObjectStore& store_;
    const KeyRing& keys_;
    StreamId stream_;
    TrimLogObject trim_;
};

}  // namespace tapeloft::media
