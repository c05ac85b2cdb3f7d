// What a provider in a shared object defines: cloud/README.md, "Plug-ins".
#pragma once

#include <cstdint>

#include <boost/version.hpp>

#include "cloud/store/store_provider.h"

namespace tapeloft {

/// Grows with every change of what a plug-in and the program share: this header, and all that it
/// includes.
inline constexpr std::uint32_t kStorePluginAbi = 10;

/// C++ crosses the border, so both sides are built by the same compiler from the same headers.
#define TAPELOFT_PLUGIN_STRING(x) #x
#define TAPELOFT_PLUGIN_TEXT(x) TAPELOFT_PLUGIN_STRING(x)
inline constexpr const char* kStorePluginBuild =
    "compiler " __VERSION__ ", Boost " TAPELOFT_PLUGIN_TEXT(BOOST_VERSION);
#undef TAPELOFT_PLUGIN_TEXT
#undef TAPELOFT_PLUGIN_STRING

struct StorePlugin {
    std::uint32_t abi = kStorePluginAbi;  ///< first in every version
    const char* build = kStorePluginBuild;
    StoreProvider (*provider)() = nullptr;  ///< asked once, when the program starts
};

/// The only symbol that is looked for.
inline constexpr const char* kStorePluginSymbol = "tapeloft_store_plugin";

}  // namespace tapeloft

/// Defined by the plug-in, never by the program.
extern "C" {
extern const tapeloft::StorePlugin tapeloft_store_plugin __attribute__((visibility("default")));
}
