// Cartridges copied from one library of a daemon to another.
#include <algorithm>
#include <cstdio>

#include "tests/vtl/daemon/stored_library.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace fs = std::filesystem;

class Copy : public StoredLibrary {
  protected:
    void begin(std::size_t count) {
        configure("", "[[library]]\nname = \"vault\"\nslots = 1\n");
        start();
        log_in();
        load("TL0002L9");
        write_file(count, 1);
        write_file(2, 2);
        move("TL0002L9", "slot2");
    }
    void expect_file(const std::string& library, std::size_t file, const Bytes& bytes) const {
        const auto out = path("out").string();
        expect(0,
               "cartridge cat TL0002L9 --library=" + library + " --file=" + std::to_string(file) +
                   " >" + out,
               "");
        EXPECT_TRUE(contents(out) == as_text(bytes)) << library << " " << file;
    }
    static constexpr const char* kCopy = "cartridge copy TL0002L9 --library=lab --to-library=vault";
};

TEST_F(Copy, ItHasTheSameRecordsInTheFirstFreeSlotAndTheOriginalStays) {
    begin(9);
    expect(0, "cartridge protect TL0002L9 --library=lab", "yes");
    expect(0, kCopy, "Copied to library vault");
    expect(0, "cartridge show TL0002L9 --library=vault", "slot1");
    expect(0, "cartridge show TL0002L9 --library=vault", "Write protected  yes");
    for (const std::string library : {"lab", "vault"}) {
        expect_file(library, 0, records(9, 1));
        expect_file(library, 1, records(2, 2));
    }
    expect(1, kCopy, "already");
    expect(4, "cartridge copy TL0009L9 --library=lab --to-library=vault", "TL0009L9");
    expect(4, "cartridge copy TL0002L9 --library=lab --to-library=cellar", "cellar");
    expect(1, "cartridge copy TL0002L9 --library=lab --to-library=lab", "another library");
    move("TL0003L9", "drive0");
    expect(1, "cartridge copy TL0003L9 --library=lab --to-library=vault", "move it to a slot");
    expect(0, "cartridge copy TL0001L9 --library=lab --to-library=vault", "outside");
    stop();
    start();
    expect_file("vault", 1, records(2, 2));
}

TEST_F(Copy, AMoveDeletesTheOriginalOnceTheCopyIsComplete) {
    begin(3);
    expect(0, std::string(kCopy) + " --move", "Moved to library vault");
    expect(4, "cartridge show TL0002L9 --library=lab", "TL0002L9");
    expect_file("vault", 0, records(3, 1));
}

TEST_F(Copy, NothingIsLeftOfOneThatACrashInterrupts) {
    begin(96);
    const auto spool = path("state") / "spool" / "vault";
    std::FILE* const copying = ::popen(
        (std::string(TAPELOFT_PATH) + " --socket=" + (path("state") / "admin.sock").string() + " " +
         kCopy + " --move 2>&1")
            .c_str(),
        "r");
    ASSERT_NE(copying, nullptr);
    const auto begun = [&spool] {
        return std::any_of(fs::recursive_directory_iterator(spool), {},
                           [](const auto& entry) { return entry.is_regular_file(); });
    };
    while (!begun()) {
    }
    daemon_->kill();
    daemon_.reset();
    log_out();
    EXPECT_NE(::pclose(copying), 0);
    start();
    expect(4, "cartridge show TL0002L9 --library=vault", "TL0002L9");
    EXPECT_FALSE(begun());
    expect_file("lab", 0, records(96, 1));
    expect(0, kCopy, "slot1");
    expect_file("vault", 0, records(96, 1));
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
