// Cartridges copied from one library of a daemon to another.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>

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
    /// SECURITY PROTOCOL OUT, Set Data Encryption: AES-256-GCM, this key (SSC-5, 8.5.3.2).
    static void set_key(tests::TapeHost drive, std::uint8_t byte) {
        Bytes list = {0, 0x10, 0, 0x30, 0x40, 0, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32};
        list.resize(52, byte);
        const auto set = drive.command_out({0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52, 0, 0}, list);
        ASSERT_TRUE(set && set->good()) << set->text();
    }
    static void clear_key(tests::TapeHost drive) {
        Bytes list = {0, 0x10, 0, 0x10, 0x40, 0, 0, 0, 1};
        list.resize(20);
        const auto set = drive.command_out({0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 20, 0, 0}, list);
        ASSERT_TRUE(set && set->good()) << set->text();
    }
    /// What a host of this library reads with the key in drive 0; then it goes to `slot`.
    void expect_encrypted(const std::string& library, const std::string& slot, const Bytes& bytes) {
        log_out();
        log_in(library);
        expect(0, "changer move --library=" + library + " TL0002L9 drive0", "Moved");
        ASSERT_TRUE(drive().wait_ready());
        const auto without = drive().read(256 * 1024);
        EXPECT_TRUE(without && without->is(7, 0x7401)) << without->text();  // unable to decrypt
        set_key(drive(), 7);
        Bytes read;
        for (auto reply = drive().read(256 * 1024); reply && !reply->filemark();
             reply = drive().read(256 * 1024)) {
            ASSERT_TRUE(reply->good()) << reply->text();
            read.insert(read.end(), reply->data.begin(), reply->data.end());
        }
        EXPECT_TRUE(read == bytes) << library;
        clear_key(drive());
        expect(0, "changer move --library=" + library + " TL0002L9 " + slot, "Moved");
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

TEST_F(Copy, WhatADriveEncryptedOpensWithTheSameKeyOnACopyAndOnACopyOfThat) {
    configure("", "[[library]]\nname = \"vault\"\nslots = 1\n");
    start();
    log_in();
    load("TL0002L9");
    set_key(drive(), 7);
    write_file(3, 1);
    clear_key(drive());
    move("TL0002L9", "slot2");
    const auto original = tapeloft("cartridge show TL0002L9 --library=lab --json").output;
    expect(0, std::string(kCopy) + " --move", "Moved to library vault");
    expect_encrypted("vault", "slot1", records(3, 1));
    expect(0, "cartridge copy TL0002L9 --library=vault --to-library=lab --move", "Moved");
    expect_encrypted("lab", "slot2", records(3, 1));
    stop();
    start();
    expect_encrypted("lab", "slot2", records(3, 1));
    EXPECT_NE(tapeloft("cartridge show TL0002L9 --library=lab --json").output, original)
        << "it has a medium serial of its own";
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
        std::error_code failed;  // files and folders come and go
        for (fs::recursive_directory_iterator at(spool, failed), end; !failed && at != end;
             at.increment(failed)) {
            std::error_code gone;
            if (at->is_regular_file(gone)) {
                return true;
            }
        }
        return false;
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!begun() && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    ASSERT_TRUE(begun());
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
