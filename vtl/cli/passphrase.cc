#include "vtl/cli/passphrase.h"

#include <csignal>
#include <cstdio>

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "media/repository/keys.h"

#include "vtl/state/secret_file.h"

namespace tapeloft::vtl::cli {
namespace {

/// The controlling terminal without echo while it lives; a signal that would end or stop the
/// program waits until the echo is back.
class SilentTerminal {
  public:
    SilentTerminal() : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
        if (descriptor_ < 0) {
            return;
        }
        sigset_t waiting;
        ::sigemptyset(&waiting);
        for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGTSTP, SIGHUP}) {
            ::sigaddset(&waiting, number);
        }
        ::pthread_sigmask(SIG_BLOCK, &waiting, &signals_);
        silent_ = ::tcgetattr(descriptor_, &settings_) == 0;
        auto silent = settings_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent_ = silent_ && ::tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;
    ~SilentTerminal() {
        if (descriptor_ < 0) {
            return;
        }
        if (silent_) {
            ::tcsetattr(descriptor_, TCSAFLUSH, &settings_);
        }
        ::close(descriptor_);
        ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
    }

    [[nodiscard]] bool ready() const noexcept { return silent_; }
    void write(const std::string& text) const {
        [[maybe_unused]] const auto written = ::write(descriptor_, text.data(), text.size());
    }
    [[nodiscard]] std::string read_line() const {
        std::string line;
        char c = 0;
        while (line.size() < 1024 && ::read(descriptor_, &c, 1) == 1 && c != '\n') {
            line += c;
        }
        return line;
    }

  private:
    int descriptor_;
    termios settings_{};
    sigset_t signals_{};
    bool silent_ = false;
};

}  // namespace

Result<std::string> ask_passphrase(const std::string& prompt) {
    const SilentTerminal terminal;
    if (!terminal.ready()) {
        return Error{Errc::precondition,
                     "a passphrase is needed, and there is no terminal to ask on; put it into a "
                     "file (--passphrase-file, --new-passphrase-file)"};
    }
    terminal.write(prompt);
    auto line = terminal.read_line();
    terminal.write("\n");
    if (line.empty()) {
        return Error{Errc::cancelled, "no passphrase was typed"};
    }
    return line;
}

Result<std::optional<std::string>> passphrase_of(const std::filesystem::path& key_file,
                                                 const std::string& passphrase_file) {
    TL_TRY(const bool wrapped, media::KeyFile::is_wrapped(key_file));
    std::optional<std::string> passphrase;
    if (!wrapped) {
        return passphrase;
    }
    if (passphrase_file.empty()) {
        TL_TRY(passphrase, ask_passphrase("Passphrase of " + key_file.string() + ": "));
    } else {
        TL_TRY(passphrase, state::read_secret_file(passphrase_file, {}));
    }
    return passphrase;
}

Result<std::string> new_passphrase(const std::string& passphrase_file) {
    if (!passphrase_file.empty()) {
        return state::read_secret_file(passphrase_file, {});
    }
    TL_TRY(auto passphrase, ask_passphrase("New passphrase: "));
    TL_TRY(const auto again, ask_passphrase("New passphrase again: "));
    if (passphrase != again) {
        return Error{Errc::invalid_argument, "these were two different passphrases"};
    }
    return passphrase;
}

}  // namespace tapeloft::vtl::cli
