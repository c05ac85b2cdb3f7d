// Key files of the backup client, by themselves and with a passphrase.
#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/json.h"

#include "tests/fuzz/fuzz_target.h"
#include "tests/media/pbs/golden_tapes.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

/// A derivation may be asked to cost seconds and a gigabyte; that is no find.
bool is_cheap(ByteView bytes) {
    const auto json = parse_json_object("", bytes);
    if (!json || !json->contains("kdf") || !json->at("kdf").is_object()) {
        return true;
    }
    std::uint64_t cost = 1;
    for (const auto& kdf : json->at("kdf")) {
        for (const auto* const name : {"n", "r", "p", "iter"}) {
            const auto number =
                kdf.is_object() ? json_unsigned(kdf, name) : Result<std::uint64_t>(1);
            const auto value = number ? *number : 1;
            cost = value > 1'000'000 ? value
                                     : std::max(cost, cost * std::max<std::uint64_t>(1, value));
            if (cost > 10'000) {
                return value > 1'000'000'000;  // refused
            }
        }
    }
    return true;
}

std::string wrapped(const std::string& kdf) {
    return R"({"kdf":)" + kdf +
           R"(,"created":"2024-06-05T09:04:24+02:00","modified":"2024-06-05T09:04:24+02:00","data":)"
           R"("oKGio6SlpqeoqaqrrK2ur0wMtxdhSr4O4pa8QFvpDtDDfHe4lSAC8pCbAnGrPlJRc7zWpM8uKU9JU6TA1coIqQ==")"
           R"(,"fingerprint":null})";
}

}  // namespace

std::vector<Bytes> seeds() {
    const auto scrypt =
        wrapped(R"({"Scrypt":{"n":16,"r":8,"p":1,"salt":"ICEiIyQlJicoKSorLC0uLw=="}})");
    const auto pbkdf2 = wrapped(R"({"PBKDF2":{"iter":10,"salt":"ICEiIyQlJicoKSorLC0uLw=="}})");
    return {golden_bytes("keys/client-key.json"), golden_bytes("keys/client-key-scrypt.json"),
            Bytes(scrypt.begin(), scrypt.end()), Bytes(pbkdf2.begin(), pbkdf2.end())};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    const std::string passphrase = "secret";
    (void)is_key_file_wrapped(bytes);
    (void)parse_key_file(bytes, nullptr);
    if (is_cheap(bytes)) {
        (void)parse_key_file(bytes, &passphrase);
    }
    return 0;
}

}  // namespace tapeloft::fuzz
