// Manifests, and the JSON in them.  input := the data of index.json.blob
#include "media/pbs/json.h"
#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/manifest.h"

#include "tests/fuzz/tape_input.h"

namespace tapeloft::fuzz {

using namespace media;

std::vector<Bytes> seeds() {
    const std::string signed_one =
        R"({"backup-id":"elsa","backup-time":1593179765,"backup-type":"host","files":[)"
        R"({"crypt-mode":"encrypt","csum":")" +
        std::string(64, '1') +
        R"(","filename":"test1.img.fidx","size":200},{"crypt-mode":"none","csum":")" +
        std::string(64, '2') + R"(","filename":"abc.blob","size":200}],"signature":")" +
        std::string(64, 'd') +
        R"(","unprotected":{"key-fingerprint":"0e:ab:d4:46:0b:6e:b9:ca:34:50:23:de:e2:b7:78:c7:)"
        R"(90:e5:4a:16:83:b9:65:9c:0a:57:ae:19:90:90:15:9b","verify_state":{"upid":"U",)"
        R"("state":"ok"},"notes":"a \u00e4\\\"\n","chunk_upload_stats":{"count":1.5e3}}})";
    const std::string short_one =
        R"({"backup-type":"vm","backup-id":"1","backup-time":-1,"files":[],"unprotected":{}})";
    return {Bytes(signed_one.begin(), signed_one.end()), Bytes(short_one.begin(), short_one.end())};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto blob = plain_blob({data, size});
    const auto manifest = parse_manifest(blob);
    const auto without = without_verify_state(blob);
    if (!manifest) {
        return 0;
    }
    (void)check_signature(*manifest, fuzz_key());
    for (const auto& file : manifest->files) {
        TL_ASSERT(snapshot_file_kind(file.name) == file.kind);
        TL_ASSERT(manifest->find(file.name) != nullptr);
    }
    // What is written to a datastore still says the same.
    TL_ASSERT(without.has_value());
    const auto again = parse_manifest(*without);
    TL_ASSERT(again.has_value() && again->signed_text == manifest->signed_text);
    return 0;
}

}  // namespace tapeloft::fuzz
