// A store with faults laid over it, for tests: drawn from a seed, or told call by call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cloud/store/store_decorator.h"

namespace tapeloft {

enum class StoreCall : std::uint8_t { put, get, head, list, remove };
inline constexpr std::size_t kStoreCalls = 5;

enum class Fault : std::uint8_t {
    before,   ///< fails; nothing happened
    after,    ///< fails; it did happen (of a get, head or list: as before)
    flipped,  ///< get: one bit is wrong
    cut,      ///< get: bytes are missing at the end, which a store must not do, and some will
};

/// What happens at random; chances are per mille of the calls they can happen to.
struct FaultRates {
    unsigned before = 0;     ///< Fault::before, transient
    unsigned after = 0;      ///< Fault::after, transient; put and remove
    unsigned throttled = 0;  ///< Fault::before, throttled
    unsigned flipped = 0;    ///< Fault::flipped
    unsigned cut = 0;        ///< Fault::cut
    unsigned turns_max = 0;  ///< a call gives way 0 to so many times before, and again after
    unsigned list_lag = 0;   ///< what was put is missing from the next so many lists
};

/// Deterministic: one seed, one order of calls, one outcome. A call gives way by posting itself to
/// the caller's executor; there is no clock. The rest as the store below. Any thread.
class FaultyStore final : public StoreDecorator {
  public:
    FaultyStore(std::shared_ptr<ObjectStore> store, std::uint64_t seed, FaultRates rates = {});

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;

    /// From the next call on; {} heals.
    void set_rates(FaultRates rates);
    /// While it is down every call is transient and does nothing.
    void set_down(bool down);
    /// The nth call of the kind from now on (1: the next one) meets the fault, whatever the rates
    /// say. code: of the error, where there is one.
    void script(StoreCall call, std::uint64_t nth, Fault fault, Errc code = Errc::transient);
    /// Calls of the kind that began, those included that failed.
    [[nodiscard]] std::uint64_t calls(StoreCall call) const;

  private:
    /// What was decided for one call when it began.
    struct Plan {
        std::optional<Fault> fault;
        Errc code = Errc::transient;
        std::uint64_t draw = 0;  ///< which bit, how many bytes
        unsigned turns_before = 0;
        unsigned turns_after = 0;
    };
    struct Scripted {
        StoreCall call = StoreCall::put;
        std::uint64_t at = 0;  ///< the count of calls of the kind
        Fault fault = Fault::before;
        Errc code = Errc::transient;
    };

    Plan begin(StoreCall call);
    void draw_fault(StoreCall call, Plan& plan);
    bool chance(unsigned per_mille);
    void note_put(const std::string& name);
    /// The names that this list does not show.
    std::vector<std::string> begin_list();

    mutable std::mutex mutex_;
    std::mt19937_64 random_;
    FaultRates rates_;
    bool down_ = false;
    std::array<std::uint64_t, kStoreCalls> calls_{};
    std::vector<Scripted> script_;
    std::map<std::string, unsigned> lagging_;  ///< lists that will not show the name yet
};

}  // namespace tapeloft
