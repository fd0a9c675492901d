// What a listener is configured to do. Plain values, any thread, immutable once loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/tls.h"
#include "config/values.h"

namespace smppd::config {

enum class Overload : std::uint8_t { kWait, kThrottle, kQueueFull };

struct SmppListener {
  std::vector<std::uint8_t> versions{0x33, 0x34, 0x50};
  bool auto_negotiate = true;  // answer an unknown or newer interface_version with the best one we speak
  std::string system_id = "smppd";
  Millis enquire_link_interval{30'000};  // 0: never ask
  Millis enquire_link_timeout{10'000};
  int enquire_link_misses = 1;  // unanswered enquire_links before the session is closed
  int window_size = 100;        // unanswered requests a session may have with us
  int deliver_window = 100;     // unanswered deliver_sm we may have with the session
  std::uint32_t max_pdu_size = 70'000;
  int max_password_length = 64;
  std::uint32_t no_route_status = 0x0B;     // ESME_RINVDSTADR
  std::uint32_t no_upstream_status = 0x08;  // ESME_RSYSERR: no link to any upstream of the route
  std::uint32_t uncertain_status = 0x08;    // link lost or timed out with the request in flight
  Overload overload = Overload::kWait;      // what happens when the upstream's windows are full
  Millis overload_wait{5'000};              // kWait: how long before the request is answered ESME_RTHROTTLED
  bool kick_oldest = false;  // over max_connections of a client: close its oldest session instead of refusing
  bool operator==(const SmppListener&) const = default;
};

struct ListenerTimeouts {
  Millis read{60'000};   // a PDU begun must be complete
  Millis write{30'000};  // output must make progress
  Millis idle{300'000};  // no PDU but enquire_link either way
  Millis bind{30'000};
  Millis response{30'000};  // our deliver_sm must be answered
  bool operator==(const ListenerTimeouts&) const = default;
};

struct Listener {
  Mark mark;
  std::string name;
  std::string type = "smpp";
  Endpoint address;
  int max_connections = 10'000;
  int max_connections_per_ip = 0;      // 0: unlimited
  int max_connections_per_client = 0;  // 0: the client's own limit
  ListenerTimeouts timeouts;
  SmppListener smpp;
  double connections_per_second = 0;  // 0: unlimited
  double binds_per_second = 0;
  std::vector<std::string> allowed_ips;  // CIDR; empty: all
  std::vector<std::string> blocked_ips;
  std::optional<ListenerTls> tls;
  std::optional<bool> anonymous;  // unset: loopback and private peers only, when there are no clients
  bool operator==(const Listener&) const = default;
};

}  // namespace smppd::config
