// pxar archives restored to a directory: nothing outside of it changes. Input: pxar_input.h.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <sys/stat.h>

#include "media/pbs/pxar/restorer.h"

#include "tests/fuzz/pxar_input.h"
#include "tests/media/pbs_pxar/restored_tree.h"
#include "tests/temporary_directory.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;
namespace fs = std::filesystem;

/// A target, and beside it what an archive would like to reach: seeds lead to ../outside.
class Surroundings {
  public:
    Surroundings() {
        fs::create_directory(outside());
        std::ofstream(outside() / "secret") << "secret";
        before_ = state();
    }

    [[nodiscard]] fs::path target() const { return directory_.path() / "out"; }

    void check_and_clear() {
        std::size_t others = 0;
        for (const auto& entry : fs::directory_iterator(directory_.path())) {
            others += entry.path() == target() || entry.path() == outside() ? 0U : 1U;
        }
        TL_ASSERT(others == 0 && state() == before_);
        remove_tree(target());
    }

  private:
    struct State {
        std::vector<std::int64_t> numbers;
        std::string content;
        friend bool operator==(const State&, const State&) = default;
    };

    [[nodiscard]] fs::path outside() const { return directory_.path() / "outside"; }

    [[nodiscard]] State state() const {
        State now;
        for (const auto& path : {outside(), outside() / "secret"}) {
            struct stat status {};
            TL_ASSERT(lstat(path.c_str(), &status) == 0);
            for (const std::int64_t number :
                 {std::int64_t{status.st_mode}, std::int64_t{status.st_uid},
                  std::int64_t{status.st_gid}, static_cast<std::int64_t>(status.st_nlink),
                  std::int64_t{status.st_mtim.tv_sec}, std::int64_t{status.st_mtim.tv_nsec},
                  std::int64_t{status.st_ctim.tv_sec}, std::int64_t{status.st_ctim.tv_nsec}}) {
                now.numbers.push_back(number);
            }
        }
        std::ifstream in(outside() / "secret");
        now.content.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
        return now;
    }

    tests::TemporaryDirectory directory_;
    State before_;
};

}  // namespace

std::vector<Bytes> seeds() {
    return pxar_seeds();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Surroundings surroundings;
    PxarInput input(data, size);
    auto reader = input.reader();
    if (run(reader.open())) {
        Restorer restorer(reader, PathSelection(), surroundings.target());
        (void)run(restorer.run());
        surroundings.check_and_clear();
    }
    input.check_reads(Restorer::kPiece);
    return 0;
}

}  // namespace tapeloft::fuzz
