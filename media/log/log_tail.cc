#include <algorithm>
#include <utility>

#include "media/log/log_fetch.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {
namespace {

std::string ends_of(const StreamHead& known, const std::optional<StreamHead>& stored) {
    return "the catalog knows the stream up to object " + std::to_string(known.sequence) +
           ", the store " +
           (stored ? "up to object " + std::to_string(stored->sequence) : "has no head of it");
}

/// A later checkpoint made what comes next obsolete.
Error old_copy(const LogFetch& fetch, const StreamHead& known, std::uint64_t newest) {
    return {Errc::precondition, fetch.name(known.sequence + 1) +
                                    " is gone; the catalog knows the stream up to object " +
                                    std::to_string(known.sequence) + ", the store up to object " +
                                    std::to_string(newest) + ": the catalog is an old copy"};
}

StreamHead end_of(const StreamHead& known, const std::vector<LogObjectAt>& objects) {
    auto head = known;
    for (const auto& at : objects) {
        head.sequence = at.object.sequence;
        head.digest = at.digest;
        if (at.object.kind == LogKind::checkpoint) {
            head.checkpoint = head.sequence;
        }
    }
    return head;
}

/// An object counts as told of where a head names it; a head lags by one at most.
Awaitable<Result<void>> put_head(LogFetch* fetch, StreamHead known, const LogTail* tail) {
    for (const auto& at : tail->objects) {
        TL_CO_CHECK(co_await fetch->settle(at.object.sequence, at.digest));
    }
    if (tail->objects.empty()) {
        TL_CO_CHECK(co_await fetch->settle(known.sequence, known.digest));
    }
    co_return co_await fetch->put_head(tail->head);
}

/// Is the known end still there? Whatever is appended would hide that it is not.
Awaitable<Result<void>> check_end(LogFetch* fetch, StreamHead known,
                                  std::optional<StreamHead> stored) {
    if (known.sequence == 0) {
        co_return Result<void>();
    }
    TL_CO_TRY(const auto there, co_await fetch->range(known.sequence, 1));
    if (!there[0] || there[0]->digest != known.digest) {
        co_return Error{Errc::corrupt, fetch->name(known.sequence) +
                                           (there[0] ? " is another one than the catalog knows; "
                                                     : " is missing; ") +
                                           ends_of(known, stored) +
                                           (stored == known ? ": it was removed or replaced"
                                                            : ": an older state was put back")};
    }
    co_return Result<void>();
}

}  // namespace

Awaitable<Result<LogTail>> adopt_log_tail(ObjectStore& store, const KeyRing& keys, StreamId stream,
                                          StreamHead known) {
    LogFetch fetch(store, keys, stream);
    LogTail tail;
    TL_CO_TRY(const auto stored, co_await fetch.head(&tail.findings));
    TL_CO_TRY(tail.objects, co_await fetch.from(known.sequence + 1));
    tail.head = end_of(known, tail.objects);
    // An old head may have been put back; the list has what it hides.
    TL_CO_TRY(const auto listed, co_await fetch.highest_listed(tail.head.sequence));
    const auto newest = std::max(listed.value_or(0), stored ? stored->sequence : 0);
    if (newest > tail.head.sequence) {
        co_return tail.objects.empty() ? old_copy(fetch, known, newest)
                                       : fetch.removed(tail.head.sequence + 1);
    }
    if (tail.head.checkpoint == known.checkpoint) {  // else it may be obsolete
        TL_CO_CHECK(co_await check_end(&fetch, known, stored));
    }
    if (!tail.objects.empty() && tail.objects.front().object.previous != known.digest) {
        co_return fetch.out_of_chain(known.sequence + 1);
    }
    TL_CO_CHECK(fetch.check_chain(tail.objects));
    if (!stored && known.sequence == 0) {
        tail.findings.clear();  // a stream begins without a head
    }
    if (stored && stored->sequence < known.sequence) {
        tail.findings.push_back({head_name(stream), "an older head was put back: it names object " +
                                                        std::to_string(stored->sequence)});
    }
    if (tail.head.sequence != 0 && stored != tail.head) {
        TL_CO_CHECK(co_await put_head(&fetch, known, &tail));
    }
    co_return tail;
}

}  // namespace tapeloft::media
