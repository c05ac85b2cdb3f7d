#include "vtl/daemon/library_archive.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include "cloud/base/call_on.h"
#include "cloud/base/hex.h"
#include "cloud/store/store_registry.h"

#include "media/cartridge/archive_port.h"
#include "media/log/log_object.h"
#include "media/pack/pack_writer.h"
#include "media/repository/repository.h"

#include "vtl/state/secret_file.h"
#include "vtl/state/state_directory.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr const char* kEmptied =
    " is empty, and the catalog knows that it was not. Is it the right one, and is it mounted?";

/// Before the id, while the repository is being made: a crash then leaves it made or not.
constexpr std::string_view kUnmade = "new/";

/// Who writes to the store: a catalog that was made anew is another one. An old copy of this one
/// that is put back is not; the archive tells that by what it finds in the logs.
Result<media::WriterId> writer_of(const std::string& library, media::Catalog& catalog) {
    const auto property = state::writer_property(library);
    TL_TRY(const auto kept, catalog.property(property));
    media::WriterId writer{};
    if (kept) {
        if (!from_hex(*kept, writer)) {
            return Error{Errc::corrupt, "the catalog's " + property + " is no id"};
        }
        return writer;
    }
    TL_CHECK(media::fill_random(writer));
    TL_CHECK(catalog.set_property(property, to_hex(writer)));
    return writer;
}

/// Runs a coroutine to its end, at the start, where nothing is served yet.
Result<void> wait_for(const Executor& executor, Awaitable<Result<void>> call) {
    auto wrapped = as_optional(std::move(call));
    return *boost::asio::co_spawn(executor, std::move(wrapped), boost::asio::use_future).get();
}

class CatalogMemory final : public MirrorMemory {
  public:
    CatalogMemory(media::Catalog& catalog, std::string property)
        : catalog_(catalog), property_(std::move(property)) {}

    [[nodiscard]] Result<std::optional<std::string>> load() const override {
        return catalog_.property(property_);
    }
    Result<void> save(const std::string& text) override {
        return catalog_.set_property(property_, text);
    }

  private:
    media::Catalog& catalog_;
    const std::string property_;
};

std::function<Result<OpenedStore>(const StoreContext&)> opener_of(
    const LibraryConfig& config, const LibraryArchive::Parts& parts) {
    MirrorParts choice;
    choice.required = config.required;
    choice.replaced = {std::string(media::kHeadPrefix), std::string(media::kLeaseName)};
    choice.agreed = {std::string(media::kLeaseName)};
    choice.led_to = {std::string(media::kPackPrefix)};
    choice.events = &parts.events;
    choice.memory =
        std::make_shared<CatalogMemory>(parts.catalog, state::mirror_property(config.name));
    return [urls = config.stores, choice](const StoreContext& context) {
        return open_stores(urls, context, choice);
    };
}

/// Errors: not_found; those of the store.
Awaitable<Result<void>> look_for_repository(ObjectStore* store) {
    TL_CO_CHECK(co_await store->head(std::string(media::kRepositoryName)));
    co_return Result<void>();
}

struct Opening {
    const LibraryConfig& config;
    LibraryArchive::Parts& parts;
    ObjectStore& store;
    std::optional<std::string> passphrase;
    std::string property;
    std::optional<std::string> known;  ///< repository id, in the catalog

    [[nodiscard]] bool made() const { return known && !known->starts_with(kUnmade); }
};

Result<media::KeyFile> make_key(const Opening& opening) {
    media::KeyFile key;
    TL_CHECK(media::fill_random(key.repository));
    TL_TRY(key.master, media::SecretKey::random());
    TL_CHECK(media::KeyFile::create(opening.config.key_file, key, opening.passphrase));
    opening.parts.events.warning(
        "keys",
        "A new key was made for this library. Everything in the store is encrypted with it: "
        "WHOEVER "
        "LOSES THIS FILE LOSES ALL DATA OF THE LIBRARY. Keep a copy in another place now: tapeloft "
        "key backup",
        {{"library", opening.config.name}, {"key_file", opening.config.key_file.string()}});
    return key;
}

/// The command, as a shell takes it: a URL may have a "&".
std::string recovery(const Opening& opening, const std::string& key) {
    std::string stores;
    for (const auto& url : opening.config.stores) {
        stores += " --store '" + url + "'";
    }
    return "tapeloft library recover" + stores + " --key " + key;
}

Error missing_key(const Opening& opening) {
    return {Errc::precondition,
            "library " + opening.config.name + ": its key file " +
                opening.config.key_file.string() +
                " is missing, and without it nothing of the library can be read. Put it back from "
                "its backup, or set key_file to where it is"};
}

/// The key of the library, made at its first start.
Result<media::KeyFile> key_of(const Opening& opening) {
    auto key = media::KeyFile::read(opening.config.key_file, opening.passphrase);
    if (key || key.error().code != Errc::not_found) {
        return key;
    }
    if (opening.made()) {
        return missing_key(opening);
    }
    const auto there = wait_for(opening.parts.disk, look_for_repository(&opening.store));
    if (there) {
        return Error{Errc::precondition,
                     "library " + opening.config.name + ": the store " + opening.store.url() +
                         " holds a library already, and there is no key file " +
                         opening.config.key_file.string() +
                         ". To take that library over: " + recovery(opening, "FILE")};
    }
    if (there.error().code != Errc::not_found) {
        return there.error();
    }
    return make_key(opening);
}

/// Who has the library, as far as it can be found out.
std::string holder_of(const Opening& opening, const media::KeyRing& keys) {
    std::string who;
    auto ask = [&]() -> Awaitable<Result<void>> {
        media::Lease lease(opening.store, keys, {});
        TL_CO_TRY(const auto holder, co_await lease.holder());
        who = holder ? ", served by " + to_string(*holder) : "";
        co_return Result<void>();
    };
    (void)wait_for(opening.parts.disk, ask());
    return who;
}

Error unknown_library(const Opening& opening, const media::KeyRing& keys) {
    return {Errc::precondition,
            "library " + opening.config.name + ": the store " + opening.store.url() +
                " holds a library that this state directory does not know" +
                holder_of(opening, keys) +
                ". To take it over: " + recovery(opening, opening.config.key_file.string())};
}

Result<void> check_key(const Opening& opening, const media::KeyRing& keys) {
    if (opening.made() && *opening.known != to_hex(keys.repository())) {
        return Error{Errc::denied, "library " + opening.config.name + ": " +
                                       opening.config.key_file.string() +
                                       " is the key of another library"};
    }
    return {};
}

/// Before the archive writes anything. Whatever is wrong, somebody may mend it: none of the errors
/// is final.
Awaitable<Result<void>> reenter_repository(ObjectStore* store, const media::KeyRing* keys) {
    auto opened = co_await media::open_repository(*store, *keys);
    constexpr std::array kOfTheStore = {Errc::transient, Errc::throttled, Errc::denied,
                                        Errc::cancelled};
    if (opened || std::ranges::find(kOfTheStore, opened.error().code) != kOfTheStore.end()) {
        co_return opened;
    }
    co_return Error{Errc::io, opened.error().code == Errc::not_found
                                  ? "the store" + std::string(kEmptied)
                                  : opened.error().message};
}

/// The store is the repository of the key; made at the first start.
Result<void> enter_repository(const Opening& opening, const media::KeyRing& keys) {
    TL_CHECK(check_key(opening, keys));
    const auto id = to_hex(keys.repository());
    auto opened = wait_for(opening.parts.disk, media::open_repository(opening.store, keys));
    if (!opened && opened.error().code != Errc::not_found) {
        return opened;
    }
    if (opening.made()) {
        return opened
                   ? opened
                   : Error{Errc::precondition, "library " + opening.config.name + ": the store " +
                                                   opening.store.url() + kEmptied};
    }
    const auto unmade = std::string(kUnmade) + id;
    if (opened && opening.known != unmade) {
        return unknown_library(opening, keys);
    }
    TL_CHECK(opening.parts.catalog.set_property(opening.property, unmade));
    TL_CHECK(wait_for(opening.parts.disk, media::create_repository(opening.store, keys)));
    return opening.parts.catalog.set_property(opening.property, id);
}

/// Whoever starts, recovers or serves a library reads all but its packs at once.
Result<void> check_hot(const LibraryConfig& config, const ObjectStore& store) {
    constexpr std::array kHot = {media::kRepositoryName, media::kLogPrefix, media::kHeadPrefix,
                                 media::kLeaseName, kMirrorNames};
    for (const auto name : kHot) {
        if (const auto time = store.recall_time(name)) {
            return Error{Errc::invalid_argument,
                         "library " + config.name + ": the store " + store.url() +
                             " would archive \"" + std::string(name) + "\", which takes up to " +
                             media::duration_in_words(*time) +
                             " to read. Only packs may be archived: class=packs/:CLASS"};
        }
    }
    return {};
}

}  // namespace

void LibraryArchive::tend_mirror(const Executor& executor) {
    if (mirror_) {
        auto round = [](std::shared_ptr<MirrorStore> mirror) -> Awaitable<void> {
            co_await mirror->tend();
        };
        boost::asio::co_spawn(executor, round(mirror_), boost::asio::detached);
    }
}

void LibraryArchive::end_mirror() {
    if (mirror_) {
        mirror_->shut_down();
    }
}

std::vector<MirrorMemberStatus> LibraryArchive::mirror_members() const {
    return mirror_ ? mirror_->members() : std::vector<MirrorMemberStatus>();
}

Result<std::unique_ptr<LibraryArchive>> LibraryArchive::open(const LibraryConfig& config,
                                                             Parts parts) {
    std::unique_ptr<LibraryArchive> archive(new LibraryArchive);
    TL_CHECK(archive->build(config, std::move(parts)));
    return archive;
}

LibraryArchive::~LibraryArchive() {
    end_mirror();
    if (asking_.valid()) {
        store_->shut_down();
        asking_.wait();
    }
    if (lease_ && !(archive_ && archive_->status().trouble)) {
        give_up_lease();
    }
}

/// Where it was taken: a store of its own is asked, since that of the archive has been shut down.
void LibraryArchive::give_up_lease() {
    boost::asio::thread_pool threads(1);
    const auto opened = open_store_({threads.get_executor(), threads.get_executor()});
    if (!opened) {
        return;
    }
    const auto& store = opened->store;
    media::Lease lease(*store, *keys_, self_);
    auto given_up =
        boost::asio::co_spawn(threads, as_optional(lease.give_up()), boost::asio::use_future);
    if (given_up.wait_for(kLeasePatience) != std::future_status::ready) {
        store->shut_down();
    }
    given_up.wait();
}

/// Unset: the store answers, whatever it holds.
std::optional<Error> LibraryArchive::why_away(const Executor& disk) {
    asking_ = boost::asio::co_spawn(disk, as_optional(look_for_repository(store_.get())),
                                    boost::asio::use_future);
    if (asking_.wait_for(kStartPatience) != std::future_status::ready) {
        return Error{Errc::transient,
                     "no answer within " + std::to_string(kStartPatience.count()) + " s"};
    }
    const auto answer = *asking_.get();
    return answer || answer.error().code == Errc::not_found ? std::nullopt
                                                            : std::optional(answer.error());
}

void LibraryArchive::begin_end(const Executor& executor) {
    end_timer_.emplace(executor, kEndPatience);
    end_timer_->async_wait([store = store_](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            store->shut_down();
        }
    });
}

void LibraryArchive::finish_end() {
    end_timer_.reset();
    store_->shut_down();  // what it does by itself would keep the threads of the disk
}

Result<void> LibraryArchive::build(const LibraryConfig& config, Parts parts) {
    open_store_ = opener_of(config, parts);
    TL_TRY(auto opened, open_store_({parts.disk, parts.cpu, &parts.events}));
    store_ = std::move(opened.store);
    mirror_ = std::move(opened.mirror);
    TL_CHECK(check_hot(config, *store_));
    watch_ = std::make_unique<StoreWatch>(store_, parts.events);
    std::optional<std::string> passphrase;
    if (config.key_passphrase_file) {
        TL_TRY(passphrase, state::read_secret_file(*config.key_passphrase_file, {}));
    }
    Opening opening{
        config, parts, *store_, std::move(passphrase), state::repository_property(config.name), {}};
    TL_TRY(opening.known, parts.catalog.property(opening.property));
    const auto away = why_away(parts.disk);
    if (away && !opening.made()) {
        return Error{away->code, "library " + config.name + ": the first start needs the store " +
                                     store_->url() + ": " + away->message};
    }
    if (away && config.take_over) {
        return Error{away->code, "library " + config.name + ": to take it over needs the store " +
                                     store_->url() + ": " + away->message};
    }
    TL_TRY(const auto key, key_of(opening));
    keys_ = std::make_unique<media::KeyRing>(key.master, key.repository);
    if (away) {
        const std::string what =
            away->code == Errc::denied
                ? "The object store does not accept its keys, or there are none."
                : "The object store does not answer.";
        parts.events.warning("store",
                             what +
                                 " Hosts are served all the same: what they write stays in "
                                 "the spool until it does.",
                             {{"store", store_->url()}, {"reason", away->message}});
        TL_CHECK(check_key(opening, *keys_));
    } else {
        TL_CHECK(enter_repository(opening, *keys_));
    }
    TL_CHECK(take_lease(config, parts, away.has_value()));
    if (!store_->capabilities().local && config.cache_size != 0) {
        TL_TRY(cache_, media::RangeCache::open(parts.cache, config.cache_size));
    }
    TL_CHECK(remember_damage(config.name, parts.catalog));
    make_archive(config, parts);
    return {};
}

/// Before anything is served. A store that is away, or cannot be written for now, is left to the
/// archive, which takes the lease before its first commit.
Result<void> LibraryArchive::take_lease(const LibraryConfig& config, const Parts& parts,
                                        bool away) {
    TL_TRY(const auto writer, writer_of(config.name, parts.catalog));
    TL_TRY(self_, media::make_lease_holder(writer));
    lease_ = std::make_unique<media::Lease>(*store_, *keys_, self_);
    if (away) {
        return {};
    }
    const auto taken =
        wait_for(parts.disk, config.take_over ? lease_->take_over() : lease_->take());
    constexpr std::array kFinal = {Errc::precondition, Errc::corrupt};
    if (taken ||
        (!config.take_over && std::ranges::find(kFinal, taken.error().code) == kFinal.end())) {
        return {};
    }
    const auto advice = config.take_over ? std::string()
                                         : ". It gives the library back when it ends. If it is "
                                           "gone for good: tapeloftd --take-over " +
                                               config.name;
    return Error{taken.error().code,
                 "library " + config.name + ": " + taken.error().message + advice};
}

void LibraryArchive::make_archive(const LibraryConfig& config, const Parts& parts) {
    media::ArchiveSettings settings;
    settings.library = config.name;
    settings.writer = self_.writer;
    settings.promises_need_store = config.durability == "cloud";
    settings.compression_level = static_cast<int>(config.compression);
    auto damaged = damage_hook(parts);
    archive_ = std::make_unique<media::Archive>(
        std::move(settings), *keys_,
        media::ArchiveSurroundings{*store_, *lease_, parts.catalog.archive(), parts.cpu, parts.disk,
                                   parts.events, cache_.get(), std::move(damaged),
                                   [book = damaged_](const std::string& serial, bool is_damaged) {
                                       book->set(serial, is_damaged);
                                   },
                                   [store = store_.get(), keys = keys_.get()] {
                                       return reenter_repository(store, keys);
                                   }});
}

/// The catalog keeps it; what hosts are told by TapeAlert is answered from memory.
media::DamageHook LibraryArchive::damage_hook(const Parts& parts) const {
    return [book = damaged_, &catalog = parts.catalog, &events = parts.events, disk = parts.disk](
               media::CartridgeId id, std::uint64_t, std::uint64_t, const std::string&) {
        boost::asio::post(disk, [book, &catalog, &events, id] {
            const auto record = catalog.cartridge(id);
            if (!record) {
                return;  // it was deleted; else the next damaged record tries again
            }
            book->set(record->medium_serial, true);
            const auto kept = record->damaged ? Result<void>() : catalog.set_damaged(id, true);
            if (!kept) {
                events.warning("archive",
                               "That a cartridge is damaged could not be recorded; it is tried "
                               "again when its damage is met again.",
                               {{"barcode", record->barcode}, {"cause", kept.error().message}});
            }
        });
    };
}

Result<void> LibraryArchive::remember_damage(const std::string& library, media::Catalog& catalog) {
    TL_TRY(const auto cartridges, catalog.cartridges(library));
    for (const auto& cartridge : cartridges) {
        if (cartridge.damaged) {
            damaged_->set(cartridge.medium_serial, true);
        }
    }
    return {};
}

}  // namespace tapeloft::vtl::daemon
