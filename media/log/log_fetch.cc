#include "media/log/log_fetch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "cloud/base/gather.h"
#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

/// The first look beyond the end: one object may be there after a crash; the second one tells
/// whether the first was removed.
constexpr std::size_t kFirstLook = 2;
constexpr std::size_t kListPage = 1000;

std::optional<std::uint64_t> sequence_in(std::string_view name, std::string_view prefix) {
    std::array<std::uint8_t, 8> number{};
    if (!name.starts_with(prefix) || !from_hex(name.substr(prefix.size()), number)) {
        return std::nullopt;
    }
    return load_big_endian<8>(number);
}

}  // namespace

LogFetch::LogFetch(ObjectStore& store, const KeyRing& keys, const StreamId& stream,
                   TrimLogObject trim)
    : store_(store), keys_(keys), stream_(stream), trim_(trim) {}

std::string LogFetch::name(std::uint64_t sequence) const {
    return log_name(stream_, sequence);
}

Error LogFetch::removed(std::uint64_t sequence) const {
    return {Errc::corrupt, name(sequence) + " was removed from the store"};
}

Error LogFetch::out_of_chain(std::uint64_t sequence) const {
    return {Errc::corrupt, name(sequence) +
                               " does not follow the object before it: one of the two was "
                               "swapped, or is of another history"};
}

Awaitable<Result<std::optional<StreamHead>>> LogFetch::head(std::vector<LogFinding>* findings) {
    const auto object_name = head_name(stream_);
    auto bytes = co_await store_.get(object_name, ByteRange{});
    if (!bytes && bytes.error().code == Errc::not_found) {
        findings->push_back({object_name, "is missing"});
        co_return std::optional<StreamHead>();
    }
    if (!bytes) {
        co_return std::move(bytes).error();
    }
    auto head = open_head(keys_, stream_, bytes->view());
    if (!head) {
        auto opens = [this](ByteView other) {
            return open_head(keys_, stream_, other).has_value();
        };
        TL_CO_TRY(const auto other,
                  co_await store_.get_sound(object_name, ByteRange{}, std::move(opens)));
        head = open_head(keys_, stream_, other.view());
    }
    if (!head) {
        findings->push_back({object_name, "is damaged, or not what was written there"});
        co_return std::optional<StreamHead>();
    }
    co_return std::optional<StreamHead>(*head);
}

Awaitable<Result<void>> LogFetch::put_head(StreamHead head) {
    TL_CO_TRY(const auto bytes, seal_head(keys_, stream_, head));
    co_return co_await store_.put(head_name(stream_), Buffer::copy_of(bytes), PutOptions{});
}

Awaitable<Result<void>> LogFetch::settle(std::uint64_t sequence, Sha256 digest) {
    TL_CO_TRY(auto bytes, co_await store_.get(name(sequence), ByteRange{}));
    if (sha256(bytes.view()) != digest) {
        co_return out_of_chain(sequence);
    }
    const PutOptions options{.if_absent = true};
    auto put = co_await store_.put(name(sequence), std::move(bytes), options);
    if (!put && put.error().code == Errc::precondition) {
        co_return Result<void>();
    }
    co_return put;
}

Awaitable<Result<std::optional<LogObjectAt>>> LogFetch::object(std::uint64_t sequence) {
    auto bytes = co_await store_.get(name(sequence), ByteRange{});
    if (!bytes && bytes.error().code == Errc::not_found) {
        co_return std::optional<LogObjectAt>();
    }
    if (!bytes) {
        co_return std::move(bytes).error();
    }
    auto opened = open_log_object(keys_, stream_, sequence, bytes->view());
    if (!opened && opened.error().code == Errc::corrupt) {
        auto opens = [this, sequence](ByteView other) {
            return open_log_object(keys_, stream_, sequence, other).has_value();
        };
        bytes = co_await store_.get_sound(name(sequence), ByteRange{}, std::move(opens));
        TL_CO_CHECK(bytes);
        opened = open_log_object(keys_, stream_, sequence, bytes->view());
    }
    TL_CO_CHECK(opened);
    if (trim_ != nullptr) {
        trim_(*opened);
    }
    LogObjectAt at;
    at.object = std::move(*opened);
    at.digest = sha256(bytes->view());
    co_return std::optional<LogObjectAt>(std::move(at));
}

Awaitable<Result<std::vector<std::optional<LogObjectAt>>>> LogFetch::objects(
    std::vector<std::uint64_t> sequences) {
    std::vector<std::optional<LogObjectAt>> found;
    found.reserve(sequences.size());
    for (std::size_t done = 0; done < sequences.size();) {
        const auto end = std::min(done + kAtOnce, sequences.size());
        std::vector<Awaitable<Result<std::optional<LogObjectAt>>>> calls;
        for (; done < end; ++done) {
            calls.push_back(object(sequences[done]));
        }
        auto results = co_await gather(std::move(calls));
        for (auto& result : results) {
            TL_CO_TRY(auto at, std::move(result));
            found.push_back(std::move(at));
        }
    }
    co_return found;
}

Awaitable<Result<std::vector<std::optional<LogObjectAt>>>> LogFetch::range(std::uint64_t first,
                                                                           std::size_t count) {
    std::vector<std::uint64_t> sequences;
    for (std::size_t i = 0; i < count; ++i) {
        sequences.push_back(first + i);
    }
    co_return co_await objects(std::move(sequences));
}

Awaitable<Result<std::vector<LogObjectAt>>> LogFetch::from(std::uint64_t first) {
    std::vector<LogObjectAt> found;
    for (auto count = kFirstLook;; count = kAtOnce) {
        TL_CO_TRY(auto next, co_await range(first, count));
        const auto is_there = [](const auto& at) { return at.has_value(); };
        const auto end = std::find_if_not(next.begin(), next.end(), is_there);
        const auto sequence = first + static_cast<std::uint64_t>(end - next.begin());
        if (std::any_of(end, next.end(), is_there)) {
            co_return removed(sequence);
        }
        for (auto at = next.begin(); at != end; ++at) {
            found.push_back(std::move(**at));
        }
        if (end != next.end()) {
            co_return found;
        }
        first = sequence;
    }
}

Awaitable<Result<std::optional<std::uint64_t>>> LogFetch::highest_listed(std::uint64_t after) {
    const auto prefix = std::string(kLogPrefix) + to_hex(stream_) + "/";
    std::optional<std::uint64_t> highest;
    auto last = name(after);
    while (true) {
        TL_CO_TRY(const auto page, co_await store_.list(prefix, last, kListPage));
        for (const auto& info : page.objects) {
            highest = std::max(highest, sequence_in(info.name, prefix));
        }
        if (!page.more || page.objects.empty()) {
            co_return highest;
        }
        last = page.objects.back().name;
    }
}

Result<void> LogFetch::check_chain(const std::vector<LogObjectAt>& objects) const {
    for (std::size_t i = 1; i < objects.size(); ++i) {
        if (objects[i].object.previous != objects[i - 1].digest) {
            return out_of_chain(objects[i].object.sequence);
        }
    }
    return {};
}

}  // namespace tapeloft::media
