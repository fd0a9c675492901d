// A peer that speaks SMPP: cuts PDUs, builds PDUs, forgets everything when the connection ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "smpp/framer.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"
#include "tests/sim/kernel.h"

namespace smppd::sim {

class SmppPeer : public Peer {
 public:
  void on_bytes(ByteSpan bytes) final {
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    std::size_t used = 0;
    while (wire_ != nullptr && wire_->alive()) {
      const smpp::Frame frame = smpp::next_frame(ByteSpan(input_).subspan(used));
      if (frame.state == smpp::FrameState::lost) return framing_lost();
      if (frame.state == smpp::FrameState::need_more) break;
      const std::vector<std::uint8_t> pdu(frame.pdu.begin(), frame.pdu.end());
      used += pdu.size();
      wire_->tell("peer gets", pdu);
      on_pdu(smpp::read_header(pdu.data()), pdu);
    }
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(used));
  }

 protected:
  virtual void on_pdu(const smpp::Header& header, ByteSpan pdu) = 0;
  virtual void framing_lost() = 0;

  void send_bare(smpp::CommandId id, std::uint32_t status, std::uint32_t sequence) {
    std::uint8_t out[smpp::kHeaderSize];
    smpp::write_bare(out, id, static_cast<smpp::CommandStatus>(status), sequence);
    send(out);
  }
  void send(const smpp::PduBuilder& builder, std::uint32_t status, std::uint32_t sequence) {
    std::vector<std::uint8_t> out;
    if (builder.encode(out, static_cast<smpp::CommandStatus>(status), sequence)) send(out);
  }

  Wire* wire_ = nullptr;  // owns this; null when it has ended

 private:
  void send(ByteSpan pdu) {
    if (wire_ == nullptr) return;
    wire_->tell("peer sends", pdu);
    wire_->send(pdu);
  }
  std::vector<std::uint8_t> input_;
};

// "T12.3" in a text: the 12th message, its third receipt. False when there is no such tag.
[[nodiscard]] inline bool read_tag(std::string_view text, char letter, std::uint32_t& number, std::uint32_t& serial) {
  const std::size_t at = text.find(letter);
  if (at == std::string_view::npos) return false;
  std::uint32_t* out = &number;
  number = serial = 0;
  bool any = false;
  for (const char c : text.substr(at + 1)) {
    if (c == '.' && out == &number) {
      out = &serial;
    } else if (c >= '0' && c <= '9' && *out < 100'000'000) {
      *out = *out * 10 + static_cast<std::uint32_t>(c - '0');
      any = true;
    } else {
      break;
    }
  }
  return any;
}

}  // namespace smppd::sim
