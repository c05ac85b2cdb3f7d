// A table of the configuration, read key by key, each by its row.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vtl/daemon/config_value.h"

namespace tapeloft::vtl::daemon {

/// A key of a table: how its value gets into the target.
template <typename Target>
struct KeyRow {
    std::string_view key;
    Result<void> (*read)(const ConfigField& field, Target& target);
};

/// Reads every key of the table by its row, in the order of the file; refuses the others.
template <typename Target>
Result<void> read_table(const std::string& file, const std::string& path, const toml::table& table,
                        std::span<const KeyRow<Target>> rows, Target& target) {
    std::vector<std::pair<std::string_view, const toml::node*>> entries;
    for (const auto& [key, node] : table) {
        entries.emplace_back(key.str(), &node);
    }
    std::stable_sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) {
        return left.second->source().begin.line < right.second->source().begin.line;
    });
    for (const auto& [key, node] : entries) {
        const ConfigField field{file, path + (path.empty() ? "" : ".") + std::string(key), *node};
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&key = key](const auto& each) { return each.key == key; });
        if (row == rows.end()) {
            std::string allowed;
            for (const auto& each : rows) {
                allowed += (allowed.empty() ? "" : ", ") + std::string(each.key);
            }
            return field.error("unknown key; allowed: " + allowed);
        }
        TL_CHECK(row->read(field, target));
    }
    return {};
}

/// Calls read(table) for each element of an array of tables.
template <typename Read>
Result<void> for_each_table(const ConfigField& field, Read read) {
    const auto* const array = field.node.as_array();
    const bool all_tables = array != nullptr && array->is_homogeneous(toml::node_type::table);
    if (!all_tables) {
        return field.not_allowed("one or more tables that begin with [[" + field.path + "]]");
    }
    for (const auto& element : *array) {
        TL_CHECK(read(ConfigField{field.file, field.path, element}, *element.as_table()));
    }
    return {};
}

}  // namespace tapeloft::vtl::daemon
