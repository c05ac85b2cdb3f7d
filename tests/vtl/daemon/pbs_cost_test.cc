// A backup in S3: what one file of it costs, and what damage costs. Damage also on a real S3
// server, where there is one (scripts/test-s3).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>

#include "media/pbs/archive_format.h"

#include "vtl/cli/admin_client.h"
#include "vtl/cli/remote_medium.h"

#include "tests/cloud/s3/fake_s3.h"
#include "tests/media/pbs/tape_maker.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/vtl/daemon/pbs_library.h"
#include "tests/vtl/daemon/store_beside.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSnapshot = "host/web/2024-06-05T07:04:24Z";
constexpr const char* kBarcode = "TL0001L9";
constexpr std::size_t kFileSize = 1'000'000;
constexpr std::uint64_t kSeed = 20'240'605;
constexpr const char* kNoCache = "cache_size = 0\n";  // which would know what is lost

class PbsInS3 : public PbsLibrary {
  protected:
    /// url: of a real server; empty: a fake one.
    explicit PbsInS3(std::string url = "") : url_(std::move(url)) {
        if (!url_.empty()) {
            std::random_device random;
            url_.insert(url_.find('?'), "/" + std::to_string(random()) + std::to_string(random()));
            return;
        }
        url_ = server_.url("tests");
        const auto keys = server_.environment();
        for (const auto* const name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
            kept_[name] = variable(name);
            ::setenv(name, keys(name)->c_str(), 1);
        }
    }
    ~PbsInS3() override {
        for (const auto& [name, value] : kept_) {
            ::setenv(name.c_str(), value.c_str(), 1);
        }
    }
    [[nodiscard]] std::string store() const override { return url_; }

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
        chunks_ = all.size();
        media::TapeMaker tape(kBarcode, 1, media::TapeMaker::uuid(9), 0);
        tape.chunk_archive("store", all);
        tape.snapshot("store", kSnapshot, {media::make_dynamic_index("root.pxar.didx", real)});
        tape.catalog(tape);
        configure(more);
        start();
        log_in();
        write_tape(*tape.tape(), kBarcode);
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
            // Or the folder it is in, or the root: that there is such a file is lost, too. Or all
            // of the archive, where root and table of the root are.
            auto at = std::string::npos;
            for (const auto& named : {name, name.substr(0, name.find('/')), std::string("."),
                                      std::string("root.pxar.didx")}) {
                at = std::min(at, ended.output.find("Not restored: " + named + ": chunk "));
            }
            ASSERT_NE(at, std::string::npos) << name << "\n" << ended.output;
            const auto line = ended.output.substr(at, ended.output.find('\n', at) - at);
            EXPECT_NE(line.find("tape TL0001L9, tape file 2, block "), std::string::npos) << line;
            EXPECT_NE(line.find("pack "), std::string::npos) << line;
        }
        EXPECT_GT(missing, 0U);
        if (ended.output.find("Not restored: root.pxar.didx: ") == std::string::npos) {
            EXPECT_LT(missing, contents_.size());
        }
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
    std::string url_;
    std::map<std::string, std::string> kept_;
    std::size_t chunks_ = 0;                       ///< on the tape
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

TEST_F(PbsInS3, TheCutsOfATapeFileAreWhereChunksOfItBegin) {
    make_backup(2);
    cli::RemoteMedium medium(
        std::make_shared<cli::RecordExchange>((path("state") / "admin.sock").string()), "lab",
        kBarcode);
    const auto files = media::run(medium.files()).value();
    const auto cuts = media::run(medium.cuts(2)).value();
    std::size_t entries = 0;
    std::pair<std::uint64_t, std::uint32_t> last{0, 0};
    for (const auto& cut : cuts) {
        ASSERT_LT(cut.record, files.at(2).records);
        const std::pair here{cut.record, cut.offset};
        EXPECT_TRUE(here > last || last == std::pair(std::uint64_t{0}, std::uint32_t{0}));
        last = here;
        const auto record = media::run(medium.read(2, cut.record, 1)).value().at(0);
        ASSERT_LT(cut.offset, record.size());
        const auto magic = ByteView(media::layout::pbs_chunk_entry::kMagic);
        const auto there = record.view().subspan(cut.offset);
        if (there.size() >= magic.size() && std::equal(magic.begin(), magic.end(), there.begin())) {
            ++entries;
        }
    }
    EXPECT_GE(entries, chunks_ * 9 / 10);  // one may stand across two records
    const auto asked = [&](const std::string& parameters) {
        cli::Request request;
        request.path =
            std::string("/v1/cartridges/") + kBarcode + "/cuts?library=lab&" + parameters;
        return cli::ask((path("state") / "admin.sock").string(), request);
    };
    const auto part = asked("file=2&first=20&count=30");
    ASSERT_TRUE(part.done()) << part.message;
    EXPECT_EQ(part.json.at("first"), 20);
    EXPECT_EQ(part.json.at("count"), 30);
    EXPECT_EQ(part.json.at("more"), true);
    auto expected = cli::Json::array();
    for (const auto& cut : cuts) {
        if (cut.record >= 20 && cut.record < 50) {
            expected.push_back({cut.record, cut.offset});
        }
    }
    EXPECT_EQ(part.json.at("cuts"), expected);
    EXPECT_FALSE(expected.empty());
    const auto rest = asked("file=2&first=" + std::to_string(files.at(2).records - 1));
    EXPECT_EQ(rest.json.at("count"), 1);
    EXPECT_EQ(rest.json.at("more"), false);
    for (const auto* const nowhere : {"file=99", "file=2&first=1000000", "file=2&partition=1"}) {
        EXPECT_EQ(asked(nowhere).status, cli::ExitStatus::not_found) << nowhere;
    }
}

/// "Fake", and "RealS3" where a server is given.
std::vector<std::string> servers() {
    std::vector<std::string> names = {"Fake"};
    if (!variable("TAPELOFT_TEST_S3_URL").empty()) {
        names.emplace_back("RealS3");
    }
    return names;
}

/// Packs that hold something of the files, and nothing of the index or of the catalog.
class PbsPacks : public PbsInS3, public testing::WithParamInterface<std::string> {
  protected:
    PbsPacks() : PbsInS3(GetParam() == "RealS3" ? variable("TAPELOFT_TEST_S3_URL") : "") {}
    std::vector<ObjectInfo> packs() {
        std::vector<ObjectInfo> found;
        for (const auto& object : objects_.packs()) {
            if (object.size > 8U << 20U) {
                found.push_back(object);
            }
        }
        return found;
    }
    Buffer content_of(const ObjectInfo& pack) {
        return objects_.wait_for(objects_->get(pack.name, ByteRange{0, pack.size})).value();
    }
    void put(const ObjectInfo& pack, const Buffer& content) {
        ASSERT_TRUE(objects_.wait_for(objects_->put(pack.name, content, PutOptions{})));
    }

    StoreBeside objects_;
};
INSTANTIATE_TEST_SUITE_P(Servers, PbsPacks, testing::ValuesIn(servers()),
                         [](const auto& server) { return server.param; });

TEST_P(PbsPacks, ADamagedOneCostsWhatIsInItAndIsNamed) {
    make_backup(4, kNoCache);
    objects_.open(store());
    for (const auto& pack : packs()) {
        const auto whole = content_of(pack);
        auto damaged = Buffer::copy_of(whole.view());
        for (const auto place : {1U, 2U, 3U, 4U}) {  // half of the chunks belong to no snapshot
            damaged.mutable_view()[damaged.size() / 5 * place] ^= 1U;
        }
        put(pack, damaged);
        const auto known = server_.requests().size();
        const auto ended = restore_all();
        if (ended.status == 5) {
            const auto cost = cost_since(known);
            EXPECT_LE(cost.bytes, 500'000'000U);  // of a tape of 80 MB; 290 were seen
            expect_all_but_damaged(ended);
            return;
        }
        put(pack, whole);
    }
    FAIL() << "no damage was noticed";
}

TEST_P(PbsPacks, OneThatIsGoneCostsWhatWasInItAndIsNamed) {
    make_backup(4, kNoCache);
    objects_.open(store());
    for (const auto& pack : packs()) {
        const auto whole = content_of(pack);
        ASSERT_TRUE(objects_.wait_for(objects_->remove(pack.name)));
        const auto ended = restore_all();
        if (ended.status == 5) {
            expect_all_but_damaged(ended);
            return;
        }
        put(pack, whole);
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
