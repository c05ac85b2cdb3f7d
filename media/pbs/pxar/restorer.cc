#include "media/pbs/pxar/restorer.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {
namespace {

/// The file system refuses this one entry; others it may take.
bool is_refusal(const Error& error) {
    return error.code == Errc::already_exists || error.code == Errc::denied ||
           error.code == Errc::invalid_argument || error.code == Errc::unsupported ||
           error.code == Errc::not_found;
}

}  // namespace

Restorer::Restorer(PxarReader& reader, PathSelection selection, std::filesystem::path target)
    : reader_(reader), walk_(reader, std::move(selection)), target_(std::move(target)) {}

Awaitable<Result<void>> Restorer::run() {
    TL_CO_TRY(tree_, RestoreTree::open(target_));
    while (true) {
        TL_CO_TRY(auto event, co_await walk_.next());
        if (!event) {
            report_.unmatched = walk_.unmatched();
            co_return Result<void>();
        }
        TL_CO_CHECK(co_await take(std::move(*event)));
    }
}

Awaitable<Result<void>> Restorer::take(PxarEvent event) {
    const auto kind = event.entry.kind;
    if (event.kind == PxarEvent::Kind::damage) {
        report_.add_failure(event.entry.path, std::move(*event.error));
        co_return Result<void>();
    }
    if (event.kind == PxarEvent::Kind::leave) {
        co_return leave(event);
    }
    if (kind == FileKind::directory) {
        co_return enter(std::move(event));
    }
    if (blocked_ != 0) {
        walk_.failed(event.entry);
        co_return Result<void>();
    }
    if (kind == FileKind::file) {
        co_return co_await take_file(std::move(event.entry));
    }
    co_return take_other(event.entry);
}

Result<void> Restorer::enter(PxarEvent event) {
    if (blocked_ != 0) {
        ++blocked_;
        return {};
    }
    if (event.entry.path.empty()) {
        made_.push_back(false);
        return {};
    }
    auto made = tree_->enter(event.entry.name());
    if (!made) {
        auto error = std::move(made).error();
        const bool refused = is_refusal(error);
        if (!refused) {
            return error;
        }
        blocked_ = 1;
        report_.add_refusal(event.entry.path, std::move(error));
        return {};
    }
    made_.push_back(*made);
    return {};
}

Result<void> Restorer::leave(const PxarEvent& event) {
    if (blocked_ != 0) {
        --blocked_;
        return {};
    }
    const bool apply = event.selected || made_.back();
    made_.pop_back();
    ++report_.directories;
    if (event.entry.path.empty()) {
        if (event.selected) {
            report_.add_problems(event.entry.path, tree_->apply_to_root(event.entry));
        }
        return {};
    }
    TL_TRY(auto problems, tree_->leave(apply ? &event.entry : nullptr));
    report_.add_problems(event.entry.path, std::move(problems));
    return {};
}

Awaitable<Result<void>> Restorer::take_file(PxarEntry file) {
    auto created = tree_->create_file(file.name());
    if (!created) {
        co_return refuse(file, std::move(created).error());
    }
    bool written = true;
    auto copied = co_await copy(file, *created, written);
    if (!copied) {
        auto error = std::move(copied).error();
        TL_CO_CHECK(tree_->discard(*created, file.name()));
        if (!written) {
            co_return refuse(file, std::move(error));
        }
        if (!is_damage(error)) {
            co_return error;
        }
        walk_.failed(file);
        report_.add_failure(file.path, std::move(error));
        co_return Result<void>();
    }
    auto problems = created->finish(file);
    if (!problems) {
        TL_CO_CHECK(tree_->discard(*created, file.name()));
        co_return refuse(file, std::move(problems).error());
    }
    report_.add_problems(file.path, *std::move(problems));
    ++report_.files;
    report_.bytes += file.size;
    co_return Result<void>();
}

/// written: false, if it is the target that failed.
Awaitable<Result<void>> Restorer::copy(const PxarEntry& file, RestoredFile& into, bool& written) {
    for (std::uint64_t offset = 0; offset < file.size;) {
        const auto size = std::min<std::uint64_t>(file.size - offset, kPiece);
        TL_CO_TRY(const auto piece, co_await reader_.payload(file, offset, size));
        auto done = into.write(offset, piece);
        written = done.has_value();
        TL_CO_CHECK(std::move(done));
        offset += piece.size();
    }
    co_return Result<void>();
}

Result<void> Restorer::take_other(const PxarEntry& entry) {
    if (entry.kind == FileKind::hardlink) {
        auto linked = tree_->create_link(entry.name(), entry.target);
        if (!linked && linked.error().code == Errc::not_found) {
            // What comes before the link in the archive and is not there was lost with it.
            walk_.failed(entry);
            report_.add_failure(entry.path, std::move(linked).error());
            return {};
        }
        if (!linked) {
            return refuse(entry, std::move(linked).error());
        }
        ++report_.links;
        return {};
    }
    auto problems = tree_->create_other(entry);
    if (!problems) {
        return refuse(entry, std::move(problems).error());
    }
    report_.add_problems(entry.path, *std::move(problems));
    ++report_.others;
    return {};
}

/// The entry is missing now; the restore goes on unless nothing else could be restored either.
Result<void> Restorer::refuse(const PxarEntry& entry, Error error) {
    walk_.failed(entry);
    if (!is_refusal(error)) {
        return error;
    }
    report_.add_refusal(entry.path, std::move(error));
    return {};
}

}  // namespace tapeloft::media
