#include "tests/fuzz/pxar_input.h"

#include "tests/media/pbs_pxar/golden.h"
#include "tests/media/pbs_pxar/pxar_encoder.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

TestNode rich_tree() {
    auto attributes = file_node("attributes", "x");
    attributes.attributes.xattrs = {{"user.a", {1, 2}}};
    attributes.attributes.acl.users = {{5, 4}};
    attributes.attributes.acl.group_object = 1;
    attributes.attributes.quota_project = 3;
    auto acl = directory_node("acl");
    acl.attributes.default_acl = DefaultAcl{7, 5, 1, 7, {{3, 4}}, {{4, 4}}};
    auto fifo = file_node("fifo", "");
    fifo.kind = FileKind::fifo;
    return directory_node("",
                          {attributes, acl, fifo,
                           directory_node("deep", {directory_node("er", {file_node("f", "12345")}),
                                                   file_node("g", std::string(900, 'g'))}),
                           link_node("hard", FileKind::hardlink, "deep/g"),
                           link_node("soft", FileKind::symlink, "../outside")});
}

}  // namespace

PxarInput::PxarInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    if (input.number(1) % 2 == 1) {
        const auto payload = input.bytes(input.number(4));
        payload_.emplace(Bytes(payload.begin(), payload.end()));
    }
    archive_.emplace(Bytes(input.rest().begin(), input.rest().end()));
}

PxarReader PxarInput::reader() {
    archive_->reads.clear();
    return payload_ ? PxarReader(*archive_, *payload_) : PxarReader(*archive_);
}

void PxarInput::check_reads(std::size_t piece) const {
    TL_ASSERT(archive_->largest_read <= piece);
    TL_ASSERT(!payload_ || payload_->largest_read <= piece);
}

std::vector<Bytes> pxar_seeds() {
    std::vector<Bytes> inputs;
    for (const auto form :
         {TestForm::version_1, TestForm::version_2_one_stream, TestForm::version_2_split}) {
        const auto archive = encode_pxar(rich_tree(), form);
        const bool split = form == TestForm::version_2_split;
        append_number(inputs.emplace_back(), split ? 1 : 0, 1);
        if (split) {
            append_number(inputs.back(), archive.payload.size(), 4);
            append(inputs.back(), archive.payload);
        }
        append(inputs.back(), archive.archive);
    }
    append_number(inputs.emplace_back(), 0, 1);
    append(inputs.back(), golden_file("ct.pxar"));
    return inputs;
}

}  // namespace tapeloft::fuzz
