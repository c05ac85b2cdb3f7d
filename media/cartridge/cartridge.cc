#include "media/cartridge/cartridge.h"

#include <algorithm>
#include <utility>

#include "media/cartridge/position_index.h"
#include "media/cartridge/recovery.h"
#include "media/cartridge/spool_tape.h"

namespace tapeloft::media {
namespace {

Error do_not_fit(const SpoolContext& context, const CartridgeRecord& record) {
    context.events.error("spool", "The catalog's segments of a cartridge do not fit together.",
                         {{"cartridge", record.barcode}});
    return {Errc::corrupt,
            "the segments of cartridge " + record.barcode + " do not fit together in the catalog"};
}

/// Blocks.
Result<CartridgeRows> load_rows(const SpoolContext& context, const CartridgeRecord& record,
                                SpoolFiles& files) {
    TL_TRY(const auto recovery, recover_cartridge(context, record, files));
    context.budget.give_back(recovery.bytes_before);
    context.budget.take(recovery.bytes_after);
    CartridgeRows rows;
    TL_TRY(rows.capacities, context.catalog.partitions(record.id));
    if (rows.capacities.empty()) {
        rows.capacities.push_back(record.capacity);
    }
    for (std::uint32_t partition = 0; partition < rows.capacities.size(); ++partition) {
        rows.indexes.emplace_back(partition);
    }
    bool fit = true;
    const auto add = [&rows, &fit](const SegmentRecord& row) {
        rows.next_number = std::max(rows.next_number, row.number + 1);
        if (row.object_count == 0) {
            rows.marker = row.number;
        }
        fit = fit && row.partition < rows.indexes.size() && rows.indexes[row.partition].add(row);
    };
    TL_CHECK(context.catalog.visit_segments(record.id, add));
    return fit ? Result<CartridgeRows>(std::move(rows)) : do_not_fit(context, record);
}

}  // namespace

Awaitable<Result<std::unique_ptr<Tape>>> open_cartridge(CartridgeRecord record,
                                                        SpoolContext context) {
    TL_CO_TRY(auto directory, cartridge_directory(context, record));
    auto files = std::make_shared<SpoolFiles>(context.files, std::move(directory));
    auto job = [context, record, files] { return load_rows(context, record, *files); };
    auto disk = context.disk;
    TL_CO_TRY(auto rows, co_await run_on(std::move(disk), std::move(job)));
    co_return std::unique_ptr<Tape>(std::make_unique<SpoolTape>(
        std::move(context), std::move(record), std::move(files), std::move(rows)));
}

}  // namespace tapeloft::media
