#include "tests/cloud/http/tls_server.h"

#include <atomic>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "cloud/base/contract.h"

namespace tapeloft::tests {
namespace {

namespace asio = boost::asio;

template <typename T, void (*Free)(T*)>
struct Deleter {
    void operator()(T* value) const noexcept { Free(value); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;

std::string pem(const std::function<int(BIO*)>& write) {
    const std::unique_ptr<BIO, Deleter<BIO, BIO_free_all>> bio(BIO_new(BIO_s_mem()));
    TL_ASSERT(write(bio.get()) == 1);
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

Certificate make_certificate(EVP_PKEY* key) {
    Certificate certificate(X509_new());
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    auto* name = X509_get_subject_name(certificate.get());
    const std::string text = "tapeloft test";
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()), -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    const std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION, X509_EXTENSION_free>> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1"));
    X509_add_ext(certificate.get(), names.get(), -1);
    TL_ASSERT(X509_sign(certificate.get(), key, EVP_sha256()) != 0);
    return certificate;
}

}  // namespace

struct TlsServer::State {
    using Socket = asio::ip::tcp::socket;

    asio::io_context context;
    asio::ssl::context tls{asio::ssl::context::tls_server};
    asio::ip::tcp::acceptor acceptor{context, {asio::ip::address_v4::loopback(), 0}};
    std::string certificate;
    std::atomic<bool> ending = false;
    std::jthread thread;

    /// One connection after the other: a client that goes away ends it.
    void serve() {
        while (!ending) {
            boost::system::error_code error;
            asio::ssl::stream<Socket> stream(context, tls);
            acceptor.accept(stream.lowest_layer(), error);
            if (error) {
                return;
            }
            stream.handshake(asio::ssl::stream_base::server, error);
            asio::streambuf head;
            if (error || asio::read_until(stream, head, "\r\n\r\n", error) == 0) {
                continue;
            }
            const std::string answer =
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nsecret";
            asio::write(stream, asio::buffer(answer), error);
            stream.shutdown(error);
        }
    }
};

TlsServer::TlsServer() : state_(std::make_unique<State>()) {
    const Key key(EVP_EC_gen("P-256"));
    const auto certificate = make_certificate(key.get());
    state_->certificate = pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
    const auto key_pem = pem([&](BIO* bio) {
        return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    state_->tls.use_certificate_chain(asio::buffer(state_->certificate));
    state_->tls.use_private_key(asio::buffer(key_pem), asio::ssl::context::pem);
    state_->thread = std::jthread([state = state_.get()] { state->serve(); });
}

TlsServer::~TlsServer() {
    state_->ending = true;
    ::shutdown(state_->acceptor.native_handle(), SHUT_RDWR);
}

std::string TlsServer::url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(state_->acceptor.local_endpoint().port()) + "/";
}

const std::string& TlsServer::certificate_pem() const {
    return state_->certificate;
}

}  // namespace tapeloft::tests
