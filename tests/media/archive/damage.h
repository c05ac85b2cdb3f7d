// What befalls a store: bits that turn, objects that go, that are cut off or put in another's
// place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/media/archive/archive_world.h"

namespace tapeloft::media {

inline std::vector<std::string> names_in(const ArchiveWorld& world, const std::string& prefix) {
    std::vector<std::string> names;
    for (const auto& [name, object] : world.memory->objects()) {
        if (name.starts_with(prefix)) {
            names.push_back(name);
        }
    }
    return names;
}

inline void put_raw(ArchiveWorld& world, const std::string& name, ByteView bytes) {
    auto objects = world.memory->objects();
    objects.insert_or_assign(name, Buffer::copy_of(bytes));
    world.memory->set_objects(std::move(objects));
}

inline Bytes get_raw(const ArchiveWorld& world, const std::string& name) {
    const auto view = world.memory->objects().at(name).view();
    return {view.begin(), view.end()};
}

inline void flip_bit(ArchiveWorld& world, const std::string& name, std::uint64_t bit) {
    auto bytes = get_raw(world, name);
    bytes.at(bit / 8) = static_cast<std::uint8_t>(bytes.at(bit / 8) ^ (1U << (bit % 8)));
    put_raw(world, name, bytes);
}

inline void remove_raw(ArchiveWorld& world, const std::string& name) {
    auto objects = world.memory->objects();
    objects.erase(name);
    world.memory->set_objects(std::move(objects));
}

/// Each name gets what the other one had.
inline void swap_raw(ArchiveWorld& world, const std::string& one, const std::string& other) {
    const auto bytes = get_raw(world, one);
    put_raw(world, one, get_raw(world, other));
    put_raw(world, other, bytes);
}

}  // namespace tapeloft::media
