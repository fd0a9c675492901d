#include <algorithm>

#include "config/internal/options.h"

namespace smppd::config {
namespace {

Options schedule() {
  using T = Schedule;
  Describe<T> d;
  d.value("timezone", &T::timezone, time_zone(), "The zone that `hours` and `days` are in.");
  d.value("hours", &T::hours, hours(), "From-to, over midnight too; without it the whole day.");
  d.value("days", &T::days, list_of(choice({"mon", "tue", "wed", "thu", "fri", "sat", "sun"})),
          "Days on which the span begins; without it every day.");
  return d.take();
}

void describe_addresses(Describe<Match>& d) {
  using T = Match;
  d.value("destination_addr", &T::destination_addr, list_of(pattern()), "Destination address.")
      .also_called("dest_addr")
      .also_called("destination");
  d.value("source_addr", &T::source_addr, list_of(pattern()), "Source address.").also_called("source");
  d.value("destination_addr_ton", &T::destination_addr_ton, list_of(octet()), "Its type of number.")
      .also_called("dest_addr_ton");
  d.value("destination_addr_npi", &T::destination_addr_npi, list_of(octet()), "Its numbering plan.")
      .also_called("dest_addr_npi");
  d.value("source_addr_ton", &T::source_addr_ton, list_of(octet()), "Its type of number.");
  d.value("source_addr_npi", &T::source_addr_npi, list_of(octet()), "Its numbering plan.");
}

void describe_content(Describe<Match>& d) {
  using T = Match;
  d.value("service_type", &T::service_type, list_of(pattern()), "service_type of the message.");
  d.value("esm_class", &T::esm_class, list_of(octet()), "esm_class of the message.");
  d.value("data_coding", &T::data_coding, list_of(octet()), "data_coding of the message.");
  d.value("protocol_id", &T::protocol_id, list_of(octet()), "protocol_id of the message.");
  d.value("priority_flag", &T::priority_flag, list_of(octet()), "priority_flag of the message.");
  d.value("text", &T::text, list_of(pattern()), "The text after decoding.").also_called("short_message");
  d.child("schedule", &T::schedule, schedule(), "When.");
}

Options split() {
  Describe<WeightedUpstream> d;
  d.value("upstream", &WeightedUpstream::upstream, name(), "The upstream's name.").is_required();
  d.value("weight", &WeightedUpstream::weight, number(0, 1e9), "Its share, against the other weights.");
  return d.take();
}

Options response() {
  using T = CannedResponse;
  Describe<T> d;
  d.value("status", &T::status, command_status(), "The answer's command_status.");
  d.value("message_id", &T::message_id, template_text({"id", "counter", "uuid"}, false), "The answer's message_id.");
  return d.take();
}

// `upstream: NAME` is a split of one.
Kind<std::vector<WeightedUpstream>> single_upstream() {
  const Kind<std::string> one = name();
  return {one.name, one.schema,
          [one](Reader& reader, const Node& node, std::vector<WeightedUpstream>& out) {
            std::string upstream;
            one.read(reader, node, upstream);
            if (!upstream.empty()) out = {{std::move(upstream), 1}};
          },
          [](const std::vector<WeightedUpstream>& in) { return in.size() == 1 ? text_node(in[0].upstream) : Node{}; },
          false};
}

void describe_targets(Describe<Route>& d) {
  using T = Route;
  d.value("upstream", &T::upstreams, single_upstream(), "The upstream that takes the messages.").also_called("cluster");
  Option& several = d.list("split", &T::upstreams, split(), "Several upstreams, each with its share by weight.");
  const auto write_all = several.write;
  several.write = [write_all](const Option& self, const void* object, Secrets secrets) {
    // One upstream was written as `upstream`; its weight says nothing.
    return static_cast<const Route*>(object)->upstreams.size() > 1 ? write_all(self, object, secrets) : Node{};
  };
  several.other_form = [](const Node& node) {  // {a: 70, b: 30}
    const bool by_name = node.is_map() && std::ranges::all_of(node.entries, [](const Entry& entry) {
                           return entry.value.is_scalar() && entry.key != "upstream" && entry.key != "weight";
                         });
    if (!by_name) return node;
    Node list = list_node({}, node.at);
    for (const Entry& entry : node.entries) {
      list.items.push_back(map_node({{"upstream", text_node(entry.key, entry.at)}, {"weight", entry.value}}, entry.at));
    }
    return list;
  };
  d.value(
      "balance", &T::balance, choice({"weight", "adaptive"}),
      "Who of `split` is next: by weight alone, or by weight and by how messages to that prefix fared there lately; "
      "then the others of `split` are tried before `failover`. See docs/feedback.md.");
  d.value("failover", &T::failover, list_of(name()), "Upstreams to try in this order when the first cannot take it.");
  d.value("table", &T::table, file_path(),
          "CSV file of prefix,upstream[,cost] lines; the longest prefix wins. A number in no line goes to `upstream`, "
          "or to the next route.");
  d.child("response", &T::response, response(), "Answer here instead, without any upstream.").scalar_is("status");
}

}  // namespace

Options match_options() {
  using T = Match;
  Describe<T> d;
  describe_addresses(d);
  d.value("client", &T::client, list_of(text(64)), "system_id of the client.");
  d.value("client_tier", &T::client_tier, list_of(text(64)), "The client's `tier`.").also_called("tier");
  d.value("client_tags", &T::client_tags, map_of(text(64), list_of(text(256))), "The client's `tags`: key and values.")
      .also_called("tags");
  describe_content(d);
  for (const char* key : {"mnc", "mcc", "is_ported", "hlr_network"}) d.unbuilt(key, "number lookup");
  d.unbuilt("otp", "detection of one-time passwords");
  return d.take();
}

Options mo_match_options() {
  Describe<Match> d;
  describe_addresses(d);
  d.value("upstream", &Match::upstream, list_of(name()), "The upstream it came from.");
  describe_content(d);
  return d.take();
}

Options route_options() {
  using T = Route;
  Describe<T> d;
  d.value("name", &T::name, name(), "Name in logs, metrics and `smppd route test`; `route-N` when it is left out.");
  d.value("priority", &T::priority, integer(0, 1'000'000), "Lower first, then the order of the file.");
  d.child("match", &T::match, match_options(),
          "Which messages: every option that is given must hold, within a list one value is enough. Nothing given "
          "matches all.");
  describe_targets(d);
  d.value(
      "mode", &T::mode, message_mode(),
      "When the client is answered: `transaction` after the SMSC answered, `store_and_forward` when the message is "
      "stored. The client's own `mode` comes first. Without either the message's esm_class says, else with `storage` "
      "it is stored.");
  d.unbuilt("script", "routing by script");
  d.unbuilt("retry", "resending refused messages");
  return d.take();
}

Options mo_route_options() {
  using T = MoRoute;
  Describe<T> d;
  d.value("name", &T::name, name(), "Name in logs and metrics; `mo-route-N` when it is left out.");
  d.child("match", &T::match, mo_match_options(), "Which messages from handsets, as in `routes`.");
  d.value("client", &T::clients, list_of(text(64), 1), "The first of these with a session that receives takes it.")
      .also_called("clients")
      .is_required();
  return d.take();
}

}  // namespace smppd::config
