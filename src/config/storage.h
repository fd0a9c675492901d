// What is kept on disk, for how long, and how a message that an SMSC refused is sent again. Plain values, any thread,
// immutable once loaded.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/values.h"

namespace smppd::config {

enum class StoreBackend : std::uint8_t { kMemory, kRocksdb };
enum class StoreDurability : std::uint8_t { kFsync, kOs, kNone };

// When a client is answered: after the SMSC answered, or as soon as its message is kept.
enum class MessageMode : std::uint8_t { kTransaction, kStoreAndForward };

// What becomes of a message whose outcome nobody knows: the link was lost or the SMSC did not answer in time.
enum class Uncertain : std::uint8_t { kFail, kHold, kResend };
enum class RetryOrder : std::uint8_t { kNone, kDestination };
enum class Backoff : std::uint8_t { kFixed, kLinear, kExponential };

struct Storage {
  bool enabled = false;
  StoreBackend backend = StoreBackend::kRocksdb;
  [[nodiscard]] bool is_on_disk() const noexcept { return backend != StoreBackend::kMemory; }
  std::string path;  // absolute; of rocksdb
  StoreDurability durability = StoreDurability::kFsync;
  std::uint64_t max_messages = 10'000'000;
  std::uint64_t max_bytes = 16ULL * 1024 * 1024 * 1024;
  bool keep_outcomes = true;  // what became of submitted messages
  Millis outcome_retention{std::chrono::hours(24 * 7)};
  bool keep_deliveries = true;  // received deliver_sm after their client has them
  Millis delivery_retention{std::chrono::hours(24 * 30)};
  Millis dead_letter_retention{std::chrono::hours(24 * 30)};
  Millis validity_default{std::chrono::hours(48)};
  Millis validity_max{std::chrono::hours(24 * 7)};
  std::uint32_t inbox_max_per_client = 100'000;
  Millis inbox_delay{1'000};
  Millis inbox_max_delay{300'000};
  bool operator==(const Storage&) const = default;
};

struct Retry {
  bool enabled = true;
  std::uint32_t max_attempts = 10;  // the first included; 0: until validity ends
  Millis delay{1'000};
  Millis max_delay{300'000};
  Backoff backoff = Backoff::kExponential;
  double backoff_factor = 2;
  double jitter = 0.1;  // share of the delay
  std::vector<std::uint32_t> retryable_errors{0x08, 0x14, 0x58, 0x64};
  Uncertain uncertain = Uncertain::kHold;
  Millis uncertain_wait{600'000};
  Uncertain after_hold = Uncertain::kFail;  // kFail or kResend
  Millis throttled_pause{1'000};
  RetryOrder order = RetryOrder::kNone;
  bool operator==(const Retry&) const = default;
};

}  // namespace smppd::config
