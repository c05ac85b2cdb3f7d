// Loads providers out of shared objects.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cloud/store/store_registry.h"

namespace tapeloft {

/// Where programs look; the variable TAPELOFT_STORE_PLUGINS names another folder.
inline constexpr const char* kStorePluginFolder = "/usr/lib/tapeloft/stores";
[[nodiscard]] std::filesystem::path store_plugin_folder();

/// Adds the provider of every *.so in the folder, in order of their names; what was loaded stays
/// for as long as the program runs. Returns what is wrong with those that could not be loaded, a
/// sentence each, which begins with the file: one bad plug-in is no reason to do without the
/// others. A folder that is not there has none. One whose files others may write is refused.
[[nodiscard]] std::vector<std::string> load_store_plugins(StoreRegistry& registry,
                                                          const std::filesystem::path& folder);

}  // namespace tapeloft
