// How the receipt map keeps a message, in one line of memory, and what of its id has no room there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "message/ids.h"

namespace smppd::flow::internal {

struct ReceiptLink {
  std::uint32_t previous;
  std::uint32_t next;
};

struct ReceiptRecord {
  static constexpr std::size_t kInline = 20;

  message::OwnId own;
  std::uint32_t key_hash;
  std::uint32_t client;
  std::uint32_t source_hash;
  ReceiptLink link;
  std::uint32_t expires;    // seconds on the map's clock
  std::uint32_t submitted;  // likewise
  std::uint16_t destination_hash;
  std::uint16_t upstream;
  std::uint8_t submitted_fraction;  // 1/256 s
  std::uint8_t registered_delivery;
  std::uint8_t bits;
  std::uint8_t id_size;
  std::array<char, kInline> id;  // a long id: its first octets and the number of the piece that goes on
};
static_assert(sizeof(ReceiptRecord) == 64);

struct ReceiptPiece {
  static constexpr std::size_t kText = 60;

  std::uint32_t next;
  std::array<char, kText> text;
};

}  // namespace smppd::flow::internal
