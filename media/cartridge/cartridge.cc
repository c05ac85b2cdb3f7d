#include "media/cartridge/cartridge.h"

#include <utility>
#include <vector>

#include "media/cartridge/position_index.h"
#include "media/cartridge/recovery.h"
#include "media/cartridge/spool_tape.h"

namespace tapeloft::media {
namespace {

/// Blocks. All rows of the cartridge, sealed.
Result<std::vector<SegmentRecord>> sealed_rows(const SpoolContext& context,
                                               const CartridgeRecord& record, SpoolFiles& files) {
    TL_TRY(auto recovery, recover_cartridge(context, record, files));
    context.budget.give_back(recovery.bytes_before);
    context.budget.take(recovery.bytes_after);
    return std::move(recovery.rows);
}

}  // namespace

Awaitable<Result<std::unique_ptr<Tape>>> open_cartridge(CartridgeRecord record,
                                                        SpoolContext context) {
    TL_CO_TRY(auto directory, cartridge_directory(context, record));
    auto files = std::make_shared<SpoolFiles>(context.files, std::move(directory));
    auto job = [context, record, files] { return sealed_rows(context, record, *files); };
    auto disk = context.disk;
    TL_CO_TRY(const auto rows, co_await run_on(std::move(disk), std::move(job)));
    auto index = PositionIndex::of(rows);
    if (!index) {
        context.events.error("spool", "The catalog's segments of a cartridge do not fit together.",
                             {{"cartridge", record.barcode}});
        co_return Error{Errc::corrupt, "the segments of cartridge " + record.barcode +
                                           " do not fit together in the catalog"};
    }
    co_return std::unique_ptr<Tape>(std::make_unique<SpoolTape>(
        std::move(context), std::move(record), std::move(files), std::move(*index), rows));
}

}  // namespace tapeloft::media
