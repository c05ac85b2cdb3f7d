#include "cloud/store/store_probe.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/fmt/fmt.h>

#include "cloud/base/at_once.h"
#include "cloud/base/timestamps.h"

namespace tapeloft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr auto kAtOnce = std::to_array<std::size_t>({1, 4, 16});
constexpr std::size_t kSmallRounds = 9;
constexpr std::size_t kSmallSize = 4096;  ///< bytes
constexpr std::chrono::seconds kClockMax{300};
constexpr double kMiB = 1024.0 * 1024.0;
constexpr double kSlow_mib_s = 20;
constexpr microseconds kSlowAnswer{500000};

/// Bytes that no store can make smaller.
Buffer random_bytes(std::size_t size) {
    std::mt19937_64 random(std::random_device{}());
    auto buffer = Buffer::allocate(size);
    auto bytes = buffer.mutable_view();
    for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
        const std::uint64_t word = random();
        std::memcpy(bytes.data() + i, &word, std::min(sizeof word, size - i));
    }
    return buffer;
}

template <typename T>
std::string why(const Result<T>& result) {
    return result ? "" : result.error().message;
}

bool same(const Result<Buffer>& read, const Buffer& body) {
    return read && std::ranges::equal(read->view(), body.view());
}

struct AdviceRow {
    std::string_view words;   ///< of the cause: the provider's, the store's or libcurl's
    std::string_view advice;  ///< what a person can do
};

// clang-format off
constexpr auto kAdvice = std::to_array<AdviceRow>({
    {"no such bucket",        "Make the bucket at the store, or mend its name in the URL."},
    {"InvalidBucketName",     "Mend the name of the bucket in the URL."},
    {"SignatureDoesNotMatch", "The secret key is not the one of this access key: mend it where the keys are kept."},
    {"InvalidAccessKeyId",    "Mend the access key: the store does not know it."},
    {"AccessDenied",          "Let these keys read, write, list and remove objects of the bucket, or use others."},
    {"RequestTimeTooSkewed",  "Set the clock of this machine, by NTP at best."},
    {"ExpiredToken",          "Get new keys: the session token has ended."},
    {"no access keys",        "Put the keys where the message above says."},
    {"password",              "Give the password of renterd's API in RENTERD_API_PASSWORD, or in the file of password_file."},
    {"setting certificate file", "The file that the option ca names cannot be read, or holds no certificate in PEM: mend it."},
    {"certificate",           "Name the authority of the store's certificate by the option ca, or have the certificate mended."},
    {"Could not resolve host", "Mend the host of the endpoint, or look after the name service (DNS) of this machine."},
    {"wrong version number",  "It speaks no TLS there: is it http://, or another port?"},
    {"HTTP/0.9",              "It speaks no HTTP there: is it https://, or another port?"},
    {"Empty reply",           "It speaks no HTTP there: is it https://, or another port?"},
    {"reset by peer",         "What is there hangs up: is it https://, or another port?"},
    {"connect to",            "Nothing listens there: is the store running, and are host and port of the endpoint right?"},
    {"is the endpoint",       "What answers there is no such store: mend host and port of the endpoint."},
    {"no answer within",      "Nothing answered in time: look after the network, the store and what is in front of it, and whether host and port of the endpoint are right."},
});
// clang-format on

/// Of the first row that fits; empty: what to do is not known.
std::string_view advice_for(std::string_view cause) {
    const auto* row = std::find_if(kAdvice.begin(), kAdvice.end(), [&](const AdviceRow& each) {
        return cause.find(each.words) != std::string_view::npos;
    });
    return row == kAdvice.end() ? std::string_view() : row->advice;
}

double milliseconds_of(microseconds time) {
    return static_cast<double>(time.count()) / 1000;
}

/// Shuts the store down when a time is over, unless it ends before.
class Deadline {
  public:
    Deadline(const Executor& executor, ObjectStore& store, std::chrono::milliseconds length)
        : timer_(executor, length) {
        timer_.async_wait([state = state_, &store](const boost::system::error_code& error) {
            if (!error && !state->ended) {
                state->passed = true;
                store.shut_down();
            }
        });
    }
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() { state_->ended = true; }
    [[nodiscard]] bool passed() const noexcept { return state_->passed; }

  private:
    struct State {
        bool ended = false;
        bool passed = false;
    };
    const std::shared_ptr<State> state_ = std::make_shared<State>();
    boost::asio::steady_timer timer_;
};

/// One run over one store.
class Prober {
  public:
    Prober(ObjectStore& store, StoreProbeOptions options)
        : store_(store), options_(std::move(options)) {
        std::random_device random;
        root_ = "probe/" + std::to_string(random()) + "-" + std::to_string(random()) + "/";
        probe_.url = store.url();
    }

    Awaitable<StoreProbe> run() {
        say(probe_.url);
        const bool answers = co_await check_answer();
        const bool holds_objects = answers && co_await check_objects();
        if (holds_objects) {
            co_await check_condition();
            co_await check_list_and_remove();
        } else {
            say("  the rest was not tried: it needs this");
        }
        probe_.usable = std::all_of(probe_.checks.begin(), probe_.checks.end(),
                                    [](const auto& check) { return check.wrong.empty(); });
        if (probe_.usable) {
            co_await measure_latency();
        }
        if (probe_.usable) {
            co_await measure_rates();
        }
        if (answers) {
            co_await clean_up();
        }
        if (holds_objects) {
            co_await ask_condition();
        }
        tell_clock();
        judge();
        co_return std::move(probe_);
    }

  private:
    void say(std::string line) {
        if (options_.on_line) {
            options_.on_line(line);
        }
        probe_.report.push_back(std::move(line));
    }
    void note(std::string what, std::string wrong) {
        say(wrong.empty() ? "  ok      " + what : "  FAILED  " + what + ": " + wrong);
        probe_.checks.push_back({std::move(what), std::move(wrong)});
    }
    /// What comes after the verdict seemed clear.
    void fail(std::string what, std::string wrong) {
        note(std::move(what), std::move(wrong));
        probe_.usable = false;
    }
    [[nodiscard]] std::string name(const std::string& last) const { return root_ + last; }

    /// False: nothing can be asked of it.
    Awaitable<bool> check_answer() {
        const Deadline deadline(co_await boost::asio::this_coro::executor, store_,
                                options_.answer_time_max);
        const auto missing = co_await store_.get(name("missing"), {});
        if (missing || missing.error().code == Errc::not_found) {
            note("an object can be asked for", "");
            note("what is not there is not found", missing ? "something was read" : "");
            co_return true;
        }
        auto cause = missing.error().message;
        if (deadline.passed()) {
            constexpr std::string_view kLast = "after: ";
            const auto last = cause.find(kLast);
            cause = fmt::format("no answer within {:.3g} s",
                                milliseconds_of(options_.answer_time_max) / 1000) +
                    (last == std::string::npos ? "" : ": " + cause.substr(last + kLast.size()));
        }
        note("an object can be asked for", std::move(cause));
        co_return false;
    }

    /// False: nothing is there to try the rest on.
    Awaitable<bool> check_objects() {
        const auto body = random_bytes(kSmallSize);
        const auto written = co_await store_.put(name("a"), body, {});
        note("an object can be written", why(written));
        if (!written) {
            written_ = {name("a")};  // it may have arrived
            co_return false;
        }
        const auto read = co_await store_.get(name("a"), {});
        const bool good = same(read, body);
        note("it is read back as it was written",
             good || !read ? why(read) : std::string("other bytes came back"));
        if (!read) {
            written_ = {name("a")};
            co_return false;
        }
        const ByteRange range{.offset = 100, .length = 1000};
        const auto part = co_await store_.get(name("a"), range);
        const bool exact = same(part, body.slice(100, 1000));
        note("a range is exact", exact || !part ? why(part) : std::string("other bytes came back"));
        const ByteRange beyond{.offset = kSmallSize - 1, .length = 2};
        const auto past = co_await store_.get(name("a"), beyond);
        const bool refused = !past && past.error().code == Errc::invalid_argument;
        note("a range past the end is refused", refused ? ""
                                                : past  ? "it was answered, and short"
                                                        : why(past));
        const auto info = co_await store_.head(name("a"));
        note("its size is known",
             !info || info->size == kSmallSize ? why(info) : "it is said to have another size");
        co_return true;
    }

    Awaitable<void> check_condition() {
        if (store_.capabilities().put_if_absent) {
            co_await check_put_if_absent();
        }
        say(std::string("  conditional write: ") + (probe_.put_if_absent ? "yes" : "no"));
    }

    Awaitable<void> check_put_if_absent() {
        const PutOptions if_absent{.if_absent = true};
        const auto first = co_await store_.put(name("once"), random_bytes(1), if_absent);
        if (!first) {
            note("an object can be written if it is the first one", why(first));
            co_return;
        }
        const auto second = co_await store_.put(name("once"), random_bytes(1), if_absent);
        const bool holds = !second && second.error().code == Errc::precondition;
        probe_.put_if_absent = holds;
        note("a write that must be the first one is refused when it is not",
             holds    ? ""
             : second ? "the second one was taken too"
                      : why(second));
    }

    Awaitable<void> check_list_and_remove() {
        const auto page = co_await store_.list(root_, "", 1000);
        const bool listed = page && !page->objects.empty() && page->objects[0].name == name("a");
        note("what was written is listed",
             listed || !page ? why(page) : "it is missing from the list");
        const auto removed = co_await store_.remove(name("a"));
        if (!removed && removed.error().code == Errc::denied && co_await is_locked()) {
            co_return;
        }
        note("an object can be removed", why(removed));
        if (!removed) {
            co_return;
        }
        const auto gone = co_await store_.get(name("a"), {});
        const bool not_found = !gone && gone.error().code == Errc::not_found;
        note("what was removed is gone", not_found ? ""
                                         : gone    ? "it can still be read"
                                                   : why(gone));
    }

    /// A refusal that the configuration asks for is no failure, and no proof that an object without
    /// a lock can be removed.
    Awaitable<bool> is_locked() {
        const auto until = co_await store_.retained_until(name("a"));
        if (!until || !*until) {
            co_return false;
        }
        say("  locked until " + iso_time(**until) +
            ", as asked for: until then nobody can remove what was just written");
        locked_ = true;
        co_return true;
    }

    Awaitable<void> measure_latency() {
        std::vector<microseconds> writes;
        std::vector<microseconds> reads;
        const auto body = random_bytes(kSmallSize);
        for (std::size_t i = 0; i < kSmallRounds; ++i) {
            const auto begin = Clock::now();
            const auto stored = co_await store_.put(name("small"), body, {});
            if (!stored) {
                co_return fail("writing small objects, one after the other", why(stored));
            }
            const auto written = Clock::now();
            const auto read = co_await store_.get(name("small"), {});
            if (!read) {
                co_return fail("reading small objects, one after the other", why(read));
            }
            writes.push_back(std::chrono::duration_cast<microseconds>(written - begin));
            reads.push_back(std::chrono::duration_cast<microseconds>(Clock::now() - written));
        }
        std::sort(writes.begin(), writes.end());
        std::sort(reads.begin(), reads.end());
        probe_.write_latency = writes[kSmallRounds / 2];
        probe_.read_latency = reads[kSmallRounds / 2];
        say(fmt::format("  small objects: written in {:.1f} ms, read in {:.1f} ms",
                        milliseconds_of(probe_.write_latency),
                        milliseconds_of(probe_.read_latency)));
    }

    /// A store may know its best size only after it was asked something.
    Awaitable<void> measure_rates() {
        if (options_.object_size == 0) {
            options_.object_size = store_.capabilities().best_object_size;
        }
        const auto body = random_bytes(options_.object_size);
        for (const auto at_once : kAtOnce) {
            StoreRate rate{at_once, 0, 0};
            auto write = [&](std::size_t i) { return put_one(i, body); };
            rate.write_mib_s = co_await measure(at_once, "writing", write);
            if (!probe_.usable) {
                co_return;
            }
            auto read = [&](std::size_t i) { return get_one(i, body); };
            rate.read_mib_s = co_await measure(at_once, "reading", read);
            if (!probe_.usable) {
                co_return;
            }
            say(fmt::format("  {:2} at once: {:7.1f} MiB/s written, {:7.1f} MiB/s read",
                            rate.at_once, rate.write_mib_s, rate.read_mib_s));
            probe_.rates.push_back(rate);
        }
    }

    Awaitable<Result<void>> put_one(std::size_t index, const Buffer& body) {
        co_return co_await store_.put(name("large/" + std::to_string(index)), body, {});
    }

    Awaitable<Result<void>> get_one(std::size_t index, const Buffer& body) {
        const auto read = co_await store_.get(name("large/" + std::to_string(index)), {});
        if (!read) {
            co_return read.error();
        }
        co_return same(read, body)
            ? Result<void>()
            : Error{Errc::corrupt, "other bytes came back than were written"};
    }

    Awaitable<double> measure(std::size_t at_once, std::string_view what,
                              std::function<Awaitable<Result<void>>(std::size_t)> job) {
        const auto begin = Clock::now();
        const auto done = co_await run_at_once(options_.objects, at_once, std::move(job));
        const std::chrono::duration<double> took = Clock::now() - begin;
        if (!done) {
            fail(std::string(what) + " " + std::to_string(at_once) + " objects at once", why(done));
            co_return 0;
        }
        const auto bytes =
            static_cast<double>(options_.objects) * static_cast<double>(options_.object_size);
        co_return bytes / kMiB / std::max(took.count(), 1e-6);
    }

    /// What this run may have written, whatever the store lists.
    Awaitable<void> clean_up() {
        auto names = written_;
        if (names.empty()) {
            names = {name("a"), name("once"), name("small")};
            for (std::size_t i = 0; i < options_.objects; ++i) {
                names.push_back(name("large/" + std::to_string(i)));
            }
        }
        for (auto& each : names) {
            if (!co_await store_.remove(std::move(each))) {
                co_return;
            }
        }
    }

    Awaitable<void> ask_condition() {
        auto condition = co_await store_.condition();
        if (!condition) {
            if (probe_.usable) {  // else it has failed already, for the same reason
                probe_.verdict.push_back("It does not say how it is: " + condition.error().message);
            }
            co_return;
        }
        probe_.condition = std::move(condition).value();
        if (probe_.condition.health) {
            say(fmt::format(
                "  health of the worst object: {:.2f} (1: all redundancy, 0: just readable)",
                *probe_.condition.health));
        }
        if (probe_.condition.waiting_bytes) {
            say("  " + std::to_string(*probe_.condition.waiting_bytes) +
                " bytes wait on one disk to be stored");
        }
    }

    void tell_clock() {
        probe_.clock_ahead = store_.clock_ahead();
        if (probe_.clock_ahead) {
            const auto ahead = probe_.clock_ahead->count();
            say(ahead == 0 ? "  the store's clock agrees with this machine's"
                           : fmt::format("  the store's clock is {} by {} s",
                                         ahead > 0 ? "ahead" : "behind", std::abs(ahead)));
        }
    }

    void judge() {
        auto& words = probe_.verdict;
        words.insert(words.begin(), probe_.usable
                                        ? "This store can be used."
                                        : "Do not use this store: what failed above must hold.");
        const auto failed = std::find_if(probe_.checks.begin(), probe_.checks.end(),
                                         [](const auto& check) { return !check.wrong.empty(); });
        if (failed != probe_.checks.end()) {
            const auto advice = advice_for(failed->wrong);
            words.insert(words.end(), advice.empty() ? 0U : 1U, std::string(advice));
        }
        for (const auto& [kind, sentence] : probe_.condition.troubles) {
            words.push_back(sentence);
        }
        const auto ahead = probe_.clock_ahead.value_or(std::chrono::seconds(0));
        if (std::chrono::abs(ahead) > kClockMax) {
            words.push_back("The clocks are " + std::to_string(std::chrono::abs(ahead).count()) +
                            " s apart. Requests are signed with the difference taken into account; "
                            "still, set this machine's clock, by NTP at best.");
        }
        if (probe_.usable) {
            judge_use();
        }
        for (const auto& sentence : words) {
            say(sentence);
        }
    }

    void judge_use() {
        auto& words = probe_.verdict;
        if (!probe_.put_if_absent) {
            words.emplace_back(
                "It has no conditional write: of two daemons that are started on one library at "
                "the same moment, one notices only before its next commit. Start one.");
        }
        if (locked_) {
            words.emplace_back(
                "Its lock holds. What this run wrote stays under " + root_ +
                " until the lock ends; whether an object can be removed then was not tried.");
        }
        if (store_.capabilities().keeps_removed) {
            words.emplace_back(
                "The bucket keeps old versions: what Tapeloft removes or replaces stays there, "
                "unseen, and is billed until a lifecycle rule (NoncurrentVersionExpiration with "
                "ExpiredObjectDeleteMarker) ends it.");
        }
        if (probe_.write_latency > kSlowAnswer || probe_.read_latency > kSlowAnswer) {
            words.emplace_back("It answers slowly: small objects take more than half a second.");
        }
        judge_rates();
    }

    void judge_rates() {
        const auto slower = [](const StoreRate& a, const StoreRate& b) {
            return a.write_mib_s < b.write_mib_s;
        };
        const auto best = std::max_element(probe_.rates.begin(), probe_.rates.end(), slower);
        if (best == probe_.rates.end()) {
            return;
        }
        probe_.verdict.push_back(fmt::format(
            "It takes {:.0f} MiB/s at best, with {} at once: a tape of 18 TB would take "
            "{:.1f} days.",
            best->write_mib_s, best->at_once,
            18e12 / kMiB / std::max(best->write_mib_s, 0.001) / 86400));
        if (best->write_mib_s < kSlow_mib_s) {
            probe_.verdict.emplace_back(
                "That is slower than the slowest speed of an LTO drive: the spool will fill and "
                "backups will wait for it.");
        }
    }

    ObjectStore& store_;
    StoreProbeOptions options_;
    std::string root_;
    std::vector<std::string> written_;  ///< empty: all that a whole run writes
    bool locked_ = false;               ///< nothing that it wrote can be removed yet
    StoreProbe probe_;
};

}  // namespace

Awaitable<StoreProbe> probe_store(ObjectStore& store, StoreProbeOptions options) {
    TL_ASSERT(options.objects > 0);
    Prober prober(store, std::move(options));
    co_return co_await prober.run();
}

std::string to_text(const StoreProbe& probe) {
    std::string text;
    for (const auto& line : probe.report) {
        text += line + "\n";
    }
    return text;
}

}  // namespace tapeloft
