// What may stand on a command line, as rows.
#pragma once

#include <CLI/CLI.hpp>

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

/// arguments outlives app.
void add_option(CLI::App& app, Option option, Arguments& arguments);

}  // namespace tapeloft::vtl::cli
