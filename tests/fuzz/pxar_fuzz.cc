// pxar archives: walked, searched, planned and written as tar. Input: pxar_input.h.
#include "media/pbs/pxar/fetch_plan.h"
#include "media/pbs/pxar/tar_export.h"

#include "tests/fuzz/pxar_input.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

class CountingSink final : public ByteSink {
  public:
    Awaitable<Result<void>> write(ByteView part) override {
        bytes += part.size();
        co_return Result<void>();
    }
    std::uint64_t bytes = 0;
};

void walk(PxarInput& input, std::vector<std::string>& paths) {
    auto reader = input.reader();
    if (!run(reader.open())) {
        return;
    }
    std::size_t depth = 0;
    for (const auto& event : walk_all(reader).events) {
        using Kind = PxarEvent::Kind;
        if (event.kind == Kind::entry) {
            TL_ASSERT(event.entry.path.empty() || is_safe_name(event.entry.name()));
            depth += event.entry.kind == FileKind::directory ? 1 : 0;
            paths.push_back(event.entry.path);
        }
        TL_ASSERT(event.kind != Kind::leave || depth-- > 0);
    }
}

void search(PxarInput& input, const std::vector<std::string>& paths) {
    auto reader = input.reader();
    if (!run(reader.open())) {
        return;
    }
    for (const auto& path : paths) {
        const auto route = run(reader.locate(path));
        TL_ASSERT(route.has_value() && !route->places.empty());
        TL_ASSERT(!route->found || route->places.back().entry.path == path);
    }
}

void write_tar(PxarInput& input) {
    auto reader = input.reader();
    if (!run(reader.open())) {
        return;
    }
    CountingSink sink;
    TarExport tar(reader, *PathSelection::make({"deep/**", "a*"}), sink);
    const auto written = run(tar.run());
    TL_ASSERT(!written || sink.bytes % 512 == 0);
    (void)run(plan_fetch(reader, *PathSelection::make({"deep", "*/f"})));
}

}  // namespace

std::vector<Bytes> seeds() {
    return pxar_seeds();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    PxarInput input(data, size);
    std::vector<std::string> paths = {"deep/er/f", "deep/none", "hard"};
    walk(input, paths);
    paths.resize(std::min<std::size_t>(paths.size(), 20));
    search(input, paths);
    write_tar(input);
    input.check_reads(TarExport::kPiece);
    return 0;
}

}  // namespace tapeloft::fuzz
