#include "media/cartridge/cartridge.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "media/cartridge/position_index.h"
#include "media/cartridge/recovery.h"
#include "media/cartridge/spool_tape.h"

namespace tapeloft::media {
namespace {

/// Blocks.
Result<CartridgeRows> load_rows(const SpoolContext& context, const CartridgeRecord& record,
                                SpoolFiles& files) {
    TL_TRY(auto recovery, recover_cartridge(context, record, files));
    context.budget.give_back(recovery.bytes_before);
    context.budget.take(recovery.bytes_after);
    CartridgeRows rows;
    rows.segments = std::move(recovery.rows);
    TL_TRY(rows.capacities, context.catalog.partitions(record.id));
    if (rows.capacities.empty()) {
        rows.capacities.push_back(record.capacity);
    }
    return rows;
}

/// The index of each partition; nothing: the rows do not fit together.
std::optional<std::vector<PositionIndex>> indexes_of(const CartridgeRows& rows) {
    std::vector<PositionIndex> indexes;
    for (std::uint32_t partition = 0; partition < rows.capacities.size(); ++partition) {
        auto index = PositionIndex::of(rows.segments, partition);
        if (!index) {
            return std::nullopt;
        }
        indexes.push_back(std::move(*index));
    }
    const bool fit = std::ranges::all_of(rows.segments, [&indexes](const SegmentRecord& row) {
        return row.partition < indexes.size();
    });
    return fit ? std::optional(std::move(indexes)) : std::nullopt;
}

}  // namespace

Awaitable<Result<std::unique_ptr<Tape>>> open_cartridge(CartridgeRecord record,
                                                        SpoolContext context) {
    TL_CO_TRY(auto directory, cartridge_directory(context, record));
    auto files = std::make_shared<SpoolFiles>(context.files, std::move(directory));
    auto job = [context, record, files] { return load_rows(context, record, *files); };
    auto disk = context.disk;
    TL_CO_TRY(const auto rows, co_await run_on(std::move(disk), std::move(job)));
    auto indexes = indexes_of(rows);
    if (!indexes) {
        context.events.error("spool", "The catalog's segments of a cartridge do not fit together.",
                             {{"cartridge", record.barcode}});
        co_return Error{Errc::corrupt, "the segments of cartridge " + record.barcode +
                                           " do not fit together in the catalog"};
    }
    co_return std::unique_ptr<Tape>(std::make_unique<SpoolTape>(
        std::move(context), std::move(record), std::move(files), std::move(*indexes), rows));
}

}  // namespace tapeloft::media
