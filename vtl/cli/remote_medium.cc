#include "vtl/cli/remote_medium.h"

#include <atomic>
#include <utility>

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {
namespace {

std::atomic<std::uint64_t> g_bytes_fetched = 0;

}  // namespace

std::uint64_t RemoteMedium::bytes_fetched() noexcept {
    return g_bytes_fetched;
}

std::string RemoteMedium::path(const std::string& what) const {
    return "/v1/cartridges/" + percent_encoded(barcode_) + what +
           (library_.empty() ? "" : "&library=" + percent_encoded(library_));
}

Awaitable<Result<std::vector<media::TapeFileExtent>>> RemoteMedium::files() {
    ahead_.reset();
    std::vector<media::TapeFileExtent> extents;
    for (bool more = true; more;) {
        Request request;
        request.path = path("/files?first=" + std::to_string(extents.size()));
        const auto answer = ask(exchange_->socket(), request);
        if (!answer.done()) {
            co_return error_of(answer);
        }
        for (const auto& file : answer.json.at("files")) {
            extents.push_back(
                {file.at("records").get<std::uint64_t>(), file.at("filemark").get<bool>()});
        }
        more = answer.json.at("more").get<bool>();
    }
    co_return extents;
}

Awaitable<Result<std::vector<media::RecordCut>>> RemoteMedium::cuts(std::uint64_t file) {
    ahead_.reset();
    std::vector<media::RecordCut> cuts;
    std::uint64_t first = 0;
    for (bool more = true; more;) {
        Request request;
        request.path =
            path("/cuts?file=" + std::to_string(file) + "&first=" + std::to_string(first));
        const auto answer = ask(exchange_->socket(), request);
        if (!answer.done()) {
            co_return error_of(answer);
        }
        for (const auto& cut : answer.json.at("cuts")) {
            cuts.push_back({cut.at(0).get<std::uint64_t>(), cut.at(1).get<std::uint32_t>()});
        }
        first += answer.json.at("count").get<std::uint64_t>();
        more = answer.json.at("more").get<bool>();
    }
    co_return cuts;
}

RemoteMedium::Records RemoteMedium::fetch(std::uint64_t file, std::uint64_t first,
                                          std::size_t count) const {
    auto records = exchange_->fetch(path("/records?file=" + std::to_string(file) +
                                         "&first=" + std::to_string(first) +
                                         "&count=" + std::to_string(count)));
    if (records) {
        for (const auto& record : *records) {
            g_bytes_fetched += record.size();
        }
    }
    return records;
}

void RemoteMedium::will_read(std::uint64_t file, std::uint64_t first, std::size_t count) {
    ahead_.reset();
    ahead_ = Ahead{file, first, std::async(std::launch::async, [this, file, first, count] {
                       return fetch(file, first, count);
                   })};
}

Awaitable<Result<std::vector<Buffer>>> RemoteMedium::read(std::uint64_t file, std::uint64_t first,
                                                          std::size_t count) {
    // What was fetched ahead, if it is that, else what comes now. No more is on its way then: the
    // daemon lends a cartridge to one request at a time.
    auto ahead = std::exchange(ahead_, std::nullopt);
    if (!ahead || ahead->file != file || ahead->first != first) {
        ahead.reset();
        co_return fetch(file, first, count);
    }
    auto records = ahead->fetched.get();
    if (records && records->size() > count) {
        records->resize(count);
    }
    co_return records;
}

}  // namespace tapeloft::vtl::cli
