#include "plugins/store/rocksdb/internal/recovery.h"

#include <algorithm>
#include <array>

#include "plugins/store/rocksdb/internal/keeper.h"

namespace smppd::plugins::rocks_store {

using store::Change;

namespace {

Fallible<std::vector<std::uint8_t>> read_whole(store::File& file, const std::string& path) {
  const auto size = file.size();
  if (!size) return failure(path + ": " + store::error_text(size.error()));
  std::vector<std::uint8_t> bytes(*size);
  const auto got = file.read_at(bytes, 0);
  if (!got) return failure(path + ": " + store::error_text(got.error()));
  bytes.resize(*got);
  return bytes;
}

std::optional<std::uint64_t> number_of(const std::string& name, std::string_view ending) {
  if (!name.ends_with(ending) || name.size() == ending.size()) return std::nullopt;
  std::uint64_t number = 0;
  for (const char letter : name.substr(0, name.size() - ending.size())) {
    if (letter < '0' || letter > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(letter - '0');
  }
  return number;
}

class Reading {
 public:
  Reading(store::Disk& disk, const JournalQuestion& question) : disk_(disk), question_(question) {}

  Fallible<JournalFindings> run() {
    if (auto listed = find_segments(); !listed) return std::unexpected(listed.error());
    for (std::size_t i = 0; i < findings_.segments.size(); ++i) {
      if (auto read = read_segment(i); !read) return std::unexpected(read.error());
    }
    go_on_in_last();
    findings_.end = std::max(findings_.end, question_.applied);
    findings_.end = (findings_.end + kUnit - 1) / kUnit * kUnit;
    return std::move(findings_);
  }

 private:
  Fallible<void> find_segments();
  Fallible<void> open_segment(std::uint64_t number, const std::string& name);
  Fallible<void> read_segment(std::size_t at);
  bool use_index(std::size_t at, std::uint64_t limit);
  [[nodiscard]] static bool ends_at(const Segment& segment, std::uint64_t end);
  void go_on_in_last();
  void walk(std::size_t at, ByteSpan bytes, std::uint64_t limit);
  void note(const IndexEntry& entry) {
    std::array<std::uint8_t, IndexEntry::kMaxSize> octets;
    const std::size_t size = write_index_entry(octets.data(), entry);
    findings_.last_entries.insert(findings_.last_entries.end(), octets.begin(), octets.begin() + size);
  }
  void tell(const Segment& segment, const std::string& what) {
    findings_.reports.push_back(segment.path + ": " + what);
  }

  store::Disk& disk_;
  const JournalQuestion& question_;
  JournalFindings findings_;
  std::uint64_t damaged_header_ = 0;  // number of the last segment that has one
};

Fallible<void> Reading::find_segments() {
  const auto names = disk_.list(question_.directory);
  if (!names) return failure(question_.directory + ": " + store::error_text(names.error()));
  std::vector<std::pair<std::uint64_t, std::string>> found;
  for (const std::string& name : *names) {
    if (const auto number = number_of(name, ".seg")) found.emplace_back(*number, name);
    if (question_.repair && number_of(name, ".idx.new")) {  // a death left it
      [[maybe_unused]] const auto gone = disk_.remove(std::string(question_.directory).append("/").append(name));
    }
  }
  std::sort(found.begin(), found.end());
  for (const auto& [number, name] : found) {
    if (auto opened = open_segment(number, name); !opened) return opened;
  }
  return {};
}

Fallible<void> Reading::open_segment(std::uint64_t number, const std::string& name) {
  const std::string path = question_.directory + "/" + name;
  auto file = disk_.open(path, question_.repair ? store::OpenMode::kWrite : store::OpenMode::kRead);
  if (!file) return failure(path + ": " + store::error_text(file.error()));
  std::vector<std::uint8_t> head(kSegmentHeader + kRecordHeader);
  const auto got = (*file)->read_at(head, 0);
  if (!got) return failure(path + ": " + store::error_text(got.error()));
  head.resize(*got);
  SegmentHeader header;
  const HeaderState state = read_segment_header(head, header);
  if (state == HeaderState::kOtherVersion) return failure(path + " was written by another version of smppd");
  auto segment = std::make_shared<Segment>();
  segment->number = number;
  segment->path = path;
  segment->base = header.base;
  if (state == HeaderState::kBlank) {
    segment->bytes = (*file)->size().value_or(0);
    segment->file = std::move(*file);
    findings_.spares.push_back(std::move(segment));
    return {};
  }
  const std::uint64_t before = findings_.segments.empty() ? 0 : findings_.segments.back()->base;
  const bool foreign = state == HeaderState::kValid && (header.number != number || header.journal != question_.journal);
  if (state == HeaderState::kDamaged || foreign) {
    // The records know their positions; the first one tells where the segment begins.
    const std::uint64_t guess =
        head.size() < kSegmentHeader + kRecordHeader ? 0 : load_be<std::uint64_t>(&head[kSegmentHeader + 8]);
    if (guess < std::max(before, kFirstPosition) || guess % kUnit != 0 || guess >> 47 != 0) {
      findings_.reports.push_back(path + ": its header is damaged and so is its first record; nothing of it is used");
      const auto size = (*file)->size();
      findings_.damaged_bytes += size ? *size : 0;
      return {};
    }
    segment->base = guess;
    tell(*segment, "its header is damaged; its records are used");
    damaged_header_ = number;
  }
  const auto size = (*file)->size();
  segment->bytes = size ? *size : 0;
  segment->file = std::move(*file);
  findings_.segments.push_back(std::move(segment));
  return {};
}

bool Reading::use_index(std::size_t at, std::uint64_t limit) {
  if (question_.read_all) return false;
  Segment& segment = *findings_.segments[at];
  const std::string path = question_.directory + "/" + SegmentSet::name(segment.number, "idx");
  const auto file = disk_.open(path, store::OpenMode::kRead);
  if (!file) return false;
  const auto bytes = read_whole(**file, path);
  if (!bytes) return false;
  const auto index = read_index_file(*bytes);
  if (!index || index->segment.journal != question_.journal || index->segment.number != segment.number ||
      index->segment.base != segment.base) {
    return false;
  }
  const bool last = at + 1 == findings_.segments.size();
  // The records that the index speaks of must be there, and what lies behind its end would be missed.
  if (segment.bytes < kSegmentHeader + (index->end - segment.base)) return false;
  if (last ? !ends_at(segment, index->end) : index->end != limit) return false;
  if (index->has_table_changes && index->end > question_.applied) return false;
  IndexEntry entry;
  IndexReader entries(index->entries);
  while (entries.next(entry)) question_.on_entry(entry);
  segment.end = index->end;
  findings_.end = index->end;
  if (last) findings_.last_entries.assign(index->entries.begin(), index->entries.end());
  if (last) findings_.last_has_table_changes = index->has_table_changes;
  return true;
}

// Behind the last record are zeros, if there is room for a record.
bool Reading::ends_at(const Segment& segment, std::uint64_t end) {
  std::array<std::uint8_t, kRecordHeader> next{};
  const auto got = segment.file->read_at(next, kSegmentHeader + (end - segment.base));
  return got && std::ranges::all_of(next, [](std::uint8_t octet) { return octet == 0; });
}

// The journal goes on behind the last record: what was torn there must not be found again, and an index would not be
// true for long.
void Reading::go_on_in_last() {
  if (!question_.repair || findings_.segments.empty()) return;
  Segment& last = *findings_.segments.back();
  const std::uint64_t offset = kSegmentHeader + (last.end.load() - last.base);
  const std::array<std::uint8_t, kRecordHeader> zeros{};
  if (last.number == damaged_header_) last.bytes = offset;
  if (last.bytes > offset && !ends_at(last, last.end.load())) {
    const bool blank = offset + zeros.size() <= last.bytes && last.file->write_at(zeros, offset);
    if (!blank) last.bytes = offset;  // nothing goes on there
    if (!blank) [[maybe_unused]]
      const auto cut = last.file->truncate(offset);
  }
  if (disk_.remove(question_.directory + "/" + SegmentSet::name(last.number, "idx"))) {
    if (!disk_.sync_directory(question_.directory)) last.bytes = offset;
  }
}

void Reading::walk(std::size_t at, ByteSpan bytes, std::uint64_t limit) {
  Segment& segment = *findings_.segments[at];
  const bool last = at + 1 == findings_.segments.size();
  ByteSpan records = bytes.size() > kSegmentHeader ? bytes.subspan(kSegmentHeader) : ByteSpan();
  if (limit - segment.base < records.size()) records = records.first(limit - segment.base);
  RecordWalk walk(records, segment.base, question_.journal);
  while (const auto record = walk.next()) {
    store::ChangeReader reader(record->payload);
    Change change;
    while (reader.next(change)) {
      const bool in_tables = change.kind == Change::Kind::kPut || change.kind == Change::Kind::kErase;
      if (!in_tables || change.table == store::Table::kCorrelations) {
        change.progress.held = false;  // who held it is gone
        const IndexEntry entry = entry_of(change, record->position, record->size / kUnit);
        question_.on_entry(entry);
        if (last) note(entry);
      }
      if (last && is_for_tables(change)) findings_.last_has_table_changes = true;
      if (in_tables && record->position >= question_.applied) question_.on_table_change(change);
    }
    if (reader.damaged()) tell(segment, "a record does not read as a transaction; its beginning is used");
    ++findings_.transactions;
    findings_.record_bytes += record->size;
  }
  if (walk.damaged_places() > 0) {
    findings_.damaged_bytes += walk.damaged_bytes();
    tell(segment, std::to_string(walk.damaged_bytes()) + " octets are damaged in " +
                      std::to_string(walk.damaged_places()) + " places; the rest is used");
  }
  segment.end = walk.end();
  findings_.end = std::max(findings_.end, walk.end());
  if (last) {
    if (const std::uint64_t torn = walk.torn_bytes(); torn > 0) {
      findings_.torn_bytes += torn;
      tell(segment, std::to_string(torn) + " octets at the end are no whole record; they were never answered for");
    }
  } else if (walk.end() < limit) {
    findings_.damaged_bytes += limit - walk.end();
    tell(segment, std::to_string(limit - walk.end()) + " octets at its end are lost");
  }
}

Fallible<void> Reading::read_segment(std::size_t at) {
  Segment& segment = *findings_.segments[at];
  const bool last = at + 1 == findings_.segments.size();
  const std::uint64_t limit = last ? std::uint64_t{1} << 47 : findings_.segments[at + 1]->base;
  if (limit <= segment.base) {  // what a failed write left behind
    segment.end = segment.base;
    return {};
  }
  if (use_index(at, limit)) return {};
  const auto bytes = read_whole(*segment.file, segment.path);
  if (!bytes) return failure(bytes.error());
  walk(at, *bytes, limit);
  return {};
}

}  // namespace

Fallible<JournalFindings> read_journal(store::Disk& disk, const JournalQuestion& question) {
  return Reading(disk, question).run();
}

}  // namespace smppd::plugins::rocks_store
