#include "vtl/cli/options.h"

#include <algorithm>
#include <array>
#include <variant>

#include "cloud/base/contract.h"

namespace tapeloft::vtl::cli {
namespace {

/// What an option fills; a flag fills a bool.
using Member = std::variant<bool Arguments::*, std::string Arguments::*, std::uint32_t Arguments::*,
                            std::uint64_t Arguments::*, std::vector<std::string> Arguments::*>;

enum class Needed : std::uint8_t { no, yes };

struct OptionRow {
    Option option;
    const char* name;  ///< without dashes: it stands by its place
    Member member;
    Needed needed;
    const char* help;
};

constexpr auto kOptions = std::to_array<OptionRow>({
    {Option::library, "--library", &Arguments::library, Needed::no,
     "Name of the library (default: the only one)"},
    {Option::barcode, "BARCODE", &Arguments::barcode, Needed::yes, "Barcode of the cartridge"},
    {Option::barcodes, "BARCODES", &Arguments::barcodes, Needed::yes,
     "A barcode, or a range such as TL0021L9..TL0024L9"},
    {Option::capacity, "--capacity", &Arguments::capacity, Needed::no,
     "Size of each, as 100GiB, 100GB or bytes (default: native capacity of the generation)"},
    {Option::worm, "--worm", &Arguments::worm, Needed::no,
     "What is written on them cannot be changed any more"},
    {Option::location, "--location", &Arguments::location, Needed::no,
     "slotN or mailN; a range fills the elements behind it too (default: the first free slots)"},
    {Option::destination, "DESTINATION", &Arguments::destination, Needed::yes,
     "driveN (from 0), slotN or mailN (from 1)"},
    {Option::mail_action, "ACTION", &Arguments::mail_action, Needed::yes, "open or close"},
    {Option::mail_slot, "--slot", &Arguments::mail_slot, Needed::no,
     "mailN (from 1); default: the first free mail slot"},
    {Option::yes, "--yes", &Arguments::yes, Needed::no, "Do not ask"},
    {Option::dry_run, "--dry-run", &Arguments::dry_run, Needed::no,
     "Only say what would be destroyed or removed"},
    {Option::follow, "--follow", &Arguments::follow, Needed::no,
     "Go on and print new ones as they come"},
    {Option::after, "--after", &Arguments::after, Needed::no,
     "Only those with a greater sequence number (default: 0)"},
    {Option::partition, "--partition", &Arguments::partition, Needed::no,
     "Partition of the tape, from 0 (default: 0)"},
    {Option::file, "--file", &Arguments::file, Needed::no,
     "File of the partition, from 0: the filemarks before it (default: 0)"},
    {Option::to_library, "--to-library", &Arguments::to_library, Needed::yes,
     "Name of the library that gets the copy"},
    {Option::move, "--move", &Arguments::move, Needed::no,
     "Delete the cartridge once its copy is stored and was read back"},
    {Option::state_dir, "--state-dir", &Arguments::state_dir, Needed::no,
     "State directory of the daemon (default: /var/lib/tapeloft)"},
    {Option::store, "--store", &Arguments::stores, Needed::yes,
     "URL of the store, as file:///srv/tapeloft; once for each store of a mirror"},
    {Option::store_url, "URL", &Arguments::store, Needed::yes,
     "Where it is, as \"s3://bucket/prefix?endpoint=https://host\""},
    {Option::key, "--key", &Arguments::key, Needed::yes, "Key file of the library"},
    {Option::library_key, "--key", &Arguments::key, Needed::no,
     "Key file (default: keys/<library>.key in the state directory)"},
    {Option::passphrase_file, "--passphrase-file", &Arguments::passphrase_file, Needed::no,
     "File with the passphrase of the key (default: it is asked for, where there is one)"},
    {Option::new_passphrase_file, "--new-passphrase-file", &Arguments::new_passphrase_file,
     Needed::no, "File with the new passphrase (default: it is asked for)"},
    {Option::backup, "--to", &Arguments::backup, Needed::yes, "New file for the copy"},
    {Option::partial, "--partial", &Arguments::partial, Needed::no,
     "Give up the cartridges that cannot be recovered, for good"},
    {Option::take_over, "--take-over", &Arguments::take_over, Needed::no,
     "From now on the library is this state directory's; the daemon that has it stops serving it"},
    {Option::barcode_or_all, "BARCODE", &Arguments::barcode, Needed::no,
     "Barcode of the cartridge"},
    {Option::sample, "--sample", &Arguments::sample, Needed::no,
     "Only so many per cent, drawn at random, as 10% (default: all)"},
    {Option::grace, "--grace", &Arguments::grace, Needed::no,
     "Seconds that a pack must have been without use (default: a day)"},
    {Option::repair, "--repair", &Arguments::repair, Needed::no,
     "Do what is safe, and say what is not done"},
    {Option::tapes, "BARCODE", &Arguments::tapes, Needed::no,
     "Barcodes of tapes (default: all of the library)"},
    {Option::tape, "--tape", &Arguments::tapes, Needed::no,
     "Barcode of a tape to look at; may be given more than once (default: all of the library)"},
    {Option::pool, "--pool", &Arguments::pool, Needed::no, "Only tapes of this media pool"},
    {Option::full, "--full", &Arguments::full, Needed::no,
     "Trust no catalog: read through the tapes"},
    {Option::snapshot, "SNAPSHOT", &Arguments::snapshot, Needed::yes,
     "[STORE:]SNAPSHOT[:ARCHIVE], as vm/100/2024-06-05T07:04:24Z:drive.img"},
    {Option::snapshot_glob, "--snapshot", &Arguments::snapshot, Needed::no,
     "Only snapshots that match, as 'vm/*' or 'alpha:*' (default: all)"},
    {Option::path, "PATH", &Arguments::path, Needed::no,
     "Folder or file in the archive (default: its root)"},
    {Option::paths, "PATH", &Arguments::paths, Needed::no,
     "Paths or globs in the archive; ** matches any folders (default: all of it)"},
    {Option::recursive, "--recursive", &Arguments::recursive, Needed::no,
     "Also what is in the folders below"},
    {Option::as_tar, "--as-tar", &Arguments::as_tar, Needed::no,
     "The files as a tar stream to standard output"},
    {Option::name, "--name", &Arguments::name, Needed::no,
     "Glob for the file name, as '*.conf', or, with a /, for the path: 'etc/**/*.conf'"},
    {Option::type, "--type", &Arguments::type, Needed::no,
     "f (file), d (folder), l (symbolic link), b, c, p, s; several with commas"},
    {Option::newer, "--newer", &Arguments::newer, Needed::no,
     "Changed after this time (UTC), as 2024-06-05 or 2024-06-05T07:04"},
    {Option::older, "--older", &Arguments::older, Needed::no,
     "Changed before this time; also '2024-06-05 07:04:24', and @1717571064"},
    {Option::size, "--size", &Arguments::size, Needed::no,
     "+10M: more than that, -4k: less, 512: exactly so many bytes; k, M, G, T, P"},
    {Option::target, "--to", &Arguments::target, Needed::no,
     "Folder for files, or for all of a snapshot; new file or block device for an image. What is "
     "there is never written over"},
    {Option::datastore, "--to-datastore", &Arguments::datastore, Needed::no,
     "Folder of a datastore, made if it is not there: chunks, indexes and manifest go into it"},
    {Option::client_key, "--client-key", &Arguments::client_key, Needed::no,
     "Key file of the backup client, for backups that are encrypted or signed"},
    {Option::master_key, "--master-key", &Arguments::master_key, Needed::no,
     "Private key (PEM) that opens the key kept in the snapshot"},
    {Option::target_url, "--target", &Arguments::target_url, Needed::no,
     "The library by iSCSI: iscsi://[user@]host[:port]/target; the secret of CHAP is taken from "
     "LIBISCSI_CHAP_PASSWORD"},
    {Option::lun, "--lun", &Arguments::lun, Needed::no,
     "LUN of the drive at --target (default: 1)"},
    {Option::changer, "--changer", &Arguments::changer, Needed::no,
     "Node of the changer, as /dev/tape/by-id/scsi-<serial>"},
    {Option::drive, "--drive", &Arguments::drive, Needed::no,
     "Node of the drive, as /dev/tape/by-id/scsi-<serial>-sg"},
    {Option::scratch, "--scratch", &Arguments::scratch, Needed::no,
     "Barcodes of one cartridge or two (A,B) that may be overwritten (default: nothing is moved or "
     "written)"},
    {Option::cleaning, "--cleaning", &Arguments::cleaning, Needed::no,
     "Barcode of a cleaning cartridge to use once (default: none)"},
    {Option::backup_mib, "--backup", &Arguments::backup_mib, Needed::no,
     "MiB to write; less if the scratch cartridges are full before (default: 4096)"},
});

}  // namespace

void add_option(CLI::App& app, Option option, Arguments& arguments) {
    const auto* const row =
        std::find_if(kOptions.begin(), kOptions.end(),
                     [option](const OptionRow& each) { return each.option == option; });
    TL_ASSERT(row != kOptions.end());
    const auto add = [&](auto member) {
        using Value = std::decay_t<decltype(arguments.*member)>;
        if constexpr (std::is_same_v<Value, bool>) {
            app.add_flag(row->name, arguments.*member, row->help);
        } else {
            auto* const added = app.add_option(row->name, arguments.*member, row->help);
            added->required(row->needed == Needed::yes);
            if (row->name[0] == '-') {
                added->allow_extra_args(false);  // a list is an option for each
            }
        }
    };
    std::visit(add, row->member);
    if (option == Option::mail_action) {
        app.get_option(row->name)->check(CLI::IsMember({"open", "close"}));
    } else if (option == Option::barcode_or_all) {
        app.add_flag("--all", arguments.all, "Every cartridge of the library")
            ->excludes(app.get_option(row->name));
    } else if (option == Option::grace) {
        app.get_option(row->name)->each(
            [&arguments](const std::string&) { arguments.grace_given = true; });
    }
}

}  // namespace tapeloft::vtl::cli
