#include "cloud/store/faulty_store.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/asio/this_coro.hpp>

namespace tapeloft {
namespace {

constexpr std::array<std::string_view, kStoreCalls> kCallNames = {"put", "get", "head", "list",
                                                                  "remove"};

std::size_t index_of(StoreCall call) {
    return static_cast<std::size_t>(call);
}

Error injected(StoreCall call, const std::string& name, Errc code) {
    return {code, "injected fault: " + std::string(kCallNames.at(index_of(call))) + " " + name};
}

Awaitable<void> give_way(unsigned turns) {
    const auto executor = co_await boost::asio::this_coro::executor;
    for (unsigned i = 0; i < turns; ++i) {
        co_await boost::asio::post(executor, boost::asio::use_awaitable);
    }
}

Buffer damaged(const Buffer& body, Fault fault, std::uint64_t draw) {
    if (body.empty()) {
        return body;
    }
    if (fault == Fault::cut) {
        return body.first(draw % body.size());
    }
    auto copy = Buffer::copy_of(body.view());
    copy.mutable_view()[draw / 8 % body.size()] ^= static_cast<std::uint8_t>(1U << (draw % 8));
    return copy;
}

}  // namespace

FaultyStore::FaultyStore(std::shared_ptr<ObjectStore> store, std::uint64_t seed, FaultRates rates)
    : StoreDecorator(std::move(store)), random_(seed), rates_(rates) {}

void FaultyStore::set_rates(FaultRates rates) {
    const std::lock_guard lock(mutex_);
    rates_ = rates;
}

void FaultyStore::set_down(bool down) {
    const std::lock_guard lock(mutex_);
    down_ = down;
}

void FaultyStore::script(StoreCall call, std::uint64_t nth, Fault fault, Errc code) {
    TL_ASSERT(nth > 0);
    const std::lock_guard lock(mutex_);
    script_.push_back({call, calls_.at(index_of(call)) + nth, fault, code});
}

std::uint64_t FaultyStore::calls(StoreCall call) const {
    const std::lock_guard lock(mutex_);
    return calls_.at(index_of(call));
}

bool FaultyStore::chance(unsigned per_mille) {
    return per_mille != 0 && random_() % 1000 < per_mille;
}

FaultyStore::Plan FaultyStore::begin(StoreCall call) {
    const std::lock_guard lock(mutex_);
    const auto count = ++calls_.at(index_of(call));
    Plan plan;
    if (rates_.turns_max != 0) {
        plan.turns_before = static_cast<unsigned>(random_() % (rates_.turns_max + 1));
        plan.turns_after = static_cast<unsigned>(random_() % (rates_.turns_max + 1));
    }
    draw_fault(call, plan);
    const auto scripted = std::find_if(script_.begin(), script_.end(), [&](const Scripted& row) {
        return row.call == call && row.at == count;
    });
    if (scripted != script_.end()) {
        plan.fault = scripted->fault;
        plan.code = scripted->code;
        script_.erase(scripted);
    }
    if (down_) {
        plan.fault = Fault::before;
        plan.code = Errc::transient;
    }
    plan.draw = random_();
    return plan;
}

void FaultyStore::draw_fault(StoreCall call, Plan& plan) {
    const bool changes = call == StoreCall::put || call == StoreCall::remove;
    if (chance(rates_.before)) {
        plan.fault = Fault::before;
    } else if (chance(rates_.throttled)) {
        plan.fault = Fault::before;
        plan.code = Errc::throttled;
    } else if (changes && chance(rates_.after)) {
        plan.fault = Fault::after;
    } else if (call == StoreCall::get && chance(rates_.flipped)) {
        plan.fault = Fault::flipped;
    } else if (call == StoreCall::get && chance(rates_.cut)) {
        plan.fault = Fault::cut;
    }
}

Awaitable<Result<void>> FaultyStore::put(std::string name, Buffer body, PutOptions options) {
    const auto plan = begin(StoreCall::put);
    co_await give_way(plan.turns_before);
    if (plan.fault == Fault::before) {
        co_return injected(StoreCall::put, name, plan.code);
    }
    auto stored = co_await store().put(name, std::move(body), options);
    if (stored) {
        note_put(name);
    }
    co_await give_way(plan.turns_after);
    if (plan.fault == Fault::after) {
        co_return injected(StoreCall::put, name, plan.code);
    }
    co_return stored;
}

Awaitable<Result<Buffer>> FaultyStore::get(std::string name, ByteRange range) {
    const auto plan = begin(StoreCall::get);
    co_await give_way(plan.turns_before);
    if (plan.fault == Fault::before || plan.fault == Fault::after) {
        co_return injected(StoreCall::get, name, plan.code);
    }
    auto body = co_await store().get(std::move(name), range);
    co_await give_way(plan.turns_after);
    if (body && plan.fault) {
        co_return damaged(*body, *plan.fault, plan.draw);
    }
    co_return body;
}

Awaitable<Result<ObjectInfo>> FaultyStore::head(std::string name) {
    const auto plan = begin(StoreCall::head);
    co_await give_way(plan.turns_before);
    if (plan.fault) {
        co_return injected(StoreCall::head, name, plan.code);
    }
    auto info = co_await store().head(std::move(name));
    co_await give_way(plan.turns_after);
    co_return info;
}

Awaitable<Result<ObjectPage>> FaultyStore::list(std::string prefix, std::string after,
                                                std::size_t limit) {
    const auto plan = begin(StoreCall::list);
    co_await give_way(plan.turns_before);
    if (plan.fault) {
        co_return injected(StoreCall::list, prefix, plan.code);
    }
    const auto hidden = begin_list();
    ObjectPage shown;
    do {
        TL_CO_TRY(auto page, co_await store().list(prefix, after, limit));
        shown.more = page.more;
        if (!page.objects.empty()) {
            after = page.objects.back().name;
        }
        for (auto& object : page.objects) {
            if (!std::binary_search(hidden.begin(), hidden.end(), object.name)) {
                shown.objects.push_back(std::move(object));
            }
        }
        // A page without names could not be asked behind.
    } while (shown.objects.empty() && shown.more);
    co_await give_way(plan.turns_after);
    co_return shown;
}

Awaitable<Result<void>> FaultyStore::remove(std::string name) {
    const auto plan = begin(StoreCall::remove);
    co_await give_way(plan.turns_before);
    if (plan.fault == Fault::before) {
        co_return injected(StoreCall::remove, name, plan.code);
    }
    auto removed = co_await store().remove(name);
    co_await give_way(plan.turns_after);
    if (plan.fault == Fault::after) {
        co_return injected(StoreCall::remove, name, plan.code);
    }
    co_return removed;
}

void FaultyStore::note_put(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (rates_.list_lag != 0) {
        lagging_[name] = rates_.list_lag;
    }
}

std::vector<std::string> FaultyStore::begin_list() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> hidden;
    for (auto row = lagging_.begin(); row != lagging_.end();) {
        hidden.push_back(row->first);
        row = --row->second == 0 ? lagging_.erase(row) : std::next(row);
    }
    return hidden;
}

}  // namespace tapeloft
