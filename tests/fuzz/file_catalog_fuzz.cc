// catalog.pcat1, gone through as a whole and looked into by path.
#include "media/pbs/pxar/pcat1.h"

#include "tests/fuzz/fuzz_target.h"
#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/pxar_world.h"

namespace tapeloft::fuzz {

using namespace media;

std::vector<Bytes> seeds() {
    return {golden_file("tree1.pcat1"),
            golden_file("ct.pcat1"),
            // root.pxar.didx with etc/hosts and a link
            {0x91, 0xfd, 0x60, 0xf9, 0xc4, 0x67, 0x58, 0xd5, 0x0f, 0x01, 0x66, 0x05, 0x68,
             0x6f, 0x73, 0x74, 0x73, 0xdc, 0x01, 0xf8, 0x9b, 0x80, 0xb3, 0x06, 0x0c, 0x02,
             0x64, 0x03, 0x65, 0x74, 0x63, 0x10, 0x6c, 0x03, 0x62, 0x69, 0x6e, 0x12, 0x01,
             0x64, 0x0e, 0x72, 0x6f, 0x6f, 0x74, 0x2e, 0x70, 0x78, 0x61, 0x72, 0x2e, 0x64,
             0x69, 0x64, 0x78, 0x0d, 0x25, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    MemorySource source(Bytes(data, data + size));
    CatalogReader reader(source);
    if (run(reader.open()) && run(reader.begin(""))) {
        std::size_t entries = 0;
        while (true) {
            const auto file = run(reader.next_of_all());
            if (!file || !*file) {
                break;
            }
            const auto& path = (*file)->path;
            TL_ASSERT(is_safe_name(path.substr(path.rfind('/') + 1)));
            TL_ASSERT(++entries <= size);
        }
        (void)run(reader.directory("root.pxar.didx/etc"));
    }
    TL_ASSERT(source.largest_read <= SourceWindow::kPiece);
    return 0;
}

}  // namespace tapeloft::fuzz
