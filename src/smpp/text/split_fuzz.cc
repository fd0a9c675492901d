#include <cstdlib>

#include "smpp/text/reassembly.h"
#include "smpp/text/split.h"

// First octet: alphabet and policy; second: the limits; the rest is the text, and arrivals of parts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  using namespace smppd::smpp;
  if (size < 2) return 0;
  const Coding coding = static_cast<Alphabet>(data[0] % kAlphabets);
  const auto policy = static_cast<Unencodable>(data[0] / kAlphabets % 3U);
  const SplitLimits limits{data[1], data[1] / 2U};
  const auto text = as_text({data + 2, size - 2});
  Splitter splitter(text, coding, limits, policy);
  std::size_t parts = 0;
  std::size_t octets = 0;
  std::string_view part;
  while (splitter.next(part)) {
    if (part.data() != text.data() + octets) std::abort();
    octets += part.size();
    ++parts;
    if (text_units(part, coding, policy) > limits.single) std::abort();
  }
  if (parts != splitter.parts() || parts > kMaxParts || (parts > 0 && octets != text.size())) std::abort();

  OctetSplitter cutter(as_bytes(text), coding, limits);
  octets = 0;
  ByteSpan piece;
  while (cutter.next(piece)) {
    if (piece.size() > (cutter.parts() == 1 ? limits.single : limits.part)) std::abort();
    octets += piece.size();
  }
  if (cutter.parts() > 0 && octets != text.size()) std::abort();

  Reassembler::Limits bounds;
  bounds.max_messages = 4;
  bounds.max_octets = 2048;
  Reassembler reassembler(bounds);
  Instant now{};
  for (std::size_t i = 2; i + 3 < size; i += 4) {
    now += std::chrono::seconds(data[i] & 0x3FU);
    const Concat concat{static_cast<std::uint16_t>(data[i + 1] & 3U), static_cast<std::uint8_t>(data[i + 2] & 7U),
                        static_cast<std::uint8_t>(data[i + 3] & 7U), false};
    const auto added = reassembler.add(now, "k", concat, {data + i, data[i + 1] % std::min<std::size_t>(64, size - i)});
    if (added.outcome == Reassembler::Outcome::complete && !added.message->complete()) std::abort();
    if (reassembler.octets() > bounds.max_octets || reassembler.messages() > bounds.max_messages) std::abort();
    if ((data[i] & 0x80U) != 0) (void)reassembler.expire(now);
  }
  while (reassembler.drain()) {
  }
  if (reassembler.octets() != 0) std::abort();
  return 0;
}
