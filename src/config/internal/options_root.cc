#include "config/internal/options.h"

namespace smppd::config {
namespace {

Kind<int> shard_count() {
  Kind<int> kind = integer(1, 1'024);
  kind.name = "`auto` or " + kind.name;
  kind.schema = map_node({{"oneOf", list_node({map_node({{"const", text_node("auto")}}), kind.schema})}});
  kind.read = [read = kind.read](Reader& reader, const Node& node, int& out) {
    if (node.is_scalar() && node.text == "auto") {
      out = 0;
    } else {
      read(reader, node, out);
    }
  };
  kind.write = [write = kind.write](const int& in) { return in == 0 ? text_node("auto") : write(in); };
  return kind;
}

Options runtime() {
  using T = Runtime;
  Describe<T> d;
  d.value("shards", &T::shards, shard_count(), "Event loops, one thread each; `auto` is one per core.")
      .takes_effect(Effect::kRestart);
  d.value("pin_cpus", &T::pin_cpus, boolean(), "Bind each shard to a core.").takes_effect(Effect::kRestart);
  d.value("busy_poll", &T::busy_poll, duration(kNone, Millis{1000}),
          "How long a shard that has nothing to do looks for more before it sleeps. Nobody waits for it to wake up, "
          "and it keeps "
          "its core busy while messages come more often than that; 0 sleeps at once.")
      .takes_effect(Effect::kRestart);
  d.value("drain_timeout", &T::drain_timeout, duration(kNone, kDay),
          "At SIGTERM, how long requests in flight may take before connections are cut.");
  return d.take();
}

Options segmentation() {
  using T = Segmentation;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(),
          "Send texts that exceed one short message (160 GSM characters, 70 of UCS-2, 140 octets) in parts.");
  d.value("method", &T::method,
          enumeration<LongText>(
              {{"udh", LongText::kUdh}, {"sar_tlv", LongText::kSar}, {"message_payload", LongText::kPayload}}),
          "How parts are marked, clients' own parts as well: by a user data header or by TLVs; `message_payload` sends "
          "the text whole and leaves cutting to the SMSC. SMSCs of 3.3 always get a header.");
  d.value("max_parts", &T::max_parts, integer(1, 255), "Longer texts are refused with ESME_RINVMSGLEN.");
  d.value("receipts", &T::receipts,
          enumeration<PartReceipts>(
              {{"all_parts", PartReceipts::kAllParts}, {"each", PartReceipts::kEach}, {"last", PartReceipts::kLast}}),
          "What the client hears of a message sent in parts: one receipt when all parts are final, with the worst "
          "state; a receipt for each part; or that of the last part alone, and only that is asked for.");
  return d.take();
}

Options references() {
  using T = References;
  Describe<T> d;
  d.value("mode", &T::mode,
          enumeration<ReferenceMode>({{"preserve", ReferenceMode::kPreserve},
                                      {"regenerate", ReferenceMode::kRegenerate},
                                      {"sequential", ReferenceMode::kSequential}}),
          "References of clients' own parts: kept; replaced by one that depends on the client and the destination, so "
          "that two clients do not meet on one handset; or replaced by the next of a sequence. Messages cut here "
          "always take the next.");
  d.value("bits", &T::wide, enumeration<bool>({{"8", false}, {"16", true}}),
          "Of the reference of messages cut here; 16 cost a character of each part.");
  return d.take();
}

Options multipart() {
  using T = Multipart;
  Describe<T> d;
  Describe<T> reassembly;
  reassembly.value("enabled", &T::reassembly, boolean(), "Deliver long messages from handsets in one piece.");
  reassembly.value("timeout", &T::reassembly_timeout, duration(kTick, kDay),
                   "Parts that lack others for this long are delivered as they are.");
  reassembly.value("max_parts", &T::max_parts, integer(2, 255), "Longer messages are delivered in parts.");
  reassembly.value("buffer_size", &T::buffer_size, integer(1, kMaxCount), "Parts held per shard.").in("parts");
  d.group("reassembly", reassembly.take(), "Long messages from handsets.").scalar_is("enabled");
  d.child("segmentation", &T::segmentation, segmentation(), "Long messages towards SMSCs.").scalar_is("enabled");
  d.child("reference", &T::reference, references(), "The number by which handsets know the parts of one message.")
      .scalar_is("mode");
  return d.take();
}

Options receipts() {
  using T = Receipts;
  Describe<T> d;
  d.value("max_entries", &T::max_entries, integer<std::uint32_t>(1, 1'000'000'000),
          "Messages that wait for a receipt; the oldest make room.")
      .in("messages");
  d.value("retention", &T::retention, duration(Millis(1000), 366 * kDay), "How long a message waits for its receipt.");
  d.value("untracked_entries", &T::untracked_entries, integer<std::uint32_t>(0, 1'000'000),
          "Last messages without a receipt to come that query_sm, cancel_sm and replace_sm still find.")
      .in("messages");
  d.value("early_hold", &T::early_hold, duration(kNone, kHour),
          "A receipt that matches nothing yet waits this long before it is acknowledged.");
  d.value("park", &T::park, duration(kNone, kDay), "A receipt that matches nothing yet is kept this long.");
  d.value("max_parked", &T::max_parked, integer<std::uint32_t>(0, 1'000'000'000), "Such receipts at most.")
      .in("receipts");
  return d.take();
}

Options feedback() {
  using T = Feedback;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(),
          "Follow outcomes even where no upstream and no route is `adaptive`, for `/feedback/stats`.");
  d.value("half_life", &T::half_life, duration(Millis(1000), kDay), "An outcome of this age counts half.");
  d.value("explore", &T::explore, number(0, 0.5),
          "Share of the messages that goes by weight alone, so that one that has recovered is noticed.");
  d.value("tolerance", &T::tolerance, number(0, 0.5),
          "Who is within this share of the best gets its full weight; a score that changes by less than half of it "
          "stays.");
  d.value("prior", &T::prior, number(1, 1e6), "How many messages it takes to be judged by one's own outcomes.")
      .in("messages");
  d.value("memory", &T::memory, number(10, 1e6), "Only the last so many messages count, within the half-life too.")
      .in("messages");
  d.value("prefix_digits", &T::prefix_digits, integer(3, 9),
          "Leading digits of a destination that tell operators apart.")
      .in("digits");
  d.value("max_entries", &T::max_entries, integer<std::uint32_t>(64, 1'048'576),
          "Prefixes times upstreams and hosts that each shard remembers; the least used make room.");
  d.value("shown_prefixes", &T::shown_prefixes, integer<std::uint32_t>(0, 1'000),
          "Prefixes in `/feedback/stats` and in metrics, those most in use.");
  return d.take();
}

Options logging() {
  using T = Logging;
  const std::vector<std::string> levels{"trace", "debug", "info", "warn", "error", "off"};
  Describe<T> d;
  d.value("level", &T::level, choice(levels), "Lines below it are not written.");
  d.value("format", &T::format, choice({"json", "text"}), "How a line looks.");
  d.value("output", &T::output, choice({"stdout", "file"}), "Where lines go.").takes_effect(Effect::kRestart);
  Describe<T> file;
  file.value("path", &T::file_path, file_path(), "The file, for `output: file`.").takes_effect(Effect::kRestart);
  Describe<T> rotation;
  rotation.value("size", &T::file_rotation_size, size(1'000, 1'000'000'000'000), "A new file begins at this size.")
      .takes_effect(Effect::kRestart);
  rotation.value("max_files", &T::file_max_files, integer(1, 10'000), "Older files are removed.")
      .takes_effect(Effect::kRestart);
  file.group("rotation", rotation.take(), "When a new file begins.").scalar_is("size");
  d.group("file", file.take(), "Logging to a file.").scalar_is("path");
  d.value("levels", &T::levels, map_of(name(), choice(levels)), "Levels of single modules, such as `upstream: debug`.");
  return d.take();
}

Options metrics() {
  using T = Metrics;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(), "Whether counters are exported.").takes_effect(Effect::kRestart);
  Describe<T> prometheus;
  Option& enabled =
      prometheus.value("enabled", &T::enabled, boolean(), "The same as `metrics.enabled`; either can say no.");
  enabled.default_value.reset();
  enabled.write = nullptr;
  enabled.read = [](const Option&, Reader& reader, const Node& node, void* object) {
    bool yes = true;
    boolean().read(reader, node, yes);
    T& metrics = *static_cast<T*>(object);
    metrics.enabled = metrics.enabled && yes;
  };
  prometheus
      .value("path", &T::path,
             checked(text(256), "path",
                     [](const std::string& text) {
                       return text.starts_with('/') ? std::string() : "`" + text + "` does not begin with `/`";
                     }),
             "Path of the exposition.")
      .takes_effect(Effect::kRestart);
  prometheus
      .value("port", &T::port, integer<std::uint16_t>(0, 65'535),
             "A port of its own; 0 leaves it to the management listener.")
      .takes_effect(Effect::kRestart);
  d.group("prometheus", prometheus.take(), "Prometheus text format.").scalar_is("enabled");
  return d.take();
}

Options management() {
  using T = Management;
  Describe<T> d;
  d.value("enabled", &T::enabled, boolean(), "Whether there is a management listener.").takes_effect(Effect::kRestart);
  d.value("address", &T::address, listen_address(), "Where it listens.").takes_effect(Effect::kRestart);
  Describe<T> auth;
  auth.value("type", &T::auth_type, choice({"basic"}), "How callers say who they are.");
  auth.value("username", &T::username, text(256), "The name they give.");
  auth.value("password", &T::password, text(256), "And the password.").is_secret();
  d.group("auth", auth.take(), "Without it, all but probes and metrics is answered to loopback callers only.");
  d.unbuilt("tls", "TLS on the management listener");
  return d.take();
}

Options tlvs() {
  using T = VendorTlv;
  Describe<T> d;
  d.value("name", &T::name, name(), "Its name in logs and matches.").is_required();
  d.value("tag", &T::tag, integer<std::uint16_t>(0x1400, 0x3FFF), "Its tag, in the range for vendors.").is_required();
  d.value("type", &T::type, choice({"octets", "integer", "cstring", "text"}), "What its value is.");
  d.value("min_length", &T::min_length, integer(0, 65'535), "Shortest value.").in("octets");
  d.value("max_length", &T::max_length, integer(0, 65'535), "Longest value.").in("octets");
  return d.take();
}

void describe_unbuilt(Describe<Config>& d) {
  Describe<Config> auth;
  auth.unbuilt("ldap", "authentication by LDAP");
  auth.unbuilt("radius", "authentication by RADIUS");
  auth.unbuilt("http", "authentication by an HTTP service");
  d.group("auth", auth.take(), "Other places that know clients.");
  const std::pair<const char*, const char*> kSections[] = {
      {"tracing", "tracing"},
      {"cluster", "clustering"},
      {"node", "clustering"},
      {"mnp", "number portability lookup"},
      {"hlr", "number lookup"},
      {"credit", "credit control"},
      {"queues", "queue input and output"},
      {"alerting", "alerting"},
      {"extensions", "record and replay"},
      {"otp", "detection of one-time passwords"},
      {"pricing", "pricing"},
      {"compression", "message compression"},
      {"campaigns", "campaign management"},
      {"tenants", "multi-tenancy"},
      {"cdr", "CDR export"},
      {"webhooks", "webhook delivery"},
      {"archive", "the message archive"},
      {"sender_ids", "sender id management"},
      {"consent", "opt-out handling"},
      {"dlt", "DLT registration"},
      {"security", "role-based access"},
      {"firewall", "the SMS firewall"},
      {"lua", "scripting"},
      {"retry", "resending refused messages"},
      {"dynamic_resources", "configuration from a discovery service"}};
  for (const auto& [key, what] : kSections) d.unbuilt(key, what);
}

}  // namespace

const Options& root_options() {
  static const Options kOptions = [] {
    using T = Config;
    Describe<T> d;
    d.child("runtime", &T::runtime, runtime(), "The process.");
    d.list("listeners", &T::listeners, listener_options(), "Where clients connect.");
    d.list("upstreams", &T::upstreams, upstream_options(), "Groups of SMSC hosts.");
    d.list("routes", &T::routes, route_options(), "Which messages go to which upstream; the first match wins.");
    d.list("mo_routes", &T::mo_routes, mo_route_options(),
           "Which messages from handsets go to which client; the first match wins. Without a match the address_range "
           "of the sessions decides.");
    d.list("clients", &T::clients, client_options(), "Who may bind.");
    d.list("middleware", &T::middleware, filter_options(), "The filters a message passes, in this order.")
        .scalar_is("type");
    d.child("multipart", &T::multipart, multipart(), "Long messages.");
    d.child("receipts", &T::receipts, receipts(), "How receipts find their message; kept in memory.");
    describe_storage(d);
    d.child("feedback", &T::feedback, feedback(), "What became of messages, for `adaptive` choices and statistics.")
        .scalar_is("enabled");
    d.child("logging", &T::logging, logging(), "The log.");
    d.child("metrics", &T::metrics, metrics(), "Counters for Prometheus.");
    d.child("management", &T::management, management(), "The management listener: probes, metrics, statistics.");
    d.list("tlvs", &T::tlvs, tlvs(), "Vendor TLVs by name.");
    describe_unbuilt(d);
    return d.take();
  }();
  return kOptions;
}

}  // namespace smppd::config
