// Every accepted message must get exactly one final receipt. Shared by all workers: receipts may come on any session.
// Ids are kept as 128-bit hashes, some 40 octets a message, for the whole run, so that late duplicates are noticed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "smppload/options.h"

namespace smppd::load {

enum class ReceiptFate : std::uint8_t { matched, duplicate, parked };

class ReceiptTracker {
 public:
  explicit ReceiptTracker(ReceiptIds ids);
  ~ReceiptTracker();

  // A message was accepted under `id`. True when its receipt had come before.
  bool accepted(std::string_view id, std::int64_t sent);

  struct Verdict {
    ReceiptFate fate = ReceiptFate::parked;
    std::int64_t sent = 0;  // of the message, when matched
  };
  // A final receipt came. Without a message yet it waits for one.
  Verdict received(std::string_view id);

  [[nodiscard]] std::uint64_t pending() const;  // accepted, no receipt yet
  [[nodiscard]] std::uint64_t unknown() const;  // receipts still waiting for a message

 private:
  struct Key;
  struct Stripe;
  struct Early;
  static constexpr std::size_t kStripes = 16;
  [[nodiscard]] Stripe& stripe_of(const Key& key);
  std::optional<Verdict> settle(const Key& key);
  bool claim_early(std::uint32_t group);
  std::uint32_t park();

  ReceiptIds ids_;
  std::unique_ptr<Stripe[]> stripes_;
  mutable std::mutex early_mutex_;
  std::unique_ptr<Early> early_;
};

}  // namespace smppd::load
