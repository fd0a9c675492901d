// A journal that was cut off, changed or left in the middle: what recovery makes of it.
#include <algorithm>

#include <gtest/gtest.h>

#include "plugins/store/conformance/driver.h"
#include "plugins/store/conformance/simulated_disk.h"
#include "plugins/store/rocksdb/internal/recovery.h"
#include "store/crc32c.h"

namespace smppd::plugins::rocks_store {

using store::conformance::SimulatedDisk;

namespace {

constexpr unsigned kJournal = 5;
constexpr std::uint64_t kBase = 4096;

std::vector<std::uint8_t> record_of(store::ItemId id, std::size_t body, std::uint64_t position) {
  const std::string octets(body, static_cast<char>('A' + id));
  const store::Transaction transaction =
      store::conformance::one_item(id, store::conformance::queued(store::LaneId(1), {}), octets);
  std::vector<std::uint8_t> bytes(record_size(transaction.bytes().size()));
  begin_record(bytes.data(), static_cast<std::uint32_t>(transaction.bytes().size()), position);
  std::memcpy(&bytes[kRecordHeader], transaction.bytes().data(), transaction.bytes().size());
  seal_record(bytes.data(), kJournal);
  return bytes;
}

struct Segments {
  std::vector<std::uint8_t> bytes;
  std::vector<std::size_t> ends;      // behind each record
  std::vector<std::size_t> payloads;  // behind what matters of it: the rest is padding with zeros
};

Segments three_records() {
  Segments made;
  made.bytes.resize(kSegmentHeader);
  write_segment_header(made.bytes.data(), {kJournal, 1, kBase});
  std::uint64_t position = kBase;
  for (const store::ItemId id : {1, 2, 3}) {
    const auto record = record_of(id, 20 + id * 9, position);
    position += record.size();
    made.bytes.insert(made.bytes.end(), record.begin(), record.end());
    made.ends.push_back(made.bytes.size());
    made.payloads.push_back(made.bytes.size() - record.size() + kRecordHeader + load_be<std::uint32_t>(record.data()));
  }
  return made;
}

struct Recovered {
  std::vector<store::ItemId> ids;
  JournalFindings findings;
  bool refused = false;
};

Recovered recover(const std::vector<std::vector<std::uint8_t>>& segments, bool repair = true) {
  SimulatedDisk disk;
  std::uint64_t number = 0;
  for (const auto& bytes : segments) {
    auto file = disk.open("/j/" + SegmentSet::name(++number, "seg"), store::OpenMode::kCreate);
    EXPECT_TRUE((*file)->write_at(bytes, 0));
  }
  Recovered recovered;
  JournalQuestion question;
  question.directory = "/j";
  question.journal = kJournal;
  question.repair = repair;
  question.on_entry = [&](const IndexEntry& entry) { recovered.ids.push_back(entry.id); };
  question.on_table_change = [](const store::Change&) {};
  auto found = read_journal(disk, question);
  recovered.refused = !found;
  if (found) recovered.findings = std::move(*found);
  return recovered;
}

std::vector<store::ItemId> first_ids(std::size_t count) {
  std::vector<store::ItemId> ids;
  for (store::ItemId id = 1; id <= count; ++id) ids.push_back(id);
  return ids;
}

}  // namespace

TEST(JournalFaults, CutOffAtAnyOctetTheWholeRecordsBeforeItAreThere) {
  const Segments made = three_records();
  for (std::size_t size = kSegmentHeader; size <= made.bytes.size(); ++size) {
    for (const std::size_t zeros : {std::size_t{0}, std::size_t{1000}}) {  // behind it, in a preallocated file
      const auto& ends = zeros == 0 ? made.ends : made.payloads;
      const auto whole = static_cast<std::size_t>(
          std::count_if(ends.begin(), ends.end(), [&](std::size_t end) { return end <= size; }));
      const std::size_t kept = whole == 0 ? kSegmentHeader : made.ends[whole - 1];
      auto bytes = made.bytes;
      bytes.resize(size);
      bytes.resize(size + zeros);
      const Recovered recovered = recover({bytes});
      EXPECT_EQ(recovered.ids, first_ids(whole)) << size;
      EXPECT_EQ(recovered.findings.end, std::max(kBase + kept - kSegmentHeader, kBase)) << size;
      EXPECT_EQ(recovered.findings.damaged_bytes, 0U);
      EXPECT_EQ(recovered.findings.torn_bytes > 0, !recovered.findings.reports.empty());
      EXPECT_LE(recovered.findings.torn_bytes, size < kept ? 0 : size - kept);
    }
  }
}

TEST(JournalFaults, ATornEndIsCutOffAndNotReportedAgain) {
  Segments made = three_records();
  made.bytes.resize(made.bytes.size() - 3);
  SimulatedDisk disk;
  const std::string path = "/j/" + SegmentSet::name(1, "seg");
  auto file = disk.open(path, store::OpenMode::kCreate);
  ASSERT_TRUE((*file)->write_at(made.bytes, 0));
  JournalQuestion question;
  question.directory = "/j";
  question.journal = kJournal;
  question.on_entry = [](const IndexEntry&) {};
  question.on_table_change = [](const store::Change&) {};
  question.repair = false;
  EXPECT_EQ(read_journal(disk, question)->reports.size(), 1U);
  EXPECT_EQ(*(*file)->size(), made.bytes.size()) << "looking changes nothing";
  question.repair = true;
  EXPECT_EQ(read_journal(disk, question)->reports.size(), 1U);
  const auto again = read_journal(disk, question);
  EXPECT_TRUE(again->reports.empty());
  EXPECT_EQ(again->torn_bytes, 0U);
  EXPECT_EQ(again->end, kBase + made.ends[1] - kSegmentHeader);
}

TEST(JournalFaults, WithTooLittleBehindTheTornEndForARecordItIsCutOff) {
  Segments made = three_records();
  made.bytes.resize(made.ends[1] + kRecordHeader - 1);
  SimulatedDisk disk;
  auto file = disk.open("/j/" + SegmentSet::name(1, "seg"), store::OpenMode::kCreate);
  ASSERT_TRUE((*file)->write_at(made.bytes, 0));
  JournalQuestion question;
  question.directory = "/j";
  question.journal = kJournal;
  question.on_entry = [](const IndexEntry&) {};
  question.on_table_change = [](const store::Change&) {};
  EXPECT_EQ(read_journal(disk, question)->reports.size(), 1U);
  EXPECT_EQ(*(*file)->size(), made.ends[1]);
  EXPECT_TRUE(read_journal(disk, question)->reports.empty());
}

TEST(JournalFaults, AFlippedBitCostsAtMostItsRecordAndIsAlwaysNoticed) {
  const Segments made = three_records();
  for (std::size_t at = kSegmentHeader; at < made.bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      auto bytes = made.bytes;
      bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1U << bit));
      const std::size_t hit = static_cast<std::size_t>(
          std::count_if(made.ends.begin(), made.ends.end(), [&](std::size_t end) { return end <= at; }));
      const Recovered recovered = recover({bytes});
      auto expected = first_ids(3);
      expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(hit));
      if (recovered.ids == first_ids(3)) {
        // Padding is not under the checksum, for it says nothing.
        EXPECT_GE(at + kUnit, made.ends[hit]) << at;
        continue;
      }
      EXPECT_EQ(recovered.ids, expected) << at;
      EXPECT_GT(recovered.findings.damaged_bytes + recovered.findings.torn_bytes, 0U);
      EXPECT_EQ(recovered.findings.reports.size(), 1U);
    }
  }
}

TEST(JournalFaults, ADamagedHeaderCostsNothingAsLongAsTheFirstRecordIsThere) {
  const Segments made = three_records();
  for (std::size_t at = 0; at < 36; ++at) {
    auto bytes = made.bytes;
    bytes[at] ^= 0x40;
    const Recovered recovered = recover({bytes});
    if (recovered.refused) {
      ADD_FAILURE() << "a flipped bit is not a newer version: octet " << at;
      continue;
    }
    EXPECT_EQ(recovered.ids, first_ids(3)) << at;
    EXPECT_EQ(recovered.findings.reports.size(), 1U) << at;
  }
}

TEST(JournalFaults, ASegmentEndsWhereTheNextBegins) {
  // What a failed sync left behind in the first is not used: the second says where it really went on.
  const Segments first = three_records();
  const std::uint64_t cut = kBase + first.ends[1] - kSegmentHeader;
  std::vector<std::uint8_t> second(kSegmentHeader);
  write_segment_header(second.data(), {kJournal, 2, cut});
  const auto record = record_of(9, 30, cut);
  second.insert(second.end(), record.begin(), record.end());
  const Recovered recovered = recover({first.bytes, second});
  EXPECT_EQ(recovered.ids, (std::vector<store::ItemId>{1, 2, 9}));
  EXPECT_TRUE(recovered.findings.reports.empty());
}

TEST(JournalFaults, AMissingEndOfASegmentThatHasASuccessorIsReported) {
  Segments first = three_records();
  const std::uint64_t end = kBase + first.bytes.size() - kSegmentHeader;
  std::vector<std::uint8_t> second(kSegmentHeader);
  write_segment_header(second.data(), {kJournal, 2, end});
  const auto record = record_of(9, 30, end);
  second.insert(second.end(), record.begin(), record.end());
  first.bytes.resize(first.ends[1]);
  const Recovered recovered = recover({first.bytes, second});
  EXPECT_EQ(recovered.ids, (std::vector<store::ItemId>{1, 2, 9}));
  EXPECT_EQ(recovered.findings.damaged_bytes, first.ends[2] - first.ends[1]);
  EXPECT_EQ(recovered.findings.reports.size(), 1U);
}

TEST(JournalFaults, WhatAnOlderLifeOfAFileLeftIsNotTaken) {
  // A released segment is used again: behind the new records lie old ones, whole and with valid checksums.
  const Segments old = three_records();
  auto bytes = old.bytes;
  const std::uint64_t base = kBase + 100'000;
  write_segment_header(bytes.data(), {kJournal, 1, base});
  const auto record = record_of(7, 20 + 9, base);
  std::copy(record.begin(), record.end(), bytes.begin() + kSegmentHeader);
  const Recovered recovered = recover({bytes});
  EXPECT_EQ(recovered.ids, std::vector<store::ItemId>{7});
  EXPECT_EQ(recovered.findings.end, base + record.size());
}

// A file that was used before has old records behind the end; a write puts zeros between.
TEST(JournalFaults, WhatAnOlderLifeOfAFileLeftIsNotTakenForATornEnd) {
  Segments segment = three_records();
  const std::size_t end = segment.bytes.size();
  segment.bytes.insert(segment.bytes.end(), kRecordHeader, 0);
  const auto older = record_of(7, 300, kBase - 1024);
  segment.bytes.insert(segment.bytes.end(), older.begin() + kRecordHeader, older.end());
  segment.bytes.insert(segment.bytes.end(), older.begin(), older.end());
  Recovered recovered = recover({segment.bytes});
  EXPECT_EQ(recovered.ids, (std::vector<store::ItemId>{1, 2, 3}));
  EXPECT_EQ(recovered.findings.torn_bytes + recovered.findings.damaged_bytes, 0U);
  EXPECT_TRUE(recovered.findings.reports.empty());
  EXPECT_EQ(recovered.findings.end, kBase + end - kSegmentHeader);
  // A record of which only the beginning came: that is torn.
  const auto begun = record_of(4, 100, kBase + end - kSegmentHeader);
  std::copy_n(begun.begin(), 40, segment.bytes.begin() + static_cast<std::ptrdiff_t>(end));
  recovered = recover({segment.bytes});
  EXPECT_EQ(recovered.ids, (std::vector<store::ItemId>{1, 2, 3}));
  EXPECT_GT(recovered.findings.torn_bytes, 0U);
}

TEST(JournalFaults, ASegmentOfANewerFormatIsRefusedAndLeftAlone) {
  Segments made = three_records();
  store_be(&made.bytes[8], std::uint32_t{kFormatVersion + 1});
  store_be(&made.bytes[32], store::crc32c(ByteSpan(made.bytes).first(32)));
  EXPECT_TRUE(recover({made.bytes}).refused);
}

TEST(JournalFaults, AnIndexThatDoesNotFitItsSegmentIsNotBelieved) {
  const Segments made = three_records();
  std::vector<std::uint8_t> entries(IndexEntry::kMaxSize);
  IndexEntry entry;
  entry.kind = store::Change::Kind::kEnqueue;
  entry.id = 77;
  entry.position = kBase;
  entry.units = 4;
  entries.resize(write_index_entry(entries.data(), entry));
  const std::uint64_t end = kBase + made.bytes.size() - kSegmentHeader;
  struct Case {
    IndexFile file;
    bool believed;
  };
  const std::vector<Case> cases{{{{kJournal, 1, kBase}, end, false, {}}, true},
                                {{{kJournal, 1, kBase}, end, true, {}}, false},  // the tables may lack its changes
                                {{{kJournal, 1, kBase}, end - 8, false, {}}, false},
                                {{{kJournal, 1, kBase + 8}, end, false, {}}, false},
                                {{{kJournal, 2, kBase}, end, false, {}}, false},
                                {{{kJournal + 1, 1, kBase}, end, false, {}}, false}};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    for (const bool damaged : {false, true}) {
      SimulatedDisk disk;
      auto segment = disk.open("/j/" + SegmentSet::name(1, "seg"), store::OpenMode::kCreate);
      ASSERT_TRUE((*segment)->write_at(made.bytes, 0));
      std::vector<std::uint8_t> bytes(kIndexHeader);
      bytes.insert(bytes.end(), entries.begin(), entries.end());
      seal_index_file(bytes, cases[i].file);
      if (damaged) bytes[bytes.size() / 2] ^= 1;
      auto index = disk.open("/j/" + SegmentSet::name(1, "idx"), store::OpenMode::kCreate);
      ASSERT_TRUE((*index)->write_at(bytes, 0));
      std::vector<store::ItemId> ids;
      JournalQuestion question;
      question.directory = "/j";
      question.journal = kJournal;
      question.on_entry = [&](const IndexEntry& each) { ids.push_back(each.id); };
      question.on_table_change = [](const store::Change&) {};
      ASSERT_TRUE(read_journal(disk, question));
      EXPECT_EQ(ids, cases[i].believed && !damaged ? std::vector<store::ItemId>{77} : first_ids(3)) << i;
    }
  }
}

TEST(SegmentReuse, AReleasedSegmentIsTheNextOneAndAFewAreKept) {
  SimulatedDisk disk;
  constexpr std::uint64_t kBytes = 4096;
  SegmentSet segments(disk, "/j", kJournal, kBytes);
  segments.begin_at(kFirstPosition);
  std::uint64_t position = kFirstPosition;
  const auto start = [&] {
    ASSERT_TRUE(segments.start(position));
    position += kBytes - kSegmentHeader;
  };
  for (int i = 0; i < 8; ++i) start();
  EXPECT_EQ(disk.used(), 8 * kBytes);
  ASSERT_TRUE(segments.release(position - (kBytes - kSegmentHeader)));
  // The one being written and three to go on with, all of which count as room.
  EXPECT_EQ(segments.count(), 1U);
  EXPECT_EQ(segments.disk_bytes(), 4 * kBytes);
  EXPECT_EQ(disk.used(), 4 * kBytes);
  EXPECT_EQ(segments.allocated_until(), position + 3 * (kBytes - kSegmentHeader));
  disk.capacity = 4 * kBytes;
  for (int i = 0; i < 3; ++i) start();
  EXPECT_FALSE(segments.start(position)) << "there is no room for a new one";
}

TEST(SegmentReuse, OnAFullDiskTheFirstIsASpareTheNextRefillTheReserveAndThenThereIsAnotherSpare) {
  SimulatedDisk disk;
  constexpr std::uint64_t kBytes = 4096;
  Reserve reserve(disk, "/s", 4 * kBytes);
  SegmentSet segments(disk, "/j", kJournal, kBytes, &reserve);
  segments.begin_at(kFirstPosition);
  std::uint64_t position = kFirstPosition;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(segments.start(position));
    position += kBytes - kSegmentHeader;
  }
  disk.capacity = disk.used();  // and the reserve has nothing
  EXPECT_FALSE(segments.prepare_spares(1));
  std::uint64_t released = kFirstPosition;
  const auto release_one = [&] {
    released += kBytes - kSegmentHeader;
    ASSERT_TRUE(segments.release(released));
    const Reserve::Loan none(&reserve, 0);  // when it ends the reserve takes what is free
  };
  const auto spares = [&] { return (segments.allocated_until() - position) / (kBytes - kSegmentHeader); };
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> expected{{1, 0}, {1, 1}, {1, 2}, {2, 2}, {2, 3}, {2, 4}};
  for (const auto& [ready, kept] : expected) {
    release_one();
    EXPECT_EQ(spares(), ready);
    EXPECT_EQ(reserve.held(), kept * kBytes);
    EXPECT_EQ(disk.used(), disk.capacity) << "nothing is left to others";
  }
  EXPECT_TRUE(segments.has_spares(SegmentSet::kSpares));
}

TEST(SegmentReuse, AJournalOfOneSegmentHasItsSecondSpareOutOfTheReserveAndALongerOneWaitsForItsOwn) {
  SimulatedDisk disk;
  constexpr std::uint64_t kBytes = 4096;
  Reserve reserve(disk, "/s", 4 * kBytes);
  reserve.refill();
  SegmentSet segments(disk, "/j", kJournal, kBytes, &reserve);
  segments.begin_at(kFirstPosition);
  ASSERT_TRUE(segments.start(kFirstPosition));
  ASSERT_TRUE(segments.prepare_spares(1));
  disk.capacity = disk.used();
  ASSERT_TRUE(segments.prepare_spares(2));
  EXPECT_EQ(reserve.held(), 3 * kBytes);
  ASSERT_TRUE(segments.start(kFirstPosition + kBytes - kSegmentHeader));
  EXPECT_FALSE(segments.prepare_spares(2));
  EXPECT_EQ(reserve.held(), 3 * kBytes);
}

TEST(SegmentIndex, ReadsBackWhatWasWrittenAndNothingThatIsCutShort) {
  std::vector<std::uint8_t> octets;
  std::vector<IndexEntry> written;
  std::vector<std::size_t> ends;
  const auto write = [&](store::Change::Kind kind, std::uint32_t order) {
    IndexEntry entry;
    entry.kind = kind;
    entry.id = 0x0102030405060708;
    const bool item = kind == store::Change::Kind::kEnqueue || kind == store::Change::Kind::kAmend;
    if (item) {
      entry.progress = {7,
                        65'535,
                        store::LaneId(9),
                        store::Moment(std::chrono::seconds(5)),
                        store::Moment(std::chrono::seconds(6)),
                        0xFFFFFFFE,
                        order,
                        false};
    }
    if (kind == store::Change::Kind::kEnqueue || kind == store::Change::Kind::kPut) {
      entry.position = (1ULL << 47) - 8;
      entry.units = 65'535;
    }
    written.push_back(entry);
    octets.resize(octets.size() + IndexEntry::kMaxSize);
    std::uint8_t* at = &octets[octets.size() - IndexEntry::kMaxSize];
    octets.resize(octets.size() - IndexEntry::kMaxSize + write_index_entry(at, entry));
    ends.push_back(octets.size());
  };
  write(store::Change::Kind::kEnqueue, 0);
  write(store::Change::Kind::kAmend, 0);
  write(store::Change::Kind::kFinish, 0);
  write(store::Change::Kind::kPut, 0);
  write(store::Change::Kind::kErase, 0);
  write(store::Change::Kind::kEnqueue, 0xFEDCBA98);
  EXPECT_EQ(ends, (std::vector<std::size_t>{40, 72, 81, 98, 107, 151}));
  for (std::size_t size = 0; size <= octets.size(); ++size) {
    IndexReader reader(ByteSpan(octets).first(size));
    IndexEntry entry;
    std::size_t read = 0;
    for (; reader.next(entry); ++read) {
      EXPECT_EQ(entry.kind, written[read].kind);
      EXPECT_EQ(entry.id, written[read].id);
      EXPECT_EQ(entry.progress, written[read].progress);
      EXPECT_EQ(entry.position, written[read].position);
      EXPECT_EQ(entry.units, written[read].units);
    }
    const auto whole = std::upper_bound(ends.begin(), ends.end(), size) - ends.begin();
    EXPECT_EQ(read, static_cast<std::size_t>(whole)) << size;
    EXPECT_EQ(reader.at_end(), size == 0 || std::binary_search(ends.begin(), ends.end(), size));
  }
}

}  // namespace smppd::plugins::rocks_store
