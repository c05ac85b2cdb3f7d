// A mirror of two stores over a network, one of which dies while the library is written to.
#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "tests/cloud/http/faulty_proxy.h"
#include "tests/cloud/s3/fake_s3.h"
#include "tests/e2e/store_fixture.h"

namespace tapeloft::tests {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

/// How a store dies: nobody listens any more, or nothing comes back.
enum class Death { refuses, is_silent };

struct Outage {
    const char* name;
    Death death;
    std::size_t stores;
    std::size_t required;
    std::size_t dead;
};

class MirrorOutage : public StoreFixture, public testing::WithParamInterface<Outage> {
  protected:
    MirrorOutage() {
        const auto keys = stores_.front().environment();
        for (const auto* const name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
            ::setenv(name, keys(name)->c_str(), 1);
        }
        for (std::size_t i = 0; i < stores_.size(); ++i) {
            const auto endpoint = stores_[i].endpoint();
            const auto port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
            proxies_[i] = std::make_unique<FaultyProxy>(static_cast<unsigned short>(port));
        }
    }

    void start_mirror(std::size_t stores, std::size_t required) {
        std::string urls;
        for (std::size_t i = 0; i < stores; ++i) {
            auto url = stores_[i].url("tests");
            const auto port = url.find("127.0.0.1:") + 10;
            const auto end = url.find_first_not_of("0123456789", port);
            url.replace(port, std::min(end, url.size()) - port,
                        std::to_string(proxies_[i]->port()));
            urls += (urls.empty() ? "\"" : ", \"") + url + "\"";
        }
        start(kCartridges, "",
              "durability = \"cloud\"\nrequired = " + std::to_string(required) + "\nstore = [" +
                  urls + "]\n");
    }
    void die(std::size_t store) {
        if (GetParam().death == Death::refuses) {
            proxies_[store]->take_away();
        } else {
            proxies_[store]->always(WireFault::silence);
        }
    }
    void come_back(std::size_t store) {
        if (GetParam().death == Death::is_silent) {
            proxies_[store]->always(std::nullopt);
            proxies_[store]->take_away();  // what is left of connections ends
        }
        proxies_[store]->bring_back();
    }
    [[nodiscard]] std::string standing(std::size_t store) {
        const auto now = archive();
        return now.is_object() ? now.at("mirror").at(store).at("standing").get<std::string>() : "";
    }

    std::array<FakeS3, 3> stores_;
    std::array<std::unique_ptr<FaultyProxy>, 3> proxies_;
};
INSTANTIATE_TEST_SUITE_P(Outages, MirrorOutage,
                         testing::Values(Outage{"TheFirstOfTwoRefuses", Death::refuses, 2, 1, 0},
                                         Outage{"TheSecondOfTwoRefuses", Death::refuses, 2, 1, 1},
                                         Outage{"TheFirstOfTwoIsSilent", Death::is_silent, 2, 1, 0},
                                         Outage{"TheSecondOfTwoIsSilent", Death::is_silent, 2, 1,
                                                1},
                                         Outage{"OneOfThreeRefuses", Death::refuses, 3, 2, 1},
                                         Outage{"OneOfThreeIsSilent", Death::is_silent, 3, 2, 2}),
                         [](const auto& outage) { return outage.param.name; });

TEST_P(MirrorOutage, WritesGoOnWithTheStoresThatAreEnoughAndTheOtherCatchesUp) {
    const auto [name, death, stores, required, dead] = GetParam();
    start_mirror(stores, required);
    {
        auto host = login();
        mount(host);
        TapeHost drive(host, 1);
        write(drive, 1, 40);
        ASSERT_GOOD(drive.write_filemarks(1));
        ASSERT_TRUE(soon([&, dead = dead] { return standing(dead) == "in step"; }));

        put_away(host);
        ASSERT_GOOD(ChangerHost(host).move_to("TL0002L9", 4, 0));
        ASSERT_TRUE(drive.wait_ready());
        die(dead);
        auto last = steady_clock::now();
        for (std::uint64_t file = 0; file < 3; ++file) {
            write(drive, 1 + 10 * file, 10 + 10 * file);
            ASSERT_GOOD(drive.write_filemarks(1));  // it is in the stores then
            const auto now = steady_clock::now();
            const auto most = file != 0 ? 3 : death == Death::refuses ? 4 : 7;
            EXPECT_LT(now - last, seconds(most)) << "file " << file << "\n" << log();
            last = now;
        }
        EXPECT_EQ(standing(dead), "behind");
        EXPECT_EQ(log().find("The object store cannot be written"), std::string::npos) << log();
        EXPECT_NE(log().find("it catches up when it answers again"), std::string::npos) << log();
        come_back(dead);
        ASSERT_TRUE(soon([&, dead = dead] { return standing(dead) == "in step"; })) << log();
    }
    stop();
}

}  // namespace
}  // namespace tapeloft::tests
