// A large object in parts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/s3/s3_client.h"
#include "cloud/store/retry_clock.h"

namespace tapeloft::s3 {

/// Stores the body under the name, whole or not at all; all parts but the last have
/// Settings::part_size. A part whose PUT is throttled or transient, or whose answer was lost, is
/// sent again, alone: kPartAttempts in all, the last one begun at most kPartTime after the first of
/// them failed. So is what ends the upload; where the store does not know the upload any more then,
/// it is done if the object's ETag is that of these parts. An object that the store did not put
/// under the lock that was asked for gets it by PutObjectRetention. What fails then fails the
/// whole. A failed upload is aborted, as far as the store can be reached: what stays of it is
/// billed until the bucket's lifecycle takes it. client and pauses outlive the call. Errors: also
/// cancelled (the pauses ended), denied (it is stored, and not locked).
Awaitable<Result<void>> put_in_parts(Client& client, Pauses& pauses, std::string name, Buffer body);

inline constexpr unsigned kPartAttempts = 5;
inline constexpr std::chrono::milliseconds kPartTime{15000};

/// An upload that was begun so long ago is nobody's any more.
inline constexpr std::int64_t kLeftAfter_s = 86400;

/// Aborts the uploads under the prefix that were begun more than kLeftAfter_s ago: a process that
/// was killed left them, and they are billed. Best effort: a store that cannot list them keeps
/// them, and of very many (100 pages) the rest stays for the next call. Errors: cancelled, those of
/// the list.
Awaitable<Result<void>> abort_leftovers(Client& client);

}  // namespace tapeloft::s3
