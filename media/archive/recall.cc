#include "media/archive/recall.h"

#include <utility>

#include "media/archive/stored_tape_reader.h"

namespace tapeloft::media {
namespace {

FetchContext fetch_context(const RecallContext& context) {
    auto* const cache = context.store.capabilities().local ? nullptr : context.cache;
    return {context.store, context.catalog, context.keys, context.disk, context.cpu, cache};
}

}  // namespace

Recall::Recall(RecallContext context)
    : context_(std::move(context)),
      fetcher_(std::make_shared<ChunkFetcher>(fetch_context(context_))),
      damage_(std::make_shared<KnownDamage>()) {}

std::unique_ptr<StoredReader> Recall::open(CartridgeId cartridge) {
    return std::make_unique<StoredTapeReader>(context_, fetcher_, damage_, cartridge);
}

}  // namespace tapeloft::media
