#include "vtl/daemon/wiring.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <malloc.h>

#include "cloud/base/block_memory.h"

#include "vtl/daemon/config_value.h"
#include "vtl/daemon/processors.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kIdleInterval{5};
constexpr std::chrono::milliseconds kDrainTimeMax{5'000};  // for sessions at shutdown

constexpr std::chrono::microseconds kLookAround{100};

asio::thread_pool start_disk_threads(const Config& config) {
    std::size_t drives = 0;
    for (const auto& library : config.libraries) {
        drives += library.drives;
    }
    const OwnProcessors processors(ThreadsFor::disk);
    return asio::thread_pool(std::min(drives + 2, kDiskThreadsMax));
}

/// Handing a command from one serving thread to another costs more than serving it, so there are no
/// more than half of the processors: the other half is for the disk threads and the hosts.
std::size_t serving_threads() {
    return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, kServingThreadsMax);
}

std::size_t background_threads() {
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kBackgroundThreadsMax);
}

std::vector<iscsi::ChapAccount> chap_accounts(const Config& config) {
    std::vector<iscsi::ChapAccount> accounts;
    for (const auto& account : config.accounts) {
        accounts.push_back(account.chap);
    }
    return accounts;
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::create(Config config, EventLog& events) {
    TL_TRY(auto state, state::StateDirectory::open(config.state_dir));
    TL_TRY(auto catalog, media::Catalog::open(state.catalog()));
    std::unique_ptr<Daemon> daemon(
        new Daemon(std::move(config), std::move(state), std::move(catalog), events));
    TL_CHECK(daemon->build());
    return daemon;
}

Daemon::Daemon(Config config, state::StateDirectory state, std::unique_ptr<media::Catalog> catalog,
               EventLog& events)
    : config_(std::move(config)),
      state_(std::move(state)),
      catalog_(std::move(catalog)),
      events_(events),
      io_context_(static_cast<int>(serving_threads())),
      disk_(start_disk_threads(config_)),
      background_(background_threads()),
      idle_strand_(asio::make_strand(io_context_)),
      idle_timer_(idle_strand_),
      work_(asio::make_work_guard(io_context_)) {}

Daemon::~Daemon() {
    stop();
}

Result<void> Daemon::build() {
    std::set<std::string> serials_taken;
    const SharedParts shared{io_context_, disk_.get_executor(), background_.executor(), *catalog_,
                             events_};
    TL_CHECK(state_.folder("store"));  // where stores and keys are unless it is said otherwise
    TL_CHECK(state_.folder("keys"));
    for (const auto& library : config_.libraries) {
        RunningLibrary::Settings settings;
        settings.config = library;
        TL_TRY(settings.spool, state_.spool(library.name));
        TL_TRY(settings.cache, state_.folder("cache/" + library.name));
        if (config_.libraries.size() > 1) {
            settings.component_prefix = library.name + "/";
        }
        TL_TRY(auto running, RunningLibrary::create(std::move(settings), shared, serials_taken));
        libraries_.push_back(std::move(running));
    }
    return warn_of_forgotten_libraries();
}

/// Cartridges outlive the configuration that made them; whoever renames a library should know.
Result<void> Daemon::warn_of_forgotten_libraries() {
    TL_TRY(const auto cartridges, catalog_->all_cartridges());
    std::set<std::string> forgotten;
    for (const auto& cartridge : cartridges) {
        forgotten.insert(cartridge.library);
    }
    for (const auto& library : config_.libraries) {
        forgotten.erase(library.name);
    }
    for (const auto& name : forgotten) {
        events_.warning("daemon",
                        "The state directory has cartridges of a library that the configuration "
                        "does not name; they are kept and not served.",
                        {{"library", name}});
    }
    return {};
}

/// A host that has had its answer sends the next command at once: to look for it for a moment costs
/// less than to let the processor halt and be woken (on virtual machines tens of microseconds). A
/// host that shares the processor gets it first.
void Daemon::serve() {
    using std::chrono::steady_clock;
    if (std::thread::hardware_concurrency() < 2) {
        io_context_.run();  // the host needs the only processor to send
        return;
    }
    while (io_context_.run_one() != 0) {
        auto last = steady_clock::now();
        while (steady_clock::now() - last < kLookAround) {
            if (io_context_.poll() != 0) {
                last = steady_clock::now();
            }
            std::this_thread::yield();
        }
    }
}

Result<void> Daemon::start() {
    const OwnProcessors processors(ThreadsFor::serving);
    for (std::size_t i = 0; i < serving_threads(); ++i) {
        threads_.emplace_back([this] { serve(); });
    }
    TL_CHECK(asio::co_spawn(io_context_, bring_up(), asio::use_future).get());
    idle_loop_ended_ = asio::co_spawn(idle_strand_, idle_loop(), asio::use_future);
    ready_ = true;
    return {};
}

Awaitable<Result<void>> Daemon::bring_up() {
    for (const auto& library : libraries_) {
        ++libraries_started_;
        TL_CO_CHECK(co_await library->start());
    }
    TL_CO_CHECK(open_portal());
    co_return open_admin();
}

Result<void> Daemon::open_portal() {
    const auto accounts = chap_accounts(config_);
    net::PortalOptions options;
    options.listen = config_.listen;
    options.discovery_accounts = accounts;
    std::vector<iscsi::TargetConfiguration> targets;
    for (const auto& library : libraries_) {
        targets.push_back(library->target(accounts));
    }
    portal_ =
        std::make_unique<net::Portal>(io_context_, std::move(options), std::move(targets), events_);
    TL_TRY(portals_, portal_->start());
    portal_open_ = true;
    return {};
}

Result<void> Daemon::open_admin() {
    ServedSystem served;
    for (const auto& library : libraries_) {
        served.libraries.push_back(library->served());
    }
    served.portals = portals_;
    served.sessions = [this] { return portal_->sessions(); };
    served.ready = [this] { return ready_.load(); };
    served.events = &events_;
    served.started = std::chrono::steady_clock::now();
    rest_api_ = std::make_unique<RestApi>(std::move(served));
    AdminServerOptions options;
    options.socket = config_.admin_socket();
    admin_ = std::make_unique<AdminServer>(asio::make_strand(io_context_), std::move(options),
                                           *rest_api_, events_);
    TL_CHECK(admin_->start());
    admin_open_ = true;
    return {};
}

Awaitable<void> Daemon::idle_loop() {
    while (idle_loop_wanted_) {
        idle_timer_.expires_after(kIdleInterval);
        co_await idle_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
        for (std::size_t i = 0; i < libraries_.size() && idle_loop_wanted_; ++i) {
            co_await libraries_[i]->sync_when_idle();
        }
        if (idle_loop_wanted_) {
            co_await release_memory_when_idle();
        }
    }
}

/// The memory of the last burst is kept (main.cc, block_memory.h), and files of the spool are. Once
/// no drive has moved a byte and nobody has taken a large buffer for a whole interval they are
/// given back, one time until the next burst.
Awaitable<void> Daemon::release_memory_when_idle() {
    auto activity = block_memory().taken();
    for (const auto& library : libraries_) {
        activity += co_await library->bytes_moved();
    }
    if (activity != activity_seen_) {
        activity_seen_ = activity;
        memory_to_release_ = true;
    } else if (memory_to_release_) {
        memory_to_release_ = false;
        auto work = [this] {
            for (const auto& library : libraries_) {
                library->release_spares();
            }
            block_memory().trim();
            return ::malloc_trim(0);
        };
        co_await run_on(disk_.get_executor(), std::move(work));
    }
}

void Daemon::end_idle_loop() {
    if (idle_loop_ended_.valid()) {
        asio::post(idle_strand_, [this] {
            idle_loop_wanted_ = false;
            idle_timer_.cancel();
        });
        idle_loop_ended_.get();
    }
}

bool Daemon::stop() {
    if (threads_.empty()) {
        return true;
    }
    ready_ = false;
    for (std::size_t i = 0; i < libraries_started_; ++i) {
        libraries_[i]->end_waits();  // a store may be away for days
    }
    end_idle_loop();
    const bool durable = asio::co_spawn(io_context_, bring_down(), asio::use_future).get();
    work_.reset();
    threads_.clear();  // joins
    background_.join();
    disk_.join();
    return durable;
}

/// Who makes work stops before who does it: hosts, administrators, drives.
Awaitable<bool> Daemon::bring_down() {
    if (portal_open_) {
        co_await portal_->shutdown(kDrainTimeMax);
    }
    for (std::size_t i = 0; i < libraries_started_; ++i) {
        libraries_[i]->end_requests();
    }
    if (admin_open_) {
        co_await admin_->stop();
    }
    bool durable = true;
    for (std::size_t i = 0; i < libraries_started_; ++i) {
        const bool stopped = co_await libraries_[i]->stop();
        durable = durable && stopped;
    }
    co_return durable;
}

}  // namespace tapeloft::vtl::daemon
