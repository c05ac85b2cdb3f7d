// The tapes that a real Proxmox Backup Server wrote (tests/golden/pbs-tape), in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "media/pbs/block_format.h"
#include "media/pbs/crypto/crypt_key.h"

#include "tests/media/pbs/memory_medium.h"

namespace tapeloft::media {

[[nodiscard]] Bytes golden_bytes(const std::string& name);
[[nodiscard]] const nlohmann::json& golden_expectations();
/// TLA001L8, TLB001L8, TLX001L8, TLX002L8; each call gives new ones.
[[nodiscard]] std::vector<std::shared_ptr<MemoryTape>> golden_tapes();
[[nodiscard]] CryptKey golden_key();

}  // namespace tapeloft::media
