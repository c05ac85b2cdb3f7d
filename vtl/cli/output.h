// What the commands print, and where.
#pragma once

#include <string>

#include "cloud/base/result.h"

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

using Report = std::string (*)(const Json&);

/// To standard output, at once; false: not all of it arrived.
[[nodiscard]] bool print(const std::string& text);
/// To standard error: "tapeloft: <message>", without what would move the cursor.
void complain(const std::string& message);

/// As the daemon tells of an error: {"error": {"code", "message"}}.
[[nodiscard]] Json error_json(const Error& error);

/// Prints what came back, for people or as JSON; an error to standard error, and as JSON too.
[[nodiscard]] ExitStatus show(const Arguments& arguments, const Answer& answer, Report report);

/// What a command did by itself, as if the daemon had answered.
[[nodiscard]] Answer answer_of(Result<Json> done);

}  // namespace tapeloft::vtl::cli
