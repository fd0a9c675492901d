// Whatever lies in a segment or an index: reading it ends, stays inside, and gives only records that were sealed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "plugins/store/rocksdb/internal/format.h"

namespace {

using smppd::ByteSpan;
namespace store = smppd::store;
namespace rocks = smppd::plugins::rocks_store;

void check(bool holds) {
  if (!holds) std::abort();
}

void read_changes(ByteSpan payload) {
  store::ChangeReader reader(payload);
  store::Change change;
  std::size_t octets = 0;
  while (reader.next(change)) {
    octets += change.key.size() + change.body.size();
    check(change.kind != store::Change::Kind::kEnqueue || change.id != 0);
  }
  check(octets <= payload.size());
}

void walk(ByteSpan bytes, std::uint64_t base) {
  rocks::RecordWalk records(bytes, base, 3);
  std::uint64_t last = base;
  while (const auto record = records.next()) {
    check(record->position >= last && record->position - base + record->size <= bytes.size());
    last = record->position + record->size;
    read_changes(record->payload);
  }
  check(records.end() >= base && records.end() - base <= bytes.size());
  check(records.damaged_bytes() + records.torn_bytes() <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(data, size);
  read_changes(bytes);
  rocks::SegmentHeader header;
  (void)rocks::read_segment_header(bytes, header);
  if (const auto index = rocks::read_index_file(bytes)) {
    rocks::IndexEntry entry;
    rocks::IndexReader reader(index->entries);
    while (reader.next(entry)) {
    }
    check(reader.at_end());
  }
  walk(bytes, rocks::kFirstPosition);
  // The same with records whose checksums are right, so that what is behind them is reached: the input says how long
  // each is.
  std::vector<std::uint8_t> sealed;
  for (std::size_t at = 0; at + 1 < size && sealed.size() < 4096;) {
    const std::size_t payload = std::min<std::size_t>(1 + data[at], size - at - 1);
    const std::size_t start = sealed.size();
    sealed.resize(start + rocks::record_size(payload));
    rocks::begin_record(&sealed[start], static_cast<std::uint32_t>(payload), rocks::kFirstPosition + start);
    std::copy_n(data + at + 1, payload, sealed.begin() + static_cast<std::ptrdiff_t>(start + rocks::kRecordHeader));
    rocks::seal_record(&sealed[start], 3);
    at += 1 + payload;
  }
  rocks::RecordWalk whole(sealed, rocks::kFirstPosition, 3);
  while (const auto record = whole.next()) read_changes(record->payload);
  check(whole.end() == rocks::kFirstPosition + sealed.size() && whole.damaged_bytes() == 0);
  // And with one octet changed.
  if (size > 2 && !sealed.empty()) {
    sealed[(data[0] * 256U + data[1]) % sealed.size()] ^= static_cast<std::uint8_t>(data[2] | 1);
  }
  walk(sealed, rocks::kFirstPosition);
  return 0;
}
