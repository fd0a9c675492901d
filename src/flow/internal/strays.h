// Receipts that found no message: kept for people to look at, and to be tried again once the upstream's format is put
// right. On the upstream's home shard; shard-local.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "flow/internal/octets.h"
#include "message/ids.h"
#include "store/transaction.h"

namespace smppd::flow {

struct Stray {
  message::UpstreamId upstream;
  WallTime received{};
  std::vector<std::uint8_t> pdu;
  std::uint64_t record = 0;  // its number in the store; 0: it is in memory alone
};

// What the store keeps of a receipt without a message, acknowledged and parked or given up: a record of
// store::Table::kStrays. Views live as long as the octets.
struct StrayRecord {
  std::string_view upstream;
  store::Moment received{};
  ByteSpan pdu;
};
inline constexpr std::size_t kMaxStrayHeader = 10 + internal::kMaxStoredText;
// Empty when there is too little room.
[[nodiscard]] ByteSpan encode(const StrayRecord& stray, std::span<std::uint8_t> room) noexcept;
[[nodiscard]] std::optional<StrayRecord> decode_stray(ByteSpan octets) noexcept;

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
  // One that is kept already (its record is) is not kept twice.
  virtual void keep(const Stray& stray) = 0;
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

  // Called with the record of one that is dropped.
  void on_dropped(std::function<void(std::uint64_t record)> forget) { forget_ = std::move(forget); }

  void keep(const Stray& stray) override;
  void visit(message::UpstreamId upstream, std::uint64_t after, const Visitor& visitor) const override;
  void matched(std::uint64_t number) override;
  [[nodiscard]] Stats stats() const noexcept override { return stats_; }

 private:
  void remove(std::map<std::uint64_t, Stray>::iterator at);
  void drop(std::uint64_t record);

  const std::size_t max_strays_;
  const std::size_t max_bytes_;
  std::map<std::uint64_t, Stray> strays_;  // by number
  std::unordered_set<std::uint64_t> records_;
  std::function<void(std::uint64_t record)> forget_;
  Stats stats_;
};

}  // namespace smppd::flow
