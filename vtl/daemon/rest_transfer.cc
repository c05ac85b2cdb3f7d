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

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::size_t kFilesListed = 10'000;  ///< in one answer

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

Awaitable<Result<std::unique_ptr<RestBody>>> get_data(Call call) {
    TapeFile where;
    TL_CO_TRY(where.partition, number_parameter<std::uint32_t>(call.target, "partition"));
    TL_CO_TRY(where.file, number_parameter<std::uint64_t>(call.target, "file"));
    TL_CO_TRY(where.first, number_parameter<std::uint64_t>(call.target, "first"));
    TL_CO_TRY(where.count, number_parameter(call.target, "count", where.count));
    if (where.count == 0) {
        co_return Error{Errc::invalid_argument, "the parameter count is a number from 1"};
    }
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

Awaitable<Result<Json>> get_files(Call call) {
    TL_CO_TRY(const auto partition, number_parameter<std::uint32_t>(call.target, "partition"));
    TL_CO_TRY(const auto first, number_parameter<std::uint64_t>(call.target, "first"));
    TL_CO_CHECK(co_await find_cartridge(call.library, call.barcode));
    auto* const changer = call.library->changer;
    auto lending = changer->lend_cartridge(call.barcode);
    TL_CO_TRY(auto cartridge, co_await call_on(changer->executor(), std::move(lending)));
    using Extents = std::vector<media::TapeFileExtent>;
    std::function<Awaitable<Result<Extents>>(media::Tape*)> work =
        [partition, first](media::Tape* tape) { return layout_of(tape, partition, first); };
    auto extents = co_await cartridge->with_tape(std::move(work));
    co_await changer->store().give_back(cartridge);
    if (!extents) {
        co_return std::move(extents).error();
    }
    Json json;
    json["first"] = first;
    json["files"] = Json::array();
    for (const auto& extent : *extents) {
        json["files"].push_back({{"records", extent.records}, {"filemark", extent.has_filemark}});
    }
    json["more"] = extents->size() == kFilesListed;
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
constexpr auto kFilesParameters = std::to_array<std::string_view>({"first"});

constexpr auto kRoutes = std::to_array<Route>({
    {"GET", "v1/cartridges/{barcode}/data", Scope::library, "partition", 200, nullptr, &get_data,
     kDataParameters},
    {"GET", "v1/cartridges/{barcode}/files", Scope::library, "partition", 200, &get_files, nullptr,
     kFilesParameters},
    {"POST", "v1/cartridges/{barcode}/copy", Scope::library, "", 201, &post_copy},
});

}  // namespace

std::span<const Route> transfer_routes() noexcept {
    return kRoutes;
}

}  // namespace tapeloft::vtl::daemon
