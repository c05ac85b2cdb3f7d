#include "media/pbs/store/verifier.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "cloud/base/hex.h"

#include "media/pbs/store/data_blob.h"
#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/tape/chunk_archive.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kReadAhead = 32;  ///< blocks: 8 MiB
constexpr std::size_t kDamagedMax = 10'000;
constexpr std::size_t kFindingsMax = 20;  ///< of one file
constexpr std::size_t kPlacesNamed = 3;
constexpr std::string_view kNotOpened = "it is damaged: its key does not open it";

bool is_of_the_snapshot(const Error& error) {
    return error.code == Errc::corrupt || error.code == Errc::io ||
           error.code == Errc::unsupported || error.code == Errc::not_found ||
           error.code == Errc::denied;
}

enum class State : std::uint8_t { damaged, crc_only, sound };  // the better one counts

struct Verdict {
    PbsDigest digest{};
    State state = State::damaged;
    bool encrypted = false;
    std::uint16_t tape = 0;
    std::uint32_t file = 0;
    std::uint32_t block = 0;
    std::uint32_t size = 0;  ///< of the data, if sound
};

using Verdicts = std::vector<Verdict>;  // of one store of one set; sorted when complete

using AllVerdicts = std::map<std::pair<std::size_t, std::string>, Verdicts>;

class Verification {
  public:
    Verification(const Collection& collection, PbsVerifyOptions options)
        : collection_(collection), options_(std::move(options)) {}

    Awaitable<Result<PbsVerifyReport>> run() {
        for (std::size_t set = 0; set < collection_.sets().size(); ++set) {
            const auto& members = collection_.sets()[set].members;
            for (std::size_t member = 0; member < members.size(); ++member) {
                if (members[member].tape && collection_.sets()[set].tells_of(member)) {
                    TL_CO_CHECK(co_await check_tape(set, *members[member].tape));
                }
            }
        }
        for (std::size_t tape = 0; tape < collection_.tapes().size(); ++tape) {
            TL_CO_CHECK(co_await check_labels_and_catalogs(tape));
        }
        for (auto* const all : {&verdicts_, &aborted_}) {
            for (auto& [where, verdicts] : *all) {
                std::sort(verdicts.begin(), verdicts.end(), [](const Verdict& a, const Verdict& b) {
                    return std::tuple(a.digest, a.state) < std::tuple(b.digest, b.state);
                });
            }
        }
        for (const auto& snapshot : collection_.snapshots()) {
            for (const auto& copy : snapshot.copies) {
                TL_CO_CHECK(co_await check_copy(snapshot, copy));
            }
        }
        for (const auto& [where, verdicts] : verdicts_) {
            note_unopened(where.second, verdicts);
        }
        add_findings();
        co_return std::move(report_);
    }

  private:
    Awaitable<Result<void>> check_tape(std::size_t set, std::size_t tape) {
        const auto& scanned = collection_.tapes()[tape];
        for (const auto& file : scanned.files) {
            const auto* const header = std::get_if<ChunkArchiveHeader>(&file.kind);
            if (header == nullptr || (!file.counts && file.extent.records == 0)) {
                continue;
            }
            tape_ = tape;
            if (options_.progress) {
                options_.progress(scanned.barcode, file.number, scanned.files.size());
            }
            TapeFile archive(collection_.medium(tape), file.number, file.extent, kReadAhead);
            auto& verdicts = (file.counts ? verdicts_ : aborted_)[{set, header->store}];
            const auto checked = co_await check_archive(archive, file, header->store, verdicts);
            if (!file.counts && !checked && is_of_the_snapshot(checked.error())) {
                continue;  // the scan has told of it
            }
            if (!checked && !is_of_the_snapshot(checked.error())) {
                co_return checked.error();
            }
            if (!checked) {
                report_.findings.push_back({true, checked.error().message});
            }
        }
        co_return Result<void>();
    }

    Awaitable<Result<void>> check_archive(TapeFile& archive, const ScannedFile& file,
                                          const std::string& store, Verdicts& verdicts) {
        TL_CO_TRY(const auto head, co_await read_chunk_archive_head(archive, file.content, store));
        if (file.ending == std::nullopt && !head.damage.empty()) {
            report_.findings.push_back({true, head.damage});
        }
        TL_CO_TRY(const auto ending, co_await archive.ending());
        if (file.ending == std::nullopt && ending.end != StreamEnd::complete) {
            report_.findings.push_back(
                {true, archive.name() + ": the catalog has the chunk archive, and it is " +
                           std::string(to_string(ending.end))});
        }
        ChunkArchiveWalk walk(archive, head.entries, ending.stream_size);
        std::vector<PbsDigest> there;
        while (true) {
            TL_CO_TRY(const auto entry, co_await walk.next());
            if (!entry) {
                break;
            }
            there.push_back(entry->digest);
            const Verdict at{entry->digest,
                             State::damaged,
                             false,
                             static_cast<std::uint16_t>(tape_),
                             static_cast<std::uint32_t>(archive.number()),
                             static_cast<std::uint32_t>(entry->offset / kPbsPayloadMax)};
            auto blob = Buffer::allocate(entry->size);
            const auto read = co_await archive.read_all(entry->offset, blob.mutable_view());
            if (!read && !is_of_the_snapshot(read.error())) {
                co_return read.error();
            }
            report_.chunks += file.counts ? 1U : 0U;
            report_.chunk_bytes += file.counts ? blob.size() : 0U;
            if (!read && !file.counts) {
                continue;
            }
            auto verdict = read ? judge(blob, at) : Result<Verdict>(read.error());
            if (!verdict && !file.counts) {
                continue;
            }
            if (!verdict) {
                note_damage(archive, *entry, store, verdict.error());
                verdict = at;
            }
            verdicts.push_back(*verdict);
        }
        if (file.counts) {
            TL_CO_TRY(const auto displaced, co_await archive.out_of_place());
            note_out_of_place(displaced);
        }
        if (file.ending == std::nullopt) {  // else the scan has told of them
            for (const auto& gap : walk.gaps()) {
                report_.findings.push_back({true, gap.why});
            }
        }
        if (file.ending == std::nullopt && walk.gaps().empty()) {
            check_catalog(archive, file.digests, std::move(there));
        }
        co_return Result<void>();
    }

    /// The scan reads of labels their heads, and of catalogs those that it needs.
    Awaitable<Result<void>> check_labels_and_catalogs(std::size_t tape) {
        for (const auto& file : collection_.tapes()[tape].files) {
            const bool wanted = std::holds_alternative<MediaLabel>(file.kind) ||
                                std::holds_alternative<MediaSetLabel>(file.kind) ||
                                std::holds_alternative<CatalogArchiveHeader>(file.kind);
            if (!wanted || !file.counts) {
                continue;
            }
            TapeFile there(collection_.medium(tape), file.number, file.extent, kReadAhead);
            TL_CO_TRY(const auto damage, co_await there.first_damage());
            TL_CO_TRY(const auto displaced, co_await there.out_of_place());
            for (const auto& what : {damage, displaced}) {
                if (what && !has_told(tape, *what)) {
                    report_.findings.push_back({true, *what, true});
                }
            }
        }
        co_return Result<void>();
    }

    /// The scan of the tape, which may say more.
    bool has_told(std::size_t tape, const std::string& what) const {
        return std::ranges::any_of(
            collection_.tapes()[tape].findings,
            [&](const TapeFinding& finding) { return finding.what.starts_with(what); });
    }

    /// Whatever reads by position finds the blocks all the same.
    void note_out_of_place(const std::optional<std::string>& what) {
        if (what) {
            report_.findings.push_back({true, *what, true});
        }
    }

    /// A catalog need not list the last chunk of a full tape, but all others, and what it lists is
    /// there. there: what is, in order.
    void check_catalog(const TapeFile& archive, std::vector<PbsDigest> listed,
                       std::vector<PbsDigest> there) {
        const auto last = there.empty() ? PbsDigest{} : there.back();
        std::sort(listed.begin(), listed.end());
        std::sort(there.begin(), there.end());
        std::vector<PbsDigest> wrong;
        std::set_difference(listed.begin(), listed.end(), there.begin(), there.end(),
                            std::back_inserter(wrong));
        note_wrong(archive.name() + ": the catalog lists chunk ", wrong,
                   ", which the archive has not");
        wrong.clear();
        std::set_difference(there.begin(), there.end(), listed.begin(), listed.end(),
                            std::back_inserter(wrong));
        if (wrong.size() > 1 || (wrong.size() == 1 && wrong.front() != last)) {
            note_wrong(archive.name() + ": the catalog does not list chunk ", wrong,
                       ", which the archive has");
        }
    }

    void note_wrong(const std::string& what, const std::vector<PbsDigest>& digests,
                    const std::string& why) {
        if (!digests.empty()) {
            const auto more = digests.size() - 1;
            report_.findings.push_back(
                {true, what + to_hex(digests.front()) +
                           (more == 0 ? "" : " and " + std::to_string(more) + " more") + why});
        }
    }

    Result<Verdict> judge(const Buffer& blob, Verdict verdict) {
        TL_TRY(const auto encoding, check_blob(blob.view()));
        verdict.state = State::sound;
        verdict.encrypted = is_encrypted(encoding);
        if (verdict.encrypted && options_.key == nullptr) {
            ++report_.not_decrypted;
            verdict.state = State::crc_only;
            return verdict;
        }
        const auto data = decode_blob(blob, options_.key, kBlobDataMax);
        if (!data && data.error().code == Errc::denied) {
            ++report_.other_keys;
            verdict.state = State::crc_only;
            return verdict;
        }
        if (!data) {
            return data.error();
        }
        if ((verdict.encrypted ? options_.key->chunk_digest(data->view())
                               : chunk_digest(data->view())) != verdict.digest) {
            return Error{Errc::corrupt, "its data have another digest"};
        }
        verdict.size = static_cast<std::uint32_t>(data->size());
        return verdict;
    }

    void note_damage(const TapeFile& archive, const ChunkEntry& entry, const std::string& store,
                     const Error& error) {
        if (report_.damaged.size() < kDamagedMax) {
            report_.damaged.push_back({archive.barcode(), archive.number(),
                                       entry.offset / kPbsPayloadMax, store, entry.digest,
                                       error.message});
        }
    }

    /// What the key should open, as a snapshot of it needs the chunk or another copy proves it. A
    /// digest is of one key.
    void note_unopened(const std::string& store, const Verdicts& verdicts) {
        for (const auto& each : verdicts) {
            if (each.state != State::crc_only || options_.key == nullptr ||
                (!must_open_.contains(each.digest) &&
                 last_of(verdicts, each.digest)->state != State::sound)) {
                continue;
            }
            --report_.other_keys;
            if (report_.damaged.size() < kDamagedMax) {
                report_.damaged.push_back({collection_.tapes()[each.tape].barcode, each.file,
                                           each.block, store, each.digest,
                                           std::string(kNotOpened)});
            }
        }
    }

    Awaitable<Result<void>> check_copy(const PbsSnapshot& snapshot, const SnapshotCopy& copy) {
        VerifiedSnapshot verified;
        verified.name = snapshot.text();
        verified.media_set = uuid_text(collection_.sets()[copy.set].uuid);
        verified.barcode = collection_.name_of(copy.set, copy.member);
        verified.file = copy.file;
        auto opened = co_await OpenSnapshot::open(collection_, snapshot, copy);
        if (!opened && !is_of_the_snapshot(opened.error())) {
            co_return std::move(opened).error();
        }
        if (!opened) {
            verified.findings.push_back(opened.error().message);
            report_.snapshots.push_back(std::move(verified));
            co_return Result<void>();
        }
        TL_CO_TRY(const bool lost, co_await opened->lost_its_signature());
        if (lost) {
            verified.findings.push_back(std::string(kManifestName) + ": " +
                                        std::string(kSignatureLost));
        }
        check_signature_of(opened->manifest(), verified);
        note_key_of(opened->manifest(), verified);
        for (const auto& file : opened->manifest().files) {
            TL_CO_TRY(auto checked, co_await check_file(*opened, file.name));
            verified.files.push_back(std::move(checked));
        }
        for (const auto& file : opened->files()) {
            if (opened->manifest().find(file.name) == nullptr && file.name != kManifestName) {
                TL_CO_TRY(auto checked, co_await check_blob_file(*opened, file.name));
                verified.files.push_back(std::move(checked));
            }
        }
        TL_CO_TRY(const auto displaced, co_await opened->out_of_place());
        note_out_of_place(displaced);
        report_.snapshots.push_back(std::move(verified));
        co_return Result<void>();
    }

    bool has_its_key(const Manifest& manifest) const {
        return options_.key != nullptr && proves_key(manifest, *options_.key);
    }

    void note_key_of(const Manifest& manifest, const VerifiedSnapshot& verified) {
        const auto& named = manifest.key_fingerprint;
        const bool proved = verified.signature_checked && verified.findings.empty();
        report_.key_fits = report_.key_fits || has_its_key(manifest) || proved;
        if (manifest.encrypted() && named && !has_its_key(manifest) &&
            std::ranges::find(report_.keys_named, *named) == report_.keys_named.end()) {
            report_.keys_named.push_back(*named);
        }
    }

    void check_signature_of(const Manifest& manifest, VerifiedSnapshot& verified) const {
        verified.is_signed = manifest.signature.has_value();
        // The fingerprint is not signed: where it is missing, the signature decides.
        const bool may_be_ours = options_.key != nullptr && !manifest.key_fingerprint;
        if (verified.is_signed && (may_be_ours || has_its_key(manifest))) {
            const auto signature = check_signature(manifest, *options_.key);
            verified.signature_checked = true;
            if (!signature) {
                verified.findings.push_back(signature.error().message);
            }
        }
    }

    Awaitable<Result<VerifiedFile>> check_file(OpenSnapshot& opened, const std::string& name) {
        const auto& listed = *opened.manifest().find(name);
        if (listed.kind == SnapshotFileKind::blob) {
            co_return co_await check_blob_file(opened, name);
        }
        VerifiedFile file;
        file.name = name;
        const auto index = co_await opened.index(name);
        if (!index && !is_of_the_snapshot(index.error())) {
            co_return index.error();
        }
        if (!index) {
            file.findings.push_back(index.error().message);
            co_return file;
        }
        for (const auto& chunk : opened.chunks(name, *index)) {
            ++file.chunks;
            check_chunk(opened, chunk, file);
        }
        if (file.missing + file.damaged > kFindingsMax) {
            file.findings.push_back("and " +
                                    std::to_string(file.missing + file.damaged - kFindingsMax) +
                                    " more chunks");
        }
        co_return file;
    }

    void check_chunk(const OpenSnapshot& opened, const WantedChunk& chunk, VerifiedFile& file) {
        const bool must_open = chunk.encrypted && has_its_key(opened.manifest());
        const auto set = opened.copy().set;
        const auto& store = opened.snapshot().store;
        const auto* verdict = verdict_of(verdicts_, set, store, chunk.digest);
        const bool unopened = verdict != nullptr && verdict->state == State::crc_only && must_open;
        if (unopened) {
            must_open_.insert(chunk.digest);
        }
        if (verdict == nullptr || verdict->state == State::damaged || unopened) {
            const auto least = must_open ? State::sound : State::crc_only;
            const auto* const other = verdict_elsewhere(set, store, chunk.digest, least);
            file.elsewhere += other != nullptr ? 1U : 0U;
            verdict = other != nullptr ? other : verdict;
        }
        if (verdict == nullptr && archives_are_looked_into(set, store, chunk.digest)) {
            verdict = verdict_of(aborted_, set, store, chunk.digest);
        }
        std::string what;
        if (verdict == nullptr) {
            ++file.missing;
            what = "is missing" + expected_place(set, store, chunk.digest);
        } else if (verdict->state == State::damaged) {
            ++file.damaged;
            what = "is damaged" + expected_place(set, store, chunk.digest);
        } else if (verdict->encrypted != chunk.encrypted) {
            ++file.damaged;
            what = chunk.encrypted ? "is not encrypted, and should be"
                                   : "is encrypted, and should not be";
        } else if (verdict->state == State::crc_only && must_open) {
            ++file.damaged;
            what = "is damaged: tape " + collection_.tapes()[verdict->tape].barcode +
                   ", tape file " + std::to_string(verdict->file) + ", block " +
                   std::to_string(verdict->block) + ": " + std::string(kNotOpened);
        } else if (verdict->state == State::crc_only) {
            ++file.not_decrypted;
        } else if (verdict->size != chunk.size) {
            ++file.damaged;
            what = "has " + std::to_string(verdict->size) + " bytes, not " +
                   std::to_string(chunk.size);
        }
        if (!what.empty() && file.missing + file.damaged <= kFindingsMax) {
            file.findings.push_back("chunk " + to_hex(chunk.digest) + " " + what);
        }
    }

    /// Where ChunkReader goes on to HiddenChunks.
    bool archives_are_looked_into(std::size_t set, const std::string& store,
                                  const PbsDigest& digest) const {
        const auto places = collection_.places(set, store, digest);
        return places.empty() || std::ranges::any_of(places, [this](const PbsChunkPlace& each) {
                   return collection_.file(each.set, each.member, each.file) != nullptr;
               });
    }

    std::string expected_place(std::size_t set, const std::string& store,
                               const PbsDigest& digest) const {
        const auto places = collection_.places(set, store, digest);
        if (places.empty()) {
            return ": " + collection_.why_nowhere(set);
        }
        std::string text;
        for (std::size_t i = 0; i < std::min(places.size(), kPlacesNamed); ++i) {
            text += (text.empty() ? ": " : " and ") +
                    collection_.name_of(places[i].set, places[i].member) + ", tape file " +
                    std::to_string(places[i].file);
        }
        return text;
    }

    /// The best one. An archive that lost its head may be of any store.
    static const Verdict* verdict_of(const AllVerdicts& all, std::size_t set,
                                     const std::string& store, const PbsDigest& digest) {
        const Verdict* best = nullptr;
        for (const auto& name : {store, std::string()}) {
            const auto verdicts = all.find({set, name});
            const auto* const found =
                verdicts == all.end() ? nullptr : last_of(verdicts->second, digest);
            if (found != nullptr && (best == nullptr || found->state > best->state)) {
                best = found;
            }
        }
        return best;
    }

    /// One that is at least so good, of another media set.
    const Verdict* verdict_elsewhere(std::size_t set, const std::string& store,
                                     const PbsDigest& digest, State least) const {
        for (auto other = collection_.sets().size(); other-- > 0;) {
            const auto* const verdict =
                other == set ? nullptr : verdict_of(verdicts_, other, store, digest);
            if (verdict != nullptr && verdict->state >= least) {
                return verdict;
            }
        }
        return nullptr;
    }

    static const Verdict* last_of(const Verdicts& verdicts, const PbsDigest& digest) {
        const auto behind = std::upper_bound(
            verdicts.begin(), verdicts.end(), digest,
            [](const PbsDigest& wanted, const Verdict& each) { return wanted < each.digest; });
        return behind != verdicts.begin() && std::prev(behind)->digest == digest
                   ? &*std::prev(behind)
                   : nullptr;
    }

    Awaitable<Result<VerifiedFile>> check_blob_file(OpenSnapshot& opened, const std::string& name) {
        VerifiedFile file;
        file.name = name;
        const auto data = co_await opened.blob_data(name, options_.key);
        if (!data && data.error().code == Errc::denied) {
            file.not_decrypted = 1;
        } else if (!data && is_of_the_snapshot(data.error())) {
            file.findings.push_back(data.error().message);
        } else if (!data) {
            co_return data.error();
        }
        co_return file;
    }

    /// What a catalog of a tape that is here lists, and nothing that was scanned is.
    void add_lost_snapshots() {
        std::set<PbsUuid> known;
        for (const auto& snapshot : collection_.snapshots()) {
            for (const auto& copy : snapshot.copies) {
                known.insert(copy.content);
            }
        }
        for (const auto& tape : collection_.tapes()) {
            for (const auto& catalog : tape.catalogs) {
                const auto of = tape_of(catalog);
                for (const auto& file : catalog.files) {
                    const auto* const lost = std::get_if<CatalogedSnapshot>(&file);
                    if (of && lost != nullptr && known.insert(lost->content).second) {
                        report_.findings.push_back(
                            {true, "the archive of " + lost->store + ":" + lost->name.text() +
                                       " is missing from tape " + collection_.tapes()[*of].barcode +
                                       "; its catalog lists it"});
                    }
                }
            }
        }
    }

    std::optional<std::size_t> tape_of(const MediaCatalog& catalog) const {
        for (const auto& set : collection_.sets()) {
            if (set.uuid == catalog.media_set && catalog.sequence < set.members.size() &&
                set.members[catalog.sequence].medium == catalog.medium) {
                return set.members[catalog.sequence].tape;
            }
        }
        return std::nullopt;
    }

    void add_findings() {
        add_lost_snapshots();
        auto& findings = report_.findings;
        findings.insert(findings.begin(), collection_.findings().begin(),
                        collection_.findings().end());
        for (const auto& tape : collection_.tapes()) {
            for (const auto& finding : tape.findings) {
                // A tape of another program, or one that cannot be had now, is no damage.
                findings.push_back(
                    {finding.is_damage && tape.label.has_value(), finding.what, finding.made_good});
            }
        }
    }

    const Collection& collection_;
    const PbsVerifyOptions options_;
    PbsVerifyReport report_;
    std::size_t tape_ = 0;           ///< of which archives are read
    std::set<PbsDigest> must_open_;  ///< that the key does not open, and is that of the snapshot
    AllVerdicts verdicts_;
    AllVerdicts aborted_;  ///< of archives that do not count; without what is damaged
};

}  // namespace

bool VerifiedSnapshot::is_sound() const noexcept {
    return findings.empty() && std::all_of(files.begin(), files.end(),
                                           [](const auto& each) { return each.is_sound(); });
}

bool PbsVerifyReport::is_sound() const noexcept {
    return damaged.empty() &&
           std::all_of(snapshots.begin(), snapshots.end(),
                       [](const auto& each) { return each.is_sound(); }) &&
           std::none_of(findings.begin(), findings.end(),
                        [](const auto& each) { return each.is_damage; });
}

Awaitable<Result<PbsVerifyReport>> verify(const Collection& collection, PbsVerifyOptions options) {
    Verification verification(collection, std::move(options));
    co_return co_await verification.run();
}

}  // namespace tapeloft::media
