// Parameter lists of the Set Data Encryption page, as hosts send them.
#pragma once

#include <algorithm>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::drive {

inline Bytes test_key(std::uint8_t first = 0x10) {
    Bytes key(32);
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<std::uint8_t>(first + i);
    }
    return key;
}

inline void set_page_length(Bytes& list) {
    store_big_endian<2>(MutableByteView(list).subspan(2), list.size() - 4);
}

/// 20 bytes: modes disabled, no key, for all nexuses. What PBS clears with.
inline Bytes clear_list() {
    Bytes list(20);
    list[1] = 0x10;
    list[3] = 0x10;
    list[4] = 0x40;
    list[8] = 1;
    return list;
}

/// 52 bytes: with a key, for all nexuses. PBS sends modes 2 and 3.
inline Bytes set_list(std::uint8_t encryption, std::uint8_t decryption,
                      const Bytes& key = test_key()) {
    Bytes list = clear_list();
    list[6] = encryption;
    list[7] = decryption;
    list[19] = 0x20;
    const std::size_t at = list.size();
    list.resize(at + key.size());
    std::copy(key.begin(), key.end(), list.begin() + static_cast<std::ptrdiff_t>(at));
    set_page_length(list);
    return list;
}

inline void append_kad(Bytes& list, std::uint8_t type, const Bytes& kad) {
    Bytes header = {type, 0, 0, static_cast<std::uint8_t>(kad.size())};
    list.insert(list.end(), header.begin(), header.end());
    list.insert(list.end(), kad.begin(), kad.end());
    set_page_length(list);
}

}  // namespace tapeloft::vtl::drive
