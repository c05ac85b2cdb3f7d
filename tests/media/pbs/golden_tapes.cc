#include "tests/media/pbs/golden_tapes.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include <zstd.h>

namespace tapeloft::media {
namespace {

constexpr std::size_t kTarBlock = 512;

Bytes unzipped(const Bytes& frame) {
    Bytes bytes(ZSTD_DStreamOutSize());
    std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    ZSTD_inBuffer in{frame.data(), frame.size(), 0};
    ZSTD_outBuffer out{bytes.data(), bytes.size(), 0};
    while (in.pos < in.size || out.pos == out.size) {
        if (out.pos == out.size) {
            bytes.resize(2 * bytes.size());
            out = {bytes.data(), bytes.size(), out.pos};
        }
        const auto left = ZSTD_decompressStream(context.get(), &out, &in);
        TL_ASSERT(ZSTD_isError(left) == 0);
        if (left == 0) {
            break;
        }
    }
    bytes.resize(out.pos);
    return bytes;
}

/// Regular files of an ustar archive by the last part of their names.
std::map<std::string, Bytes> untarred(ByteView tar) {
    std::map<std::string, Bytes> files;
    while (tar.size() >= kTarBlock && tar[0] != 0) {
        const std::string name(as_text(tar.first(100)).data());
        const auto size = std::stoull(std::string(as_text(tar.subspan(124, 11))), nullptr, 8);
        if (tar[156] == '0') {
            const auto bytes = tar.subspan(kTarBlock, size);
            files.emplace(std::filesystem::path(name).filename(),
                          Bytes(bytes.begin(), bytes.end()));
        }
        tar = tar.subspan(kTarBlock + (size + kTarBlock - 1) / kTarBlock * kTarBlock);
    }
    return files;
}

}  // namespace

Bytes golden_bytes(const std::string& name) {
    std::ifstream in(TAPELOFT_TESTS_PATH "/golden/pbs-tape/" + name, std::ios::binary);
    TL_ASSERT(in.good());
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

const nlohmann::json& golden_expectations() {
    static const auto kExpected = nlohmann::json::parse(golden_bytes("EXPECTED.json"));
    return kExpected;
}

std::vector<std::shared_ptr<MemoryTape>> golden_tapes() {
    static const auto kFiles = [] {
        std::map<std::string, Bytes> files;
        for (const auto* const name : {"tape-a.tar.zst", "tape-b.tar.zst", "blank.tar.zst"}) {
            files.merge(untarred(unzipped(golden_bytes(name))));
        }
        return files;
    }();
    std::vector<std::shared_ptr<MemoryTape>> tapes;
    for (const auto& expected : golden_expectations().at("tapes")) {
        auto tape = std::make_shared<MemoryTape>();
        tape->barcode = expected.at("label").get<std::string>();
        for (std::size_t n = 0; n < expected.at("file_count").get<std::size_t>(); ++n) {
            const ByteView bytes =
                kFiles.at("tapefile-" + std::to_string(n) + "-" + tape->barcode + ".json");
            MemoryTapeFile file;
            for (std::size_t at = 0; at < bytes.size(); at += kPbsBlockSize) {
                const auto record = bytes.subspan(at, kPbsBlockSize);
                file.records.emplace_back(record.begin(), record.end());
            }
            tape->files.push_back(std::move(file));
        }
        tapes.push_back(std::move(tape));
    }
    return tapes;
}

CryptKey golden_key() {
    return parse_key_file(golden_bytes("keys/client-key.json"), nullptr).value();
}

}  // namespace tapeloft::media
