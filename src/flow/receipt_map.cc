#include "flow/receipt_map.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "base/flatten.h"
#include "base/prefetch.h"
#include "flow/internal/hash.h"
#include "flow/internal/id_hash.h"

namespace smppd::flow {
namespace {

constexpr std::uint64_t kAddressSeed = 0x4144'4452'0000'0001U;
constexpr std::uint64_t kPlaces = 100'000'000;  // eight digits
constexpr std::uint8_t kFinalSeen = 1;
constexpr std::uint8_t kTelling = 4;
constexpr std::uint8_t kPart = 8;
constexpr std::uint32_t kTicksOfRetention = 512;  // half of the wheel, so that validity fits too
constexpr std::uint32_t kMaxEntries = 1U << 30U;

std::uint32_t whole_seconds(Duration span) noexcept {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(span).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(whole, 0, 0xFFFF'FFF0));
}

std::uint32_t tick_of(Duration retention) noexcept {
  return std::clamp(whole_seconds(retention) / kTicksOfRetention, 1U, 86'400U);
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

// Of up to twenty octets.
bool same_octets(const char* one, const char* other, std::size_t size) noexcept {
  const auto differ = [&](std::size_t at) { return internal::word_at(one + at) ^ internal::word_at(other + at); };
  if (size >= 8) return (differ(0) | differ(size - 8) | (size > 16 ? differ(8) : 0)) == 0;
  return std::memcmp(one, other, size) == 0;
}

// The same.
void copy_octets(char* to, std::string_view from) noexcept {
  const auto copy = [&](std::size_t at) { std::memcpy(to + at, from.data() + at, 8); };
  if (from.size() < 8) {
    std::copy(from.begin(), from.end(), to);
    return;
  }
  copy(0);
  if (from.size() > 16) copy(8);
  copy(from.size() - 8);
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
      by_key_(std::min(options.max_entries, kMaxEntries) + kWaiting + 1),
      by_own_(std::min(options.max_entries, kMaxEntries) + kWaiting + 1),
      marks_(options.max_entries, whole_seconds(options.finished_for)) {
  for (std::uint32_t list = 0; list < lists_.size(); ++list) lists_[list] = {list | kListBit, list | kListBit};
}

// --- Keys ------------------------------------------------------------------------------------------------------------

// Of the canonical form, without writing it: letters count as small ones, and an id of up to sixteen octets is as good
// as one that zeros fill up.
std::uint64_t ReceiptMap::long_hash(message::UpstreamId upstream, std::string_view id) const noexcept {
  const std::uint64_t seed = options_.seed ^ (upstream.value() + 1ULL) << 20U;
  if (id.size() <= internal::kFilledUp && !id.empty()) [[likely]] {
    const internal::FilledUp words = internal::fill_up(id);
    if (!internal::has_blank(words.head) && !internal::has_blank(words.tail)) [[likely]]
      return internal::hash_filled_up(words, seed);
  } else if (internal::is_usual_long(id)) {
    return internal::hash_long(id, seed);
  }
  const auto canonical = smpp::canonical_id(id);
  const std::string_view text = canonical.view();
  return text.size() <= internal::kFilledUp ? internal::hash_filled_up(internal::fill_up(text), seed)
                                            : internal::hash_long(text, seed);
}

std::uint32_t ReceiptMap::key_hash(message::UpstreamId upstream, std::string_view id) const noexcept {
  return internal::high_half(long_hash(upstream, id));
}

// Nobody but us chooses these. Four that were given one after the other share a line of the index, and such groups are
// spread evenly: fewer lines are touched, and the index need not grow for some segments that happen to be crowded.
// Of a short id (message::OwnIdGenerator::next_short) other bits count.
std::uint32_t ReceiptMap::own_hash(message::OwnId own) noexcept {
  const unsigned shift = own >> 32U == 0 ? 5 : 12;
  const std::uint64_t last = own >> shift & 3U;
  const std::uint32_t hash = internal::high_half((own ^ last << shift) * 0x9E37'79B9'7F4A'7C15U);
  return hash ^ static_cast<std::uint32_t>(last << internal::IndexTable::kLineBits);
}

// Nearly always the SMSC wrote the same id in its response.
bool ReceiptMap::is_named(const Record& record, message::UpstreamId upstream, std::string_view id) const noexcept {
  if (record.upstream != upstream.value()) return false;
  if (record.id_size == id.size() && id.size() <= kInline && same_octets(record.id.data(), id.data(), id.size())) {
    return true;
  }
  std::array<char, kMaxId> room;
  const auto raw = id_of(record, room);
  return raw == id || smpp::canonical_id(raw) == smpp::canonical_id(id);
}

std::uint32_t ReceiptMap::index_of(message::OwnId own) noexcept {
  index_waiting();
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
    copy_octets(record.id.data(), id);
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

// One function, and not a part of the one that calls it, for a message without a receipt has no use for it there.
[[gnu::noinline]] SMPPD_FLATTEN bool ReceiptMap::insert(const Submission& submission) noexcept {
  const std::string_view id = submission.upstream_id;
  const bool blank = id.empty() || (static_cast<unsigned char>(id.front()) <= ' ' && smpp::canonical_id(id).empty());
  if (blank || id.size() > kMaxId) {
    ++stats_.refused;
    return false;
  }
  if (options_.max_entries == 0) return false;
  const std::uint32_t hash = key_hash(submission.upstream, id);
  by_key_.prefetch(hash);
  by_own_.prefetch(own_hash(submission.own));
  if (stats_.entries >= options_.max_entries) foresee_eviction();
  const std::uint32_t index = write_record(submission, hash);
  schedule(index);
  ++stats_.entries;
  ++stats_.inserted;
  waiting_hashes_[waiting_count_] = hash;
  waiting_[waiting_count_++] = index;
  if (waiting_count_ == kWaiting) index_waiting();
  return true;
}

void ReceiptMap::index_waiting() noexcept {
  const std::uint32_t count = std::exchange(waiting_count_, 0);
  if (count == 0) return;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (index_record(waiting_[i])) [[likely]]
      continue;
    drop(waiting_[i]);
    --stats_.inserted;
    ++stats_.refused;
  }
  while (stats_.entries > options_.max_entries) evict();
}

// The newest of those that wait, as the index would have it.
std::uint32_t ReceiptMap::find_waiting(message::UpstreamId upstream, std::string_view id,
                                       std::uint32_t hash) const noexcept {
  std::uint32_t same = internal::equal_words(waiting_hashes_, hash) & ((1U << waiting_count_) - 1);
  for (; same != 0; same &= ~std::bit_floor(same)) {
    const std::uint32_t index = waiting_[static_cast<std::size_t>(std::bit_width(same)) - 1];
    if (is_named(records_[index], upstream, id)) return index;
  }
  return kNone;
}

std::uint32_t ReceiptMap::write_record(const Submission& submission, std::uint32_t hash) noexcept {
  if (submission.at != stamp_.at) stamp(submission.at);
  const std::uint32_t index = records_.take(&Record::key_hash);
  Record& record = records_[index];
  record.own = submission.own;
  record.key_hash = hash;
  record.client = submission.client.value();
  record.source_hash = submission.source_hash;
  record.expires = submission.validity == Duration::zero()
                       ? stamp_.expires
                       : seconds(submission.at + submission.validity + options_.retention) + 1;
  record.submitted = stamp_.submitted;
  record.submitted_fraction = stamp_.fraction;
  record.destination_hash = submission.destination_hash;
  record.upstream = submission.upstream.value();
  record.registered_delivery = submission.registered_delivery;
  record.bits = submission.part ? kPart : 0;
  write_id(record, submission.upstream_id);
  return index;
}

void ReceiptMap::stamp(Instant at) noexcept {
  const std::uint32_t submitted = seconds(at);
  const auto rest = at - epoch_ - std::chrono::seconds(submitted);
  const auto fraction = std::clamp<std::int64_t>(rest.count(), 0, 999'999'999) * 256 / 1'000'000'000;
  stamp_ = {at, submitted, seconds(at + options_.retention) + 1, static_cast<std::uint8_t>(fraction)};
}

// The SMSC's id and ours belong to the newest message that has them: an entry with the same id goes; one of the same
// message (another part of it) is found by the SMSC's id only.
bool ReceiptMap::index_record(std::uint32_t index) noexcept {
  const Record& record = records_[index];
  std::uint32_t former = kNone;
  const auto same_key = [&](std::uint32_t i) {
    const Record& other = records_[i];
    if (other.key_hash != record.key_hash || other.upstream != record.upstream) return false;
    std::array<char, kMaxId> room;
    if (!is_named(other, message::UpstreamId(record.upstream), id_of(record, room))) return false;
    former = i;
    return true;
  };
  const auto same_own = [&](std::uint32_t i) { return records_[i].own == record.own; };
  const auto hash_of_key = [this](std::uint32_t i) { return records_[i].key_hash; };
  const auto hash_of_own = [this](std::uint32_t i) { return own_hash(records_[i].own); };
  if (!by_key_.insert_or_replace(record.key_hash, index, same_key, hash_of_key)) return false;
  if (former != kNone) [[unlikely]] {
    forget(former);
    ++stats_.replaced;
  }
  if (by_own_.insert_or_replace(own_hash(record.own), index, same_own, hash_of_own)) return true;
  by_key_.erase(record.key_hash, index);
  return false;
}

std::uint32_t ReceiptMap::first_to_expire() noexcept {
  if (finished_ > 0) return lists_[kFinished].next;
  first_tick_ = std::max(first_tick_, swept_tick_);
  while (lists_[first_tick_ % kBuckets].next == (first_tick_ % kBuckets | kListBit)) ++first_tick_;
  return lists_[first_tick_ % kBuckets].next;
}

// Of the entry that will be evicted for this new one; what is read for that has been fetched for the one before.
void ReceiptMap::foresee_eviction() noexcept {
  const std::uint32_t index = waiting_count_ == 0 ? first_to_expire() : next_evicted_;
  if ((index & kListBit) != 0) return;
  prefetch_removal(index);
  next_evicted_ = records_[index].link.next;
}

void ReceiptMap::evict() noexcept {
  if (finished_ > 0) return retire();
  remove(first_to_expire());
  ++stats_.evicted;
  prefetch_removal(lists_[first_tick_ % kBuckets].next);
}

// Of the first that was finished it is only known that it was told from here on.
void ReceiptMap::retire() noexcept {
  const std::uint32_t index = lists_[kFinished].next;
  const Record& record = records_[index];
  std::array<char, kMaxId> room;
  marks_.add(long_hash(message::UpstreamId(record.upstream), id_of(record, room)), record.destination_hash,
             record.expires);
  remove(index);
  prefetch_removal(lists_[kFinished].next);
}

// What remove() of a record will read, and the record behind it, for which this is called next.
void ReceiptMap::prefetch_removal(std::uint32_t index) const noexcept {
  if ((index & kListBit) != 0) return;
  const Record& record = records_[index];
  by_key_.prefetch(record.key_hash);
  by_own_.prefetch(own_hash(record.own));
  if ((record.link.next & kListBit) == 0) prefetch(&records_[record.link.next]);
}

void ReceiptMap::remove(std::uint32_t index) noexcept {
  const Record& record = records_[index];
  by_key_.prefetch(record.key_hash);
  by_own_.prefetch(own_hash(record.own));
  by_key_.erase(record.key_hash, index);
  forget(index);
}

// All of it but its key, which is gone or another's.
void ReceiptMap::forget(std::uint32_t index) noexcept {
  by_own_.erase(own_hash(records_[index].own), index);
  drop(index);
}

// All of it but what the index has.
void ReceiptMap::drop(std::uint32_t index) noexcept {
  Record& record = records_[index];
  unlink(index);
  --stats_.entries;
  if ((record.bits & kFinalSeen) != 0) --finished_;
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

std::optional<ReceiptMap::Entry> ReceiptMap::find(message::UpstreamId upstream, std::string_view id) const noexcept {
  const std::uint32_t hash = key_hash(upstream, id);
  std::uint32_t index = find_waiting(upstream, id, hash);
  if (index == kNone) {
    index = by_key_.find(hash, [&](std::uint32_t i) {
      const Record& record = records_[i];
      return record.key_hash == hash && is_named(record, upstream, id);
    });
  }
  if (index == kNone) return std::nullopt;
  return entry_at(index);
}

std::uint32_t ReceiptMap::foresee(message::UpstreamId upstream, std::string_view id) const noexcept {
  const std::uint32_t hash = key_hash(upstream, id);
  by_key_.prefetch(hash);
  return hash;
}

std::size_t ReceiptMap::foresee_record(std::uint32_t seen) const noexcept {
  std::size_t count = 0;
  by_key_.look(seen, [&](std::uint32_t index) {
    prefetch(&records_[index]);
    ++count;
  });
  return count;
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
  bool first_hit = false;
  for (const auto& candidate : candidates) {
    const auto entry = find(upstream, candidate);
    if (!entry) continue;
    ++hits;
    first_hit = first_hit || &candidate == candidates.begin();
    const Destination destination = destination_of(*entry);
    const bool agrees = entry->source_hash == sources[0] || entry->source_hash == sources[1];
    const int rank = 2 * static_cast<int>(destination) + static_cast<int>(agrees);
    if (rank < best_rank) continue;
    if (rank == best_rank) {
      best->sure = false;
      continue;
    }
    best_rank = rank;
    best = Match{*entry, destination, agrees, &candidate == candidates.begin(), first_hit, false, true};
  }
  if (best) best->only_hit = hits == 1;
  return best;
}

std::optional<ReceiptMap::UpstreamName> ReceiptMap::find_own(message::OwnId own) noexcept {
  const auto index = index_of(own);
  if (index == kNone) return std::nullopt;
  return UpstreamName{message::UpstreamId(records_[index].upstream), id_of(records_[index], id_room_)};
}

std::optional<ReceiptMap::Entry> ReceiptMap::entry_of(message::OwnId own) noexcept {
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

void ReceiptMap::finish(Ref ref, Instant now) noexcept {
  if (!alive(ref)) return;
  Record& record = records_[ref.index];
  if ((record.bits & kFinalSeen) == 0) ++finished_;
  record.bits = static_cast<std::uint8_t>((record.bits | kFinalSeen) & ~kTelling);
  record.expires = seconds(now + options_.finished_for) + 1;
  unlink(ref.index);
  link_last(kFinished, ref.index);
  if (finished_ <= options_.max_finished) return;
  const std::uint32_t waiting = (1U << waiting_count_) - 1;
  if ((internal::equal_words(waiting_, lists_[kFinished].next) & waiting) != 0) index_waiting();
  retire();
}

void ReceiptMap::erase(Ref ref) noexcept {
  index_waiting();
  if (alive(ref)) remove(ref.index);
}

// --- Expiry ----------------------------------------------------------------------------------------------------------

bool ReceiptMap::expire(Instant at, std::size_t budget) noexcept {
  index_waiting();
  const std::uint32_t now = seconds(at);
  marks_.expire(now);
  while (finished_ > 0 && records_[lists_[kFinished].next].expires <= now) {
    if (budget-- == 0) return true;
    prefetch_removal(records_[lists_[kFinished].next].link.next);
    remove(lists_[kFinished].next);
    ++stats_.expired;
  }
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

std::size_t ReceiptMap::size() noexcept {
  index_waiting();
  return stats_.entries;
}

ReceiptMap::Stats ReceiptMap::stats() noexcept {
  index_waiting();
  Stats now = stats_;
  now.marks = marks_.size();
  now.memory_bytes = sizeof(*this) + records_.memory_bytes() + pieces_.memory_bytes() + by_key_.memory_bytes() +
                     by_own_.memory_bytes() + marks_.memory_bytes();
  return now;
}

}  // namespace smppd::flow
