// Reads the answers of a drive as strictly as Proxmox Backup Server 3.2 does, and sends what it
// sends.
#pragma once

#include <map>

#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {

class PbsClient {
  public:
    static constexpr std::uint32_t kBlock = 262144;
    enum class Got : std::uint8_t { block, filemark, end_of_data, error };
    enum class Put : std::uint8_t { good, early_warning, error };

    explicit PbsClient(Host& host) : host_(host) {}

    /// TUR until ready, then MODE SENSE and MODE SELECT of the compression page.
    bool open() {
        const Bytes inquiry = bytes_of(host_.send({0x12, 0, 0, 0, 0x24, 0}));
        if (inquiry.size() != 36 || (inquiry[0] & 0x1FU) != 0x01) {
            return false;
        }
        if (!good({0x00, 0, 0, 0, 0, 0})) {
            good({0x1B, 0, 0, 0, 1, 0});
            if (!good({0x00, 0, 0, 0, 0, 0})) {
                return false;
            }
        }
        Bytes page = mode_page(0x0F);
        if (page.size() != 32 || page[17] != 0x0E) {
            return false;
        }
        page[0] = page[1] = 0;
        page[3] = static_cast<std::uint8_t>((page[3] & 0x8FU) | 0x10U);
        page[13] = page[14] = page[15] = 0;
        page[18] = static_cast<std::uint8_t>(page[18] | 0x80U);
        return outcome(host_.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 32, 0}, page)) == "GOOD";
    }

    Bytes mode_page(unsigned code) {
        Bytes data = bytes_of(host_.send({0x5A, 0, code, 0, 0, 0, 0, 0x10, 0, 0}));
        const bool sound = data.size() >= 18 && data.size() == load_big_endian<2>(data) + 2 &&
                           load_big_endian<2>(ByteView(data).subspan(6)) == 8 &&
                           (data[16] & 0x3FU) == code;
        return sound ? data : Bytes();
    }

    Got read(std::uint32_t length = kBlock) {
        const Completion got = host_.send(
            {0x08, 0x02, (length >> 16U) & 0xFFU, (length >> 8U) & 0xFFU, length & 0xFFU, 0});
        if (outcome(got) == "GOOD") {
            last = bytes_of(got);
            return last.size() == length ? Got::block : Got::error;
        }
        if (outcome(got) == "00/00/01") {
            return Got::filemark;
        }
        return outcome(got) == "08/00/05" ? Got::end_of_data : Got::error;
    }
    Put write(unsigned seed) { return put(host_.send({0x0A, 0, 4, 0, 0, 0}, block(seed))); }
    Put mark() { return put(host_.send({0x10, 1, 0, 0, 1, 0})); }
    Put sync() { return put(host_.send({0x10, 0, 0, 0, 0, 0})); }
    bool rewind() { return good({0x01, 0, 0, 0, 0, 0}); }
    bool forward_mark() { return good({0x11, 1, 0, 0, 1, 0}); }
    bool end_of_data() { return good({0x11, 3, 0, 0, 0, 0}); }
    std::string block_back() { return outcome(host_.send({0x11, 0, 0xFF, 0xFF, 0xFF, 0})); }

    struct Position {
        std::uint64_t object = 0;
        std::uint64_t file = 0;
    };
    std::optional<Position> position() {
        const Bytes data = bytes_of(host_.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}));
        if (data.size() != 32 || load_big_endian<4>(ByteView(data).subspan(4)) != 0) {
            return {};
        }
        return Position{load_big_endian<8>(ByteView(data).subspan(8)),
                        load_big_endian<8>(ByteView(data).subspan(16))};
    }

    /// File n by LOCATE(16) to file n - 1 and one mark forward, with the correction of PBS.
    bool move_to_file(std::uint64_t file) {
        if (!rewind()) {
            return false;
        }
        if (file < 2) {
            return file == 0 || forward_mark();
        }
        std::uint64_t argument = file - 1;
        for (int attempt = 0; attempt < 2; ++attempt) {
            const auto low = static_cast<unsigned>(argument);
            if (!good({0x92, 8, 0, 0, 0, 0, 0, 0, 0, 0, (low >> 8U) & 0xFFU, low & 0xFFU}) ||
                !forward_mark()) {
                return false;
            }
            const auto now = position();
            if (now && now->file == file) {
                return true;
            }
            argument = file + (file - now->file) - 1;
        }
        return false;
    }

    /// The check before an append. False: it would fail the job.
    bool check_end_of_media() {
        if (!end_of_data()) {
            return false;
        }
        const auto now = position();
        if (!now || now->object == 0) {
            return now.has_value();
        }
        const std::string back = block_back();
        if (back == "00/00/01") {
            return forward_mark();
        }
        return back == "GOOD" && good({0x11, 0, 0, 0, 1, 0}) && good({0x10, 0, 0, 0, 1, 0});
    }

    /// LOG SENSE as PBS frames it: page length exact, SPF 0, parameters by code.
    std::optional<std::map<std::uint16_t, Bytes>> log_page(unsigned code) {
        const Bytes data = bytes_of(host_.send({0x4D, 0, 0x40U | code, 0, 0, 0, 0, 0x20, 0, 0}));
        if (data.size() < 4 || (data[0] & 0x7FU) != code || data[1] != 0 ||
            load_big_endian<2>(ByteView(data).subspan(2)) + 4 > data.size()) {
            return {};
        }
        std::map<std::uint16_t, Bytes> parameters;
        for (std::size_t at = 4; at < data.size();) {
            const ByteView header = ByteView(data).subspan(at, 4);
            const ByteView value = ByteView(data).subspan(at + 4, header[3]);
            parameters[static_cast<std::uint16_t>(load_big_endian<2>(header))] =
                Bytes(value.begin(), value.end());
            at += 4U + header[3];
        }
        return parameters;
    }

    static Bytes block(unsigned seed) {
        Bytes bytes(kBlock, static_cast<std::uint8_t>(seed));
        store_big_endian<4>(bytes, seed);
        return bytes;
    }

    Bytes last;  // the last block read

  private:
    bool good(std::initializer_list<unsigned> cdb) { return outcome(host_.send(cdb)) == "GOOD"; }
    static Put put(const Completion& completion) {
        if (outcome(completion) == "GOOD") {
            return Put::good;
        }
        return outcome(completion) == "00/00/02" ? Put::early_warning : Put::error;
    }

    Host& host_;
};

}  // namespace tapeloft::vtl::drive
