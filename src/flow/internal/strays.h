// Receipts that found no message: kept for people to look at, and to be tried again once the upstream's format is put
// right. On the upstream's home shard; shard-local.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "message/ids.h"

namespace smppd::flow {

struct Stray {
  message::UpstreamId upstream;
  WallTime received{};
  std::vector<std::uint8_t> pdu;
};

// Where they are kept. Numbers are given in the order of keep(), from 1.
class Strays {
 public:
  struct Stats {
    std::size_t kept = 0;   // now
    std::size_t bytes = 0;  // of their PDUs
    std::uint64_t total = 0;
    std::uint64_t dropped = 0;  // the oldest, for want of room
    std::uint64_t matched = 0;  // on another try
  };

  virtual ~Strays() = default;
  virtual void keep(message::UpstreamId upstream, WallTime received, ByteSpan pdu) = 0;
  // Oldest first, those numbered over `after`, of this upstream or (invalid) of all, until `visitor` says false. The
  // visitor changes nothing here.
  using Visitor = std::function<bool(std::uint64_t number, const Stray& stray)>;
  virtual void visit(message::UpstreamId upstream, std::uint64_t after, const Visitor& visitor) const = 0;
  virtual void matched(std::uint64_t number) = 0;  // it found its message and is not kept any longer
  [[nodiscard]] virtual Stats stats() const noexcept = 0;
};

// What came of Flow::replay_strays(): of trying `most` of them again, numbered over `after`, of this upstream or
// (invalid) of all whose home the shard is. Those that find their message are told, unless their client has no session
// that takes them, and kept no longer.
struct Replay {
  std::size_t tried = 0;
  std::size_t matched = 0;
  std::size_t away = 0;
  std::uint64_t next = 0;  // `after` of the next call
  bool finished = false;
};

// In memory, bounded by number and by octets: the oldest makes room. One that is larger than all the room is dropped.
class StrayRing final : public Strays {
 public:
  StrayRing(std::size_t max_strays, std::size_t max_bytes) noexcept : max_strays_(max_strays), max_bytes_(max_bytes) {}

  void keep(message::UpstreamId upstream, WallTime received, ByteSpan pdu) override;
  void visit(message::UpstreamId upstream, std::uint64_t after, const Visitor& visitor) const override;
  void matched(std::uint64_t number) override;
  [[nodiscard]] Stats stats() const noexcept override { return stats_; }

 private:
  void remove(std::map<std::uint64_t, Stray>::iterator at);

  const std::size_t max_strays_;
  const std::size_t max_bytes_;
  std::map<std::uint64_t, Stray> strays_;  // by number
  Stats stats_;
};

}  // namespace smppd::flow
