// One thread's part of the simulator: its sessions, messages, chances and counters. Everything here is touched on its
// own thread only; other shards reach it through EventLoop::post().
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/slab.h"
#include "base/token_bucket.h"
#include "runtime/acceptor.h"
#include "runtime/event_loop.h"
#include "smpp/pdu_builder.h"
#include "smppsim/account.h"
#include "smppsim/later.h"
#include "smppsim/message_store.h"
#include "smppsim/options.h"
#include "smppsim/pdu_log.h"
#include "smppsim/stats.h"
#include "toolkit/random.h"

namespace smppd::sim {

class Session;
class Shard;

// What the shards have in common. Any thread.
class Directory {
 public:
  virtual ~Directory() = default;
  // Counts a session of `system_id`; false when that would exceed the limit.
  virtual bool session_bound(const std::string& system_id, bool receives, unsigned shard) = 0;
  virtual void session_ended(const std::string& system_id, bool receives, unsigned shard) = 0;
  // Another shard where `system_id` can receive, or null.
  virtual Shard* receiving_shard(const std::string& system_id, const Shard& asking) = 0;
  // Somebody who can receive, in turn; empty when there is nobody.
  virtual std::string any_receiver() = 0;
  virtual Shard& shard_of(std::uint64_t message_number) = 0;
};

class Shard final : public runtime::AcceptHandler {
 public:
  Shard(unsigned index, runtime::EventLoop& loop, const Options& options, Directory& directory, PduLog* log);
  ~Shard();

  void listen(int fd);
  void connect_outbind(const runtime::SocketAddress& to);
  void close_everything() noexcept;

  // Gives a delivery to a receiver of the account: `preferred` if it can, another one here, another shard's, or later.
  void deliver(Account& account, ByteSpan pdu, DeliveryKind kind, Session* preferred) noexcept;
  // For a delivery that comes from another shard.
  void take_delivery(const std::string& system_id, Delivery delivery) noexcept;
  // Sends what waits, as far as windows allow.
  void drain(Account& account) noexcept;
  void add_receiver(Session& session, Account& account);
  void remove_receiver(Session& session, Account& account) noexcept;

  // Number of a new message.
  std::uint64_t next_number() noexcept { return options.first_id + (counter_++) * options.threads + index; }
  [[nodiscard]] Session* session(SlabHandle handle) noexcept;
  void forget(SlabHandle handle) noexcept;
  [[nodiscard]] Account& account(const std::string& system_id);
  // One message more within --max-rate.
  [[nodiscard]] bool take_rate() noexcept { return rate_.take(loop.now()); }

  void on_accept(int fd, const runtime::SocketAddress& peer) noexcept override;
  void on_accept_error(int error) noexcept override;

  const unsigned index;
  runtime::EventLoop& loop;
  const Options& options;
  Directory& directory;
  PduLog* const log;  // null without --log
  Stats stats;
  toolkit::Random random;
  MessageStore messages;
  RuleCursor rules;
  Later later;
  smpp::PduBuilder builder;           // reused for whatever is written
  std::vector<std::uint8_t> scratch;  // where it is written to

 private:
  std::shared_ptr<Session> new_session(const runtime::SocketAddress& peer);
  Session* pick_receiver(Account& account, Session* preferred) noexcept;

  TokenBucket rate_;
  std::uint64_t counter_ = 0;
  std::uint64_t session_count_ = 0;
  std::vector<std::unique_ptr<runtime::Acceptor>> acceptors_;
  Slab<std::shared_ptr<Session>> sessions_;
  std::unordered_map<std::string, Account> accounts_;
};

}  // namespace smppd::sim
