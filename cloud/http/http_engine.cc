#include "cloud/http/http_engine.h"

#include <algorithm>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "cloud/base/printable.h"
#include "cloud/http/transfer.h"

namespace tapeloft {
namespace {

using http::EasyHandle;
using http::Exchange;
using http::Transfer;
using std::chrono::milliseconds;

constexpr milliseconds kIdle{60000};  ///< a wakeup ends it
constexpr milliseconds kMinWait{1};
constexpr milliseconds kRateChangeSeen{5000};  ///< while something moves, at the latest

struct MultiDeleter {
    void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};

std::size_t bodies_at_once(std::size_t parallel) {
    return parallel == 1 ? 1 : parallel - std::max<std::size_t>(1, parallel / 4);
}

Error cancelled(const HttpRequest& request) {
    return {Errc::cancelled, request.method + " " + request.url.substr(0, request.url.find('?')) +
                                 ": cancelled, the store is closing"};
}

std::string milliseconds_between(Transfer::Time begin, Transfer::Time end) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(end - begin).count());
}

/// The words by which whoever runs an S3 store finds a request again.
std::string header_or_none(const Result<HttpResponse>& result, std::string_view name) {
    return std::string(result ? result->header(name).value_or("-") : "-");
}

void note_end(EventLog& log, const Exchange& exchange, Transfer::Time submitted) {
    constexpr std::size_t kMessageShown = 1000;  ///< bytes
    const auto& result = *exchange.result;
    const auto& request = exchange.request;
    const auto now = Transfer::Time::clock::now();
    const auto begun = exchange.begun == Transfer::Time() ? now : exchange.begun;
    auto message = result ? request.method + " " + request.url.substr(0, request.url.find('?')) +
                                ": " + std::to_string(result->status)
                          : result.error().message;
    log.debug("http", printable(message, kMessageShown),
              {{"sent", std::to_string(exchange.sent)},
               {"received", std::to_string(exchange.received)},
               {"ms", milliseconds_between(begun, now)},
               {"waited_ms", milliseconds_between(submitted, begun)},
               {"request_id", header_or_none(result, "x-amz-request-id")},
               {"id_2", header_or_none(result, "x-amz-id-2")}});
}

bool libcurl_is_ready() {
    static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return ready;
}

}  // namespace

/// Everything but `mutex_`, what it guards, and the wakeup belongs to the thread.
class HttpEngine::Loop {
  public:
    explicit Loop(HttpLimits limits)
        : limits_(std::move(limits)),
          bodies_max_(bodies_at_once(limits_.parallel)),
          rates_{RateLimit(0), RateLimit(0)},
          multi_(curl_multi_init()) {}

    Result<void> start() {
        if (!multi_) {
            return Error{Errc::io, "no memory for HTTP"};
        }
        const auto connections = static_cast<long>(std::max(limits_.parallel, bodies_max_ + 1));
        curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, connections);
        curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
        try {
            thread_ = std::jthread([this] { run(); });
        } catch (const std::system_error& error) {
            return Error{Errc::io, std::string("no thread for HTTP: ") + error.what()};
        }
        return {};
    }

    void submit(std::shared_ptr<Exchange> exchange) {
        {
            const std::lock_guard lock(mutex_);
            if (!stopping_) {
                submitted_.push_back(std::move(exchange));
                curl_multi_wakeup(multi_.get());
                return;
            }
        }
        exchange->finish(cancelled(exchange->request));
    }

    void stop() {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        curl_multi_wakeup(multi_.get());
    }

    void join() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }

  private:
    using Waiting = std::deque<std::shared_ptr<Exchange>>;

    void run() {
        while (take_submitted()) {
            look_at_the_clock();
            begin_waiting();
            int running = 0;
            curl_multi_perform(multi_.get(), &running);
            collect();
            resume_paused();
            end_stalled();
            // What has ended made room for what waits.
            if (next_that_may_begin() == waiting_.end()) {
                curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(wait().count()),
                                nullptr);
            }
        }
        cancel_all();
    }

    /// A timetable goes by the clock on the wall.
    void look_at_the_clock() {
        const auto minute = limits_.minute_of_week();
        rates_.upload.set_rate(limits_.upload_rate_max.rate_at(minute));
        rates_.download.set_rate(limits_.download_rate_max.rate_at(minute));
    }

    bool take_submitted() {
        const std::lock_guard lock(mutex_);
        std::move(submitted_.begin(), submitted_.end(), std::back_inserter(waiting_));
        submitted_.clear();
        return !stopping_;
    }

    /// The first one that there is room for: a body may be under way for minutes, so bodies never
    /// hold every place.
    Waiting::iterator next_that_may_begin() {
        const auto bodies = static_cast<std::size_t>(std::count_if(
            active_.begin(), active_.end(), [](const auto& each) { return each->uploads(); }));
        const bool room = active_.size() < limits_.parallel;
        const bool room_for_body = room && bodies < bodies_max_;
        const bool only_bodies = active_.size() == bodies;
        return std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& exchange) {
            return exchange->uploads() ? room_for_body : room || only_bodies;
        });
    }

    void begin_waiting() {
        for (auto next = next_that_may_begin(); next != waiting_.end();
             next = next_that_may_begin()) {
            auto exchange = std::move(*next);
            waiting_.erase(next);
            auto transfer = std::make_unique<Transfer>(exchange, take_handle(), rates_);
            if (transfer->handle() == nullptr) {
                transfer->fail({Errc::io, "no memory for a request"});
                continue;
            }
            auto prepared = transfer->prepare(limits_);
            if (!prepared) {
                transfer->fail(std::move(prepared).error());
                continue;
            }
            if (curl_multi_add_handle(multi_.get(), transfer->handle()) != CURLM_OK) {
                transfer->fail({Errc::io, "libcurl does not take a request"});
                continue;
            }
            active_.push_back(std::move(transfer));
        }
    }

    EasyHandle take_handle() {
        if (spare_.empty()) {
            return EasyHandle(curl_easy_init());
        }
        auto handle = std::move(spare_.back());
        spare_.pop_back();
        return handle;
    }

    void collect() {
        int left = 0;
        while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
            if (message->msg != CURLMSG_DONE) {
                continue;
            }
            const auto code = message->data.result;
            auto* handle = message->easy_handle;
            const auto same = [&](const auto& transfer) { return transfer->handle() == handle; };
            const auto found = std::find_if(active_.begin(), active_.end(), same);
            TL_ASSERT(found != active_.end());
            auto transfer = std::move(*found);
            active_.erase(found);
            // Also ends what libcurl still wants of the transfer's callbacks.
            curl_multi_remove_handle(multi_.get(), handle);
            transfer->finish(code);
            if (code == CURLE_OK) {
                keep(transfer->release());
            }
        }
    }

    /// Only of a transfer that succeeded: libcurl leaves a handle whose host was not found with
    /// the buffer of the attempt, and then takes no CURLOPT_BUFFERSIZE, even after a reset.
    void keep(EasyHandle handle) {
        curl_easy_reset(handle.get());
        spare_.push_back(std::move(handle));
    }

    void resume_paused() {
        const auto now = Transfer::Time::clock::now();
        for (const auto& transfer : active_) {
            if (transfer->paused() && transfer->pause_left(now).count() == 0) {
                transfer->resume();
            }
        }
    }

    void end_stalled() {
        const auto now = Transfer::Time::clock::now();
        for (auto next = active_.begin(); next != active_.end();) {
            auto& transfer = **next;
            const auto most = transfer.silence_max(limits_);
            if (transfer.paused() || now - transfer.last_progress() < most) {
                ++next;
                continue;
            }
            curl_multi_remove_handle(multi_.get(), transfer.handle());
            transfer.fail({Errc::transient, transfer.what() + ": stalled, no byte for " +
                                                std::to_string(most.count()) + " ms"});
            next = active_.erase(next);
        }
    }

    /// Until the next thing that libcurl does not know of.
    milliseconds wait() {
        const auto now = Transfer::Time::clock::now();
        auto least = active_.empty() ? kIdle : kRateChangeSeen;
        for (const auto& transfer : active_) {
            const auto stalled = std::chrono::ceil<milliseconds>(
                transfer->last_progress() + transfer->silence_max(limits_) - now);
            least = std::min(least, transfer->paused() ? transfer->pause_left(now) : stalled);
        }
        return std::max(least, kMinWait);
    }

    void cancel_all() {
        for (const auto& transfer : active_) {
            curl_multi_remove_handle(multi_.get(), transfer->handle());
            transfer->fail(
                {Errc::cancelled, transfer->what() + ": cancelled, the store is closing"});
        }
        active_.clear();
        for (const auto& exchange : waiting_) {
            exchange->finish(cancelled(exchange->request));
        }
        waiting_.clear();
        spare_.clear();
    }

    const HttpLimits limits_;
    const std::size_t bodies_max_;  ///< at once; 1 or more
    http::SharedRates rates_;
    const std::unique_ptr<CURLM, MultiDeleter> multi_;
    std::list<std::unique_ptr<Transfer>> active_;
    Waiting waiting_;
    std::vector<EasyHandle> spare_;

    std::mutex mutex_;
    std::vector<std::shared_ptr<Exchange>> submitted_;
    bool stopping_ = false;
    std::jthread thread_;  ///< the last member, so that it ends before the others go
};

HttpLimits with_less_patience(HttpLimits limits) {
    limits.connect_time_max =
        std::min<std::chrono::milliseconds>(limits.connect_time_max, std::chrono::seconds(4));
    limits.stall_time_max =
        std::min<std::chrono::milliseconds>(limits.stall_time_max, std::chrono::seconds(15));
    limits.answer_time_max =
        std::min<std::chrono::milliseconds>(limits.answer_time_max, std::chrono::seconds(60));
    return limits;
}

Result<std::unique_ptr<HttpEngine>> HttpEngine::start(HttpLimits limits, EventLog* log) {
    TL_ASSERT(limits.parallel > 0);
    if (!libcurl_is_ready()) {
        return Error{Errc::io, "libcurl does not start"};
    }
    auto loop = std::make_unique<Loop>(std::move(limits));
    TL_CHECK(loop->start());
    return std::unique_ptr<HttpEngine>(new HttpEngine(std::move(loop), log));
}

HttpEngine::HttpEngine(std::unique_ptr<Loop> loop, EventLog* log)
    : loop_(std::move(loop)), log_(log) {}

HttpEngine::~HttpEngine() {
    end();
}

Awaitable<Result<HttpResponse>> HttpEngine::send(HttpRequest request) {
    auto exchange = std::make_shared<Exchange>();
    exchange->request = std::move(request);
    const auto submitted = Transfer::Time::clock::now();
    loop_->submit(exchange);
    co_await exchange->done.wait();
    if (log_ != nullptr && EventLog::shows_debug()) {
        note_end(*log_, *exchange, submitted);
    }
    co_return std::move(*exchange->result);
}

void HttpEngine::shut_down() {
    loop_->stop();
}

void HttpEngine::end() {
    loop_->stop();
    loop_->join();
}

}  // namespace tapeloft
