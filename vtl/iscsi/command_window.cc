#include "vtl/iscsi/command_window.h"

namespace tapeloft::vtl::iscsi {

CommandWindow::Verdict CommandWindow::on_command(std::uint32_t cmd_sn) {
    if (!inside(cmd_sn) || skipped_.contains(cmd_sn)) {
        return Verdict::drop;
    }
    if (cmd_sn == exp_cmd_sn_) {
        return Verdict::deliver;
    }
    return held_.insert(cmd_sn).second ? Verdict::hold : Verdict::drop;
}

void CommandWindow::advance() {
    held_.erase(exp_cmd_sn_);
    skipped_.erase(exp_cmd_sn_);
    ++exp_cmd_sn_;
}

bool CommandWindow::skip(std::uint32_t cmd_sn) {
    if (!inside(cmd_sn) || held_.contains(cmd_sn)) {
        return false;
    }
    return skipped_.insert(cmd_sn).second;
}

void CommandWindow::update(std::uint32_t open) {
    if (closed_ || open >= size_max_) {
        return;
    }
    const auto max_cmd_sn = exp_cmd_sn_ + (size_max_ - open) - 1;
    if (serial_before(max_cmd_sn_, max_cmd_sn)) {
        max_cmd_sn_ = max_cmd_sn;
    }
}

}  // namespace tapeloft::vtl::iscsi
