#include "tests/media/pbs/tape_maker.h"

#include <algorithm>
#include <iterator>

#include <openssl/evp.h>
#include <zstd.h>

#include "cloud/base/hex.h"

#include "media/pbs/archive_format.h"
#include "media/pbs/crypto/crc32.h"
#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/manifest.h"

#include "tests/media/append_number.h"

namespace tapeloft::media {
namespace {

namespace content = layout::pbs_content_header;

void append(Bytes& bytes, ByteView more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

Bytes zstd(ByteView data) {
    Bytes frame(ZSTD_compressBound(data.size()));
    frame.resize(ZSTD_compress(frame.data(), frame.size(), data.data(), data.size(), 1));
    return frame;
}

Bytes blob_of(const PbsMagic& magic, ByteView between, ByteView body) {
    Bytes blob(magic.begin(), magic.end());
    append_number(blob, crc32(body), 4);
    append(blob, between);
    append(blob, body);
    return blob;
}

Bytes encrypted(const PbsMagic& magic, ByteView plain, ByteView key) {
    const Bytes iv(16, 0xA5);
    Bytes tag(16);
    Bytes sealed(plain.size());
    int size = 0;
    auto* const cipher = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nullptr, nullptr, nullptr);
    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_IVLEN, 16, nullptr);
    EVP_EncryptInit_ex(cipher, nullptr, nullptr, key.data(), iv.data());
    EVP_EncryptUpdate(cipher, sealed.data(), &size, plain.data(), static_cast<int>(plain.size()));
    EVP_EncryptFinal_ex(cipher, sealed.data(), &size);
    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, 16, tag.data());
    EVP_CIPHER_CTX_free(cipher);
    auto between = iv;
    append(between, tag);
    return blob_of(magic, between, sealed);
}

constexpr PbsMagic kZstd = {0x31, 0xB9, 0x58, 0x42, 0x6F, 0xB6, 0xA3, 0x7F};
constexpr PbsMagic kEncrypted = {0x7B, 0x67, 0x85, 0xBE, 0x22, 0x2D, 0x4C, 0xF0};
constexpr PbsMagic kZstdEncrypted = {0xE6, 0x59, 0x1B, 0xBF, 0x0B, 0xBF, 0xD8, 0x0B};

MadeFile index_file(const std::string& name, const PbsMagic& magic, ByteView fields,
                    const Bytes& entries, std::uint64_t size, const std::string& mode) {
    MadeFile file;
    file.name = name;
    file.bytes.assign(magic.begin(), magic.end());
    append(file.bytes, Bytes(24, 0x11));
    const auto checksum = chunk_digest(entries);
    append(file.bytes, checksum);
    append(file.bytes, fields);
    file.bytes.resize(4096);
    append(file.bytes, entries);
    file.manifest_entry = R"({"filename":")" + name + R"(","crypt-mode":")" + mode +
                          R"(","size":)" + std::to_string(size) + R"(,"csum":")" +
                          to_hex(checksum) + R"("})";
    return file;
}

void append_item(Bytes& bytes, std::uint64_t type, ByteView body) {
    append_number(bytes, type, 8);
    append_number(bytes, 16 + body.size(), 8);
    append(bytes, body);
}

Bytes entry_body(std::uint64_t mode) {
    Bytes body;
    append_number(body, mode, 8);
    append_number(body, 0, 8);
    append_number(body, 34, 4);
    append_number(body, 34, 4);
    append_number(body, 1717500000, 8);
    append_number(body, 5, 8);
    return body;
}

Bytes flat_archive(const std::vector<MadeFile>& files) {
    Bytes archive;
    append_item(archive, 0xD5956474E588ACEF, entry_body(0040664));
    for (const auto& file : files) {
        append_item(archive, 0x16701121063917B3,
                    as_bytes(std::string_view(file.name.c_str(), file.name.size() + 1)));
        append_item(archive, 0xD5956474E588ACEF, entry_body(0100644));
        append_item(archive, 0x28147A1B0B7C1A25, file.bytes);
    }
    append_item(archive, 0x2FEC4FA642D5731D, Bytes(24 * (files.size() + 1)));
    return archive;
}

}  // namespace

MemoryTapeFile frame_stream(ByteView stream, StreamEnd end) {
    MemoryTapeFile file;
    file.has_filemark = end != StreamEnd::truncated;
    const bool ends = end == StreamEnd::complete || end == StreamEnd::incomplete;
    const auto blocks = stream.size() / kPbsPayloadMax + (ends ? 1 : 0);
    for (std::size_t number = 0; number < blocks; ++number) {
        Bytes record(kPbsBlockSize);
        const auto from = number * kPbsPayloadMax;
        const auto size = std::min(kPbsPayloadMax, stream.size() - from);
        const bool last = number + 1 == blocks && ends;
        frame_pbs_block(record,
                        {static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(number), last,
                         last && end == StreamEnd::incomplete});
        std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(from), size, record.begin() + 16);
        file.records.push_back(std::move(record));
    }
    return file;
}

MadeChunk make_chunk(Bytes data, MadeEncoding encoding, ByteView key) {
    MadeChunk chunk;
    chunk.data = std::move(data);
    const bool sealed =
        encoding == MadeEncoding::encrypted || encoding == MadeEncoding::zstd_encrypted;
    chunk.digest =
        sealed ? CryptKey(SecretKey(key)).chunk_digest(chunk.data) : chunk_digest(chunk.data);
    switch (encoding) {
        case MadeEncoding::plain:
            chunk.blob = plain_blob(chunk.data);
            break;
        case MadeEncoding::zstd:
            chunk.blob = blob_of(kZstd, {}, zstd(chunk.data));
            break;
        case MadeEncoding::encrypted:
            chunk.blob = encrypted(kEncrypted, chunk.data, key);
            break;
        case MadeEncoding::zstd_encrypted:
            chunk.blob = encrypted(kZstdEncrypted, zstd(chunk.data), key);
            break;
    }
    return chunk;
}

Bytes make_data(std::mt19937_64& random, std::size_t size) {
    Bytes data(size);
    std::generate_n(data.begin(), size - size / 10,
                    [&] { return static_cast<std::uint8_t>(random()); });
    return data;
}

MadeFile make_fixed_index(const std::string& name, const std::vector<MadeChunk>& chunks,
                          const std::string& mode) {
    Bytes entries;
    std::uint64_t size = 0;
    for (const auto& chunk : chunks) {
        append(entries, chunk.digest);
        size += chunk.data.size();
    }
    Bytes fields;
    append_number(fields, size, 8);
    append_number(fields, chunks.front().data.size(), 8);
    return index_file(name, {0x2F, 0x7F, 0x41, 0xED, 0x91, 0xFD, 0x0F, 0xCD}, fields, entries, size,
                      mode);
}

MadeFile make_dynamic_index(const std::string& name, const std::vector<MadeChunk>& chunks,
                            const std::string& mode) {
    Bytes entries;
    std::uint64_t size = 0;
    for (const auto& chunk : chunks) {
        size += chunk.data.size();
        append_number(entries, size, 8);
        append(entries, chunk.digest);
    }
    return index_file(name, {0x1C, 0x91, 0x4E, 0xA5, 0x19, 0xBA, 0xB3, 0xCD}, {}, entries, size,
                      mode);
}

MadeFile make_blob_file(const std::string& name, const Bytes& blob) {
    return {name, blob,
            R"({"filename":")" + name + R"(","crypt-mode":"none","size":)" +
                std::to_string(blob.size()) + R"(,"csum":")" + to_hex(chunk_digest(blob)) +
                R"("})"};
}

PbsUuid TapeMaker::uuid(std::uint8_t number) {
    PbsUuid uuid{};
    uuid.fill(number);
    return uuid;
}

TapeMaker::TapeMaker(const std::string& barcode, std::uint8_t medium, PbsUuid set,
                     std::uint64_t sequence)
    : medium_(uuid(medium)), set_(set), sequence_(sequence) {
    tape_->barcode = barcode;
    stream(content::kMediaLabel,
           R"({"ctime":1717571064,"label_text":")" + barcode + R"(","uuid":")" +
               uuid_text(medium_) + R"("})",
           {}, StreamEnd::complete);
    if (set != PbsUuid{}) {
        join(set, sequence);
    }
}

void TapeMaker::join(const PbsUuid& set, std::uint64_t sequence, const MadeSetLabel& label) {
    set_ = set;
    sequence_ = sequence;
    catalog_.clear();
    tape_->files.resize(1);
    stream(content::kMediaSetLabel,
           R"({"ctime":)" + std::to_string(label.time_s) + R"(,"pool":")" + label.pool +
               R"(","seq_nr":)" + std::to_string(sequence) +
               (label.key_fingerprint.empty()
                    ? std::string()
                    : R"(,"encryption_key_fingerprint":")" + label.key_fingerprint + R"(")") +
               R"(,"uuid":")" + uuid_text(set) + R"("})",
           {}, StreamEnd::complete);
}

void TapeMaker::stream(const PbsMagic& magic, const std::string& json, ByteView data,
                       StreamEnd end) {
    Bytes stream(content::kMagic.begin(), content::kMagic.end());
    append(stream, magic);
    last_content_ = medium_;
    last_content_[15] = static_cast<std::uint8_t>(++contents_);
    last_content_[14] = static_cast<std::uint8_t>(contents_ >> 8U);
    append(stream, last_content_);
    append_number(stream, 1717571200, 8);
    append_number(stream, json.size(), 4);
    append_number(stream, 0, 4);
    append(stream, as_bytes(json));
    append(stream, data);
    tape_->files.push_back(frame_stream(stream, end));
}

void TapeMaker::chunk_archive(const std::string& store, const std::vector<MadeChunk>& chunks,
                              StreamEnd end, std::size_t cut) {
    Bytes data;
    for (const auto& chunk : chunks) {
        append(data, layout::pbs_chunk_entry::kMagic);
        append(data, chunk.digest);
        append_number(data, chunk.blob.size(), 8);
        append(data, chunk.blob);
    }
    data.resize(data.size() - cut);
    const auto file = files();
    stream(content::kChunkArchive, R"({"store":")" + store + R"("})", data, end);
    if (end != StreamEnd::complete) {
        return;
    }
    catalog_.push_back('A');
    append_number(catalog_, file, 8);
    append(catalog_, last_content_);
    append_number(catalog_, store.size(), 1);
    append(catalog_, Bytes(7, 0xEE));
    append(catalog_, as_bytes(store));
    for (std::size_t i = 0; i + (cut == 0 ? 0 : 1) < chunks.size(); ++i) {
        catalog_.push_back('C');
        append(catalog_, chunks[i].digest);
    }
    catalog_.push_back('E');
    append_number(catalog_, file, 8);
    append(catalog_, last_content_);
}

void TapeMaker::snapshot(const std::string& store, const std::string& name,
                         const std::vector<MadeFile>& files, StreamEnd end, const CryptKey* key,
                         bool is_signed) {
    const auto parsed = parse_snapshot_name(name).value();
    std::string listed;
    for (const auto& file : files) {
        if (!file.manifest_entry.empty()) {
            listed += (listed.empty() ? "" : ",") + file.manifest_entry;
        }
    }
    auto manifest =
        R"({"backup-type":")" + parsed.type + R"(","backup-id":")" + parsed.id +
        R"(","backup-time":)" + std::to_string(parsed.time_s) + R"(,"files":[)" + listed +
        R"(],"unprotected":{"verify_state":{"state":"ok","upid":"U"})" +
        (key == nullptr ? std::string()
                        : R"(,"key-fingerprint":")" + to_hex(key->fingerprint()) + R"(")") +
        "}}";
    if (key != nullptr && is_signed) {
        const auto covered = parse_manifest(plain_blob(as_bytes(manifest))).value().signed_text;
        manifest.back() = ',';
        manifest +=
            R"("signature":")" + to_hex(key->authentication_tag(as_bytes(covered))) + R"("})";
    }
    std::vector<MadeFile> all = {{"index.json.blob", plain_blob(as_bytes(manifest)), ""}};
    std::ranges::copy_if(files, std::back_inserter(all), &MadeFile::on_tape);
    const auto number = this->files();
    stream(parsed.namespaces.empty() ? content::kSnapshotArchive
                                     : content::kSnapshotArchiveInNamespace,
           R"({"snapshot":")" + name + R"(","store":")" + store + R"("})", flat_archive(all), end);
    if (end != StreamEnd::complete) {
        return;
    }
    catalog_.push_back('S');
    append_number(catalog_, number, 8);
    append(catalog_, last_content_);
    append_number(catalog_, store.size(), 2);
    append_number(catalog_, name.size(), 2);
    append_number(catalog_, 0, 4);
    append(catalog_, as_bytes(store + ":" + name));
}

void TapeMaker::catalog(const TapeMaker& of, StreamEnd end, MadeCatalog version) {
    Bytes bytes = {0x4C, 0x8E, 0xE8, 0xC1, 0x20, 0xA8, 0x89, 0x71};
    if (version == MadeCatalog::never_released) {
        bytes = {0xDD, 0x1D, 0xA4, 0x01, 0x3B, 0x45, 0x13, 0x28};
    }
    bytes.push_back('L');
    append_number(bytes, 0, 8);
    append(bytes, of.medium_);
    append_number(bytes, 0, 8);
    bytes.push_back('L');
    append_number(bytes, 1, 8);
    append(bytes, of.set_);
    append_number(bytes, of.sequence_, 8);
    append(bytes, of.catalog_);
    stream(version == MadeCatalog::usual ? content::kCatalogArchiveOfNamespaces
                                         : content::kCatalogArchive,
           R"({"uuid":")" + uuid_text(of.medium_) + R"(","media_set_uuid":")" + uuid_text(of.set_) +
               R"(","seq_nr":)" + std::to_string(of.sequence_) + "}",
           bytes, end);
}

}  // namespace tapeloft::media
