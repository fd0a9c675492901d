#include "smppload/receipt_tracker.h"

#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>

#include "smpp/text/canonical_id.h"

namespace smppd::load {

struct ReceiptTracker::Key {
  std::uint64_t first;
  std::uint64_t second;
  bool operator==(const Key&) const noexcept = default;
  template <typename H>
  friend H AbslHashValue(H state, const Key& key) {
    return H::combine(std::move(state), key.first);
  }
  static Key of(std::string_view id) { return {absl::HashOf(id), absl::HashOf(id, std::uint64_t{0x5DEECE66D})}; }
};

namespace {
enum class State : std::uint8_t { waiting, settled, early };

struct Entry {
  std::int64_t sent = 0;
  std::uint32_t group = 0;  // state early: which receipt
  State state = State::waiting;
};
}  // namespace

struct alignas(64) ReceiptTracker::Stripe {
  mutable std::mutex mutex;
  absl::flat_hash_map<Key, Entry> entries;
  std::uint64_t pending = 0;
};

// A parked receipt lies under every id it may mean; the group says whether one of them has been found.
struct ReceiptTracker::Early {
  std::vector<bool> claimed;
  std::uint64_t unclaimed = 0;
};

ReceiptTracker::ReceiptTracker(ReceiptIds ids)
    : ids_(ids), stripes_(std::make_unique<Stripe[]>(kStripes)), early_(std::make_unique<Early>()) {}
ReceiptTracker::~ReceiptTracker() = default;

ReceiptTracker::Stripe& ReceiptTracker::stripe_of(const Key& key) { return stripes_[key.second % kStripes]; }

bool ReceiptTracker::claim_early(std::uint32_t group) {
  const std::lock_guard lock(early_mutex_);
  if (early_->claimed[group]) return false;
  early_->claimed[group] = true;
  --early_->unclaimed;
  return true;
}

std::uint32_t ReceiptTracker::park() {
  const std::lock_guard lock(early_mutex_);
  early_->claimed.push_back(false);
  ++early_->unclaimed;
  return static_cast<std::uint32_t>(early_->claimed.size() - 1);
}

bool ReceiptTracker::accepted(std::string_view id, std::int64_t sent) {
  const Key key = Key::of(ids_ == ReceiptIds::exact ? id : smpp::canonical_id(id).view());
  Stripe& stripe = stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  const auto [at, fresh] = stripe.entries.try_emplace(key, Entry{sent, 0, State::waiting});
  if (fresh) {
    ++stripe.pending;
    return false;
  }
  Entry& entry = at->second;
  if (entry.state == State::early && claim_early(entry.group)) {
    entry = Entry{sent, 0, State::settled};
    return true;
  }
  // The peer gave one id to two messages: one receipt cannot serve both.
  if (entry.state != State::waiting) entry = Entry{sent, 0, State::waiting};
  ++stripe.pending;
  return false;
}

std::optional<ReceiptTracker::Verdict> ReceiptTracker::settle(const Key& key) {
  Stripe& stripe = stripe_of(key);
  const std::lock_guard lock(stripe.mutex);
  const auto at = stripe.entries.find(key);
  if (at == stripe.entries.end()) return std::nullopt;
  Entry& entry = at->second;
  if (entry.state != State::waiting) return Verdict{ReceiptFate::duplicate, 0};
  entry.state = State::settled;
  --stripe.pending;
  return Verdict{ReceiptFate::matched, entry.sent};
}

ReceiptTracker::Verdict ReceiptTracker::received(std::string_view id) {
  std::array<Key, smpp::IdCandidates::kBound> keys;
  std::size_t count = 0;
  if (ids_ == ReceiptIds::exact) {
    keys[count++] = Key::of(id);
  } else if (ids_ == ReceiptIds::same) {
    keys[count++] = Key::of(smpp::canonical_id(id).view());
  } else {
    const auto format = ids_ == ReceiptIds::hex_to_dec   ? smpp::IdFormat::hex_to_dec
                        : ids_ == ReceiptIds::dec_to_hex ? smpp::IdFormat::dec_to_hex
                                                         : smpp::IdFormat::automatic;
    for (const auto& candidate : smpp::candidates(id, format)) keys[count++] = Key::of(candidate.view());
  }
  bool duplicate = false;
  for (std::size_t i = 0; i < count; ++i) {
    const auto verdict = settle(keys[i]);
    if (verdict && verdict->fate == ReceiptFate::matched) return *verdict;
    duplicate = duplicate || verdict.has_value();
  }
  if (duplicate) return {ReceiptFate::duplicate, 0};
  const std::uint32_t group = park();
  // A message accepted since the look-up above has its entry by now and is settled here.
  for (std::size_t i = 0; i < count; ++i) {
    Stripe& stripe = stripe_of(keys[i]);
    const std::lock_guard lock(stripe.mutex);
    const auto [at, fresh] = stripe.entries.try_emplace(keys[i], Entry{0, group, State::early});
    if (fresh || at->second.state != State::waiting) continue;
    at->second.state = State::settled;
    --stripe.pending;
    claim_early(group);
    return {ReceiptFate::matched, at->second.sent};
  }
  return {};
}

std::uint64_t ReceiptTracker::pending() const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kStripes; ++i) {
    const std::lock_guard lock(stripes_[i].mutex);
    total += stripes_[i].pending;
  }
  return total;
}

std::uint64_t ReceiptTracker::unknown() const {
  const std::lock_guard lock(early_mutex_);
  return early_->unclaimed;
}

}  // namespace smppd::load
