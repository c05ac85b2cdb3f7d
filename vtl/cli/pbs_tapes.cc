#include "vtl/cli/pbs_tapes.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <tuple>
#include <utility>

#include <unistd.h>

#include "media/pbs/store/hidden_chunks.h"

#include "vtl/cli/output.h"
#include "vtl/cli/passphrase.h"
#include "vtl/cli/record_exchange.h"
#include "vtl/cli/remote_medium.h"
#include "vtl/cli/table.h"
#include "vtl/state/secret_file.h"

namespace tapeloft::vtl::cli {
namespace {

constexpr std::size_t kKeyFileMax = 64UL * 1024;

Result<std::string> passphrase(const Arguments& arguments, const std::string& file) {
    if (!arguments.passphrase_file.empty()) {
        return state::read_secret_file(arguments.passphrase_file, {});
    }
    return ask_passphrase("Passphrase of " + file + ": ");
}

Result<std::vector<std::string>> barcodes(const Arguments& arguments) {
    Request request;
    request.path = "/v1/cartridges" + (arguments.library.empty()
                                           ? std::string()
                                           : "?library=" + percent_encoded(arguments.library));
    const auto answer = ask(arguments.socket, request);
    if (!answer.done()) {
        auto error = error_of(answer);
        return is_away(error) ? error : Error{Errc::not_found, answer.message};
    }
    std::vector<std::string> known;
    for (const auto& cartridge : answer.json.at("cartridges")) {
        if (!cartridge.at("cleaning").get<bool>()) {
            known.push_back(cartridge.at("barcode").get<std::string>());
        }
    }
    for (const auto& wanted : arguments.tapes) {
        if (std::find(known.begin(), known.end(), wanted) == known.end()) {
            return Error{Errc::not_found, "there is no cartridge " + wanted};
        }
    }
    return arguments.tapes.empty() ? known : arguments.tapes;
}

Result<const media::PbsSnapshot*> find_snapshot(const media::Collection& collection,
                                                const media::SnapshotReference& reference) {
    const media::PbsSnapshot* found = nullptr;
    const auto name = reference.snapshot.text();
    for (const auto& snapshot : collection.snapshots()) {
        if (snapshot.name.text() != name ||
            (!reference.store.empty() && snapshot.store != reference.store)) {
            continue;
        }
        if (found != nullptr) {
            return Error{Errc::invalid_argument, "both " + found->text() + " and " +
                                                     snapshot.text() +
                                                     " are on the tapes; say "
                                                     "which"};
        }
        found = &snapshot;
    }
    if (found == nullptr) {
        std::string unread;
        for (const auto& [barcode, why] : collection.unread()) {
            unread += (unread.empty() ? "; not read: " : ", ") + barcode;
        }
        return Error{Errc::not_found,
                     "no snapshot " + name + " is on the tapes" +
                         (unread.empty() ? "; see tapeloft pbs scan" : " that were read" + unread)};
    }
    return found;
}

}  // namespace

void tell_progress(const std::string& text) {
    if (::isatty(STDERR_FILENO) != 0) {
        std::fprintf(stderr, "\r\x1B[K%s", printable(text).c_str());
        std::fflush(stderr);
    }
}

ExitStatus status_of(const Error& error) noexcept {
    switch (error.code) {
        case Errc::invalid_argument:
            return ExitStatus::usage;
        case Errc::not_found:
            return ExitStatus::not_found;
        case Errc::transient:
        case Errc::throttled:
            return ExitStatus::unreachable;
        default:
            return ExitStatus::refused;
    }
}

bool is_away(const Error& error) noexcept {
    return status_of(error) == ExitStatus::unreachable || error.code == Errc::cancelled;
}

Answer refused(const Error& error) {
    auto answer = answer_of(error);
    answer.status = status_of(error);
    return answer;
}

Result<media::Collection> scan_tapes(const Arguments& arguments) {
    TL_TRY(const auto wanted, barcodes(arguments));
    std::vector<std::unique_ptr<media::TapeMedium>> tapes;
    const auto exchange = std::make_shared<RecordExchange>(arguments.socket);
    for (const auto& barcode : wanted) {
        tapes.push_back(std::make_unique<RemoteMedium>(exchange, arguments.library, barcode));
    }
    media::Collection::Options options;
    options.full = arguments.full;
    options.pool = arguments.pool;
    options.progress = [](const std::string& barcode) { tell_progress("Reading " + barcode); };
    auto collection = run_here(media::Collection::scan(std::move(tapes), std::move(options)));
    tell_progress("");
    return collection;
}

Result<Keys> Keys::load(const Arguments& arguments) {
    if (!arguments.client_key.empty() && !arguments.master_key.empty()) {
        return Error{Errc::invalid_argument,
                     "give --client-key or --master-key, not both: they may be of different keys"};
    }
    Keys keys;
    if (!arguments.client_key.empty()) {
        TL_TRY(const auto text, state::read_short_file(arguments.client_key, kKeyFileMax));
        TL_TRY(const bool wrapped, media::is_key_file_wrapped(as_bytes(text)));
        std::string secret;
        if (wrapped) {
            TL_TRY(secret, passphrase(arguments, arguments.client_key));
        }
        TL_TRY(keys.client_, media::parse_key_file(as_bytes(text), wrapped ? &secret : nullptr));
    }
    if (!arguments.master_key.empty()) {
        TL_TRY(keys.master_pem_, state::read_short_file(arguments.master_key, kKeyFileMax));
        if (keys.master_pem_.find("PRIVATE KEY") == std::string::npos) {
            return Error{Errc::denied, arguments.master_key + " holds no private key in PEM"};
        }
        if (keys.master_pem_.find("ENCRYPTED") != std::string::npos) {
            TL_TRY(keys.master_passphrase_, passphrase(arguments, arguments.master_key));
        }
    }
    return keys;
}

Result<std::optional<media::CryptKey>> Keys::of(media::OpenSnapshot& snapshot) const {
    const std::string wrapped(media::kWrappedKeyName);
    if (master_pem_.empty()) {
        return client_;
    }
    if (snapshot.find(wrapped) == nullptr) {
        if (!snapshot.manifest().encrypted()) {
            return std::optional<media::CryptKey>();
        }
        return Error{Errc::denied, snapshot.snapshot().text() +
                                       " is encrypted and keeps no key that a master key opens (" +
                                       wrapped + "); it needs --client-key"};
    }
    TL_TRY(const auto sealed, run_here(snapshot.blob_data(wrapped, nullptr)));
    const auto* const secret = master_passphrase_ ? &*master_passphrase_ : nullptr;
    TL_TRY(auto key, media::unwrap_key(sealed, master_pem_, secret));
    return std::optional(std::move(key));
}

Result<std::optional<media::CryptKey>> Keys::of_all(const media::Collection& collection) const {
    if (master_pem_.empty()) {
        return client_;
    }
    std::optional<Error> failure;
    for (const auto& snapshot : collection.snapshots()) {
        for (const auto& copy : snapshot.copies) {
            auto opened = run_here(media::OpenSnapshot::open(collection, snapshot, copy));
            if (!opened && is_away(opened.error())) {
                return std::move(opened).error();
            }
            if (!opened) {
                continue;
            }
            auto key = of(*opened);
            if ((key && *key) || (!key && is_away(key.error()))) {
                return key;
            }
            if (!key) {
                failure = std::move(key).error();
            }
        }
    }
    return failure ? Result<std::optional<media::CryptKey>>(*failure) : client_;
}

Result<std::vector<media::WantedChunk>> all_chunks(media::OpenSnapshot& snapshot,
                                                   std::vector<DamagedFile>* damaged,
                                                   const FileChoice& asked) {
    std::vector<media::WantedChunk> chunks;
    for (const auto& name : snapshot.names()) {
        if (asked && !asked(name)) {
            continue;
        }
        const auto* const listed = snapshot.manifest().find(name);
        const bool is_index = listed != nullptr && listed->kind != media::SnapshotFileKind::blob;
        if (!is_index && damaged == nullptr) {
            continue;
        }
        const auto file = run_here(snapshot.checked(name));
        if (!file && is_away(file.error())) {
            return file.error();
        }
        if (!file && damaged != nullptr) {
            damaged->push_back({file.error().message, listed != nullptr ? listed->size : 0});
        }
        const auto index = file && is_index ? media::ChunkIndex::parse(listed->kind, *file)
                                            : Error{Errc::not_found, "no index"};
        if (index) {
            const auto more = snapshot.chunks(name, *index);
            chunks.insert(chunks.end(), more.begin(), more.end());
        }
    }
    std::sort(chunks.begin(), chunks.end());
    chunks.erase(std::unique(chunks.begin(), chunks.end()), chunks.end());
    return chunks;
}

namespace {

/// Why the copy is not what the client made; empty: nothing tells so. A key of another snapshot
/// tells nothing. Errors: is_away().
Result<std::string> fault_of_signature(media::OpenSnapshot& snapshot, const Keys& keys) {
    const auto lost = run_here(snapshot.lost_its_signature());
    if (!lost && is_away(lost.error())) {
        return lost.error();
    }
    if (lost && *lost) {
        return std::string(media::kSignatureLost);
    }
    const auto key = keys.of(snapshot);
    if (!key && is_away(key.error())) {
        return key.error();
    }
    if (!key || !*key) {
        return std::string();
    }
    const auto checked = media::check_signature(snapshot.manifest(), **key);
    return !checked && checked.error().code == Errc::corrupt ? checked.error().message
                                                             : std::string();
}

/// What a restore of a copy would lack; the least is the best.
struct Fault {
    bool of_signature = false;
    std::uint64_t asked = 0;  ///< bytes of data: of archives and blobs that are damaged, of chunks
    std::uint64_t all = 0;    ///< likewise
    std::string why;          ///< empty: nothing is damaged
    [[nodiscard]] auto rank() const { return std::tuple(of_signature, asked, all); }
};

/// Bytes of data. why: of the first file that is damaged. Errors: is_away().
Result<std::uint64_t> missing_of(const media::Collection& collection, media::OpenSnapshot& copy,
                                 const FileChoice& asked, std::string& why) {
    std::vector<DamagedFile> damaged;
    TL_TRY(const auto chunks, all_chunks(copy, &damaged, asked));
    auto bytes = media::plan_restore(collection, copy, chunks).missing_bytes;
    for (const auto& file : damaged) {
        bytes += file.data_size;
        why = why.empty() ? file.why : why;
    }
    return bytes;
}

Result<Fault> fault_of(const media::Collection& collection, media::OpenSnapshot& copy,
                       const Keys& keys, const FileChoice& asked) {
    Fault fault;
    TL_TRY(fault.why, fault_of_signature(copy, keys));
    fault.of_signature = !fault.why.empty();
    if (asked) {
        TL_TRY(fault.asked, missing_of(collection, copy, asked, fault.why));
    }
    TL_TRY(fault.all, missing_of(collection, copy, nullptr, fault.why));
    return fault;
}

}  // namespace

Result<media::OpenSnapshot> open_best_copy(const media::Collection& collection,
                                           const media::PbsSnapshot& snapshot, const Keys& keys,
                                           const FileChoice& asked) {
    std::optional<media::OpenSnapshot> best;
    Fault least;
    std::vector<std::pair<media::SnapshotCopy, std::string>> faulty;
    Error failure{Errc::not_found, "no copy of " + snapshot.text() + " is here"};
    for (const auto& copy : snapshot.copies) {
        auto opened = run_here(media::OpenSnapshot::open(collection, snapshot, copy));
        if (!opened && is_away(opened.error())) {
            return std::move(opened).error();
        }
        if (!opened) {
            failure = std::move(opened).error();
            if (failure.code == Errc::corrupt) {
                faulty.emplace_back(copy, failure.message);
            }
            continue;
        }
        opened->use_other_copies();
        Fault fault;
        if (snapshot.copies.size() > 1) {
            TL_TRY(fault, fault_of(collection, *opened, keys, asked));
        }
        if (!fault.why.empty()) {
            faulty.emplace_back(copy, fault.why);
        }
        if (!best || fault.rank() < least.rank()) {
            best = std::move(*opened);
            least = fault;
        }
        if (least.rank() == Fault().rank()) {
            break;
        }
    }
    for (const auto& [copy, why] : faulty) {
        if (best && copy != best->copy()) {
            complain("Note: " + snapshot.text() + ": the copy on " +
                     collection.name_of(copy.set, copy.member) + ", tape file " +
                     std::to_string(copy.file) + " was passed over: " + why);
        }
    }
    return best ? Result<media::OpenSnapshot>(std::move(*best)) : failure;
}

Result<media::OpenSnapshot> open_snapshot(media::Collection& collection,
                                          const media::SnapshotReference& reference,
                                          const Keys& keys, const FileChoice& asked) {
    const auto open = [&]() -> Result<media::OpenSnapshot> {
        TL_TRY(const auto* const found, find_snapshot(collection, reference));
        return open_best_copy(collection, *found, keys, asked);
    };
    auto opened = open();
    if (opened ||
        (opened.error().code != Errc::not_found && opened.error().code != Errc::corrupt)) {
        return opened;
    }
    TL_TRY(const bool wrong, run_here(collection.check_catalogs()));
    return wrong ? open() : std::move(opened);
}

Result<void> check_key(const media::Collection& collection, const media::OpenSnapshot& snapshot,
                       const media::CryptKey* key) {
    const auto checked = media::check_key(snapshot.manifest(), key);
    if (checked || checked.error().code != Errc::corrupt) {
        return checked;
    }
    const auto& copy = snapshot.copy();
    return Error{Errc::corrupt, collection.name_of(copy.set, copy.member) + ", tape file " +
                                    std::to_string(copy.file) + ": " + checked.error().message};
}

void tell_of_unread(const media::Collection& collection) {
    for (const auto& [barcode, why] : collection.unread()) {
        complain("Not read: " + barcode + ": " + why);
    }
}

void tell_of_hidden_chunks(const media::Collection& collection) {
    for (const auto& finding : collection.hidden_chunks().findings()) {
        complain("Note: " + finding.what);
    }
}

}  // namespace tapeloft::vtl::cli
