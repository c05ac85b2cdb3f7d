#include "cloud/store/store_plugins.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/store/store_plugin.h"

namespace tapeloft {
namespace {

namespace fs = std::filesystem;

Error wrong_plugin(std::string what) {
    return {Errc::unsupported, std::move(what)};
}

/// Code that another user may change is not run.
Result<void> check_owner(const fs::path& path) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) {
        return error_from_errno("stat", errno);
    }
    const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
    if (!ours || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return wrong_plugin("it belongs to another user, or others may write it (chmod go-w)");
    }
    return {};
}

Result<StoreProvider> provider_of(const StorePlugin& plugin) {
    if (plugin.abi != kStorePluginAbi) {
        return wrong_plugin("it is for version " + std::to_string(plugin.abi) +
                            " of the interface, and this program has version " +
                            std::to_string(kStorePluginAbi));
    }
    if (plugin.build == nullptr || std::string_view(plugin.build) != kStorePluginBuild) {
        return wrong_plugin(std::string("it was built otherwise than this program (") +
                            (plugin.build == nullptr ? "?" : plugin.build) + "; " +
                            kStorePluginBuild + ")");
    }
    if (plugin.provider == nullptr) {
        return wrong_plugin("it has no provider");
    }
    auto provider = plugin.provider();
    if (provider.scheme.empty() || !provider.place || !provider.open) {
        return wrong_plugin("its provider lacks a scheme, place or open");
    }
    return provider;
}

Result<void> load(StoreRegistry& registry, const fs::path& file) {
    TL_CHECK(check_owner(file));
    void* const object = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) {
        const char* const why = ::dlerror();
        return wrong_plugin(why == nullptr ? "it cannot be loaded" : why);
    }
    // Never closed: its code may run until the end.
    const auto* const plugin = static_cast<const StorePlugin*>(::dlsym(object, kStorePluginSymbol));
    if (plugin == nullptr) {
        return wrong_plugin(std::string("it has no symbol ") + kStorePluginSymbol);
    }
    TL_TRY(auto provider, provider_of(*plugin));
    return registry.add(std::move(provider));
}

}  // namespace

fs::path store_plugin_folder() {
    const char* const given = std::getenv("TAPELOFT_STORE_PLUGINS");
    return given == nullptr || *given == '\0' ? fs::path(kStorePluginFolder) : fs::path(given);
}

std::vector<std::string> load_store_plugins(StoreRegistry& registry, const fs::path& folder) {
    std::vector<fs::path> files;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none)) {
        if (entry.path().extension() == ".so") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> troubles;
    if (const auto owned = check_owner(folder); !files.empty() && !owned) {
        return {folder.string() + ": " + owned.error().message};
    }
    for (const auto& file : files) {
        if (const auto loaded = load(registry, file); !loaded) {
            troubles.push_back(file.string() + ": " + loaded.error().message);
        }
    }
    return troubles;
}

}  // namespace tapeloft
