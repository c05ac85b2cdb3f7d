// How machines that use the same stores as a mirror learn of each other: by names that only one of
// them can take, and by the objects that they agree by (the lease).
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

/// Whether it was this call that put it; the name is also the caller's where the same bytes are
/// there already. Errors: precondition, where other bytes are there; those of the store.
Awaitable<Result<bool>> put_if_free(std::shared_ptr<ObjectStore> store, std::string name,
                                    Buffer body);

/// What this machine has put of the objects that machines agree by. Any thread.
class MirrorAgreement {
  public:
    explicit MirrorAgreement(const std::vector<std::string>& names);

    [[nodiscard]] bool has(const std::string& name) const { return put_.contains(name); }
    /// It is about to be put, or to be removed; other names are of no interest.
    void note_put(const std::string& name, const Buffer& body);
    void note_removed(const std::string& name);

    /// Errors: precondition (the store has what another machine put after this one). A store that
    /// does not answer, or lacks it, says nothing; nor does one of before the first put.
    Awaitable<Result<void>> check(std::shared_ptr<ObjectStore> store) const;

  private:
    /// Those before the last may still stand where a put of it is under way, or failed.
    static constexpr std::size_t kKept = 4;

    [[nodiscard]] std::deque<Buffer> put(const std::string& name) const;

    mutable std::mutex mutex_;
    std::map<std::string, std::deque<Buffer>> put_;  ///< of each name, the last one last
};

}  // namespace tapeloft
