// An HTTP/1.1 server (RFC 9112) for management and intake: one thread, its own event loop, bounded in every direction.
//
// Off the message path: it lives on no shard. The handler runs on the server's thread and must not block; what takes
// time answers later through its Reply, from any thread. Requests of one connection are handled one after the other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace smppd::telemetry {
class Collector;
}

namespace smppd::http {

struct ServerCore;

struct ServerOptions {
  std::string name;            // label of the counters, and what messages call it: "management"
  std::string address_option;  // the option that sets the address, for messages: "management.address"
  std::string address;         // IP or host name; empty: all interfaces
  std::uint16_t port = 0;      // 0: any free port, see Server::port()

  std::size_t max_header = 16 * 1024;  // request line and headers; more is answered 431
  std::size_t max_body = 1024 * 1024;  // more is answered 413
  std::size_t max_connections = 256;   // one more closes the one that is idle longest, or else is answered 503

  std::chrono::milliseconds idle_timeout{60'000};     // between requests
  std::chrono::milliseconds request_timeout{10'000};  // first octet to the whole request; then the connection is closed
  std::chrono::milliseconds reply_timeout{15'000};    // a handler that has not replied: 503
  std::chrono::milliseconds write_timeout{30'000};    // a peer that does not read its response is cut
  std::chrono::milliseconds drain_timeout{2'000};     // stop() waits so long for requests under way
};

class Server {
 public:
  // Listens and serves. On error one sentence that names the address and what to do.
  [[nodiscard]] static Fallible<std::unique_ptr<Server>> start(ServerOptions options, AsyncHandler handler);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // stops

  // The port it listens on, also when port 0 was asked for.
  [[nodiscard]] std::uint16_t port() const noexcept;
  // Accepts no more, closes idle connections, lets requests under way finish within drain_timeout, joins the thread.
  // Must not be called by the handler. Replies that come later are ignored.
  void stop() noexcept;
  // The first half of stop(): returns at once; the requests under way finish meanwhile. From any thread.
  void begin_stop() noexcept;
  // Runs `work` on the server's thread; dropped when the server has stopped. From any thread.
  void post(std::function<void()> work);
  // Adds smppd_http_*; from any thread.
  void collect(telemetry::Collector& collector) const;

 private:
  explicit Server(std::shared_ptr<ServerCore> core);
  std::shared_ptr<ServerCore> core_;
};

}  // namespace smppd::http
