// Messages that were cut into parts and are on their way to their SMSC. Private to flow.
//
// One part at a time: the next goes when the one before was accepted, so that parts keep their order whatever links and
// shards carry them, and a refused part is the last that was sent.
#pragma once

#include <string>
#include <vector>

#include "base/slab.h"
#include "flow/flow.h"
#include "flow/internal/pin_table.h"
#include "flow/internal/references.h"

namespace smppd::flow {

// What is remembered of the request of a part, by the rule that says which receipts the client hears.
[[nodiscard]] message::Flight as_tracked(const message::Flight& flight, config::PartReceipts rule) noexcept;

struct Flow::LongMessage {
  message::Flight whole;           // of the message as its client knows it: what is answered at the end
  std::vector<std::uint8_t> pdus;  // the parts, one behind the other
  std::size_t at = 0;              // where the part begins that is on its way or waits
  std::uint8_t part = 1;           // its number
  std::uint64_t client_hash = 0;   // for ip_hash
  std::vector<std::string> ids;    // that the SMSC gave the parts before
  std::vector<std::uint8_t> first_answer;
  Instant next_try{};
  Instant until{};  // this part waits for room, a link, or a busy SMSC: so long; zero: it does not

  [[nodiscard]] ByteSpan pdu() const noexcept {
    return ByteSpan(pdus).subspan(at, smpp::read_header(pdus.data() + at).command_length);
  }
};

struct Flow::LongDesk {
  LongDesk(unsigned shard, unsigned shards, std::uint64_t random)
      : references(shard, shards, static_cast<std::uint16_t>(random)), seed(random) {}

  Slab<LongMessage> messages;
  std::vector<SlabHandle> stalled;
  internal::References references;
  internal::PinTable pins;
  std::vector<std::uint8_t> whole, pdus;  // of the message on the road
  telemetry::LogLimit partial_log;
  std::uint64_t seed;
};

}  // namespace smppd::flow
