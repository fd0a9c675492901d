#include "plugins/store/rocksdb/internal/format.h"

#include <algorithm>
#include <array>

#include "store/crc32c.h"
#include "store/split_table.h"

namespace smppd::plugins::rocks_store {

namespace {

constexpr std::array<std::uint8_t, 8> kSegmentMagic{'s', 'm', 'p', 'p', 'd', 's', 'e', 'g'};
constexpr std::array<std::uint8_t, 8> kIndexMagic{'s', 'm', 'p', 'p', 'd', 'i', 'd', 'x'};
constexpr std::size_t kIndexHeader = 56;

std::uint32_t record_checksum(const std::uint8_t* at, std::size_t payload, unsigned journal) noexcept {
  std::uint8_t head[16];
  store_be(head, journal);
  std::memcpy(head + 4, at, 4);
  std::memcpy(head + 8, at + 8, 8);
  return store::crc32c(ByteSpan(at + kRecordHeader, payload), store::crc32c(head));
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
  for (std::size_t at = good_ + kUnit; at + kRecordHeader <= bytes_.size(); at += kUnit) {
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
  std::size_t last = bytes_.size();
  while (last > good_ && bytes_[last - 1] == 0) --last;
  return last - good_;
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
  if (load_be<std::uint32_t>(bytes.data() + 8) != kFormatVersion) return HeaderState::kOtherVersion;
  header.journal = load_be<std::uint32_t>(bytes.data() + 12);
  header.number = load_be<std::uint64_t>(bytes.data() + 16);
  header.base = load_be<std::uint64_t>(bytes.data() + 24);
  const bool sound = header.base >= kFirstPosition && header.base % kUnit == 0 && header.base >> 47 == 0;
  return sound ? HeaderState::kValid : HeaderState::kDamaged;
}

void write_index_entry(std::uint8_t* at, const IndexEntry& entry) noexcept {
  at[0] = static_cast<std::uint8_t>(entry.kind);
  at[1] = entry.progress.state;
  store_be(at + 2, entry.progress.attempts);
  store_be(at + 4, entry.progress.lane.value());
  store_be(at + 8, entry.id);
  store_be(at + 16, static_cast<std::uint64_t>(entry.progress.due.time_since_epoch().count()));
  store_be(at + 24, entry.progress.mark);
  store_be(at + 28, store::expiry_seconds(entry.progress.expires));
  store_be(at + 32, entry.position);
  store_be(at + 40, entry.units);
  at[44] = static_cast<std::uint8_t>(entry.table);
  at[45] = 0;
}

bool read_index_entry(const std::uint8_t* at, IndexEntry& entry) noexcept {
  entry.kind = static_cast<store::Change::Kind>(at[0]);
  entry.progress.state = at[1];
  entry.progress.attempts = load_be<std::uint16_t>(at + 2);
  entry.progress.lane = store::LaneId(load_be<std::uint32_t>(at + 4));
  entry.id = load_be<std::uint64_t>(at + 8);
  entry.progress.due =
      store::Moment(std::chrono::milliseconds(static_cast<std::int64_t>(load_be<std::uint64_t>(at + 16))));
  entry.progress.mark = load_be<std::uint32_t>(at + 24);
  entry.progress.expires = store::expiry_moment(load_be<std::uint32_t>(at + 28));
  entry.progress.held = false;
  entry.position = load_be<std::uint64_t>(at + 32);
  entry.units = load_be<std::uint32_t>(at + 40);
  entry.table = static_cast<store::Table>(at[44]);
  return at[0] >= 1 && at[0] <= 5 && at[44] < store::kTables && entry.units <= 0xFFFF && entry.position >> 47 == 0 &&
         entry.progress.due >= store::Moment{} && entry.progress.due <= store::kNever;
}

std::vector<std::uint8_t> write_index_file(const IndexFile& file) {
  std::vector<std::uint8_t> bytes(kIndexHeader + file.entries.size() + 4);
  std::memcpy(bytes.data(), kIndexMagic.data(), kIndexMagic.size());
  store_be(&bytes[8], kFormatVersion);
  store_be(&bytes[12], static_cast<std::uint32_t>(file.segment.journal));
  store_be(&bytes[16], file.segment.number);
  store_be(&bytes[24], file.segment.base);
  store_be(&bytes[32], file.end);
  store_be(&bytes[40], static_cast<std::uint64_t>(file.entries.size()));
  store_be(&bytes[48], std::uint32_t{file.has_table_changes ? 1U : 0U});
  if (!file.entries.empty()) std::memcpy(&bytes[kIndexHeader], file.entries.data(), file.entries.size());
  const std::size_t covered = bytes.size() - 4;
  store_be(&bytes[covered], store::crc32c(ByteSpan(bytes.data(), covered)));
  return bytes;
}

std::optional<IndexFile> read_index_file(ByteSpan bytes) noexcept {
  if (bytes.size() < kIndexHeader + 4 || !std::equal(kIndexMagic.begin(), kIndexMagic.end(), bytes.begin()) ||
      load_be<std::uint32_t>(bytes.data() + 8) != kFormatVersion) {
    return std::nullopt;
  }
  IndexFile file;
  file.segment.journal = load_be<std::uint32_t>(bytes.data() + 12);
  file.segment.number = load_be<std::uint64_t>(bytes.data() + 16);
  file.segment.base = load_be<std::uint64_t>(bytes.data() + 24);
  file.end = load_be<std::uint64_t>(bytes.data() + 32);
  const std::uint64_t size = load_be<std::uint64_t>(bytes.data() + 40);
  file.has_table_changes = load_be<std::uint32_t>(bytes.data() + 48) != 0;
  if (size != bytes.size() - kIndexHeader - 4 || size % IndexEntry::kSize != 0 || file.end < file.segment.base) {
    return std::nullopt;
  }
  const std::size_t covered = bytes.size() - 4;
  if (load_be<std::uint32_t>(bytes.data() + covered) != store::crc32c(bytes.first(covered))) return std::nullopt;
  file.entries = bytes.subspan(kIndexHeader, size);
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
