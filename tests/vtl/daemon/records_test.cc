// Records of a cartridge, written by the daemon into memory of its client.
#include <array>
#include <csignal>
#include <cstring>
#include <deque>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cloud/base/descriptor.h"

#include "vtl/cli/remote_medium.h"
#include "vtl/daemon/client_memory.h"

#include "tests/vtl/daemon/pbs_library.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::size_t kPage = 4096;

Descriptor memory_of(std::size_t size, int seals = F_SEAL_SHRINK, unsigned flags = 0) {
    Descriptor memory(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags));
    EXPECT_EQ(::ftruncate(memory.get(), static_cast<off_t>(size)), 0);
    EXPECT_EQ(::fcntl(memory.get(), F_ADD_SEALS, seals), 0);
    return memory;
}

/// What stands in it.
Bytes content_of(const Descriptor& memory, std::size_t at, std::size_t size) {
    Bytes bytes(size);
    EXPECT_EQ(::pread(memory.get(), bytes.data(), size, static_cast<off_t>(at)),
              static_cast<ssize_t>(size));
    return bytes;
}

/// A client of its own make, which brings descriptors along.
class Client {
  public:
    Client(const std::string& socket, const std::vector<int>& descriptors)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), descriptors_(descriptors) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket.c_str(), socket.size());
        // The address of every family is passed as one of no family.
        EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address),  // NOLINT
                            sizeof address),
                  0);
    }

    /// The whole answer; empty: the connection ended without one.
    std::string ask(const std::string& target) {
        send(target);
        std::string answer;
        std::array<char, kPage> piece{};
        // Every answer here is JSON that ends with a line feed.
        while (answer.empty() || answer.back() != '\n' ||
               answer.find("\r\n\r\n{") == std::string::npos) {
            const auto size = ::recv(socket_.get(), piece.data(), piece.size(), 0);
            if (size <= 0) {
                break;
            }
            answer.append(piece.data(), static_cast<std::size_t>(size));
        }
        return answer;
    }
    /// And whoever wants does not wait for the answer.
    void send(const std::string& target) {
        auto text = "GET /v1/cartridges/TL0001L9/records?" + target +
                    " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        iovec place{text.data(), text.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(8 * sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &place;
        message.msg_iovlen = 1;
        if (!descriptors_.empty()) {
            const auto size = descriptors_.size() * sizeof(int);
            message.msg_control = control.data();
            message.msg_controllen = CMSG_SPACE(size);
            auto* const header = CMSG_FIRSTHDR(&message);
            header->cmsg_level = SOL_SOCKET;
            header->cmsg_type = SCM_RIGHTS;
            header->cmsg_len = CMSG_LEN(size);
            std::memcpy(CMSG_DATA(header), descriptors_.data(), size);
        }
        EXPECT_EQ(::sendmsg(socket_.get(), &message, MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
        descriptors_.clear();
    }
    void expect(const std::string& target, const std::string& status, const std::string& words) {
        const auto answer = ask(target);
        EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 " + status) << target << "\n" << answer;
        EXPECT_NE(answer.find(words), std::string::npos) << target << "\n" << answer;
    }

  private:
    Descriptor socket_;
    std::vector<int> descriptors_;
};

Bytes pattern(std::size_t size, std::size_t number) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251 + number * 97);
    }
    return bytes;
}

class Records : public PbsLibrary {
  protected:
    /// One tape file with records of these lengths.
    void write(const std::vector<std::size_t>& lengths) {
        configure();
        start();
        log_in();
        media::MemoryTape tape;
        tape.files.emplace_back();
        for (std::size_t i = 0; i < lengths.size(); ++i) {
            tape.files.back().records.push_back(pattern(lengths[i], i));
        }
        tape.files.back().has_filemark = true;
        write_tape(tape, barcode(0));
    }
    [[nodiscard]] std::string socket() const { return (path("state") / "admin.sock").string(); }
    [[nodiscard]] std::unique_ptr<cli::RemoteMedium> medium() const {
        return std::make_unique<cli::RemoteMedium>(std::make_shared<cli::RecordExchange>(socket()),
                                                   "lab", barcode(0));
    }
};

TEST_F(Records, TheyComeWhateverTheirLength) {
    const std::vector<std::size_t> lengths = {1, 262'144, 300'000, 8U << 20U, 17, 262'144, 5'000};
    write(lengths);
    const auto medium_here = medium();
    for (std::size_t first = 0; first < lengths.size(); ++first) {
        const auto records = media::run(medium_here->read(0, first, 3)).value();
        ASSERT_GE(records.size(), 1U);
        for (std::size_t i = 0; i < records.size(); ++i) {
            const auto expected = pattern(lengths[first + i], first + i);
            EXPECT_TRUE(std::equal(expected.begin(), expected.end(), records[i].view().begin(),
                                   records[i].view().end()))
                << first + i;
        }
    }
    const auto behind = media::run(medium_here->read(0, lengths.size(), 1));
    ASSERT_FALSE(behind);
    EXPECT_EQ(behind.error().code, Errc::not_found) << behind.error().message;
}

TEST_F(Records, ThoseInUseStayAsTheyAreHoweverManyCome) {
    const std::vector<std::size_t> lengths(40, 262'144);
    write(lengths);
    const auto medium_here = medium();
    std::deque<std::vector<Buffer>> kept;
    for (std::size_t first = 0; first + 4 <= lengths.size(); first += 4) {
        medium_here->will_read(0, first, 4);
        kept.push_back(media::run(medium_here->read(0, first, 4)).value());
        ASSERT_EQ(kept.back().size(), 4U);
    }
    ASSERT_GT(kept.size(), 2 * cli::RecordExchange::kSlots);
    std::size_t number = 0;
    for (const auto& records : kept) {
        for (const auto& record : records) {
            const auto expected = pattern(lengths[number], number);
            EXPECT_TRUE(std::equal(expected.begin(), expected.end(), record.view().begin(),
                                   record.view().end()))
                << number;
            ++number;
        }
    }
}

TEST_F(Records, ADaemonThatWasStartedAgainIsAskedAgain) {
    write({262'144, 262'144});
    const auto medium_here = medium();
    const auto kept = media::run(medium_here->read(0, 0, 1)).value();
    log_out();
    stop();
    const auto away = media::run(medium_here->read(0, 0, 1));
    ASSERT_FALSE(away);
    EXPECT_EQ(away.error().code, Errc::transient) << away.error().message;
    start();
    const auto again = media::run(medium_here->read(0, 1, 1));
    ASSERT_TRUE(again) << again.error().message;
    const auto expected = pattern(262'144, 1);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), again->at(0).view().begin()));
    const auto before = pattern(262'144, 0);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), kept.at(0).view().begin()));
}

TEST_F(Records, WhereThereIsNoMemoryForThemNothingIsSaidOfTheTape) {
    write({262'144});
    const auto medium_here = medium();
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit little = {32U << 20U, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
    const auto none = media::run(medium_here->read(0, 0, 1));
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    static_cast<void>(std::signal(SIGXFSZ, handler));
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, Errc::no_space);
    EXPECT_NE(none.error().message.find("memory for records"), std::string::npos);
    EXPECT_TRUE(media::run(medium_here->read(0, 0, 1)).has_value());
}

TEST_F(Records, TheyAreWrittenToMemoryAndOnlyWhereThereIsRoom) {
    write({262'144, 262'144});
    Client none(socket(), {});
    none.expect("file=0&room=4096", "400", "none came");
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    const Descriptor reader(pipe[0]);
    const Descriptor writer(pipe[1]);

    const auto memory = memory_of(100 * kPage);
    Client client(socket(), {memory.get(), writer.get()});
    client.expect("file=0&count=1&at=0&room=409600", "200", "\"lengths\"");
    for (const auto* const bad :
         {"file=0&room=0", "file=0", "file=0&at=409600&room=1", "file=0&at=4096&room=409600",
          "file=0&room=99999999999", "file=0&at=18446744073709551615&room=2"}) {
        client.expect(bad, "400", "no room");
    }
    client.expect("file=0&room=x", "400", "number");
    client.expect("file=0&room=262143", "400", "262144 bytes");
    client.expect("file=0&first=2&room=409600", "404", "record");
    EXPECT_EQ(content_of(memory, 0, 262'144), pattern(262'144, 0));
    EXPECT_EQ(content_of(memory, 262'144, 100 * kPage - 262'144), Bytes(100 * kPage - 262'144, 0));
    client.expect("file=0&first=1&at=4097&room=300000", "200", "\"lengths\"");
    EXPECT_EQ(content_of(memory, 4097, 262'144), pattern(262'144, 1));
    EXPECT_EQ(content_of(memory, 0, 4097), [] {
        auto kept = pattern(262'144, 0);
        kept.resize(4097);
        return kept;
    }());
}

TEST_F(Records, OnlyMemoryThatCannotGoAwayIsTaken) {
    write({262'144});
    const auto refused = [this](const Descriptor& memory, const char* status, const char* words) {
        ASSERT_TRUE(memory.is_open());
        Client client(socket(), {memory.get()});
        client.expect("file=0&room=262144", status, words);
    };
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    const Descriptor reader(pipe[0]);
    const Descriptor writer(pipe[1]);
    refused(writer, "400", "not memory");
    // The folder of the tests may be memory itself (tmpfs); that has seals, but none that are
    // wanted.
    const Descriptor file(::open((path("file")).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::ftruncate(file.get(), 100 * kPage), 0);
    refused(file, "400", "memory");
    const Descriptor unsealed(::memfd_create("test", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(unsealed.get(), 100 * kPage), 0);
    refused(unsealed, "400", "F_SEAL_SHRINK");
    refused(memory_of(100 * kPage, F_SEAL_GROW), "400", "F_SEAL_SHRINK");
    refused(memory_of(0), "400", "0 bytes");
    refused(memory_of(ClientMemory::kSizeMax + 1), "400", "bytes");
    refused(memory_of(100 * kPage, F_SEAL_SHRINK | F_SEAL_WRITE), "400", "against writing");
    refused(memory_of(100 * kPage, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE), "400", "before");
    refused(memory_of(100 * kPage, F_SEAL_SHRINK | F_SEAL_SEAL), "400", "more seals");
    // Huge pages of their own may run out; where there are none, it can be made all the same.
    const Descriptor huge(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB));
    if (huge.is_open() && ::ftruncate(huge.get(), 4 << 20U) == 0) {
        ASSERT_EQ(::fcntl(huge.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
        refused(huge, "400", "not memory");
    }
    expect(0, "status", "");
}

TEST_F(Records, MemoryThatIsInUseStaysWhatItIs) {
    write({262'144, 262'144});
    const auto memory = memory_of(100 * kPage);
    // As whoever sends it has to: nobody can map it any more once it was sent.
    auto* const mapped =
        ::mmap(nullptr, 100 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
    ASSERT_NE(mapped, MAP_FAILED);  // NOLINT: as mmap(2) has it
    Client client(socket(), {memory.get()});
    client.expect("file=0&count=1&room=409600", "200", "\"lengths\"");
    EXPECT_EQ(::ftruncate(memory.get(), 0), -1);
    EXPECT_EQ(::fallocate(memory.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kPage), -1);
    EXPECT_EQ(::madvise(mapped, kPage, MADV_REMOVE), -1);
    EXPECT_EQ(::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_WRITE), -1);
    // What became longer is not what was mapped.
    ASSERT_EQ(::ftruncate(memory.get(), 200 * kPage), 0);
    client.expect("file=0&at=409600&room=262144", "400", "no room");
    Client another(socket(), {memory.get()});
    another.expect("file=0&room=262144", "400", "another connection before");
    // Its owner may still write to it, and the daemon, too.
    std::memset(mapped, 0, 100 * kPage);
    client.expect("file=0&first=1&room=409600", "200", "\"lengths\"");
    EXPECT_EQ(content_of(memory, 0, 262'144), pattern(262'144, 1));
    ::munmap(mapped, 100 * kPage);
}

TEST_F(Records, ClientsThatGoAwayTakeNothingWithThem) {
    const std::vector<std::size_t> lengths(8, 8U << 20U);
    write(lengths);
    for (int round = 0; round < 8; ++round) {
        const auto memory = memory_of(ClientMemory::kSizeMax);
        Client client(socket(), {memory.get()});
        client.send("file=0&room=67108864");
    }
    // Those before had no patience, and the cartridge may be lent to one of them yet.
    const auto memory = memory_of(ClientMemory::kSizeMax);
    Client client(socket(), {memory.get()});
    std::string answer;
    while (answer.find("\"lengths\"") == std::string::npos) {
        answer = client.ask("file=0&room=67108864");
        ASSERT_TRUE(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 409"))
            << answer;
    }
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        EXPECT_EQ(content_of(memory, i * lengths[i], lengths[i]), pattern(lengths[i], i)) << i;
    }
}

TEST_F(Records, TwoConnectionsHaveEachItsOwnMemory) {
    write({262'144, 262'144});
    const auto one = memory_of(100 * kPage);
    const auto other = memory_of(100 * kPage);
    Client first(socket(), {one.get()});
    Client second(socket(), {other.get()});
    first.expect("file=0&count=1&room=262144", "200", "\"lengths\"");
    second.expect("file=0&first=1&room=262144", "200", "\"lengths\"");
    EXPECT_EQ(content_of(one, 0, 262'144), pattern(262'144, 0));
    EXPECT_EQ(content_of(other, 0, 262'144), pattern(262'144, 1));
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
