// How many sessions there are, over all shards: of a client, of a listener, of an address. Any thread. Counts are taken
// and released through tickets, so that they are back at zero when the sessions are gone.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "accounts/ip_set.h"

namespace smppd::accounts {

class SessionCount {
 public:
  // One more, unless there are `most` already; 0: unlimited.
  [[nodiscard]] bool enter(std::uint32_t most) noexcept {
    std::uint32_t count = count_.load(std::memory_order_relaxed);
    do {
      if (most != 0 && count >= most) return false;
    } while (!count_.compare_exchange_weak(count, count + 1, std::memory_order_relaxed));
    return true;
  }
  void leave() noexcept { count_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> count_{0};
};

// A place in a SessionCount, given back when it is destroyed. The count must outlive it.
class SessionTicket {
 public:
  SessionTicket() = default;
  // Empty if there are `most` already.
  SessionTicket(SessionCount& count, std::uint32_t most) noexcept : count_(count.enter(most) ? &count : nullptr) {}
  SessionTicket(SessionTicket&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
  SessionTicket& operator=(SessionTicket&& other) noexcept {
    std::swap(count_, other.count_);
    return *this;
  }
  ~SessionTicket() {
    if (count_ != nullptr) count_->leave();
  }
  [[nodiscard]] explicit operator bool() const noexcept { return count_ != nullptr; }

 private:
  SessionCount* count_ = nullptr;
};

// Sessions by peer address, for max_connections_per_ip; one per listener. Used once per connection, not per message,
// so a lock over a sixty-fourth of the addresses is enough.
class IpSessionCounts {
 public:
  [[nodiscard]] bool enter(const IpAddress& address, std::uint32_t most) {
    Part& part = part_of(address);
    const std::lock_guard lock(part.mutex);
    std::uint32_t& count = part.counts[address];
    if (most != 0 && count >= most) return false;  // then it is there since before
    ++count;
    return true;
  }
  void leave(const IpAddress& address) noexcept {
    Part& part = part_of(address);
    const std::lock_guard lock(part.mutex);
    const auto at = part.counts.find(address);
    if (at != part.counts.end() && --at->second == 0) part.counts.erase(at);
  }
  [[nodiscard]] std::uint32_t count(const IpAddress& address) {
    Part& part = part_of(address);
    const std::lock_guard lock(part.mutex);
    const auto at = part.counts.find(address);
    return at == part.counts.end() ? 0 : at->second;
  }

 private:
  struct Hash {
    std::size_t operator()(const IpAddress& address) const noexcept {
      std::array<std::uint64_t, 2> words;
      std::memcpy(words.data(), address.octets.data(), sizeof(words));
      std::uint64_t mixed = (words[0] ^ (words[1] * 0x9E37'79B9'7F4A'7C15U)) * 0xBF58'476D'1CE4'E5B9U;
      return mixed ^ (mixed >> 29);
    }
  };
  struct Part {
    std::mutex mutex;
    std::unordered_map<IpAddress, std::uint32_t, Hash> counts;  // guarded by mutex; no zeros
  };
  Part& part_of(const IpAddress& address) noexcept { return parts_[(Hash()(address) >> 40) % parts_.size()]; }

  std::array<Part, 64> parts_;
};

}  // namespace smppd::accounts
