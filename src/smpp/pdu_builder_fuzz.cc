// Any sequence of builder calls: encode() either refuses, naming a problem, or writes a PDU that decodes strictly.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"

namespace {

using namespace smppd::smpp;

// Hands out the fuzzer's bytes as the arguments of calls; zero when they are used up.
class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  [[nodiscard]] bool ended() const { return rest_.empty(); }
  std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::string_view text() {
    const std::string_view value = rest_.substr(0, octet());
    rest_.remove_prefix(std::min(value.size(), rest_.size()));
    return value;
  }

 private:
  std::string_view rest_;
};

TlvTag any_tag(Script& script) {
  const auto standard = standard_tlvs();
  const std::uint8_t which = script.octet();
  return which < standard.size() ? standard[which].tag : static_cast<TlvTag>(0x1400 + which);
}

void one_call(PduBuilder& builder, Script& script) {
  const auto field = [&] { return static_cast<Field>(script.octet() % (kFieldCount + 1)); };
  switch (script.octet() % 10) {
    case 0: builder.set(field(), script.text()); break;
    case 1: builder.set(field(), script.octet()); break;
    case 2: builder.add_tlv(any_tag(script), smppd::as_bytes(script.text())); break;
    case 3: builder.add_tlv_text(any_tag(script), script.text()); break;
    case 4: builder.remove_tlv(any_tag(script)); break;
    case 5: builder.replace_tlv(any_tag(script), smppd::as_bytes(script.text())); break;
    case 6:
      builder.add_destination(
          {static_cast<DestFlag>(script.octet() % 4), script.octet(), script.octet(), script.text()});
      break;
    case 7:
      builder.add_unsuccess(
          {script.octet(), script.octet(), script.text(), static_cast<CommandStatus>(script.octet())});
      break;
    case 8: builder.add_message_id(script.text()); break;
    default: builder.clear_list(); break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr Version kVersions[] = {Version::v33, Version::v34, Version::v50};
  Script script(data, size);
  const auto pdus = all_pdus();
  PduBuilder builder(pdus[script.octet() % pdus.size()].id, kVersions[script.octet() % 3]);
  const auto status = static_cast<CommandStatus>(script.octet() % 4);
  while (!script.ended()) one_call(builder, script);

  std::vector<std::uint8_t> out;
  const Encoded encoded = builder.encode(out, status, 1);
  if (!encoded) {
    if (!out.empty() || describe(encoded.error()).empty()) std::abort();
    return 0;
  }
  PduView view;
  if (*encoded != out.size() || !view.decode(out, Strictness::strict).ok()) std::abort();
  std::vector<std::uint8_t> exact(out.size());
  if (builder.encode(std::span(exact), status, 1) != encoded || exact != out) std::abort();
  return 0;
}
