// Looks for a key in all memory of the process that may be written.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "tests/vtl/drive/encryption/encrypting_host.h"

namespace tapeloft::vtl::drive {
namespace {

constexpr std::uint8_t kMask = 0x5C;
constexpr std::size_t kKeyLength = 32;

/// The key, masked: nothing in the test itself holds it in clear.
class MaskedKey {
  public:
    MaskedKey() {
        const int source = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
        EXPECT_EQ(::read(source, masked_.data(), masked_.size()),
                  static_cast<ssize_t>(masked_.size()));
        close(source);
    }
    void put(MutableByteView out) const {
        for (std::size_t i = 0; i < kKeyLength; ++i) {
            out[i] = masked_[i] ^ kMask;
        }
    }
    /// How often it begins in the first `length_max` bytes.
    [[nodiscard]] std::size_t count_in(ByteView bytes, std::size_t length_max) const {
        const std::size_t starts =
            bytes.size() < kKeyLength ? 0 : std::min(length_max, bytes.size() - kKeyLength + 1);
        std::size_t found = 0;
        for (std::size_t at = 0; at < starts; ++at) {
            const void* const next =
                std::memchr(bytes.data() + at, masked_[0] ^ kMask, starts - at);
            if (next == nullptr) {
                break;
            }
            at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(next) - bytes.data());
            found += begins(bytes.subspan(at)) ? 1U : 0U;
        }
        return found;
    }

  private:
    [[nodiscard]] bool begins(ByteView bytes) const {
        for (std::size_t i = 0; i < kKeyLength; ++i) {
            if ((bytes[i] ^ kMask) != masked_[i]) {
                return false;
            }
        }
        return true;
    }

    std::array<std::uint8_t, kKeyLength> masked_{};
};

/// How often the key stands in memory. Regions of more than 256 MiB are those of the sanitizers.
std::size_t count_in_memory(const MaskedKey& key) {
    constexpr std::size_t kChunk = 1024 * 1024;
    constexpr std::uint64_t kRegionMax = 256ULL * 1024 * 1024;
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    EXPECT_GE(memory, 0);
    static std::array<std::uint8_t, kChunk + kKeyLength> window;  // scanned by itself as well
    std::ifstream maps("/proc/self/maps");
    std::size_t found = 0;
    for (std::string line; std::getline(maps, line);) {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        std::array<char, 5> rights{};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights.data()) != 3 ||
            rights[1] != 'w' || end - begin > kRegionMax) {
            continue;
        }
        const auto window_begin = reinterpret_cast<std::uintptr_t>(window.data());
        if (begin <= window_begin && window_begin < end) {
            continue;  // what was read before is there
        }
        for (std::uint64_t at = begin; at < end; at += kChunk) {
            const std::size_t length = std::min<std::uint64_t>(window.size(), end - at);
            const ssize_t got = pread(memory, window.data(), length, static_cast<off_t>(at));
            if (got > 0) {
                found += key.count_in({window.data(), static_cast<std::size_t>(got)}, kChunk);
            }
        }
    }
    close(memory);
    window.fill(0);
    return found;
}

class KeyInMemory : public EncryptingHost {
  protected:
    void SetUp() override { load(); }

    /// Sends the key from a buffer that only the task holds.
    std::string set_masked(std::uint8_t encryption, std::uint8_t decryption) {
        Task task = task_of(host);
        const Bytes start = set_list(encryption, decryption, Bytes(kKeyLength));
        task.data_out = Buffer::copy_of(start);
        key.put(task.data_out.mutable_view().subspan(20));
        return outcome(scsi::finish(io, strand, drive.execute(std::move(task))));
    }
    static scsi::Task task_of(const Host& from) {
        scsi::Task task;
        task.it_nexus = from.id();
        task.tag = 4711;
        task.cdb = {0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0};
        return task;
    }
    using Task = scsi::Task;

    const MaskedKey key;
};

TEST_F(KeyInMemory, IsThereOnceWhileItServesAndNowhereWhenItIsCleared) {
    Buffer planted = Buffer::zeroed(100);
    key.put(planted.mutable_view().subspan(7));
    ASSERT_EQ(count_in_memory(key), 1U) << "the search works";
    wipe(planted.mutable_view());
    ASSERT_EQ(count_in_memory(key), 0U);
    EXPECT_EQ(set_masked(2, 3), "GOOD");
    write(1000);
    rewind();
    EXPECT_EQ(outcome(read(1000)), "GOOD");
    EXPECT_EQ(count_in_memory(key), 1U) << "in its SecretKey alone, not in the parameter list";
    out(clear_list());
    EXPECT_EQ(count_in_memory(key), 0U);
}

TEST_F(KeyInMemory, IsNowhereAfterARefusedPageAResetOrTheNextKey) {
    EXPECT_EQ(set_masked(2, 1), "05/26/00");
    EXPECT_EQ(count_in_memory(key), 0U);
    EXPECT_EQ(set_masked(2, 3), "GOOD");
    set(2, 3);
    EXPECT_EQ(count_in_memory(key), 0U);
    EXPECT_EQ(set_masked(2, 3), "GOOD");
    scsi::finish(io, strand, scsi::then_true(drive.reset()));
    EXPECT_EQ(count_in_memory(key), 0U);
}

}  // namespace
}  // namespace tapeloft::vtl::drive
