// A catalog that is worked on beside the one that is there, and takes its place at the end.
#pragma once

#include <filesystem>
#include <memory>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"

namespace tapeloft::vtl::cli {

/// Whoever has one has the state directory: nobody uses the catalog. Blocks.
class NewCatalog {
  public:
    /// Begins with what `file` has, if there is such a file. Errors: as Catalog::open(), io,
    /// precondition (a journal of another catalog lies where that of this one will be).
    [[nodiscard]] static Result<NewCatalog> open(const std::filesystem::path& file);

    NewCatalog(NewCatalog&& other) noexcept = default;
    NewCatalog& operator=(NewCatalog&&) = delete;
    NewCatalog(const NewCatalog&) = delete;
    NewCatalog& operator=(const NewCatalog&) = delete;
    ~NewCatalog();  ///< without replace(): what was there stays as it was

    [[nodiscard]] media::Catalog& catalog() noexcept { return *catalog_; }

    /// It is the catalog from now on, durable; the last call. Errors: io, no_space.
    [[nodiscard]] Result<void> replace();

  private:
    explicit NewCatalog(std::filesystem::path file) : file_(std::move(file)) {}
    [[nodiscard]] std::filesystem::path beside() const { return file_.string() + ".recovering"; }
    void remove_beside() const;

    std::filesystem::path file_;
    std::unique_ptr<media::Catalog> catalog_;  ///< null: replaced, or moved from
};

}  // namespace tapeloft::vtl::cli
