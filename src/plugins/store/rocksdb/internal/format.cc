#include "plugins/store/rocksdb/internal/format.h"

#include <algorithm>
#include <array>

#include "store/crc32c.h"
#include "store/split_table.h"

namespace smppd::plugins::rocks_store {

namespace {

constexpr std::array<std::uint8_t, 8> kSegmentMagic{'s', 'm', 'p', 'p', 'd', 's', 'e', 'g'};
constexpr std::array<std::uint8_t, 8> kIndexMagic{'s', 'm', 'p', 'p', 'd', 'i', 'd', 'x'};
// The index has a version of its own: one of another version is not used, the segment is read instead.
constexpr std::uint32_t kIndexVersion = 4;
constexpr std::size_t kPlainEntry = 9;
constexpr std::size_t kAmendEntry = 32;
constexpr std::size_t kPutEntry = 17;
constexpr std::uint8_t kOrdered = 0x40;  // in kind of enqueue: there is an order
constexpr std::size_t kOrder = 4;
constexpr std::size_t kPlace = 8;

std::uint32_t record_checksum(const std::uint8_t* at, std::size_t payload, unsigned journal) noexcept {
  std::uint8_t head[16];
  store_be(head, journal);
  std::memcpy(head + 4, at, 4);
  std::memcpy(head + 8, at + 8, 8);
  return store::crc32c(ByteSpan(at + kRecordHeader, payload), store::crc32c(head));
}

// The offset behind the last octet that is not zero, `from` if there is none. A segment is mostly the zeros it was
// allocated with, so they are passed by the page.
std::size_t end_of_data(ByteSpan bytes, std::size_t from) noexcept {
  static constexpr std::array<std::uint8_t, 4096> kZeros{};
  std::size_t last = bytes.size();
  while (last - from >= kZeros.size() && std::memcmp(&bytes[last - kZeros.size()], kZeros.data(), kZeros.size()) == 0) {
    last -= kZeros.size();
  }
  while (last > from && bytes[last - 1] == 0) --last;
  return last;
}

}  // namespace

void begin_record(std::uint8_t* at, std::uint32_t payload, std::uint64_t position) noexcept {
  store_be(at, payload);
  store_be(at + 4, std::uint32_t{0});
  store_be(at + 8, position);
}

void seal_record(std::uint8_t* at, unsigned journal) noexcept {
  store_be(at + 4, record_checksum(at, load_be<std::uint32_t>(at), journal));
}

std::optional<Record> read_record(ByteSpan bytes, std::uint64_t position, unsigned journal) noexcept {
  if (bytes.size() < kRecordHeader || load_be<std::uint64_t>(bytes.data() + 8) != position) return std::nullopt;
  const std::size_t payload = load_be<std::uint32_t>(bytes.data());
  if (payload == 0 || payload > kMaxRecord) return std::nullopt;
  const std::size_t size = record_size(payload);
  if (bytes.size() < size) return std::nullopt;
  if (load_be<std::uint32_t>(bytes.data() + 4) != record_checksum(bytes.data(), payload, journal)) return std::nullopt;
  return Record{position, static_cast<std::uint32_t>(size), bytes.subspan(kRecordHeader, payload)};
}

std::optional<Record> RecordWalk::next() noexcept {
  if (auto record = read_record(bytes_.subspan(good_), base_ + good_, journal_)) {
    good_ += record->size;
    return record;
  }
  const std::size_t end = end_of_data(bytes_, good_);  // no record begins behind it
  for (std::size_t at = good_ + kUnit; at < end && at + kRecordHeader <= bytes_.size(); at += kUnit) {
    if (auto record = read_record(bytes_.subspan(at), base_ + at, journal_)) {
      damaged_ += at - good_;
      ++places_;
      good_ = at + record->size;
      return record;
    }
  }
  return std::nullopt;
}

std::uint64_t RecordWalk::torn_bytes() const noexcept {
  const ByteSpan next = bytes_.subspan(good_);
  const auto zero = [](std::uint8_t octet) { return octet == 0; };
  if (next.size() >= kRecordHeader && std::ranges::all_of(next.first(kRecordHeader), zero)) return 0;
  return end_of_data(bytes_, good_) - good_;
}

void write_segment_header(std::uint8_t* at, const SegmentHeader& header) noexcept {
  std::memset(at, 0, kSegmentHeader);
  std::memcpy(at, kSegmentMagic.data(), kSegmentMagic.size());
  store_be(at + 8, kFormatVersion);
  store_be(at + 12, static_cast<std::uint32_t>(header.journal));
  store_be(at + 16, header.number);
  store_be(at + 24, header.base);
  store_be(at + 32, store::crc32c(ByteSpan(at, 32)));
}

HeaderState read_segment_header(ByteSpan bytes, SegmentHeader& header) noexcept {
  const auto zero = [](std::uint8_t octet) { return octet == 0; };
  if (std::all_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), kSegmentHeader)),
                  zero)) {
    return HeaderState::kBlank;
  }
  if (bytes.size() < kSegmentHeader || !std::equal(kSegmentMagic.begin(), kSegmentMagic.end(), bytes.begin()) ||
      load_be<std::uint32_t>(bytes.data() + 32) != store::crc32c(bytes.first(32))) {
    return HeaderState::kDamaged;
  }
  const auto version = load_be<std::uint32_t>(bytes.data() + 8);
  if (version < kOldestVersion || version > kFormatVersion) return HeaderState::kOtherVersion;
  header.journal = load_be<std::uint32_t>(bytes.data() + 12);
  header.number = load_be<std::uint64_t>(bytes.data() + 16);
  header.base = load_be<std::uint64_t>(bytes.data() + 24);
  const bool sound = header.base >= kFirstPosition && header.base % kUnit == 0 && header.base >> 47 == 0;
  return sound ? HeaderState::kValid : HeaderState::kDamaged;
}

std::size_t write_index_entry(std::uint8_t* at, const IndexEntry& entry) noexcept {
  at[0] = static_cast<std::uint8_t>(entry.kind);
  const std::uint64_t place = entry.position << 16 | entry.units;
  if (entry.kind != store::Change::Kind::kEnqueue && entry.kind != store::Change::Kind::kAmend) {
    store_be(at + 1, entry.id);
    if (entry.kind != store::Change::Kind::kPut) return kPlainEntry;
    store_be(at + kPlainEntry, place);
    return kPutEntry;
  }
  at[1] = entry.progress.state;
  store_be(at + 2, entry.progress.attempts);
  store_be(at + 4, entry.progress.lane.value());
  store_be(at + 8, entry.id);
  store_be(at + 16, static_cast<std::uint64_t>(entry.progress.due.time_since_epoch().count()));
  store_be(at + 24, entry.progress.mark);
  store_be(at + 28, store::expiry_seconds(entry.progress.expires));
  if (entry.kind == store::Change::Kind::kAmend) return kAmendEntry;
  std::size_t size = kAmendEntry;
  if (entry.progress.order != 0) {
    at[0] |= kOrdered;
    store_be(at + size, entry.progress.order);
    size += kOrder;
  }
  store_be(at + size, place);
  return size + kPlace;
}

bool IndexReader::next(IndexEntry& entry) noexcept {
  if (rest_.empty()) return false;
  const std::uint8_t* at = rest_.data();
  entry = IndexEntry();
  const bool ordered = at[0] == (kOrdered | static_cast<std::uint8_t>(store::Change::Kind::kEnqueue));
  entry.kind = ordered ? store::Change::Kind::kEnqueue : static_cast<store::Change::Kind>(at[0]);
  std::size_t size = 0;
  switch (entry.kind) {
    case store::Change::Kind::kEnqueue: size = kAmendEntry + (ordered ? kOrder : 0) + kPlace; break;
    case store::Change::Kind::kAmend: size = kAmendEntry; break;
    case store::Change::Kind::kPut: size = kPutEntry; break;
    case store::Change::Kind::kFinish:
    case store::Change::Kind::kErase: size = kPlainEntry; break;
  }
  if (size == 0 || rest_.size() < size) return false;
  const bool item = size >= kAmendEntry;
  entry.id = load_be<std::uint64_t>(at + (item ? 8 : 1));
  if (entry.kind == store::Change::Kind::kPut || entry.kind == store::Change::Kind::kEnqueue) {
    const auto place = load_be<std::uint64_t>(at + size - 8);
    entry.position = place >> 16;
    entry.units = static_cast<std::uint32_t>(place & 0xFFFF);
  }
  if (item) {
    entry.progress.state = at[1];
    entry.progress.attempts = load_be<std::uint16_t>(at + 2);
    entry.progress.lane = store::LaneId(load_be<std::uint32_t>(at + 4));
    entry.progress.due =
        store::Moment(std::chrono::milliseconds(static_cast<std::int64_t>(load_be<std::uint64_t>(at + 16))));
    entry.progress.mark = load_be<std::uint32_t>(at + 24);
    entry.progress.expires = store::expiry_moment(load_be<std::uint32_t>(at + 28));
    if (ordered) entry.progress.order = load_be<std::uint32_t>(at + kAmendEntry);
    if (entry.progress.due < store::Moment{} || entry.progress.due > store::kNever) return false;
  }
  if (entry.position >> 47 != 0) return false;
  rest_ = rest_.subspan(size);
  return true;
}

void seal_index_file(std::vector<std::uint8_t>& bytes, const IndexFile& file) {
  std::memcpy(bytes.data(), kIndexMagic.data(), kIndexMagic.size());
  store_be(&bytes[8], kIndexVersion);
  store_be(&bytes[12], static_cast<std::uint32_t>(file.segment.journal));
  store_be(&bytes[16], file.segment.number);
  store_be(&bytes[24], file.segment.base);
  store_be(&bytes[32], file.end);
  store_be(&bytes[40], static_cast<std::uint64_t>(bytes.size() - kIndexHeader));
  store_be(&bytes[48], std::uint32_t{file.has_table_changes ? 1U : 0U});
  store_be(&bytes[52], std::uint32_t{0});
  const std::uint32_t checksum = store::crc32c(bytes);
  bytes.resize(bytes.size() + 4);
  store_be(&bytes[bytes.size() - 4], checksum);
}

std::optional<IndexFile> read_index_file(ByteSpan bytes) noexcept {
  if (bytes.size() < kIndexHeader + 4 || !std::equal(kIndexMagic.begin(), kIndexMagic.end(), bytes.begin()) ||
      load_be<std::uint32_t>(bytes.data() + 8) != kIndexVersion) {
    return std::nullopt;
  }
  IndexFile file;
  file.segment.journal = load_be<std::uint32_t>(bytes.data() + 12);
  file.segment.number = load_be<std::uint64_t>(bytes.data() + 16);
  file.segment.base = load_be<std::uint64_t>(bytes.data() + 24);
  file.end = load_be<std::uint64_t>(bytes.data() + 32);
  const std::uint64_t size = load_be<std::uint64_t>(bytes.data() + 40);
  file.has_table_changes = load_be<std::uint32_t>(bytes.data() + 48) != 0;
  if (size != bytes.size() - kIndexHeader - 4 || file.end < file.segment.base) {
    return std::nullopt;
  }
  const std::size_t covered = bytes.size() - 4;
  if (load_be<std::uint32_t>(bytes.data() + covered) != store::crc32c(bytes.first(covered))) return std::nullopt;
  file.entries = bytes.subspan(kIndexHeader, size);
  IndexReader reader(file.entries);
  IndexEntry entry;
  while (reader.next(entry)) {
  }
  if (!reader.at_end()) return std::nullopt;
  return file;
}

std::uint64_t key_hash(store::Table table, std::string_view key) noexcept {
  std::uint64_t hash = 0x9E3779B97F4A7C15ULL * static_cast<std::uint8_t>(table) + key.size();
  while (key.size() >= 8) {
    hash = store::mix(hash ^ load_be<std::uint64_t>(as_bytes(key).data()));
    key.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  for (const char letter : key) rest = rest << 8 | static_cast<std::uint8_t>(letter);
  hash = store::mix(hash ^ rest ^ 0xA5A5);
  return hash == 0 ? 1 : hash;
}

}  // namespace smppd::plugins::rocks_store
