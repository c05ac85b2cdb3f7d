// The daemon, or the store that it reads from, goes away while a command reads tapes of PBS.
#include <array>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"

#include "media/pbs/store/data_blob.h"

#include "tests/media/pbs/tape_maker.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"
#include "tests/vtl/daemon/pbs_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;
using media::TapeMaker;

enum class Away { store, daemon };

/// Stands before the daemon's socket. Behind so many requests nothing is to be had any more.
class Door {
  public:
    Door(const fs::path& socket, fs::path daemon)
        : daemon_(std::move(daemon)), listening_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = address_of(socket);
        TL_ASSERT(::bind(listening_.get(), as_any(address), sizeof address) == 0 &&
                  ::listen(listening_.get(), 16) == 0);
        accepting_ = std::thread([this] { accept_all(); });
    }
    Door(const Door&) = delete;
    Door& operator=(const Door&) = delete;
    ~Door() {
        ::shutdown(listening_.get(), SHUT_RDWR);
        accepting_.join();
        for (auto& serving : serving_) {
            serving.join();
        }
    }

    void close_behind(std::size_t requests, Away away) {
        left_ = static_cast<long>(requests);
        refused_ = 0;
        away_ = away;
    }
    [[nodiscard]] std::size_t refused() const noexcept { return refused_; }

  private:
    static sockaddr_un address_of(const fs::path& socket) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        TL_ASSERT(socket.native().size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
        return address;
    }
    static const sockaddr* as_any(const sockaddr_un& address) {
        // The address of every family is passed as one of no family.
        return reinterpret_cast<const sockaddr*>(&address);  // NOLINT
    }

    void accept_all() {
        while (true) {
            Descriptor client(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (!client.is_open()) {
                return;
            }
            serving_.emplace_back(
                [this, held = std::make_shared<Descriptor>(std::move(client))] { serve(*held); });
        }
    }

    void serve(const Descriptor& client) {
        const Descriptor daemon(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = address_of(daemon_);
        TL_ASSERT(::connect(daemon.get(), as_any(address), sizeof address) == 0);
        std::array<pollfd, 2> both = {pollfd{client.get(), POLLIN, 0},
                                      pollfd{daemon.get(), POLLIN, 0}};
        bool open = true;
        while (open) {
            TL_ASSERT(::poll(both.data(), both.size(), -1) > 0);
            if (both[0].revents != 0) {
                open = pass(client, daemon, true);
            }
            if (open && both[1].revents != 0) {
                open = pass(daemon, client, false);
            }
        }
    }

    /// Bytes, and descriptors that come along. False: no more comes.
    bool pass(const Descriptor& from, const Descriptor& to, bool is_request) {
        std::array<char, 65536> bytes{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        iovec place{bytes.data(), bytes.size()};
        msghdr message{};
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto size = ::recvmsg(from.get(), &message, MSG_CMSG_CLOEXEC);
        if (size <= 0) {
            return false;
        }
        Descriptor along;
        if (const auto* const header = CMSG_FIRSTHDR(&message); header != nullptr) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header), sizeof number);
            along = Descriptor(number);
        }
        if (is_request && left_-- <= 0) {
            ++refused_;
            const std::string body =
                R"({"error": {"code": "transient", "message": "the store is away"}})";
            const auto answer = "HTTP/1.1 503 x\r\nConnection: close\r\nContent-Length: " +
                                std::to_string(body.size()) + "\r\n\r\n" + body;
            if (away_ == Away::store) {
                ::send(from.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
            }
            return false;
        }
        place.iov_len = static_cast<std::size_t>(size);
        for (bool first = true; place.iov_len > 0; first = false) {
            message.msg_control = first && along.is_open() ? control.data() : nullptr;
            message.msg_controllen = first && along.is_open() ? control.size() : 0;
            const auto sent = ::sendmsg(to.get(), &message, MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            place.iov_base = static_cast<char*>(place.iov_base) + sent;
            place.iov_len -= static_cast<std::size_t>(sent);
        }
        return true;
    }

    const fs::path daemon_;
    const Descriptor listening_;
    std::atomic<long> left_ = 0;
    std::atomic<std::size_t> refused_ = 0;
    std::atomic<Away> away_ = Away::store;
    std::thread accepting_;
    std::vector<std::thread> serving_;
};

class PbsAway : public PbsLibrary {
  protected:
    /// Two copies of a snapshot, each on a tape of its own.
    void SetUp() override {
        const auto root = media::directory_node(
            "", {media::file_node("a", "first"),
                 media::directory_node("sub", {media::file_node("b", "below")})});
        const auto archive = media::make_chunk(media::encode_pxar(root).archive);
        const auto image = media::make_chunk(Bytes(300'000, 'i'));
        configure();
        start();
        log_in();
        for (const unsigned number : {0U, 1U}) {
            const auto uuid = static_cast<std::uint8_t>(number + 1);
            TapeMaker tape(barcode(number), uuid,
                           TapeMaker::uuid(static_cast<std::uint8_t>(uuid + 7)), 0);
            tape.chunk_archive("store", {archive, image});
            tape.snapshot(
                "store", kSnapshot,
                {media::make_dynamic_index("root.pxar.didx", {archive}),
                 media::make_fixed_index("drive.img.fidx", {image}),
                 media::make_blob_file("vm.conf.blob", media::plain_blob(as_bytes("cores: 1")))});
            tape.catalog(tape);
            write_tape(*tape.tape(), barcode(number));
        }
        door_ = std::make_unique<Door>(path("door.sock"), path("state") / "admin.sock");
    }
    void TearDown() override { door_.reset(); }

    [[nodiscard]] Ended through_door(const std::string& arguments) const {
        return run(std::string(TAPELOFT_PATH) + " --socket=" + path("door.sock").string() +
                   " pbs " + arguments);
    }

    /// Wherever in its course nothing answers any more, the command says so with its exit status.
    void expect_unreachable(const std::string& arguments, Away away = Away::store) {
        door_->close_behind(1'000'000, away);
        const auto whole = through_door(arguments);
        ASSERT_EQ(whole.status, 0) << whole.output;
        for (std::size_t answered = 0;; ++answered) {
            SCOPED_TRACE(arguments + ": behind request " + std::to_string(answered));
            fs::remove_all(path("out"));
            door_->close_behind(answered, away);
            const auto ended = through_door(arguments);
            if (door_->refused() == 0) {
                EXPECT_EQ(ended.status, 0) << ended.output;
                EXPECT_GT(answered, 4U) << "nothing was asked";
                break;
            }
            // What was only fetched ahead may fail.
            if (ended.status != 0 || ended.output != whole.output) {
                EXPECT_EQ(ended.status, 3) << ended.output;
                const auto* const words = away == Away::store ? "is away" : "daemon";
                EXPECT_NE(ended.output.find(words), std::string::npos) << ended.output;
            }
        }
    }

    static constexpr const char* kSnapshot = "host/web/2024-06-05T07:04:24Z";
    std::unique_ptr<Door> door_;
};

TEST_F(PbsAway, AScanSaysThatNothingAnswersAnyMore) {
    expect_unreachable("scan --library=lab");
}

TEST_F(PbsAway, AVerificationSaysThatNothingAnswersAnyMore) {
    expect_unreachable("verify --library=lab");
}

TEST_F(PbsAway, AListSaysThatNothingAnswersAnyMore) {
    expect_unreachable(std::string("list --library=lab --recursive ") + kSnapshot + ":root.pxar");
}

TEST_F(PbsAway, ASearchSaysThatNothingAnswersAnyMore) {
    expect_unreachable("find --library=lab --name='*'");
    expect_unreachable("find --library=lab --name='*'", Away::daemon);
}

TEST_F(PbsAway, ARestoreSaysThatNothingAnswersAnyMore) {
    const std::string restore = std::string("restore --library=lab ") + kSnapshot;
    expect_unreachable(restore + " --to=" + path("out").string());
    fs::remove_all(path("out"));
    expect_unreachable(restore + ":root.pxar sub --to=" + path("out").string());
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
