#include "cloud/store/store_plugins.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/cloud/store/object_store_conformance.h"
#include "tests/temporary_directory.h"

namespace tapeloft::tests {
namespace {

namespace fs = std::filesystem;

BoundStore bind_plugin(StoreLoop& loop) {
    auto registry = StoreRegistry::built_in();
    TL_ASSERT(load_store_plugins(registry, TAPELOFT_TEST_PLUGINS).empty());
    static int shelves = 0;
    auto store = registry.open("shelf://conformance" + std::to_string(++shelves),
                               {loop.executor(), loop.executor()});
    TL_ASSERT(store);
    return {nullptr, std::move(*store)};
}

INSTANTIATE_TEST_SUITE_P(Plugin, ObjectStoreConformance,
                         testing::Values(Binding{"Plugin", bind_plugin}),
                         [](const auto& binding) { return binding.param.name; });

class StorePluginsTest : public testing::Test {
  protected:
    void install(const std::string& name) {
        fs::copy_file(fs::path(TAPELOFT_TEST_BAD_PLUGINS) / name, folder() / name);
        fs::permissions(folder() / name, fs::perms::owner_all);
    }
    [[nodiscard]] fs::path folder() const { return directory.path(); }
    std::string troubles() {
        std::string all;
        for (const auto& trouble : load_store_plugins(registry, folder())) {
            all += trouble + "\n";
        }
        return all;
    }

    TemporaryDirectory directory;
    StoreRegistry registry = StoreRegistry::built_in();
};

TEST_F(StorePluginsTest, AFolderThatIsMissingOrEmptyHasNone) {
    EXPECT_EQ(troubles(), "");
    EXPECT_TRUE(load_store_plugins(registry, folder() / "none").empty());
}

TEST_F(StorePluginsTest, OneThatIsOfAnotherVersionOrBuildIsNamedAndNotUsed) {
    install("old_plugin.so");
    EXPECT_NE(troubles().find("old_plugin.so: it is for version 1 of the interface"),
              std::string::npos)
        << troubles();
    install("strange_plugin.so");
    EXPECT_NE(troubles().find("strange_plugin.so: it was built otherwise than this program"),
              std::string::npos)
        << troubles();
    EXPECT_EQ(registry.place_of("shelf://x").error().code, Errc::unsupported);
}

TEST_F(StorePluginsTest, WhatIsNoPluginIsNamedAndTheOthersAreLoaded) {
    std::ofstream(folder() / "a.so") << "no code at all";
    std::ofstream(folder() / "b.txt") << "not looked at";
    fs::copy_file(fs::path(TAPELOFT_TEST_PLUGINS) / "shelf_plugin.so", folder() / "shelf.so");
    fs::permissions(folder() / "shelf.so", fs::perms::owner_all);
    const auto said = troubles();
    EXPECT_EQ(said.find((folder() / "a.so").string() + ": "), 0U) << said;
    EXPECT_EQ(said.find("b.txt"), std::string::npos) << said;
    EXPECT_EQ(registry.place_of("shelf://x").value(), "shelf:x/");
}

TEST_F(StorePluginsTest, CodeThatOthersMayWriteIsNotRun) {
    fs::copy_file(fs::path(TAPELOFT_TEST_PLUGINS) / "shelf_plugin.so", folder() / "shelf.so");
    fs::permissions(folder() / "shelf.so", fs::perms::all);
    EXPECT_NE(troubles().find("others may write it"), std::string::npos);
    fs::permissions(folder() / "shelf.so", fs::perms::owner_all);
    fs::permissions(folder(), fs::perms::all);
    EXPECT_EQ(troubles().find(folder().string() + ": "), 0U);
    EXPECT_FALSE(registry.place_of("shelf://x"));
}

TEST_F(StorePluginsTest, ASchemeIsGivenOnceAndWhyOneIsMissingIsSaid) {
    fs::copy_file(fs::path(TAPELOFT_TEST_PLUGINS) / "shelf_plugin.so", folder() / "1.so");
    fs::copy_file(fs::path(TAPELOFT_TEST_PLUGINS) / "shelf_plugin.so", folder() / "2.so");
    EXPECT_NE(troubles().find("2.so: there is a provider of shelf:// stores already"),
              std::string::npos);
    registry.note_trouble("/x/y.so: it cannot be loaded");
    EXPECT_NE(registry.place_of("y://x").error().message.find("/x/y.so: it cannot be loaded"),
              std::string::npos);
}

}  // namespace
}  // namespace tapeloft::tests
