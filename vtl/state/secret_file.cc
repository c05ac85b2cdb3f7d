#include "vtl/state/secret_file.h"

#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapeloft::vtl::state {
namespace {

Result<std::string> read_secret(int descriptor, const std::string& name,
                                const SecretLength& length) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
        return error_from_errno(name, errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return Error{Errc::invalid_argument, name + " is not a regular file"};
    }
    if ((status.st_mode & S_IRWXO) != 0) {
        return Error{Errc::denied,
                     name + " is open to every user of this machine; run: chmod 600 " + name};
    }
    std::vector<char> buffer(length.most + 2);  // a newline, and one too many
    const auto size = ::read(descriptor, buffer.data(), buffer.size());
    if (size < 0) {
        return error_from_errno(name, errno);
    }
    std::string secret(buffer.data(), static_cast<std::size_t>(size));
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

}  // namespace

Result<std::string> read_secret_file(const std::filesystem::path& file,
                                     const SecretLength& length) {
    // Without O_NONBLOCK a named pipe would wait for a writer.
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return error_from_errno(file.string(), errno);
    }
    auto secret = read_secret(descriptor, file.string(), length);
    ::close(descriptor);
    return secret;
}

}  // namespace tapeloft::vtl::state
