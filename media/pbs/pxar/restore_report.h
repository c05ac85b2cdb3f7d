// What came of taking files out of an archive.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/result.h"

#include "media/pbs/pxar/restore_attributes.h"

namespace tapeloft::media {

struct RestoreFailure {
    /// Of what is lost; where its name is not known, of the directory that it is in.
    std::string path;
    Error error;
    /// Of the archive; else what is in the target kept it from being restored, or its file system.
    bool is_damage = true;
};

struct RestoreProblem {
    std::string path;
    AttributeProblem problem;
};

struct RestoreReport {
    /// Failures and problems that are named; of the others only the number is known.
    static constexpr std::size_t kNamedMax = 1000;

    std::uint64_t files = 0;
    std::uint64_t bytes = 0;  ///< of them
    std::uint64_t directories = 0;
    std::uint64_t links = 0;   ///< hard ones
    std::uint64_t others = 0;  ///< symbolic links, devices, fifos, sockets
    /// Entries that are missing now; a directory counts once, with all that is in it.
    std::uint64_t failed = 0;
    std::uint64_t refused = 0;  ///< of them, by the target
    std::vector<RestoreFailure> failures;
    /// Attributes that could not be given, by AttributeKind; the entries are there.
    std::array<std::uint64_t, kAttributeKinds> attributes_missing{};
    std::vector<RestoreProblem> problems;
    std::uint64_t sockets_left_out = 0;  ///< a tar archive cannot hold them
    std::vector<std::string> unmatched;  ///< patterns that nothing matched

    void add_failure(const std::string& path, Error error) {
        ++failed;
        if (failures.size() < kNamedMax) {
            failures.push_back({path, std::move(error)});
        }
    }
    void add_refusal(const std::string& path, Error error) {
        ++failed;
        ++refused;
        if (failures.size() < kNamedMax) {
            failures.push_back({path, std::move(error), false});
        }
    }
    void add_problems(const std::string& path, std::vector<AttributeProblem> found) {
        for (auto& problem : found) {
            ++attributes_missing[static_cast<std::size_t>(problem.kind)];
            if (problems.size() < kNamedMax) {
                problems.push_back({path, std::move(problem)});
            }
        }
    }
    [[nodiscard]] bool is_complete() const noexcept { return failed == 0 && unmatched.empty(); }
};

}  // namespace tapeloft::media
