// The tapes of Proxmox Backup Server in a library, as the commands `tapeloft pbs` need them.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "cloud/base/awaitable.h"

#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/store/restore.h"

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

/// Runs it to its end on this thread. Throws what it throws: an answer of the daemon of another
/// form than expected.
template <typename T>
T run_here(Awaitable<T> awaitable) {
    boost::asio::io_context io_context(1);
    std::optional<T> value;
    auto body = [](Awaitable<T> inner, std::optional<T>* out) -> Awaitable<void> {
        out->emplace(co_await std::move(inner));
    };
    boost::asio::co_spawn(io_context, body(std::move(awaitable), &value),
                          [](const std::exception_ptr& failure) {
                              if (failure) {
                                  std::rethrow_exception(failure);
                              }
                          });
    io_context.run();
    return std::move(*value);
}

/// One line on the terminal that is written over; nothing where standard error is none. An empty
/// text takes it away.
void tell_progress(const std::string& text);

/// What a command that failed ends with.
[[nodiscard]] ExitStatus status_of(const Error& error) noexcept;
[[nodiscard]] Answer refused(const Error& error);
/// The daemon, its store or the cartridge is not to be had now: that says nothing of what is on the
/// tape.
[[nodiscard]] bool is_away(const Error& error) noexcept;

/// Scans the tapes that the arguments mean. Errors: not_found (no such cartridge), transient (no
/// daemon), those of Collection::scan.
[[nodiscard]] Result<media::Collection> scan_tapes(const Arguments& arguments);

/// What --client-key or --master-key opens.
class Keys {
  public:
    /// Reads the file, and asks for its passphrase. Errors: invalid_argument (both were given),
    /// denied (no private key), as read_short_file() and parse_key_file().
    [[nodiscard]] static Result<Keys> load(const Arguments& arguments);

    [[nodiscard]] bool given() const noexcept { return client_ || !master_pem_.empty(); }
    /// That of --client-key, or the one that --master-key opens in the snapshot. Nothing: none was
    /// given, or the snapshot keeps none and needs none. Errors: as unwrap_key().
    [[nodiscard]] Result<std::optional<media::CryptKey>> of(media::OpenSnapshot& snapshot) const;
    /// The same, for all snapshots: of --master-key, the one that the first snapshot keeps that it
    /// opens. Errors: as of(), where it opens none of those that are kept; is_away().
    [[nodiscard]] Result<std::optional<media::CryptKey>> of_all(
        const media::Collection& collection) const;

  private:
    std::optional<media::CryptKey> client_;
    std::string master_pem_;
    std::optional<std::string> master_passphrase_;
};

/// Files of a snapshot that somebody asks for; null: all of them.
using FileChoice = std::function<bool(const std::string& file)>;

/// What SNAPSHOT means, as open_best_copy() opens it; the store may be left out where one snapshot
/// fits. A catalog that names it wrongly is not believed. keys, asked: as below. Errors: not_found,
/// invalid_argument, those of OpenSnapshot::open.
[[nodiscard]] Result<media::OpenSnapshot> open_snapshot(media::Collection& collection,
                                                        const media::SnapshotReference& reference,
                                                        const Keys& keys, const FileChoice& asked);
/// The newest copy of which all is here, no file damaged in all copies of it, and whose signature
/// is not lost or wrong, or, where none is, the one that misses the fewest bytes of what is asked
/// for, then of the rest. What is damaged in it is taken from the others. Copies that were passed
/// over as damaged or for their signatures are told of. Errors: those of OpenSnapshot::open.
[[nodiscard]] Result<media::OpenSnapshot> open_best_copy(const media::Collection& collection,
                                                         const media::PbsSnapshot& snapshot,
                                                         const Keys& keys, const FileChoice& asked);
/// As media::check_key(); a signature that is wrong is told of with the tape.
[[nodiscard]] Result<void> check_key(const media::Collection& collection,
                                     const media::OpenSnapshot& snapshot,
                                     const media::CryptKey* key);
/// Of a snapshot: it cannot be read, or is not what it should be.
struct DamagedFile {
    std::string why;
    std::uint64_t data_size = 0;  ///< as the manifest says: of the archive or blob
};
/// All chunks of its archives, or of those asked for, each once. damaged, if not null: the files
/// that are; their chunks are left out. Errors: is_away().
[[nodiscard]] Result<std::vector<media::WantedChunk>> all_chunks(
    media::OpenSnapshot& snapshot, std::vector<DamagedFile>* damaged = nullptr,
    const FileChoice& asked = nullptr);

/// Cartridges that could not be read, such as those in a drive, each with the reason.
void tell_of_unread(const media::Collection& collection);

/// Chunks that were found where no catalog lists them.
void tell_of_hidden_chunks(const media::Collection& collection);

}  // namespace tapeloft::vtl::cli
