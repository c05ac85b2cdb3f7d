// A byte stream to PDUs: headers, AHS, padding and digests (RFC 7143, 11.2). Any split of the
// stream is legal. The data segment goes straight to where its owner wants it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/layout.h"

namespace tapeloft::vtl::iscsi {

/// Invariants: nothing is allocated because of what a header says; buffer() is never empty unless
/// the reader waits for place_data() or has failed.
class PduReader {
  public:
    enum class Event : std::uint8_t {
        more,    ///< go on
        header,  ///< header() and additional_header() are valid: call place_data() or
                 ///< discard_data()
        pdu,     ///< the data segment is complete too; data_digest_error() is valid
        failed,  ///< the stream is of no use any more: failure() says why
    };

    explicit PduReader(std::uint32_t data_segment_length_max)
        : data_segment_length_max_(data_segment_length_max) {}

    /// The longest data segment that is accepted, in bytes; from the next header on.
    void set_data_segment_length_max(std::uint32_t length) { data_segment_length_max_ = length; }
    /// From the next header on.
    void set_digests(bool header_digest, bool data_digest) {
        header_digest_ = header_digest;
        data_digest_ = data_digest;
    }

    /// Where the next bytes go; at most as many as it is long.
    [[nodiscard]] MutableByteView buffer() noexcept;
    /// The first n bytes of buffer() are there now; 1 <= n <= buffer().size().
    [[nodiscard]] Event on_received(std::size_t n);

    /// Answers to Event::header. destination: exactly data_segment_length() bytes; it must live
    /// until Event::pdu. They return `pdu` at once if there is no data segment, else `more`.
    [[nodiscard]] Event place_data(MutableByteView destination);
    [[nodiscard]] Event discard_data();

    /// Valid from Event::header until the call after Event::pdu.
    [[nodiscard]] const BasicHeader& header() const noexcept { return header_; }
    [[nodiscard]] ByteView additional_header() const noexcept;
    [[nodiscard]] std::size_t data_segment_length() const noexcept { return data_length_; }
    [[nodiscard]] bool data_digest_error() const noexcept { return data_digest_error_; }
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

  private:
    enum class State : std::uint8_t { basic_header, rest_of_header, placing, data, tail, failed };

    [[nodiscard]] std::size_t first_part_length() const noexcept {
        return kBasicHeaderLength + (header_digest_ ? kDigestLength : 0);
    }
    [[nodiscard]] Event on_header_bytes();
    [[nodiscard]] Event on_whole_header();
    [[nodiscard]] Event begin_data();
    [[nodiscard]] Event on_data_bytes(std::size_t n);
    [[nodiscard]] Event on_tail();
    [[nodiscard]] Event finish_pdu();
    [[nodiscard]] Event fail(std::string why);

    State state_ = State::basic_header;
    bool header_digest_ = false;
    bool data_digest_ = false;
    bool discarding_ = false;
    bool data_digest_error_ = false;
    std::uint32_t data_segment_length_max_;

    // BHS, AHS and header digest stand one behind the other, as on the wire.
    std::array<std::uint8_t, kBasicHeaderLength + kAdditionalHeaderLengthMax + kDigestLength>
        header_bytes_{};
    std::size_t header_received_ = 0;
    std::size_t header_length_ = 0;  ///< BHS, AHS and digest; 0 until the BHS is there
    BasicHeader header_{};

    std::size_t data_length_ = 0;
    std::size_t data_received_ = 0;
    MutableByteView destination_;
    std::array<std::uint8_t, 4096> waste_{};  ///< where discarded data goes
    std::uint32_t data_crc_ = 0;

    std::array<std::uint8_t, 3 + kDigestLength> tail_{};  ///< padding and data digest
    std::size_t tail_length_ = 0;
    std::size_t tail_received_ = 0;
    std::string failure_;
};

}  // namespace tapeloft::vtl::iscsi
