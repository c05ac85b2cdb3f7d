#include "vtl/cli/recover.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <sys/stat.h>

#include "cloud/base/event_log.h"
#include "cloud/base/hex.h"
#include "cloud/store/store_registry.h"
#include "cloud/store/store_url.h"

#include "media/log/log_object.h"
#include "media/pack/pack_writer.h"
#include "media/repository/catalog_target.h"
#include "media/repository/lease.h"
#include "media/repository/repository.h"

#include "vtl/cli/new_catalog.h"
#include "vtl/cli/output.h"
#include "vtl/cli/passphrase.h"
#include "vtl/cli/table.h"
#include "vtl/state/state_directory.h"

namespace tapeloft::vtl::cli {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr std::size_t kDiskThreads = 4;
constexpr std::chrono::milliseconds kProgressInterval{500};

/// What takes the library in, if this state directory does not know it.
class RecoveredCatalog final : public media::RecoveryTarget {
  public:
    RecoveredCatalog(media::Catalog& catalog, fs::path state_dir, std::string repository,
                     const media::WriterId& writer)
        : catalog_(catalog),
          target_(catalog.archive()),
          state_dir_(std::move(state_dir)),
          repository_(std::move(repository)),
          writer_(writer) {}

    Result<void> add_library(const media::LibraryState& state, const media::StreamId& stream,
                             const media::StreamHead& head) override {
        library_ = state.name;
        TL_CHECK(check_unknown());
        return target_.add_library(state, stream, head);
    }
    Result<void> add_packs(std::span<const media::PackContents> packs, const media::StreamId& index,
                           const media::StreamHead& head) override {
        return target_.add_packs(packs, index, head);
    }
    Result<void> add_cartridge(const media::RecoveredCartridge& cartridge) override {
        return target_.add_cartridge(cartridge);
    }
    Result<void> finish() override {
        TL_CHECK(target_.finish());
        TL_CHECK(catalog_.set_property(state::writer_property(library_), to_hex(writer_)));
        return catalog_.set_property(state::repository_property(library_), repository_);
    }

  private:
    Result<void> check_unknown() {
        TL_TRY(const auto known, catalog_.property(state::repository_property(library_)));
        TL_TRY(const auto cartridges, catalog_.cartridges(library_));
        if (known || !cartridges.empty()) {
            return Error{Errc::already_exists,
                         "the state directory " + state_dir_.string() + " has the library " +
                             library_ +
                             " already. To recover it from the store all the same, move " +
                             state_dir_.string() + " away first"};
        }
        const auto spool = state_dir_ / "spool" / library_;
        std::error_code failed;
        const auto files = fs::recursive_directory_iterator(spool, failed);
        if (!failed && std::any_of(begin(files), end(files),
                                   [](const auto& entry) { return entry.is_regular_file(); })) {
            return Error{Errc::precondition,
                         "the spool " + spool.string() +
                             " holds data that the store may not have, and that a daemon would "
                             "remove after a recovery. Move it away first"};
        }
        return {};
    }

    media::Catalog& catalog_;
    media::CatalogTarget target_;
    const fs::path state_dir_;
    const std::string repository_;
    const media::WriterId writer_;
    std::string library_;
};

/// Now and then, to standard error.
class Progress {
  public:
    void tell(const media::RecoveryProgress& progress) {
        const auto now = std::chrono::steady_clock::now();
        const bool all = progress.cartridges_done == progress.cartridges;
        if (all || now - told_ >= kProgressInterval) {
            told_ = now;
            std::fprintf(stderr, "tapeloft: %zu of %zu cartridges read\n", progress.cartridges_done,
                         progress.cartridges);
        }
    }

  private:
    std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

/// Who has the library, unless it is the state directory to be.
using Holder = std::optional<media::LeaseHolder>;

/// Whoever has it has it no longer, before anything is read: so nothing is written behind that.
Awaitable<Result<Holder>> settle_lease(ObjectStore* store, const media::KeyRing* keys,
                                       media::LeaseHolder self, bool take_over) {
    TL_CO_CHECK(co_await media::open_repository(*store, *keys));
    media::Lease lease(*store, *keys, std::move(self));
    if (!take_over) {
        auto holder = co_await lease.holder();
        // A daemon will not start on it and say so; what can be recovered is no less.
        co_return !holder && holder.error().code == Errc::corrupt ? Holder() : std::move(holder);
    }
    TL_CO_CHECK(co_await lease.take_over());
    co_return Holder();
}

/// All stores of a mirror must answer: which of them is in step is known from the others. Whoever
/// has lost one gives those that are left.
Result<OpenedStore> open_all(const std::vector<std::string>& urls, const Executor& disk,
                             EventLog& events) {
    MirrorParts choice;
    choice.replaced = {std::string(media::kHeadPrefix), std::string(media::kLeaseName)};
    choice.agreed = {std::string(media::kLeaseName)};
    choice.led_to = {std::string(media::kPackPrefix)};
    choice.events = &events;
    return open_stores(urls, {disk, disk}, std::move(choice));
}

Result<media::RecoveryReport> recover_into(media::RecoveryTarget& target,
                                           const Arguments& arguments, const media::KeyRing& keys,
                                           const media::LeaseHolder& self, Holder& holder) {
    asio::thread_pool disk(kDiskThreads);
    EventLog events;
    TL_TRY(const auto opened, open_all(arguments.stores, disk.get_executor(), events));
    const auto& store = opened.store;
    asio::io_context io_context(1);
    Progress progress;
    std::optional<Result<media::RecoveryReport>> outcome;
    const auto recovery = [&]() -> Awaitable<void> {
        auto settled = co_await settle_lease(store.get(), &keys, self, arguments.take_over);
        if (!settled) {
            outcome = std::move(settled).error();
            co_return;
        }
        holder = std::move(settled).value();
        auto tell = [&progress](const media::RecoveryProgress& now) { progress.tell(now); };
        outcome = co_await media::recover_library(*store, keys, target, disk.get_executor(),
                                                  std::move(tell));
    };
    asio::co_spawn(io_context, recovery,
                   [](const std::exception_ptr& failure) { TL_ASSERT(!failure); });
    io_context.run();
    disk.join();
    return std::move(*outcome);
}

/// The least numbers of elements that hold all of the cartridges.
Result<Json> needed_elements(media::Catalog& catalog, const std::string& library) {
    TL_TRY(const auto cartridges, catalog.cartridges(library));
    Json needs = {{"slots", 0}, {"import_export_slots", 0}, {"drives", 0}};
    constexpr auto kKinds = std::to_array<const char*>({"slots", "import_export_slots", "drives"});
    for (const auto& cartridge : cartridges) {
        const auto kind = static_cast<std::size_t>(cartridge.element.kind);
        if (kind < kKinds.size()) {
            auto& number = needs.at(kKinds.at(kind));
            number = std::max(number.get<std::uint32_t>(), cartridge.element.index + 1);
        }
    }
    return needs;
}

Json to_json(const media::RecoveryReport& report) {
    Json json;
    json["library"] = report.library;
    json["cartridges"] = report.cartridges;
    json["segments"] = report.segments;
    json["packs"] = report.packs;
    json["findings"] = Json::array();
    for (const auto& finding : report.findings) {
        json["findings"].push_back({{"object", finding.object}, {"what", finding.what}});
    }
    json["unreadable"] = Json::array();
    for (const auto& each : report.unreadable) {
        json["unreadable"].push_back({{"barcode", each.cartridge.barcode},
                                      {"medium_serial", each.cartridge.medium_serial},
                                      {"why", each.error.message}});
    }
    return json;
}

/// The key stands where the daemon looks for it; what is there already must be the same one.
Result<void> place_key(const state::StateDirectory& state, const fs::path& key_file,
                       const media::KeyFile& key, const std::optional<std::string>& passphrase,
                       const fs::path& place) {
    std::error_code failed;
    if (!fs::exists(place, failed)) {
        TL_CHECK(state.folder("keys"));
        return media::KeyFile::copy(key_file, place);
    }
    TL_TRY(const auto there, media::KeyFile::read(place, passphrase));
    return there.repository == key.repository
               ? Result<void>()
               : Error{Errc::already_exists,
                       place.string() + " is the key of another library; move it away first"};
}

struct Recovered {
    Json json;
    bool kept = false;  ///< the state directory has it now
};

/// A store that is opened makes its folder; where there is none, there is nothing to recover.
Result<void> check_there(const std::vector<std::string>& stores) {
    for (const auto& store : stores) {
        TL_TRY(const auto url, parse_store_url(store));
        std::error_code failed;
        if (url.scheme == "file" && !fs::is_directory(url.path, failed)) {
            return Error{Errc::not_found, "there is no folder " + url.path + ", of the store " +
                                              store + ": is it mounted?"};
        }
    }
    return {};
}

Result<Recovered> recover(const Arguments& arguments) {
    std::error_code failed;
    TL_CHECK(check_there(arguments.stores));
    const auto state_dir = fs::absolute(arguments.state_dir, failed).lexically_normal();
    TL_TRY(const auto passphrase, passphrase_of(arguments.key, arguments.passphrase_file));
    TL_TRY(const auto key, media::KeyFile::read(arguments.key, passphrase));
    const media::KeyRing keys(key.master, key.repository);
    TL_TRY(const auto state, state::StateDirectory::open(state_dir));
    TL_TRY(auto fresh, NewCatalog::open(state.catalog()));
    media::WriterId writer{};
    TL_CHECK(media::fill_random(writer));
    TL_TRY(const auto self, media::make_lease_holder(writer));
    RecoveredCatalog target(fresh.catalog(), state_dir, to_hex(key.repository), writer);
    Holder holder;
    TL_TRY(const auto report, recover_into(target, arguments, keys, self, holder));
    Recovered recovered{to_json(report), report.unreadable.empty() || arguments.partial};
    recovered.json["kept"] = recovered.kept;
    recovered.json["served_by"] = holder ? Json(to_string(*holder)) : Json(nullptr);
    if (!recovered.kept) {
        return recovered;
    }
    TL_TRY(recovered.json["needs"], needed_elements(fresh.catalog(), report.library));
    const auto place = state::key_file_of(state_dir, report.library);
    TL_CHECK(place_key(state, arguments.key, key, passphrase, place));
    TL_CHECK(fresh.replace());
    recovered.json["state_dir"] = state_dir.string();
    recovered.json["stores"] = arguments.stores;
    recovered.json["key_file"] = place.string();
    recovered.json["key_wrapped"] = key.wrapped;
    return recovered;
}

std::string findings_report(const Json& answer) {
    std::string out;
    for (const auto& finding : answer.at("findings")) {
        out += printable("Found: " + finding.at("object").get<std::string>() + " " +
                         finding.at("what").get<std::string>()) +
               "\n";
    }
    for (const auto& each : answer.at("unreadable")) {
        out += printable("Not recovered: cartridge " + each.at("barcode").get<std::string>() +
                         " (" + each.at("medium_serial").get<std::string>() +
                         "): " + each.at("why").get<std::string>()) +
               "\n";
    }
    return out;
}

/// As the configuration has it.
std::string stores_text(const Json& answer) {
    std::string text;
    for (const auto& url : answer.at("stores")) {
        text += (text.empty() ? "\"" : ", \"") + printable(url.get<std::string>()) + "\"";
    }
    return answer.at("stores").size() == 1 ? text : "[" + text + "]";
}

std::string start_report(const Json& answer) {
    const auto text = [&](const char* name) { return answer.at(name).get<std::string>(); };
    const auto& needs = answer.at("needs");
    const auto number = [&](const char* name) {
        return std::to_string(needs.at(name).get<std::uint32_t>());
    };
    return "To serve it, start tapeloftd with this in its configuration (it needs " +
           number("slots") + " slots, " + number("import_export_slots") + " mail slots and " +
           number("drives") + " drives at least):\n\n  state_dir = \"" + text("state_dir") +
           "\"\n  [[library]]\n  name = \"" + text("library") +
           "\"\n  store = " + stores_text(answer) + "\n" +
           (answer.at("key_wrapped").get<bool>()
                ? "  key_passphrase_file = \"...\"    # its passphrase\n"
                : "") +
           "\nIts key is in " + text("key_file") + ".\n";
}

std::string lease_report(const Json& answer) {
    const auto& holder = answer.at("served_by");
    return holder.is_null()
               ? std::string()
               : printable("The library is served by " + holder.get<std::string>()) +
                     ". A daemon here starts once that one has ended. If it is gone for good: "
                     "tapeloftd --take-over " +
                     printable(answer.at("library").get<std::string>()) + "\n";
}

std::string recovery_report(const Json& answer) {
    const auto number = [&](const char* name) {
        return std::to_string(answer.at(name).get<std::uint64_t>());
    };
    const auto found = findings_report(answer);
    if (!answer.at("kept").get<bool>()) {
        return found +
               "Nothing was changed: the daemon would in time remove from the store what only the "
               "cartridges above need. Mend the store, or give them up for good by --partial.\n";
    }
    return found + printable("Recovered library " + answer.at("library").get<std::string>()) +
           ": " + number("cartridges") + " cartridges, " + number("segments") + " segments, " +
           number("packs") + " packs.\n" + start_report(answer) + lease_report(answer);
}

}  // namespace

ExitStatus library_recover(const Arguments& arguments) {
    ::umask(0077);
    auto recovered = recover(arguments);
    if (!recovered) {
        return show(arguments, answer_of(recovered.error()), &recovery_report);
    }
    const bool kept = recovered->kept;
    const auto shown = show(arguments, answer_of(std::move(recovered->json)), &recovery_report);
    if (!kept) {
        complain("some cartridges cannot be recovered");
    }
    return kept ? shown : ExitStatus::refused;
}

}  // namespace tapeloft::vtl::cli
