#include "vtl/scsi/transport_id.h"

#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::scsi {
namespace {

TEST(TransportId, IsNameAndIsidPadded) {
    const InitiatorPort port{"iqn.a", {0, 2, 0x3D, 0, 0, 1}};
    const Bytes id = encode_transport_id(port);
    EXPECT_EQ(hex(ByteView(id).first(4)), "45000018");
    EXPECT_EQ(std::string(as_text(ByteView(id).subspan(4, 22))), "iqn.a,i,0x00023d000001");
    EXPECT_EQ(id.size(), 28U);
    EXPECT_EQ(decode_transport_id(id).port, port);
    EXPECT_EQ(decode_transport_id(id).length, 28U);
    Bytes upper = id;
    upper[4 + 4] = 'A';
    upper[4 + 15] = 'D';
    EXPECT_EQ(decode_transport_id(upper).port, port);
    for (std::size_t i = 0; i < id.size(); ++i) {
        EXPECT_FALSE(decode_transport_id(ByteView(id).first(i)).port);
    }
    Bytes name_only = id;
    name_only[0] = 0x05;
    EXPECT_FALSE(decode_transport_id(name_only).port);
    Bytes unended = id;
    std::fill(unended.begin() + 26, unended.end(), static_cast<std::uint8_t>('0'));
    EXPECT_FALSE(decode_transport_id(unended).port);
}

}  // namespace
}  // namespace tapeloft::vtl::scsi
