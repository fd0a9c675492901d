#include <cstdlib>
#include <vector>

#include "smpp/text/gsm7.h"

// First octet: language tables; second: fill bits; the rest is text of each kind.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  using namespace smppd::smpp;
  if (size < 2) return 0;
  const Gsm7Tables tables{language_of(data[0] >> 4U), language_of(data[0] & 0x0FU)};
  const unsigned fill_bits = data[1] % 7U;
  const ByteSpan input(data + 2, size - 2);

  std::vector<char> text(input.size() * 3);
  const auto decoded = gsm7_decode(input, text, tables);
  if (decoded.full || decoded.read != input.size()) std::abort();

  std::vector<std::uint8_t> septets(input.size() * 4);
  for (const auto policy : {Unencodable::replace, Unencodable::transliterate, Unencodable::drop, Unencodable::stop}) {
    const auto encoded = gsm7_encode(as_text(input), septets, tables, policy);
    if (encoded.full || encoded.written > septets.size()) std::abort();
    for (std::size_t i = 0; i < encoded.written; ++i) {
      if (septets[i] > 0x7F) std::abort();
    }
    std::vector<std::uint8_t> packed(gsm7_packed_octets(encoded.written + 1, fill_bits));
    const auto octets = gsm7_pack(ByteSpan(septets).first(encoded.written), packed, fill_bits);
    std::vector<std::uint8_t> again(encoded.written + 2);
    const auto count = gsm7_unpack(ByteSpan(packed).first(octets), again, fill_bits);
    if (count < encoded.written || count > encoded.written + 1) std::abort();
    for (std::size_t i = 0; i < encoded.written; ++i) {
      if (again[i] != septets[i]) std::abort();
    }
  }
  (void)gsm7_unpack(input, septets, fill_bits);
  return 0;
}
