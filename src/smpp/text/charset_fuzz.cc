#include <cstdlib>
#include <string>
#include <vector>

#include "smpp/text/charset.h"

// First octet: the alphabets; second: fill bits and byte order; third: room in the small buffer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  using namespace smppd::smpp;
  if (size < 3) return 0;
  Coding from = static_cast<Alphabet>(data[0] % kAlphabets);
  Coding to = static_cast<Alphabet>(data[0] / kAlphabets % kAlphabets);
  from.fill_bits = data[1] % 7U;
  to.fill_bits = data[1] / 7U % 7U;
  from.little_endian = data[1] > 127;
  const std::size_t room = data[2];
  const ByteSpan input(data + 3, size - 3);

  const std::string text = to_utf8(input, from);
  if (!is_valid(as_bytes(text), Alphabet::utf8)) std::abort();
  const bool valid = is_valid(input, from);
  std::vector<std::uint8_t> small(room);
  const auto part = transcode(input, from, to, small);
  if (part.written > room || part.read > input.size()) std::abort();
  if (!part.full && valid && part.read != input.size()) std::abort();

  for (const auto policy : {Unencodable::replace, Unencodable::transliterate, Unencodable::drop}) {
    std::vector<std::uint8_t> large(max_octets(text.size()));
    const auto all = from_utf8(text, to, large, policy);
    if (all.full || all.read != text.size()) std::abort();
    if (to.alphabet != Alphabet::gsm7_packed && !is_valid(ByteSpan(large).first(all.written), to)) std::abort();
  }
  (void)guess_byte_order(input);
  const AlphabetSet every = {Alphabet::gsm7, Alphabet::latin1, Alphabet::ascii, Alphabet::ucs2, Alphabet::utf8};
  if (const auto best = smallest_alphabet(text, every)) {
    if (to_utf8(as_bytes(from_utf8(text, *best)), *best) != text && *best != Alphabet::ucs2) std::abort();
  }
  return 0;
}
