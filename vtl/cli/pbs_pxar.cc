#include "vtl/cli/pbs_pxar.h"

#include "vtl/cli/pbs_tapes.h"

namespace tapeloft::vtl::cli {
namespace {

constexpr std::string_view kPxar = ".pxar.didx";
constexpr std::string_view kMetadata = ".mpxar.didx";
constexpr std::string_view kPayload = ".ppxar.didx";

Result<std::unique_ptr<media::ArchiveSource>> source(media::OpenSnapshot& snapshot,
                                                     media::ChunkReader& chunks,
                                                     const std::string& file, bool all) {
    TL_TRY(auto index, run_here(snapshot.index(file)));
    const bool encrypted = snapshot.manifest().find(file)->mode == media::CryptMode::encrypt;
    auto opened = std::make_unique<media::ArchiveSource>(std::move(index), encrypted, chunks);
    if (all) {
        opened->will_read_all();
    }
    return opened;
}

}  // namespace

bool is_pxar(const std::string& file) noexcept {
    return file.ends_with(kPxar) || file.ends_with(kMetadata);
}

std::string payload_of(const std::string& file) {
    return file.ends_with(kMetadata)
               ? file.substr(0, file.size() - kMetadata.size()) + std::string(kPayload)
               : std::string();
}

std::string metadata_of(const std::string& file) {
    return file.ends_with(kPayload)
               ? file.substr(0, file.size() - kPayload.size()) + std::string(kMetadata)
               : std::string();
}

bool is_meant(const std::string& file, const std::string& name) {
    const auto metadata = metadata_of(file);
    if (name.empty()) {
        return is_pxar(metadata.empty() ? file : metadata);
    }
    const auto names = [&name](const std::string& each) {
        return each == name || each.substr(0, each.rfind('.')) == name;
    };
    return names(file) || names(metadata);
}

Result<std::unique_ptr<PxarArchive>> PxarArchive::open(media::OpenSnapshot& snapshot,
                                                       media::ChunkReader& chunks,
                                                       const std::string& file, bool all) {
    auto opened = std::make_unique<PxarArchive>();
    TL_TRY(opened->archive_, source(snapshot, chunks, file, all));
    if (const auto payload = payload_of(file); !payload.empty()) {
        TL_TRY(opened->payload_, source(snapshot, chunks, payload, all));
        opened->reader_ = std::make_unique<media::PxarReader>(*opened->archive_, *opened->payload_);
    } else {
        opened->reader_ = std::make_unique<media::PxarReader>(*opened->archive_);
    }
    TL_CHECK(run_here(opened->reader_->open()));
    return opened;
}

Result<std::string> find_pxar(const media::OpenSnapshot& snapshot, const std::string& name) {
    std::string found;
    std::string known;
    for (const auto& file : snapshot.manifest().files) {
        if (!is_pxar(file.name)) {
            continue;
        }
        const auto shown = file.name.substr(0, file.name.rfind('.'));
        if (name == file.name || name == shown) {
            return file.name;
        }
        found = file.name;
        known += (known.empty() ? "" : ", ") + shown;
    }
    if (name.empty() && !known.empty() && known.find(',') == std::string::npos) {
        return found;
    }
    const auto text = snapshot.snapshot().text();
    if (known.empty()) {
        return Error{Errc::not_found, text + " has no archive of files"};
    }
    return name.empty() ? Error{Errc::invalid_argument, text +
                                                            " has several archives of files; "
                                                            "say which: " +
                                                            known}
                        : Error{Errc::not_found, text + " has no archive of files \"" + name +
                                                     "\"; there are: " + known};
}

}  // namespace tapeloft::vtl::cli
