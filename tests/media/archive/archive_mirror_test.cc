// Damage that a store does not notice, and another store of the mirror that has the same sound.
#include <gtest/gtest.h>

#include "cloud/store/mirror_store.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/archive/damage.h"

namespace tapeloft::media {
namespace {

/// What the first store was asked for.
class Asked {
  public:
    void note(const std::string& name, const ByteRange& range) {
        const std::lock_guard lock(mutex_);
        ranges_.push_back({name, range.offset, end_of(range)});
    }
    [[nodiscard]] bool covers(const std::string& name, const ByteRange& range) const {
        const std::lock_guard lock(mutex_);
        return std::ranges::any_of(ranges_, [&](const auto& each) {
            return each.name == name && each.begin <= range.offset && end_of(range) <= each.end;
        });
    }

  private:
    struct Range {
        std::string name;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    static std::uint64_t end_of(const ByteRange& range) {
        return range.length ? range.offset + *range.length : UINT64_MAX;
    }

    mutable std::mutex mutex_;
    std::vector<Range> ranges_;
};

class FirstStore final : public ForwardingStore {
  public:
    FirstStore(std::shared_ptr<ObjectStore> store, std::shared_ptr<Asked> asked)
        : ForwardingStore(std::move(store)), asked_(std::move(asked)) {}

    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        auto there = co_await store().get(name, range);
        if (there) {
            asked_->note(name, range);
        }
        co_return there;
    }

  private:
    const std::shared_ptr<Asked> asked_;
};

/// Gives nothing that the first store was not asked for: whichever is nearer, what is damaged in
/// the first one is met.
class SecondStore final : public ForwardingStore {
  public:
    SecondStore(std::shared_ptr<ObjectStore> store, std::shared_ptr<Asked> asked)
        : ForwardingStore(std::move(store)), asked_(std::move(asked)) {}

    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        const bool of_data = name.starts_with("packs/") || name.starts_with("log/");
        auto there = co_await store().get(name, range);
        if (there && of_data && !asked_->covers(name, range)) {
            co_return Error{Errc::transient, "not yet"};
        }
        co_return there;
    }

  private:
    const std::shared_ptr<Asked> asked_;
};

class ArchiveMirror : public testing::Test {
  protected:
    ArchiveMirror() {
        WorldSettings settings;
        settings.overlay = [this](std::shared_ptr<MemoryStore> memory) {
            MirrorParts parts;
            const auto asked = std::make_shared<Asked>();
            parts.members = {std::make_shared<FirstStore>(std::move(memory), asked),
                             std::make_shared<SecondStore>(other_, asked)};
            parts.replaced = {std::string(kHeadPrefix), std::string(kLeaseName)};
            parts.events = &events_;
            mirror_ = std::make_shared<MirrorStore>(std::move(parts));
            return mirror_;
        };
        world_ = std::make_unique<ArchiveWorld>(settings);
        tend();
    }

    /// Until both are in step.
    void tend() {
        do {
            world_->run(wrapped(mirror_->tend()));
        } while (std::ranges::any_of(mirror_->members(), [](const auto& member) {
            return member.standing != MirrorStanding::in_step;
        }));
    }
    static Awaitable<int> wrapped(Awaitable<void> work) {
        co_await std::move(work);
        co_return 0;
    }

    void write() {
        std::mt19937_64 random(5);
        objects_ = random_tape(random, 40);
        cartridge_ = world_->add_cartridge("TL0001L9");
        world_->write_tape(cartridge_, objects_);
        world_->store_all(cartridge_);
    }
    static void flip_all(MemoryStore& store, const std::string& prefix) {
        auto objects = store.objects();
        for (auto& [name, body] : objects) {
            if (name.starts_with(prefix)) {
                auto bytes = Buffer::copy_of(body.view());
                bytes.mutable_view()[bytes.size() / 2] ^= 1U;
                body = std::move(bytes);
            }
        }
        store.set_objects(std::move(objects));
    }
    static MemoryStore::Objects only(const MemoryStore& store, const std::string& prefix) {
        auto objects = store.objects();
        std::erase_if(objects,
                      [&](const auto& object) { return !object.first.starts_with(prefix); });
        return objects;
    }
    [[nodiscard]] bool same(const std::string& prefix) const {
        const auto one = only(*world_->memory, prefix);
        const auto two = only(*other_, prefix);
        return std::ranges::equal(one, two, [](const auto& a, const auto& b) {
            return a.first == b.first && std::ranges::equal(a.second.view(), b.second.view());
        });
    }

    EventLog events_;
    std::shared_ptr<MemoryStore> other_ = std::make_shared<MemoryStore>();
    std::shared_ptr<MirrorStore> mirror_;
    std::unique_ptr<ArchiveWorld> world_;
    CartridgeRecord cartridge_;
    std::vector<Object> objects_;
};

TEST_F(ArchiveMirror, AChunkThatIsDamagedInOneStoreIsReadFromTheOtherAndMended) {
    write();
    flip_all(*world_->memory, "packs/");
    EXPECT_EQ(world_->read_tape(cartridge_), objects_);
    EXPECT_TRUE(same("packs/"));
    const auto told = std::ranges::any_of(events_.events_after(0), [](const Event& event) {
        return event.message.find("another one has it sound") != std::string::npos;
    });
    EXPECT_TRUE(told);
}

TEST_F(ArchiveMirror, AChunkThatIsDamagedInBothIsDamaged) {
    write();
    flip_all(*world_->memory, "packs/");
    flip_all(*other_, "packs/");
    auto tape = world_->open(cartridge_);
    std::optional<Errc> why;
    while (!why) {
        const auto read = world_->run(tape->read());
        if (!read) {
            why = read.error().code;
        } else if (read->kind == ReadKind::end_of_data) {
            break;
        }
    }
    EXPECT_EQ(why, Errc::corrupt);
    EXPECT_TRUE(world_->run(tape->close()).has_value());
}

TEST_F(ArchiveMirror, LogsThatAreDamagedInOneStoreAreReadFromTheOtherAndMended) {
    write();
    flip_all(*world_->memory, "log/");
    const auto report = world_->run(world_->archive->check(false));
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_FALSE(report->is_damaged());
    EXPECT_TRUE(same("log/"));
}

TEST_F(ArchiveMirror, LogsThatAreDamagedInBothAreDamaged) {
    write();
    flip_all(*world_->memory, "log/");
    flip_all(*other_, "log/");
    const auto report = world_->run(world_->archive->check(false));
    ASSERT_TRUE(report.has_value()) << report.error().message;
    EXPECT_TRUE(report->is_damaged());
}

}  // namespace
}  // namespace tapeloft::media
