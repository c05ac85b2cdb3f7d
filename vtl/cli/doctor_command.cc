#include "vtl/cli/doctor_command.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <sstream>

#include <unistd.h>

#include "vtl/cli/output.h"
#include "vtl/cli/table.h"
#include "vtl/doctor/examination.h"

namespace tapeloft::vtl::cli {
namespace {

using doctor::Finding;
using doctor::Order;
using doctor::Site;

const char* word_of(Finding::Verdict verdict) {
    switch (verdict) {
        case Finding::Verdict::passed:
            return "passed";
        case Finding::Verdict::failed:
            return "FAILED";
        case Finding::Verdict::not_done:
            return "not done";
    }
    return "";
}

Result<std::unique_ptr<Site>> site_of(const Arguments& arguments) {
    const bool by_nodes = !arguments.changer.empty() && !arguments.drive.empty();
    if (arguments.target_url.empty() && by_nodes) {
        return doctor::make_sg_site(arguments.changer, arguments.drive);
    }
    if (!arguments.target_url.empty() && arguments.changer.empty() && arguments.drive.empty()) {
        return doctor::make_iscsi_site(arguments.target_url, static_cast<int>(arguments.lun));
    }
    return Error{Errc::invalid_argument,
                 "say where the library is: --changer and --drive, or --target alone"};
}

Result<Order> order_of(const Arguments& arguments) {
    constexpr std::uint64_t kBackupMaxMib = 1024 * 1024;
    Order order;
    std::istringstream barcodes(arguments.scratch);
    for (std::string barcode; std::getline(barcodes, barcode, ',');) {
        order.scratch.push_back(barcode);
    }
    if (order.scratch.size() > 2 ||
        (order.scratch.size() == 2 && order.scratch[0] == order.scratch[1])) {
        return Error{Errc::invalid_argument, "--scratch takes one barcode or two, as A,B"};
    }
    if (arguments.backup_mib < 1 || arguments.backup_mib > kBackupMaxMib) {
        return Error{Errc::invalid_argument, "--backup is 1 to 1048576 MiB"};
    }
    order.cleaning = arguments.cleaning;
    order.backup_bytes = arguments.backup_mib << 20U;
    return order;
}

/// Asks on the terminal; without one the answer is no.
bool may_destroy(const Arguments& arguments) {
    if (arguments.scratch.empty() || arguments.yes) {
        return true;
    }
    if (::isatty(STDIN_FILENO) == 0) {
        complain("all that is on " + arguments.scratch +
                 " would be destroyed; add --yes if you mean it");
        return false;
    }
    std::fprintf(stderr, "All that is on %s will be destroyed. Type this to go on: ",
                 printable(arguments.scratch).c_str());
    std::string typed;
    std::getline(std::cin, typed);
    return typed == arguments.scratch;
}

bool tell(const Finding& finding) {
    auto line = std::string(word_of(finding.verdict));
    line.resize(10, ' ');
    line += finding.check + "\n";
    if (!finding.words.empty()) {
        line += std::string(10, ' ') + printable(finding.words) + "\n";
    }
    return print(line);
}

Json json_of(const std::vector<Finding>& findings) {
    Json checks = Json::array();
    for (const auto& finding : findings) {
        checks.push_back({{"check", finding.check},
                          {"verdict", word_of(finding.verdict)},
                          {"words", printable(finding.words)}});
    }
    return {{"checks", std::move(checks)}};
}

}  // namespace

ExitStatus doctor(const Arguments& arguments) {
    const auto order = order_of(arguments);
    auto site = site_of(arguments);
    if (!order || !site) {
        complain(order ? site.error().message : order.error().message);
        return ExitStatus::usage;
    }
    if (!may_destroy(arguments)) {
        return ExitStatus::usage;
    }
    bool told = true;
    const auto findings =
        doctor::examine(**site, *order, [&arguments, &told](const Finding& finding) {
            told = arguments.json || (tell(finding) && told);
        });
    if (arguments.json) {
        told = print(json_of(findings).dump(2) + "\n");
    }
    const auto failed = std::count_if(findings.begin(), findings.end(), [](const Finding& each) {
        return each.verdict == Finding::Verdict::failed;
    });
    if (failed != 0) {
        complain(std::to_string(failed) + " of " + std::to_string(findings.size()) +
                 " checks failed");
    }
    if (!told) {
        complain("standard output takes no more");
    }
    return failed != 0 ? ExitStatus::damaged : told ? ExitStatus::done : ExitStatus::refused;
}

}  // namespace tapeloft::vtl::cli
