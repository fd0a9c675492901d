// Prints one PDU of every kind and version: "version <tab> name <tab> hexadecimal <tab> JSON". Other decoders are fed
// with it (tests/integration/test_dissectors.py) and must agree with the JSON.
#include <cstdio>
#include <string>

#include "smpp/internal/samples.h"
#include "smpp/internal/test_support.h"
#include "smpp/pdu_inspect.h"

int main() {
  using namespace smppd::smpp;
  std::uint32_t sequence = 0;
  for (const Version version : {Version::v33, Version::v34, Version::v50}) {
    for (const PduSpec& spec : all_pdus()) {
      if (!spec.has_version(version)) continue;
      const auto bytes = samples::sample_bytes(spec, version, ++sequence);
      PduView view;
      if (!view.decode(bytes, Strictness::strict)) return 1;
      const std::string octets = testing::hex(bytes);
      const std::string tlvs = testing::hex(view.tlv_bytes());
      std::printf("%s\t%s\t%s\t%s\t%s\n", std::string(name_of(version)).c_str(), std::string(spec.name).c_str(),
                  octets.substr(0, octets.size() - tlvs.size()).c_str(), tlvs.c_str(),
                  to_json(view, TlvRegistry(), Secrets::shown).c_str());
    }
  }
  return 0;
}
