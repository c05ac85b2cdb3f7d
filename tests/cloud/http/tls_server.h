// One HTTPS answer after another on loopback, with a certificate made for the occasion.
#pragma once

#include <memory>
#include <string>

namespace tapeloft::tests {

class TlsServer {
  public:
    /// The certificate is for 127.0.0.1 and signed by itself. Every request is answered 200
    /// "secret".
    TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    ~TlsServer();

    [[nodiscard]] std::string url(const std::string& host) const;
    [[nodiscard]] const std::string& certificate_pem() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace tapeloft::tests
