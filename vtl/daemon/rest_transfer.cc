// What is on cartridges: read without a drive, copied to another library.
#include <array>
#include <charconv>
#include <functional>

#include "cloud/base/call_on.h"

#include "media/cartridge/tape_layout.h"

#include "vtl/daemon/cartridge_copy.h"
#include "vtl/daemon/readable_media.h"
#include "vtl/daemon/rest_call.h"
#include "vtl/daemon/tape_file_body.h"
#include "vtl/daemon/tape_records.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::size_t kFilesListed = 10'000;  ///< in one answer
constexpr std::uint64_t kCutRecords = 4096;   ///< likewise; so a few thousand cuts

template <typename Number>
Result<Number> number_parameter(const RestTarget& target, const std::string& name,
                                Number otherwise = 0) {
    const auto text = target.parameter(name).value_or(std::to_string(otherwise));
    Number number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, code] = std::from_chars(text.data(), end, number);
    if (code != std::errc{} || stop != end) {
        return Error{Errc::invalid_argument,
                     "the parameter " + name + " is a number from 0, not \"" + text + "\""};
    }
    return number;
}

Result<TapeFile> tape_file_parameters(const RestTarget& target) {
    TapeFile where;
    TL_TRY(where.partition, number_parameter<std::uint32_t>(target, "partition"));
    TL_TRY(where.file, number_parameter<std::uint64_t>(target, "file"));
    TL_TRY(where.first, number_parameter<std::uint64_t>(target, "first"));
    TL_TRY(where.count, number_parameter(target, "count", where.count));
    if (where.count == 0) {
        return Error{Errc::invalid_argument, "the parameter count is a number from 1"};
    }
    return where;
}

Awaitable<Result<std::unique_ptr<RestBody>>> get_data(Call call) {
    TL_CO_TRY(const auto where, tape_file_parameters(call.target));
    TL_CO_CHECK(co_await find_cartridge(call.library, call.barcode));
    auto* const changer = call.library->changer;
    auto lending = changer->lend_cartridge(call.barcode);
    TL_CO_TRY(auto cartridge, co_await call_on(changer->executor(), std::move(lending)));
    co_return co_await TapeFileBody::open(changer->store(), std::move(cartridge), where);
}

Awaitable<Result<std::vector<media::TapeFileExtent>>> layout_of(media::Tape* tape,
                                                                std::uint32_t partition,
                                                                std::uint64_t first) {
    if (partition >= tape->partition_count()) {
        co_return Error{Errc::not_found,
                        "there is no partition " + std::to_string(partition) + ": there are " +
                            std::to_string(tape->partition_count()) + ", counted from 0"};
    }
    TL_CO_CHECK(co_await tape->change_partition(partition));
    co_return co_await media::tape_layout(*tape, first, kFilesListed);
}

/// What `work` does with the tape of the cartridge that is meant, beside the drives.
template <typename T>
Awaitable<Result<T>> with_lent(const Call& call,
                               std::function<Awaitable<Result<T>>(media::Tape*)> work) {
    TL_CO_CHECK(co_await find_cartridge(call.library, call.barcode));
    auto* const changer = call.library->changer;
    auto lending = changer->lend_cartridge(call.barcode);
    TL_CO_TRY(auto cartridge, co_await call_on(changer->executor(), std::move(lending)));
    auto done = co_await cartridge->with_tape(std::move(work));
    co_await changer->store().give_back(cartridge);
    co_return done;
}

struct Cuts {
    std::vector<media::RecordCut> cuts;
    std::uint64_t count = 0;  ///< records that they are of
    bool more = false;        ///< records behind them
};

Awaitable<Result<Cuts>> cuts_of(media::Tape* tape, TapeFile where, std::string name) {
    TL_CO_CHECK(co_await go_to(tape, where, std::move(name)));
    const auto begin = tape->position().logical_object_number;
    TL_CO_TRY(const auto moved, co_await tape->space_filemarks(1));
    const auto mark = moved.stop == media::SpaceStop::done ? 1U : 0U;
    const auto records = tape->position().logical_object_number - begin - mark;
    TL_CO_CHECK(co_await tape->locate_object(begin));
    Cuts found;
    found.count = std::min({records, where.count, kCutRecords});
    found.more = found.count < records;
    TL_CO_TRY(found.cuts, co_await tape->cuts(found.count));
    co_return found;
}

Awaitable<Result<Json>> get_cuts(Call call) {
    TL_CO_TRY(const auto where, tape_file_parameters(call.target));
    std::function<Awaitable<Result<Cuts>>(media::Tape*)> work =
        [where, name = name_of(where, call.barcode)](media::Tape* tape) {
            return cuts_of(tape, where, name);
        };
    TL_CO_TRY(const auto found, co_await with_lent(call, std::move(work)));
    Json json;
    json["first"] = where.first;
    json["count"] = found.count;
    json["more"] = found.more;
    json["cuts"] = Json::array();
    for (const auto& cut : found.cuts) {
        json["cuts"].push_back({where.first + cut.record, cut.offset});
    }
    co_return json;
}

Awaitable<Result<Json>> get_files(Call call) {
    TL_CO_TRY(const auto partition, number_parameter<std::uint32_t>(call.target, "partition"));
    TL_CO_TRY(const auto first, number_parameter<std::uint64_t>(call.target, "first"));
    using Extents = std::vector<media::TapeFileExtent>;
    std::function<Awaitable<Result<Extents>>(media::Tape*)> work =
        [partition, first](media::Tape* tape) { return layout_of(tape, partition, first); };
    TL_CO_TRY(const auto extents, co_await with_lent(call, std::move(work)));
    Json json;
    json["first"] = first;
    json["files"] = Json::array();
    for (const auto& extent : extents) {
        json["files"].push_back({{"records", extent.records}, {"filemark", extent.has_filemark}});
    }
    json["more"] = extents.size() == kFilesListed;
    co_return json;
}

Result<MemoryRoom> room_parameters(const Call& call) {
    if (!call.memory) {
        return Error{Errc::invalid_argument,
                     "records are written into memory that comes along with the connection "
                     "(SCM_RIGHTS), and none came; a socket that is forwarded from another host "
                     "loses it"};
    }
    MemoryRoom room;
    room.memory = call.memory;
    TL_TRY(room.at, number_parameter<std::uint64_t>(call.target, "at"));
    TL_TRY(room.size, number_parameter<std::uint64_t>(call.target, "room"));
    TL_CHECK(room.check());
    return room;
}

Awaitable<Result<Json>> get_records(Call call) {
    TL_CO_TRY(const auto where, tape_file_parameters(call.target));
    TL_CO_TRY(auto room, room_parameters(call));
    TL_CO_CHECK(co_await find_cartridge(call.library, call.barcode));
    auto* const changer = call.library->changer;
    auto lending = changer->lend_cartridge(call.barcode);
    TL_CO_TRY(auto cartridge, co_await call_on(changer->executor(), std::move(lending)));
    const auto lengths = co_await read_records(*cartridge, where, std::move(room));
    co_await changer->store().give_back(cartridge);
    if (!lengths) {
        co_return lengths.error();
    }
    Json json;
    json["lengths"] = *lengths;
    co_return json;
}

Result<const ServedLibrary*> library_member(const Call& call, const std::string& member) {
    TL_TRY(const auto name, text_member(call.body, member));
    for (const auto& library : call.system->libraries) {
        if (library.name == name) {
            return &library;
        }
    }
    return Error{Errc::not_found, "there is no library \"" + name + "\""};
}

Awaitable<Result<Json>> post_copy(Call call) {
    constexpr auto kMembers = std::to_array<std::string_view>({"to_library", "move"});
    TL_CO_CHECK(check_members(call.body, kMembers));
    CopyRequest request;
    request.from = call.library;
    TL_CO_TRY(request.to, library_member(call, "to_library"));
    TL_CO_TRY(request.move, flag_member(call.body, "move"));
    TL_CO_CHECK(check_readable(request.to->drive_model, call.barcode));
    request.barcode = call.barcode;
    request.go_on = call.system->ready;
    const bool moved = request.move;
    TL_CO_TRY(const auto copy, co_await copy_cartridge(std::move(request)));
    Json json;
    json["library"] = copy.library;
    json["moved"] = moved;
    json["cartridge"] = to_json(copy);
    co_return json;
}

constexpr auto kDataParameters = std::to_array<std::string_view>({"file", "first", "count"});
constexpr auto kRecordsParameters =
    std::to_array<std::string_view>({"file", "first", "count", "at", "room"});
constexpr auto kFilesParameters = std::to_array<std::string_view>({"first"});

constexpr auto kTransferRoutes = std::to_array<Route>({
    {"GET", "v1/cartridges/{barcode}/data", Scope::library, "partition", 200, nullptr, &get_data,
     kDataParameters},
    {"GET", "v1/cartridges/{barcode}/records", Scope::library, "partition", 200, &get_records,
     nullptr, kRecordsParameters},
    {"GET", "v1/cartridges/{barcode}/cuts", Scope::library, "partition", 200, &get_cuts, nullptr,
     kDataParameters},
    {"GET", "v1/cartridges/{barcode}/files", Scope::library, "partition", 200, &get_files, nullptr,
     kFilesParameters},
    {"POST", "v1/cartridges/{barcode}/copy", Scope::library, "", 201, &post_copy},
});

}  // namespace

std::span<const Route> transfer_routes() noexcept {
    return kTransferRoutes;
}

}  // namespace tapeloft::vtl::daemon
