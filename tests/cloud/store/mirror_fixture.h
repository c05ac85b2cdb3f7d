// A mirror of stores in memory, each of which can fail.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"
#include "cloud/store/memory_store.h"
#include "cloud/store/mirror_store.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {

class RosterMemory final : public MirrorMemory {
  public:
    [[nodiscard]] Result<std::optional<std::string>> load() const override { return text; }
    Result<void> save(const std::string& saved) override {
        if (fails) {
            return Error{Errc::io, "the disk is broken"};
        }
        text = saved;
        return {};
    }

    std::optional<std::string> text;
    bool fails = false;
};

class MirrorStoreTest : public testing::Test {
  protected:
    struct Member {
        std::shared_ptr<MemoryStore> memory = std::make_shared<MemoryStore>();
        std::shared_ptr<FaultyStore> store = std::make_shared<FaultyStore>(memory, 1);
    };

    /// A daemon that starts, here or (without memory) on another machine.
    void start(std::size_t required = 1, bool with_memory = true) {
        MirrorParts parts;
        parts.required = required;
        parts.replaced = {"head/", "lease"};
        parts.agreed = {"lease"};
        parts.led_to = {"packs/"};
        parts.events = &events;
        parts.slow_patience = slow_patience;
        parts.start_patience = start_patience;
        parts.memory = with_memory ? memory_ : nullptr;
        if (!with_memory) {
            memory.text.reset();
        }
        for (std::size_t i = 0; i < members.size(); ++i) {
            parts.members.push_back(i < overlays.size() && overlays[i] ? overlays[i]
                                                                       : members[i].store);
        }
        mirror = std::make_unique<MirrorStore>(std::move(parts));
    }
    Result<void> put(const std::string& name, std::string_view text, PutOptions options = {}) {
        return loop.run(mirror->put(name, body_of(text), options));
    }
    std::string get(const std::string& name) {
        const auto body = loop.run(mirror->get(name, {}));
        return body ? std::string(as_text(body->view()))
                    : "error: " + std::string(to_string(body.error().code));
    }
    std::string in(std::size_t member, const std::string& name) const {
        const auto objects = members[member].memory->objects();
        const auto found = objects.find(name);
        return found == objects.end() ? "none" : std::string(as_text(found->second.view()));
    }
    void set_in(std::size_t member, const std::string& name, std::string_view text) {
        auto objects = members[member].memory->objects();
        objects.insert_or_assign(name, body_of(text));
        members[member].memory->set_objects(std::move(objects));
    }
    void lose_in(std::size_t member, const std::string& name) {
        auto objects = members[member].memory->objects();
        objects.erase(name);
        members[member].memory->set_objects(std::move(objects));
    }
    void tend() {
        auto round = [this]() -> Awaitable<bool> {
            co_await mirror->tend();
            co_return true;
        };
        loop.run(round());
    }
    std::string standings() const {
        std::string all;
        for (const auto& member : mirror->members()) {
            all += (all.empty() ? "" : ", ") + std::string(to_string(member.standing));
        }
        return all;
    }
    /// Without what is the mirror's own.
    MemoryStore::Objects data_of(std::size_t member) const {
        auto objects = members[member].memory->objects();
        std::erase_if(objects, [](const auto& each) { return each.first.starts_with("mirror/"); });
        return objects;
    }
    bool same_data(std::size_t a, std::size_t b) const {
        const auto same = [](const auto& x, const auto& y) {
            return x.first == y.first && std::ranges::equal(x.second.view(), y.second.view());
        };
        return std::ranges::equal(data_of(a), data_of(b), same);
    }
    /// How often people were told.
    std::size_t told(std::string_view words) const {
        const auto all = events.events_after(0);
        return static_cast<std::size_t>(std::ranges::count_if(all, [&](const Event& event) {
            return event.message.find(words) != std::string::npos;
        }));
    }

    std::chrono::milliseconds slow_patience{5000};
    std::chrono::milliseconds start_patience{5000};
    std::vector<std::shared_ptr<ObjectStore>> overlays;  ///< instead of a member's store
    StoreLoop loop;
    EventLog events;
    std::shared_ptr<RosterMemory> memory_ = std::make_shared<RosterMemory>();
    RosterMemory& memory = *memory_;
    std::vector<Member> members = std::vector<Member>(2);
    std::unique_ptr<MirrorStore> mirror;
};

}  // namespace tapeloft::tests
