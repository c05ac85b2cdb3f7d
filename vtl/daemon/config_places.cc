#include "vtl/daemon/config_places.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "cloud/store/store_registry.h"

namespace tapeloft::vtl::daemon {
namespace {

/// What the daemon keeps in the state directory (README.md), but for "keys" and "store".
constexpr auto kStateEntries =
    std::to_array<std::string_view>({"admin.sock", "cache", "catalog.sqlite", "catalog.sqlite-shm",
                                     "catalog.sqlite-wal", "lock", "spool"});

/// As place_of_store() names a file store: with a slash at the end.
std::string place_of_file(const std::filesystem::path& path) {
    return "file:" + (path / "").lexically_normal().string();
}

bool is_inside(std::string_view place, std::string_view around) {
    return place.starts_with(around);
}

bool overlap(std::string_view place, std::string_view other) {
    return is_inside(place, other) || is_inside(other, place);
}

bool overlap(const LibraryConfig& library, const LibraryConfig& other) {
    return std::ranges::any_of(library.stores, [&other](const std::string& url) {
        return std::ranges::any_of(other.stores, [&url](const std::string& taken) {
            return overlap(place_of_store(url).value(), place_of_store(taken).value());
        });
    });
}

/// In whose way it is in the state directory, or empty.
std::string_view state_entry_around(const Config& config, std::string_view place) {
    const auto found = std::ranges::find_if(kStateEntries, [&](std::string_view entry) {
        return is_inside(place, place_of_file(config.state_dir / entry));
    });
    return found == kStateEntries.end() ? std::string_view() : *found;
}

Result<void> check_store(const ConfigField& element, const LibraryConfig& library,
                         const Config& config) {
    for (const auto& url : library.stores) {
        const auto place = place_of_store(url).value();
        const bool in_the_way = is_inside(place_of_file(config.state_dir), place) ||
                                is_inside(place, place_of_file(config.state_dir / "keys")) ||
                                !state_entry_around(config, place).empty();
        if (in_the_way) {
            return element.error("the store of library \"" + library.name + "\", " + url +
                                 ", overlaps what the daemon keeps in its state directory " +
                                 config.state_dir.string() +
                                 "; allowed: a folder of its own, outside or as in " +
                                 (config.state_dir / "store").string());
        }
        if (is_inside(place_of_file(library.key_file), place)) {
            return element.error("the key file of library \"" + library.name + "\", " +
                                 library.key_file.string() + ", lies in its store " + url +
                                 ", and whoever has the store can read it then; allowed: a place "
                                 "outside of every store");
        }
    }
    const auto entry = state_entry_around(config, place_of_file(library.key_file));
    if (!entry.empty()) {
        return element.error("the key file of library \"" + library.name + "\", " +
                             library.key_file.string() + ", is where the daemon keeps its " +
                             std::string(entry) + "; allowed: a file of its own, as in " +
                             (config.state_dir / "keys").string());
    }
    return {};
}

Result<void> check_pair(const ConfigField& element, const LibraryConfig& library,
                        const LibraryConfig& other) {
    if (overlap(library, other)) {
        return element.error("the store of library \"" + library.name + "\", " +
                             library.stores_text() + ", overlaps that of library \"" + other.name +
                             "\", " + other.stores_text() +
                             "; allowed: a folder or a prefix of its own");
    }
    if (library.key_file == other.key_file) {
        return element.error("the key file of library \"" + library.name + "\", " +
                             library.key_file.string() + ", is that of library \"" + other.name +
                             "\"; allowed: a key of its own for each library");
    }
    for (const auto& [keys, stores] : {std::pair(&library, &other), std::pair(&other, &library)}) {
        for (const auto& url : stores->stores) {
            if (is_inside(place_of_file(keys->key_file), place_of_store(url).value())) {
                return element.error("the key file of library \"" + keys->name + "\", " +
                                     keys->key_file.string() + ", lies in the store of library \"" +
                                     stores->name + "\", " + url +
                                     "; allowed: a place outside of every store");
            }
        }
    }
    return {};
}

}  // namespace

Result<void> check_places(const std::string& file, const toml::table& table, const Config& config) {
    const auto* const libraries = table.get_as<toml::array>("library");
    if (libraries == nullptr) {
        return {};  // the built-in library, and its places are the defaults
    }
    for (std::size_t i = 0; i < config.libraries.size(); ++i) {
        const ConfigField element{file, "library", *libraries->get(i)};
        TL_CHECK(check_store(element, config.libraries[i], config));
        for (std::size_t earlier = 0; earlier < i; ++earlier) {
            TL_CHECK(check_pair(element, config.libraries[i], config.libraries[earlier]));
        }
    }
    return {};
}

}  // namespace tapeloft::vtl::daemon
