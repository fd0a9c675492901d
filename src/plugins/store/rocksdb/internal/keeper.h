// The slow half of a partition, a thread of its own: applies committed records to the tables, writes segments' indexes,
// reads bodies back, moves old live records out of the oldest segment, prepares spares and lets segments go. The shard
// and the commit thread hand it jobs; it works them off in order, so a read sees everything that was durable before.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "plugins/store/rocksdb/internal/format.h"
#include "plugins/store/rocksdb/internal/journal.h"
#include "plugins/store/rocksdb/internal/segments.h"
#include "plugins/store/rocksdb/internal/tables.h"

namespace smppd::plugins::rocks_store {

struct ItemAsk {
  store::ItemId id = 0;
  store::Progress progress;
  std::uint64_t position = 0;  // of the record with the body; 0: it was lost
  std::uint32_t units = 0;
};

struct Question {
  store::ReadRequest request;
  std::string key;
  std::vector<ItemAsk> items;
  std::optional<ItemAsk> place;  // kGet: the journal has the record
  store::Moment now{};
  bool more = false;
};

struct Answer {
  Answer() = default;
  Answer(const Answer&) = delete;  // its views would stay with the other's octets
  Answer& operator=(const Answer&) = delete;
  Answer(Answer&&) = default;
  Answer& operator=(Answer&&) = default;
  ~Answer() = default;

  Question question;
  std::deque<std::vector<std::uint8_t>> blocks;  // what the views lie in
  std::vector<store::ItemView> items;
  std::vector<KeptRecord> records;
  std::uint64_t damaged = 0;
  bool more = false;
  bool failed = false;
};

// A correlation on its way from the journal to the tables.
struct Moved {
  std::uint64_t hash = 0;
  std::uint64_t position = 0;
  std::uint32_t units = 0;
  std::string key;
  std::string value;
  store::Moment expires{};
};

// A piece of a segment that is being cleaned: the shard copies the live items of it and names the live correlations.
struct Chunk {
  std::vector<std::uint8_t> bytes;  // whole records from `first` on, damaged places left out
  std::vector<std::pair<std::uint64_t, std::uint32_t>> records;  // position, offset in bytes
  std::vector<Moved> moved;
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  store::Moment now{};
  bool damaged = false;
  bool last = false;
};

class Keeper {
 public:
  // What the index of the segment that is gone on in says so far, and what recovery put into the tables without a
  // flush.
  struct Begin {
    std::uint64_t position = 0;
    std::vector<std::uint8_t> entries;
    bool has_table_changes = false;
    Tables::Stamp unflushed;
  };
  Keeper(SegmentSet& segments, Tables& tables, Begin begin, std::function<void()> progressed);
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  // Works off what was committed, then stops.
  ~Keeper();

  void committed(Journal::Batch&& batch);  // commit thread
  // Shard.
  void ask(Question&& question);
  // Everything from the segment that holds `from` to the end of the one that holds `to`.
  void clean(std::uint64_t from, std::uint64_t to);
  void cleaned(Chunk&& chunk);
  struct Outbox {
    std::vector<Answer> answers;
    std::vector<Chunk> chunks;
    std::vector<Moved> confirmed;  // durable in the tables
  };
  void collect(Outbox& outbox);
  [[nodiscard]] std::vector<std::uint8_t> buffer();  // an empty one, with capacity if there is a used one
  // Any thread.
  [[nodiscard]] std::uint64_t applied() const noexcept { return applied_.load(); }  // position
  // There are not as many spares as are wanted, and no more could be made.
  [[nodiscard]] bool without_space() const noexcept { return without_space_.load(); }

 private:
  struct Clean {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };
  using Job = std::variant<Journal::Batch, Question, Clean, Chunk>;

  void run();
  void put(Job&& job);
  void work(Journal::Batch& batch);
  void work(Question& question);
  void work(Clean& clean);
  void work(Chunk& chunk);
  void add_batch_to_tables(const Journal::Batch& batch);
  void add_to_tables(const store::Change& change);
  void apply_tables(std::uint64_t first, std::uint64_t end);
  [[nodiscard]] std::optional<Tables::Stamp> apply_surely(Tables::Batch& batch);
  void close_index();
  void keep_buffer(std::vector<std::uint8_t>&& buffer);
  void read_items(Answer& answer);
  [[nodiscard]] bool read_place(Answer& answer);
  void next_chunk();
  void maintain();
  void confirm_moved();
  void release_segments();
  void prepare_spares();

  SegmentSet& segments_;
  Tables& tables_;
  const std::function<void()> progressed_;

  // The keeper's thread only.
  std::shared_ptr<Segment> indexed_;  // the segment whose index is being gathered
  std::vector<std::uint8_t> entries_ = std::vector<std::uint8_t>(kIndexHeader);  // behind room for the header
  bool has_table_changes_ = false;
  std::uint64_t indexed_end_ = 0;
  Tables::Batch table_batch_;
  struct Unflushed {
    std::uint64_t first = 0;  // position
    Tables::Stamp stamp;
  };
  std::deque<Unflushed> unflushed_;
  std::uint64_t low_water_ = 0;
  Tables::Stamp flush_asked_for_;
  std::chrono::steady_clock::time_point flush_asked_at_{};
  std::chrono::steady_clock::time_point spare_tried_at_{};
  std::pair<std::uint64_t, bool> told_room_;  // how far the segments go, and whether the reserve is enough
  std::uint64_t clean_at_ = 0;
  std::uint64_t clean_end_ = 0;  // nothing before it is left to move once it was reached
  std::deque<std::pair<Tables::Stamp, std::vector<Moved>>> moved_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;                            // guarded by mutex_
  Outbox outbox_;                                   // guarded by mutex_
  std::vector<std::vector<std::uint8_t>> buffers_;  // guarded by mutex_
  bool stop_ = false;                               // guarded by mutex_
  std::atomic<std::uint64_t> applied_{0};
  std::atomic<bool> without_space_{false};
  std::thread thread_;
};

// True when a change is for the tables: all records but correlations, which get there by cleaning only, and what may
// have got there is erased there.
[[nodiscard]] bool is_for_tables(const store::Change& change) noexcept;
// The changes of a record that the journal itself sealed, without looking at its checksum again.
[[nodiscard]] ByteSpan payload_at(const std::uint8_t* record) noexcept;
[[nodiscard]] IndexEntry entry_of(const store::Change& change, std::uint64_t position, std::uint32_t units) noexcept;

}  // namespace smppd::plugins::rocks_store
