#include "cloud/http/transfer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace tapeloft::http {
namespace {

constexpr std::size_t kFirstRoom = 64UL * 1024;    ///< bytes, where no length is announced
constexpr std::size_t kAskFirstFrom = 1UL << 20U;  ///< bytes of a body; libcurl would ask for any
constexpr long kSendBuffer = 512L * 1024;          ///< bytes; what libcurl takes from us at a time
constexpr long kReceiveBuffer = 256L * 1024;
/// Bytes that the kernel takes from us and has not sent. With more (up to 4 MiB) what looks like a
/// stall would be a slow line that still sends what it has.
constexpr int kUnsentMax = 512 * 1024;

struct CodeRow {
    CURLcode code;
    Errc errc;
};

/// What repeating does not mend; all else is transient.
constexpr auto kCodes = std::to_array<CodeRow>({
    {CURLE_URL_MALFORMAT, Errc::invalid_argument},
    {CURLE_SSL_CACERT_BADFILE, Errc::io},
    {CURLE_PEER_FAILED_VERIFICATION, Errc::denied},
    {CURLE_SSL_ISSUER_ERROR, Errc::denied},
});

Errc errc_of(CURLcode code) {
    const auto* row =
        std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& r) { return r.code == code; });
    return row == kCodes.end() ? Errc::transient : row->errc;
}

bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool has_body(std::string_view method) {
    return method == "PUT" || method == "POST";
}

Transfer& of(void* self) {
    return *static_cast<Transfer*>(self);
}

int on_new_socket(void* /*unused*/, curl_socket_t socket, curlsocktype /*purpose*/) {
    // Without it only the stall limit is less exact.
    static_cast<void>(
        ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentMax, sizeof kUnsentMax));
    return CURL_SOCKOPT_OK;
}

}  // namespace

Transfer::Transfer(std::shared_ptr<Exchange> exchange, EasyHandle handle, SharedRates& rates)
    : exchange_(std::move(exchange)),
      handle_(std::move(handle)),
      rates_(rates),
      last_progress_(std::chrono::steady_clock::now()) {
    exchange_->begun = last_progress_;
}

Transfer::~Transfer() {
    curl_slist_free_all(headers_);
}

template <typename Value>
void Transfer::set(CURLoption option, Value value) {
    const auto code = curl_easy_setopt(handle_.get(), option, value);
    if (code != CURLE_OK && !refused_option_) {
        refused_option_ =
            Error{Errc::io, what() + ": libcurl does not take option " + std::to_string(option) +
                                ": " + curl_easy_strerror(code)};
    }
}

std::string Transfer::what() const {
    const auto& request = exchange_->request;
    return request.method + " " + request.url.substr(0, request.url.find('?'));
}

Result<void> Transfer::prepare(const HttpLimits& limits) {
    const auto& request = exchange_->request;
    if (!is_one_line(request.url) || !is_one_line(request.method)) {
        return Error{Errc::invalid_argument, "a request's URL and method are one line each"};
    }
    if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
        return Error{Errc::invalid_argument, "a request's URL begins with http:// or https://"};
    }
    TL_CHECK(set_headers());
    set(CURLOPT_URL, request.url.c_str());
    set_method();
    set_limits(limits);
    set(CURLOPT_ERRORBUFFER, error_text_);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_write);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_PRIVATE, this);
    return refused_option_ ? Result<void>(*refused_option_) : Result<void>();
}

Result<void> Transfer::add_header(const std::string& line) {
    auto* longer = curl_slist_append(headers_, line.c_str());
    if (longer == nullptr) {
        return Error{Errc::io, "no memory for the headers of a request"};
    }
    headers_ = longer;
    return {};
}

Result<void> Transfer::set_headers() {
    if (exchange_->request.body.size() <= kAskFirstFrom) {
        TL_CHECK(add_header("Expect:"));  // a line without a value: libcurl sends none
    }
    for (const auto& header : exchange_->request.headers) {
        if (header.value.empty() || !is_one_line(header.name) || !is_one_line(header.value)) {
            return Error{Errc::invalid_argument,
                         "the header " + header.name + " of a request is not one line"};
        }
        TL_CHECK(add_header(header.name + ": " + header.value));
    }
    set(CURLOPT_HTTPHEADER, headers_);
    return {};
}

void Transfer::set_method() {
    const auto& request = exchange_->request;
    if (has_body(request.method)) {
        set(CURLOPT_UPLOAD, 1L);
        set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_READFUNCTION, &Transfer::on_read);
        set(CURLOPT_READDATA, this);
        set(CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
        set(CURLOPT_SEEKDATA, this);
    }
    if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET") {
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
}

void Transfer::set_limits(const HttpLimits& limits) {
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // shut_down() does not wait for a name to be resolved
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_SOCKOPTFUNCTION, &on_new_socket);
    set(CURLOPT_USERAGENT, "tapeloft/" TAPELOFT_VERSION);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_BUFFERSIZE, kReceiveBuffer);
    set(CURLOPT_UPLOAD_BUFFERSIZE, kSendBuffer);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect_time_max.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total_time_max.count()));
    if (!limits.ca_file.empty()) {
        set(CURLOPT_CAINFO, limits.ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
}

void Transfer::finish(CURLcode code) {
    if (code != CURLE_OK) {
        const std::string text = !refused_.empty()        ? refused_
                                 : error_text_[0] != '\0' ? std::string(error_text_)
                                                          : std::string(curl_easy_strerror(code));
        return fail({refused_.empty() ? errc_of(code) : Errc::transient, what() + ": " + text});
    }
    long status = 0;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    response_.body = received_ == 0 ? Buffer() : body_.first(received_);
    if (!has_announced_length()) {
        return fail({Errc::transient, what() + ": the answer has another length than it says"});
    }
    finish(std::move(response_));
}

void Transfer::finish(Result<HttpResponse> outcome) {
    exchange_->sent = sent_;
    exchange_->received = received_;
    exchange_->finish(std::move(outcome));
}

/// A length that libcurl cannot read it takes for none.
bool Transfer::has_announced_length() const {
    const auto length = response_.header("content-length");
    const bool no_body =
        exchange_->request.method == "HEAD" || response_.status == 204 || response_.status == 304;
    return !length || no_body || response_.header("transfer-encoding") ||
           *length == std::to_string(received_);
}

std::chrono::milliseconds Transfer::silence_max(const HttpLimits& limits) const noexcept {
    const auto size = exchange_->request.body.size();
    return size != 0 && sent_ == size && !answering_ ? limits.answer_time_max
                                                     : limits.stall_time_max;
}

void Transfer::resume() {
    waits_for_ = nullptr;
    last_progress_ = std::chrono::steady_clock::now();
    curl_easy_pause(handle_.get(), CURLPAUSE_CONT);
}

std::size_t Transfer::on_read(char* into, std::size_t size, std::size_t count, void* self) {
    auto& transfer = of(self);
    const auto body = transfer.exchange_->request.body.view();
    const auto bytes = std::min(size * count, body.size() - transfer.sent_);
    const auto now = std::chrono::steady_clock::now();
    if (bytes == 0) {
        return 0;
    }
    if (!transfer.rates_.upload.may_go(now)) {
        transfer.waits_for_ = &transfer.rates_.upload;
        return CURL_READFUNC_PAUSE;
    }
    std::memcpy(into, body.data() + transfer.sent_, bytes);
    transfer.sent_ += bytes;
    transfer.rates_.upload.took(bytes);
    transfer.last_progress_ = now;
    return bytes;
}

int Transfer::on_seek(void* self, curl_off_t offset, int origin) {
    auto& transfer = of(self);
    const auto size = static_cast<curl_off_t>(transfer.exchange_->request.body.size());
    if (origin != SEEK_SET || offset < 0 || offset > size) {
        return CURL_SEEKFUNC_FAIL;
    }
    transfer.sent_ = static_cast<std::size_t>(offset);
    return CURL_SEEKFUNC_OK;
}

std::size_t Transfer::on_header(char* line, std::size_t size, std::size_t count, void* self) {
    auto& transfer = of(self);
    const auto bytes = size * count;
    transfer.header_bytes_ += bytes;
    transfer.last_progress_ = std::chrono::steady_clock::now();
    if (transfer.header_bytes_ > kHttpHeaderBytesMax) {
        transfer.refused_ =
            "the answer has more than " + std::to_string(kHttpHeaderBytesMax) + " bytes of headers";
        return 0;
    }
    if (transfer.received_ == 0) {  // what follows the body (a trailer) is not of interest
        transfer.take_header({line, bytes});
    }
    return bytes;
}

void Transfer::take_header(std::string_view line) {
    constexpr std::string_view kBlanks = " \t\r\n";
    if (line.starts_with("HTTP/")) {
        response_.headers.clear();  // those before were of a 1xx
        answering_ = line.substr(std::min(line.find(' '), line.size())).find(" 1") != 0;
        return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
        return;
    }
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(kBlanks), value.size()));
    value = value.substr(0, value.find_last_not_of(kBlanks) + 1);
    response_.headers.push_back({std::move(name), std::string(value)});
}

std::size_t Transfer::on_write(char* bytes, std::size_t size, std::size_t count, void* self) {
    auto& transfer = of(self);
    const auto length = size * count;
    const auto now = std::chrono::steady_clock::now();
    if (!transfer.rates_.download.may_go(now)) {
        transfer.waits_for_ = &transfer.rates_.download;
        return CURL_WRITEFUNC_PAUSE;
    }
    transfer.last_progress_ = now;
    if (!transfer.make_room(length)) {
        transfer.refused_ = "the answer is longer than the " +
                            std::to_string(transfer.exchange_->request.response_max) +
                            " bytes that were expected at most";
        return 0;
    }
    std::memcpy(transfer.body_.mutable_view().data() + transfer.received_, bytes, length);
    transfer.received_ += length;
    transfer.rates_.download.took(length);
    return length;
}

bool Transfer::make_room(std::size_t bytes) {
    const auto most = exchange_->request.response_max;
    curl_off_t announced = -1;
    if (received_ == 0) {
        curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    }
    if (bytes > most - received_ ||
        (announced > 0 && static_cast<std::uint64_t>(announced) > most)) {
        return false;
    }
    if (received_ + bytes <= body_.size()) {
        return true;
    }
    auto room = std::max({received_ * 2, kFirstRoom, received_ + bytes});
    if (announced > 0) {
        room = std::max(static_cast<std::size_t>(announced), bytes);
    }
    auto longer = Buffer::allocate(std::min(room, most));
    if (received_ != 0) {
        std::memcpy(longer.mutable_view().data(), body_.view().data(), received_);
    }
    body_ = std::move(longer);
    return true;
}

}  // namespace tapeloft::http
