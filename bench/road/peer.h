// One end of a TCP connection with a fixed buffer: a client's or an SMSC's. Reading never waits.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "smpp/framer.h"

namespace smppd::bench {

class Peer {
 public:
  explicit Peer(int fd) noexcept;  // owns fd
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  // Whole or not at all: false when the connection is gone.
  [[nodiscard]] bool write(ByteSpan bytes) const noexcept;
  // Shows each whole PDU that is there.
  template <typename Visit>
  void read(Visit&& visit) {
    fill();
    std::size_t used = 0;
    const ByteSpan bytes(buffer_.data(), size_);
    for (auto frame = smpp::next_frame(bytes); frame.state == smpp::FrameState::pdu;
         frame = smpp::next_frame(bytes.subspan(used))) {
      used += frame.pdu.size();
      visit(frame.pdu);
    }
    drop(used);
  }

 private:
  void fill() noexcept;
  void drop(std::size_t used) noexcept;

  int fd_;
  std::size_t size_ = 0;
  std::array<std::uint8_t, 65'536> buffer_{};
};

}  // namespace smppd::bench
