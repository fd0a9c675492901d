#include "flow/internal/receipt_parking.h"

#include <algorithm>
#include <utility>

#include "flow/internal/hash.h"

namespace smppd::flow {
namespace {

constexpr std::uint32_t kMostParked = 1U << 27U;

// An index from the free list, or of a new element.
template <typename T>
std::uint32_t take_free(std::vector<T>& all, std::uint32_t& free, std::uint32_t T::* next) {
  if (free == 0xFFFF'FFFF) {
    all.emplace_back();
    return static_cast<std::uint32_t>(all.size() - 1);
  }
  return std::exchange(free, all[free].*next);
}

}  // namespace

ReceiptParking::ReceiptParking(const Options& options)
    : options_(options),
      by_id_(static_cast<std::uint32_t>(std::min(options.max_parked, kMostParked) * smpp::IdCandidates::kBound + 1)) {}

std::optional<ReceiptParking::Parked> ReceiptParking::park(const message::DeliveryTicket& ticket,
                                                           const smpp::IdCandidates& candidates, ByteSpan pdu,
                                                           Instant now) noexcept {
  ++stats_.total;
  if (options_.max_parked == 0 || candidates.size() == 0) {
    ++stats_.unmatched;
    return Parked{ticket, now, pdu};
  }
  std::optional<Parked> pushed_out;
  if (stats_.parked >= options_.max_parked) {
    pushed_out = remove(oldest_);
    ++stats_.pushed_out;
  }
  const std::uint32_t at = take_free(slots_, free_slot_, &Slot::newer);
  Slot& slot = slots_[at];
  slot.ticket = ticket;
  slot.arrived = now;
  slot.order = ++order_;
  slot.older = newest_;
  slot.newer = kNone;
  slot.pdu.assign(pdu.begin(), pdu.end());
  (newest_ == kNone ? oldest_ : slots_[newest_].newer) = at;
  newest_ = at;
  if (oldest_held_ == kNone) oldest_held_ = at;
  ++stats_.parked;
  add_keys(at, candidates);
  return pushed_out;
}

void ReceiptParking::add_keys(std::uint32_t at, const smpp::IdCandidates& candidates) noexcept {
  slots_[at].first_key = kNone;
  for (const auto& id : candidates) {
    const std::uint32_t index = take_free(keys_, free_key_, &Key::next);
    Key& key = keys_[index];
    key = {id, hash(slots_[at].ticket.upstream, id), at, slots_[at].first_key};
    if (by_id_.insert(key.hash, index, [this](std::uint32_t i) { return keys_[i].hash; })) {
      slots_[at].first_key = index;
    } else {
      key.next = std::exchange(free_key_, index);
    }
  }
}

// The oldest one.
std::uint32_t ReceiptParking::find(message::UpstreamId upstream, const smpp::CanonicalId& id) const noexcept {
  const std::uint32_t wanted = hash(upstream, id);
  std::uint32_t oldest = kNone;
  // Declines every hit, to see them all.
  static_cast<void>(by_id_.find(wanted, [&](std::uint32_t index) {
    const Key& key = keys_[index];
    const bool hit = key.hash == wanted && key.id == id && slots_[key.slot].ticket.upstream == upstream;
    if (hit && (oldest == kNone || slots_[key.slot].order < slots_[oldest].order)) oldest = key.slot;
    return false;
  }));
  return oldest;
}

std::optional<ReceiptParking::Parked> ReceiptParking::take(message::UpstreamId upstream,
                                                           const smpp::CanonicalId& id) noexcept {
  const std::uint32_t oldest = empty() ? kNone : find(upstream, id);
  if (oldest == kNone) return std::nullopt;
  ++stats_.matched;
  return remove(oldest);
}

std::optional<ReceiptParking::Due> ReceiptParking::next_due(Instant now) noexcept {
  if (oldest_ == kNone) return std::nullopt;
  if (now - slots_[oldest_].arrived >= std::max(options_.park, options_.early_hold)) {
    ++stats_.unmatched;
    return Due{Due::Kind::kUnmatched, remove(oldest_), nullptr, kNone};
  }
  if (oldest_held_ == kNone || now - slots_[oldest_held_].arrived < options_.early_hold) return std::nullopt;
  Slot& slot = slots_[oldest_held_];
  const Due due{Due::Kind::kAcknowledge, view(slot), &slot.ticket, oldest_held_};
  slot.ticket.answered = true;
  oldest_held_ = slot.newer;
  return due;
}

void ReceiptParking::drop(const Due& due) noexcept {
  ++stats_.matched;
  static_cast<void>(remove(due.slot));
}

std::optional<Instant> ReceiptParking::next_deadline() const noexcept {
  if (oldest_ == kNone) return std::nullopt;
  const Instant end = slots_[oldest_].arrived + std::max(options_.park, options_.early_hold);
  if (oldest_held_ == kNone) return end;
  return std::min(end, slots_[oldest_held_].arrived + options_.early_hold);
}

std::uint32_t ReceiptParking::hash(message::UpstreamId upstream, const smpp::CanonicalId& id) const noexcept {
  return internal::high_half(internal::hash_text(id.view(), options_.seed ^ (upstream.value() + 1ULL) << 20U));
}

ReceiptParking::Parked ReceiptParking::view(const Slot& slot) const noexcept {
  return {slot.ticket, slot.arrived, slot.pdu};
}

ReceiptParking::Parked ReceiptParking::remove(std::uint32_t at) noexcept {
  Slot& slot = slots_[at];
  for (std::uint32_t index = slot.first_key; index != kNone;) {
    by_id_.erase(keys_[index].hash, index);
    const std::uint32_t next = keys_[index].next;
    keys_[index].next = std::exchange(free_key_, index);
    index = next;
  }
  if (oldest_held_ == at) oldest_held_ = slot.newer;
  (slot.older == kNone ? oldest_ : slots_[slot.older].newer) = slot.newer;
  (slot.newer == kNone ? newest_ : slots_[slot.newer].older) = slot.older;
  handed_out_.swap(slot.pdu);
  slot.pdu.clear();
  const Parked out{slot.ticket, slot.arrived, handed_out_};
  slot.newer = std::exchange(free_slot_, at);
  --stats_.parked;
  return out;
}

}  // namespace smppd::flow
