#include "vtl/cli/key_commands.h"

#include <filesystem>
#include <vector>

#include "media/repository/keys.h"

#include "vtl/cli/output.h"
#include "vtl/cli/passphrase.h"

namespace tapeloft::vtl::cli {
namespace {

namespace fs = std::filesystem;

Result<fs::path> the_only_key(const fs::path& folder) {
    std::vector<fs::path> keys;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(folder, failed)) {
        if (entry.path().extension() == ".key") {
            keys.push_back(entry.path());
        }
    }
    if (failed) {
        return error_from_errno(folder.string(), failed.value());
    }
    if (keys.size() != 1) {
        return Error{Errc::invalid_argument,
                     folder.string() + " has " + std::to_string(keys.size()) +
                         " key files; say which one is meant by --library or --key"};
    }
    return keys.front();
}

/// --key, or the key of --library in the state directory, or the only one there.
Result<fs::path> chosen_key(const Arguments& arguments) {
    if (!arguments.key.empty()) {
        return fs::path(arguments.key);
    }
    if (!arguments.library.empty()) {
        return state::key_file_of(arguments.state_dir, arguments.library);
    }
    return the_only_key(fs::path(arguments.state_dir) / "keys");
}

std::string backup_report(const Json& answer) {
    return "Copied " + answer.at("key").get<std::string>() + " to " +
           answer.at("backup").get<std::string>() +
           (answer.at("wrapped").get<bool>()
                ? ".\nThe copy opens with the same passphrase as the key does now.\n"
                : ".\nNo passphrase protects it: whoever has the copy can read the store.\n") +
           "Keep it where a fire here does not reach it: without this key all data is lost.\n";
}

std::string change_report(const Json& answer) {
    return "Changed the passphrase of " + answer.at("key").get<std::string>() +
           ".\nCopies made before still open as they did; make a new one: tapeloft key backup\n"
           "The daemon opens the key at its next start: put the new passphrase into the file that "
           "key_passphrase_file names.\n";
}

Result<Json> back_up(const Arguments& arguments) {
    TL_TRY(const auto key, chosen_key(arguments));
    TL_TRY(const bool wrapped, media::KeyFile::is_wrapped(key));
    TL_CHECK(media::KeyFile::copy(key, arguments.backup));
    return Json{{"key", key.string()}, {"backup", arguments.backup}, {"wrapped", wrapped}};
}

Result<Json> change_passphrase(const Arguments& arguments) {
    TL_TRY(const auto key, chosen_key(arguments));
    TL_TRY(const auto current, passphrase_of(key, arguments.passphrase_file));
    TL_CHECK(media::KeyFile::read(key, current));  // before anybody types a new one
    TL_TRY(const auto fresh, new_passphrase(arguments.new_passphrase_file));
    TL_CHECK(media::KeyFile::change_passphrase(key, current, fresh));
    return Json{{"key", key.string()}};
}

}  // namespace

ExitStatus key_backup(const Arguments& arguments) {
    return show(arguments, answer_of(back_up(arguments)), &backup_report);
}

ExitStatus key_change_passphrase(const Arguments& arguments) {
    return show(arguments, answer_of(change_passphrase(arguments)), &change_report);
}

}  // namespace tapeloft::vtl::cli
