// One SMPP listener on one shard: accepts, refuses what the configuration refuses before a byte is read, and makes
// sessions. Every shard listens on the same address. Shard-local but for the shared counts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "accounts/ip_set.h"
#include "accounts/session_count.h"
#include "base/token_bucket.h"
#include "config/config.h"
#include "message/ids.h"
#include "runtime/acceptor.h"
#include "runtime/tls.h"
#include "smpp/session.h"
#include "telemetry/log.h"

namespace smppd::downstream {

class SessionTable;

// What all shards of a listener share; made by the control thread, lives as long as a session of it.
struct ListenerShared {
  message::ListenerId id;
  config::ConfigPtr config;  // keeps `options` alive
  const config::Listener* options = nullptr;
  accounts::IpRules rules;
  accounts::SessionCount connections;
  accounts::IpSessionCounts by_ip;
  smpp::SessionOptions session_options;
  unsigned shard_count = 1;
};

struct ListenerProbe {
  std::uint64_t accepted = 0, closed = 0;
  std::uint64_t refused_address = 0, refused_limit = 0, refused_rate = 0, accept_errors = 0;
  std::uint64_t binds_ok = 0, binds_refused = 0, bind_timeouts = 0;
  std::uint64_t framing_lost = 0, unknown_commands = 0, wrong_state = 0;
  std::uint64_t read_timeouts = 0, write_timeouts = 0, idle_timeouts = 0, enquire_timeouts = 0;
  std::uint64_t throttled = 0, window_waits = 0;
  std::uint64_t deliveries = 0, delivery_timeouts = 0, late_delivery_responses = 0, unknown_responses = 0;
  std::uint64_t answers_to_gone_sessions = 0;
  std::uint64_t outbinds = 0, outbind_failures = 0;
  runtime::TlsProbe tls;
};

class Listener final : public runtime::AcceptHandler {
 public:
  Listener(SessionTable& table, runtime::EventLoop& loop, std::shared_ptr<ListenerShared> shared, int fd);
  ~Listener();

  void stop_accepting() noexcept { acceptor_.stop(); }
  [[nodiscard]] const std::shared_ptr<ListenerShared>& shared() const noexcept { return shared_; }
  [[nodiscard]] const config::Listener& options() const noexcept { return *shared_->options; }
  [[nodiscard]] ListenerProbe& probe() noexcept { return probe_; }
  [[nodiscard]] bool take_bind_permit(Instant now) noexcept { return binds_.take(now); }

  // For new connections; null is plain. A reload brings another one for the same listener.
  void set_tls(std::shared_ptr<const runtime::TlsContext> tls) noexcept { tls_ = std::move(tls); }
  [[nodiscard]] const runtime::TlsContext* tls() const noexcept { return tls_.get(); }
  // Counts and, within bounds, logs.
  void tls_failed(const runtime::TlsFailure& failure, const runtime::SocketAddress& peer) noexcept;

  void on_accept(int fd, const runtime::SocketAddress& peer) noexcept override;
  void on_accept_error(int error) noexcept override;

 private:
  SessionTable& table_;
  runtime::EventLoop& loop_;
  std::shared_ptr<ListenerShared> shared_;
  runtime::Acceptor acceptor_;
  TokenBucket connections_;
  TokenBucket binds_;
  ListenerProbe probe_;
  std::shared_ptr<const runtime::TlsContext> tls_;
  telemetry::LogLimit tls_log_;
};

}  // namespace smppd::downstream
