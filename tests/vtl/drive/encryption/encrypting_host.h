// A drive with the commands of a host that sets keys.
#pragma once

#include "tests/vtl/drive/drive_fixture.h"
#include "tests/vtl/drive/encryption/set_data_encryption_list.h"

namespace tapeloft::vtl::drive {

class EncryptingHost : public DriveFixture {
  protected:
    using DriveFixture::DriveFixture;

    static Completion send_out(Host& from, const Bytes& list) {
        const auto length = static_cast<unsigned>(list.size());
        return from.send({0xB5, 0x20, 0x00, 0x10, 0, 0, byte(length, 3), byte(length, 2),
                          byte(length, 1), byte(length, 0), 0, 0},
                         list);
    }
    Completion out(const Bytes& list) { return send_out(host, list); }
    /// The modes for all nexuses, with test_key().
    Completion set(std::uint8_t encryption, std::uint8_t decryption,
                   const Bytes& key = test_key()) {
        return out(set_list(encryption, decryption, key));
    }
    static Completion ask(Host& from, unsigned page, unsigned length = 8196,
                          unsigned protocol = 0x20) {
        return from.send({0xA2, protocol, byte(page, 1), byte(page, 0), 0, 0, byte(length, 3),
                          byte(length, 2), byte(length, 1), byte(length, 0), 0, 0});
    }
    Bytes page(unsigned code) { return bytes_of(ask(host, code)); }
    /// Encryption and decryption mode of the status page, or why there is none.
    static std::string modes(Host& from) {
        const Completion answer = ask(from, 0x20);
        const Bytes status = bytes_of(answer);
        return status.size() < 24 ? outcome(answer)
                                  : std::to_string(status[5]) + std::to_string(status[6]);
    }
    std::string read_outcome(std::size_t length = 100) {
        const Completion got = read(length);
        return outcome(got);
    }
};

}  // namespace tapeloft::vtl::drive
