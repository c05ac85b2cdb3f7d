// A backup in S3: what one file of it costs, and what damage costs.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>

#include "tests/cloud/s3/fake_s3.h"
#include "tests/media/pbs/tape_maker.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSnapshot = "host/web/2024-06-05T07:04:24Z";
constexpr const char* kBarcode = "TL0001L9";
constexpr std::size_t kFileSize = 1'000'000;
constexpr std::uint64_t kSeed = 20'240'605;
constexpr const char* kNoCache = "cache_size = 0\n";  // which would know what is lost

class PbsInS3 : public StoredLibrary {
  protected:
    PbsInS3() {
        const auto keys = server_.environment();
        for (const auto* const name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
            const auto* const value = std::getenv(name);
            kept_[name] = value == nullptr ? "" : value;
            ::setenv(name, keys(name)->c_str(), 1);
        }
    }
    ~PbsInS3() override {
        for (const auto& [name, value] : kept_) {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }
    [[nodiscard]] std::string store() const override { return server_.url("tests"); }

    /// A backup of `folders` folders of ten files of 1 MB, its chunks among as many others.
    void make_backup(int folders, const std::string& more = "") {
        std::mt19937_64 random(kSeed);
        std::vector<media::TestNode> nodes;
        for (int folder = 0; folder < folders; ++folder) {
            std::vector<media::TestNode> files;
            for (int file = 0; file < 10; ++file) {
                auto node = media::file_node("file" + std::to_string(file), "");
                node.content = media::make_data(random, kFileSize);
                contents_["folder" + std::to_string(folder) + "/" + node.name] =
                    std::string(as_text(node.content));
                files.push_back(std::move(node));
            }
            nodes.push_back(
                media::directory_node("folder" + std::to_string(folder), std::move(files)));
        }
        const auto archive =
            media::encode_pxar(media::directory_node("", std::move(nodes))).archive;
        std::vector<media::MadeChunk> real;
        std::vector<media::MadeChunk> all;
        for (std::size_t at = 0; at < archive.size();) {
            const auto size =
                std::min<std::size_t>(archive.size() - at, (1U << 20U) + random() % (3U << 20U));
            const auto begin = archive.begin() + static_cast<std::ptrdiff_t>(at);
            real.push_back(
                media::make_chunk(Bytes(begin, begin + static_cast<std::ptrdiff_t>(size)),
                                  media::MadeEncoding::zstd));
            all.push_back(media::make_chunk(media::make_data(random, size)));
            at += size;
        }
        all.insert(all.end(), real.begin(), real.end());
        std::shuffle(all.begin(), all.end(), random);
        media::TapeMaker tape(kBarcode, 1, media::TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", all);
        tape.snapshot("store", kSnapshot, {media::make_dynamic_index("root.pxar.didx", real)});
        tape.catalog(tape);
        configure(more);
        start();
        log_in();
        load(kBarcode);
        for (const auto& file : tape.tape()->files) {
            for (const auto& record : file.records) {
                const auto written = drive().write(record);
                ASSERT_TRUE(written && written->good());
            }
            const auto mark = drive().write_filemarks(1, true);
            ASSERT_TRUE(mark && mark->good());
        }
        const auto durable = drive().write_filemarks(0);
        ASSERT_TRUE(durable && durable->good());
        move(kBarcode, "slot1");
        wait_until_stored();
        stop();
        lose_all_and_recover();
    }

    struct Cost {
        std::size_t gets = 0;
        std::uint64_t bytes = 0;
    };
    /// Of the requests for packs behind the first `known`.
    [[nodiscard]] Cost cost_since(std::size_t known) const {
        Cost cost;
        const auto requests = server_.requests();
        for (auto i = known; i < requests.size(); ++i) {
            if (requests[i].method != "GET" ||
                requests[i].target.find("/packs/") == std::string::npos) {
                continue;
            }
            ++cost.gets;
            const auto range = requests[i].header("range");
            std::uint64_t first = 0;
            std::uint64_t last = 0;
            if (std::sscanf(range.c_str(), "bytes=%lu-%lu", &first, &last) != 2) {
                ADD_FAILURE() << "a whole pack was fetched";
            }
            cost.bytes += last + 1 - first;
        }
        return cost;
    }

    [[nodiscard]] std::vector<std::string> packs() const {
        std::vector<std::string> keys;
        for (const auto& [key, object] : server_.objects()) {
            if (key.find("/packs/") != std::string::npos && object.body.size() > 8U << 20U) {
                keys.push_back(key);
            }
        }
        return keys;
    }

    /// From now on the server does not have the object.
    void take_away(const std::string& key) {
        server_.set_intercept([name = key.substr(key.rfind('/'))](
                                  const tests::SeenRequest& request) -> std::optional<std::string> {
            if (request.target.find(name) == std::string::npos) {
                return std::nullopt;
            }
            return "HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\n"
                   "Content-Length: 47\r\n\r\n"
                   "<Error><Code>NoSuchKey</Code><Message/></Error>";
        });
    }

    [[nodiscard]] Ended restore_all() const {
        fs::remove_all(path("out"));
        return tapeloft("pbs restore --library=lab " + std::string(kSnapshot) +
                        ":root.pxar --to=" + path("out").string());
    }

    /// Everything but what is damaged is there, and each file that is not was told of.
    void expect_all_but_damaged(const Ended& ended) {
        const auto target = path("out");
        EXPECT_EQ(ended.status, 5) << ended.output;
        std::size_t missing = 0;
        for (const auto& [name, content] : contents_) {
            if (fs::exists(target / name)) {
                EXPECT_EQ(contents(target / name), content) << name;
                continue;
            }
            ++missing;
            // Or the folder it is in, or the root: that there is such a file is lost, too.
            auto at = std::string::npos;
            for (const auto& named : {name, name.substr(0, name.find('/')), std::string(".")}) {
                at = std::min(at, ended.output.find("Not restored: " + named + ": chunk "));
            }
            ASSERT_NE(at, std::string::npos) << name << "\n" << ended.output;
            const auto line = ended.output.substr(at, ended.output.find('\n', at) - at);
            EXPECT_NE(line.find("tape TL0001L9, tape file 2, block "), std::string::npos) << line;
            EXPECT_NE(line.find("pack "), std::string::npos) << line;
        }
        EXPECT_GT(missing, 0U);
        EXPECT_LT(missing, contents_.size());
        const auto verified = tapeloft("pbs verify --library=lab");
        EXPECT_EQ(verified.status, 5) << verified.output;
        for (const auto* const words :
             {"Damaged: store:host/web/2024-06-05T07:04:24Z on tape TL0001L9",
              "root.pxar.didx: chunk ", "tape file 2", "block ",
              "0 of 1 copies of snapshots are sound"}) {
            EXPECT_NE(verified.output.find(words), std::string::npos) << words << "\n"
                                                                      << verified.output;
        }
    }

    tests::FakeS3 server_;
    std::map<std::string, std::string> kept_;
    std::map<std::string, std::string> contents_;  ///< of the files, by path
};

TEST_F(PbsInS3, OneFileOf1MBIsAHandfulOfRangedGets) {
    make_backup(6);
    const auto known = server_.requests().size();
    expect(0,
           "pbs restore --library=lab " + std::string(kSnapshot) +
               ":root.pxar folder3/file7 --to=" + path("out").string(),
           "Restored");
    EXPECT_EQ(contents(path("out") / "folder3/file7"), contents_.at("folder3/file7"));
    const auto cost = cost_since(known);
    EXPECT_LE(cost.gets, 16U);
    EXPECT_LE(cost.bytes, 50'000'000U);
    RecordProperty("gets", static_cast<int>(cost.gets));
    RecordProperty("bytes", static_cast<int>(cost.bytes));
}

// Packs that hold something of the files, and nothing of the index or of the catalog.

TEST_F(PbsInS3, ADamagedPackCostsWhatIsInItAndIsNamed) {
    make_backup(4, kNoCache);
    for (const auto& pack : packs()) {
        const auto whole = server_.objects().at(pack).body;
        auto body = whole;
        for (const auto place : {1U, 2U, 3U, 4U}) {  // half of the chunks belong to no snapshot
            auto& byte = body[body.size() / 5 * place];
            byte = static_cast<char>(byte ^ 1);
        }
        server_.put_object(pack, std::move(body));
        const auto ended = restore_all();
        if (ended.status == 5) {
            expect_all_but_damaged(ended);
            return;
        }
        server_.put_object(pack, whole);
    }
    FAIL() << "no damage was noticed";
}

TEST_F(PbsInS3, APackThatIsGoneCostsWhatWasInItAndIsNamed) {
    make_backup(4, kNoCache);
    for (const auto& pack : packs()) {
        take_away(pack);
        const auto ended = restore_all();
        if (ended.status == 5) {
            expect_all_but_damaged(ended);
            return;
        }
    }
    FAIL() << "nothing was missed";
}

TEST_F(PbsInS3, APersonSeesWhatIsFetchedFromWhereAndHowLongItTakes) {
    make_backup(6);
    const auto command =
        std::string(TAPELOFT_PATH) + " --socket=" + (path("state") / "admin.sock").string() +
        " pbs restore --library=lab " + kSnapshot + ":root.pxar --to=" + path("out").string();
    const auto ended = run("script -qec '" + command + "' /dev/null");  // on a terminal
    EXPECT_EQ(ended.status, 0) << ended.output;
    for (const auto* const words :
         {" chunks with ", " of data are needed:", "  tape TL0001L9: ", "/s, ", " left"}) {
        EXPECT_NE(ended.output.find(words), std::string::npos) << words << "\n" << ended.output;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
