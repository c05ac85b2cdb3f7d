// The store of a library, as somebody else sees it beside the daemon.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "cloud/base/call_on.h"
#include "cloud/store/object_store.h"
#include "cloud/store/store_registry.h"

namespace tapeloft::vtl::daemon {

class StoreBeside {
  public:
    StoreBeside() = default;
    StoreBeside(const StoreBeside&) = delete;
    StoreBeside& operator=(const StoreBeside&) = delete;
    ~StoreBeside() {
        objects_.reset();
        threads_.join();
    }

    void open(const std::string& url) {
        const auto threads = threads_.get_executor();
        auto opened = open_store(url, {threads, threads});
        ASSERT_TRUE(opened) << opened.error().message;
        objects_ = std::move(*opened);
    }
    ObjectStore* operator->() const { return objects_.get(); }
    /// Of a call of it.
    template <typename T>
    T wait_for(Awaitable<T> call) {
        auto wrapped = as_optional(std::move(call));
        return *boost::asio::co_spawn(threads_, std::move(wrapped), boost::asio::use_future).get();
    }
    std::vector<ObjectInfo> packs() {
        const auto page = wait_for(objects_->list("packs/", "", 1000));
        EXPECT_TRUE(page && !page->more);
        return page->objects;
    }

  private:
    boost::asio::thread_pool threads_{2};
    std::unique_ptr<ObjectStore> objects_;
};

}  // namespace tapeloft::vtl::daemon
