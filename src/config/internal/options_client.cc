#include "config/internal/options.h"
#include "smpp/text/receipt_template.h"

namespace smppd::config {
namespace {

// Fields of a message that the transform filter can write.
const std::vector<std::string>& message_fields() {
  static const std::vector<std::string> kFields{
      "service_type",         "source_addr",          "source_addr_ton", "source_addr_npi", "destination_addr",
      "destination_addr_ton", "destination_addr_npi", "short_message",   "esm_class",       "protocol_id",
      "priority_flag",        "registered_delivery",  "data_coding",     "validity_period", "schedule_delivery_time"};
  return kFields;
}

// A name of the TLV registry or of `tlvs`, which the filter looks up.
Kind<std::string> tlv_field() {
  return checked(text(64), "tlv.NAME", [](const std::string& field) -> std::string {
    const bool is_name = field.starts_with("tlv.") && field.size() > 4 &&
                         field.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", 4) == std::string::npos;
    return is_name ? "" : "`" + field + "` is no TLV; write tlv.NAME, such as tlv.user_message_reference";
  });
}

Kind<std::string> field_or_tlv() {
  Kind<std::string> field = choice(message_fields());
  field.name += " or tlv.NAME";
  field.read = [read_field = field.read, read_tlv = tlv_field().read](Reader& reader, const Node& node,
                                                                      std::string& out) {
    (node.text.starts_with("tlv.") ? read_tlv : read_field)(reader, node, out);
  };
  return field;
}

Options addresses() {
  using T = Client;
  Describe<T> d;
  Describe<T> source;
  source.value("allowed", &T::source_allowed, list_of(pattern()), "Only these; empty is all.");
  source.value("blocked", &T::source_blocked, list_of(pattern()), "Never these.");
  d.group("source", source.take(), "Source addresses the client may use.");
  Describe<T> destination;
  destination.value("allowed", &T::destination_allowed, list_of(pattern()), "Only these; empty is all.");
  destination.value("blocked", &T::destination_blocked, list_of(pattern()), "Never these.");
  d.group("destination", destination.take(), "Destinations the client may send to.");
  return d.take();
}

Options rule() {
  using T = TransformRule;
  Describe<T> d;
  d.child("match", &T::match, match_options(),
          "Which messages, as in `routes`; a regular expression's groups are ${1}...");
  d.value("set", &T::set, map_of(field_or_tlv(), text(4096)), "Fields and the values they get.");
  std::vector<std::string> fields = message_fields();
  d.value("transform", &T::transform, map_of(field_or_tlv(), template_text(std::move(fields), true)),
          "Fields and templates: `${field}` is a field's value before, `${1}` a group of the match.");
  d.value("remove", &T::remove, list_of(tlv_field()), "TLVs to take out, as tlv.NAME.");
  return d.take();
}

Options outbind() {
  using T = ClientOutbind;
  Describe<T> d;
  d.value("address", &T::address, peer_address(), "host:port where the client waits; a name is resolved at each call.")
      .is_required();
  d.value("system_id", &T::system_id, text(kSystemId), "Who we say we are; empty is the listener's `smpp.system_id`.");
  d.value("password", &T::password, text(kPassword), "What we say to be believed; better as ${VAR} or ${file:/path}.")
      .is_secret();
  d.value("listener", &T::listener, text(64),
          "The listener whose timeouts, windows and limits the session gets; empty is the first one.");
  d.child("retry", &T::retry, reconnect_options(), "How long a client that did not bind is left alone.");
  return d.take();
}

// What the longest receipt text may be made of: short_message has room for 254 octets (3.4 §5.2.22).
Kind<std::string> receipt_text() {
  const auto variables = smpp::ReceiptTemplate::variables();
  Kind<std::string> kind = template_text(std::vector<std::string>(variables.begin(), variables.end()), false);
  kind.read = [read = kind.read](Reader& reader, const Node& node, std::string& out) {
    std::string text;
    read(reader, node, text);
    if (text.empty()) return;
    const auto compiled = smpp::ReceiptTemplate::compile(text);
    if (!compiled) return reader.error(node.at, compiled.error());
    out = std::move(text);
  };
  return kind;
}

Options client_receipts() {
  using T = ClientReceipts;
  Describe<T> d;
  d.value("template", &T::text, receipt_text(),
          "The text of its receipts, with `${id}`, `${sub}`, `${dlvrd}`, `${submit_date}`, `${done_date}`, `${stat}`, "
          "`${err}` and `${text}` filled in; empty is the carrier's text under our id.");
  d.value("swap_addresses", &T::swap_addresses, boolean(),
          "Receipts name the message's source as their source, too; otherwise the handset is the source.");
  d.value("intermediate", &T::intermediate, boolean(),
          "Whether ENROUTE and ACCEPTD are told to it, where its message asked for them.");
  return d.take();
}

// An option that only filters of one type have.
void only_for(Option& option, const std::string& type) {
  option.sentence = "Of `" + type + "`: " + option.sentence;
  option.read = [type, read = option.read](const Option& self, Reader& reader, const Node& node, void* object) {
    const std::string& actual = static_cast<const Filter*>(object)->type;
    if (actual == type) return read(self, reader, node, object);
    if (!actual.empty()) reader.error(node.at, "belongs to the filter `" + type + "`, not to `" + actual + "`");
  };
  option.write = [type, write = option.write](const Option& self, const void* object, Secrets secrets) {
    return static_cast<const Filter*>(object)->type == type ? write(self, object, secrets) : Node{};
  };
}

}  // namespace

Options client_options() {
  using T = Client;
  Describe<T> d;
  d.value("system_id", &T::system_id, text(kSystemId), "Who binds.").is_required();
  d.value("password", &T::password, text(kPassword), "The password; better as ${VAR} or ${file:/path}.").is_secret();
  d.value("password_hash", &T::password_hash, password_hash(),
          "Instead of `password`: argon2id, bcrypt or sha512-crypt.")
      .is_secret();
  d.value("allowed_ips", &T::allowed_ips, list_of(cidr()), "Binds only from these; empty is everywhere.");
  d.value("bind_types", &T::bind_types, list_of(choice({"transmitter", "receiver", "transceiver"})),
          "How it may bind; empty is all.");
  d.value("max_connections", &T::max_connections, integer(0, 1'000'000), "Sessions at a time; 0 is no limit.");
  Describe<T> rate;
  const auto in = [](double RateLimit::* member) { return within(&T::rate_limit, member); };
  rate.value("messages_per_second", in(&RateLimit::messages_per_second), number(0, kMaxRate), "0 is no limit.");
  rate.value("burst", in(&RateLimit::burst), number(0, kMaxRate),
             "Messages that may come at once; 0 is one second's worth.");
  rate.value("window_size", &T::window_size, integer(0, 100'000),
             "Unanswered requests a session may have with us; 0 is the listener's.")
      .in("requests");
  d.group("rate_limit", rate.take(), "How much it may send; more is answered ESME_RTHROTTLED.")
      .scalar_is("messages_per_second");
  d.also("window_size", &T::window_size, integer(0, 100'000), "rate_limit.window_size");
  d.group("addresses", addresses(), "Which addresses it may use.");
  d.value("upstream", &T::upstream, name(), "Everything it sends goes to this upstream, whatever the routes say.");
  d.value("tier", &T::tier, text(64), "Yours; routes can match it.");
  d.value("tags", &T::tags, map_of(text(64), text(256)), "Yours; routes can match them.");
  d.value("default_alphabet", &T::default_alphabet, choice({"gsm7", "gsm7_packed", "latin1", "ascii"}),
          "What data_coding 0 means in this client's messages.")
      .also_called("default_encoding");
  d.value("uncertain_status", &T::uncertain_status, maybe(command_status()), "Instead of the listener's.");
  d.child("outbind", &T::outbind, outbind(),
          "Call the client with outbind when there is a receipt or an MO for it and no session of it can receive.");
  d.value(
      "message_id_format", &T::message_id_format,
      enumeration<MessageIdFormat>(
          {{"hex", MessageIdFormat::kHex}, {"decimal", MessageIdFormat::kDecimal}, {"uuid", MessageIdFormat::kUuid}}),
      "How our ids look to this client.");
  d.value("mode", &T::mode, message_mode(), "When it is answered, whatever the routes say; see `routes[].mode`.");
  d.child("receipts", &T::receipts, client_receipts(), "How receipts look to it.");
  d.unbuilt("credit", "credit control");
  d.unbuilt("tenant", "multi-tenancy");
  d.unbuilt("webhook", "webhook delivery");
  return d.take();
}

Options filter_options() {
  using T = Filter;
  Describe<T> d;
  d.value("type", &T::type,
          choice({"logger", "auth", "rate_limit", "address_filter", "transform", "protocol", "metrics"},
                 {{"firewall", "the SMS firewall"},
                  {"credit", "credit control"},
                  {"lua", "scripting"},
                  {"dlr", "a filter for receipts (their codes are harmonised by `upstreams[].receipts.map`)"},
                  {"hlr", "number lookup"},
                  {"otp", "detection of one-time passwords"},
                  {"pricing", "pricing"},
                  {"compression", "message compression"},
                  {"tenant", "multi-tenancy"},
                  {"senderid", "sender id management"},
                  {"consent", "opt-out handling"},
                  {"dlt", "DLT registration"}}),
          "Which filter; they run in this order.")
      .is_required();
  only_for(d.value("level", &T::level, choice({"trace", "debug", "info", "warn", "error"}), "level of its lines."),
           "logger");
  only_for(d.value("text", &T::text, boolean(), "whether its lines have the text of the message."), "logger");
  only_for(d.list("rules", &T::rules, rule(), "all rules that match are applied, in this order."), "transform");
  only_for(d.value("version_mapping", &T::version_mapping, map_of(version_name(), version_name()),
                   "a client's version and the one its messages are rewritten for."),
           "protocol");
  only_for(d.value("prometheus", &T::prometheus, boolean(), "whether its counters are exported."), "metrics");
  return d.take();
}

}  // namespace smppd::config
