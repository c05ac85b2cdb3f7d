// What hosts ask of elements and volume tags: READ ELEMENT STATUS, SEND VOLUME TAG, REQUEST VOLUME
// ELEMENT ADDRESS; and the alternate tags that they give to cartridges.
#include <utility>

#include "vtl/library/media_changer.h"

namespace tapeloft::vtl::library {

using media::CartridgeRecord;
using scsi::Completion;
using scsi::SenseKey;
using scsi::Task;
namespace asc = scsi::asc;

namespace {

namespace cdb {  // SMC-3, 6.11; REQUEST VOLUME ELEMENT ADDRESS (6.14) but for DVCID
inline constexpr std::uint8_t kVolumeTag = 0x10;
inline constexpr std::uint8_t kElementType = 0x0F;
inline constexpr BigEndian<ElementAddress, 2> kStartingAddress;
inline constexpr BigEndian<std::uint16_t, 4> kNumberOfElements;
inline constexpr std::size_t kOptions = 6;
inline constexpr std::uint8_t kDeviceIdentifier = 0x01;  // CURDATA changes nothing: we never guess
inline constexpr BigEndian<std::uint32_t, 7, 3> kAllocationLength;
}  // namespace cdb

namespace send_volume_tag_cdb {  // SMC-3, 6.15
inline constexpr std::uint16_t kElementAddress = 2;
inline constexpr std::uint16_t kSendActionCode = 5;
}  // namespace send_volume_tag_cdb

std::string name_of_alternate_tag(const CartridgeRecord& cartridge) {
    return "alternate_tag/" + cartridge.medium_serial;
}

/// What both reports ask for alike; nothing: an element type that there is not.
std::optional<ElementStatusRequest> decode_request(const Task& task) {
    const auto type = static_cast<std::uint8_t>(task.cdb[1] & cdb::kElementType);
    if (type > static_cast<std::uint8_t>(ElementType::data_transfer)) {
        return std::nullopt;
    }
    ElementStatusRequest request;
    request.type = static_cast<ElementType>(type);
    request.volume_tags = (task.cdb[1] & cdb::kVolumeTag) != 0;
    request.starting_address = cdb::kStartingAddress.load(task.cdb);
    request.number_of_elements = cdb::kNumberOfElements.load(task.cdb);
    request.allocation_length = cdb::kAllocationLength.load(task.cdb);
    return request;
}

}  // namespace

Completion MediaChanger::read_element_status(const Task& task) {
    auto request = decode_request(task);
    if (!request) {
        return scsi::invalid_field_in_cdb(1, 3);
    }
    request->device_identifiers = (task.cdb[cdb::kOptions] & cdb::kDeviceIdentifier) != 0;
    return report_elements(*request);
}

Completion MediaChanger::request_volume_element_address(const Task& task) {
    auto request = decode_request(task);
    if (!request) {
        return scsi::invalid_field_in_cdb(1, 3);
    }
    const auto search = searches_.find(task.it_nexus);
    if (search == searches_.end()) {
        return Completion::check_condition(SenseKey::illegal_request, asc::kCommandSequenceError);
    }
    request->search = &search->second;
    return report_elements(*request);
}

Completion MediaChanger::report_elements(ElementStatusRequest request) const {
    std::vector<DriveIdentity> identities;
    for (const auto* const drive : drives_) {
        identities.push_back(drive->identity());
    }
    const ReportedLibrary library{inventory_, conditions_, identities};
    return Completion::with_data(Buffer::copy_of(element_status_data(library, request)));
}

// --- Volume tags
// ----------------------------------------------------------------------------------

Awaitable<Completion> MediaChanger::send_volume_tag(Task task) {
    auto request = decode_send_volume_tag(task);
    if (auto* const refused = std::get_if<Completion>(&request)) {
        co_return std::move(*refused);
    }
    auto done = Completion::good();
    if (auto* const search = std::get_if<VolumeTagSearch>(&request)) {
        searches_[task.it_nexus] = std::move(*search);
        done.data_out_length = kVolumeTagParameterLength;
        co_return done;
    }
    auto change = std::get<AlternateTagChange>(std::move(request));
    done.data_out_length = change.parameter_length;
    auto refused = co_await change_alternate_tag(std::move(change));
    if (refused) {
        co_return std::move(*refused);
    }
    co_return done;
}

Awaitable<std::optional<Completion>> MediaChanger::change_alternate_tag(AlternateTagChange change) {
    const auto element = element_at(change.address, inventory_.counts());
    if (!element) {
        co_return invalid_element_address(send_volume_tag_cdb::kElementAddress);
    }
    if (change.type != ElementType::all && change.type != type_of(element->kind)) {
        co_return scsi::invalid_field_in_cdb(1, 3);
    }
    const auto held = co_await lock(*element, *element);
    const auto* const occupant = inventory_.at(*element);
    if (occupant == nullptr) {
        co_return Completion::check_condition(SenseKey::illegal_request,
                                              asc::kMediumSourceElementEmpty);
    }
    const auto cartridge = *occupant;
    auto& tags = conditions_.alternate_tags;
    if (change.only_if_undefined && tags.contains(cartridge.barcode)) {
        co_return scsi::invalid_field_in_cdb(send_volume_tag_cdb::kSendActionCode, 4);
    }
    auto name = name_of_alternate_tag(cartridge);
    auto value = change.tag ? encode(*change.tag) : Bytes();
    const bool kept = co_await remember(std::move(name), std::move(value));
    if (!kept) {
        co_return not_remembered();
    }
    if (change.tag) {
        tags.insert_or_assign(cartridge.barcode, *change.tag);
    } else {
        tags.erase(cartridge.barcode);
    }
    events_.info("changer", "A host changed the alternate volume tag of a cartridge.",
                 {{"barcode", cartridge.barcode}, {"tag", change.tag ? change.tag->text : ""}});
    co_return std::nullopt;
}

void MediaChanger::recall_alternate_tags() {
    for (const auto& [barcode, cartridge] : inventory_.cartridges()) {
        const auto kept = recall(name_of_alternate_tag(cartridge));
        auto tag = kept ? decode_volume_tag(*kept) : std::nullopt;
        if (tag) {
            conditions_.alternate_tags.emplace(barcode, std::move(*tag));
        }
    }
}

/// What stays behind if that fails is of a cartridge whose serial number does not come again.
Awaitable<void> MediaChanger::forget_alternate_tag(CartridgeRecord cartridge) {
    if (conditions_.alternate_tags.erase(cartridge.barcode) != 0) {
        auto name = name_of_alternate_tag(cartridge);
        co_await remember(std::move(name), Bytes());
    }
}

void MediaChanger::on_nexus_lost(scsi::ItNexusId nexus) {
    searches_.erase(nexus);
}

void MediaChanger::on_reset() {
    searches_.clear();
}

}  // namespace tapeloft::vtl::library
