// What is on disk.
//
//   PATH/FORMAT              "smppd-store 3\nshards N\n" and a line "draining K" for each journal being emptied
//   PATH/reserve             room for a full disk; its octets mean nothing
//   PATH/LOCK                held with flock by the process that uses the store
//   PATH/journal-K/N.seg     segment N of journal K
//   PATH/journal-K/N.idx     its index: what recovery needs of it, without the bodies
//   PATH/tables/             RocksDB
//
// A journal is one endless row of octets; a position counts them from kFirstPosition and is never used twice. A segment
// holds the positions from its base on, behind a header of kSegmentHeader octets. A segment ends where the next one's
// base is, whatever lies behind; behind the last record are kRecordHeader zeros, if they fit, and then what the file
// held before. A record is
//   size of the payload (4)  crc32c (4)  position (8)  payload  zeros up to a multiple of 8
// all in network order; the checksum is over size, position and payload, and begins with the journal's number, so that
// a record is valid in one place of one journal only. The payload is the octets of one store::Transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "store/transaction.h"

namespace smppd::plugins::rocks_store {

inline constexpr std::uint32_t kFormatVersion = 3;
inline constexpr std::uint32_t kOldestVersion = 2;  // has no orders; read as it is, and written on as 3
inline constexpr std::uint64_t kFirstPosition = 64;
inline constexpr std::size_t kSegmentHeader = 64;
inline constexpr std::size_t kRecordHeader = 16;
inline constexpr std::size_t kUnit = 8;
inline constexpr std::size_t kMaxRecord = store::Transaction::kMaxBytes + 1024;

[[nodiscard]] constexpr std::size_t record_size(std::size_t payload) noexcept {
  return (kRecordHeader + payload + kUnit - 1) / kUnit * kUnit;
}

// Writes everything but the checksum; seal_record() adds it later, on the thread that writes.
void begin_record(std::uint8_t* at, std::uint32_t payload, std::uint64_t position) noexcept;
void seal_record(std::uint8_t* at, unsigned journal) noexcept;

struct Record {
  std::uint64_t position = 0;
  std::uint32_t size = 0;  // with header and padding
  ByteSpan payload;
};

// The record that should begin at bytes[0] with this position; empty when it is not all there, or not what was written.
[[nodiscard]] std::optional<Record> read_record(ByteSpan bytes, std::uint64_t position, unsigned journal) noexcept;

// Walks through the octets of a segment behind its header. After a place that is no record it looks for the next one,
// by position, in steps of kUnit; what lies between is damaged when a record follows and torn when none does.
class RecordWalk {
 public:
  RecordWalk(ByteSpan bytes, std::uint64_t base, unsigned journal) noexcept
      : bytes_(bytes), base_(base), journal_(journal) {}

  [[nodiscard]] std::optional<Record> next() noexcept;

  // Position behind the last valid record.
  [[nodiscard]] std::uint64_t end() const noexcept { return base_ + good_; }
  [[nodiscard]] std::uint64_t damaged_bytes() const noexcept { return damaged_; }
  [[nodiscard]] std::uint64_t damaged_places() const noexcept { return places_; }
  // Octets behind end() up to the last that is not zero; none when no record was begun there, but zeros were written.
  [[nodiscard]] std::uint64_t torn_bytes() const noexcept;

 private:
  ByteSpan bytes_;
  std::uint64_t base_;
  unsigned journal_;
  std::size_t good_ = 0;  // offset behind the last valid record
  std::uint64_t damaged_ = 0;
  std::uint64_t places_ = 0;
};

struct SegmentHeader {
  unsigned journal = 0;
  std::uint64_t number = 0;
  std::uint64_t base = 0;
};
enum class HeaderState : std::uint8_t { kValid, kBlank, kDamaged, kOtherVersion };
void write_segment_header(std::uint8_t* at, const SegmentHeader& header) noexcept;
[[nodiscard]] HeaderState read_segment_header(ByteSpan bytes, SegmentHeader& header) noexcept;

// One line of a segment's index: a change of an item or a correlation without its octets, and the place of its record.
//   enqueue  kind state attempts(2) lane(4) number(8) due(8) mark(4) expires(4) [order(4)] position(6) units(2)
//   amend    the same without order, position and units
//   finish   kind number(8)
//   put      kind hash(8) position(6) units(2)
//   erase    kind hash(8)
struct IndexEntry {
  static constexpr std::size_t kMaxSize = 44;
  store::Change::Kind kind{};
  std::uint64_t id = 0;  // the item's number, or the hash of the record's key
  store::Progress progress;
  std::uint64_t position = 0;
  std::uint32_t units = 0;
};
// Returns how many octets it wrote.
std::size_t write_index_entry(std::uint8_t* at, const IndexEntry& entry) noexcept;

class IndexReader {
 public:
  explicit IndexReader(ByteSpan entries) noexcept : rest_(entries) {}
  // False at the end, and at the first octet that cannot be.
  [[nodiscard]] bool next(IndexEntry& entry) noexcept;
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

 private:
  ByteSpan rest_;
};

// An index file: header, entries, checksum over both. One that was read has sound entries to its end.
inline constexpr std::size_t kIndexHeader = 56;
struct IndexFile {
  SegmentHeader segment;
  std::uint64_t end = 0;
  bool has_table_changes = false;  // recovery may have to apply them again, for which it needs the segment
  ByteSpan entries;
};
// Of kIndexHeader free octets and the entries behind them makes the file; `file.entries` is not looked at.
void seal_index_file(std::vector<std::uint8_t>& bytes, const IndexFile& file);
[[nodiscard]] std::optional<IndexFile> read_index_file(ByteSpan bytes) noexcept;

// Of the key of a record; what a journal's records are found by in memory.
[[nodiscard]] std::uint64_t key_hash(store::Table table, std::string_view key) noexcept;

}  // namespace smppd::plugins::rocks_store
