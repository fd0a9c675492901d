// One shard's event loop: edge-triggered epoll, timers, and the order of things inside a turn.
//
// A turn: wait -> read the clock once -> timers -> mail from other shards -> ready sockets -> posted work -> hand mail
// to other shards -> flush every connection that has output, once -> destroy what was retired. Mail goes out before
// output and is read before input, so whatever a peer does because of what it was sent finds every shard told.
//
// While somebody is there who has a small part in what the loop carries, and there is much to do, the loop is heedful:
// turns are short. All others stand in line, shared ones in a line of their own that goes first, and a turn does a
// bounded piece of work for them: it reads of one or of a few, or writes what they caused. Those with a small part are
// read in every turn, and what they caused, or are answered, leaves in that turn. What the lines cause is gathered
// until all had their piece, or there is enough of it, so that it is written together as ever. Nothing is different
// while all have about the same part, or there is little to do.
//
// Everything a shard owns is touched on its own thread only; post(), wake() and stop() are the exceptions and may be
// called from any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/time.h"
#include "runtime/buffer_pool.h"
#include "runtime/internal/line.h"
#include "runtime/internal/shares.h"
#include "runtime/timer_wheel.h"

namespace smppd::runtime {

class Connection;

// Whoever owns a file descriptor the loop watches.
class FdHandler {
 public:
  // `events` are EPOLL* bits. Edge-triggered: read until it would block, or ask the loop to run again.
  virtual void on_events(std::uint32_t events) noexcept = 0;

 protected:
  ~FdHandler() = default;
};

// What a loop calls at fixed points of each turn; the shard's mailboxes are one.
class TurnHook {
 public:
  // Handles work that other shards left; true if there may be more at once.
  virtual bool on_mail() noexcept = 0;
  // Hands over what this turn produced for other shards.
  virtual void on_turn_end() noexcept = 0;
  // True when on_mail() has something to do; asked once more before the loop sleeps.
  virtual bool has_mail() const noexcept = 0;

 protected:
  ~TurnHook() = default;
};

class EventLoop {
 public:
  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop();

  // Turns until stop(). The calling thread becomes the shard's thread.
  void run();
  // One turn that waits no longer than `wait`; for tests and tools with a loop of their own.
  void run_once(Duration wait);
  void stop() noexcept;

  // The time of this turn.
  [[nodiscard]] Instant now() const noexcept { return now_; }
  [[nodiscard]] WallTime wall_now() const noexcept;
  [[nodiscard]] std::uint64_t turns() const noexcept { return turns_; }

  // Watches for input, output and hang-up, edge-triggered; `handler` must stay until remove().
  [[nodiscard]] bool add(int fd, FdHandler& handler) noexcept;
  void remove(int fd, FdHandler& handler) noexcept;

  [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
  [[nodiscard]] BufferPool& buffers() noexcept { return buffers_; }
  // The one read buffer of the shard, valid only inside a read.
  [[nodiscard]] std::uint8_t* read_buffer() noexcept { return read_buffer_.get(); }
  // What a connection may take at once, some 700 short messages: the others wait for no more than two such reads of
  // each, one for its event and one that was due.
  static constexpr std::size_t kReadBuffer = 64 * 1024;
  // And while the loop is heedful: some 180 short messages, or 300 answers, which take some 30 us either way, as does
  // writing what was gathered for one connection when that is enough.
  static constexpr std::size_t kPiece = 16 * 1024;
  static constexpr std::size_t kSharedPiece = 8 * 1024;
  static constexpr std::size_t kGathered = 16 * 1024;
  // With that much done for those in line a turn ends; reading or writing one of them counts as the second, at least.
  static constexpr std::size_t kTurn = 8 * 1024;
  static constexpr std::size_t kLeastWork = 2 * 1024;
  static constexpr std::size_t kMaxPartial =
      128 * 1024;  // room in front of it for the unconsumed rest of earlier reads

  // Runs `work` in a turn of this loop; control only, it allocates and locks.
  void post(std::function<void()> work);
  // Makes a sleeping loop turn; cheap when it is awake.
  void wake() noexcept;
  void set_turn_hook(TurnHook* hook) noexcept { hook_ = hook; }
  // How long a turn that finds nothing looks again before it sleeps; before run().
  void set_busy_poll(Duration span) noexcept { busy_poll_ = span; }
  // How long the loop stays heedful; for tests, which do not depend on how fast they run.
  void set_heed(Duration span) noexcept { heed_ = span; }

  // For Connection: somebody with a small part is there; whether that was so in the last turns, and much came; what was
  // read; who has which part in it.
  void note_little() noexcept { little_at_ = now_; }
  [[nodiscard]] bool heedful() const noexcept { return now_ - std::min(little_at_, much_at_) < heed_; }
  void note_read(std::size_t bytes) noexcept { read_ += bytes; }
  [[nodiscard]] Shares& shares() noexcept { return shares_; }

  // For Connection: flush at the end of this turn, or with what is gathered; read again next turn, or in line; forget.
  void schedule_flush(Connection& connection) noexcept;
  void schedule_read(Connection& connection) noexcept;
  void unschedule(Connection& connection) noexcept;
  // One step of a TLS handshake may be done in this turn; a flood of them leaves time for everything else.
  [[nodiscard]] bool take_handshake() noexcept;
  // Destroys `object` when this turn ends, so that nothing on the call stack loses its ground.
  void retire(std::shared_ptr<void> object);

 private:
  void turn(Duration longest_wait);
  [[nodiscard]] bool called() const noexcept;
  int poll_busily(Duration wait) noexcept;
  int wait_for_events(Duration longest_wait) noexcept;
  void dispatch(int count) noexcept;
  void run_ready() noexcept;
  void read(Connection* connection) noexcept;
  void serve_lines() noexcept;
  void serve_everyone() noexcept;
  std::size_t serve_one() noexcept;
  std::size_t flush_gathered(Connection* connection) noexcept;
  void gather() noexcept;
  void release_gathered() noexcept;
  [[nodiscard]] bool lines_empty() const noexcept {
    return shared_line_.empty() && line_.empty() && due_.empty() && gathered_.empty();
  }
  void run_posted();
  void flush_dirty() noexcept;

  static constexpr int kMaxEvents = 512;
  struct Events;

  int epoll_ = -1;
  int wake_fd_ = -1;
  Instant now_;
  std::uint64_t turns_ = 0;
  std::uint64_t handshake_turn_ = 0;
  unsigned handshakes_ = 0;  // in that turn
  TimerWheel timers_;
  BufferPool buffers_;
  std::unique_ptr<std::uint8_t[]> read_buffer_;
  std::unique_ptr<Events> events_;
  Connection* dirty_ = nullptr;
  Connection* dirty_tail_ = nullptr;
  std::vector<Connection*> ready_;
  std::vector<Connection*> ready_now_;
  Line shared_line_;
  Line line_;
  Line due_;                           // to be written, one a turn
  std::vector<Connection*> gathered_;  // to be written once all in line had their piece; null where one is gone
  std::vector<Connection*> touched_;   // have output of what is done for the lines just now; likewise
  bool lined_up_ = false;              // somebody is in line, or output is gathered
  bool serving_lines_ = false;
  Instant little_at_{};
  Instant much_at_{};
  Duration heed_ = std::chrono::milliseconds(32);
  std::size_t read_ = 0;       // in this turn, octets
  std::size_t line_read_ = 0;  // of the line, since the shared ones had their round
  Shares shares_;
  std::vector<std::shared_ptr<void>> retired_;
  TurnHook* hook_ = nullptr;
  Duration busy_poll_{};
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> has_posted_{false};
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace smppd::runtime
