#include "downstream/listener.h"

#include <algorithm>
#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "downstream/internal/log.h"
#include "downstream/session_table.h"
#include "telemetry/log.h"

namespace smppd::downstream {

namespace {

// A listener's rates are split evenly, because the kernel spreads connections over the shards evenly.
TokenBucket share_of(double per_second, unsigned shards) {
  if (per_second <= 0) return {};
  return TokenBucket(per_second / shards, std::max(1.0, per_second / shards));
}

}  // namespace

Listener::Listener(SessionTable& table, runtime::EventLoop& loop, std::shared_ptr<ListenerShared> shared, int fd)
    : table_(table),
      loop_(loop),
      shared_(std::move(shared)),
      acceptor_(loop, *this),
      connections_(share_of(shared_->options->connections_per_second, shared_->shard_count)),
      binds_(share_of(shared_->options->binds_per_second, shared_->shard_count)) {
  acceptor_.start(fd);
}

Listener::~Listener() = default;

void Listener::on_accept(int fd, const runtime::SocketAddress& peer) noexcept {
  const config::Listener& options = *shared_->options;
  const auto refuse = [&](std::uint64_t& count) {
    ++count;
    // A reset instead of a close: no TIME_WAIT for each connection of a flood.
    const linger at_once{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(fd);
  };
  if (!shared_->rules.admits(peer.ip)) return refuse(probe_.refused_address);
  if (!connections_.take(loop_.now())) return refuse(probe_.refused_rate);
  if (!shared_->connections.enter(static_cast<std::uint32_t>(options.max_connections))) {
    return refuse(probe_.refused_limit);
  }
  if (!shared_->by_ip.enter(peer.ip, static_cast<std::uint32_t>(options.max_connections_per_ip))) {
    shared_->connections.leave();
    return refuse(probe_.refused_limit);
  }
  ++probe_.accepted;
  table_.adopt(*this, fd, peer);
}

void Listener::tls_failed(const runtime::TlsFailure& failure, const runtime::SocketAddress& peer) noexcept {
  probe_.tls.failed(failure.fault);
  std::uint64_t suppressed = 0;
  if (!tls_log_.allow(loop_.now(), suppressed)) return;
  kLog.info("TLS failed, closing", {{"listener", options().name},
                                    {"peer", peer.to_string()},
                                    {"fault", runtime::name_of(failure.fault)},
                                    {"reason", failure.text},
                                    {"suppressed", suppressed}});
}

void Listener::on_accept_error(int error) noexcept {
  if (++probe_.accept_errors % 100 == 1) {
    kLog.error("cannot accept connections; trying again every 100 ms",
               {{"listener", options().name}, {"reason", std::strerror(error)}});
  }
}

}  // namespace smppd::downstream
