#include "vtl/drive/encryption/set_data_encryption.h"

#include <gtest/gtest.h>

#include "tests/vtl/drive/encryption/set_data_encryption_list.h"
#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;

constexpr SetDataEncryptionContext kAllThere{true, true};

/// "OK", or sense and field of the refusal.
std::string decoded(const Bytes& list, const SetDataEncryptionContext& context = kAllThere) {
    auto result = decode_set_data_encryption(list, context);
    if (const auto* const refused = std::get_if<Completion>(&result)) {
        return scsi::outcome(*refused) + " " + scsi::field(*refused);
    }
    return "OK";
}

std::string with_byte(std::size_t at, std::uint8_t value, Bytes list = set_list(2, 3)) {
    list[at] = value;
    return decoded(list);
}

TEST(SetDataEncryptionPage, SetsWhatItSays) {
    Bytes list = set_list(2, 3);
    list[4] = 0x41;
    list[5] = 0x40U | 0x30U | 0x07U;
    list[10] = 0x02;
    append_kad(list, 0, {'u', 'k'});
    append_kad(list, 1, {'a'});
    auto result = decode_set_data_encryption(list, kAllThere);
    const auto* const set = std::get_if<SetDataEncryption>(&result);
    ASSERT_NE(set, nullptr);
    EXPECT_EQ(set->scope, EncryptionScope::all_it_nexus);
    EXPECT_TRUE(set->lock);
    const DataEncryptionParameters& parameters = set->parameters;
    EXPECT_EQ(parameters.encryption_mode, EncryptionMode::encrypt);
    EXPECT_EQ(parameters.decryption_mode, DecryptionMode::mixed);
    EXPECT_EQ(parameters.check_external, CheckExternalEncryptionMode::do_not_check);
    EXPECT_TRUE(parameters.raw_decryption_disabled);
    EXPECT_TRUE(parameters.clear_on_demount);
    EXPECT_TRUE(parameters.clear_on_reservation_preempt);
    EXPECT_TRUE(parameters.clear_on_reservation_loss);
    EXPECT_EQ(parameters.key_associated_data,
              (KeyAssociatedData{KadFormat::ascii_key_name, {'u', 'k'}, {'a'}}));
    ASSERT_TRUE(set->key);
    EXPECT_EQ(Bytes(set->key->view().begin(), set->key->view().end()), test_key());
}

TEST(SetDataEncryptionPage, EveryFieldThatIsWrongIsPointedAt) {
    EXPECT_EQ(with_byte(0, 0x01), "05/26/00 list 0.7");
    EXPECT_EQ(with_byte(1, 0x11), "05/26/00 list 0.7");
    EXPECT_EQ(with_byte(4, 0x60), "05/26/00 list 4.7") << "SCOPE";
    EXPECT_EQ(with_byte(4, 0x44), "05/26/00 list 4.2") << "reserved";
    EXPECT_EQ(with_byte(5, 0x10), "05/26/00 list 5.5") << "RDMC reserved";
    EXPECT_EQ(with_byte(5, 0x20), "05/26/00 list 5.5") << "RDMC: raw decryption enabled";
    EXPECT_EQ(with_byte(5, 0x08), "05/26/00 list 5.3") << "SDK";
    EXPECT_EQ(with_byte(6, 0x01), "05/26/00 list 6.7") << "EXTERNAL";
    EXPECT_EQ(with_byte(6, 0x03), "05/26/00 list 6.7");
    EXPECT_EQ(with_byte(7, 0x01), "05/26/00 list 7.7") << "RAW";
    EXPECT_EQ(with_byte(7, 0x04), "05/26/00 list 7.7");
    EXPECT_EQ(with_byte(8, 0x00), "05/26/00 list 8.7") << "algorithm index";
    EXPECT_EQ(with_byte(8, 0x02), "05/26/00 list 8.7");
    EXPECT_EQ(with_byte(9, 0x02), "05/26/00 list 9.1") << "wrapped key";
    EXPECT_EQ(with_byte(10, 0x03), "05/26/00 list 10.7") << "KAD format";
    for (std::size_t at = 11; at < 18; ++at) {
        EXPECT_EQ(with_byte(at, 0x01), "05/26/00 list " + std::to_string(at) + ".0");
    }
    EXPECT_EQ(with_byte(19, 0x10), "05/26/00 list 18.7") << "key length";
    EXPECT_EQ(decoded(set_list(2, 3)), "OK");
}

TEST(SetDataEncryptionPage, AnyOtherLengthIsAParameterListLengthError) {
    const Bytes list = set_list(2, 3);
    for (std::size_t length = 0; length < list.size(); ++length) {
        const Bytes cut(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(length));
        EXPECT_EQ(decoded(cut), "05/1A/00 ") << length;
    }
    Bytes longer = list;
    longer.push_back(0);
    EXPECT_EQ(decoded(longer), "05/1A/00 ");
    set_page_length(longer);
    EXPECT_EQ(decoded(longer), "05/1A/00 ") << "a descriptor that is cut";
    Bytes short_key = list;
    short_key.resize(40);
    set_page_length(short_key);
    EXPECT_EQ(decoded(short_key), "05/1A/00 ");
}

TEST(SetDataEncryptionPage, ToClearNeedsNeitherKeyNorAlgorithm) {
    EXPECT_EQ(decoded(clear_list()), "OK");
    Bytes list = clear_list();
    list[8] = 0;
    EXPECT_EQ(decoded(list), "OK");
    list[8] = 2;
    EXPECT_EQ(decoded(list), "05/26/00 list 8.7");
    auto with_key = set_list(0, 0);
    auto result = decode_set_data_encryption(with_key, kAllThere);
    ASSERT_TRUE(std::holds_alternative<SetDataEncryption>(result)) << "a key is ignored";
    EXPECT_FALSE(std::get_if<SetDataEncryption>(&result)->key);
    EXPECT_EQ(with_byte(19, 0x10, set_list(0, 0)), "05/26/00 list 18.7");
}

TEST(SetDataEncryptionPage, AModeThatNeedsAKeyIsRefusedWithoutOne) {
    for (const auto& [encryption, decryption] :
         {std::pair{2, 0}, std::pair{0, 2}, std::pair{0, 3}, std::pair{2, 3}}) {
        Bytes list = clear_list();
        list[6] = static_cast<std::uint8_t>(encryption);
        list[7] = static_cast<std::uint8_t>(decryption);
        EXPECT_EQ(decoded(list), "05/26/00 list 18.7");
    }
}

TEST(SetDataEncryptionPage, ALifetimeNeedsWhatEndsIt) {
    const SetDataEncryptionContext empty{};
    for (const auto& [bit, field] :
         {std::pair{0x04, "list 5.2"}, std::pair{0x02, "list 5.1"}, std::pair{0x01, "list 5.0"}}) {
        Bytes list = set_list(2, 3);
        list[5] = static_cast<std::uint8_t>(bit);
        EXPECT_EQ(decoded(list, empty), std::string("05/26/00 ") + field);
        EXPECT_EQ(decoded(list), "OK");
    }
}

TEST(SetDataEncryptionPage, KeyAssociatedDataIsCheckedDescriptorByDescriptor) {
    const auto with = [](std::initializer_list<std::pair<std::uint8_t, std::size_t>> kads) {
        Bytes list = set_list(2, 3);
        for (const auto& [type, length] : kads) {
            append_kad(list, type, Bytes(length, 'x'));
        }
        return decoded(list);
    };
    EXPECT_EQ(with({{0, 32}, {1, 60}}), "OK");
    EXPECT_EQ(with({{1, 12}}), "OK");
    EXPECT_EQ(with({{0, 33}}), "05/26/00 list 54.7");
    EXPECT_EQ(with({{1, 61}}), "05/26/00 list 54.7");
    EXPECT_EQ(with({{0, 0}}), "05/26/00 list 54.7");
    EXPECT_EQ(with({{0, 4}, {1, 61}}), "05/26/00 list 62.7");
    EXPECT_EQ(with({{1, 4}, {0, 4}}), "05/26/00 list 60.7") << "not ascending";
    EXPECT_EQ(with({{0, 4}, {0, 4}}), "05/26/00 list 60.7") << "twice";
    EXPECT_EQ(with({{2, 12}}), "05/26/00 list 52.7") << "the drive makes the nonce";
    EXPECT_EQ(with({{3, 12}}), "05/26/00 list 52.7") << "metadata is for EXTERNAL mode";
    EXPECT_EQ(with({{4, 12}}), "05/26/00 list 52.7");
    Bytes cut = set_list(2, 3);
    append_kad(cut, 0, Bytes(8, 'x'));
    cut.pop_back();
    set_page_length(cut);
    EXPECT_EQ(decoded(cut), "05/1A/00 ");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
