// Requests in flight on one connection, by sequence number: a ring that answers in any order and expires in the order
// of sending. Sans-I/O, shard-local, no allocation after the first request.
//
// Sequence numbers run from 1 to 0x7FFFFFFF and start again (SMPP 3.4 §5.1.4). A slot whose request is still unanswered
// when its turn comes again is skipped, so one lost answer costs one slot, not the window. An expired request stays
// readable until its slot is taken again, so that a late answer still finds it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/time.h"

namespace smppd::smpp {

inline constexpr std::uint32_t kMaxSequence = 0x7FFFFFFF;

template <typename T>
class Window {
 public:
  // `last` is the number given last; the next one follows it.
  explicit Window(std::uint32_t limit, std::uint32_t last = 0) noexcept : limit_(limit), next_(last) {}

  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool full() const noexcept { return size_ >= limit_; }
  // May be lowered below size(): nothing is lost, the window is full until answers come.
  void set_limit(std::uint32_t limit) {
    limit_ = limit;
    if (slots_.empty() || ring_of(limit) <= slots_.size()) return;
    std::vector<Slot> larger(ring_of(limit));
    for (Slot& slot : slots_) {
      if (slot.state != State::kFree) larger[slot.sequence & (larger.size() - 1)] = slot;
    }
    slots_.swap(larger);
    mask_ = static_cast<std::uint32_t>(slots_.size() - 1);
  }

  // Takes a slot for a request sent at `now`; the caller has checked full(). Returns its sequence number.
  std::uint32_t open(const T& value, Instant now) {
    const Opened opened = open(now);
    opened.value = value;
    return opened.sequence;
  }
  // The same; the value is what was there before, and the caller's to write.
  struct Opened {
    std::uint32_t sequence;
    T& value;
  };
  Opened open(Instant now) {
    if (mask_ == 0) [[unlikely]]
      make_ring();
    Slot* slot = advance();
    while (is_taken(*slot)) slot = advance();
    if (size_ == 0) oldest_ = next_;
    ++size_;
    slot->state = State::kOpen;
    slot->sequence = next_;
    slot->sent = now;
    fetch(next_ + kAhead);
    return {next_, slot->value};
  }

  struct Entry {
    T* value = nullptr;
    Instant sent{};
    bool late = false;  // it had expired before
  };
  // The request with that number, or a null value.
  [[nodiscard]] Entry find(std::uint32_t sequence) noexcept {
    if (mask_ == 0 || sequence == 0 || sequence > kMaxSequence) return {};
    fetch(sequence + kAhead);  // most answers come in the order of the requests
    Slot& slot = slots_[sequence & mask_];
    if (slot.sequence != sequence || slot.state == State::kFree || slot.state == State::kHeld) return {};
    return {&slot.value, slot.sent, slot.state == State::kExpired};
  }
  // Closes the request that find() gave, but keeps its value where it is until release(): the window has room again,
  // and whoever handles the answer needs no copy. One at a time.
  void close_and_hold(std::uint32_t sequence) noexcept {
    Slot& slot = slots_[sequence & mask_];
    if (slot.state == State::kOpen) --size_;
    slot.state = State::kHeld;
  }
  void release(std::uint32_t sequence) noexcept {
    Slot& slot = slots_[sequence & mask_];
    if (slot.state == State::kHeld) slot.state = State::kFree;
  }
  void close(std::uint32_t sequence) noexcept {
    Slot& slot = slots_[sequence & mask_];
    if (slot.state == State::kOpen) --size_;
    slot.state = State::kFree;
  }

  // Expires what was sent at or before `sent_until`, oldest first.
  template <typename Visit>
  void expire(Instant sent_until, Visit&& visit) {
    while (size_ > 0) {
      Slot& slot = slots_[oldest_ & mask_];
      if (slot.state == State::kOpen && slot.sequence == oldest_) {
        if (slot.sent > sent_until) return;
        slot.state = State::kExpired;
        --size_;
        visit(slot.value, slot.sequence);
      }
      if (oldest_ == next_) return;
      oldest_ = after(oldest_);
    }
  }
  // When the oldest unanswered request was sent; Instant::max() when there is none.
  [[nodiscard]] Instant oldest_sent() noexcept {
    while (size_ > 0) {
      const Slot& slot = slots_[oldest_ & mask_];
      if (slot.state == State::kOpen && slot.sequence == oldest_) return slot.sent;
      oldest_ = after(oldest_);
    }
    return Instant::max();
  }

  // Takes everything that is unanswered, in the order of sending; the connection is gone.
  template <typename Visit>
  void abandon(Visit&& visit) {
    expire(Instant::max(), visit);
  }

  // A number for a request that needs no slot (enquire_link, unbind).
  [[nodiscard]] std::uint32_t bare_sequence() noexcept {
    if (!slots_.empty()) {
      Slot* slot = advance();
      while (is_taken(*slot)) slot = advance();
      slot->state = State::kFree;
      return next_;
    }
    next_ = after(next_);
    return next_;
  }

 private:
  enum class State : std::uint8_t { kFree, kExpired, kOpen, kHeld };
  struct Slot {
    Instant sent{};
    std::uint32_t sequence = 0;
    State state = State::kFree;
    T value{};
  };
  // Room for as many again, so that what is skipped costs nothing; more than one that is held beside one that is open.
  static std::size_t ring_of(std::uint32_t limit) noexcept {
    return std::max<std::size_t>(std::size_t{std::bit_ceil(limit)} * 2, 4);
  }
  void make_ring() {
    slots_.resize(ring_of(limit_));
    mask_ = static_cast<std::uint32_t>(slots_.size() - 1);
  }
  // The ring goes round: what is looked at next was last seen long ago.
  static constexpr std::uint32_t kAhead = 4;
  void fetch(std::uint32_t sequence) const noexcept { __builtin_prefetch(&slots_[sequence & mask_], 1); }
  static bool is_taken(const Slot& slot) noexcept { return slot.state >= State::kOpen; }
  static std::uint32_t after(std::uint32_t sequence) noexcept { return sequence >= kMaxSequence ? 1 : sequence + 1; }
  Slot* advance() noexcept {
    next_ = after(next_);
    return &slots_[next_ & mask_];
  }

  std::vector<Slot> slots_;
  std::uint32_t mask_ = 0;  // the slots less one; 0: there are none
  std::uint32_t limit_;
  std::uint32_t size_ = 0;
  std::uint32_t next_ = 0;    // the last number given
  std::uint32_t oldest_ = 0;  // no open slot is older
};

}  // namespace smppd::smpp
