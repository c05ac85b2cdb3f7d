// How long a catalog of large cartridges takes, and how much memory: tests/bench/README.md.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "media/cartridge/cartridge.h"
#include "media/cartridge/position_index.h"
#include "media/catalog/archive_catalog.h"
#include "media/catalog/catalog.h"
#include "media/catalog/sqlite.h"

namespace tapeloft::media {
namespace {

constexpr std::uint64_t kSegments = 281'000;  // 18 TB in segments of 64 MiB
constexpr std::uint64_t kBatch = 500;         // segments in a commit
constexpr std::uint32_t kRecord = 256U * 1024;
constexpr std::uint32_t kRecords = 256;  // of a segment
constexpr std::size_t kChunksOfPack = 12;
constexpr std::size_t kChunksMin = 16;
constexpr std::size_t kChunksMax = 64;
constexpr double kMiB = 1024.0 * 1024.0;

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

template <typename T>
T must(Result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::_Exit(1);
    }
    return std::move(result).value();
}

void must(const Result<void>& result) {
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::_Exit(1);
    }
}

/// VmHWM: the most this process ever had in memory, in MiB.
double peak_mib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmHWM:")) {
            return std::strtod(line.c_str() + 6, nullptr) / 1024.0;
        }
    }
    return 0;
}

/// In a process of its own, which has nothing in memory and nothing cached of the file.
template <typename Body>
void apart(const std::filesystem::path& file, Body body) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        fsync(descriptor);
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
        ::close(descriptor);
    }
    std::fflush(stdout);
    const auto pid = fork();
    if (pid == 0) {
        body();
        std::fflush(stdout);
        std::_Exit(0);
    }
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        std::exit(1);
    }
}

CartridgeRecord cartridge(std::uint32_t index) {
    CartridgeRecord record;
    record.library = "default";
    char barcode[16];
    std::snprintf(barcode, sizeof barcode, "B%05uL9", index);
    record.barcode = barcode;
    record.generation = "L9";
    record.medium_serial = "S" + record.barcode;
    record.capacity = 18'000'000'000'000;
    record.element = {ElementKind::storage, index};
    return record;
}

SegmentRecord segment(std::uint64_t number) {
    SegmentRecord row;
    row.number = number;
    row.first_object = number * (kRecords + 1);
    row.first_file = number;
    row.first_byte = number * (std::uint64_t{kRecords} * kRecord + kFilemarkCost);
    row.sealed = true;
    row.object_count = kRecords + 1;
    row.filemark_count = 1;
    row.byte_count = std::uint64_t{kRecords} * kRecord + kFilemarkCost;
    row.file_length = row.byte_count + 40 * row.object_count;
    return row;
}

template <std::size_t Width>
void put(Bytes& bytes, std::uint64_t value) {
    bytes.resize(bytes.size() + Width);
    store_little_endian<Width>(MutableByteView(bytes).last(Width), value);
}

/// media/FORMAT.md, "Segment map".
Bytes map_of(const std::vector<ChunkRef>& chunks, std::mt19937_64& random) {
    Bytes map;
    put<4>(map, 2);
    put<1>(map, 1), put<4>(map, kRecord), put<4>(map, kRecords);
    put<1>(map, 2), put<4>(map, 0), put<4>(map, 1);
    put<4>(map, 1);
    put<1>(map, 0), put<4>(map, kRecords);
    put<4>(map, 1);
    put<1>(map, 1), put<1>(map, 0), put<4>(map, kRecord - 16), put<4>(map, 0),
        put<4>(map, kRecords);
    put<4>(map, kRecords);
    for (std::uint32_t i = 0; i < kRecords; ++i) {
        put<4>(map, random());
    }
    put<4>(map, 0);
    put<4>(map, chunks.size());
    for (const auto& chunk : chunks) {
        map.insert(map.end(), chunk.fingerprint.begin(), chunk.fingerprint.end());
        put<4>(map, chunk.plain_length);
    }
    return map;
}

ObjectRuns runs_of(ByteView map) {
    ObjectRuns runs;
    const auto count = load_little_endian<4>(map);
    for (std::size_t i = 0; i < count; ++i) {
        const auto run = map.subspan(4 + 9 * i, 9);
        const auto length = static_cast<std::uint32_t>(load_little_endian<4>(run.subspan(1)));
        const auto objects = static_cast<std::uint32_t>(load_little_endian<4>(run.subspan(5)));
        if (run[0] == 2) {
            runs.append_filemarks(objects);
            continue;
        }
        for (std::uint32_t record = 0; record < objects; ++record) {
            runs.append_record(length);
        }
    }
    return runs;
}

/// In ascending order, unlike real ones: to fill a catalog at random takes hours, and what is
/// measured here is looked up at random all the same.
Fingerprint fingerprint_of(std::uint64_t chunk) {
    Fingerprint fingerprint{};
    store_big_endian<8>(fingerprint, chunk);
    std::mt19937_64 random(chunk);
    store_little_endian<8>(MutableByteView(fingerprint).subspan(8), random());
    store_little_endian<8>(MutableByteView(fingerprint).subspan(16), random());
    return fingerprint;
}

/// Fills cartridge 1 as the archiver does: rows, then packs, then maps. One reference in four is to
/// a chunk that is known. Returns how many chunks there are.
class Filler {
  public:
    Filler(Catalog& catalog, CartridgeId id, std::uint64_t mapped)
        : catalog_(catalog), id_(id), mapped_(mapped) {
        must(catalog.archive().stream_of(id));
    }

    std::uint64_t run() {
        for (std::uint64_t first = 0; first < kSegments; first += kBatch) {
            SegmentChange change;
            std::vector<StoredSegment> stored;
            std::vector<std::uint64_t> numbers;
            for (auto number = first; number < std::min(first + kBatch, kSegments); ++number) {
                change.added.push_back(segment(number));
                if (number < mapped_) {
                    stored.push_back(stored_segment(number));
                    numbers.push_back(number);
                }
            }
            must(catalog_.change_segments(id_, change));
            if (stored.empty()) {
                continue;
            }
            const IndexedPacks packs{"default", packs_, {1}, {}};
            must(catalog_.archive().commit_segments(id_, {{}, stored, {0, first + 1, {}}, &packs}));
            packs_.clear();
            must(catalog_.archive().leave_spool(id_, numbers));
        }
        return chunks_;
    }

  private:
    StoredSegment stored_segment(std::uint64_t number) {
        StoredSegment segment;
        segment.number = number;
        segment.map_sequence = number / kBatch + 1;
        const auto count = kChunksMin + random_() % (kChunksMax - kChunksMin + 1);
        for (std::size_t i = 0; i < count; ++i) {
            const bool known = chunks_ != 0 && random_() % 4 == 0;
            const auto chunk =
                known ? chunks_ - 1 - random_() % std::min(chunks_, kRecent) : add_chunk();
            segment.chunks.push_back({fingerprint_of(chunk), 2U << 20U});
        }
        segment.map = map_of(segment.chunks, random_);
        return segment;
    }

    std::uint64_t add_chunk() {
        if (packs_.empty() || packs_.back().chunks.size() == kChunksOfPack) {
            packs_.emplace_back();
            store_little_endian<8>(MutableByteView(packs_.back().id), random_());
            store_little_endian<8>(MutableByteView(packs_.back().id).subspan(8), random_());
            packs_.back().size = 32U << 20U;
        }
        auto& chunks = packs_.back().chunks;
        const auto offset = static_cast<std::uint32_t>(32 + chunks.size() * (2U << 20U));
        chunks.push_back(
            {fingerprint_of(chunks_), offset, 1'900'000, 2U << 20U, ChunkEncoding::zstd});
        return chunks_++;
    }

    Catalog& catalog_;
    CartridgeId id_;
    std::uint64_t mapped_;
    static constexpr std::uint64_t kRecent = 10'000;
    std::mt19937_64 random_{18};
    std::vector<PackContents> packs_;
    std::uint64_t chunks_ = 0;
};

struct Spool {
    explicit Spool(const std::filesystem::path& directory, Catalog& catalog)
        : spares(posix_file_system(), directory, budget, events),
          context{directory, catalog, loop.get_executor(), events, budget, spares} {}

    boost::asio::io_context loop;
    EventLog events;
    SpoolBudget budget;
    SparePool spares;
    SpoolContext context;
};

void mount(Catalog& catalog, Spool& spool) {
    const auto record = must(catalog.cartridge(1));
    const auto before = peak_mib();
    const auto start = Clock::now();
    std::unique_ptr<Tape> tape;
    auto body = [](CartridgeRecord wanted, SpoolContext context,
                   std::unique_ptr<Tape>* out) -> Awaitable<void> {
        *out = must(co_await open_cartridge(std::move(wanted), std::move(context)));
    };
    boost::asio::co_spawn(spool.loop, body(record, spool.context, &tape),
                          [](const std::exception_ptr&) {});
    spool.loop.run();
    std::printf("mount                  %8.0f ms   (target 1000)\n", ms_since(start));
    std::printf("memory of it           %8.1f MiB  (target 64)\n", peak_mib() - before);
}

/// As LOCATE does it: the segment, its map from the catalog, the place in it.
void locate(Catalog& catalog, std::uint64_t mapped) {
    PositionIndex index;
    must(catalog.visit_segments(1, [&index](const SegmentRecord& row) {
        if (!index.add(row)) {
            std::_Exit(1);
        }
    }));
    std::mt19937_64 random(7);
    constexpr int kLocates = 1000;
    double worst = 0;
    const auto start = Clock::now();
    for (int i = 0; i < kLocates; ++i) {
        const auto begin = Clock::now();
        const auto object = random() % index.start_of(mapped - 1).object;
        const auto at = index.segment_of_object(object);
        const auto map = must(catalog.archive().segment_map(1, index.segment(at).row.number));
        const auto place = index.place_in(at, runs_of(map), object);
        worst = std::max(worst, ms_since(begin));
        if (place.object != object) {
            std::_Exit(1);
        }
    }
    std::printf("LOCATE, mean, cold     %8.2f ms   (target 5); worst of %d: %.1f ms\n",
                ms_since(start) / kLocates, kLocates, worst);
}

void look_up(Catalog& catalog, std::uint64_t chunks) {
    constexpr std::size_t kLookups = 200'000;
    std::mt19937_64 random(9);
    std::vector<Fingerprint> wanted(kLookups);
    for (auto& fingerprint : wanted) {
        fingerprint = fingerprint_of(random() % (chunks + chunks / 2));  // a third is not known
    }
    for (const auto* const name : {"cold", "warm"}) {
        const auto start = Clock::now();
        const auto processor = std::clock();
        must(catalog.archive().find_chunks(wanted));
        const auto used = static_cast<double>(std::clock() - processor) * 1000 / CLOCKS_PER_SEC;
        std::printf(
            "lookups, %s          %8.0f /ms  (target, warm: 300); of processor time: %.0f\n", name,
            kLookups / ms_since(start), kLookups / used);
    }
}

void add_cartridges(const std::filesystem::path& file, std::uint32_t count) {
    {
        auto catalog = must(Catalog::open(file));
        std::vector<CartridgeRecord> records;
        for (std::uint32_t i = 1; i < count; ++i) {
            records.push_back(cartridge(i));
        }
        must(catalog->add_cartridges(records));
    }
    auto database = must(Database::open(file));
    must(database->text("PRAGMA journal_mode = OFF"));
    must(database->execute("PRAGMA synchronous = OFF"));
    for (std::uint32_t id = 2; id <= count; ++id) {
        auto query = must(database->query(
            "INSERT INTO segment SELECT ?1, number, partition, first_object, first_file, "
            "first_byte, sealed, complete, spooled, map_sequence, object_count, filemark_count, "
            "byte_count, file_length, promised_objects, promised_filemarks FROM segment WHERE "
            "cartridge = 1 ORDER BY number"));
        must(query.bind(id).run());
    }
}

void start_daemon(const std::filesystem::path& directory, const std::filesystem::path& file) {
    const auto start = Clock::now();
    auto catalog = must(Catalog::open(file));
    const auto opened = ms_since(start);
    Spool spool(directory, *catalog);
    const auto cartridges = must(catalog->all_cartridges());
    must(recover_spool(spool.context, cartridges));
    std::printf("start, %5zu cartridges %8.0f ms   (target 5000); opening %.0f, catalog %.1f GiB\n",
                cartridges.size(), ms_since(start), opened,
                static_cast<double>(std::filesystem::file_size(file)) / kMiB / 1024);
}

/// Rows without a map are stored as far as a mount can see.
void store_the_rest(const std::filesystem::path& file) {
    auto database = must(Database::open(file));
    must(
        database->execute("UPDATE segment SET map_sequence = 1, spooled = 0 WHERE map_sequence IS "
                          "NULL"));
}

void run(const std::filesystem::path& directory, std::uint32_t cartridges, std::uint64_t mapped) {
    const auto file = directory / "catalog.sqlite";
    std::filesystem::create_directory(directory / "spool");
    const auto chunks = directory / "chunks";
    apart(file, [&] {
        const auto start = Clock::now();
        auto catalog = must(Catalog::open(file));
        const auto id = must(catalog->add_cartridge(cartridge(0))).id;
        std::ofstream(chunks) << Filler(*catalog, id, mapped).run();
        catalog.reset();
        store_the_rest(file);
        std::printf("filling one            %8.0f s\n", ms_since(start) / 1000);
    });
    std::uint64_t count = 0;
    std::ifstream(chunks) >> count;
    std::printf("catalog                %8.0f MiB, %zu segments, %zu with maps, %zu chunks\n",
                static_cast<double>(std::filesystem::file_size(file)) / kMiB,
                static_cast<std::size_t>(kSegments), static_cast<std::size_t>(mapped),
                static_cast<std::size_t>(count));
    apart(file, [&] {
        auto catalog = must(Catalog::open(file));
        Spool spool(directory / "spool", *catalog);
        mount(*catalog, spool);
    });
    apart(file, [&] { locate(*must(Catalog::open(file)), mapped); });
    apart(file, [&] { look_up(*must(Catalog::open(file)), count); });
    apart(file, [&] { add_cartridges(file, cartridges); });
    apart(file, [&] { start_daemon(directory / "spool", file); });
}

}  // namespace
}  // namespace tapeloft::media

/// catalog_bench DIRECTORY [CARTRIDGES [MAPPED]]: the directory is empty and has room. MAPPED: how
/// many segments have maps and chunks, of all.
int main(int argc, char** argv) {
    using tapeloft::media::kSegments;
    if (argc < 2) {
        std::fprintf(stderr, "usage: catalog_bench DIRECTORY [CARTRIDGES [MAPPED]]\n");
        return 2;
    }
    const auto cartridges = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000;
    const auto mapped = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : kSegments;
    tapeloft::media::run(argv[1], static_cast<std::uint32_t>(cartridges),
                         std::clamp<std::uint64_t>(mapped, 2, kSegments));
    return 0;
}
