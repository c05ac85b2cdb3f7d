#include "vtl/state/secret_file.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"

namespace tapeloft::vtl::state {
namespace {

struct OpenFile {
    Descriptor descriptor;
    mode_t mode = 0;
};

Result<OpenFile> open_file(const std::filesystem::path& file) {
    // Without O_NONBLOCK a named pipe would wait for a writer.
    OpenFile opened{Descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK))};
    struct stat status {};
    if (!opened.descriptor.is_open() || ::fstat(opened.descriptor.get(), &status) != 0) {
        return error_from_errno(file.string(), errno);
    }
    opened.mode = status.st_mode;
    return opened;
}

/// The first `most` bytes, or all there are.
Result<std::string> read_bytes(int descriptor, const std::filesystem::path& file,
                               std::size_t most) {
    std::string bytes(most, '\0');
    std::size_t done = 0;
    while (done < most) {
        const auto size = ::read(descriptor, bytes.data() + done, most - done);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return error_from_errno(file.string(), errno);
        }
        if (size == 0) {
            break;
        }
        done += static_cast<std::size_t>(size);
    }
    bytes.resize(done);
    return bytes;
}

}  // namespace

Result<std::string> read_secret_file(const std::filesystem::path& file,
                                     const SecretLength& length) {
    const auto& name = file.string();
    TL_TRY(const auto opened, open_file(file));
    if (!S_ISREG(opened.mode)) {
        return Error{Errc::invalid_argument, name + " is not a regular file"};
    }
    if ((opened.mode & S_IRWXO) != 0) {
        return Error{Errc::denied,
                     name + " is open to every user of this machine; run: chmod 600 " + name};
    }
    // A newline, and one too many.
    TL_TRY(auto secret, read_bytes(opened.descriptor.get(), file, length.most + 2));
    if (!secret.empty() && secret.back() == '\n') {
        secret.pop_back();
    }
    if (secret.size() < length.least || secret.size() > length.most) {
        return Error{Errc::invalid_argument, name + " must hold a secret of " +
                                                 std::to_string(length.least) + " to " +
                                                 std::to_string(length.most) +
                                                 " bytes (one newline at the end does not count)"};
    }
    return secret;
}

Result<std::string> read_short_file(const std::filesystem::path& file, std::size_t most) {
    TL_TRY(const auto opened, open_file(file));
    if (!S_ISREG(opened.mode) && !S_ISFIFO(opened.mode)) {
        return Error{Errc::invalid_argument,
                     file.string() + " is neither a regular file nor a pipe"};
    }
    // Of a pipe that somebody writes to, the rest is waited for.
    if (::fcntl(opened.descriptor.get(), F_SETFL, 0) != 0) {
        return error_from_errno(file.string(), errno);
    }
    TL_TRY(auto bytes, read_bytes(opened.descriptor.get(), file, most + 1));
    if (bytes.size() > most) {
        return Error{Errc::invalid_argument, file.string() + " is too long; at most " +
                                                 std::to_string(most) + " bytes were expected"};
    }
    return bytes;
}

}  // namespace tapeloft::vtl::state
