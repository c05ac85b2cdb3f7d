// What the tables have in common that say of every command what it comes to in every state.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "tests/e2e/pbs_host.h"

namespace tapeloft::tests {

inline constexpr const char* kConflict = "conflict";  // status RESERVATION CONFLICT

/// Of a command in five states.
using Outcomes = std::array<const char*, 5>;

constexpr Outcomes all(const char* outcome) {
    return {outcome, outcome, outcome, outcome, outcome};
}

/// Sends the command of a row; its outcome.
template <typename Row>
std::string outcome_of(ScsiHost& host, int lun, const Row& row) {
    const auto reply = row.out.empty() ? host.execute(lun, row.cdb, row.in)
                                       : host.execute_out(lun, row.cdb, row.out);
    if (reply && reply->status == 0x18) {
        return kConflict;
    }
    return pbs_outcome(reply, std::max(row.in, row.out.size()));
}

}  // namespace tapeloft::tests
