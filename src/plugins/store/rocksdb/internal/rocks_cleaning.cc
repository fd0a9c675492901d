// How disk use stays bounded: segments go oldest first, so a live item in the oldest is written again at the head, and
// a live correlation goes to the tables. Done when less than a third of the journal is alive, a piece a turn.
#include <algorithm>

#include "plugins/store/rocksdb/internal/log.h"
#include "plugins/store/rocksdb/internal/rocks_partition.h"

namespace smppd::plugins::rocks_store {

using store::Change;
using store::ItemIndex;

namespace {
constexpr std::uint64_t kSlackSegments = 4;
constexpr std::uint64_t kMostGarbage = 2;  // octets of garbage for each live one
// So long a journal gives correlations the time to end before they go to the tables. Those that stay, some for days,
// must not make it longer: they are small there, and each takes memory here.
constexpr std::uint64_t kCorrelationSegments = 24;
constexpr std::uint64_t kSegmentsAtOnce = 2;
constexpr std::uint64_t kLeastDead = 8;  // of the journal's length, that share
}  // namespace

void RocksPartition::clean_if_worth_it() {
  if (cleaning_ || !moving_.empty()) return;
  if (disk_is_full()) {
    clean_for_room();
    return;
  }
  const std::uint64_t low_water = this->low_water();
  const std::uint64_t correlations = live_.bytes() - std::min(live_.bytes(), item_bytes_);
  const std::uint64_t length =
      item_bytes_ * (kMostGarbage + 1) +
      std::min(correlations * (kMostGarbage + 1), kCorrelationSegments * options_.segment_bytes) +
      kSlackSegments * options_.segment_bytes;
  if (head_ - low_water < length) return;
  if (low_water >= journal_->durable_position() || takes_nothing(waiting())) return;
  cleaning_ = true;
  // Of the 64 KiB at the low water, some may lie in the next segment.
  const std::uint64_t excess =
      std::clamp(head_ - low_water - length, LiveMap::kChunk, kSegmentsAtOnce * options_.segment_bytes);
  keeper_->clean(low_water, std::min(low_water + excess, journal_->durable_position()) - 1);
}

// A journal goes round on a full disk: what lives in its oldest segment is moved to the head, and the segment is
// released and one to go on with, until the round has got all the dead out of it. For that the room ahead must always
// be as much as lives in the oldest segment, and a margin. New messages leave a whole segment and half of one; what is
// owed may use the half, and what of the whole the oldest does not need; moving takes no more than it relieves; and
// releasing gives a whole one back. So what is left suffices for the next, whatever is appended in which order.
void RocksPartition::keep_room_to_move() {
  kept_ = 0;
  if (room_ahead() >= options_.segment_bytes * SegmentSet::kSpares) return;
  const auto oldest = segments_.oldest();
  if (oldest == nullptr || segments_.count() < 2) return;  // it is not complete
  kept_ = live_in(*oldest) + options_.segment_bytes / kMargin;
}

std::uint64_t RocksPartition::live_in(const Segment& segment) const noexcept {
  const std::uint64_t from = std::max(segment.base, low_water());
  const std::uint64_t end = segments_.end_of(segment);
  return from >= end ? 0 : std::min<std::uint64_t>(live_.bytes_between(from, end), options_.segment_bytes);
}

// Where little is dead a round would cost more than it gives, until what is owed needs it.
bool RocksPartition::worth_a_round(std::uint64_t oldest) noexcept {
  if (oldest < round_end_) return true;  // it goes on
  const std::uint64_t length = head_ - oldest;
  const std::uint64_t dead = length - std::min(live_.bytes(), length);
  const std::uint64_t appended = head_ - moved_octets_;
  const std::uint64_t quarter = options_.segment_bytes / 4;
  const bool pressing = room_ahead() < kept_ + quarter;
  // A record with many items in it counts as alive many times, so what was appended counts, too.
  const bool some = dead >= quarter || appended - appended_at_round_ >= quarter;
  if (!some || (!pressing && dead < length / kLeastDead)) return false;
  round_end_ = head_;
  appended_at_round_ = appended;
  return true;
}

void RocksPartition::clean_for_room() {
  const auto oldest = segments_.oldest();
  if (oldest == nullptr || segments_.count() < 2 || takes_nothing(waiting())) return;
  const std::uint64_t end = segments_.end_of(*oldest);
  const std::uint64_t low_water = std::max(oldest->base, this->low_water());
  if (low_water >= end || end > journal_->durable_position()) return;
  if (room_ahead() < live_in(*oldest) || !worth_a_round(oldest->base)) return;
  cleaning_ = true;
  keeper_->clean(low_water, end - 1);
}

void RocksPartition::move_live(Chunk& chunk) {
  for (const auto& [position, offset] : chunk.records) {
    store::ChangeReader reader(payload_at(&chunk.bytes[offset]));
    Change change;
    while (reader.next(change)) move_change(chunk, change, position);
  }
  moved_ += chunk.moved.size();
  if (chunk.damaged) forget_damaged(chunk.end);
  chunk.now = now_;
  clean_end_ = std::max(clean_end_, chunk.end);
  if (chunk.last) cleaning_ = false;
  if (chunk.last && chunk.moved.empty()) return;
  chunk.bytes = {};
  chunk.records = {};
  keeper_->cleaned(std::move(chunk));
}

void RocksPartition::move_change(Chunk& chunk, const Change& change, std::uint64_t position) {
  if (change.kind == Change::Kind::kEnqueue) {
    const Index index = index_.find(change.id);
    if (index == ItemIndex::kNone || index_.place(index).position != position) return;
    const store::Progress progress = index_.progress(index);
    scratch_.clear();
    scratch_.enqueue(change.id, progress, change.body);
    // Where it stands in its lane does not change.
    const auto place = write_record(scratch_.bytes());
    IndexEntry entry = entry_of(change, place.position, place.units);
    entry.progress = progress;
    note(entry);
    live_.add(place.position, std::uint64_t{place.units} * kUnit);
    item_bytes_ += std::uint64_t{place.units} * kUnit;
    moved_octets_ += std::uint64_t{place.units} * kUnit;
    lose(index);
    index_.set_place(index, place);
    ++moved_;
    hand_over_if_long();
  } else if (change.kind == Change::Kind::kPut && change.table == store::Table::kCorrelations) {
    const std::uint64_t hash = key_hash(change.table, change.key);
    const Correlation* found = find_correlation(hash);
    if (found == nullptr || found->place >> 16 != position) return;
    moving_.insert(hash);
    chunk.moved.push_back({hash, position, static_cast<std::uint32_t>(found->place & 0xFFFF), std::string(change.key),
                           std::string(as_text(change.body)), change.expires});
  }
}

void RocksPartition::forget_moved(const std::vector<Moved>& moved) {
  for (const Moved& each : moved) {
    moving_.erase(each.hash);
    const Correlation* found = find_correlation(each.hash);
    if (found == nullptr || found->place >> 16 != each.position) continue;  // put again or erased since
    forget_correlation(each.hash);
  }
}

// What still lies before `before` could not be read. Its items stay, without their bodies, so that the consumer hears
// of them; the segment can go.
void RocksPartition::forget_damaged(std::uint64_t before) {
  std::vector<Index> lost;
  index_.for_each([&](Index index) {
    const auto place = index_.place(index);
    if (place.position != 0 && place.position < before) lost.push_back(index);
  });
  for (const Index index : lost) {
    lose(index);
    index_.set_place(index, {0, 0});
  }
  std::vector<std::uint64_t> hashes;
  correlations_.for_each([&](const Correlation& each) {
    if (each.place >> 16 < before && !moving_.contains(each.hash)) hashes.push_back(each.hash);
  });
  for (const std::uint64_t hash : hashes) forget_correlation(hash);
  kStoreLog.error("a damaged segment was cleaned; what could not be read is lost",
                  {{"path", options_.directory}, {"items", lost.size()}, {"correlations", hashes.size()}});
  damaged_ += lost.size() + hashes.size();
}

void RocksPartition::forget_correlation(std::uint64_t hash) {
  IndexEntry gone;
  gone.kind = Change::Kind::kErase;
  gone.id = hash;
  apply(gone);
}

}  // namespace smppd::plugins::rocks_store
