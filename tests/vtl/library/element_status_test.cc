#include "vtl/library/element_status.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::library {
namespace {

using media::CartridgeRecord;
using media::Element;
using media::ElementKind;

CartridgeRecord cartridge(const std::string& barcode, Element element,
                          std::optional<Element> source = std::nullopt) {
    CartridgeRecord record;
    record.barcode = barcode;
    record.element = element;
    record.source = source;
    return record;
}

const std::vector<DriveIdentity> kDrives{{"IBM", "ULT3580-TD8", "VTLDRV0001"},
                                         {"IBM", "ULT3580-TD8", "VTLDRV0002"}};

Inventory inventory(ElementCounts counts, const std::vector<CartridgeRecord>& cartridges = {}) {
    auto created = Inventory::create(counts, cartridges);
    TL_ASSERT(created);
    return std::move(*created);
}

ElementStatusRequest request(ElementType type, bool volume_tags = true) {
    ElementStatusRequest built;
    built.type = type;
    built.volume_tags = volume_tags;
    built.number_of_elements = 1000;
    built.allocation_length = 65535;
    return built;
}

Bytes report(const Inventory& inventory, const ElementStatusRequest& wanted,
             std::span<const DriveIdentity> drives = kDrives,
             const ElementConditions& conditions = {}) {
    return element_status_data({inventory, conditions, drives}, wanted);
}

Bytes hex(std::string_view text) {
    Bytes bytes;
    std::string digits;
    for (const char c : text) {
        if (c != ' ') {
            digits += c;
        }
    }
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    }
    return bytes;
}

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes whole;
    for (const auto& part : parts) {
        whole.insert(whole.end(), part.begin(), part.end());
    }
    return whole;
}

Bytes text(std::string_view characters, std::size_t width) {
    Bytes bytes(as_bytes(characters).begin(), as_bytes(characters).end());
    bytes.resize(width, ' ');
    return bytes;
}

TEST(ElementStatus, OfAnAbsentTypeIsEightBytes) {
    const auto library = inventory({4, 0, 1});
    EXPECT_EQ(report(library, request(ElementType::import_export)), Bytes(8));
}

TEST(ElementStatus, OfTwoSlotsWithTagsIsExactlyThis) {
    const auto library = inventory({2, 0, 1}, {cartridge("VTL001L8", {ElementKind::storage, 0})});
    EXPECT_EQ(report(library, request(ElementType::storage)),
              joined({hex("03E8 0002 00 000070"), hex("02 80 0034 00 000068"),
                      hex("03E8 09 00 00 00 000000 01 0000"), text("VTL001L8", 32),
                      hex("00000000 00000000"), hex("03E9 08 00 00 00 000000 00 0000"), Bytes(36),
                      hex("00000000")}));
}

TEST(ElementStatus, OfAnEmptyDriveWithItsIdentifierIsExactlyThis) {
    const auto library = inventory({1, 0, 1});
    auto dvcid = request(ElementType::data_transfer, false);
    dvcid.device_identifiers = true;
    EXPECT_EQ(report(library, dvcid),
              joined({hex("0100 0001 00 00003A"), hex("04 00 0032 00 000032"),
                      hex("0100 08 00 00 00 000000 00 0000 02 01 00 22"), text("IBM", 8),
                      text("ULT3580-TD8", 16), text("VTLDRV0001", 10)}));
}

TEST(ElementStatus, OfAFullDriveHasTagSourceAndIdentifierInTheirPlaces) {
    const auto library = inventory({1, 1, 2}, {cartridge("VTL001L8", {ElementKind::drive, 1},
                                                         Element{ElementKind::import_export, 0})});
    auto both = request(ElementType::data_transfer);
    both.device_identifiers = true;
    both.starting_address = 257;
    EXPECT_EQ(report(library, both),
              joined({hex("0101 0001 00 00005E"), hex("04 80 0056 00 000056"),
                      hex("0101 09 00 00 00 000000 81 0010"), text("VTL001L8", 32), Bytes(4),
                      hex("02 01 00 22"), text("IBM", 8), text("ULT3580-TD8", 16),
                      text("VTLDRV0002", 10)}));
}

TEST(ElementStatus, WithoutTagsDescriptorsAreSixteenBytes) {
    const auto library = inventory({1, 0, 1}, {cartridge("VTL001L8", {ElementKind::storage, 0})});
    EXPECT_EQ(report(library, request(ElementType::storage, false)),
              joined({hex("03E8 0001 00 000018"), hex("02 00 0010 00 000010"),
                      hex("03E8 09 00 00 00 000000 01 0000 00000000")}));
}

TEST(ElementStatus, MailSlotsTellWhetherAnOperatorOrTheTransportFilledThem) {
    const auto library = inventory(
        {1, 3, 1},
        {cartridge("VTL001L8", {ElementKind::import_export, 0}),
         cartridge("VTL002L8", {ElementKind::import_export, 1}, Element{ElementKind::storage, 0})});
    const auto data = report(library, request(ElementType::import_export, false));
    ASSERT_EQ(data.size(), 8U + 8 + 3 * 16);
    EXPECT_EQ(data[16 + 2], 0x3B);       // INENAB EXENAB ACCESS IMPEXP FULL
    EXPECT_EQ(data[16 + 16 + 2], 0x39);  // the same without IMPEXP
    EXPECT_EQ(data[16 + 16 + 9], 0x81);
    EXPECT_EQ(data[16 + 32 + 2], 0x38);  // empty
}

TEST(ElementStatus, TellsDataCleaningAndWormCartridgesApart) {
    auto cleaning = cartridge("CLNU01L1", {ElementKind::storage, 1});
    cleaning.cleaning = true;
    auto worm = cartridge("TL0001LV", {ElementKind::storage, 2});
    worm.worm = true;
    const auto library =
        inventory({4, 0, 1}, {cartridge("TL0001L8", {ElementKind::storage, 0}), cleaning, worm});
    const auto data = report(library, request(ElementType::storage, false));
    for (const auto& [index, type] : {std::pair{0U, 1}, {1U, 2}, {2U, 4}, {3U, 0}}) {
        EXPECT_EQ(data[16 + index * 16 + 9], type) << index;
    }
}

TEST(ElementStatus, OfAllTypesIsInOrderOfAddressesWithoutEmptyPages) {
    const auto library = inventory({2, 0, 2});
    const auto data = report(library, request(ElementType::all, false));
    ASSERT_EQ(data.size(), 8U + (8 + 16) + (8 + 32) + (8 + 32));
    EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(2)), 5U);
    EXPECT_EQ(data[8], 1);
    EXPECT_EQ(data[8 + 24], 4);
    EXPECT_EQ(data[8 + 24 + 40], 2);
}

TEST(ElementStatus, StartsAtOrBehindTheStartingAddress) {
    const auto library = inventory({5, 2, 1});
    auto later = request(ElementType::all, false);
    later.starting_address = 17;
    auto data = report(library, later);
    EXPECT_EQ(load_big_endian<2>(data), 17U);
    EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(2)), 1U + 1 + 5);
    later.starting_address = 258;  // between drives and slots
    data = report(library, later);
    EXPECT_EQ(load_big_endian<2>(data), 1000U);
    later.starting_address = 1005;  // behind the last one
    EXPECT_EQ(report(library, later), Bytes(8));
    later.starting_address = 65535;
    EXPECT_EQ(report(library, later), Bytes(8));
}

TEST(ElementStatus, ReportsAtMostTheNumberAskedForAcrossTypes) {
    const auto library = inventory({5, 2, 1});
    auto few = request(ElementType::all, false);
    few.number_of_elements = 4;  // transport, two mail slots, one drive
    const auto data = report(library, few);
    EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(2)), 4U);
    EXPECT_EQ(data.size(), 8U + (8 + 16) + (8 + 32) + (8 + 16));
    few.number_of_elements = 0;
    EXPECT_EQ(report(library, few), Bytes(8));
}

TEST(ElementStatus, EveryAllocationLengthGivesWholeDescriptorsAndHonestCounts) {
    const auto library = inventory({3, 2, 2});
    const auto whole = report(library, request(ElementType::all));
    for (std::uint32_t length = 0; length <= whole.size() + 10; ++length) {
        auto cut = request(ElementType::all);
        cut.allocation_length = length;
        const auto data = report(library, cut);
        ASSERT_LE(data.size(), length);
        if (length < 8) {
            EXPECT_EQ(data.size(), length);
            continue;
        }
        const auto byte_count = load_big_endian<3>(ByteView(data).subspan(5));
        if (length < 8 + 8 + 52) {  // no descriptor fits: how much there would be
            EXPECT_EQ(data.size(), 8U);
            EXPECT_EQ(byte_count, whole.size() - 8);
            continue;
        }
        ASSERT_EQ(byte_count, data.size() - 8) << length;
        std::size_t descriptors = 0;
        for (std::size_t at = 8; at < data.size();) {
            const auto bytes = load_big_endian<3>(ByteView(data).subspan(at + 5));
            ASSERT_NE(bytes, 0U);
            ASSERT_EQ(bytes % 52, 0U);
            descriptors += bytes / 52;
            at += 8 + bytes;
        }
        EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(2)), descriptors);
    }
}

TEST(ElementStatus, OfOpenMailSlotsSaysThatTheyAreOutOfReachAndWantAnOperator) {
    const auto library = inventory({4, 2, 2});
    ElementConditions conditions;
    const auto flags = [&] {
        return report(library, request(ElementType::import_export, false), kDrives,
                      conditions)[8 + 8 + 2];
    };
    EXPECT_EQ(flags(), 0x38);  // INENAB, EXENAB, ACCESS
    conditions.mail_slots_open = true;
    EXPECT_EQ(flags(), 0xB0);  // OIR, INENAB, EXENAB
    EXPECT_EQ(report(library, request(ElementType::storage, false), kDrives, conditions)[8 + 8 + 2],
              0x08);
}

TEST(ElementStatus, OfADriveThatCouldNotMountItsCartridgeIsAnException) {
    const auto library = inventory({4, 0, 2});
    ElementConditions conditions;
    conditions.exceptions[257] = scsi::asc::kMediaLoadOrEjectFailed;
    const auto data =
        report(library, request(ElementType::data_transfer, false), kDrives, conditions);
    EXPECT_EQ(data[8 + 8 + 2] & 0x04, 0);
    const auto second = ByteView(data).subspan(8 + 8 + 16, 16);
    EXPECT_EQ(second[2] & 0x04, 0x04);
    EXPECT_EQ(second[4], 0x53);
    EXPECT_EQ(second[5], 0x00);
}

TEST(ElementStatus, OfTheLargestLibraryFitsItsFields) {
    std::vector<DriveIdentity> drives(kDrivesMax, kDrives[0]);
    const auto library = inventory({kStorageElementsMax, kImportExportElementsMax, kDrivesMax});
    auto everything = request(ElementType::all);
    everything.number_of_elements = 65535;
    everything.allocation_length = 0xFFFFFF;
    everything.device_identifiers = true;
    const auto data = report(library, everything, drives);
    EXPECT_EQ(load_big_endian<2>(ByteView(data).subspan(2)), 1U + 239 + 32 + 60'000);
    EXPECT_EQ(load_big_endian<3>(ByteView(data).subspan(5)), data.size() - 8);
}

/// All addresses, read page by page as a host does: from behind the last one, until none comes.
std::size_t elements_paged(const Inventory& library, ElementStatusRequest wanted) {
    std::size_t found = 0;
    for (std::uint32_t next = 0; next <= 0xFFFF;) {
        wanted.starting_address = static_cast<ElementAddress>(next);
        const auto data = report(library, wanted);
        const ByteView bytes(data);
        if (data.size() == 8) {
            EXPECT_EQ(load_big_endian<2>(bytes.subspan(2)), 0U) << "something is left behind";
            return found;
        }
        for (std::size_t at = 8; at < data.size();) {
            const auto size = load_big_endian<3>(bytes.subspan(at + 5));
            const auto each = load_big_endian<2>(bytes.subspan(at + 2));
            EXPECT_GE(size, each) << "a page without a descriptor";
            for (std::size_t d = at + 8; d < at + 8 + size; d += each) {
                const auto address = load_big_endian<2>(bytes.subspan(d));
                EXPECT_GE(address, next) << "in order, each one once";
                next = static_cast<std::uint32_t>(address) + 1;
                ++found;
            }
            at += 8 + size;
        }
    }
    return found;
}

TEST(ElementStatus, SmallBuffersPageThroughTheLargestLibraryWithoutALossOrAnEmptyPage) {
    const auto largest = inventory({kStorageElementsMax, kImportExportElementsMax, kDrivesMax});
    const auto small = inventory({600, 30, 5});
    auto wanted = request(ElementType::all);
    wanted.number_of_elements = 0xFFFF;
    for (const std::uint32_t length : {4096U, 65'535U}) {
        wanted.allocation_length = length;
        EXPECT_EQ(elements_paged(largest, wanted), 1U + 239 + 32 + 60'000) << length;
    }
    for (std::uint32_t length = 8 + 8 + 52; length < 8 + 8 + 4 * 52; ++length) {
        wanted.allocation_length = length;
        EXPECT_EQ(elements_paged(small, wanted), 1U + 600 + 30 + 5) << length;
    }
}

TEST(ElementAddresses, EveryElementHasItsOwnAddressAndIsFoundByIt) {
    const ElementCounts counts{kStorageElementsMax, kImportExportElementsMax, kDrivesMax};
    std::size_t found = 0;
    for (std::uint32_t address = 0; address <= 0xFFFF; ++address) {
        const auto element = element_at(static_cast<ElementAddress>(address), counts);
        if (element) {
            EXPECT_EQ(address_of(*element), address);
            ++found;
        }
    }
    EXPECT_EQ(found, 60'000U + 239 + 32);
    EXPECT_FALSE(element_at(kTransportAddress, counts));
}

}  // namespace
}  // namespace tapeloft::vtl::library
