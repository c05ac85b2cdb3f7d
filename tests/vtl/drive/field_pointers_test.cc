// Every refusal of a field points at it: each bit of each mode page, of what stands before the
// pages, and of the other parameter lists.
#include "tests/vtl/drive/drive_fixture.h"
#include "tests/vtl/drive/encryption/set_data_encryption_list.h"

namespace tapeloft::vtl::drive {
namespace {

constexpr std::size_t kHeaderLength = 8;

class FieldPointers : public DriveFixture {
  protected:
    void SetUp() override { load(); }

    Bytes sense(unsigned page_control) {
        return bytes_of(
            host.send({0x5A, 8, page_control << 6U | 0x3FU, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0}));
    }
    Completion select(const Bytes& list) {
        return host.send({0x55, 0x10, 0, 0, 0, 0, 0, byte(list.size(), 1), byte(list.size(), 0), 0},
                         list);
    }
    /// The pages of a MODE SENSE reply, each with its header.
    static std::vector<Bytes> pages_of(const Bytes& reply) {
        std::vector<Bytes> pages;
        for (std::size_t at = kHeaderLength; at < reply.size();) {
            const bool subpage = (reply[at] & 0x40U) != 0;
            const std::size_t length = subpage
                                           ? 4 + load_big_endian<2>(ByteView(reply).subspan(at + 2))
                                           : 2U + reply[at + 1];
            const auto begin = reply.begin() + static_cast<std::ptrdiff_t>(at);
            pages.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
            at += length;
        }
        return pages;
    }
    static Bytes list_with(const Bytes& page) {
        Bytes list(kHeaderLength);
        list[3] = 0x10;  // buffered mode 1, as it is
        list.insert(list.end(), page.begin(), page.end());
        return list;
    }
    static void flip(Bytes& list, std::size_t bit) {
        list[bit / 8] = static_cast<std::uint8_t>(list[bit / 8] ^ (1U << (bit % 8)));
    }
    static std::string at(std::size_t bit) {
        return "05/26/00 list " + std::to_string(bit / 8) + "." + std::to_string(bit % 8);
    }
    /// Refused with a pointer if it is refused for a field.
    static void expect_pointer(const Completion& got, std::size_t list_length) {
        const std::string what = outcome(got);
        if (what == "05/26/00") {
            ASSERT_TRUE(got.sense->field);
            EXPECT_FALSE(got.sense->field->in_cdb);
            EXPECT_LT(got.sense->field->byte, list_length);
            EXPECT_TRUE(got.sense->field->bit);
        } else if (what == "05/24/00") {
            ASSERT_TRUE(got.sense->field);
            EXPECT_TRUE(got.sense->field->in_cdb);
        } else {
            EXPECT_TRUE(what == "GOOD" || what == "05/1A/00") << what;
        }
    }
};

TEST_F(FieldPointers, EveryBitOfAModePageThatMayNotChangeIsPointedAt) {
    const Bytes before = sense(0);
    const auto pages = pages_of(before);
    const auto masks = pages_of(sense(1));
    ASSERT_EQ(pages.size(), masks.size());
    ASSERT_GT(pages.size(), 14U);
    for (std::size_t i = 0; i < pages.size(); ++i) {
        const Bytes list = list_with(pages[i]);
        EXPECT_EQ(outcome(select(list)), "GOOD") << "what was read: " << hex(list);
        const std::size_t header = (pages[i][0] & 0x40U) != 0 ? 4 : 2;
        for (std::size_t bit = 8 * (kHeaderLength + header); bit < 8 * list.size(); ++bit) {
            const auto mask = masks[i][bit / 8 - kHeaderLength];
            Bytes changed = list;
            flip(changed, bit);
            const Completion got = select(changed);
            if ((mask >> (bit % 8) & 1U) == 0) {
                EXPECT_EQ(outcome(got) + " " + field(got), at(bit)) << hex(pages[i]);
            } else {
                expect_pointer(got, list.size());
                EXPECT_EQ(outcome(select(list)), "GOOD") << "back again";
            }
        }
    }
    EXPECT_EQ(sense(0), before);
}

TEST_F(FieldPointers, EveryBitBeforeTheModePagesIsAnEchoOrPointedAt) {
    Bytes list = bytes_of(host.send({0x5A, 0, 0x0F, 0, 0, 0, 0, 0, 255, 0}));
    list[0] = list[1] = 0;
    ASSERT_EQ(outcome(select(list)), "GOOD");
    std::string refused;
    for (std::size_t bit = 0; bit < 8 * 16; ++bit) {
        Bytes changed = list;
        flip(changed, bit);
        const Completion got = select(changed);
        expect_pointer(got, list.size());
        refused += outcome(got) == "GOOD" ? "" : field(got) + " ";
        EXPECT_EQ(outcome(select(list)), "GOOD");
    }
    for (const char* const reserved :
         {"list 4.1 ", "list 4.7 ", "list 5.0 ", "list 5.7 ", "list 12.0 ", "list 12.7 "}) {
        EXPECT_NE(refused.find(reserved), std::string::npos) << reserved << "in " << refused;
    }
}

TEST_F(FieldPointers, APageThatDoesNotExistOrHasAnotherLengthIsPointedAt) {
    EXPECT_EQ(field(select(list_with({0x07, 2, 0, 0}))), "list 8.5");
    EXPECT_EQ(field(select(list_with({0x0F, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}))),
              "list 9.7");
    EXPECT_EQ(field(select(list_with({0x4A, 0xF1, 0, 0}))), "list 8.5");
}

TEST_F(FieldPointers, EveryBitOfTheOtherParameterListsIsTakenOrPointedAt) {
    struct List {
        std::vector<unsigned> cdb;
        Bytes list;
    };
    Bytes registration(24);
    const std::vector<List> lists = {
        {{0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 52}, set_list(2, 3)},
        {{0xB5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, 20}, clear_list()},
        {{0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12}, {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0}},
        {{0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10}, {0, 0, 0, 6, 0x08, 0x05, 0, 0, 1, 0x81}},
        {{0x5F, 6, 0, 0, 0, 0, 0, 0, 24}, registration},
        {{0x1D, 0x10, 0, 0, 4}, {0, 0, 0, 0}},
    };
    for (const List& each : lists) {
        for (std::size_t bit = 0; bit < 8 * each.list.size(); ++bit) {
            Bytes changed = each.list;
            flip(changed, bit);
            std::vector<unsigned> cdb = each.cdb;
            cdb.resize(16);
            SCOPED_TRACE(hex(changed) + " bit " + std::to_string(bit));
            expect_pointer(host.send({cdb[0], cdb[1], cdb[2], cdb[3], cdb[4], cdb[5], cdb[6],
                                      cdb[7], cdb[8], cdb[9], cdb[10], cdb[11], cdb[12], cdb[13]},
                                     changed),
                           each.list.size());
            host.send({0x5F, 6, 0, 0, 0, 0, 0, 0, 24, 0}, registration);  // no registration stays
        }
    }
}

}  // namespace
}  // namespace tapeloft::vtl::drive
