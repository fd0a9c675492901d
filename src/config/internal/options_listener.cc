#include "config/internal/options.h"

namespace smppd::config {
namespace {

Options listener_timeouts() {
  Describe<ListenerTimeouts> d;
  d.value("read", &ListenerTimeouts::read, duration(kTick, kHour),
          "A PDU that has begun must be complete within this.");
  d.value("write", &ListenerTimeouts::write, duration(kTick, kHour),
          "Output must make progress within this, or the session is closed.");
  d.value("idle", &ListenerTimeouts::idle, duration(kTick, kDay),
          "A session with no PDU but enquire_link for this long is closed.");
  d.value("bind", &ListenerTimeouts::bind, duration(kTick, kHour),
          "A connection must bind within this, its TLS handshake included.");
  d.value("response", &ListenerTimeouts::response, duration(kTick, kHour),
          "The client must answer a deliver_sm within this.");
  return d.take();
}

Options smpp() {
  using T = SmppListener;
  Describe<T> d;
  d.value("versions", &T::versions, list_of(version(), 1), "The interface versions that may bind.")
      .takes_effect(Effect::kNewConnections);
  d.value("auto_negotiate", &T::auto_negotiate, boolean(),
          "Answer an unknown or newer interface_version with the best one of `versions` instead of refusing it.")
      .takes_effect(Effect::kNewConnections);
  d.value("system_id", &T::system_id, text(kSystemId), "The system_id in bind responses.");
  d.value("enquire_link_interval", &T::enquire_link_interval, duration(kNone, kHour),
          "Ask a silent session with enquire_link this often; 0 never asks.");
  d.value("enquire_link_timeout", &T::enquire_link_timeout, duration(kTick, kHour),
          "An enquire_link must be answered within this.");
  d.value("enquire_link_misses", &T::enquire_link_misses, integer(1, 100),
          "That many unanswered enquire_links close the session.");
  d.value("window_size", &T::window_size, integer(1, 100'000), "Unanswered requests a session may have with us.")
      .in("requests");
  d.value("deliver_window", &T::deliver_window, integer(1, 100'000),
          "Unanswered deliver_sm we may have with a session.")
      .in("requests");
  d.value("max_pdu_size", &T::max_pdu_size, integer<std::uint32_t>(1'024, 16'000'000),
          "A longer command_length closes the connection.")
      .in("octets");
  d.value("max_password_length", &T::max_password_length, integer(8, 64), "Longest password a bind may carry.")
      .in("octets");
  d.value("no_route_status", &T::no_route_status, command_status(), "The answer when no route matches.");
  d.value("no_upstream_status", &T::no_upstream_status, command_status(),
          "The answer when none of the route's upstreams has a link.");
  d.value("uncertain_status", &T::uncertain_status, command_status(),
          "The answer when a link was lost or timed out with the request in flight, so that nobody knows its outcome.");
  d.value("overload", &T::overload,
          enumeration<Overload>(
              {{"wait", Overload::kWait}, {"throttle", Overload::kThrottle}, {"queue_full", Overload::kQueueFull}}),
          "When every window of the route's upstreams is full: wait for a slot, or answer ESME_RTHROTTLED or "
          "ESME_RMSGQFUL at once.");
  d.value("overload_wait", &T::overload_wait, duration(kTick, kHour),
          "With `overload: wait`, how long before the request is answered ESME_RTHROTTLED.");
  d.value("kick_oldest", &T::kick_oldest, boolean(),
          "A client over its max_connections loses its oldest session instead of being refused.");
  return d.take();
}

}  // namespace

Options listener_options() {
  using T = Listener;
  Describe<T> d;
  d.value("name", &T::name, name(), "Name in logs, metrics and the API; `type-port` when it is left out.");
  d.value("type", &T::type, choice({"smpp"}, {{"http", "the HTTP listener"}, {"grpc", "the gRPC listener"}}),
          "What is spoken here.")
      .takes_effect(Effect::kNewConnections);
  d.value("address", &T::address, listen_address(), "Where to listen; `:2775` is every interface.").is_required();
  d.value("max_connections", &T::max_connections, integer(1, 10'000'000), "Connections at a time; more are refused.");
  d.value("max_connections_per_ip", &T::max_connections_per_ip, integer(0, 10'000'000),
          "Connections at a time from one address; 0 is no limit.");
  d.value("max_connections_per_client", &T::max_connections_per_client, integer(0, 10'000'000),
          "Sessions a client may have here; 0 leaves it to the client's own max_connections.");
  d.child("timeouts", &T::timeouts, listener_timeouts(), "How long a peer may take.");
  d.child("smpp", &T::smpp, smpp(), "How SMPP is spoken here.");
  Describe<T> rate;
  rate.value("connections_per_second", &T::connections_per_second, number(0, kMaxRate),
             "New connections a second; more are closed at once. 0 is no limit.");
  rate.value("binds_per_second", &T::binds_per_second, number(0, kMaxRate),
             "Binds a second; more are answered ESME_RTHROTTLED. 0 is no limit.");
  rate.unbuilt("requests_per_second", "a request rate for a whole listener (clients have rate_limit)");
  rate.unbuilt("burst", "a request rate for a whole listener (clients have rate_limit)");
  d.group("rate_limit", rate.take(), "How fast peers may arrive.");
  d.value("allowed_ips", &T::allowed_ips, list_of(cidr()), "Only these may connect; empty is everybody.")
      .takes_effect(Effect::kNewConnections);
  d.value("blocked_ips", &T::blocked_ips, list_of(cidr()), "These may not connect, whatever `allowed_ips` says.")
      .takes_effect(Effect::kNewConnections);
  d.value("anonymous", &T::anonymous, maybe(boolean()),
          "Without any `clients`: true accepts binds without a password from everywhere, false from nowhere. When it "
          "is left out, loopback and private addresses may bind.")
      .takes_effect(Effect::kNewConnections);
  d.child("tls", &T::tls, listener_tls_options(), "Clients connect with TLS, and not without.");
  d.unbuilt("http", "the HTTP listener");
  d.unbuilt("grpc", "the gRPC listener");
  d.unbuilt("cors", "the HTTP listener");
  d.unbuilt("filter_chains", "a filter chain for one listener (use `middleware`)");
  return d.take();
}

}  // namespace smppd::config
