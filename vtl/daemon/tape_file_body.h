// The records of one tape file as bytes, without a drive.
#pragma once

#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "media/library/cartridge_store.h"

#include "vtl/daemon/rest_api.h"

namespace tapeloft::vtl::daemon {

struct TapeFile {
    std::uint32_t partition = 0;
    std::uint64_t file = 0;   ///< filemarks before it
    std::uint64_t first = 0;  ///< record of the file to begin with
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();  ///< records at most; > 0
};

/// To the first of the records; name: of the file, for words. Errors: not_found (there is no such
/// partition, file or record), those of the Tape.
[[nodiscard]] Awaitable<Result<void>> go_to(media::Tape* tape, TapeFile where, std::string name);
[[nodiscard]] std::string name_of(const TapeFile& where, const std::string& barcode);
/// unsupported: what a drive encrypted is of no use without its key. name: of the tape file.
[[nodiscard]] Error encrypted_record(std::uint64_t object, const std::string& name);
/// Where no more records are asked for, whoever asks knows what is in them.
inline constexpr std::uint64_t kTogetherMax = 256;

/// The records one behind the other, up to the filemark, to end of data, or so many of them. In
/// memory: kVisitLength, one record more, and what the tape reads ahead.
class TapeFileBody final : public RestBody {
  public:
    static constexpr std::size_t kPieceLength = 256UL * 1024;  ///< bytes, or a record more
    /// Bytes read at once: each time the tape is visited costs two threads a wakeup.
    static constexpr std::size_t kVisitLength = 1UL * 1024 * 1024;

    /// Goes to the file and reads its first records. store outlives the body. Errors: not_found
    /// (there is no such partition, file or record), unsupported (encrypted by a drive), those of
    /// the Tape; the cartridge was given back then.
    [[nodiscard]] static Awaitable<Result<std::unique_ptr<RestBody>>> open(
        media::CartridgeStore& store, std::shared_ptr<media::LentCartridge> cartridge,
        TapeFile where);

    TapeFileBody(media::CartridgeStore& store, std::shared_ptr<media::LentCartridge> cartridge,
                 TapeFile where)
        : store_(store), cartridge_(std::move(cartridge)), where_(where), left_(where.count) {}

    Awaitable<Result<Buffer>> next() override;
    Awaitable<void> close() override;

  private:
    Awaitable<Result<void>> find(media::Tape* tape);
    Awaitable<Result<void>> visit(media::Tape* tape);
    Awaitable<Result<Buffer>> read_piece(media::Tape* tape);
    [[nodiscard]] std::string name() const;

    media::CartridgeStore& store_;
    const std::shared_ptr<media::LentCartridge> cartridge_;
    const TapeFile where_;
    std::uint64_t left_;           ///< records still to come
    std::deque<Buffer> pieces_;    ///< read, not fetched yet
    std::optional<Error> failed_;  ///< behind what was read
    bool ended_ = false;
};

}  // namespace tapeloft::vtl::daemon
