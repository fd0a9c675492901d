#include "flow/receipt_map.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "flow/internal/hash.h"

namespace smppd::flow {
namespace {

constexpr std::uint64_t kAddressSeed = 0x4144'4452'0000'0001U;
constexpr std::uint64_t kPlaces = 100'000'000;  // eight digits
constexpr std::uint8_t kFinalSeen = 1;
constexpr std::uint8_t kTelling = 4;
constexpr std::uint8_t kPart = 8;
constexpr std::uint32_t kTicksOfRetention = 512;  // half of the wheel, so that validity fits too
constexpr std::uint32_t kMaxEntries = 1U << 30U;

std::uint32_t tick_of(Duration retention) noexcept {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(retention).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(whole / kTicksOfRetention, 1, 86'400));
}

// The number that eight octets spell in digits; empty when one of them is none.
std::optional<std::uint64_t> eight_digits(const char* text) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);  // the first digit in the lowest octet
  word ^= 0x3030'3030'3030'3030U;
  if ((((word + 0x0606'0606'0606'0606U) | word) & 0xF0F0'F0F0'F0F0'F0F0U) != 0) return std::nullopt;
  word = word * 10 + (word >> 8U);  // pairs in every second octet
  constexpr std::uint64_t kPairs = 0x0000'00FF'0000'00FFU;
  const std::uint64_t high = (word & kPairs) * (100 + (1'000'000ULL << 32U));
  const std::uint64_t low = (word >> 16U & kPairs) * (1 + (10'000ULL << 32U));
  return (high + low) >> 32U;
}

}  // namespace

std::uint32_t address_hash(std::string_view address) noexcept {
  return internal::high_half(internal::hash_text(address, kAddressSeed));
}

std::uint16_t destination_hash(std::string_view address) noexcept {
  if (address.empty()) return 0;
  const auto shortened = [](std::uint64_t hash) {
    return std::max<std::uint16_t>(static_cast<std::uint16_t>(hash >> 48U), 1);
  };
  if (address.size() >= 8) {
    if (const auto number = eight_digits(address.data() + address.size() - 8)) {
      return shortened(internal::hash_number(*number, kAddressSeed));
    }
  }
  std::uint64_t number = 0;
  std::uint64_t place = 1;
  bool digits = false;
  for (std::size_t at = address.size(); at > 0 && place < kPlaces; --at) {
    const char c = address[at - 1];
    if (c < '0' || c > '9') continue;
    digits = true;
    number += place * static_cast<unsigned>(c - '0');
    place *= 10;
  }
  return shortened(digits ? internal::hash_number(number, kAddressSeed) : internal::hash_text(address, kAddressSeed));
}

ReceiptMap::ReceiptMap(const Options& options, Instant now)
    : options_(options),
      epoch_(now),
      tick_seconds_(tick_of(options.retention)),
      by_key_(std::min(options.max_entries, kMaxEntries) + 1),
      by_own_(std::min(options.max_entries, kMaxEntries) + 1) {
  for (std::uint32_t list = 0; list < lists_.size(); ++list) lists_[list] = {list | kListBit, list | kListBit};
}

// --- Keys ------------------------------------------------------------------------------------------------------------

std::uint32_t ReceiptMap::key_hash(message::UpstreamId upstream, const smpp::CanonicalId& id) const noexcept {
  return internal::high_half(internal::hash_text(id.view(), options_.seed ^ (upstream.value() + 1ULL) << 20U));
}

std::uint32_t ReceiptMap::own_hash(message::OwnId own) const noexcept {
  return internal::high_half(internal::hash_number(own, options_.seed));
}

std::uint32_t ReceiptMap::index_of(message::UpstreamId upstream, const smpp::CanonicalId& id,
                                   std::string_view as_written, std::uint32_t hash) const noexcept {
  return by_key_.find(hash, [&](std::uint32_t index) {
    const Record& record = records_[index];
    if (record.key_hash != hash || record.upstream != upstream.value()) return false;
    std::array<char, kMaxId> room;
    const auto raw = id_of(record, room);
    return raw == as_written || raw == id.view() || smpp::canonical_id(raw) == id;
  });
}

std::uint32_t ReceiptMap::index_of(message::OwnId own) const noexcept {
  return by_own_.find(own_hash(own), [&](std::uint32_t index) { return records_[index].own == own; });
}

std::string_view ReceiptMap::id_of(const Record& record, std::array<char, kMaxId>& room) const noexcept {
  if (record.id_size <= kInline) return {record.id.data(), record.id_size};
  std::copy_n(record.id.data(), kInlineOfLong, room.data());
  std::uint32_t piece = 0;
  std::memcpy(&piece, record.id.data() + kInlineOfLong, sizeof(piece));
  for (std::size_t at = kInlineOfLong; at < record.id_size; at += kPieceText) {
    std::copy_n(pieces_[piece].text.data(), std::min(kPieceText, record.id_size - at), room.data() + at);
    piece = pieces_[piece].next;
  }
  return {room.data(), record.id_size};
}

void ReceiptMap::write_id(Record& record, std::string_view id) noexcept {
  record.id_size = static_cast<std::uint8_t>(id.size());
  if (id.size() <= kInline) {
    std::copy(id.begin(), id.end(), record.id.begin());
    return;
  }
  std::copy_n(id.begin(), kInlineOfLong, record.id.begin());
  std::uint32_t first = kNone;
  const std::size_t pieces = (id.size() - kInlineOfLong + kPieceText - 1) / kPieceText;
  for (std::size_t i = pieces; i-- > 0;) {
    const auto text = id.substr(kInlineOfLong + i * kPieceText, kPieceText);
    const std::uint32_t piece = pieces_.take(&Piece::next);
    std::copy(text.begin(), text.end(), pieces_[piece].text.begin());
    pieces_[piece].next = first;
    first = piece;
  }
  std::memcpy(record.id.data() + kInlineOfLong, &first, sizeof(first));
}

void ReceiptMap::free_id(const Record& record) noexcept {
  if (record.id_size <= kInline) return;
  std::uint32_t piece = 0;
  std::memcpy(&piece, record.id.data() + kInlineOfLong, sizeof(piece));
  while (piece != kNone) {
    const std::uint32_t next = pieces_[piece].next;
    pieces_.give(piece, &Piece::next);
    piece = next;
  }
}

// --- Entries ---------------------------------------------------------------------------------------------------------

bool ReceiptMap::insert(const Submission& submission) noexcept {
  const auto id = smpp::canonical_id(submission.upstream_id);
  if (id.empty() || submission.upstream_id.size() > kMaxId) {
    ++stats_.refused;
    return false;
  }
  const std::uint32_t hash = key_hash(submission.upstream, id);
  by_key_.prefetch(hash);
  by_own_.prefetch(own_hash(submission.own));
  if (const auto old = index_of(submission.upstream, id, submission.upstream_id, hash); old != kNone) {
    remove(old);
    ++stats_.replaced;
  }
  if (options_.max_entries == 0) return false;
  make_room();

  const std::uint32_t index = records_.take(&Record::key_hash);
  Record& record = records_[index];
  record.own = submission.own;
  record.key_hash = hash;
  record.client = submission.client.value();
  record.source_hash = submission.source_hash;
  record.expires = seconds(submission.at + submission.validity + options_.retention) + 1;
  record.submitted = seconds(submission.at);
  const auto rest = submission.at - epoch_ - std::chrono::seconds(record.submitted);
  record.submitted_fraction =
      static_cast<std::uint8_t>(std::clamp<std::int64_t>(rest.count(), 0, 999'999'999) * 256 / 1'000'000'000);
  record.destination_hash = submission.destination_hash;
  record.upstream = submission.upstream.value();
  record.registered_delivery = submission.registered_delivery;
  record.bits = submission.part ? kPart : 0;
  write_id(record, submission.upstream_id);
  if (!index_record(index)) {
    ++stats_.refused;
    return false;
  }
  schedule(index);
  ++stats_.entries;
  ++stats_.inserted;
  return true;
}

// A second entry of the same message (another part of it) takes the place of the first in by_own_.
bool ReceiptMap::index_record(std::uint32_t index) noexcept {
  const Record& record = records_[index];
  const auto hash_of_own = [this](std::uint32_t i) { return own_hash(records_[i].own); };
  const auto hash_of_key = [this](std::uint32_t i) { return records_[i].key_hash; };
  const std::uint32_t own = own_hash(record.own);
  const auto former = by_own_.find(own, [&](std::uint32_t i) { return records_[i].own == record.own; });
  if (former != kNone) by_own_.erase(own, former);
  if (by_key_.insert(record.key_hash, index, hash_of_key)) {
    if (by_own_.insert(own, index, hash_of_own)) return true;
    by_key_.erase(record.key_hash, index);
  }
  free_id(record);
  records_.give(index, &Record::key_hash);
  return false;
}

void ReceiptMap::make_room() noexcept {
  if (stats_.entries < options_.max_entries) return;
  first_tick_ = std::max(first_tick_, swept_tick_);
  while (lists_[first_tick_ % kBuckets].next == (first_tick_ % kBuckets | kListBit)) ++first_tick_;
  remove(lists_[first_tick_ % kBuckets].next);
  ++stats_.evicted;
  prefetch_removal(lists_[first_tick_ % kBuckets].next);
}

// What remove() of a record will read, and the record behind it, for which this is called next.
void ReceiptMap::prefetch_removal(std::uint32_t index) const noexcept {
  if ((index & kListBit) != 0) return;
  const Record& record = records_[index];
  by_key_.prefetch(record.key_hash);
  by_own_.prefetch(own_hash(record.own));
  if ((record.link.next & kListBit) == 0) __builtin_prefetch(&records_[record.link.next]);
}

void ReceiptMap::remove(std::uint32_t index) noexcept {
  Record& record = records_[index];
  by_key_.prefetch(record.key_hash);
  by_own_.prefetch(own_hash(record.own));
  unlink(index);
  by_key_.erase(record.key_hash, index);
  by_own_.erase(own_hash(record.own), index);
  --stats_.entries;
  free_id(record);
  record.own = 0;
  records_.give(index, &Record::key_hash);
}

ReceiptMap::Entry ReceiptMap::entry_at(std::uint32_t index) const noexcept {
  const Record& record = records_[index];
  const auto fraction = std::chrono::nanoseconds(std::int64_t{record.submitted_fraction} * 1'000'000'000 / 256);
  return {.ref = {index, record.own},
          .own = record.own,
          .client = message::ClientId(record.client),
          .upstream = message::UpstreamId(record.upstream),
          .source_hash = record.source_hash,
          .destination_hash = record.destination_hash,
          .registered_delivery = record.registered_delivery,
          .final_seen = (record.bits & kFinalSeen) != 0,
          .part = (record.bits & kPart) != 0,
          .telling = (record.bits & kTelling) != 0,
          .submitted = epoch_ + std::chrono::seconds(record.submitted) + fraction};
}

bool ReceiptMap::alive(Ref ref) const noexcept {
  return ref.index < records_.used() && ref.own != 0 && records_[ref.index].own == ref.own;
}

std::optional<ReceiptMap::Entry> ReceiptMap::find(message::UpstreamId upstream, const smpp::CanonicalId& id,
                                                  std::string_view as_written) const noexcept {
  const auto index = index_of(upstream, id, as_written, key_hash(upstream, id));
  if (index == kNone) return std::nullopt;
  return entry_at(index);
}

std::optional<ReceiptMap::Match> ReceiptMap::match(message::UpstreamId upstream, const smpp::IdCandidates& candidates,
                                                   const Addresses& addresses) const noexcept {
  const auto& [sources, destinations] = addresses;
  const auto destination_of = [&](const Entry& entry) {
    if (entry.destination_hash == 0 || (destinations[0] | destinations[1]) == 0) return Destination::kUnknown;
    const bool named = entry.destination_hash == destinations[0] || entry.destination_hash == destinations[1];
    return named ? Destination::kConfirmed : Destination::kContradicted;
  };
  std::optional<Match> best;
  int best_rank = -1;
  std::size_t hits = 0;
  for (const auto& candidate : candidates) {
    const auto entry = find(upstream, candidate);
    if (!entry) continue;
    ++hits;
    const Destination destination = destination_of(*entry);
    const bool agrees = entry->source_hash == sources[0] || entry->source_hash == sources[1];
    const int rank = 2 * static_cast<int>(destination) + static_cast<int>(agrees);
    if (rank < best_rank) continue;
    if (rank == best_rank) {
      best->sure = false;
      continue;
    }
    best_rank = rank;
    best = Match{*entry, destination, agrees, &candidate == candidates.begin(), false, true};
  }
  if (best) best->only_hit = hits == 1;
  return best;
}

std::optional<ReceiptMap::UpstreamName> ReceiptMap::find_own(message::OwnId own) noexcept {
  const auto index = index_of(own);
  if (index == kNone) return std::nullopt;
  return UpstreamName{message::UpstreamId(records_[index].upstream), id_of(records_[index], id_room_)};
}

std::optional<ReceiptMap::Entry> ReceiptMap::entry_of(message::OwnId own) const noexcept {
  const auto index = index_of(own);
  if (index == kNone) return std::nullopt;
  return entry_at(index);
}

std::string_view ReceiptMap::upstream_id(Ref ref) noexcept {
  return alive(ref) ? id_of(records_[ref.index], id_room_) : std::string_view();
}

void ReceiptMap::set_telling(Ref ref, bool telling) noexcept {
  if (!alive(ref)) return;
  std::uint8_t& bits = records_[ref.index].bits;
  bits = static_cast<std::uint8_t>(telling ? bits | kTelling : bits & ~kTelling);
}

void ReceiptMap::finish(Ref ref, Instant until) noexcept {
  if (!alive(ref)) return;
  Record& record = records_[ref.index];
  record.bits = static_cast<std::uint8_t>((record.bits | kFinalSeen) & ~kTelling);
  record.expires = seconds(until) + 1;
  unlink(ref.index);
  schedule(ref.index);
}

void ReceiptMap::erase(Ref ref) noexcept {
  if (alive(ref)) remove(ref.index);
}

// --- Expiry ----------------------------------------------------------------------------------------------------------

bool ReceiptMap::expire(Instant at, std::size_t budget) noexcept {
  const std::uint32_t now = seconds(at);
  const std::uint64_t now_tick = now / tick_seconds_;
  if (now_tick > swept_tick_ + kBuckets) swept_tick_ = now_tick - kBuckets;
  while (swept_tick_ < now_tick) {
    const std::uint32_t index = lists_[swept_tick_ % kBuckets].next;
    if ((index & kListBit) != 0) {
      ++swept_tick_;
      continue;
    }
    if (budget-- == 0) return true;
    prefetch_removal(records_[index].link.next);
    if (records_[index].expires <= now) {
      remove(index);
      ++stats_.expired;
    } else {  // was beyond the wheel's horizon
      unlink(index);
      schedule(index);
    }
  }
  return false;
}

std::uint32_t ReceiptMap::seconds(Instant at) const noexcept {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(at - epoch_).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(since, 0, 0xFFFF'FFF0));
}

ReceiptMap::Link& ReceiptMap::link(std::uint32_t at) noexcept {
  return (at & kListBit) != 0 ? lists_[at & ~kListBit] : records_[at].link;
}

void ReceiptMap::link_last(std::uint32_t list, std::uint32_t index) noexcept {
  const std::uint32_t end = list | kListBit;
  const std::uint32_t last = lists_[list].previous;
  records_[index].link = {last, end};
  link(last).next = index;
  lists_[list].previous = index;
}

void ReceiptMap::unlink(std::uint32_t index) noexcept {
  const Link at = records_[index].link;
  link(at.previous).next = at.next;
  link(at.next).previous = at.previous;
}

void ReceiptMap::schedule(std::uint32_t index) noexcept {
  const std::uint64_t wanted = records_[index].expires / tick_seconds_;
  const std::uint64_t tick = std::clamp(wanted, swept_tick_, swept_tick_ + kBuckets - 1);
  first_tick_ = std::min(first_tick_, tick);
  link_last(static_cast<std::uint32_t>(tick % kBuckets), index);
}

ReceiptMap::Stats ReceiptMap::stats() const noexcept {
  Stats now = stats_;
  now.memory_bytes = sizeof(*this) + records_.memory_bytes() + pieces_.memory_bytes() + by_key_.memory_bytes() +
                     by_own_.memory_bytes();
  return now;
}

}  // namespace smppd::flow
