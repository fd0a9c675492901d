// A stream in chunks of any size yields the same PDUs as the stream in one piece, every PDU is what its length says,
// and a look ahead sees the same and nothing outside it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "smpp/framer.h"

namespace {

using namespace smppd::smpp;

constexpr std::uint32_t kMaxPdu = 512;

struct Cut {
  std::vector<std::string> pdus;
  bool lost = false;
};

// A look ahead sees the same PDU, and nothing outside it.
void look_ahead(const std::vector<std::uint8_t>& held, smppd::ByteSpan pdu) {
  if (glance_at_pdu(held).size() != pdu.size()) std::abort();
  const std::vector<std::uint8_t> alone(pdu.begin(), pdu.end());
  const auto seen = glance_at_destination(alone);
  if (!seen.address.empty() && seen.behind.data() + seen.behind.size() != alone.data() + alone.size()) std::abort();
  (void)glance_at_receipt_id(alone);
}

void drain(std::vector<std::uint8_t>& held, Cut& cut) {
  for (;;) {
    const Frame frame = next_frame(held, kMaxPdu);
    if (frame.state == FrameState::lost) cut.lost = true;
    if (frame.state != FrameState::pdu) {
      if (frame.state == FrameState::need_more && frame.missing == 0) std::abort();
      return;
    }
    if (frame.pdu.size() < kHeaderSize || frame.pdu.size() > kMaxPdu) std::abort();
    if (read_header(frame.pdu.data()).command_length != frame.pdu.size()) std::abort();
    look_ahead(held, frame.pdu);
    cut.pdus.emplace_back(smppd::as_text(frame.pdu));
    held.erase(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(frame.pdu.size()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = data[0] % 32 + 1U;
  std::vector<std::uint8_t> stream(data + 1, data + size);
  Cut whole;
  std::vector<std::uint8_t> held = stream;
  drain(held, whole);

  Cut pieces;
  held.clear();
  for (std::size_t at = 0; at < stream.size() && !pieces.lost; at += step) {
    const std::size_t count = std::min(step, stream.size() - at);
    const auto from = stream.begin() + static_cast<std::ptrdiff_t>(at);
    held.insert(held.end(), from, from + static_cast<std::ptrdiff_t>(count));
    drain(held, pieces);
  }
  if (pieces.pdus != whole.pdus || pieces.lost != whole.lost) std::abort();
  return 0;
}
