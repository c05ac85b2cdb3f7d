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
    Names(ObjectStore& store, std::string after) : store_(store), after_(std::move(after)) {}

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

/// All of it is looked at before anything is changed: it may be another history. Where it lacks
/// more than fits in memory, the lists are read for each pass anew.
Awaitable<Result<void>> MirrorUpkeep::compare(std::size_t member, std::size_t source) {
    TL_CO_TRY(auto differ, co_await differences(member, source, std::nullopt, ""));
    if (differ.all) {
        book_.note_lacking(member, differ.found.size());
        for (const auto pass : kPasses) {
            TL_CO_CHECK(co_await settle_pass(member, source, pass, differ.found));
        }
        co_return Result<void>();
    }
    for (const auto pass : kPasses) {
        std::string after;
        do {
            TL_CO_TRY(differ, co_await differences(member, source, pass, after));
            TL_CO_CHECK(co_await settle_pass(member, source, pass, differ.found));
            after = differ.found.empty() ? after : differ.found.back().name;
        } while (!differ.all);
    }
    co_return Result<void>();
}

/// But for what is owed: it was changed since, and what it leads to is owed, too. only: unset, also
/// whether what is in both is the same.
Awaitable<Result<MirrorUpkeep::Differences>> MirrorUpkeep::differences(std::size_t member,
                                                                       std::size_t source,
                                                                       std::optional<Pass> only,
                                                                       std::string after) {
    Differences differ;
    Names theirs(store(source), after);
    Names ours(store(member), after);
    std::vector<std::string> to_compare;
    while (!only || differ.all) {
        TL_CO_CHECK(go_on());
        TL_CO_TRY(auto there, co_await theirs.peek());
        TL_CO_TRY(auto here, co_await ours.peek());
        if (!there && !here) {
            break;
        }
        const bool take_there = there && (!here || there->name <= here->name);
        const bool take_here = here && (!there || here->name <= there->name);
        there = take_there ? there : std::nullopt;
        here = take_here ? here : std::nullopt;
        TL_CO_TRY(auto found, difference(member, there, here));
        if (found && (!only || pass_of(found->name, found->kind) == *only) &&
            book_.owed_version(member, found->name) == 0 && differ.all) {
            differ.found.push_back(std::move(*found));
            differ.all = differ.found.size() < MirrorBook::kOwedMax;
        }
        if (!only && there && here && there->size <= kCompared &&
            pass_of(there->name, MirrorDebt::copy) == Pass::others) {
            to_compare.push_back(there->name);
        }
        if (to_compare.size() >= parts_.copies_at_once) {
            TL_CO_CHECK(co_await compare_bytes(member, source, std::exchange(to_compare, {})));
        }
        if (take_there) {
            theirs.next();
        }
        if (take_here) {
            ours.next();
        }
    }
    TL_CO_CHECK(co_await compare_bytes(member, source, std::move(to_compare)));
    co_return differ;
}

Awaitable<Result<void>> MirrorUpkeep::compare_bytes(std::size_t member, std::size_t source,
                                                    std::vector<std::string> names) {
    Calls calls;
    for (auto& name : names) {
        calls.push_back(compare_object(member, source, std::move(name)));
    }
    std::optional<Error> archived;
    TL_CO_CHECK(co_await do_all(std::move(calls), archived));
    co_return archived ? Result<void>(*archived) : Result<void>();
}

/// What one of them lost, or cannot read, is no other history: the list has just shown it. Where
/// the other one has it, it is put there anew.
Awaitable<Result<void>> MirrorUpkeep::compare_object(std::size_t member, std::size_t source,
                                                     std::string name) {
    const auto there = co_await store(source).get(name, {});
    const auto here = co_await store(member).get(name, {});
    if (there && here) {
        co_return std::ranges::equal(there->view(), here->view())
            ? Result<void>()
            : diverge(member, "its object " + name + " is another");
    }
    for (const auto* got : {&there, &here}) {
        if (!*got && !is_of_object(got->error())) {
            co_return got->error();
        }
    }
    const auto bad = there ? member : source;
    const auto& error = there ? here.error() : there.error();
    if ((there || here) && error.code != Errc::not_found && book_.owed_version(bad, name) == 0) {
        static_cast<void>(book_.owe(bad, name, MirrorDebt::copy));
    }
    co_return Result<void>();
}

/// there: in the source; here: in the member.
Result<std::optional<MirrorUpkeep::Difference>> MirrorUpkeep::difference(
    std::size_t member, const std::optional<ObjectInfo>& there,
    const std::optional<ObjectInfo>& here) {
    if (!there) {
        return std::optional(Difference{here->name, MirrorDebt::remove});
    }
    if (!here || is_replaced(there->name)) {
        return std::optional(Difference{there->name, MirrorDebt::copy});
    }
    if (here->size != there->size) {
        return diverge(member, "its object " + here->name + " has " + std::to_string(here->size) +
                                   " bytes in place of " + std::to_string(there->size));
    }
    return std::optional<Difference>();
}

Awaitable<Result<void>> MirrorUpkeep::settle_pass(std::size_t member, std::size_t source, Pass pass,
                                                  const std::vector<Difference>& found) {
    std::optional<Error> archived;
    for (auto next = found.begin(); next != found.end();) {
        TL_CO_CHECK(go_on());
        Calls calls;
        for (; next != found.end() && calls.size() < at_once(pass); ++next) {
            if (pass_of(next->name, next->kind) == pass) {
                calls.push_back(settle(member, source, *next));
            }
        }
        TL_CO_CHECK(co_await do_all(std::move(calls), archived));
    }
    co_return archived ? Result<void>(*archived) : Result<void>();
}

Awaitable<Result<void>> MirrorUpkeep::settle(std::size_t member, std::size_t source,
                                             const Difference& difference) {
    if (difference.kind == MirrorDebt::remove) {  // a list may lack what was put lately
        const auto found = co_await store(source).head(difference.name);
        if (!found && found.error().code == Errc::not_found) {
            TL_CO_CHECK(co_await store(member).remove(difference.name));
            book_.note_brought(member);
            co_return Result<void>();
        }
        if (!found) {
            co_return found.error();
        }
    }
    TL_CO_CHECK(co_await copy(member, difference.name, 0));
    book_.note_brought(member);
    co_return Result<void>();
}

}  // namespace tapeloft
