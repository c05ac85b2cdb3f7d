// What the logs have still to be told, noted in the transaction of the change itself.
#pragma once

#include <string>
#include <string_view>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/catalog/sqlite.h"

namespace tapeloft::media {

/// Each call belongs into the caller's transaction; PendingChange says what makes what of no
/// account.
class Outbox {
  public:
    explicit Outbox(Database& database) : database_(database) {}

    // Of a cartridge's log
    Result<void> state(CartridgeId id);
    Result<void> truncated(CartridgeId id, const TruncatedAt& at);
    Result<void> formatted(CartridgeId id);
    /// Before its rows go. Where its log was never begun there is nothing to tell.
    Result<void> removed(CartridgeId id);

    // Of a library's log
    Result<void> library(std::string_view name);
    /// Properties "serial/<library>/..." and "library/<library>/..." are of a library.
    Result<void> property(std::string_view name);
    /// Those of logical units ("lu/<serial>") are of the library whose properties give the serial
    /// number to one of its units; those of cartridges are of the cartridge's log.
    Result<void> value(const std::string& owner);

  private:
    Result<void> append(CartridgeId id, int kind, const TruncatedAt& at = {});

    Database& database_;
};

}  // namespace tapeloft::media
