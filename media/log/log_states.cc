// The entries that are JSON. Nothing here throws: text is parsed without exceptions, and a value is
// asked for its type before it is taken. Members that are not known are passed over, so that a
// later version may add some.
#include <array>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <tuple>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include "cloud/base/hex.h"

#include "media/log/log_entries.h"

namespace tapeloft::media {
namespace {

using Json = nlohmann::json;

struct ElementName {
    ElementKind kind;
    std::string_view name;
};
constexpr std::array<ElementName, 4> kElementNames = {
    {{ElementKind::storage, "storage"},
     {ElementKind::import_export, "import_export"},
     {ElementKind::drive, "drive"},
     {ElementKind::outside, "outside"}}};

// RFC 4648, 4, with padding.

std::string to_base64(ByteView bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    // Characters may be written as bytes: [basic.lval] 11.3.
    const auto length =
        EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(text.data()),  // NOLINT(*-reinterpret-cast)
                        bytes.data(), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

std::optional<Bytes> from_base64(const std::string& text) {
    if (text.size() % 4 != 0 || text.size() > kLogPayloadMax) {
        return std::nullopt;
    }
    Bytes bytes(text.size() / 4 * 3);
    const auto length =
        EVP_DecodeBlock(bytes.data(), as_bytes(text).data(), static_cast<int>(text.size()));
    const auto padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
    if (length < 0 || padding > 2) {
        return std::nullopt;
    }
    bytes.resize(static_cast<std::size_t>(length) - padding);
    // OpenSSL passes over white space and bits that are left over; we do not.
    return to_base64(bytes) == text ? std::optional(std::move(bytes)) : std::nullopt;
}

LogEntry entry_of(LogEntryType type, const Json& state) {
    const auto text = state.dump(-1, ' ', false, Json::error_handler_t::replace);
    return {type, Bytes(text.begin(), text.end())};
}

/// Takes members by name; the first one that is missing or of another type is kept as the reason
/// why all of it is worth nothing.
class MemberReader {
  public:
    explicit MemberReader(std::string_view entry) : entry_(entry) {}

    [[nodiscard]] Json parse(ByteView body) {
        auto json = Json::parse(body.begin(), body.end(), nullptr, false);
        if (!json.is_object()) {
            wrong("", "no JSON object");
        }
        return json;
    }

    const Json& member(const Json& of, const char* name) {
        static const Json kNothing;
        if (!of.is_object()) {
            return wrong(name, "not in an object"), kNothing;
        }
        const auto found = of.find(name);
        return found == of.end() ? kNothing : *found;
    }
    std::string text(const Json& of, const char* name) {
        const auto& value = member(of, name);
        if (const auto* text = value.get_ptr<const std::string*>()) {
            return *text;
        }
        return wrong(name, "no text"), std::string();
    }
    bool flag(const Json& of, const char* name) {
        const auto& value = member(of, name);
        if (const auto* flag = value.get_ptr<const bool*>()) {
            return *flag;
        }
        return wrong(name, "not true or false"), false;
    }
    std::uint64_t number(const Json& of, const char* name, std::uint64_t max = kLogNumberMax) {
        const auto& value = member(of, name);
        if (const auto* number = value.get_ptr<const Json::number_unsigned_t*>();
            number != nullptr && *number <= max) {
            return *number;
        }
        return wrong(name, "no number that is allowed there"), 0;
    }
    std::int64_t signed_number(const Json& of, const char* name) {
        const auto& value = member(of, name);
        if (const auto* number = value.get_ptr<const Json::number_integer_t*>();
            number != nullptr && (!value.is_number_unsigned() || *number >= 0)) {
            return *number;
        }
        return wrong(name, "no number that is allowed there"), 0;
    }
    const Json& array(const Json& of, const char* name) {
        static const Json kEmpty = Json::array();
        const auto& value = member(of, name);
        if (value.is_array()) {
            return value;
        }
        return wrong(name, "no list"), kEmpty;
    }
    NamedValue value(const Json& of) {
        NamedValue value{text(of, "name"), {}};
        auto bytes = from_base64(text(of, "value"));
        if (!bytes) {
            return wrong("value", "not base64"), value;
        }
        value.value = std::move(*bytes);
        return value;
    }
    Element element(const Json& of) {
        const auto name = text(of, "kind");
        for (const auto& row : kElementNames) {
            if (row.name == name) {
                return {row.kind, static_cast<std::uint32_t>(number(
                                      of, "index", std::numeric_limits<std::uint32_t>::max()))};
            }
        }
        return wrong("kind", "no kind of element"), Element{};
    }
    void wrong(std::string_view name, std::string_view what) {
        if (!error_) {
            error_ = Error{Errc::corrupt, "the entry \"" + std::string(entry_) +
                                              "\" is damaged: " + std::string(name) +
                                              (name.empty() ? "" : ": ") + std::string(what)};
        }
    }
    [[nodiscard]] const std::optional<Error>& error() const noexcept { return error_; }

  private:
    std::string_view entry_;
    std::optional<Error> error_;
};

Json json_of(const Element& element) {
    for (const auto& row : kElementNames) {
        if (row.kind == element.kind) {
            return {{"kind", row.name}, {"index", element.index}};
        }
    }
    return nullptr;
}

Json json_of(const NamedValue& value) {
    return {{"name", value.name}, {"value", to_base64(value.value)}};
}

}  // namespace

LogEntry encode(const LibraryState& state) {
    auto json = Json::object();
    json["name"] = state.name;
    json["properties"] = Json::object();
    for (const auto& [name, value] : state.properties) {
        json["properties"][name] = value;
    }
    json["values"] = Json::array();
    for (const auto& owned : state.values) {
        auto value = json_of(owned.value);
        value["owner"] = owned.owner;
        json["values"].push_back(std::move(value));
    }
    json["cartridges"] = Json::array();
    for (const auto& cartridge : state.cartridges) {
        json["cartridges"].push_back({{"stream", to_hex(cartridge.stream)},
                                      {"barcode", cartridge.barcode},
                                      {"medium_serial", cartridge.medium_serial}});
    }
    return entry_of(LogEntryType::library, json);
}

Result<LibraryState> decode_library(const LogEntry& entry) {
    MemberReader reader("library");
    const auto json = reader.parse(entry.body);
    LibraryState state;
    state.name = reader.text(json, "name");
    const auto& properties = reader.member(json, "properties");
    if (!properties.is_object()) {
        reader.wrong("properties", "no object");
    } else {
        for (const auto& property : properties.items()) {
            const auto* const value = property.value().get_ptr<const std::string*>();
            if (value == nullptr) {
                reader.wrong("properties", "one is no text");
            } else {
                state.properties[property.key()] = *value;
            }
        }
    }
    for (const auto& value : reader.array(json, "values")) {
        state.values.push_back({reader.text(value, "owner"), reader.value(value)});
    }
    for (const auto& known : reader.array(json, "cartridges")) {
        KnownCartridge cartridge;
        if (!from_hex(reader.text(known, "stream"), cartridge.stream)) {
            reader.wrong("stream", "not 32 hexadecimal digits");
        }
        cartridge.barcode = reader.text(known, "barcode");
        cartridge.medium_serial = reader.text(known, "medium_serial");
        state.cartridges.push_back(std::move(cartridge));
    }
    if (reader.error()) {
        return *reader.error();
    }
    return state;
}

LogEntry encode(const CartridgeState& state) {
    const auto& record = state.record;
    auto json = Json::object();
    json["barcode"] = record.barcode;
    json["generation"] = record.generation;
    json["medium_serial"] = record.medium_serial;
    json["capacity"] = record.capacity;
    json["write_protected"] = record.write_protected;
    json["worm"] = record.worm;
    json["cleaning"] = record.cleaning;
    json["format"] = record.format;
    json["element"] = json_of(record.element);
    json["source"] = record.source ? json_of(*record.source) : Json();
    json["created_unix_s"] = record.created_unix_s;
    json["load_count"] = record.load_count;
    json["bytes_written"] = record.bytes_written;
    json["bytes_read"] = record.bytes_read;
    json["damaged"] = state.damaged;
    json["values"] = Json::array();
    for (const auto& value : state.values) {
        json["values"].push_back(json_of(value));
    }
    return entry_of(LogEntryType::state, json);
}

Result<CartridgeState> decode_state(const LogEntry& entry) {
    MemberReader reader("state");
    const auto json = reader.parse(entry.body);
    CartridgeState state;
    auto& record = state.record;
    record.barcode = reader.text(json, "barcode");
    record.generation = reader.text(json, "generation");
    record.medium_serial = reader.text(json, "medium_serial");
    record.capacity = reader.number(json, "capacity");
    record.write_protected = reader.flag(json, "write_protected");
    record.worm = reader.flag(json, "worm");
    record.cleaning = reader.flag(json, "cleaning");
    record.format = static_cast<std::uint32_t>(
        reader.number(json, "format", std::numeric_limits<std::uint32_t>::max()));
    record.element = reader.element(reader.member(json, "element"));
    const auto& source = reader.member(json, "source");
    if (!source.is_null()) {
        record.source = reader.element(source);
    }
    record.created_unix_s = reader.signed_number(json, "created_unix_s");
    record.load_count = reader.number(json, "load_count");
    record.bytes_written = reader.number(json, "bytes_written");
    record.bytes_read = reader.number(json, "bytes_read");
    state.damaged = reader.flag(json, "damaged");
    for (const auto& value : reader.array(json, "values")) {
        state.values.push_back(reader.value(value));
    }
    if (reader.error()) {
        return *reader.error();
    }
    return state;
}

}  // namespace tapeloft::media
