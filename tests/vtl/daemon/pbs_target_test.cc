// Restores into places that take not all of it.
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "media/pbs/store/data_blob.h"

#include "tests/media/pbs/tape_maker.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/vtl/daemon/pbs_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kTarget = "host/web/2024-06-05T07:04:24Z";

class PbsTarget : public PbsLibrary {
  protected:
    /// An image and a file of 70 MiB each, and small ones before and behind them.
    void SetUp() override {
        constexpr std::size_t kPiece = 5UL << 20U;
        constexpr std::size_t kPieces = 14;
        const auto root =
            media::directory_node("", {media::file_node("a", "before"),
                                       media::file_node("big", std::string(kPieces * kPiece, 'f')),
                                       media::file_node("c", "behind")});
        const auto stream = media::encode_pxar(root).archive;
        std::vector<media::MadeChunk> archive;
        for (std::size_t at = 0; at < stream.size(); at += kPiece) {
            const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(at);
            const auto size = std::min(kPiece, stream.size() - at);
            archive.push_back(
                media::make_chunk(Bytes(begin, begin + static_cast<std::ptrdiff_t>(size)),
                                  media::MadeEncoding::zstd));
        }
        const std::vector<media::MadeChunk> image(
            kPieces, media::make_chunk(Bytes(kPiece, 'i'), media::MadeEncoding::zstd));
        const auto small = media::make_chunk(Bytes(5'000, 's'));
        auto all = archive;
        all.push_back(image.front());
        all.push_back(small);
        media::TapeMaker tape(barcode(0), 1, media::TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", all);
        tape.snapshot(
            "store", kTarget,
            {media::make_fixed_index("big.img.fidx", image),
             media::make_dynamic_index("root.pxar.didx", archive),
             media::make_fixed_index("small.img.fidx", {small}),
             media::make_blob_file("vm.conf.blob", media::plain_blob(as_bytes("cores: 1")))});
        tape.catalog(tape);
        configure();
        start();
        log_in();
        write_tape(*tape.tape(), barcode(0));
    }

    [[nodiscard]] std::string restore(const std::string& what, const std::string& to) const {
        return std::string(TAPELOFT_PATH) + " --socket=" + (path("state") / "admin.sock").string() +
               " pbs restore --library=lab " + kTarget + what + " " + to;
    }
    /// No file may be longer than 65 MiB; the memory in which records come is 64.
    [[nodiscard]] static Ended run_with_limit(const std::string& command) {
        return run("sh -c 'ulimit -f 133120; exec " + command + "'");
    }
    [[nodiscard]] std::vector<std::string> names_in(const std::string& folder) const {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(path(folder))) {
            names.push_back(entry.path().filename());
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    static void expect_words(const Ended& ended, const std::string& words) {
        EXPECT_NE(ended.output.find(words), std::string::npos) << words << "\n" << ended.output;
    }
    using Names = std::vector<std::string>;
};

TEST_F(PbsTarget, AFileThatIsTooLargeForTheFileSystemCostsItselfAlone) {
    const auto ended = run_with_limit(restore(":root.pxar", "--to=" + path("out").string()));
    EXPECT_EQ(ended.status, 1) << ended.output;
    expect_words(
        ended, "Left as it is: big: write " + (path("out") / "big").string() + ": File too large");
    EXPECT_EQ(names_in("out"), (Names{"a", "c"}));
    EXPECT_EQ(contents(path("out/c")), "behind");
}

TEST_F(PbsTarget, AnImageThatIsTooLargeForTheFileSystemCostsItselfAlone) {
    const auto ended = run_with_limit(restore("", "--to=" + path("out").string()));
    EXPECT_EQ(ended.status, 1) << ended.output;
    expect_words(ended, "big.img");
    expect_words(ended, "File too large");
    EXPECT_EQ(names_in("out"), (Names{"root.pxar", "small.img", "vm.conf"}));
    EXPECT_EQ(contents(path("out/small.img")), std::string(5'000, 's'));
    EXPECT_EQ(contents(path("out/vm.conf")), "cores: 1");
    EXPECT_EQ(names_in("out/root.pxar"), (Names{"a", "c"}));
}

TEST_F(PbsTarget, AFileWhereAFolderBelongsIsNamedBeforeAnythingIsWritten) {
    fs::create_directory(path("out"));
    std::ofstream(path("out/root.pxar")) << "of a person";
    const auto ended = run(restore("", "--to=" + path("out").string()));
    EXPECT_EQ(ended.status, 1) << ended.output;
    expect_words(ended, path("out/root.pxar").string() + " is no folder; nothing was written");
    EXPECT_EQ(names_in("out"), (Names{"root.pxar"}));
    EXPECT_EQ(contents(path("out/root.pxar")), "of a person");
}

TEST_F(PbsTarget, ATarStreamThatDoesNotArriveIsAFailure) {
    const auto ended = run("( " + restore(":root.pxar", "--as-tar") + " >/dev/full )");
    EXPECT_EQ(ended.status, 1) << ended.output;
    expect_words(ended, "standard output takes no more");
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
