#include "cloud/store/store_probe.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <utility>

#include "cloud/base/at_once.h"

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

/// One run over one store.
class Prober {
  public:
    Prober(ObjectStore& store, StoreProbeOptions options) : store_(store), options_(options) {
        std::random_device random;
        root_ = "probe/" + std::to_string(random()) + "-" + std::to_string(random()) + "/";
        probe_.url = store.url();
    }

    Awaitable<StoreProbe> run() {
        co_await check_objects();
        co_await check_condition();
        co_await check_list_and_remove();
        probe_.usable = std::all_of(probe_.checks.begin(), probe_.checks.end(),
                                    [](const auto& check) { return check.wrong.empty(); });
        if (probe_.usable) {
            co_await measure_latency();
            co_await measure_rates();
        }
        co_await clean_up();
        co_await ask_condition();
        probe_.clock_ahead = store_.clock_ahead();
        judge();
        co_return std::move(probe_);
    }

  private:
    void note(std::string what, std::string wrong) {
        probe_.checks.push_back({std::move(what), std::move(wrong)});
    }
    [[nodiscard]] std::string name(const std::string& last) const { return root_ + last; }

    Awaitable<void> check_objects() {
        const auto body = random_bytes(kSmallSize);
        note("an object can be written", why(co_await store_.put(name("a"), body, {})));
        const auto read = co_await store_.get(name("a"), {});
        const bool good = same(read, body);
        note("it is read back as it was written",
             good || !read ? why(read) : std::string("other bytes came back"));
        const ByteRange range{.offset = 100, .length = 1000};
        const auto part = co_await store_.get(name("a"), range);
        const bool exact = same(part, body.slice(100, 1000));
        note("a range is exact", exact || !part ? why(part) : std::string("other bytes came back"));
        const ByteRange beyond{.offset = kSmallSize - 1, .length = 2};
        const auto past = co_await store_.get(name("a"), beyond);
        note("a range past the end is refused", past ? "it was answered, and short" : "");
        const auto info = co_await store_.head(name("a"));
        note("its size is known",
             !info || info->size == kSmallSize ? why(info) : "it is said to have another size");
        const auto missing = co_await store_.get(name("missing"), {});
        const bool not_found = !missing && missing.error().code == Errc::not_found;
        note("what is not there is not found", not_found ? ""
                                               : missing ? "something was read"
                                                         : missing.error().message);
    }

    Awaitable<void> check_condition() {
        if (!store_.capabilities().put_if_absent) {
            co_return;
        }
        const PutOptions if_absent{.if_absent = true};
        const auto first = co_await store_.put(name("once"), random_bytes(1), if_absent);
        const auto second = co_await store_.put(name("once"), random_bytes(1), if_absent);
        const bool holds = first && !second && second.error().code == Errc::precondition;
        probe_.put_if_absent = holds;
        note("a write that must be the first one is refused when it is not",
             holds    ? ""
             : !first ? why(first)
             : second ? "the second one was taken too"
                      : why(second));
    }

    Awaitable<void> check_list_and_remove() {
        const auto page = co_await store_.list(root_, "", 1000);
        const bool listed = page && !page->objects.empty() && page->objects[0].name == name("a");
        note("what was written is listed",
             listed || !page ? why(page) : "it is missing from the list");
        note("an object can be removed", why(co_await store_.remove(name("a"))));
        const auto gone = co_await store_.get(name("a"), {});
        note("what was removed is gone",
             !gone && gone.error().code == Errc::not_found ? "" : "it can still be read");
    }

    Awaitable<void> measure_latency() {
        std::vector<microseconds> writes;
        std::vector<microseconds> reads;
        const auto body = random_bytes(kSmallSize);
        for (std::size_t i = 0; i < kSmallRounds; ++i) {
            const auto begin = Clock::now();
            if (!co_await store_.put(name("small"), body, {})) {
                co_return;
            }
            const auto written = Clock::now();
            if (!co_await store_.get(name("small"), {})) {
                co_return;
            }
            writes.push_back(std::chrono::duration_cast<microseconds>(written - begin));
            reads.push_back(std::chrono::duration_cast<microseconds>(Clock::now() - written));
        }
        std::sort(writes.begin(), writes.end());
        std::sort(reads.begin(), reads.end());
        probe_.write_latency = writes[kSmallRounds / 2];
        probe_.read_latency = reads[kSmallRounds / 2];
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
            auto read = [&](std::size_t i) { return get_one(i, body); };
            rate.read_mib_s = co_await measure(at_once, "reading", read);
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
            note(std::string(what) + " " + std::to_string(at_once) + " objects at once", why(done));
            probe_.usable = false;
            co_return 0;
        }
        const auto bytes =
            static_cast<double>(options_.objects) * static_cast<double>(options_.object_size);
        co_return bytes / kMiB / std::max(took.count(), 1e-6);
    }

    /// What this run may have written, whatever the store lists.
    Awaitable<void> clean_up() {
        std::vector<std::string> names = {name("a"), name("once"), name("small")};
        for (std::size_t i = 0; i < options_.objects; ++i) {
            names.push_back(name("large/" + std::to_string(i)));
        }
        for (auto& each : names) {
            if (!co_await store_.remove(std::move(each))) {
                co_return;
            }
        }
    }

    Awaitable<void> ask_condition() {
        auto condition = co_await store_.condition();
        if (condition) {
            probe_.condition = std::move(condition).value();
        } else if (probe_.usable) {  // else it has failed already, for the same reason
            probe_.verdict.push_back("It does not say how it is: " + condition.error().message);
        }
    }

    void judge() {
        auto& words = probe_.verdict;
        words.insert(words.begin(), probe_.usable
                                        ? "This store can be used."
                                        : "Do not use this store: what failed above must hold.");
        for (const auto& [kind, sentence] : probe_.condition.troubles) {
            words.push_back(sentence);
        }
        if (!probe_.usable) {
            return;
        }
        if (!probe_.put_if_absent) {
            words.emplace_back(
                "It has no conditional write: of two daemons that are started on one library at "
                "the same moment, one notices only before its next commit. Start one.");
        }
        const auto ahead = probe_.clock_ahead.value_or(std::chrono::seconds(0));
        if (std::chrono::abs(ahead) > kClockMax) {
            words.push_back("The clocks are " + std::to_string(std::chrono::abs(ahead).count()) +
                            " s apart: set this machine's by NTP, or signatures will be refused.");
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
        std::array<char, 200> text{};
        std::snprintf(text.data(), text.size(),
                      "It takes %.0f MiB/s at best, with %zu at once: a tape of 18 TB would take "
                      "%.1f days.",
                      best->write_mib_s, best->at_once,
                      18e12 / kMiB / std::max(best->write_mib_s, 0.001) / 86400);
        probe_.verdict.emplace_back(text.data());
        if (best->write_mib_s < kSlow_mib_s) {
            probe_.verdict.emplace_back(
                "That is slower than the slowest speed of an LTO drive: the spool will fill and "
                "backups will wait for it.");
        }
    }

    ObjectStore& store_;
    StoreProbeOptions options_;
    std::string root_;
    StoreProbe probe_;
};

}  // namespace

Awaitable<StoreProbe> probe_store(ObjectStore& store, StoreProbeOptions options) {
    TL_ASSERT(options.objects > 0);
    Prober prober(store, options);
    co_return co_await prober.run();
}

namespace {

std::string condition_text(const StoreCondition& condition) {
    std::array<char, 200> line{};
    std::string text;
    if (condition.health) {
        std::snprintf(line.data(), line.size(),
                      "  health of the worst object: %.2f (1: all redundancy, 0: just readable)\n",
                      *condition.health);
        text += line.data();
    }
    if (condition.waiting_bytes) {
        text += "  " + std::to_string(*condition.waiting_bytes) +
                " bytes wait on one disk to be stored\n";
    }
    return text;
}

}  // namespace

std::string to_text(const StoreProbe& probe) {
    std::array<char, 200> line{};
    std::string text = probe.url + "\n";
    for (const auto& check : probe.checks) {
        text += check.wrong.empty() ? "  ok      " + check.what + "\n"
                                    : "  FAILED  " + check.what + ": " + check.wrong + "\n";
    }
    text += std::string("  conditional write: ") + (probe.put_if_absent ? "yes" : "no") + "\n";
    if (probe.clock_ahead) {
        text += "  the store's clock is ahead by " + std::to_string(probe.clock_ahead->count()) +
                " s\n";
    }
    text += condition_text(probe.condition);
    const auto ms = [](microseconds time) { return static_cast<double>(time.count()) / 1000; };
    std::snprintf(line.data(), line.size(),
                  "  small objects: written in %.1f ms, read in %.1f ms\n", ms(probe.write_latency),
                  ms(probe.read_latency));
    text += line.data();
    for (const auto& rate : probe.rates) {
        std::snprintf(line.data(), line.size(),
                      "  %2zu at once: %7.1f MiB/s written, %7.1f MiB/s read\n", rate.at_once,
                      rate.write_mib_s, rate.read_mib_s);
        text += line.data();
    }
    for (const auto& sentence : probe.verdict) {
        text += sentence + "\n";
    }
    return text;
}

}  // namespace tapeloft
