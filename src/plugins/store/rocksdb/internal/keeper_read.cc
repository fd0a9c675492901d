// What the keeper reads: bodies and records that the shard asked for, and segments that are being cleaned.
#include <algorithm>

#include "plugins/store/rocksdb/internal/keeper.h"
#include "plugins/store/rocksdb/internal/log.h"

namespace smppd::plugins::rocks_store {

using store::Change;

namespace {

constexpr std::size_t kLongestRead = 1U << 20;
constexpr std::size_t kWorthReadingOver = 32 * 1024;  // rather than a second read
constexpr std::size_t kCleanWindow = 256 * 1024;

// Records close together are read at once.
struct Stretch {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::shared_ptr<Segment> segment;
  std::vector<std::uint8_t>* bytes = nullptr;
};

// False: the disk refused.
bool read_stretch(Stretch& stretch, std::deque<std::vector<std::uint8_t>>& blocks) {
  auto& bytes = blocks.emplace_back(stretch.to - stretch.from);
  stretch.bytes = &bytes;
  if (stretch.segment == nullptr) {
    bytes.clear();
    return true;
  }
  const auto got = stretch.segment->file->read_at(bytes, kSegmentHeader + (stretch.from - stretch.segment->base));
  if (!got) {
    kStoreLog.error("cannot read a segment",
                    {{"path", stretch.segment->path}, {"error", store::error_text(got.error())}});
    return false;
  }
  bytes.resize(*got);
  return true;
}

std::optional<Record> record_in(const Stretch& stretch, std::uint64_t position, unsigned journal) {
  if (position - stretch.from > stretch.bytes->size()) return std::nullopt;
  return read_record(ByteSpan(*stretch.bytes).subspan(position - stretch.from), position, journal);
}

// The last body that the record has for this item.
std::optional<ByteSpan> body_in(const Record& record, store::ItemId id) {
  std::optional<ByteSpan> body;
  store::ChangeReader reader(record.payload);
  Change change;
  while (reader.next(change)) {
    if (change.kind == Change::Kind::kEnqueue && change.id == id) body = change.body;
  }
  return body;
}

}  // namespace

void Keeper::read_items(Answer& answer) {
  const auto& asks = answer.question.items;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < asks.size(); ++i) {
    answer.items.push_back({asks[i].id, asks[i].progress, {}, true});
    if (asks[i].position != 0) order.push_back(i);
  }
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return asks[a].position < asks[b].position; });
  for (std::size_t first = 0; first < order.size();) {
    Stretch stretch{asks[order[first]].position, 0, segments_.at(asks[order[first]].position), nullptr};
    const std::uint64_t segment_end = stretch.segment == nullptr ? 0 : segments_.end_of(*stretch.segment);
    std::size_t last = first;
    for (; last < order.size(); ++last) {
      const ItemAsk& ask = asks[order[last]];
      const std::uint64_t end = ask.position + std::uint64_t{ask.units} * kUnit;
      const bool close = last == first || (ask.position < stretch.to + kWorthReadingOver &&
                                           end - stretch.from <= kLongestRead && end <= segment_end);
      if (!close) break;
      stretch.to = std::max(stretch.to, end);
    }
    if (!read_stretch(stretch, answer.blocks)) {
      answer.failed = true;
      return;
    }
    for (; first < last; ++first) {
      const auto record = record_in(stretch, asks[order[first]].position, segments_.journal());
      const auto body = record ? body_in(*record, asks[order[first]].id) : std::nullopt;
      store::ItemView& view = answer.items[order[first]];
      view.damaged = !body;
      if (body) view.body = *body;
    }
  }
  for (const store::ItemView& view : answer.items) answer.damaged += view.damaged ? 1 : 0;
}

bool Keeper::read_place(Answer& answer) {
  const Question& question = answer.question;
  const ItemAsk& place = *question.place;
  Stretch stretch{place.position, place.position + std::uint64_t{place.units} * kUnit, segments_.at(place.position),
                  nullptr};
  if (!read_stretch(stretch, answer.blocks)) {
    answer.failed = true;
    return true;
  }
  const auto record = record_in(stretch, place.position, segments_.journal());
  if (!record) {
    ++answer.damaged;
    return true;
  }
  bool found = false;
  store::ChangeReader reader(record->payload);
  Change change;
  while (reader.next(change)) {
    if (change.kind != Change::Kind::kPut || change.table != question.request.table || change.key != question.key) {
      continue;
    }
    found = true;
    answer.records.clear();
    if (change.expires > question.now) {
      answer.records.push_back({question.key, std::string(as_text(change.body)), change.expires});
    }
  }
  return found;  // else another key of the same hash
}

void Keeper::work(Question& question) {
  Answer answer;
  answer.question = std::move(question);
  const store::ReadRequest& request = answer.question.request;
  tables_.set_now(answer.question.now);
  answer.more = answer.question.more;
  Fallible<bool> done = false;
  switch (request.kind) {
    case store::ReadRequest::Kind::kTake:
    case store::ReadRequest::Kind::kItem:
    case store::ReadRequest::Kind::kClaim:
    case store::ReadRequest::Kind::kMarked: read_items(answer); break;
    case store::ReadRequest::Kind::kGet: {
      if (answer.question.place && read_place(answer)) break;
      KeptRecord record;
      done = tables_.get(request.table, answer.question.key, answer.question.now, record);
      if (done && *done) answer.records.push_back(std::move(record));
      break;
    }
    case store::ReadRequest::Kind::kScan:
      done = tables_.scan(request.table, answer.question.key, request.limit, answer.question.now, answer.records);
      answer.more = done && *done;
      break;
  }
  if (!done) {
    kStoreLog.error("the tables cannot be read", {{"error", done.error()}});
    answer.failed = true;
  }
  {
    const std::lock_guard lock(mutex_);
    outbox_.answers.push_back(std::move(answer));
  }
  progressed_();
}

void Keeper::next_chunk() {
  Chunk chunk;
  chunk.first = clean_at_;
  const auto segment = segments_.at(clean_at_);
  const std::uint64_t end = segment == nullptr ? clean_end_ : std::min(clean_end_, segments_.end_of(*segment));
  const std::uint64_t rest = end > clean_at_ && segment != nullptr ? end - clean_at_ : 0;
  std::uint64_t window = std::min<std::uint64_t>(rest, kCleanWindow);
  for (;;) {
    chunk.bytes.resize(window);
    const auto got = window == 0 ? store::DiskResult<std::size_t>(0)
                                 : segment->file->read_at(chunk.bytes, kSegmentHeader + (clean_at_ - segment->base));
    chunk.bytes.resize(got ? *got : 0);
    RecordWalk walk(chunk.bytes, clean_at_, segments_.journal());
    while (const auto record = walk.next()) {
      chunk.records.emplace_back(record->position, static_cast<std::uint32_t>(record->position - clean_at_));
    }
    chunk.end = walk.end();
    const bool to_the_end = window == rest;
    chunk.damaged = walk.damaged_bytes() > 0 || (segment != nullptr && to_the_end && chunk.end < end);
    if (to_the_end) chunk.end = std::max(end, clean_at_);
    if (chunk.end > clean_at_ || to_the_end) break;
    // Not one record: it is longer than the window, or the window is damaged.
    window = std::min<std::uint64_t>(rest, window * 4);
  }
  // Between two segments nothing is missing; a gap would end it.
  clean_at_ = chunk.end;
  chunk.last = clean_at_ >= clean_end_ || rest == 0;
  {
    const std::lock_guard lock(mutex_);
    outbox_.chunks.push_back(std::move(chunk));
  }
  progressed_();
}

}  // namespace smppd::plugins::rocks_store
