#include "config/internal/options.h"

namespace smppd::config {
namespace {

Options bind() {
  using T = Bind;
  Describe<T> d;
  d.value("system_id", &T::system_id, text(kSystemId), "Who we are to the SMSC.");
  d.value("password", &T::password, text(kPassword), "Our password there.").is_secret();
  d.value("system_type", &T::system_type, text(kSystemType), "Some carriers insist on theirs.");
  d.value("type", &T::type, choice({"transmitter", "receiver", "transceiver", "pair"}),
          "How to bind; `pair` is a transmitter and a receiver for each connection.");
  d.value("interface_version", &T::interface_version, version(), "The version we bind with.");
  d.also("version", &T::interface_version, version(), "interface_version");
  d.value("addr_ton", &T::addr_ton, octet(), "TON of address_range.");
  d.value("addr_npi", &T::addr_npi, octet(), "NPI of address_range.");
  d.value("address_range", &T::address_range, text(kAddressRange), "The addresses we receive for.");
  return d.take();
}

Options host() {
  using T = Host;
  Describe<T> d;
  d.value("address", &T::address, peer_address(), "host:port; a name is resolved again at each connection.")
      .is_required();
  d.value("weight", &T::weight, integer(0, 1'000'000), "Share of the messages under weighted algorithms.");
  d.value("priority", &T::priority, integer(0, 1'000),
          "Lower first; the next priority is used when no host of this one is healthy.");
  d.value("system_id", &T::system_id, maybe(text(kSystemId)), "Instead of `bind.system_id` for this host.");
  d.value("password", &T::password, maybe(text(kPassword)), "Instead of `bind.password` for this host.").is_secret();
  d.value("cost", &T::cost, map_of(text(32), number(0, 1e9)),
          "Price by destination prefix (\"+258\", \"*\" for the rest), for `cost_based`; the longest prefix counts.");
  return d.take();
}

Options pool() {
  using T = Pool;
  Describe<T> d;
  d.value("min_connections", &T::min_connections, integer(1, 10'000), "Links kept bound to each host.");
  d.value("max_connections", &T::max_connections, integer(1, 10'000),
          "Links to each host at most; opened when the windows are full.");
  d.value("idle_timeout", &T::idle_timeout, duration(kNone, kDay),
          "A link over min_connections that carried nothing for this long is unbound; 0 keeps it.");
  d.value("max_lifetime", &T::max_lifetime, duration(kNone, 365 * kDay),
          "A link is replaced after this long; 0 keeps it for ever.");
  return d.take();
}

Options upstream_timeouts() {
  using T = UpstreamTimeouts;
  const auto in = [](Millis T::* member) { return within(&Upstream::timeouts, member); };
  Describe<Upstream> d;
  d.value("connect", in(&T::connect), duration(kTick, kHour),
          "The connection must be there within this, with its TLS.");
  d.value("bind", in(&T::bind), duration(kTick, kHour), "The bind must be answered within this.");
  d.value("submit", in(&T::submit), duration(kTick, kHour), "Waiting for a window slot and for the response together.");
  d.value("response", in(&T::response), duration(kTick, kHour),
          "From a request written to its response; after that its outcome is uncertain.");
  d.value("read", in(&T::read), duration(kTick, kHour), "A PDU that has begun must be complete within this.");
  d.value("write", in(&T::write), duration(kTick, kHour), "Output must make progress within this.");
  d.fallback("enquire_link", &Upstream::enquire_link_timeout, duration(kTick, kHour), "enquire_link.timeout");
  return d.take();
}

Options health() {
  using T = Health;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(), "Whether hosts are probed at all.");
  d.value("type", &T::type,
          choice({"enquire_link"}, {{"submit", "probing with messages"}, {"tcp", "probing with bare connections"}}),
          "The probe: enquire_link on a link.");
  d.value("interval", &T::interval, duration(Millis(100), kDay), "Between two probes of a host.");
  d.value("timeout", &T::timeout, duration(kTick, kHour), "A probe must be answered within this.");
  d.value("threshold", &T::threshold, integer(1, 1'000), "That many failures in a row take the host out.");
  d.value("recovery_threshold", &T::recovery_threshold, integer(1, 1'000),
          "That many successes in a row bring it back.");
  return d.take();
}

Options upstream_outbind() {
  using T = UpstreamOutbind;
  Describe<T> d;
  d.value("address", &T::address, listen_address(), "Where the SMSC calls; `:2776` is every interface.").is_required();
  d.value("system_id", &T::system_id, text(kSystemId), "Who the SMSC must say it is; others are closed.").is_required();
  d.value("password", &T::password, text(kPassword), "What it must know; better as ${VAR} or ${file:/path}.")
      .is_secret();
  d.value("type", &T::type, choice({"receiver", "transceiver"}),
          "How to bind in answer; an SMSC of version 5.0 may take a transceiver, and then messages too.");
  d.value("allowed_ips", &T::allowed_ips, list_of(cidr()), "Only these may call; empty is everybody.");
  d.value("max_connections", &T::max_connections, integer(1, 1'000), "Calls at a time; more are closed.");
  return d.take();
}

Options throttling() {
  using T = Throttling;
  Describe<T> d;
  d.value("adaptive", &T::adaptive, boolean(),
          "Find the rate that the SMSC takes from the share of ESME_RTHROTTLED and ESME_RMSGQFUL. `false`: each such "
          "answer "
          "is followed by a pause, nothing else.");
  d.value("pause", &T::pause, duration(kNone, kHour),
          "No submit on the link for this long when the SMSC refuses about everything.");
  d.value("decrease", &T::decrease, number(0.01, 1),
          "The rate after it refused more than chance explains, as a share of what it took in the last second.");
  d.value(
      "increase_per_second", &T::increase_per_second, number(0.001, 1),
      "Share of the rate that was taken which comes back each second. Beyond that rate it is how much more is tried at "
      "a time.");
  return d.take();
}

Options failover() {
  using T = Failover;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(), "Whether failures take a host out of use (circuit breaker).");
  d.value("threshold", &T::threshold, integer(1, 100'000), "That many failures in a row open the breaker.");
  d.value("recovery_time", &T::recovery_time, duration(kTick, kDay), "An open breaker tries again after this.");
  d.value("fallback", &T::fallback, name(), "The upstream that takes over when no host here is usable.");
  return d.take();
}

Options message() {
  using T = MessageDefaults;
  Describe<T> d;
  d.value("max_length", &T::max_length, integer(0, 65'535),
          "Most octets this SMSC takes in short_message; 0 is what its version allows.")
      .in("octets");
  d.value("long_messages", &T::long_messages,
          maybe(enumeration<LongText>({{"udh", LongText::kUdh},
                                       {"sar_tlv", LongText::kSar},
                                       {"message_payload", LongText::kPayload},
                                       {"as_is", LongText::kAsIs}})),
          "How this SMSC takes texts that exceed one short message; without it as `multipart.segmentation` says. "
          "`as_is` leaves them and clients' own parts as they are.");
  d.value("default_encoding", &T::default_alphabet, choice({"gsm7", "gsm7_packed", "latin1", "ascii"}),
          "What data_coding 0 means to this SMSC.")
      .also_called("default_alphabet");
  d.value("default_registered_delivery", &T::registered_delivery, maybe(octet()),
          "registered_delivery of messages that ask for no receipt.");
  d.value("default_service_type", &T::service_type, text(kServiceType), "service_type of messages that have none.");
  d.value("default_source_addr_ton", &T::source_addr_ton, maybe(octet()), "TON of sources that have TON 0.");
  d.value("default_source_addr_npi", &T::source_addr_npi, maybe(octet()), "NPI of sources that have NPI 0.");
  return d.take();
}

Kind<std::uint8_t> message_state() {
  std::vector<std::pair<std::string, std::uint8_t>> names{
      {"SCHEDULED", 0},     {"ENROUTE", 1},  {"DELIVERED", 2}, {"EXPIRED", 3},  {"DELETED", 4},
      {"UNDELIVERABLE", 5}, {"ACCEPTED", 6}, {"UNKNOWN", 7},   {"REJECTED", 8}, {"SKIPPED", 9}};
  for (const auto& [word, octet] : {std::pair("SCHEDLD", 0), std::pair("DELIVRD", 2), std::pair("UNDELIV", 5),
                                    std::pair("ACCEPTD", 6), std::pair("REJECTD", 8)}) {
    names.emplace_back(word, static_cast<std::uint8_t>(octet));
  }
  return enumeration(names);
}

Options receipt_meaning() {
  using T = ReceiptMeaning;
  Describe<T> d;
  d.value("state", &T::state, message_state(), "The state it means.").is_required();
  d.value("error", &T::error, maybe(integer<std::uint16_t>(0, 999)), "The err: it means.");
  return d.take();
}

// {state: DELIVERED, error: 0}; the state alone is enough.
Kind<ReceiptMeaning> meaning_kind() {
  static const Options kOptions = receipt_meaning();
  Node properties = map_node();
  for (const Option& option : kOptions) properties.set(option.key, option.schema);
  Node whole = map_node({{"type", text_node("object")},
                         {"properties", std::move(properties)},
                         {"required", list_node({text_node("state")})},
                         {"additionalProperties", plain_node("false")}});
  return {"{state, error} or a state", map_node({{"oneOf", list_node({message_state().schema, std::move(whole)})}}),
          [](Reader& reader, const Node& node, ReceiptMeaning& out) {
            const Node map = node.is_scalar() ? map_node({{"state", node}}, node.at) : node;
            read_options(reader, map, kOptions, &out);
          },
          [](const ReceiptMeaning& in) { return write_options(kOptions, &in, Secrets::kShow); }, false};
}

Options receipt_format() {
  using T = ReceiptFormat;
  Describe<T> d;
  d.value("id_format", &T::id_format, choice({"auto", "as_is", "hex_to_dec", "dec_to_hex"}),
          "How the id in a receipt differs from the one in the response; `auto` learns it.");
  d.value("pattern", &T::pattern, regex(),
          "For receipts that are not the usual text: named groups id, stat, err, sub, dlvrd, submit_date, done_date, "
          "text.");
  d.value("states", &T::states,
          map_of(text(32), choice({"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD",
                                   "ENROUTE", "SKIPPED"})),
          "This carrier's words for states.");
  d.value("map", &T::map, map_of(text(64), meaning_kind()),
          "What this carrier's codes mean: err, stat or `err/stat`, each with the state and error that clients read "
          "instead. The pair counts before err, err before stat.");
  d.value("detect_unflagged", &T::detect_unflagged, boolean(),
          "Take a deliver_sm that reads like a receipt for one even when esm_class does not say so.");
  d.value("swap_addresses", &T::swap_addresses, boolean(), "This carrier sends receipts with the addresses exchanged.");
  return d.take();
}

Options mock_outcome() {
  using T = MockOutcome;
  Describe<T> d;
  d.value("weight", &T::weight, number(0, 1e9), "How often this outcome is drawn, against the others' weights.");
  d.value("status", &T::status, command_status(), "The answer to the submit.");
  d.value("receipt_state", &T::receipt_state,
          choice({"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "ENROUTE", "SKIPPED"}),
          "What the receipt says; without it there is none, even when asked for.");
  d.value("receipt_error", &T::receipt_error, text(16), "err: of the receipt.");
  return d.take();
}

Options mock_chaos() {
  using T = MockChaos;
  Describe<T> d;
  d.value("missing_receipts", &T::missing_receipts, number(0, 1), "Share of receipts that never come.");
  d.value("duplicate_receipts", &T::duplicate_receipts, number(0, 1), "Share that comes twice.");
  d.value("early_receipts", &T::early_receipts, number(0, 1), "Share that comes before the response.");
  d.value("late_receipts", &T::late_receipts, number(0, 1), "Share that comes late.");
  d.value("late_by", &T::late_by, duration(kNone, 30 * kDay), "How late.");
  return d.take();
}

Options mock() {
  using T = Mock;
  Describe<T> d;
  d.value("message_id", &T::message_id,
          template_text({"counter", "uuid", "id", "source_addr", "destination_addr"}, false),
          "Ids of the responses; `${counter}`, `${uuid}`, `${id}`, `${source_addr}` and `${destination_addr}` are "
          "filled in.");
  Describe<T> latency;
  latency.value("min", &T::latency_min, duration(kNone, kHour), "Shortest.");
  latency.value("max", &T::latency_max, duration(kNone, kHour), "Longest.");
  latency.value("distribution", &T::latency_distribution, choice({"fixed", "uniform", "normal", "exponential"}),
                "How it varies between the two.");
  d.group("latency", latency.take(), "How long a response takes; one duration means always that.")
      .scalar_means([](const Node& node) {
        return map_node({{"min", node}, {"max", node}, {"distribution", text_node("fixed", node.at)}}, node.at);
      });
  d.list("outcomes", &T::outcomes, mock_outcome(), "What happens to messages; without any, all are delivered.");
  d.value("receipt_delay", &T::receipt_delay, duration(kNone, 30 * kDay), "From the response to the receipt.");
  d.child("chaos", &T::chaos, mock_chaos(), "Receipts that misbehave.");
  return d.take();
}

void describe_limits(Describe<Upstream>& d) {
  using T = Upstream;
  Describe<T> balancing;
  balancing.value("algorithm", &T::algorithm,
                  choice({"round_robin", "weighted_round_robin", "least_connections", "random", "p2c", "ip_hash",
                          "latency", "cost_based", "adaptive"}),
                  "How a host is picked among the healthy ones of the lowest priority.");
  d.group("load_balancing", balancing.take(), "How messages are spread over the hosts.").scalar_is("algorithm");
  Describe<RateLimit> rate;
  rate.value("messages_per_second", &RateLimit::messages_per_second, number(0, kMaxRate), "0 is no limit.");
  rate.value("burst", &RateLimit::burst, number(0, kMaxRate), "Messages that may go at once; 0 is one second's worth.");
  d.child("rate_limit", &T::rate_limit, rate.take(), "Protects the SMSC: messages to the whole upstream.")
      .scalar_is("messages_per_second");
  Describe<T> window;
  window.value("size", &T::window_size, integer(1, 100'000), "Unanswered requests on one link.").in("requests");
  window.value("timeout", &T::window_timeout, duration(kTick, kHour), "Longest wait for a slot.");
  d.group("window", window.take(), "What may be in flight.").scalar_is("size");
  Describe<T> enquire;
  enquire.value("interval", &T::enquire_link_interval, duration(kNone, kHour),
                "Ask a silent link this often; 0 never asks.");
  enquire.value("timeout", &T::enquire_link_timeout, duration(kTick, kHour), "Then the link is closed.");
  d.group("enquire_link", enquire.take(), "Whether a link still lives.").scalar_is("interval");
}

void describe_more(Describe<Upstream>& d) {
  using T = Upstream;
  d.child("reconnect", &T::reconnect, reconnect_options(), "How a lost link comes back.");
  d.child("throttling", &T::throttling, throttling(), "What an SMSC's \"too fast\" does.");
  d.child("retry", &T::retry, retry_options(), "How a stored message that was not taken is sent again.");
  d.child("failover", &T::failover, failover(), "When to stop using what fails.").scalar_is("fallback");
  Describe<T> breaker;
  breaker.also("threshold", within(&T::failover, &Failover::threshold), integer(1, 100'000), "failover.threshold");
  breaker.also("timeout", within(&T::failover, &Failover::recovery_time), duration(kTick, kDay),
               "failover.recovery_time");
  d.group("circuit_breaker", breaker.take(), "Other words for `failover`.");
  d.child("message", &T::message, message(), "What messages to this SMSC look like.");
  d.child("receipts", &T::receipts, receipt_format(), "How this SMSC writes receipts.");
  d.child("mock", &T::mock, mock(), "Instead of `hosts`: answers are made here, for tests.");
  d.value("tags", &T::tags, map_of(text(64), text(256)), "Yours; shown in the API.");
  d.value("message_id", &T::message_id, choice({"own", "upstream"}),
          "Which id the client gets: one of ours, or the SMSC's.");
  Describe<T> protocol;
  protocol.also("version", within(&T::bind, &Bind::interface_version), version(), "bind.interface_version");
  protocol.fixed("auto_respond_enquire", boolean(), true, "enquire_link is always answered.");
  protocol.fixed("auto_respond_unbind", boolean(), true, "unbind is always answered.");
  d.group("protocol", protocol.take(), "How SMPP is spoken to this SMSC.");
  d.child("tls", &T::tls, upstream_tls_options(), "Links to this SMSC use TLS.");
  d.unbuilt("storage", "storing messages");
}

}  // namespace

Options reconnect_options() {
  using T = Reconnect;
  Describe<T> d;
  d.value("initial", &T::initial, duration(kTick, kHour), "Wait before the first new attempt.");
  d.value("max", &T::max, duration(kTick, kDay), "Longest wait between attempts.");
  d.value("factor", &T::factor, number(1, 100), "Each wait is this many times the one before.");
  d.value("jitter", &T::jitter, number(0, 1), "Share of each wait that is random.");
  return d.take();
}

Options upstream_options() {
  using T = Upstream;
  Describe<T> d;
  d.value("name", &T::name, name(), "Name in routes, logs, metrics and the API.").is_required();
  d.list("hosts", &T::hosts, host(), "The SMSC's addresses; \"host:port\" alone is an address.").scalar_is("address");
  d.child("outbind", &T::outbind, upstream_outbind(),
          "The SMSC calls us and we bind on its connection; beside `hosts`, or instead of them.");
  d.child("bind", &T::bind, bind(), "How we bind.").takes_effect(Effect::kNewConnections);
  d.child("pool", &T::pool, pool(), "How many links.");
  d.child("health", &T::health, health(), "Whether a host can be used.");
  describe_limits(d);
  d.group("timeouts", upstream_timeouts(), "How long the SMSC may take.");
  describe_more(d);
  return d.take();
}

}  // namespace smppd::config
