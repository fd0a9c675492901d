// The link of a mock upstream: answers and receipts come from a MockEngine instead of an SMSC, at the times it names.
// Shard-local, owned by its Group.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "config/config.h"
#include "message/flight.h"
#include "runtime/event_loop.h"

namespace smppd::upstream {

class Group;

class MockLink {
 public:
  struct Place {
    std::uint64_t seed;
    unsigned shard;
    unsigned shard_count;
  };
  MockLink(Group& group, const config::Upstream& options, const Place& place);
  ~MockLink();
  void submit(const message::Flight& flight, ByteSpan pdu, Instant now) noexcept;
  [[nodiscard]] std::size_t free_slots() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace smppd::upstream
