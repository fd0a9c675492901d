// The shards of the process: one thread, one event loop each, and a mailbox for every ordered pair of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "runtime/event_loop.h"
#include "runtime/mailbox.h"

namespace smppd::runtime {

class ShardGroup;

// Whoever gives meaning to the records; lives on the shard's thread.
class MailHandler {
 public:
  virtual void on_mail(unsigned from, ByteSpan record) noexcept = 0;
  // The mailbox to `shard` has room again after a send to it was refused.
  virtual void on_mail_room(unsigned shard) noexcept = 0;
  // All of this turn's work is done; mail and output leave after this.
  virtual void on_turn_end() noexcept {}

 protected:
  ~MailHandler() = default;
};

class Shard final : public TurnHook {
 public:
  Shard(ShardGroup& group, unsigned index) : group_(group), index_(index) {}

  [[nodiscard]] unsigned index() const noexcept { return index_; }
  [[nodiscard]] unsigned count() const noexcept;
  [[nodiscard]] EventLoop& loop() noexcept { return loop_; }
  void set_mail_handler(MailHandler* handler) noexcept { handler_ = handler; }

  // Mail to another shard, seen there after this turn. begin_mail() returns null when the mailbox is full.
  [[nodiscard]] std::uint8_t* begin_mail(unsigned to, std::size_t bytes) noexcept;
  void commit_mail(unsigned to) noexcept;
  void send_mail(unsigned to, ByteSpan record);

  bool on_mail() noexcept override;
  void on_turn_end() noexcept override;
  bool has_mail() const noexcept override;

 private:
  ShardGroup& group_;
  unsigned index_;
  EventLoop loop_;
  MailHandler* handler_ = nullptr;
  std::vector<bool> refused_;
};

class ShardGroup {
 public:
  explicit ShardGroup(unsigned count, std::size_t mailbox_bytes = 4 * 1024 * 1024);
  ~ShardGroup();

  [[nodiscard]] unsigned count() const noexcept { return static_cast<unsigned>(shards_.size()); }
  [[nodiscard]] Shard& shard(unsigned index) noexcept { return *shards_[index]; }
  [[nodiscard]] Mailbox& mailbox(unsigned from, unsigned to) noexcept { return *mailboxes_[from * count() + to]; }

  // Starts the threads; `started(shard)` runs first on each. `busy_poll` as in EventLoop.
  void start(bool pin_cpus, Duration busy_poll, const std::function<void(Shard&)>& started);
  // Runs `work` on every shard's thread and waits for all; false when one did not turn within `patience`.
  bool run_on_all(const std::function<void(Shard&)>& work, Duration patience);
  void stop_and_join();

 private:
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<Mailbox>> mailboxes_;
  std::vector<std::jthread> threads_;
};

}  // namespace smppd::runtime
