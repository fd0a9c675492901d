// Any bytes through decode(): nothing outside them is read, what decodes strictly is encoded again to the same octets,
// and what was forgiven becomes a PDU without fault when it is encoded again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "smpp/pdu_builder.h"
#include "smpp/pdu_inspect.h"
#include "smpp/pdu_view.h"

namespace {

using namespace smppd::smpp;

void require(bool claim) {
  if (!claim) std::abort();
}

void read_everything(const PduView& view) {
  static const TlvRegistry registry;
  std::size_t octets = kHeaderSize + view.tlv_bytes().size();
  for (const FieldSpec& field : view.spec()->body()) octets += view.field_bytes(field.field).size();
  require(octets <= view.bytes().size());
  std::size_t entries = 0;
  for (const Destination& destination : view.destinations()) entries += destination.address.size() < 65536;
  require(entries == view.destinations().size());
  entries = 0;
  for (const Unsuccess& unsuccess : view.unsuccess()) entries += unsuccess.address.size() < 65536;
  require(entries == view.unsuccess().size());
  require(!to_json(view, registry).empty());
  for (const Version version : {Version::v33, Version::v34, Version::v50}) {
    for (const Finding& finding : check_pdu(view, version, registry)) require(!finding.text.empty());
  }
}

void decode_encode_decode(smppd::ByteSpan bytes, Strictness strictness) {
  PduView view;
  const DecodeResult result = view.decode(bytes, strictness);
  if (!result.ok()) {
    require(result.status != CommandStatus::ESME_ROK);
    require(view.tlv_bytes().empty());
    return;
  }
  read_everything(view);
  const Version version = view.spec()->has_version(Version::v50) ? Version::v50 : Version::v33;
  PduBuilder builder;
  std::vector<std::uint8_t> out;
  const Encoded encoded = builder.from(view, version).encode(out, view.status(), view.sequence_number());
  if (!encoded) {
    // Long text that was forgiven may not travel on; 3.3's PDUs take no TLVs and shorter ids.
    require((result.leniency & kLongText) != 0 || version == Version::v33);
    return;
  }
  PduView again;
  require(again.decode(out, Strictness::strict).ok());
  if (strictness == Strictness::strict && version == Version::v50 && result.leniency == kNothingForgiven) {
    require(smppd::as_text(out) == smppd::as_text(bytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  // Most inputs would die at command_length and command_id: mend the first, draw the second from the table.
  if (size >= kHeaderSize && bytes[0] != 0) {
    smppd::store_be(bytes.data(), static_cast<std::uint32_t>(size));
    const auto pdus = all_pdus();
    smppd::store_be(bytes.data() + 4, static_cast<std::uint32_t>(pdus[bytes[7] % pdus.size()].id));
  }
  decode_encode_decode(bytes, Strictness::lenient);
  decode_encode_decode(bytes, Strictness::strict);
  return 0;
}
