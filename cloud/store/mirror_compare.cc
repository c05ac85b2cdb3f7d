// MirrorUpkeep: what a member lacks, by the lists of two.
#include <algorithm>
#include <utility>

#include "cloud/store/mirror_upkeep.h"

namespace tapeloft {
namespace {

constexpr std::size_t kNamesPerPage = 1000;

/// The objects of a store in the order of their names, but for those of the mirror.
class Names {
  public:
    explicit Names(ObjectStore& store) : store_(store) {}

    /// Unset: there is no other.
    Awaitable<Result<std::optional<ObjectInfo>>> peek() {
        while (at_ == page_.objects.size() && page_.more) {
            TL_CO_TRY(page_, co_await store_.list("", after_, kNamesPerPage));
            at_ = 0;
            std::erase_if(page_.objects, [this](const auto& object) {
                after_ = object.name;
                return object.name.starts_with(kMirrorNames);
            });
        }
        co_return at_ < page_.objects.size() ? std::optional(page_.objects[at_]) : std::nullopt;
    }
    void next() { ++at_; }

  private:
    ObjectStore& store_;
    ObjectPage page_{{}, true};
    std::size_t at_ = 0;
    std::string after_;
};

}  // namespace

Awaitable<Result<void>> MirrorUpkeep::compare(std::size_t member, std::size_t source) {
    Names theirs(store(source));
    Names ours(store(member));
    for (;;) {
        TL_CO_CHECK(go_on());
        TL_CO_TRY(auto there, co_await theirs.peek());
        TL_CO_TRY(auto here, co_await ours.peek());
        if (!there && !here) {
            co_return Result<void>();
        }
        const bool take_there = there && (!here || there->name <= here->name);
        const bool take_here = here && (!there || here->name <= there->name);
        const std::optional<ObjectInfo> in_source = take_there ? there : std::nullopt;
        const std::optional<ObjectInfo> in_member = take_here ? here : std::nullopt;
        TL_CO_CHECK(co_await compare_object(member, source, in_source, in_member));
        if (take_there) {
            theirs.next();
        }
        if (take_here) {
            ours.next();
        }
    }
}

/// there: in the source; here: in the member.
Awaitable<Result<void>> MirrorUpkeep::compare_object(std::size_t member, std::size_t source,
                                                     const std::optional<ObjectInfo>& there,
                                                     const std::optional<ObjectInfo>& here) {
    if (!there) {  // a list may lack what was put lately
        const auto found = co_await store(source).head(here->name);
        if (!found && found.error().code == Errc::not_found) {
            co_return co_await store(member).remove(here->name);
        }
        if (!found) {
            co_return found.error();
        }
        co_return co_await copy(member, here->name);
    }
    if (!here || is_replaced(there->name)) {
        co_return co_await copy(member, there->name);
    }
    if (here->size != there->size) {
        co_return diverge(member, "its object " + here->name + " has " +
                                      std::to_string(here->size) + " bytes in place of " +
                                      std::to_string(there->size));
    }
    co_return Result<void>();
}

}  // namespace tapeloft
