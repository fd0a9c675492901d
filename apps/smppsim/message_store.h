// The messages a shard has accepted: their fate, and enough of them to answer query_sm and its kin and to write
// receipts. Shard-local.
//
// A message is either a record (everything but the fast path makes one) or raw bytes in a ring of the latest submit_sm
// that becomes a record when somebody asks for it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/bytes.h"
#include "base/slab.h"
#include "base/time.h"
#include "runtime/timer_wheel.h"
#include "smpp/pdu_view.h"
#include "smppsim/behaviour.h"

namespace smppd::sim {

struct Account;
class Shard;

struct Address {
  std::uint8_t ton = 0;
  std::uint8_t npi = 0;
  std::string digits;
};

struct Message {
  Message(runtime::Timer::Fire fire, Shard& on) noexcept : timer(fire, this), shard(on) {}

  runtime::Timer timer;  // what happens next with it: a report, or its end
  Shard& shard;
  SlabHandle self;
  SlabHandle session;  // it came on
  std::uint64_t number = 0;
  Account* account = nullptr;
  const ReceiptPlan* plan = nullptr;
  Address source;
  Address destination;
  std::string text;
  std::string service_type;
  std::string fixed_id;  // given by a rule; empty: made of the number
  WallTime submitted{};
  WallTime done{};  // or when it will be
  smpp::MessageState final_state = smpp::MessageState::delivered;
  std::uint8_t registered_delivery = 0;
  std::uint8_t data_coding = 0;
  std::uint8_t esm_class = 0;
  bool wants_receipt = false;
  bool responded = false;  // its reports of no final state are out
  bool broadcast = false;

  // Its state at `now`.
  [[nodiscard]] smpp::MessageState state(WallTime now) const noexcept {
    return now >= done ? final_state : smpp::MessageState::enroute;
  }
};

class MessageStore {
 public:
  MessageStore(Shard& shard, runtime::Timer::Fire fire, std::size_t remember)
      : shard_(shard), fire_(fire), remember_(remember) {}

  // A new record; the oldest that nothing more happens to makes room.
  Message& add(std::uint64_t number);
  [[nodiscard]] Message* find(std::uint64_t number);
  template <typename Visit>
  void for_each(Visit&& visit) {
    messages_.for_each([&](Message& message, SlabHandle) { visit(message); });
  }

  // The fast path: remembers the bytes of a submit_sm.
  void note(std::uint64_t number, const std::uint8_t* pdu, std::size_t size, Account* account) noexcept {
    if (ring_ == nullptr || size > kRingBytes - ring_at_) [[unlikely]] {
      if (!turn_ring(size)) return;
    }
    std::memcpy(&ring_[ring_at_], pdu, size);
    noted_[notes_++ % kNoted] = {number, ring_at_, static_cast<std::uint32_t>(size), ring_turns_, account};
    ring_at_ += static_cast<std::uint32_t>(size);
  }

 private:
  static constexpr std::uint32_t kRingBytes = 1 << 20;
  static constexpr std::size_t kNoted = 8192;
  struct Noted {
    std::uint64_t number = 0;
    std::uint32_t at = 0;
    std::uint32_t size = 0;
    std::uint64_t turn = 0;
    Account* account = nullptr;
  };
  bool turn_ring(std::size_t size) noexcept;
  Message* promote(std::uint64_t number);
  void make_room();

  Shard& shard_;
  runtime::Timer::Fire fire_;
  std::size_t remember_;
  Slab<Message> messages_;
  absl::flat_hash_map<std::uint64_t, SlabHandle> by_number_;
  std::deque<std::uint64_t> in_order_;
  std::unique_ptr<std::uint8_t[]> ring_;
  std::vector<Noted> noted_;
  std::uint64_t notes_ = 0;
  std::uint64_t ring_turns_ = 0;
  std::uint32_t ring_at_ = 0;
};

// Copies what a message PDU (submit_sm, data_sm, submit_multi, broadcast_sm) says about itself.
void read_message(const smpp::PduView& view, Message& into);
// The user data: short_message, or message_payload.
[[nodiscard]] std::string_view user_data(const smpp::PduView& view) noexcept;

}  // namespace smppd::sim
