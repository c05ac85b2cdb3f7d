// All that a device says of itself, as text, and its comparison with a file kept beside the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::scsi {

using Sender = std::function<Completion(const Bytes& cdb)>;

/// Parameters that tell of time passed become zero; all else stays.
inline void forget_time(Bytes& page) {
    struct TimeParameter {
        std::uint8_t page;
        std::uint16_t code;
    };
    static constexpr auto kTimes = std::to_array<TimeParameter>({
        {0x0C, 0x8003},  // power on seconds
        {0x14, 0x0002},  // power on hours
        {0x17, 0x0014},  // mount time
        {0x17, 0x0015},  // ready time
    });
    for (std::size_t at = 4; at + 4 <= page.size(); at += 4U + page[at + 3]) {
        const MutableByteView rest = MutableByteView(page).subspan(at);
        for (const TimeParameter& time : kTimes) {
            if (time.page == page[0] && time.code == load_big_endian<2>(rest)) {
                const MutableByteView value = rest.subspan(4, rest[3]);
                std::fill(value.begin(), value.end(), std::uint8_t{0});
            }
        }
    }
}

inline std::string snapshot(const Sender& send) {
    std::ostringstream text;
    const auto show = [&](const std::string& title, const Bytes& cdb, bool log_page = false) {
        const Completion completion = send(cdb);
        Bytes data = bytes_of(completion);
        if (log_page) {
            forget_time(data);
        }
        text << title << ": " << outcome(completion) << "\n";
        constexpr std::size_t kPerLine = 32;
        for (std::size_t at = 0; at < data.size(); at += kPerLine) {
            const ByteView rest = ByteView(data).subspan(at);
            text << "  " << hex(rest.first(std::min(rest.size(), kPerLine))) << "\n";
        }
        return data;
    };
    const auto code = [](std::uint8_t value) { return hex(ByteView(&value, 1)) + "h"; };
    show("INQUIRY", {0x12, 0, 0, 0xFF, 0xFF, 0});
    const Bytes pages = show("VPD 00h", {0x12, 1, 0, 0xFF, 0xFF, 0});
    for (std::size_t i = 5; i < pages.size(); ++i) {
        show("VPD " + code(pages[i]), {0x12, 1, pages[i], 0xFF, 0xFF, 0});
    }
    for (const auto& [name, control] : {std::pair{"current", 0x00}, std::pair{"changeable", 0x40},
                                        std::pair{"default", 0x80}, std::pair{"saved", 0xC0}}) {
        const auto page = static_cast<std::uint8_t>(0x3F | control);
        show(std::string("MODE SENSE ") + name, {0x5A, 0, page, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0});
    }
    const Bytes logs = show("LOG SENSE 00h/FFh", {0x4D, 0, 0x40, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0});
    for (std::size_t i = 4; i + 1 < logs.size(); i += 2) {
        if (logs[i] != 0) {
            const auto page = static_cast<std::uint8_t>(0x40 | logs[i]);
            show("LOG SENSE " + code(logs[i]), {0x4D, 0, page, logs[i + 1], 0, 0, 0, 0xFF, 0xFF, 0},
                 true);
        }
    }
    show("REPORT SUPPORTED OPERATION CODES", {0xA3, 0x0C, 0x80, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0});
    return text.str();
}

/// Compares with <folder>/golden/<name>.txt. TAPELOFT_RENEW_GOLDEN=1 writes it instead.
inline void expect_golden(const std::filesystem::path& folder, const std::string& name,
                          const std::string& found) {
    const auto file = folder / "golden" / (name + ".txt");
    if (std::getenv("TAPELOFT_RENEW_GOLDEN") != nullptr) {
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << found;
    }
    std::ifstream stream(file);
    std::ostringstream kept;
    kept << stream.rdbuf();
    EXPECT_EQ(kept.str(), found) << file << ": if the change is meant, renew the file with "
                                 << "TAPELOFT_RENEW_GOLDEN=1 and look at the difference";
}

}  // namespace tapeloft::vtl::scsi
