#include "server/metrics.h"

#include <array>
#include <map>
#include <string>

namespace smppd::server {

namespace {

using telemetry::Collector;
using telemetry::Labels;
using telemetry::MetricDescription;
using telemetry::MetricKind;

constexpr auto kCounter = MetricKind::kCounter;
constexpr auto kGauge = MetricKind::kGauge;
constexpr auto kHistogram = MetricKind::kHistogram;

// A probe's plain counters: which metric each member is.
template <typename Probe>
struct Counted {
  std::uint64_t Probe::* member;
  MetricDescription description;
};

constexpr std::array kFlowCounters = std::to_array<Counted<flow::FlowProbe>>({
    {&flow::FlowProbe::submitted, {"smppd_messages_submitted_total", kCounter, "Messages clients handed in"}},
    {&flow::FlowProbe::malformed, {"smppd_flow_malformed_pdus_total", kCounter, "PDUs whose fields contradict SMPP"}},
    {&flow::FlowProbe::filtered, {"smppd_flow_filtered_messages_total", kCounter, "Messages a filter refused"}},
    {&flow::FlowProbe::dropped_by_filter,
     {"smppd_flow_dropped_messages_total", kCounter, "Messages a filter discarded"}},
    {&flow::FlowProbe::no_route, {"smppd_flow_no_route_messages_total", kCounter, "Messages without a route"}},
    {&flow::FlowProbe::no_upstream,
     {"smppd_flow_no_upstream_messages_total", kCounter, "Messages whose upstreams were all down"}},
    {&flow::FlowProbe::canned,
     {"smppd_flow_canned_responses_total", kCounter, "Messages answered by a response route"}},
    {&flow::FlowProbe::unadaptable,
     {"smppd_flow_unadaptable_messages_total", kCounter, "Messages the upstream's version cannot carry"}},
    {&flow::FlowProbe::waits, {"smppd_flow_window_waits_total", kCounter, "Times a message had to wait for a window"}},
    {&flow::FlowProbe::uncertain,
     {"smppd_flow_uncertain_messages_total", kCounter, "Messages sent whose answer never came"}},
    {&flow::FlowProbe::never_sent,
     {"smppd_flow_never_sent_messages_total", kCounter, "Messages given up before they were sent"}},
    {&flow::FlowProbe::late, {"smppd_flow_late_responses_total", kCounter, "Answers after their request timed out"}},
    {&flow::FlowProbe::multi, {"smppd_flow_submit_multi_total", kCounter, "submit_multi requests"}},
    {&flow::FlowProbe::operations, {"smppd_flow_operations_total", kCounter, "query, cancel and replace requests"}},
    {&flow::FlowProbe::operations_unknown,
     {"smppd_flow_operations_failed_total", kCounter, "query, cancel and replace requests not carried out"}},
    {&flow::FlowProbe::receipts, {"smppd_flow_receipts_total", kCounter, "Receipts SMSCs sent"}},
    {&flow::FlowProbe::receipts_forwarded,
     {"smppd_flow_receipts_forwarded_total", kCounter, "Receipts handed to their client"}},
    {&flow::FlowProbe::receipts_unwanted,
     {"smppd_flow_receipts_unwanted_total", kCounter, "Receipts nobody asked for"}},
    {&flow::FlowProbe::receipts_unmatched,
     {"smppd_flow_receipts_unmatched_total", kCounter, "Receipts whose message is not known"}},
    {&flow::FlowProbe::receipts_parked,
     {"smppd_flow_receipts_parked_total", kCounter, "Receipts that came before their message's id"}},
    {&flow::FlowProbe::receipts_refused,
     {"smppd_flow_receipts_refused_total", kCounter, "Receipts left with the SMSC because their client is away"}},
    {&flow::FlowProbe::receipts_duplicate,
     {"smppd_flow_receipts_duplicate_total", kCounter, "Final receipts that came again"}},
    {&flow::FlowProbe::receipts_of_parts,
     {"smppd_flow_receipts_of_parts_total", kCounter, "Receipts of parts, kept until the other parts have theirs"}},
    {&flow::FlowProbe::long_messages, {"smppd_flow_long_messages_total", kCounter, "Messages sent in parts"}},
    {&flow::FlowProbe::long_parts, {"smppd_flow_long_parts_total", kCounter, "Parts of them that SMSCs accepted"}},
    {&flow::FlowProbe::long_partial,
     {"smppd_flow_long_partial_total", kCounter, "Messages of which an SMSC has only some parts"}},
    {&flow::FlowProbe::long_refused,
     {"smppd_flow_long_refused_total", kCounter, "Messages refused because they take too many parts"}},
    {&flow::FlowProbe::parts_rewritten,
     {"smppd_flow_parts_rewritten_total", kCounter,
      "Clients' own parts marked another way or given another reference"}},
    {&flow::FlowProbe::mo, {"smppd_flow_mo_messages_total", kCounter, "Messages from handsets"}},
    {&flow::FlowProbe::mo_forwarded, {"smppd_flow_mo_forwarded_total", kCounter, "MO handed to a client"}},
    {&flow::FlowProbe::mo_refused,
     {"smppd_flow_mo_refused_total", kCounter, "MO left with the SMSC because nobody takes them"}},
    {&flow::FlowProbe::mo_reassembled, {"smppd_flow_mo_reassembled_total", kCounter, "Long MO put together"}},
    {&flow::FlowProbe::alerts, {"smppd_flow_alert_notifications_total", kCounter, "alert_notification PDUs received"}},
    {&flow::FlowProbe::alerts_forwarded,
     {"smppd_flow_alert_notifications_forwarded_total", kCounter, "alert_notification PDUs sent on to a client"}},
    {&flow::FlowProbe::alerts_unclaimed,
     {"smppd_flow_alert_notifications_unclaimed_total", kCounter, "alert_notification PDUs nobody takes"}},
    {&flow::FlowProbe::cross_shard, {"smppd_flow_cross_shard_total", kCounter, "Messages carried to another shard"}},
    {&flow::FlowProbe::kept,
     {"smppd_flow_kept_messages_total", kCounter, "Messages clients were answered for because the store has them"}},
    {&flow::FlowProbe::store_full,
     {"smppd_flow_store_full_total", kCounter,
      "Messages that found no room in the store: their client waits or is refused"}},
    {&flow::FlowProbe::store_damaged,
     {"smppd_flow_store_damaged_total", kCounter, "Stored messages that could not be read back"}},
    {&flow::FlowProbe::retried,
     {"smppd_flow_retried_messages_total", kCounter, "Refused messages that were queued again"}},
    {&flow::FlowProbe::found_uncertain,
     {"smppd_flow_found_uncertain_messages_total", kCounter,
      "Stored messages that were on their way when smppd ended"}},
    {&flow::FlowProbe::resent_uncertain,
     {"smppd_flow_resent_uncertain_messages_total", kCounter,
      "Messages sent again, by policy, though the SMSC may have them"}},
    {&flow::FlowProbe::adopted,
     {"smppd_flow_adopted_answers_total", kCounter, "Uncertain messages that a late answer or a receipt settled"}},
    {&flow::FlowProbe::found_full,
     {"smppd_flow_found_full_messages_total", kCounter,
      "Stored messages that went back to their queue because another shard had filled the window they were meant for"}},
    {&flow::FlowProbe::expired,
     {"smppd_flow_expired_messages_total", kCounter, "Stored messages whose validity ended"}},
    {&flow::FlowProbe::replaced,
     {"smppd_flow_replaced_messages_total", kCounter,
      "Stored messages that another took the place of, by replace_if_present_flag"}},
    {&flow::FlowProbe::cancelled,
     {"smppd_flow_cancelled_messages_total", kCounter, "Stored messages their sender cancelled"}},
    {&flow::FlowProbe::dead,
     {"smppd_flow_dead_messages_total", kCounter, "Stored messages given up and kept as dead letters"}},
    {&flow::FlowProbe::requeued,
     {"smppd_flow_requeued_messages_total", kCounter, "Dead letters queued again by the operator"}},
    {&flow::FlowProbe::own_receipts,
     {"smppd_flow_own_receipts_total", kCounter, "Receipts written here about messages that ended here"}},
    {&flow::FlowProbe::inbox_kept,
     {"smppd_flow_inbox_kept_total", kCounter, "Receipts and MO stored for their client"}},
    {&flow::FlowProbe::inbox_full,
     {"smppd_flow_inbox_full_total", kCounter,
      "Receipts and MO left with the SMSC because the client's inbox is full"}},
    {&flow::FlowProbe::inbox_again,
     {"smppd_flow_inbox_again_total", kCounter, "Deliveries a client refused or did not answer, to be tried again"}},
    {&flow::FlowProbe::inbox_expired,
     {"smppd_flow_inbox_expired_total", kCounter, "Receipts and MO their client did not come for in time"}},
});

constexpr std::array kListenerCounters = std::to_array<Counted<downstream::ListenerProbe>>({
    {&downstream::ListenerProbe::accepted, {"smppd_downstream_connections_total", kCounter, "Connections accepted"}},
    {&downstream::ListenerProbe::closed, {"smppd_downstream_closed_connections_total", kCounter, "Connections ended"}},
    {&downstream::ListenerProbe::refused_address,
     {"smppd_downstream_refused_address_total", kCounter, "Connections refused for their address"}},
    {&downstream::ListenerProbe::refused_limit,
     {"smppd_downstream_refused_limit_total", kCounter, "Connections refused by a limit"}},
    {&downstream::ListenerProbe::refused_rate,
     {"smppd_downstream_refused_rate_total", kCounter, "Connections refused by connections_per_second"}},
    {&downstream::ListenerProbe::accept_errors, {"smppd_downstream_accept_errors_total", kCounter, "Failed accepts"}},
    {&downstream::ListenerProbe::binds_ok, {"smppd_downstream_binds_total", kCounter, "Binds accepted"}},
    {&downstream::ListenerProbe::binds_refused, {"smppd_downstream_refused_binds_total", kCounter, "Binds refused"}},
    {&downstream::ListenerProbe::bind_timeouts,
     {"smppd_downstream_bind_timeouts_total", kCounter, "Connections that did not bind in time"}},
    {&downstream::ListenerProbe::framing_lost,
     {"smppd_downstream_framing_lost_total", kCounter, "Connections closed because they do not speak SMPP"}},
    {&downstream::ListenerProbe::unknown_commands,
     {"smppd_downstream_unknown_commands_total", kCounter, "PDUs with a command_id no version has"}},
    {&downstream::ListenerProbe::wrong_state,
     {"smppd_downstream_wrong_state_total", kCounter, "Requests not allowed in the session's state"}},
    {&downstream::ListenerProbe::read_timeouts, {"smppd_downstream_read_timeouts_total", kCounter, "Unfinished PDUs"}},
    {&downstream::ListenerProbe::write_timeouts,
     {"smppd_downstream_write_timeouts_total", kCounter, "Sessions closed because they read nothing"}},
    {&downstream::ListenerProbe::idle_timeouts,
     {"smppd_downstream_idle_timeouts_total", kCounter, "Idle sessions closed"}},
    {&downstream::ListenerProbe::enquire_timeouts,
     {"smppd_downstream_enquire_timeouts_total", kCounter, "Sessions closed for unanswered enquire_link"}},
    {&downstream::ListenerProbe::throttled,
     {"smppd_downstream_throttled_total", kCounter, "Requests answered throttled or queue full"}},
    {&downstream::ListenerProbe::window_waits,
     {"smppd_downstream_window_waits_total", kCounter, "Times reading paused because a client's window was full"}},
    {&downstream::ListenerProbe::deliveries, {"smppd_downstream_deliveries_total", kCounter, "deliver_sm sent"}},
    {&downstream::ListenerProbe::delivery_timeouts,
     {"smppd_downstream_delivery_timeouts_total", kCounter, "deliver_sm not answered in time"}},
    {&downstream::ListenerProbe::late_delivery_responses,
     {"smppd_downstream_late_delivery_responses_total", kCounter, "deliver_sm answered after the timeout"}},
    {&downstream::ListenerProbe::unknown_responses,
     {"smppd_downstream_unknown_responses_total", kCounter, "Responses to nothing we asked"}},
    {&downstream::ListenerProbe::answers_to_gone_sessions,
     {"smppd_downstream_answers_to_gone_sessions_total", kCounter, "Answers whose session had closed"}},
    {&downstream::ListenerProbe::outbinds,
     {"smppd_downstream_outbinds_total", kCounter, "Clients called with outbind"}},
    {&downstream::ListenerProbe::outbind_failures,
     {"smppd_downstream_outbind_failures_total", kCounter, "Calls after which the client did not bind to receive"}},
});

constexpr std::array kLinkCounters = std::to_array<Counted<upstream::LinkProbe>>({
    {&upstream::LinkProbe::connects, {"smppd_upstream_connects_total", kCounter, "Connections attempted"}},
    {&upstream::LinkProbe::connect_failures,
     {"smppd_upstream_connect_failures_total", kCounter, "Connections that failed"}},
    {&upstream::LinkProbe::binds, {"smppd_upstream_binds_total", kCounter, "Binds the SMSC accepted"}},
    {&upstream::LinkProbe::bind_failures, {"smppd_upstream_bind_failures_total", kCounter, "Binds the SMSC refused"}},
    {&upstream::LinkProbe::sent, {"smppd_endpoint_requests_total", kCounter, "Requests sent"}},
    {&upstream::LinkProbe::answered, {"smppd_upstream_responses_total", kCounter, "Requests answered in time"}},
    {&upstream::LinkProbe::late,
     {"smppd_upstream_late_responses_total", kCounter, "Requests answered after the timeout"}},
    {&upstream::LinkProbe::unknown_responses,
     {"smppd_upstream_unknown_responses_total", kCounter, "Responses to nothing we asked"}},
    {&upstream::LinkProbe::timeouts, {"smppd_upstream_timeouts_total", kCounter, "Requests not answered in time"}},
    {&upstream::LinkProbe::lost, {"smppd_upstream_lost_total", kCounter, "Requests in flight when their link died"}},
    {&upstream::LinkProbe::malformed,
     {"smppd_upstream_malformed_total", kCounter, "PDUs from the SMSC that are not SMPP"}},
    {&upstream::LinkProbe::nacks, {"smppd_upstream_generic_nacks_total", kCounter, "generic_nack received"}},
    {&upstream::LinkProbe::outbinds,
     {"smppd_upstream_outbinds_total", kCounter, "Calls of the SMSC with the right system_id and password"}},
    {&upstream::LinkProbe::deliveries,
     {"smppd_upstream_deliveries_total", kCounter, "deliver_sm and data_sm received"}},
});

constexpr MetricDescription kMessages{"smppd_messages_total", kCounter, "Messages answered, by outcome"};
constexpr MetricDescription kDelivered{"smppd_messages_delivered_total", kCounter, "Receipts that say DELIVRD"};
constexpr MetricDescription kFailed{"smppd_messages_failed_total", kCounter, "Messages refused or of unknown outcome"};
constexpr MetricDescription kDlr{"smppd_dlr_received_total", kCounter, "Receipts by final state"};
constexpr MetricDescription kMapEntries{"smppd_flow_receipt_map_entries", kGauge, "Messages whose receipt is awaited"};
constexpr MetricDescription kMapBytes{"smppd_flow_receipt_map_bytes", kGauge, "Memory of the receipt map"};
constexpr MetricDescription kMapEvicted{"smppd_flow_receipt_map_evicted_total", kCounter,
                                        "Messages forgotten because the receipt map was full"};
constexpr MetricDescription kToldMarks{"smppd_flow_receipts_told_marks", kGauge,
                                       "Messages of which it is only known that their final receipt was told"};
constexpr MetricDescription kParked{"smppd_flow_receipts_waiting", kGauge, "Receipts parked right now"};
constexpr MetricDescription kUnmatchedKept{"smppd_flow_receipts_unmatched_kept", kGauge,
                                           "Unmatched receipts kept to be tried again"};
constexpr MetricDescription kUnmatchedDropped{"smppd_flow_receipts_unmatched_dropped_total", kCounter,
                                              "Unmatched receipts forgotten for want of room"};
constexpr MetricDescription kReplayed{"smppd_flow_receipts_replayed_total", kCounter,
                                      "Unmatched receipts that found their message on another try"};
constexpr MetricDescription kCodes{"smppd_flow_receipt_codes_total", kCounter,
                                   "Receipts of upstreams with receipts.map, by whether it knows their code"};
constexpr MetricDescription kTlsHandshakes{"smppd_downstream_tls_handshakes_total", kCounter,
                                           "TLS handshakes with clients that succeeded"};
constexpr MetricDescription kTlsFailures{"smppd_downstream_tls_failures_total", kCounter,
                                         "Connections of clients that ended by a failure of TLS, by reason"};
constexpr MetricDescription kTlsConnections{"smppd_downstream_tls_connections", kGauge,
                                            "Connections of a listener that are encrypted"};
constexpr MetricDescription kLinkTlsHandshakes{"smppd_upstream_tls_handshakes_total", kCounter,
                                               "TLS handshakes with SMSCs that succeeded"};
constexpr MetricDescription kLinkTlsFailures{"smppd_upstream_tls_failures_total", kCounter,
                                             "Connections to SMSCs that ended by a failure of TLS, by reason"};
constexpr MetricDescription kTlsLinks{"smppd_upstream_tls_links", kGauge, "Links of an upstream that are encrypted"};
constexpr MetricDescription kTurns{"smppd_runtime_loop_turns_total", kCounter, "Turns of the event loop"};
constexpr MetricDescription kConnectionsActive{"smppd_connections_active", kGauge, "Connections by kind and client"};
constexpr MetricDescription kConnectionActive{"smppd_connection_active", kGauge, "Connections of a listener"};
constexpr MetricDescription kLatency{"smppd_message_latency_seconds", kHistogram, "Time the SMSC takes to answer"};
constexpr MetricDescription kEndpointLatency{"smppd_endpoint_latency_seconds", kGauge,
                                             "Smoothed time a host takes to answer"};
constexpr MetricDescription kHealth{"smppd_upstream_health", kGauge, "1 when the upstream can take messages"};
constexpr MetricDescription kHostHealth{"smppd_upstream_host_links", kGauge, "Links of a host ready for traffic"};
constexpr MetricDescription kLinkStates{"smppd_upstream_links", kGauge, "Links by state"};
constexpr MetricDescription kInFlight{"smppd_upstream_in_flight", kGauge, "Requests waiting for the SMSC's answer"};
constexpr MetricDescription kUpstreamRequests{"smppd_upstream_requests_total", kCounter,
                                              "Requests an upstream was given"};
constexpr MetricDescription kUpstreamConnections{"smppd_upstream_connections_total", kCounter,
                                                 "Connections to an upstream that were made"};
constexpr MetricDescription kUpstreamConnectionsActive{"smppd_upstream_connections_active", kGauge,
                                                       "Links of an upstream that are bound"};
constexpr MetricDescription kThrottled{"smppd_upstream_throttled_total", kCounter, "Throttling answers of the SMSC"};
constexpr MetricDescription kCallsRefused{"smppd_upstream_outbinds_refused_total", kCounter,
                                          "Calls closed for their address, system_id, password or number"};
constexpr MetricDescription kBreaker{"smppd_upstream_breaker_open", kGauge,
                                     "1 while a host's breaker keeps traffic away"};

constexpr MetricDescription kHealthChecks{"smppd_upstream_health_checks_total", kCounter,
                                          "Ends of a link's enquire_link: answered, or given up as lost"};
constexpr MetricDescription kEndpointResponses{"smppd_endpoint_responses_total", kCounter,
                                               "Answers in time, by whether the SMSC accepted"};

constexpr MetricDescription kStoreItems{"smppd_store_messages", kGauge, "Messages, receipts and MO in the store"};
constexpr MetricDescription kStoreHeld{"smppd_store_held_messages", kGauge,
                                       "Those on their way to an SMSC or a client"};
constexpr MetricDescription kStoreItemBytes{"smppd_store_message_bytes", kGauge, "What they take in the store"};
constexpr MetricDescription kStoreMemory{"smppd_store_memory_bytes", kGauge, "Memory of the store's index"};
constexpr MetricDescription kStoreDisk{"smppd_store_disk_bytes", kGauge, "Disk space of the store's journals"};
constexpr MetricDescription kStoreCommits{"smppd_store_transactions_total", kCounter, "Changes handed to the store"};
constexpr MetricDescription kStoreSyncs{"smppd_store_syncs_total", kCounter, "Times the store waited for the disk"};
constexpr MetricDescription kStoreFailures{"smppd_store_write_failures_total", kCounter,
                                           "Writes or syncs that failed, of the journals and of the tables"};
constexpr MetricDescription kStoreRefused{"smppd_store_refused_total", kCounter, "Changes refused for want of room"};

void collect_store(flow::Flow& flow, Collector& collector) {
  const auto store = flow.store_stats();
  if (!store) return;
  collector.add(kStoreItems, static_cast<double>(store->items));
  collector.add(kStoreHeld, static_cast<double>(store->held));
  collector.add(kStoreItemBytes, static_cast<double>(store->item_bytes));
  collector.add(kStoreMemory, static_cast<double>(store->memory_bytes));
  collector.add(kStoreDisk, static_cast<double>(store->disk_bytes));
  collector.add(kStoreCommits, static_cast<double>(store->appended));
  collector.add(kStoreSyncs, static_cast<double>(store->syncs));
  collector.add(kStoreFailures, static_cast<double>(store->write_failures));
  collector.add(kStoreRefused, static_cast<double>(store->refused));
}

template <typename Probe, std::size_t N>
void add_all(const std::array<Counted<Probe>, N>& table, const Probe& probe, const Labels& labels,
             Collector& collector) {
  for (const auto& counted : table) {
    collector.add(counted.description, static_cast<double>(probe.*counted.member), labels);
  }
}

std::string client_name(const flow::Snapshot& snapshot, message::ClientId id) {
  return id.valid() && id.value() < snapshot.client_names.size() ? snapshot.client_names[id.value()] : "anonymous";
}

std::string endpoint_name(const config::Host& host) {
  return host.address.host + ":" + std::to_string(host.address.port);
}

void collect_traffic(const flow::FlowProbe& probe, const flow::Snapshot& snapshot, Collector& collector) {
  for (std::size_t u = 0; u < probe.traffic.size(); ++u) {
    const std::string upstream = u == 0 ? "none" : snapshot.upstream_names[u - 1];
    for (std::size_t c = 0; c < probe.traffic[u].size(); ++c) {
      const flow::Traffic& traffic = probe.traffic[u][c];
      if (traffic.accepted + traffic.refused + traffic.uncertain == 0) continue;
      const std::string client = c == 0 ? "anonymous" : snapshot.client_names[c - 1];
      const auto add = [&](const char* status, std::uint64_t count) {
        collector.add(kMessages, static_cast<double>(count),
                      {{"direction", "mt"}, {"status", status}, {"upstream", upstream}, {"client", client}});
      };
      add("accepted", traffic.accepted);
      add("refused", traffic.refused);
      add("uncertain", traffic.uncertain);
      collector.add(kFailed, static_cast<double>(traffic.refused + traffic.uncertain));
    }
  }
}

void collect_codes(const flow::FlowProbe& probe, const flow::Snapshot& snapshot, Collector& collector) {
  for (std::size_t u = 0; u < probe.codes.size(); ++u) {
    const auto& [mapped, unmapped] = probe.codes[u];
    if (mapped + unmapped == 0) continue;
    for (const auto& [result, count] : {std::pair("mapped", mapped), std::pair("unmapped", unmapped)}) {
      collector.add(kCodes, static_cast<double>(count), {{"upstream", snapshot.upstream_names[u]}, {"result", result}});
    }
  }
}

constexpr std::array kLinkResults = {&upstream::LinkProbe::refused, &upstream::LinkProbe::health_ok,
                                     &upstream::LinkProbe::health_failed};

void collect_results(const upstream::LinkProbe& sum, const Labels& labels, Collector& collector) {
  const auto add = [&](const MetricDescription& metric, const char* result, std::uint64_t count) {
    Labels labelled = labels;
    labelled.emplace_back("result", result);
    collector.add(metric, static_cast<double>(count), labelled);
  };
  add(kEndpointResponses, "success", sum.answered - sum.refused);
  add(kEndpointResponses, "failure", sum.refused);
  add(kHealthChecks, "success", sum.health_ok);
  add(kHealthChecks, "failure", sum.health_failed);
}

void collect_host(const upstream::Group::HostView& host, const std::string& upstream, Collector& collector) {
  if (host.options == nullptr) return;
  const Labels labels{{"upstream", upstream}, {"cluster", upstream}, {"endpoint", endpoint_name(*host.options)}};
  collector.add(kHostHealth, host.lane.links, labels);
  collector.add(kBreaker, host.breaker == upstream::Breaker::State::kClosed ? 0 : 1, labels);
  upstream::LinkProbe sum;
  std::map<std::string, double> states;
  std::uint32_t in_flight = 0;
  for (const upstream::Link* link : host.links) {
    for (const auto& counted : kLinkCounters) sum.*counted.member += link->probe().*counted.member;
    for (const auto member : kLinkResults) sum.*member += link->probe().*member;
    states[std::string(upstream::name_of(link->state()))] += 1;
    in_flight += link->in_flight();
  }
  add_all(kLinkCounters, sum, labels, collector);
  collect_results(sum, labels, collector);
  collector.add(kUpstreamConnections, static_cast<double>(sum.connects - sum.connect_failures),
                {{"upstream", upstream}});
  collector.add(kUpstreamConnectionsActive, states["bound"], {{"upstream", upstream}});
  collector.add(kInFlight, in_flight, labels);
  collector.add(kEndpointLatency, host.latency_ns / 1e9, labels);
  for (const auto& [state, count] : states) {
    collector.add(kLinkStates, count,
                  {{"upstream", upstream}, {"endpoint", endpoint_name(*host.options)}, {"state", state}});
  }
}

void collect_tls(const runtime::TlsProbe& probe, const MetricDescription& handshakes, const MetricDescription& failures,
                 const Labels& labels, Collector& collector) {
  const auto add = [&](std::string_view reason, std::uint64_t count) {
    Labels labelled = labels;
    labelled.emplace_back("reason", std::string(reason));
    collector.add(failures, static_cast<double>(count), labelled);
  };
  collector.add(handshakes, static_cast<double>(probe.handshakes), labels);
  add("timeout", probe.timeouts);
  for (std::size_t i = 1; i < runtime::kTlsFaults; ++i) {
    add(runtime::name_of(static_cast<runtime::TlsFault>(i)), probe.faults[i]);
  }
}

}  // namespace

void collect_flow(flow::Flow& flow, unsigned shard, Collector& collector) {
  const flow::FlowProbe& probe = flow.probe();
  add_all(kFlowCounters, probe, {}, collector);
  collect_traffic(probe, flow.snapshot(), collector);
  collect_codes(probe, flow.snapshot(), collector);
  collect_store(flow, collector);
  const auto map = flow.receipts().map_stats();
  collector.add(kMapEntries, static_cast<double>(map.entries + flow.receipts().recent()));
  collector.add(kMapBytes, static_cast<double>(flow.receipts().memory_bytes()));
  collector.add(kMapEvicted, static_cast<double>(map.evicted));
  collector.add(kToldMarks, static_cast<double>(map.marks));
  collector.add(kParked, static_cast<double>(flow.receipts().parking_stats().parked));
  const flow::Strays::Stats strays = flow.receipts().strays().stats();
  collector.add(kUnmatchedKept, static_cast<double>(strays.kept));
  collector.add(kUnmatchedDropped, static_cast<double>(strays.dropped));
  collector.add(kReplayed, static_cast<double>(strays.matched));
  collector.add(kTurns, static_cast<double>(flow.loop_turns()), {{"shard", std::to_string(shard)}});
  for (std::size_t state = 0; state < std::size(probe.receipts_by_state); ++state) {
    if (probe.receipts_by_state[state] == 0) continue;
    const auto name = smpp::name_of(static_cast<smpp::MessageState>(state));
    collector.add(kDlr, static_cast<double>(probe.receipts_by_state[state]),
                  {{"cluster", "all"}, {"status", std::string(name)}});
  }
  collector.add(kDelivered,
                static_cast<double>(probe.receipts_by_state[static_cast<std::size_t>(smpp::MessageState::delivered)]));
  for (const auto& filter : flow.chain().filters) filter->collect(collector);
}

void collect_upstreams(flow::Flow& flow, Collector& collector) {
  flow.upstreams().for_each([&](upstream::Group& group) {
    const Labels labels{{"upstream", group.name()}};
    collector.add(kLatency, group.probe().latency, labels);
    collector.add(kThrottled, static_cast<double>(group.probe().throttled), labels);
    if (group.options().outbind) {
      collector.add(kCallsRefused, static_cast<double>(group.probe().calls_refused), labels);
    }
    collector.add(kUpstreamRequests, static_cast<double>(group.probe().requests), labels);
    for (std::uint16_t i = 0; i < group.host_count(); ++i) collect_host(group.host(i), group.name(), collector);
    if (group.tls() != nullptr) {
      collect_tls(group.probe().tls, kLinkTlsHandshakes, kLinkTlsFailures, labels, collector);
      double encrypted = 0;
      for (std::uint16_t i = 0; i < group.host_count(); ++i) {
        for (const upstream::Link* link : group.host(i).links) encrypted += link->encrypted() ? 1 : 0;
      }
      collector.add(kTlsLinks, encrypted, labels);
    }
    // Shards' samples are added up, so one shard speaks for the upstream.
    if (flow.is_home(group.id())) collector.add(kHealth, group.alive() ? 1 : 0, labels);
  });
}

void collect_sessions(downstream::SessionTable& sessions, flow::Flow& flow, Collector& collector) {
  std::map<std::pair<std::string, std::string>, double> by_client;
  std::map<std::string, double> by_listener;
  std::map<std::string, double> encrypted;
  sessions.for_each_listener([&](downstream::Listener& listener) {
    by_listener[listener.options().name] += 0;
    add_all(kListenerCounters, listener.probe(), {{"listener", listener.options().name}}, collector);
    if (listener.tls() == nullptr) return;
    encrypted[listener.options().name] += 0;
    collect_tls(listener.probe().tls, kTlsHandshakes, kTlsFailures, {{"listener", listener.options().name}}, collector);
  });
  sessions.for_each_session([&](downstream::Session& session) {
    by_listener[session.listener().options().name] += 1;
    if (session.encrypted()) encrypted[session.listener().options().name] += 1;
    std::string kind = "unbound";
    if (session.bound()) kind = std::string(smpp::name_of(session.protocol().state()));
    by_client[{kind, session.bound() ? client_name(flow.snapshot(), session.sender().client) : "none"}] += 1;
  });
  for (const auto& [key, count] : by_client) {
    collector.add(kConnectionsActive, count, {{"type", key.first}, {"client", key.second}});
  }
  for (const auto& [listener, count] : by_listener) {
    collector.add(kConnectionActive, count, {{"listener", listener}});
  }
  for (const auto& [listener, count] : encrypted) collector.add(kTlsConnections, count, {{"listener", listener}});
}

}  // namespace smppd::server
