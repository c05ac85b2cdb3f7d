#include "vtl/state/state_directory.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/temporary_directory.h"

namespace tapeloft::vtl::state {
namespace {

TEST(StateDirectory, WhatIsMissingIsMadeForTheOwnerOnly) {
    const tests::TemporaryDirectory directory;
    const auto path = directory.path() / "a" / "b";
    const auto state = StateDirectory::open(path);
    ASSERT_TRUE(state) << state.error().message;
    const auto spool = state->spool("lab");
    ASSERT_TRUE(spool);
    for (const auto& made : {path, path / "spool", *spool}) {
        struct stat status {};
        ASSERT_EQ(::stat(made.c_str(), &status), 0) << made;
        EXPECT_EQ(status.st_mode & 07777U, 0700U) << made;
    }
}

TEST(StateDirectory, ASecondDaemonIsRefusedWithTheProcessThatHasIt) {
    const tests::TemporaryDirectory directory;
    {
        const auto first = StateDirectory::open(directory.path());
        ASSERT_TRUE(first);
        const auto second = StateDirectory::open(directory.path());
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, Errc::busy);
        EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())),
                  std::string::npos)
            << second.error().message;
        EXPECT_NE(second.error().message.find(directory.path().string()), std::string::npos);
    }
    EXPECT_TRUE(StateDirectory::open(directory.path())) << "the lock went with its owner";
}

TEST(StateDirectory, AFileInItsPlaceIsReportedByName) {
    const tests::TemporaryDirectory directory;
    std::ofstream(directory.path() / "file") << "x";
    const auto state = StateDirectory::open(directory.path() / "file");
    ASSERT_FALSE(state);
    EXPECT_NE(state.error().message.find("file"), std::string::npos);
}

}  // namespace
}  // namespace tapeloft::vtl::state
