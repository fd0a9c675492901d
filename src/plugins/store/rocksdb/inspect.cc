#include <absl/container/flat_hash_map.h>

#include "plugins/store/rocksdb/internal/directory.h"
#include "plugins/store/rocksdb/internal/recovery.h"
#include "plugins/store/rocksdb/internal/tables.h"
#include "plugins/store/rocksdb/rocks_store.h"
#include "store/item_index.h"

namespace smppd::plugins {

namespace {

using store::Change;
using store::ItemIndex;

// A journal's live items and correlations as of its end.
class Survey {
 public:
  void apply(const rocks_store::IndexEntry& entry) {
    if (entry.kind == Change::Kind::kPut || entry.kind == Change::Kind::kErase) {
      if (entry.kind == Change::Kind::kPut) correlations_[entry.id] = entry.position;
      if (entry.kind == Change::Kind::kErase) correlations_.erase(entry.id);
      return;
    }
    const auto index = items_.find(entry.id);
    const ItemIndex::Place place{entry.position, entry.units};
    if (entry.kind == Change::Kind::kEnqueue && index == ItemIndex::kNone) {
      items_.add(entry.id, entry.progress, place);
      bytes_ += std::uint64_t{entry.units} * rocks_store::kUnit;
    } else if (index != ItemIndex::kNone && entry.kind == Change::Kind::kFinish) {
      bytes_ -= std::uint64_t{items_.place(index).units} * rocks_store::kUnit;
      items_.remove(index);
    } else if (index != ItemIndex::kNone) {
      if (entry.kind == Change::Kind::kEnqueue) {
        bytes_ += (std::uint64_t{entry.units} - items_.place(index).units) * rocks_store::kUnit;
        items_.set_place(index, place);
      }
      items_.amend(index, entry.progress);
    }
  }

  void tell(StoreReport::Journal& journal) const {
    journal.items = items_.size();
    journal.item_bytes = bytes_;
    journal.correlations = correlations_.size();
    items_.lanes(journal.lanes);
  }

 private:
  ItemIndex items_;
  absl::flat_hash_map<std::uint64_t, std::uint64_t> correlations_;
  std::uint64_t bytes_ = 0;
};

Fallible<void> survey_journal(const rocks_store::Directory& directory, unsigned number, StoreReport& report) {
  Survey survey;
  rocks_store::JournalQuestion question;
  question.directory = directory.journal_path(number);
  question.journal = number;
  question.read_all = true;
  question.repair = false;
  question.on_entry = [&](const rocks_store::IndexEntry& entry) { survey.apply(entry); };
  question.on_table_change = [](const Change&) {};
  auto found = rocks_store::read_journal(store::real_disk(), question);
  if (!found) return std::unexpected(found.error());
  StoreReport::Journal journal;
  journal.number = number;
  journal.segments = found->segments.size();
  journal.bytes = found->record_bytes;
  journal.transactions = found->transactions;
  survey.tell(journal);
  report.journals.push_back(std::move(journal));
  report.torn_bytes += found->torn_bytes;
  report.damaged_bytes += found->damaged_bytes;
  report.reports.insert(report.reports.end(), found->reports.begin(), found->reports.end());
  return {};
}

}  // namespace

Fallible<StoreReport> inspect_store(const std::string& path) {
  auto directory = rocks_store::Directory::open(store::real_disk(), path, rocks_store::Directory::Access::kInspect);
  if (!directory) return std::unexpected(directory.error());
  if (auto whole = directory->check_tables(); !whole) return std::unexpected(whole.error());
  StoreReport report;
  std::vector<unsigned> journals = directory->layout().active;
  journals.insert(journals.end(), directory->layout().draining.begin(), directory->layout().draining.end());
  for (const unsigned journal : journals) {
    if (auto done = survey_journal(*directory, journal, report); !done) return std::unexpected(done.error());
  }
  auto tables = rocks_store::Tables::open(directory->tables_path(), rocks_store::Tables::Access::kReadOnly);
  if (!tables) return std::unexpected(tables.error());
  for (std::uint8_t table = 1; table < store::kTables; ++table) {
    report.records[table] = (*tables)->count(static_cast<store::Table>(table));
  }
  return report;
}

}  // namespace smppd::plugins
