// A catalog in memory: what a call changed is durable when it returns, as the real one promises.
// Any call may be made to fail.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "media/catalog/catalog.h"

namespace tapeloft::media {

class FakeCatalog final : public Catalog {
  public:
    /// Asked before each change; an Error is returned and nothing changes.
    std::function<std::optional<Error>()> before_change;

    Result<std::optional<std::string>> property(const std::string&) override { return unused(); }
    Result<void> set_property(const std::string&, const std::string&) override { return unused(); }
    Result<std::vector<CartridgeRecord>> cartridges(const std::string&) override {
        return unused();
    }
    Result<std::vector<CartridgeRecord>> all_cartridges() override { return unused(); }
    Result<CartridgeRecord> cartridge(CartridgeId) override { return unused(); }
    Result<std::vector<CartridgeRecord>> add_cartridges(
        const std::vector<CartridgeRecord>&) override {
        return unused();
    }
    Result<CartridgeRecord> add_cartridge(const CartridgeRecord&) override { return unused(); }
    Result<void> remove_cartridge(CartridgeId id) override {
        rows_.erase(id);
        return {};
    }
    Result<void> move_cartridges(const std::vector<CartridgeMove>&) override { return unused(); }
    Result<void> set_write_protected(CartridgeId, bool) override { return unused(); }
    Result<void> set_damaged(CartridgeId, bool) override { return unused(); }
    Result<void> note_usage(const std::string&, std::uint64_t, std::uint64_t) override {
        return unused();
    }
    Result<std::vector<NamedValue>> values(const std::string&) override { return unused(); }
    Result<void> set_value(const std::string&, const std::string&, ByteView) override {
        return unused();
    }
    Result<std::vector<std::uint64_t>> partitions(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        return partitions_[id];
    }

    Result<void> visit_segments(CartridgeId id, const SegmentVisitor& visit) override {
        const std::lock_guard lock(mutex_);
        for (const auto& [number, row] : rows_[id]) {
            visit(row);
        }
        return {};
    }
    Result<std::vector<SegmentRecord>> unsealed_segments(CartridgeId id) override {
        TL_TRY(auto rows, segments(id));
        std::erase_if(rows, [this](const auto& row) { return at_rest(row); });
        return rows;
    }
    Result<std::vector<std::uint64_t>> spooled_segments(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        std::vector<std::uint64_t> numbers;
        for (const auto& [number, row] : rows_[id]) {
            if (row.spooled && (row.object_count != 0 || !row.sealed)) {
                numbers.push_back(number);
            }
        }
        return numbers;
    }
    ArchiveCatalog& archive() override { std::abort(); }

    /// What commit_segments() does to a row; its file may be anything until it is sealed, too.
    void store(CartridgeId id, std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        auto& row = rows_[id].at(number);
        if (!row.sealed) {
            restless_.insert(number);
        }
        row.stored = true;
        row.sealed = true;
    }
    void leave_spool(CartridgeId id, std::uint64_t number) {
        const std::lock_guard lock(mutex_);
        rows_[id].at(number).spooled = false;
    }
    [[nodiscard]] std::vector<TruncatedAt> truncations() const { return truncations_; }

    Result<std::vector<SegmentRecord>> segments(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        std::vector<SegmentRecord> rows;
        for (const auto& [number, row] : rows_[id]) {
            rows.push_back(row);
        }
        std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
            return std::pair(a.partition, a.first_object) < std::pair(b.partition, b.first_object);
        });
        return rows;
    }

    /// As strict as the real one: removed and replaced rows exist, added ones do not; and never a
    /// number that was used before.
    Result<void> change_segments(CartridgeId id, const SegmentChange& change) override {
        const std::lock_guard lock(mutex_);
        if (before_change) {
            if (auto error = before_change(); error) {
                return std::move(*error);
            }
        }
        auto rows = rows_[id];
        auto used = used_[id];
        for (const auto number : change.removed) {
            if (rows.erase(number) != 1) {
                return Error{Errc::not_found, "no segment " + std::to_string(number)};
            }
        }
        for (const auto& row : change.replaced) {
            if (!rows.contains(row.number)) {
                return Error{Errc::not_found, "no segment " + std::to_string(row.number)};
            }
            const auto before = std::exchange(rows[row.number], row);
            rows[row.number].stored = before.stored;
            rows[row.number].spooled = before.spooled && row.spooled;
            if (row.sealed) {
                restless_.erase(row.number);
            }
        }
        for (const auto& row : change.added) {
            if (!used.insert(row.number).second) {
                return Error{Errc::already_exists, "segment " + std::to_string(row.number)};
            }
            rows[row.number] = row;
        }
        rows_[id] = std::move(rows);
        used_[id] = std::move(used);
        if (change.partitions) {
            partitions_[id] = *change.partitions;
        } else if (change.truncated) {
            truncations_.push_back(*change.truncated);
        }
        ++changes;
        return {};
    }

    std::uint64_t changes = 0;

  private:
    static Error unused() { return {Errc::unsupported, "not part of this fake"}; }

    [[nodiscard]] bool at_rest(const SegmentRecord& row) const {
        return row.sealed && !restless_.contains(row.number);
    }

    std::mutex mutex_;
    std::set<std::uint64_t> restless_;  ///< stored, and their files not sealed
    std::vector<TruncatedAt> truncations_;
    std::map<CartridgeId, std::map<std::uint64_t, SegmentRecord>> rows_;
    std::map<CartridgeId, std::set<std::uint64_t>> used_;
    std::map<CartridgeId, std::vector<std::uint64_t>> partitions_;
};

}  // namespace tapeloft::media
