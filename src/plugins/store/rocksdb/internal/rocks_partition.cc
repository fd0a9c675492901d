#include "plugins/store/rocksdb/internal/rocks_partition.h"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "plugins/store/rocksdb/internal/log.h"

namespace smppd::plugins::rocks_store {

using store::Change;
using store::ItemIndex;

namespace {
constexpr std::size_t kDuePerTurn = 4096;
constexpr std::size_t kAhead = 8;
constexpr std::size_t kReplayBatch = 1000;
constexpr std::uint64_t kBatchesPerSegment = 8;
constexpr std::uint64_t kLongBatch = 1U << 20;
// Where room is short no more than this is left unused at the end of a segment.
constexpr std::uint64_t kBatchesPerFullSegment = 64;
constexpr std::uint64_t kLongBatchWhenShort = 1U << 16;

std::uint64_t bytes_of(std::uint32_t units) noexcept { return std::uint64_t{units} * kUnit; }
std::uint64_t hash_of_correlation(std::uint64_t hash) noexcept { return hash; }
}  // namespace

void replay(Tables& tables, const Change& change, Tables::Batch& batch) {
  const bool correlation = change.table == store::Table::kCorrelations;
  if (change.kind == Change::Kind::kPut && !correlation) {
    batch.put(change.table, change.key, change.body, change.expires);
  } else if (change.kind == Change::Kind::kErase && (!correlation || tables.may_have(change.table, change.key))) {
    batch.erase(change.table, change.key);
  }
}

RocksPartition::RocksPartition(store::Disk& disk, Tables& tables, Options options)
    : disk_(disk),
      tables_(tables),
      options_(std::move(options)),
      segments_(disk, options_.directory, options_.journal, options_.segment_bytes, options_.reserve) {}

RocksPartition::~RocksPartition() {
  if (journal_ != nullptr) flush(Flush::kNow);
  journal_.reset();
  keeper_.reset();
}

Fallible<void> RocksPartition::recover(store::Moment now, store::Recovery& recovery) {
  now_ = now;
  index_.advance(now, 0, woken_);
  JournalQuestion question;
  question.directory = options_.directory;
  question.journal = options_.journal;
  question.applied = tables_.marker(options_.journal);
  question.on_entry = [this](const IndexEntry& entry) {
    if (entry.kind == Change::Kind::kEnqueue) highest_item_ = std::max(highest_item_, entry.id);
    apply(entry);
  };
  Tables::Batch batch;
  std::size_t waiting = 0;
  Fallible<Tables::Stamp> applied;
  const auto apply_batch = [&] {
    if (!applied || batch.empty()) return;
    applied = tables_.apply(batch);
    if (!applied) return;
    begin_.unflushed = {std::max(begin_.unflushed.sequence, applied->sequence),
                        std::max(begin_.unflushed.file, applied->file)};
  };
  question.on_table_change = [&](const Change& change) {
    replay(tables_, change, batch);
    if (++waiting < kReplayBatch) return;
    waiting = 0;
    apply_batch();
    batch.clear();
  };
  auto found = read_journal(disk_, question);
  if (!found) return std::unexpected(found.error());
  if (found->end > question.applied) batch.mark(options_.journal, found->end);
  apply_batch();
  if (!applied) return failure(options_.directory + ": the tables cannot be written: " + applied.error());
  for (auto& segment : found->segments) {
    recovery.replayed_bytes += segment->end.load() - segment->base;
    segments_.adopt(std::move(segment));
  }
  for (auto& spare : found->spares) segments_.adopt_spare(std::move(spare));
  head_ = found->end;
  segments_.begin_at(head_);
  appended_at_round_ = head_;
  begin_.position = head_;
  begin_.entries = std::move(found->last_entries);
  begin_.has_table_changes = found->last_has_table_changes;
  recovery.correlations += correlations_.size();
  recovery.torn_bytes += found->torn_bytes;
  recovery.damaged_bytes += found->damaged_bytes;
  recovery.reports.insert(recovery.reports.end(), found->reports.begin(), found->reports.end());
  return {};
}

void RocksPartition::make_ready() { [[maybe_unused]] const auto spare = segments_.prepare_spares(1); }

void RocksPartition::start() {
  // Without them nothing new could be taken at first; if the disk is full, that is how it is.
  [[maybe_unused]] const auto spares = segments_.prepare_spares(SegmentSet::kSpares);
  keeper_ = std::make_unique<Keeper>(segments_, tables_, std::exchange(begin_, {}), [this] { progressed(); });
  journal_ =
      std::make_unique<Journal>(segments_, options_.durability,
                                Journal::Hooks{[this](Journal::Batch&& batch) { keeper_->committed(std::move(batch)); },
                                               [this] { progressed(); }},
                                head_);
}

void RocksPartition::progressed() {
  if (!woken_up_.exchange(true)) wake_shard();
}

bool RocksPartition::settle(std::uint64_t most_staged) {
  flush(Flush::kNow);
  while (head_ - journal_->durable_position() > most_staged) {
    if (journal_->failing()) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

void RocksPartition::apply(const IndexEntry& entry) {
  if (entry.kind == Change::Kind::kPut || entry.kind == Change::Kind::kErase) {
    apply_correlation(entry);
  } else {
    apply_item(entry);
  }
}

void RocksPartition::lose(Index index) {
  const auto place = index_.place(index);
  if (place.position == 0) return;
  live_.drop(place.position, bytes_of(place.units));
  item_bytes_ -= bytes_of(place.units);
}

void RocksPartition::apply_item(const IndexEntry& entry) {
  const Index index = index_.find(entry.id);
  if (entry.kind == Change::Kind::kEnqueue) {
    live_.add(entry.position, bytes_of(entry.units));
    item_bytes_ += bytes_of(entry.units);
    if (index == ItemIndex::kNone) {
      index_.add(entry.id, entry.progress, {entry.position, entry.units});
      return;
    }
    lose(index);
    index_.set_place(index, {entry.position, entry.units});
    index_.amend(index, entry.progress);
    index_.set_order(index, entry.progress.order);
  } else if (index != ItemIndex::kNone && entry.kind == Change::Kind::kAmend) {
    index_.amend(index, entry.progress);
  } else if (index != ItemIndex::kNone) {
    lose(index);
    index_.remove(index);
  }
}

void RocksPartition::apply_correlation(const IndexEntry& entry) {
  Correlation* old = find_correlation(entry.id);
  const std::uint64_t place = entry.position << 16 | entry.units;
  if (entry.kind == Change::Kind::kPut) live_.add(entry.position, bytes_of(entry.units));
  if (old != nullptr) live_.drop(old->place >> 16, bytes_of(old->place & 0xFFFF));
  const auto hash_of = [](const Correlation& each) { return hash_of_correlation(each.hash); };
  if (entry.kind == Change::Kind::kErase) {
    if (old != nullptr) correlations_.erase(entry.id, old, hash_of);
  } else if (old != nullptr) {
    old->place = place;
  } else {
    correlations_.insert(entry.id, {entry.id, place}, hash_of);
  }
}

std::uint64_t RocksPartition::waiting() const noexcept {
  return head_ - std::min(head_, std::min(journal_->durable_position(), keeper_->applied()));
}

// What is new must leave room for what follows from it and from all the others: see keep_room_to_move().
bool RocksPartition::short_of_room() const noexcept {
  const std::uint64_t kept = options_.segment_bytes + options_.segment_bytes / kMargin + options_.segment_bytes / 2;
  return room_ahead() < kept || !segments_.reserve_is_enough();
}

store::Room RocksPartition::room_now() const noexcept {
  const std::uint64_t waits = waiting();
  if (takes_nothing(waits) || room_ahead() < kept_) return store::Room::kNone;
  const bool full = short_of_room() || index_.size() + pending_count_ >= options_.max_items ||
                    item_bytes_ >= options_.max_bytes || waits >= options_.staged_bytes || journal_->failing();
  return full ? store::Room::kOwedOnly : store::Room::kOpen;
}

store::Sequence RocksPartition::append(const store::Transaction& transaction, store::Intake intake) noexcept {
  const store::Room room = room_now();
  const bool allowed = room == store::Room::kOpen || (room == store::Room::kOwedOnly && intake == store::Intake::kOwed);
  if (!allowed || transaction.empty() || transaction.bytes().size() > store::Transaction::kMaxBytes) {
    ++refused_;
    return 0;
  }
  stage(transaction.bytes());
  ++appended_;
  hand_over_if_long();
  return appended_;
}

ItemIndex::Place RocksPartition::write_record(ByteSpan payload) {
  if (staged_.bytes.empty()) {
    if (staged_.bytes.capacity() == 0) staged_.bytes = keeper_->buffer();
    if (staged_.entries.capacity() == 0) staged_.entries = keeper_->buffer();
    staged_.first = head_;
  }
  const std::size_t size = record_size(payload.size());
  std::array<std::uint8_t, kRecordHeader> header;
  begin_record(header.data(), static_cast<std::uint32_t>(payload.size()), head_);
  staged_.bytes.insert(staged_.bytes.end(), header.begin(), header.end());
  staged_.bytes.insert(staged_.bytes.end(), payload.begin(), payload.end());
  staged_.bytes.insert(staged_.bytes.end(), size - kRecordHeader - payload.size(), 0);
  const ItemIndex::Place place{head_, static_cast<std::uint32_t>(size / kUnit)};
  head_ += size;
  return place;
}

void RocksPartition::stage(ByteSpan payload) {
  const auto place = write_record(payload);
  store::ChangeReader reader(payload);
  Change change;
  while (reader.next(change)) {
    const bool record = change.kind == Change::Kind::kPut || change.kind == Change::Kind::kErase;
    staged_.for_tables = staged_.for_tables || is_for_tables(change);
    if (record && change.table != store::Table::kCorrelations) continue;
    const IndexEntry entry = entry_of(change, place.position, place.units);
    note(entry);
    apply_later(entry);
  }
}

// What recovery needs of a change goes to the segment's index.
void RocksPartition::note(const IndexEntry& entry) {
  std::array<std::uint8_t, IndexEntry::kMaxSize> octets;
  const std::size_t size = write_index_entry(octets.data(), entry);
  staged_.entries.insert(staged_.entries.end(), octets.begin(), octets.begin() + size);
}

// With ten million items each look at one waits for memory; some changes later it is there.
void RocksPartition::apply_later(const IndexEntry& entry) {
  if (entry.kind == Change::Kind::kPut || entry.kind == Change::Kind::kErase) {
    correlations_.prefetch(entry.id);
  } else {
    index_.prefetch(entry.id);
  }
  pending_[pending_count_++] = entry;
  if (pending_count_ == kMostPending) apply_pending();
}

void RocksPartition::apply_pending() {
  const std::size_t count = std::exchange(pending_count_, 0);
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) {
      const IndexEntry& later = pending_[i + kAhead];
      const bool known = later.kind == Change::Kind::kFinish || later.kind == Change::Kind::kAmend;
      if (known) index_.prefetch_item(later.id);
    }
    apply(pending_[i]);
  }
}

// While the disk is at work what comes gathers, so that one write and one sync are for all of it.
void RocksPartition::flush(Flush when) {
  apply_pending();
  if (when == Flush::kWhenIdle && journal_->busy()) {
    journal_->hold(appended_);
    return;
  }
  const std::uint64_t low_water = this->low_water();
  const bool news = low_water >= low_water_told_ + (disk_is_full() ? 1 : options_.segment_bytes / 2);
  if (staged_.bytes.empty() && !news) return;
  if (staged_.bytes.empty()) staged_.first = head_;
  staged_.low_water = low_water;
  low_water_told_ = low_water;
  hand_over();
}

void RocksPartition::hand_over_if_long() {
  const bool tight = cleaning_ && disk_is_full();
  const std::uint64_t longest = tight ? std::min(options_.segment_bytes / kBatchesPerFullSegment, kLongBatchWhenShort)
                                      : std::min(options_.segment_bytes / kBatchesPerSegment, kLongBatch);
  if (staged_.bytes.size() >= longest) hand_over();
}

void RocksPartition::hand_over() {
  staged_.end = head_;
  staged_.last = appended_;
  journal_->submit(std::move(staged_));
  staged_ = {};
}

void RocksPartition::read(const store::ReadRequest& request) noexcept {
  apply_pending();
  Question question;
  question.request = request;
  question.key = request.key;
  question.request.key = {};
  if (request.kind == store::ReadRequest::Kind::kTake) {
    taken_.clear();
    question.more = index_.take(request.lane, request.limit, taken_);
    for (const Index index : taken_) question.items.push_back({index_.id(index), {}, 0, 0});
  } else if (request.kind == store::ReadRequest::Kind::kItem) {
    question.items.push_back({request.id, {}, 0, 0});
  } else if (request.kind == store::ReadRequest::Kind::kClaim) {
    const Index index = index_.find(request.id);
    if (index != ItemIndex::kNone && index_.hold(index)) question.items.push_back({request.id, {}, 0, 0});
  }
  questions_.push_back(std::move(question));
}

bool RocksPartition::put_back(store::ItemId id, store::Moment due) noexcept {
  apply_pending();
  const Index index = index_.find(id);
  if (index == ItemIndex::kNone) return false;
  index_.put_back(index, due);
  return true;
}

// False when the index of marks is not complete.
bool RocksPartition::find_marked(Question& question) {
  taken_.clear();
  indexing_ = !index_.marked(question.request.mark, kSweptAtOnce, taken_);
  if (indexing_) return false;
  question.more = taken_.size() > question.request.limit;
  taken_.resize(std::min<std::size_t>(taken_.size(), question.request.limit));
  question.items.clear();
  for (const Index index : taken_) question.items.push_back({index_.id(index), {}, 0, 0});
  return true;
}

// Where things are now: they may have moved since they were asked for. False when that is not durable yet.
bool RocksPartition::place_question(Question& question) {
  const std::uint64_t durable = journal_->durable_position();
  if (question.request.kind == store::ReadRequest::Kind::kMarked && !find_marked(question)) return false;
  std::erase_if(question.items, [&](ItemAsk& ask) {
    const Index index = index_.find(ask.id);
    if (index == ItemIndex::kNone) return true;
    const auto place = index_.place(index);
    ask = {ask.id, index_.progress(index), place.position, place.units};
    return false;
  });
  for (const ItemAsk& ask : question.items) {
    if (ask.position + bytes_of(ask.units) > durable) return false;
  }
  question.place.reset();
  if (question.request.kind == store::ReadRequest::Kind::kGet &&
      question.request.table == store::Table::kCorrelations) {
    if (const Correlation* found = find_correlation(key_hash(question.request.table, question.key))) {
      const auto units = static_cast<std::uint32_t>(found->place & 0xFFFF);
      question.place = ItemAsk{0, {}, found->place >> 16, units};
      if (question.place->position + bytes_of(units) > durable) return false;
    }
  }
  question.now = now_;
  return true;
}

void RocksPartition::dispatch() {
  apply_pending();
  while (!questions_.empty() && place_question(questions_.front())) {
    keeper_->ask(std::move(questions_.front()));
    questions_.pop_front();
  }
}

void RocksPartition::deliver(Answer& answer) {
  damaged_ += answer.damaged;
  std::vector<store::RecordView> records;
  records.reserve(answer.records.size());
  for (const KeptRecord& record : answer.records) {
    records.push_back({record.key, as_bytes(record.value), record.expires});
  }
  if (answer.failed) {
    for (const ItemAsk& ask : answer.question.items) {
      const auto kind = answer.question.request.kind;
      const bool held = kind == store::ReadRequest::Kind::kTake || kind == store::ReadRequest::Kind::kClaim;
      if (held) put_back(ask.id, ask.progress.due);
    }
    answer.items.clear();
  }
  consumer().on_read({answer.question.request.tag, answer.items, records, answer.more, answer.failed});
}

bool RocksPartition::tell_expired() {
  if (now_ < next_sweep_) return false;
  apply_pending();
  expired_.clear();
  const bool more = index_.expire(now_, kExpiredAtOnce, kSweptAtOnce, expired_);
  if (!more) next_sweep_ = now_ + kSweepEvery;
  if (!expired_.empty()) consumer().on_expired(expired_);
  return more;
}

void RocksPartition::turn(store::Moment now) noexcept {
  now_ = std::max(now_, now);
  woken_up_.store(false);
  woken_.clear();
  apply_pending();
  const bool more_due = index_.advance(now_, kDuePerTurn, woken_);
  keeper_->collect(outbox_);
  if (const store::Sequence durable = journal_->durable_sequence(); durable != told_) {
    told_ = durable;
    consumer().on_durable(durable);
  }
  for (Answer& answer : outbox_.answers) deliver(answer);
  for (const store::LaneId lane : woken_) consumer().on_ready(lane);
  const bool more_expired = tell_expired();
  apply_pending();  // what the consumer appended just now
  forget_moved(outbox_.confirmed);
  for (Chunk& chunk : outbox_.chunks) move_live(chunk);
  if (!cleaning_ && moving_.empty()) cleaned_until_ = clean_end_;
  clean_if_worth_it();
  keep_room_to_move();
  dispatch();
  flush(Flush::kWhenIdle);
  if (const store::Room room = room_now(); room != told_room_) {
    told_room_ = room;
    consumer().on_room(room);
  }
  // While the bound is near, room may come without anything else to tell.
  if (more_due || more_expired || indexing_) progressed();
}

store::PartitionStats RocksPartition::stats() const {
  store::PartitionStats stats;
  stats.items = index_.size();
  stats.held = index_.held();
  stats.item_bytes = item_bytes_;
  stats.memory_bytes = index_.memory_bytes() + correlations_.memory_bytes();
  stats.disk_bytes = segments_.disk_bytes();
  stats.segments = segments_.count();
  stats.appended = appended_;
  stats.refused = refused_;
  stats.syncs = journal_->syncs();
  stats.write_failures = journal_->failures() + (options_.tells_of_tables ? tables_.failures() : 0);
  stats.moved = moved_;
  stats.damaged = damaged_;
  stats.highest_item = highest_item_;
  stats.room = room_now();
  index_.lanes(stats.lanes);
  return stats;
}

}  // namespace smppd::plugins::rocks_store
