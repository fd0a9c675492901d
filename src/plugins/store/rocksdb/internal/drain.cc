#include "plugins/store/rocksdb/internal/drain.h"

#include <algorithm>

#include <absl/container/flat_hash_map.h>

#include "message/own_id.h"

namespace smppd::plugins::rocks_store {

using store::Change;

namespace {

constexpr std::uint64_t kMostStaged = 8U << 20;

struct Place {
  std::uint64_t position = 0;
  std::uint32_t units = 0;
  std::uint64_t id = 0;
};

class Drain {
 public:
  Drain(Tables& tables, std::span<const std::unique_ptr<RocksPartition>> into) : tables_(tables), into_(into) {}

  void apply(const IndexEntry& entry) {
    switch (entry.kind) {
      case Change::Kind::kEnqueue: items_[entry.id] = {entry, entry.progress}; break;
      case Change::Kind::kAmend:
        if (const auto item = items_.find(entry.id); item != items_.end()) {
          item->second.progress = entry.progress;
          item->second.progress.order = item->second.entry.progress.order;
        }
        break;
      case Change::Kind::kFinish: items_.erase(entry.id); break;
      case Change::Kind::kPut: correlations_[entry.id] = {entry.position, entry.units, entry.id}; break;
      case Change::Kind::kErase: correlations_.erase(entry.id); break;
    }
  }

  Fallible<void> copy(const JournalFindings& found, unsigned journal);

 private:
  struct Item {
    IndexEntry entry;
    store::Progress progress;
  };
  Fallible<void> copy_record(const Record& record);
  void copy_item(const Change& change, const store::Progress& progress);

  Tables& tables_;
  std::span<const std::unique_ptr<RocksPartition>> into_;
  absl::flat_hash_map<std::uint64_t, Item> items_;
  absl::flat_hash_map<std::uint64_t, Place> correlations_;
  Tables::Batch batch_;
  store::Transaction transaction_;
  std::uint64_t staged_ = 0;
};

void Drain::copy_item(const Change& change, const store::Progress& progress) {
  for (const auto& partition : into_) {
    if (partition->has(change.id)) return;
  }
  transaction_.clear();
  transaction_.enqueue(change.id, progress, change.body);
  // The shard that gave the number, as far as there is one, so that what came in one order stays in it.
  into_[message::shard_of(change.id) % into_.size()]->restore(transaction_);
  staged_ += transaction_.bytes().size();
}

Fallible<void> Drain::copy_record(const Record& record) {
  store::ChangeReader reader(record.payload);
  Change change;
  while (reader.next(change)) {
    if (change.kind == Change::Kind::kEnqueue) {
      const auto item = items_.find(change.id);
      if (item != items_.end() && item->second.entry.position == record.position)
        copy_item(change, item->second.progress);
    } else if (change.kind == Change::Kind::kPut && change.table == store::Table::kCorrelations) {
      const auto place = correlations_.find(key_hash(change.table, change.key));
      if (place == correlations_.end() || place->second.position != record.position) continue;
      batch_.put(change.table, change.key, change.body, change.expires);
      staged_ += change.key.size() + change.body.size();
    }
  }
  if (staged_ < kMostStaged) return {};
  staged_ = 0;
  if (!batch_.empty()) {
    if (const auto applied = tables_.apply(batch_); !applied) return failure(applied.error());
    batch_.clear();
  }
  for (const auto& partition : into_) {
    if (!partition->settle(kMostStaged)) return failure("the disk takes no more");
  }
  return {};
}

Fallible<void> Drain::copy(const JournalFindings& found, unsigned journal) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < found.segments.size(); ++i) {
    const Segment& segment = *found.segments[i];
    bytes.resize(segment.end.load() - segment.base);
    const auto got = segment.file->read_at(bytes, kSegmentHeader);
    if (!got) return failure(segment.path + ": " + store::error_text(got.error()));
    bytes.resize(*got);
    RecordWalk walk(bytes, segment.base, journal);
    while (const auto record = walk.next()) {
      if (auto copied = copy_record(*record); !copied) return copied;
    }
  }
  if (!batch_.empty()) {
    if (const auto applied = tables_.apply(batch_); !applied) return failure(applied.error());
  }
  for (const auto& partition : into_) {
    if (!partition->settle(0)) return failure("the disk takes no more");
  }
  return tables_.flush();
}

}  // namespace

Fallible<void> drain_journal(store::Disk& disk, Tables& tables, const Directory& directory, unsigned journal,
                             std::span<const std::unique_ptr<RocksPartition>> into, store::Recovery& recovery) {
  JournalQuestion question;
  question.directory = directory.journal_path(journal);
  question.journal = journal;
  question.applied = tables.marker(journal);
  Drain drain(tables, into);
  question.on_entry = [&](const IndexEntry& entry) { drain.apply(entry); };
  Tables::Batch changes;
  question.on_table_change = [&](const Change& change) { replay(tables, change, changes); };
  const auto found = read_journal(disk, question);
  if (!found) return std::unexpected(found.error());
  if (!changes.empty()) {
    if (const auto applied = tables.apply(changes); !applied) return failure(applied.error());
  }
  recovery.torn_bytes += found->torn_bytes;
  recovery.damaged_bytes += found->damaged_bytes;
  recovery.reports.insert(recovery.reports.end(), found->reports.begin(), found->reports.end());
  for (const auto& segment : found->segments) recovery.replayed_bytes += segment->end.load() - segment->base;
  return drain.copy(*found, journal);
}

}  // namespace smppd::plugins::rocks_store
