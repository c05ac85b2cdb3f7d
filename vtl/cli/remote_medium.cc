#include "vtl/cli/remote_medium.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "media/cartridge/block_io.h"
#include "media/pbs/block_format.h"

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {
namespace {

using media::kPbsBlockSize;

std::atomic<std::uint64_t> g_bytes_fetched = 0;

/// What the daemon calls its errors by name.
Error error_of(const Answer& answer) {
    constexpr auto kCodes = std::to_array<Errc>(
        {Errc::invalid_argument, Errc::not_found, Errc::already_exists, Errc::precondition,
         Errc::busy, Errc::denied, Errc::corrupt, Errc::io, Errc::no_space, Errc::end_of_medium,
         Errc::unsupported, Errc::cancelled, Errc::throttled, Errc::transient});
    if (answer.status == ExitStatus::unreachable) {
        return {Errc::transient, answer.message};
    }
    const auto pointer = Json::json_pointer("/error/code");
    if (answer.json.contains(pointer) && answer.json[pointer].is_string()) {
        const auto name = answer.json[pointer].get<std::string>();
        const auto* const code = std::find_if(kCodes.begin(), kCodes.end(),
                                              [&](Errc each) { return to_string(each) == name; });
        if (code != kCodes.end()) {
            return {*code, answer.message};
        }
    }
    return {answer.status == ExitStatus::not_found ? Errc::not_found : Errc::io, answer.message};
}

/// For so many records of PBS, and a byte that tells if more come.
Buffer room(std::size_t records) {
    return Buffer::allocate(records * kPbsBlockSize + 1);
}

/// As many bytes as there is room for.
class RecordBytes final : public BodySink {
  public:
    explicit RecordBytes(Buffer into) : buffer_(std::move(into)) {}

    [[nodiscard]] std::span<char> room() override {
        const auto left = buffer_.mutable_view().subspan(taken_);
        // Bytes may be viewed as characters: [basic.lval] 11.3.
        return {reinterpret_cast<char*>(left.data()), left.size()};  // NOLINT
    }
    [[nodiscard]] bool take(std::size_t size) override {
        taken_ += size;
        g_bytes_fetched += size;
        return taken_ < buffer_.size();
    }
    [[nodiscard]] std::size_t taken() const noexcept { return taken_; }
    [[nodiscard]] const Buffer& buffer() const noexcept { return buffer_; }

  private:
    Buffer buffer_;
    std::size_t taken_ = 0;
};

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
        const auto answer = ask(socket_, request);
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
        const auto answer = ask(socket_, request);
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

Result<RemoteMedium::Fetched> RemoteMedium::fetch_records(std::uint64_t file, std::uint64_t first,
                                                          std::size_t count) const {
    Request request;
    request.path = path("/data?file=" + std::to_string(file) + "&first=" + std::to_string(first) +
                        "&count=" + std::to_string(count));
    Fetched fetched;
    RecordBytes body(room(count));
    const auto answer = fetch(socket_, request, body);
    const auto whole = body.taken() / kPbsBlockSize;
    if (!answer.done() && whole == 0) {
        return error_of(answer);
    }
    fetched.aligned =
        body.taken() % kPbsBlockSize == 0 && (whole == count || (!answer.done() && whole < count));
    for (std::size_t i = 0; i < std::min(whole, count); ++i) {
        fetched.records.push_back(body.buffer().slice(i * kPbsBlockSize, kPbsBlockSize));
    }
    return fetched;
}

void RemoteMedium::will_read(std::uint64_t file, std::uint64_t first, std::size_t count) {
    ahead_.reset();
    ahead_ = Ahead{file, first, std::async(std::launch::async, [this, file, first, count] {
                       return fetch_records(file, first, count);
                   })};
}

Result<RemoteMedium::Fetched> RemoteMedium::take_records(std::uint64_t file, std::uint64_t first,
                                                         std::size_t count) {
    auto ahead = std::exchange(ahead_, std::nullopt);
    if (!ahead || ahead->file != file || ahead->first != first) {
        ahead.reset();
        return fetch_records(file, first, count);
    }
    auto fetched = ahead->fetched.get();
    if (fetched && fetched->records.size() > count) {
        fetched->records.resize(count);
    }
    return fetched;
}

Result<Buffer> RemoteMedium::fetch_record(std::uint64_t file, std::uint64_t number) const {
    Request request;
    request.path = path("/data?file=" + std::to_string(file) + "&first=" + std::to_string(number) +
                        "&count=1");
    RecordBytes body(Buffer::allocate(media::kRecordLengthMax + 1));
    const auto answer = fetch(socket_, request, body);
    if (!answer.done()) {
        return error_of(answer);
    }
    return Buffer::copy_of(body.buffer().view().first(body.taken()));
}

Awaitable<Result<std::vector<Buffer>>> RemoteMedium::read(std::uint64_t file, std::uint64_t first,
                                                          std::size_t count) {
    TL_CO_TRY(auto fetched, take_records(file, first, count));
    if (fetched.aligned) {
        co_return std::move(fetched.records);
    }
    // One of them has another length than PBS writes, so they are asked for one by one.
    std::vector<Buffer> records;
    for (std::size_t i = 0; i < count; ++i) {
        auto record = fetch_record(file, first + i);
        if (!record && records.empty()) {
            co_return std::move(record).error();
        }
        if (!record) {
            break;
        }
        records.push_back(std::move(*record));
    }
    co_return records;
}

}  // namespace tapeloft::vtl::cli
