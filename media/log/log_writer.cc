#include <utility>

#include "media/log/log_fetch.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {

LogWriter::LogWriter(ObjectStore& store, const KeyRing& keys, const StreamId& stream,
                     const StreamHead& head)
    : store_(store), keys_(keys), stream_(stream), head_(head) {}

Awaitable<Result<void>> LogWriter::append(LogKind kind, std::vector<LogEntry> entries) {
    LogObject object;
    object.sequence = head_.sequence + 1;
    object.previous = head_.digest;
    object.kind = kind;
    object.entries = std::move(entries);
    StreamHead head;
    head.checkpoint = kind == LogKind::checkpoint ? object.sequence : head_.checkpoint;
    head.sequence = object.sequence;
    TL_CO_TRY(head.digest, co_await store(std::move(object)));
    TL_CO_CHECK(co_await LogFetch(store_, keys_, stream_).put_head(head));
    head_ = head;
    co_return Result<void>();
}

Awaitable<Result<Sha256>> LogWriter::store(LogObject object) {
    if (!tried_ || tried_->object != object) {
        TL_CO_TRY(const auto sealed, seal_log_object(keys_, stream_, object));
        tried_ = Tried{object, Buffer::copy_of(sealed.bytes), sealed.digest};
    }
    auto put = co_await put_absent(log_name(stream_, object.sequence), tried_->bytes);
    if (put) {
        co_return tried_->digest;
    }
    if (put.error().code != Errc::precondition) {
        co_return std::move(put).error();
    }
    co_return co_await recognise(std::move(object));
}

Awaitable<Result<void>> LogWriter::put_absent(std::string name, Buffer body) {
    if (!store_.capabilities().put_if_absent) {
        auto there = co_await store_.head(name);
        if (there) {
            co_return Error{Errc::precondition, name + " is there already"};
        }
        if (there.error().code != Errc::not_found) {
            co_return std::move(there).error();
        }
    }
    // Asked for in any case: a store may find out only now that it can do it.
    const PutOptions options{.if_absent = true};
    co_return co_await store_.put(name, std::move(body), options);
}

/// The salt is random, so another writer's bytes differ; what they say does not.
Awaitable<Result<Sha256>> LogWriter::recognise(LogObject object) {
    const auto name = log_name(stream_, object.sequence);
    TL_CO_TRY(const auto bytes, co_await store_.get(name, ByteRange{}));
    TL_CO_TRY(const auto there, open_log_object(keys_, stream_, object.sequence, bytes.view()));
    if (there != object) {
        co_return Error{Errc::precondition,
                        name +
                            " is there already, with other content: another daemon writes to "
                            "this store"};
    }
    const auto digest = sha256(bytes.view());
    TL_CO_CHECK(co_await LogFetch(store_, keys_, stream_).settle(object.sequence, digest));
    co_return digest;
}

}  // namespace tapeloft::media
