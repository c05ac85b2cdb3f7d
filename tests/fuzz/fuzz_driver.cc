// Runs a fuzz target without libFuzzer: on its seeds and on mutations of them, or on files.
//
// Each mutation depends on seed and number only, so one that fails can be had again: the same seed
// with --keep leaves it in a file.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include <sys/resource.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/mutation.h"

namespace tapeloft::fuzz {
namespace {

constexpr unsigned kSecondsForOneInput = 60;
/// With ASan's shadow and quarantine.
constexpr long kResidentMaxKib = 1536L * 1024;

struct Options {
    std::uint64_t runs = 1000;
    std::uint64_t seconds = 0;  ///< 0: runs decide
    std::uint64_t seed = 0;
    std::string keep;          ///< a file for each input, before it is tried
    std::string write_corpus;  ///< a directory for the seeds; nothing is run then
    std::vector<std::string> files;
};

constexpr auto kUsage =
    "usage: fuzz_TARGET [--runs=N | --seconds=N] [--seed=N] [--keep=FILE]\n"
    "       fuzz_TARGET --write-corpus=DIRECTORY\n"
    "       fuzz_TARGET FILE...                   each of them once\n";

bool parse_number(std::string_view text, std::uint64_t& number) {
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end;
}

bool take_option(std::string_view argument, Options& options) {
    const auto equals = argument.find('=');
    if (!argument.starts_with("--") || equals == std::string_view::npos) {
        options.files.emplace_back(argument);
        return !argument.starts_with("-");
    }
    const auto name = argument.substr(0, equals);
    const auto value = argument.substr(equals + 1);
    if (name == "--keep" || name == "--write-corpus") {
        (name == "--keep" ? options.keep : options.write_corpus) = value;
        return !value.empty();
    }
    return (name == "--runs" && parse_number(value, options.runs)) ||
           (name == "--seconds" && parse_number(value, options.seconds)) ||
           (name == "--seed" && parse_number(value, options.seed));
}

bool write_file(const std::string& path, const Bytes& bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << as_text(bytes) << std::flush;
    return out.good();
}

bool write_corpus(const std::string& directory) {
    std::size_t number = 0;
    for (const auto& seed : seeds()) {
        const auto path = directory + "/seed-" + std::to_string(number++);
        if (!write_file(path, seed)) {
            std::fprintf(stderr, "%s: %s\n", path.c_str(), std::strerror(errno));
            return false;
        }
    }
    return true;
}

void try_one(const Bytes& input, const Options& options) {
    if (!options.keep.empty() && !write_file(options.keep, input)) {
        std::fprintf(stderr, "%s: %s\n", options.keep.c_str(), std::strerror(errno));
    }
    alarm(kSecondsForOneInput);
    (void)LLVMFuzzerTestOneInput(input.data(), input.size());
    alarm(0);
}

bool try_files(const Options& options) {
    for (const auto& path : options.files) {
        std::ifstream in(path, std::ios::binary);
        if (!in.good()) {
            std::fprintf(stderr, "%s: %s\n", path.c_str(), std::strerror(errno));
            return false;
        }
        try_one(Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()),
                options);
    }
    return true;
}

void try_mutations(const Options& options) {
    const auto sound = seeds();
    for (const auto& seed : sound) {
        try_one(seed, options);
    }
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::seconds(options.seconds);
    std::uint64_t run = 0;
    for (; options.seconds == 0 ? run < options.runs : Clock::now() < end; ++run) {
        std::seed_seq sequence{options.seed, options.seed >> 32U, run, run >> 32U};
        std::mt19937_64 random(sequence);
        try_one(mutated(sound, random), options);
    }
    std::printf("%zu seeds and %llu mutations\n", sound.size(),
                static_cast<unsigned long long>(run));
}

bool memory_was_bounded() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    if (usage.ru_maxrss > kResidentMaxKib) {
        std::fprintf(stderr, "%ld KiB of memory were taken, more than %ld\n", usage.ru_maxrss,
                     kResidentMaxKib);
        return false;
    }
    return true;
}

int run(int count, char** arguments) {
    Options options;
    options.seed = (std::uint64_t{std::random_device()()} << 32U) | std::random_device()();
    for (int i = 1; i < count; ++i) {
        if (!take_option(arguments[i], options)) {
            std::fputs(kUsage, stderr);
            return 2;
        }
    }
    if (!options.write_corpus.empty()) {
        return write_corpus(options.write_corpus) ? 0 : 1;
    }
    if (!options.files.empty()) {
        return try_files(options) ? 0 : 1;
    }
    std::printf("--seed=%llu\n", static_cast<unsigned long long>(options.seed));
    std::fflush(stdout);
    try_mutations(options);
    return memory_was_bounded() ? 0 : 1;
}

}  // namespace
}  // namespace tapeloft::fuzz

int main(int count, char** arguments) {
    return tapeloft::fuzz::run(count, arguments);
}
