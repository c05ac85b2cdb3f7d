// Aligned columns for people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tapeloft::vtl::cli {

class Table {
  public:
    enum class Align : std::uint8_t { left, right };
    struct Column {
        std::string title;
        Align align = Align::left;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// cells: as many as there are columns.
    void add(std::vector<std::string> cells);
    /// A title line, then the rows; two spaces between columns, no spaces at the ends.
    [[nodiscard]] std::string text() const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// "18.0 TB": powers of 1000, as tapes are sold.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// "2026-11-22 20:55:00", local time.
[[nodiscard]] std::string time_text(std::int64_t unix_s);
/// "3 d 04:05:06"
[[nodiscard]] std::string duration_text(std::uint64_t seconds);
/// Without what would move the cursor or colour the terminal: a host may name itself as it likes.
[[nodiscard]] std::string printable(std::string text);

}  // namespace tapeloft::vtl::cli
