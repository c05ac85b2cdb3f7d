#include "vtl/cli/output.h"

#include <cstdio>

#include "vtl/cli/table.h"

namespace tapeloft::vtl::cli {

bool print(const std::string& text) {
    const bool taken = std::fputs(text.c_str(), stdout) != EOF;
    return std::fflush(stdout) == 0 && taken;
}

void complain(const std::string& message) {
    std::fprintf(stderr, "tapeloft: %s\n", printable(message).c_str());
}

namespace {

std::string json_text(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Json error_json(const Error& error) {
    return {{"error", {{"code", to_string(error.code)}, {"message", error.message}}}};
}

ExitStatus show(const Arguments& arguments, const Answer& answer, Report report) {
    bool taken = true;
    if (arguments.json) {
        const bool silent = answer.json.is_null() && !answer.done();
        taken =
            print(json_text(silent ? error_json({Errc::transient, answer.message}) : answer.json));
    }
    if (!answer.done()) {
        complain(answer.message);
        return answer.status;
    }
    if (!arguments.json) {
        taken = print(report(answer.json));
    }
    if (!taken) {
        complain("it is done, but standard output takes no more");
    }
    return taken ? ExitStatus::done : ExitStatus::refused;
}

Answer answer_of(Result<Json> done) {
    Answer answer;
    if (done) {
        answer.json = std::move(*done);
    } else {
        answer.status = ExitStatus::refused;
        answer.message = done.error().message;
        answer.json = error_json(done.error());
    }
    return answer;
}

}  // namespace tapeloft::vtl::cli
