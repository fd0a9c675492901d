// Which sessions can receive what, over all shards: every shard has a copy, changed by mail when a session binds or
// goes. Shard-local. Thousands may go at once, so coming, going and finding a client's take the same time however many
// there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/slab.h"
#include "flow/snapshot.h"
#include "message/ids.h"
#include "re2/re2.h"

namespace smppd::flow {

struct Receiver {
  SlabHandle session;
  std::uint8_t shard = 0;
  message::ClientId client;
  PeerSide side;
};

// Sessions in the order to offer them a message, without a copy of them: from `first` on, around, and where a shard is
// near, its own before the others. Valid until a session comes or goes.
class Candidates {
 public:
  Candidates() = default;
  explicit Candidates(std::span<const Receiver> all, std::size_t turn, std::optional<std::uint8_t> near = {}) noexcept
      : all_(all), first_(all.size() > 1 ? turn % all.size() : 0), near_(near) {}

  [[nodiscard]] bool empty() const noexcept { return all_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

  // The one to offer it to next; null after the last.
  [[nodiscard]] const Receiver* next() noexcept {
    for (; laps_ < (near_ ? 2 : 1); ++laps_, seen_ = 0) {
      while (seen_ < all_.size()) {
        const std::size_t at = first_ + seen_++;
        const Receiver& receiver = all_[at < all_.size() ? at : at - all_.size()];
        if (!near_ || (receiver.shard == *near_) == (laps_ == 0)) return &receiver;
      }
    }
    return nullptr;
  }

 private:
  std::span<const Receiver> all_;
  std::size_t first_ = 0;
  std::size_t seen_ = 0;
  std::optional<std::uint8_t> near_;
  std::uint8_t laps_ = 0;
};

class Directory {
 public:
  // A receive-capable session appeared; `address_range` is its bind's (3.4 §5.2.7: a regular expression, or a prefix).
  void add(const Receiver& receiver, std::string_view address_range);
  // It went; nothing when it is not there, or when its slot is another session's by now.
  void remove(const Receiver& receiver) noexcept;

  // The client's sessions in the order to offer a message: those of `near` first, then the others, each turn another
  // one first. Empty when the client cannot receive now.
  [[nodiscard]] Candidates of(message::ClientId client, std::uint8_t near) noexcept;
  // The one that of() would name first, if it is one of `near`; null otherwise. Whose turn it is stays as it is until
  // pass_turn().
  [[nodiscard]] const Receiver* first_of(message::ClientId client, std::uint8_t near) const noexcept {
    const std::size_t place = place_of(client);
    if (place >= by_client_.size() || by_client_[place].empty()) return nullptr;
    const Receiver* first = Candidates(by_client_[place], turn_ + 1, near).next();
    return first != nullptr && first->shard == near ? first : nullptr;
  }
  void pass_turn() noexcept { ++turn_; }
  // The sessions whose address_range covers the destination, for MO without a route.
  [[nodiscard]] Candidates covering(std::string_view destination) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  struct Ranged {
    Receiver receiver;
    std::string range;
    std::shared_ptr<re2::RE2> pattern;  // null: a plain prefix
  };
  static constexpr std::uint32_t kNowhere = 0xFFFFFFFFU;
  // Where a session stands in its client's list and, if its bind had an address_range, among those with one.
  struct Places {
    std::uint32_t in_client = kNowhere;
    std::uint32_t in_ranged = kNowhere;
  };
  [[nodiscard]] Places& places(const Receiver& receiver) noexcept {
    return places_[receiver.shard][receiver.session.index];
  }
  static bool covers(const Ranged& ranged, std::string_view destination) noexcept;

  // Names are numbered from 0 (message/ids.h); the first place is of the anonymous client.
  [[nodiscard]] static std::size_t place_of(message::ClientId client) noexcept {
    return client.valid() ? client.value() + std::size_t{1} : 0;
  }

  std::vector<std::vector<Receiver>> by_client_;
  std::vector<Ranged> ranged_;
  std::vector<std::vector<Places>> places_;  // by shard and slot
  std::vector<Receiver> found_;
  std::size_t turn_ = 0;
  std::size_t count_ = 0;
};

}  // namespace smppd::flow
