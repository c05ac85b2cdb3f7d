#include "vtl/cli/commands.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <optional>
#include <span>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include "vtl/cli/archive_report.h"
#include "vtl/cli/doctor_command.h"
#include "vtl/cli/json_text.h"
#include "vtl/cli/key_commands.h"
#include "vtl/cli/output.h"
#include "vtl/cli/pbs_commands.h"
#include "vtl/cli/recover.h"
#include "vtl/cli/report.h"
#include "vtl/cli/store_commands.h"
#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {
namespace {

constexpr int kFollowIntervalMs = 1000;

std::string with_library(const Arguments& arguments, const std::string& path) {
    if (arguments.library.empty()) {
        return path;
    }
    const char* const separator = path.find('?') == std::string::npos ? "?" : "&";
    return path + separator + "library=" + percent_encoded(arguments.library);
}

Answer get(const Arguments& arguments, const std::string& path) {
    Request request;
    request.path = path;
    return ask(arguments.socket, request);
}

ExitStatus status(const Arguments& arguments) {
    return show(arguments, get(arguments, "/v1/status"), &status_report);
}

ExitStatus library_show(const Arguments& arguments) {
    return show(arguments, get(arguments, with_library(arguments, "/v1/library")), &library_report);
}

ExitStatus drive_list(const Arguments& arguments) {
    return show(arguments, get(arguments, with_library(arguments, "/v1/drives")), &drives_report);
}

ExitStatus cartridge_list(const Arguments& arguments) {
    return show(arguments, get(arguments, with_library(arguments, "/v1/cartridges")),
                &cartridges_report);
}

std::string cartridge_path(const Arguments& arguments) {
    return with_library(arguments, "/v1/cartridges/" + percent_encoded(arguments.barcode));
}

ExitStatus cartridge_show(const Arguments& arguments) {
    return show(arguments, get(arguments, cartridge_path(arguments)), &cartridge_report);
}

class ToStandardOutput final : public BodySink {
  public:
    [[nodiscard]] std::span<char> room() override { return piece_; }
    [[nodiscard]] bool take(std::size_t size) override {
        written_ = std::fwrite(piece_.data(), 1, size, stdout) == size;
        return written_;
    }
    [[nodiscard]] bool written() const noexcept { return written_; }

  private:
    std::vector<char> piece_ = std::vector<char>(256UL * 1024);
    bool written_ = true;
};

/// The records go to standard output, as they come.
ExitStatus cartridge_cat(const Arguments& arguments) {
    Request request;
    request.path =
        with_library(arguments, "/v1/cartridges/" + percent_encoded(arguments.barcode) +
                                    "/data?partition=" + std::to_string(arguments.partition) +
                                    "&file=" + std::to_string(arguments.file));
    ToStandardOutput output;
    auto answer = fetch(arguments.socket, request, output);
    const bool written = std::fflush(stdout) == 0 && output.written();
    if (answer.done() && !written) {
        answer.status = ExitStatus::refused;
        answer.message = "standard output takes no more";
    }
    if (!answer.done()) {
        complain(answer.message);  // standard output has the data, and is no place for JSON
    }
    return answer.status;
}

ExitStatus cartridge_create(const Arguments& arguments) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/cartridges");
    request.body["barcodes"] = arguments.barcodes;
    if (!arguments.capacity.empty()) {
        request.body["capacity"] = arguments.capacity;
    }
    if (!arguments.location.empty()) {
        request.body["location"] = arguments.location;
    }
    if (arguments.worm) {
        request.body["worm"] = true;
    }
    return show(arguments, ask(arguments.socket, request), &cartridges_report);
}

ExitStatus set_write_protected(const Arguments& arguments, const char* action) {
    Request request;
    request.method = "POST";
    request.path = with_library(
        arguments, "/v1/cartridges/" + percent_encoded(arguments.barcode) + "/" + action);
    request.body = Json::object();
    return show(arguments, ask(arguments.socket, request), &cartridge_report);
}

ExitStatus cartridge_protect(const Arguments& arguments) {
    return set_write_protected(arguments, "protect");
}

ExitStatus cartridge_unprotect(const Arguments& arguments) {
    return set_write_protected(arguments, "unprotect");
}

std::string deletion_report(const Json& answer) {
    const bool dry_run = answer.contains("would_delete");
    const auto& cartridge = answer.at(dry_run ? "would_delete" : "deleted");
    return (dry_run ? "Would delete:\n" : "Deleted:\n") + cartridge_report(cartridge);
}

/// Asks on the terminal; without one the answer is no.
bool confirmed(const Json& cartridge) {
    if (::isatty(STDIN_FILENO) == 0) {
        complain("deleting a cartridge destroys its data for good; add --yes if you mean it");
        return false;
    }
    std::fprintf(stderr, "%s\nDelete this cartridge and its data for good? Type its barcode: ",
                 cartridge_report(cartridge).c_str());
    std::string typed;
    std::getline(std::cin, typed);
    return typed == cartridge.at("barcode").get<std::string>();
}

ExitStatus cartridge_delete(const Arguments& arguments) {
    const auto path = cartridge_path(arguments);
    const char* const separator = path.find('?') == std::string::npos ? "?" : "&";
    Request request;
    request.method = "DELETE";
    request.path = path + separator + "dry_run=true";
    if (arguments.dry_run || !arguments.yes) {
        const auto preview = ask(arguments.socket, request);
        if (arguments.dry_run || !preview.done()) {
            return show(arguments, preview, &deletion_report);
        }
        if (!confirmed(preview.json.at("would_delete"))) {
            complain("nothing was deleted");
            return ExitStatus::usage;
        }
    }
    request.path = path;
    return show(arguments, ask(arguments.socket, request), &deletion_report);
}

ExitStatus changer_move(const Arguments& arguments) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/changer/move");
    request.body["barcode"] = arguments.barcode;
    request.body["destination"] = arguments.destination;
    return show(arguments, ask(arguments.socket, request), &move_report);
}

Request post_cartridge(const Arguments& arguments, const std::string& action) {
    Request request;
    request.method = "POST";
    request.path = with_library(
        arguments, "/v1/cartridges/" + percent_encoded(arguments.barcode) + "/" + action);
    request.body = Json::object();
    return request;
}

std::string copy_report(const Json& answer) {
    return std::string(answer.at("moved").get<bool>() ? "Moved" : "Copied") + " to library " +
           printable(answer.at("library").get<std::string>()) + ":\n" +
           cartridge_report(answer.at("cartridge"));
}

ExitStatus cartridge_copy(const Arguments& arguments) {
    auto request = post_cartridge(arguments, "copy");
    request.body["to_library"] = arguments.to_library;
    request.body["move"] = arguments.move;
    return show(arguments, ask(arguments.socket, request), &copy_report);
}

ExitStatus cartridge_export(const Arguments& arguments) {
    return show(arguments, ask(arguments.socket, post_cartridge(arguments, "export")),
                &export_report);
}

ExitStatus cartridge_import(const Arguments& arguments) {
    auto request = post_cartridge(arguments, "import");
    if (!arguments.mail_slot.empty()) {
        request.body["mail_slot"] = arguments.mail_slot;
    }
    return show(arguments, ask(arguments.socket, request), &move_report);
}

ExitStatus set_mail_slots(const Arguments& arguments, bool open) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/changer/mail");
    request.body["open"] = open;
    return show(arguments, ask(arguments.socket, request), &mail_slots_report);
}

ExitStatus library_mail(const Arguments& arguments) {
    return set_mail_slots(arguments, arguments.mail_action == "open");
}

ExitStatus show_verdict(const Arguments& arguments, const Answer& answer, Report report) {
    const auto shown = show(arguments, answer, report);
    const bool damaged = shown == ExitStatus::done && answer.json.at("damaged").get<bool>();
    return damaged ? ExitStatus::damaged : shown;
}

ExitStatus gc(const Arguments& arguments) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/library/gc");
    request.body["dry_run"] = arguments.dry_run;
    if (arguments.grace_given) {
        request.body["grace_s"] = arguments.grace;
    }
    const auto answer = ask(arguments.socket, request);
    const auto shown = show(arguments, answer, &gc_report);
    if (shown != ExitStatus::done || answer.json.at("refused").get<std::uint64_t>() == 0) {
        return shown;
    }
    complain("the store does not let go of " + number(answer.json.at("refused")) +
             " packs that nothing needs (" + answer.json.at("refusal").get<std::string>() +
             "); they are paid for until it does, and each gc tries again");
    return ExitStatus::refused;
}

ExitStatus library_check(const Arguments& arguments) {
    Request request;
    request.method = "POST";
    request.path = with_library(arguments, "/v1/library/check");
    request.body["repair"] = arguments.repair;
    return show_verdict(arguments, ask(arguments.socket, request), &check_report);
}

/// "10%" or "10"; nothing: it is neither.
std::optional<unsigned> per_cent(std::string_view text) {
    if (text.ends_with('%')) {
        text.remove_suffix(1);
    }
    unsigned value = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool sound = code == std::errc{} && stop == text.data() + text.size();
    return sound && value >= 1 && value <= 100 ? std::optional(value) : std::nullopt;
}

ExitStatus cartridge_verify(const Arguments& arguments) {
    if (arguments.all == !arguments.barcode.empty()) {
        complain("say which cartridge, by its barcode, or --all");
        return ExitStatus::usage;
    }
    Request request;
    request.method = "POST";
    const auto which = arguments.all ? "" : percent_encoded(arguments.barcode) + "/";
    request.path = with_library(arguments, "/v1/cartridges/" + which + "verify");
    request.body = Json::object();
    if (!arguments.sample.empty()) {
        const auto sample = per_cent(arguments.sample);
        if (!sample) {
            complain("--sample is 1% to 100%");
            return ExitStatus::usage;
        }
        request.body["sample"] = *sample;
    }
    return show_verdict(arguments, ask(arguments.socket, request), &verify_report);
}

/// Pauses for the follow interval; false as soon as nobody reads our output any more.
bool reader_stays() {
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, kFollowIntervalMs) == 0;
}

ExitStatus events(const Arguments& arguments) {
    auto after = arguments.after;
    for (;;) {
        const auto answer = get(arguments, "/v1/events?after=" + std::to_string(after));
        const bool worth_showing =
            !answer.done() || !arguments.follow || !answer.json.at("events").empty();
        if (worth_showing) {
            const auto shown = show(arguments, answer, &events_report);
            if (shown != ExitStatus::done || !arguments.follow) {
                return shown;
            }
            after = answer.json.at("events").back().at("sequence").get<std::uint64_t>();
        }
        if (!reader_stays()) {
            return ExitStatus::done;
        }
    }
}

constexpr auto kLibraryOption = std::to_array({Option::library});
constexpr auto kShowOptions = std::to_array({Option::barcode, Option::library});
constexpr auto kCreateOptions = std::to_array(
    {Option::barcodes, Option::capacity, Option::worm, Option::location, Option::library});
constexpr auto kDeleteOptions =
    std::to_array({Option::barcode, Option::yes, Option::dry_run, Option::library});
constexpr auto kMoveOptions =
    std::to_array({Option::barcode, Option::destination, Option::library});
constexpr auto kExportOptions = std::to_array({Option::barcode, Option::library});
constexpr auto kImportOptions =
    std::to_array({Option::barcode, Option::mail_slot, Option::library});
constexpr auto kMailOptions = std::to_array({Option::mail_action, Option::library});
constexpr auto kEventsOptions = std::to_array({Option::follow, Option::after});

constexpr auto kCatOptions =
    std::to_array({Option::barcode, Option::partition, Option::file, Option::library});
constexpr auto kCopyOptions =
    std::to_array({Option::barcode, Option::to_library, Option::move, Option::library});
constexpr auto kRecoverOptions =
    std::to_array({Option::store, Option::key, Option::state_dir, Option::passphrase_file,
                   Option::partial, Option::take_over});
constexpr auto kBackupOptions =
    std::to_array({Option::library, Option::backup, Option::library_key, Option::state_dir});
constexpr auto kPassphraseOptions =
    std::to_array({Option::library, Option::library_key, Option::state_dir, Option::passphrase_file,
                   Option::new_passphrase_file});
constexpr auto kProbeOptions = std::to_array({Option::store_url});
constexpr auto kGcOptions = std::to_array({Option::dry_run, Option::grace, Option::library});
constexpr auto kCheckOptions = std::to_array({Option::repair, Option::library});
constexpr auto kVerifyOptions =
    std::to_array({Option::barcode_or_all, Option::sample, Option::library});

constexpr auto kPbsScanOptions =
    std::to_array({Option::tapes, Option::pool, Option::full, Option::library});
constexpr auto kPbsVerifyOptions =
    std::to_array({Option::tapes, Option::pool, Option::full, Option::client_key,
                   Option::master_key, Option::passphrase_file, Option::library});
constexpr auto kPbsListOptions = std::to_array(
    {Option::snapshot, Option::path, Option::recursive, Option::client_key, Option::master_key,
     Option::passphrase_file, Option::tape, Option::pool, Option::full, Option::library});
constexpr auto kPbsFindOptions = std::to_array(
    {Option::name, Option::type, Option::newer, Option::older, Option::size, Option::snapshot_glob,
     Option::client_key, Option::master_key, Option::passphrase_file, Option::tape, Option::pool,
     Option::full, Option::library});
constexpr auto kPbsRestoreOptions = std::to_array(
    {Option::snapshot, Option::paths, Option::as_tar, Option::target, Option::datastore,
     Option::client_key, Option::master_key, Option::passphrase_file, Option::tape, Option::pool,
     Option::full, Option::library});
constexpr auto kDoctorOptions =
    std::to_array({Option::changer, Option::drive, Option::target_url, Option::lun, Option::scratch,
                   Option::cleaning, Option::backup_mib, Option::yes});

constexpr auto kCommands = std::to_array<Command>({
    // clang-format off
    {"", "status",
     "What the daemon does: libraries, drives, spool, hosts that are logged in",
     "tapeloft status\n  tapeloft status --json | jq .sessions",
     {}, &status},
    {"library", "show",
     "Every slot, mail slot and drive, and the cartridge in it",
     "tapeloft library show\n  tapeloft library show --library=lab",
     kLibraryOption, &library_show},
    {"library", "mail",
     "Opens the mail slots for a person, or closes them again for the robot",
     "tapeloft library mail open\n  tapeloft library mail close",
     kMailOptions, &library_mail},
    {"library", "recover",
     "Makes a library anew out of its store and its key, without a daemon",
     "tapeloft library recover --store=file:///mnt/store --key=lab.key\n"
     "  tapeloft library recover --store=file:///mnt/store --key=lab.key --state-dir=/srv/tapeloft",
     kRecoverOptions, &library_recover},
    {"key", "backup",
     "Copies the key of a library to a new file; without its key a library is lost",
     "tapeloft key backup --library=lab --to=/media/usb/lab.key",
     kBackupOptions, &key_backup},
    {"key", "change-passphrase",
     "Wraps the key file of a library by another passphrase, or by its first one",
     "tapeloft key change-passphrase --library=lab\n"
     "  tapeloft key change-passphrase --key=lab.key --new-passphrase-file=secret",
     kPassphraseOptions, &key_change_passphrase},
    {"store", "probe",
     "Tries a store as the daemon would use it, measures it, and says whether it is fit, without a "
     "daemon; what it writes it removes",
     "tapeloft store probe file:///mnt/store\n"
     "  tapeloft store probe \"s3://bucket/prefix?endpoint=https://host&region=eu-1\"",
     kProbeOptions, &store_probe},
    {"library", "check",
     "Compares catalog, logs and store both ways; exit status 5 where something is damaged",
     "tapeloft library check\n  tapeloft library check --repair\n"
     "  tapeloft library check --json | jq -r '.findings[].object'",
     kCheckOptions, &library_check},
    {"", "gc",
     "Gives back the space of what nothing refers to any more; the daemon does it every hour; exit "
     "status 1 also where the store does not let go of something",
     "tapeloft gc --dry-run\n  tapeloft gc --grace=3600",
     kGcOptions, &gc},
    {"drive", "list",
     "The drives: state, cartridge, position, bytes moved",
     "tapeloft drive list",
     kLibraryOption, &drive_list},
    {"cartridge", "list",
     "All cartridges and where they are",
     "tapeloft cartridge list\n  tapeloft cartridge list --json | jq -r '.cartridges[].barcode'",
     kLibraryOption, &cartridge_list},
    {"cartridge", "show",
     "All that is known of one cartridge",
     "tapeloft cartridge show TL0001L9",
     kShowOptions, &cartridge_show},
    {"cartridge", "cat",
     "Writes the records of a tape file to standard output; the cartridge must not be in a drive",
     "tapeloft cartridge cat TL0001L9 | tar tvf -\n"
     "  tapeloft cartridge cat TL0001L9 --partition=0 --file=3 >file3",
     kCatOptions, &cartridge_cat},
    {"cartridge", "copy",
     "Copies a cartridge into another library of the daemon; it must not be in a drive",
     "tapeloft cartridge copy TL0001L9 --library=lab --to-library=vault\n"
     "  tapeloft cartridge copy TL0001L9 --library=lab --to-library=vault --move",
     kCopyOptions, &cartridge_copy},
    {"cartridge", "create",
     "Puts blank cartridges into the library: all of them or none",
     "tapeloft cartridge create TL0021L9\n"
     "  tapeloft cartridge create TL0021L9..TL0024L9 --capacity=100GiB\n"
     "  tapeloft cartridge create TL0099L9 --location=mail1\n"
     "  tapeloft cartridge create TL0031L9 --worm\n"
     "  tapeloft cartridge create CLN001CU",
     kCreateOptions, &cartridge_create},
    {"cartridge", "protect",
     "Sets the write protect switch; the cartridge must not be in a drive",
     "tapeloft cartridge protect TL0001L9",
     kShowOptions, &cartridge_protect},
    {"cartridge", "unprotect",
     "Takes the write protect switch back; the cartridge must not be in a drive",
     "tapeloft cartridge unprotect TL0001L9",
     kShowOptions, &cartridge_unprotect},
    {"cartridge", "delete",
     "Destroys a cartridge and its data; it must not be in a drive",
     "tapeloft cartridge delete TL0021L9 --dry-run\n  tapeloft cartridge delete TL0021L9 --yes",
     kDeleteOptions, &cartridge_delete},
    {"cartridge", "verify",
     "Reads cartridges back without a drive and checks everything; exit status 5 where something is "
     "damaged",
     "tapeloft cartridge verify TL0001L9\n  tapeloft cartridge verify --all --sample=10%",
     kVerifyOptions, &cartridge_verify},
    {"cartridge", "export",
     "Takes a cartridge out of the library by a mail slot; its data stays, hosts cannot reach it",
     "tapeloft cartridge export TL0001L9",
     kExportOptions, &cartridge_export},
    {"cartridge", "import",
     "Brings a cartridge from outside back into a mail slot",
     "tapeloft cartridge import TL0001L9\n  tapeloft cartridge import TL0001L9 --slot=mail2",
     kImportOptions, &cartridge_import},
    {"changer", "move",
     "Moves a cartridge as MOVE MEDIUM does; one that is in a drive is unloaded first",
     "tapeloft changer move TL0001L9 drive0\n"
     "  tapeloft changer move TL0001L9 slot5\n"
     "  tapeloft changer move TL0001L9 mail1",
     kMoveOptions, &changer_move},
    {"", "events",
     "What has happened since the daemon started, oldest first (the newest 1000)",
     "tapeloft events\n  tapeloft events --after=120\n  tapeloft events --follow",
     kEventsOptions, &events},
    {"pbs", "scan",
     "What Proxmox Backup Server wrote: tapes, media sets, snapshots and what they need; without PBS",
     "tapeloft pbs scan\n  tapeloft pbs scan TL0001L8 TL0002L8 --full\n"
     "  tapeloft pbs scan --pool=daily --json | jq -r '.snapshots[].name'",
     kPbsScanOptions, &pbs_scan},
    {"pbs", "verify",
     "Checks every chunk, index, manifest and snapshot on the tapes; exit status 5 where something "
     "is damaged or missing",
     "tapeloft pbs verify\n  tapeloft pbs verify --pool=daily --client-key=encryption-key.json",
     kPbsVerifyOptions, &pbs_verify},
    {"pbs", "list",
     "The files in an archive: type, mode, owner, size, time",
     "tapeloft pbs list host/web/2024-06-05T07:04:24Z\n"
     "  tapeloft pbs list host/web/2024-06-05T07:04:24Z:root.pxar etc/nginx --recursive",
     kPbsListOptions, &pbs_list},
    {"pbs", "find",
     "Files in all snapshots on all tapes",
     "tapeloft pbs find --name='*.conf' --newer=2024-06-01\n"
     "  tapeloft pbs find --type=f --size=+1G --snapshot='host/web/*'",
     kPbsFindOptions, &pbs_find},
    {"pbs", "restore",
     "Takes files, an archive, or a whole snapshot, off the tapes",
     "tapeloft pbs restore host/web/2024-06-05T07:04:24Z:root.pxar --to=/srv/restored\n"
     "  tapeloft pbs restore host/web/2024-06-05T07:04:24Z:root.pxar 'etc/**/*.conf' --to=/tmp/conf\n"
     "  tapeloft pbs restore host/web/2024-06-05T07:04:24Z:root.pxar --as-tar | tar tvf -\n"
     "  tapeloft pbs restore vm/100/2024-06-05T07:04:24Z:drive.img --to=/dev/vg0/restored\n"
     "  tapeloft pbs restore vm/100/2024-06-05T07:04:24Z --to-datastore=/mnt/datastore",
     kPbsRestoreOptions, &pbs_restore},
    {"", "doctor",
     "Does to a library what Proxmox Backup Server does, and says what works; exit status 5 where a "
     "check failed",
     "tapeloft doctor --changer=/dev/tape/by-id/scsi-AB12CD34EF --drive=/dev/tape/by-id/scsi-GH56IJ78KL-sg\n"
     "  tapeloft doctor --target=iscsi://127.0.0.1/iqn.2026-11.io.tapeloft:default --scratch=TL0019L9,TL0020L9",
     kDoctorOptions, &doctor},
    // clang-format on
});

}  // namespace

std::span<const Command> commands() noexcept {
    return kCommands;
}

}  // namespace tapeloft::vtl::cli
