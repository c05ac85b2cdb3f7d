// A library of the real programs, with tapes of Proxmox Backup Server in it.
#pragma once

#include <cstdlib>
#include <string>

#include "tests/media/pbs/memory_medium.h"
#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {

/// Of the environment; empty: it is not set.
inline std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

class PbsLibrary : public StoredLibrary {
  protected:
    static std::string barcode(std::size_t number) {
        return "TL000" + std::to_string(number + 1) + "L9";
    }

    void write_tape(const media::MemoryTape& tape, const std::string& barcode) {
        load(barcode);
        for (const auto& file : tape.files) {
            for (const auto& record : file.records) {
                const auto written = drive().write(record);
                ASSERT_TRUE(written && written->good());
            }
            const auto mark = drive().write_filemarks(1, true);
            ASSERT_TRUE(mark && mark->good());
        }
        const auto durable = drive().write_filemarks(0);
        ASSERT_TRUE(durable && durable->good());
        move(barcode, "slot" + barcode.substr(5, 1));
    }

    /// The command, and what it must end with; its standard output.
    [[nodiscard]] std::string output(int status, const std::string& arguments) const {
        const auto file = path("output").string();
        // The comment takes what run() adds.
        expect(status, "pbs " + arguments + " >" + file + " #", "");
        return contents(file);
    }
};

}  // namespace tapeloft::vtl::daemon
