// What the store alone makes of a library.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/media/archive/archive_world.h"

namespace tapeloft::media {

inline WorldSettings without_ticks() {
    WorldSettings settings;
    settings.tick = std::chrono::hours(1);
    return settings;
}

/// What an empty machine finds on a cartridge; nothing: it finds no such cartridge.
inline std::optional<std::vector<Object>> rebuilt(const ArchiveWorld& world,
                                                  const std::string& barcode) {
    auto settings = without_ticks();
    settings.objects = world.memory->objects();
    ArchiveWorld other(std::move(settings));
    EXPECT_TRUE(other.recovered) << other.recovery_error->message;
    const auto cartridges = other.catalog->all_cartridges();
    for (const auto& cartridge : *cartridges) {
        if (cartridge.barcode == barcode) {
            return other.read_tape(cartridge);
        }
    }
    return std::nullopt;
}

/// Behind what is on the cartridge.
inline void append(ArchiveWorld& world, const CartridgeRecord& cartridge,
                   std::vector<Object>& objects, Object object) {
    auto tape = world.open(cartridge);
    ASSERT_TRUE(world.run(tape->space_to_end_of_data()).has_value());
    world.write(*tape, {object});
    ASSERT_TRUE(world.run(tape->close()).has_value());
    objects.push_back(std::move(object));
}

}  // namespace tapeloft::media
