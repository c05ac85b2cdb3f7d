#include "cloud/store/tree_list.h"

#include <algorithm>
#include <queue>
#include <string_view>
#include <utility>
#include <vector>

namespace tapeloft {
namespace {

// A folder's key is its full name with the "/" behind it, so that keys of one folder sort as the
// names below them do: "a-b" < "a/..." < "a0".
class TreeList {
  public:
    TreeList(StoreFiles& files, const std::filesystem::path& root, const std::string& prefix,
             const std::string& after, std::size_t limit)
        : files_(files), root_(root), prefix_(prefix), after_(after), limit_(limit) {}

    /// folder: empty, or a key. Appends what belongs on the page until that is full.
    Result<void> walk(const std::string& folder) {
        std::string done;  // the last key that was looked at; keys up to it are not met again
        while (!page_.more) {
            const auto wanted = limit_ + 1 - page_.objects.size();
            TL_TRY(const auto keys, smallest_keys(folder, done, wanted));
            for (const auto& key : keys) {
                TL_CHECK(key.ends_with('/') ? walk(key) : add(key));
                if (page_.more) {
                    return {};
                }
            }
            // Fewer keys than were wanted: there are no further ones. Else some were folders
            // without names for this page.
            if (keys.size() < wanted) {
                return {};
            }
            done = keys.back();
        }
        return {};
    }

    ObjectPage take_page() { return std::move(page_); }

  private:
    [[nodiscard]] bool may_matter(const std::string& key) const {
        if (!key.ends_with('/')) {
            return key.starts_with(prefix_) && key > after_;
        }
        const bool has_prefix = key.starts_with(prefix_) || prefix_.starts_with(key);
        return has_prefix && (key > after_ || after_.starts_with(key));
    }

    /// The `wanted` smallest keys of the folder behind `done` that may matter, in order.
    Result<std::vector<std::string>> smallest_keys(const std::string& folder,
                                                   const std::string& done, std::size_t wanted) {
        std::priority_queue<std::string> smallest;
        std::string key;  // one for all names: most of a large folder is passed over
        const auto visit = [&](std::string_view name, StoreFiles::Kind kind) {
            key.assign(folder).append(name);
            if (kind == StoreFiles::Kind::folder) {
                key += '/';
            }
            const bool too_large = smallest.size() == wanted && key >= smallest.top();
            if (too_large || key <= done || !may_matter(key) ||
                !is_object_name(std::string_view(key).substr(0, folder.size() + name.size()))) {
                return;
            }
            if (smallest.size() == wanted) {
                smallest.pop();
            }
            smallest.push(key);
        };
        TL_CHECK(files_.scan(root_ / folder, visit));
        std::vector<std::string> keys(smallest.size());
        for (auto place = keys.rbegin(); place != keys.rend(); ++place) {
            *place = smallest.top();
            smallest.pop();
        }
        return keys;
    }

    Result<void> add(const std::string& name) {
        if (page_.objects.size() == limit_) {
            page_.more = true;
            return {};
        }
        TL_TRY(const auto status, files_.look_at(root_ / name));
        // It may have been removed since.
        if (status.kind == StoreFiles::Kind::file) {
            page_.objects.push_back({name, status.size});
        }
        return {};
    }

    StoreFiles& files_;
    const std::filesystem::path& root_;
    const std::string& prefix_;
    const std::string& after_;
    const std::size_t limit_;
    ObjectPage page_;
};

}  // namespace

Result<ObjectPage> list_tree(StoreFiles& files, const std::filesystem::path& root,
                             const std::string& prefix, const std::string& after,
                             std::size_t limit) {
    const auto slash = prefix.rfind('/');
    const auto folder = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
    if (!folder.empty() && !is_object_name(std::string_view(folder).substr(0, slash))) {
        return ObjectPage();  // no name begins so
    }
    TreeList list(files, root, prefix, after, limit);
    TL_CHECK(list.walk(folder));
    return list.take_page();
}

}  // namespace tapeloft
