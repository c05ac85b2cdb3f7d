#include "vtl/daemon/library_config.h"

#include <algorithm>
#include <array>
#include <set>

#include "cloud/store/store_registry.h"

#include "media/library/barcode.h"

#include "vtl/daemon/config_table.h"
#include "vtl/daemon/readable_media.h"
#include "vtl/library/element_address.h"
#include "vtl/scsi/changer_model.h"
#include "vtl/scsi/personality.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::uint64_t kSizeMax = 1ULL << 60U;                                // bytes; 1 EiB
constexpr std::size_t kLibraryNameLengthMax = 223 - kTargetNamePrefix.size();  // RFC 7143, 4.2.7.1
constexpr std::uint32_t kCompressionMax = 19;                                  // of zstd

// [[library.cartridges]]

Result<void> read_barcodes(const ConfigField& field, media::CartridgeStore::Population& target) {
    constexpr std::string_view kAllowed = "a barcode or a range, as in \"TL0001L9..TL0020L9\"";
    TL_TRY(target.barcodes, text_value(field, kAllowed));
    const auto expanded = media::expand_barcodes(target.barcodes);
    return expanded ? Result<void>{}
                    : field.error("found \"" + target.barcodes + "\"; " + expanded.error().message +
                                  "; allowed: " + std::string(kAllowed));
}

Result<void> read_capacity(const ConfigField& field, media::CartridgeStore::Population& target) {
    std::uint64_t most = 0;
    for (const auto& generation : media::generations()) {
        most = std::max(most, generation.native_capacity);
    }
    TL_TRY(target.capacity, size_value(field, media::kCartridgeCapacityMin, most));
    return {};
}

Result<void> read_worm(const ConfigField& field, media::CartridgeStore::Population& target) {
    if (!field.node.is_boolean()) {
        return field.not_allowed("true or false");
    }
    target.worm = **field.node.as_boolean();
    return {};
}

constexpr auto kCartridgesRows = std::to_array<KeyRow<media::CartridgeStore::Population>>({
    {"barcodes", &read_barcodes},
    {"capacity", &read_capacity},
    {"worm", &read_worm},
});

// [[library]]

bool legal_library_name(std::string_view name) {
    constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::string_view kOthers = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    return !name.empty() && name.size() <= kLibraryNameLengthMax &&
           kFirst.find(name.front()) != std::string_view::npos &&
           name.find_first_not_of(kOthers) == std::string_view::npos;
}

Result<void> read_name(const ConfigField& field, LibraryConfig& target) {
    const std::string allowed =
        "1 to " + std::to_string(kLibraryNameLengthMax) +
        " characters a-z, 0-9, '.' and '-', the first a letter or a digit (it becomes part of the "
        "iSCSI target name)";
    TL_TRY(target.name, text_value(field, allowed));
    return legal_library_name(target.name) ? Result<void>{} : field.not_allowed(allowed);
}

constexpr std::uint32_t kStoresMax = 8;

Result<std::string> read_store_url(const ConfigField& field) {
    TL_TRY(auto url, text_value(field,
                                "the URL of a store, as in \"file:///srv/tapeloft\", or an "
                                "array of some"));
    const auto place = place_of_store(url);
    if (place) {
        return url;
    }
    // What stands before an "@" may be a password.
    return url.find('@') == std::string::npos ? field.not_allowed(place.error().message)
                                              : field.error(place.error().message);
}

Result<void> read_store(const ConfigField& field, LibraryConfig& target) {
    const auto* const array = field.node.as_array();
    if (array == nullptr) {
        TL_TRY(auto url, read_store_url(field));
        target.stores = {std::move(url)};
        return {};
    }
    if (array->empty() || array->size() > kStoresMax) {
        return field.error("found an array of " + std::to_string(array->size()) +
                           "; allowed: 1 to " + std::to_string(kStoresMax) + " URLs of stores");
    }
    for (const auto& element : *array) {
        const ConfigField entry{field.file, field.path, element};
        TL_TRY(auto url, read_store_url(entry));
        const auto place = place_of_store(url).value();
        for (const auto& other : target.stores) {
            const auto taken = place_of_store(other).value();
            if (place.starts_with(taken) || taken.starts_with(place)) {
                return entry.error(url + " overlaps " + other +
                                   "; allowed: a place of its own for each store of a mirror");
            }
        }
        target.stores.push_back(std::move(url));
    }
    return {};
}

Result<void> read_required(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.required, integer_value(field, 1, kStoresMax));
    return {};
}

Result<void> read_drives(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.drives, integer_value(field, 1, library::kDrivesMax));
    return {};
}

Result<void> read_slots(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.slots, integer_value(field, 1, library::kStorageElementsMax));
    return {};
}

Result<void> read_import_export_slots(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.import_export_slots, integer_value(field, 0, library::kImportExportElementsMax));
    return {};
}

Result<void> read_drive_model(const ConfigField& field, LibraryConfig& target) {
    std::string allowed;
    for (const auto& model : scsi::drive_models()) {
        allowed += (allowed.empty() ? "\"" : ", \"") + std::string(model.name) + "\"";
    }
    TL_TRY(target.drive_model, text_value(field, allowed));
    return scsi::find_drive_model(target.drive_model) != nullptr ? Result<void>{}
                                                                 : field.not_allowed(allowed);
}

Result<void> read_changer_model(const ConfigField& field, LibraryConfig& target) {
    std::string allowed;
    for (const auto& model : scsi::changer_models()) {
        allowed += (allowed.empty() ? "\"" : ", \"") + std::string(model.name) + "\"";
    }
    TL_TRY(target.changer_model, text_value(field, allowed));
    return scsi::find_changer_model(target.changer_model) != nullptr ? Result<void>{}
                                                                     : field.not_allowed(allowed);
}

Result<void> read_spool_size(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.spool_size, size_value(field, kSpoolSizeMin, kSizeMax));
    return {};
}

Result<void> read_durability(const ConfigField& field, LibraryConfig& target) {
    constexpr std::string_view kAllowed = "\"local\" or \"cloud\"";
    TL_TRY(target.durability, text_value(field, kAllowed));
    const bool legal = target.durability == "local" || target.durability == "cloud";
    return legal ? Result<void>{} : field.not_allowed(kAllowed);
}

Result<void> read_key_file(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.key_file, absolute_path_value(field));
    return {};
}

Result<void> read_passphrase_file(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.key_passphrase_file, absolute_path_value(field));
    return {};
}

Result<void> read_compression(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.compression, integer_value(field, 0, kCompressionMax));
    return {};
}

Result<void> read_cache_size(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.cache_size, size_value(field, 0, kSizeMax));
    return {};
}

Result<void> read_load_wait(const ConfigField& field, LibraryConfig& target) {
    constexpr std::uint32_t kWeek_s = 7 * 86'400;
    TL_TRY(target.load_wait_s, integer_value(field, 0, kWeek_s));
    return {};
}

Result<void> read_cartridges(const ConfigField& field, LibraryConfig& target) {
    return for_each_table(
        field, [&target](const ConfigField& element, const toml::table& table) -> Result<void> {
            media::CartridgeStore::Population population;
            TL_CHECK(read_table<media::CartridgeStore::Population>(
                element.file, element.path, table, kCartridgesRows, population));
            if (population.barcodes.empty()) {
                return element.error("the key barcodes is missing");
            }
            target.cartridges.push_back(std::move(population));
            return {};
        });
}

constexpr auto kLibraryRows = std::to_array<KeyRow<LibraryConfig>>({
    {"name", &read_name},
    {"store", &read_store},
    {"required", &read_required},
    {"drives", &read_drives},
    {"slots", &read_slots},
    {"import_export_slots", &read_import_export_slots},
    {"drive_model", &read_drive_model},
    {"changer_model", &read_changer_model},
    {"spool_size", &read_spool_size},
    {"durability", &read_durability},
    {"key_file", &read_key_file},
    {"key_passphrase_file", &read_passphrase_file},
    {"compression", &read_compression},
    {"cache_size", &read_cache_size},
    {"load_wait", &read_load_wait},
    {"cartridges", &read_cartridges},
});

/// A cartridge cannot hold more than its generation does.
Result<void> check_capacity(const ConfigField& field, const std::string& barcode,
                            std::uint64_t capacity) {
    TL_TRY(const auto marking, media::marking_of(barcode));
    const auto& generation = marking.generation;
    if (capacity <= generation.native_capacity) {
        return {};
    }
    return field.not_allowed("a size from " + format_size(media::kCartridgeCapacityMin) + " to " +
                             format_size(generation.native_capacity) + ", which is what " +
                             std::string(generation.name) + " holds");
}

/// What worm = true can be said of.
Result<void> check_worm(const ConfigField& field, const std::string& barcode) {
    TL_TRY(const auto marking, media::marking_of(barcode));
    if (marking.cleaning || marking.generation.worm_suffix.empty()) {
        return field.error("there are no WORM cartridges as " + barcode +
                           "; allowed: worm = true with L5 to L9");
    }
    return {};
}

Result<void> check_required(const ConfigField& element, const LibraryConfig& library) {
    const auto stores = std::max<std::size_t>(library.stores.size(), 1);
    if (library.required <= stores) {
        return {};
    }
    const ConfigField field{element.file, "library.required",
                            *element.node.as_table()->get("required")};
    return field.not_allowed("a number from 1 to " + std::to_string(stores) +
                             ", as many as there are stores");
}

/// The rules between the keys of one library.
Result<void> check_library(const ConfigField& element, const LibraryConfig& library) {
    TL_CHECK(check_required(element, library));
    const auto* const populations = element.node.as_table()->get_as<toml::array>("cartridges");
    std::set<std::string> taken;
    for (std::size_t i = 0; i < library.cartridges.size(); ++i) {
        const auto* const table = populations->get_as<toml::table>(i);
        const ConfigField field{element.file, "library.cartridges.barcodes",
                                *table->get("barcodes")};
        TL_TRY(const auto barcodes, media::expand_barcodes(library.cartridges[i].barcodes));
        for (const auto& barcode : barcodes) {
            if (const auto fine = check_readable(library.drive_model, barcode); !fine) {
                return field.error(fine.error().message);
            }
            if (!taken.insert(barcode).second) {
                return field.error("barcode " + barcode +
                                   " is given twice; allowed: each barcode once");
            }
        }
        if (library.cartridges[i].worm) {
            const ConfigField worm{element.file, "library.cartridges.worm", *table->get("worm")};
            TL_CHECK(check_worm(worm, barcodes.front()));
        }
        if (const auto capacity = library.cartridges[i].capacity) {
            const ConfigField size{element.file, "library.cartridges.capacity",
                                   *table->get("capacity")};
            TL_CHECK(check_capacity(size, barcodes.front(), *capacity));
        }
        if (taken.size() > library.slots) {
            return field.error("found " + std::to_string(taken.size()) +
                               " cartridges up to here; allowed: as many as there are slots (" +
                               std::to_string(library.slots) + ")");
        }
    }
    return {};
}

}  // namespace

std::string LibraryConfig::stores_text() const {
    std::string text;
    for (const auto& url : stores) {
        text += (text.empty() ? "" : " + ") + url;
    }
    return text;
}

Result<LibraryConfig> read_library(const ConfigField& element, const toml::table& table) {
    LibraryConfig library;
    TL_CHECK(read_table<LibraryConfig>(element.file, element.path, table, kLibraryRows, library));
    TL_CHECK(check_library(element, library));
    return library;
}

}  // namespace tapeloft::vtl::daemon
