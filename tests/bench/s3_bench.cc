// What the archive makes of an S3 server: writing until everything is stored and reading back,
// beside plain parallel requests of the same size and signing, in turns in one run; and the memory
// it takes. See README.md.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <numeric>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "cloud/base/block_memory.h"

#include "tests/bench/bench_library.h"
#include "tests/temporary_directory.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kMiB = 1024UL * 1024;
constexpr std::size_t kPack = 32 * kMiB;
constexpr std::size_t kRange = 8 * kMiB;  // as the archive reads
constexpr int kRounds = 5;

/// Bytes, of /proc/self/status.
std::size_t memory(const std::string& field) {
    std::ifstream status("/proc/self/status");
    std::string name;
    std::size_t kib = 0;
    while (status >> name) {
        if (name == field + ":") {
            status >> kib;
        }
    }
    return kib * 1024;
}

/// How much more than at the beginning the work had in memory at its worst.
std::size_t growth(const std::function<void()>& work) {
    block_memory().trim();
    ::malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";  // proc(5): resets VmHWM
    const auto before = memory("VmRSS");
    work();
    const auto peak = memory("VmHWM");
    return peak - std::min(peak, before);
}

/// What this process and all processes of the machine took of its processors, seconds.
struct ProcessorTime {
    double own = 0;
    double all = 0;
};

ProcessorTime processor_time() {
    ProcessorTime time;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& value) {
        return static_cast<double>(value.tv_sec) + static_cast<double>(value.tv_usec) / 1e6;
    };
    time.own = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    std::ifstream stat("/proc/stat");  // proc(5): cpu user nice system idle iowait irq softirq
    std::string name;
    stat >> name;
    constexpr std::size_t kIdle = 3;
    constexpr std::size_t kWaiting = 4;
    constexpr std::size_t kLast = 6;
    double ticks = 0;
    for (std::size_t i = 0; i <= kLast && stat >> ticks; ++i) {
        time.all += i == kIdle || i == kWaiting ? 0 : ticks;
    }
    time.all /= static_cast<double>(::sysconf(_SC_CLK_TCK));
    return time;
}

/// So many calls at once, until all are done.
void in_parallel(std::size_t parallel, std::size_t calls,
                 const std::function<void(std::size_t)>& call) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < parallel; ++i) {
        threads.emplace_back([&] {
            for (auto each = next++; each < calls; each = next++) {
                call(each);
            }
        });
    }
}

class Comparison {
  public:
    Comparison(const std::filesystem::path& directory, const std::string& url, std::size_t bytes)
        : library_(directory, url), store_(library_.store()), bytes_(bytes) {}

    /// What comes second finds the server with more to look after: that is the tape in odd rounds.
    void round(int number) {
        const auto data = random_bytes(bytes_, static_cast<std::uint64_t>(number));
        const auto record = library_.cartridge("TL000" + std::to_string(number) + "L9");
        Timed put;
        Timed stored;
        const auto put_plain = [&] {
            put = timed([&] {
                in_parallel(parallel(), bytes_ / kPack, [&](std::size_t i) {
                    must(library_.run(
                        store_.put(name(number, i), data.slice(i * kPack, kPack), PutOptions{})));
                });
            });
        };
        if (number % 2 == 1) {
            put_plain();
        }
        stored = timed([&] { library_.write(record, data); });
        if (number % 2 == 0) {
            put_plain();
        }
        const auto get = timed([&] {
            in_parallel(parallel(), bytes_ / kRange, [&](std::size_t i) {
                const auto at = i * kRange;
                must(library_.run(
                    store_.get(name(number, at / kPack), ByteRange{at % kPack, kRange})));
            });
        });
        const auto read = timed([&] { library_.read(record, bytes_); });
        up_.push_back(put.seconds / stored.seconds);
        down_.push_back(get.seconds / read.seconds);
        print("plain PUTs of 32 MiB", put, 0);
        print("a tape until stored; ratio", stored, put.seconds);
        print("plain GETs of 8 MiB", get, 0);
        print("the tape read back; ratio", read, get.seconds);
    }

    /// A round by itself, before the others: what was in use is given back first, and has to be got
    /// again, which the others are spared.
    void measure_memory() {
        const auto data = random_bytes(bytes_, 0);
        const auto record = library_.cartridge("TL0000L9");
        writing_ = growth([&] { library_.write(record, data); });
        reading_ = growth([&] { library_.read(record, bytes_); });
    }

    void conclude() const {
        const auto bound = parallel() * kPack;
        std::printf("\nmedians: %.2f of plain PUTs, %.2f of plain GETs\n", median(up_),
                    median(down_));
        std::printf(
            "memory: %zu MiB more at most while writing, %zu MiB while reading; %zu at once of 32 "
            "MiB are %zu MiB\n",
            writing_ / kMiB, reading_ / kMiB, parallel(), bound / kMiB);
    }

  private:
    [[nodiscard]] std::size_t parallel() const { return store_.capabilities().parallel; }
    static std::string name(int round, std::size_t number) {
        return "plain/" + std::to_string(round) + "/" + std::to_string(number);
    }
    struct Timed {
        double seconds = 0;
        ProcessorTime processor;
    };
    static Timed timed(const std::function<void()>& work) {
        const auto before = processor_time();
        const auto start = Clock::now();
        work();
        Timed taken;
        taken.seconds = seconds_since(start);
        const auto after = processor_time();
        taken.processor = {after.own - before.own, after.all - before.all};
        return taken;
    }
    void print(const char* what, const Timed& taken, double against) const {
        row(what, bytes_, taken.seconds, against > 0 ? rate_of(bytes_, against) : 0);
        const auto gigabytes = static_cast<double>(bytes_) / 1e9;
        std::printf("    processor time for a GB: %.2f s here, %.2f s others\n",
                    taken.processor.own / gigabytes,
                    (taken.processor.all - taken.processor.own) / gigabytes);
    }
    static double median(std::vector<double> ratios) {
        std::sort(ratios.begin(), ratios.end());
        return ratios[ratios.size() / 2];
    }

    Library library_;
    ObjectStore& store_;
    const std::size_t bytes_;
    std::vector<double> up_;
    std::vector<double> down_;
    std::size_t writing_ = 0;
    std::size_t reading_ = 0;
};

int run(std::string url, std::size_t mib) {
    std::random_device random;
    url.insert(std::min(url.find('?'), url.size()), "/bench-" + std::to_string(random()));
    const tests::TemporaryDirectory directory;
    std::printf("%zu MiB of random bytes in records of 256 KiB, %d rounds\n\n", mib, kRounds);
    Comparison comparison(directory.path(), url, mib * kMiB);
    comparison.measure_memory();
    for (int round = 1; round <= kRounds; ++round) {
        comparison.round(round);
    }
    comparison.conclude();
    return 0;
}

}  // namespace
}  // namespace tapeloft::media

int main(int argc, char** argv) {
    constexpr std::size_t kDefaultMib = 1024;
    const auto mib = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kDefaultMib;
    if (argc < 2 || mib < 32 || mib % 32 != 0) {
        std::fprintf(stderr, "usage: s3_bench URL [MIB]   (a multiple of 32)\n");
        return 2;
    }
    tapeloft::media::set_up_memory();
    return tapeloft::media::run(argv[1], mib);
}
