#include "tests/media/pbs_pxar/expect_restored.h"

#include <iostream>

#include <gtest/gtest.h>

#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/restored_tree.h"

namespace tapeloft::media {

void expect_restored(const std::filesystem::path& root, const std::string& listing,
                     bool with_flags) {
    auto expected = expected_tree(listing);
    auto found = describe_tree(root);
    leave_out_what_needs_root(expected);
    leave_out_what_needs_root(found);
    if (!with_flags) {
        std::cout << "this file system has no chattr flags: they are not compared\n";
    }
    for (auto& [path, entry] : expected) {
        ASSERT_TRUE(found.contains(path)) << path;
        auto& there = found.at(path);
        there.erase("inode");
        if (!with_flags) {
            entry.erase("flags");
            there.erase("flags");
        }
        EXPECT_EQ(there, entry) << text_of(there) << "\n" << text_of(entry);
    }
    EXPECT_EQ(found.size(), expected.size());
}

}  // namespace tapeloft::media
