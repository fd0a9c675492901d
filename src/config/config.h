// The typed configuration: what the loader makes of the user's YAML, JSON or TOML after dialects, environment and
// defaults. Plain values, immutable once loaded, shared as shared_ptr<const Config>. Only factories read it; the message
// path reads what they compile from it. Every member is bound to one option description in config/options*.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace smppd::config {

using Millis = std::chrono::milliseconds;

// Where a value stands in the user's file, for messages that come after loading.
struct Mark {
  int line = 0;  // 1-based; 0 when the value is a default
  std::string path;
};

struct Endpoint {
  std::string host;  // empty: all interfaces (listeners only)
  std::uint16_t port = 0;
};

struct RateLimit {
  double messages_per_second = 0;  // 0: unlimited
  double burst = 0;                // 0: one second's worth
};

struct Runtime {
  int shards = 0;  // 0: one per core
  bool pin_cpus = false;
  Millis drain_timeout{30'000};
};

enum class Overload : std::uint8_t { kWait, kThrottle, kQueueFull };
enum class MessageIdFormat : std::uint8_t { kHex, kDecimal, kUuid };
enum class MessageIdSource : std::uint8_t { kOwn, kUpstream };

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
  std::uint32_t no_route_status = 0x0B;      // ESME_RINVDSTADR
  std::uint32_t no_upstream_status = 0x08;   // ESME_RSYSERR: no link to any upstream of the route
  std::uint32_t uncertain_status = 0x08;     // link lost or timed out with the request in flight
  Overload overload = Overload::kWait;       // what happens when the upstream's windows are full
  Millis overload_wait{5'000};               // kWait: how long before the request is answered ESME_RTHROTTLED
  bool kick_oldest = false;                  // over max_connections of a client: close its oldest session instead of refusing
};

struct ListenerTimeouts {
  Millis read{60'000};      // a PDU begun must be complete
  Millis write{30'000};     // output must make progress
  Millis idle{300'000};     // no PDU but enquire_link either way
  Millis bind{30'000};
  Millis response{30'000};  // our deliver_sm must be answered
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
  std::optional<bool> anonymous;  // unset: loopback and private peers only, when there are no clients
};

struct Bind {
  std::string system_id;
  std::string password;
  std::string system_type;
  std::string type = "transceiver";  // transmitter | receiver | transceiver | pair (a transmitter and a receiver)
  std::uint8_t interface_version = 0x34;
  std::uint8_t addr_ton = 0;
  std::uint8_t addr_npi = 0;
  std::string address_range;
};

struct Host {
  Mark mark;
  Endpoint address;
  int weight = 100;
  int priority = 1;  // lower first
  std::optional<std::string> system_id;
  std::optional<std::string> password;
  std::map<std::string, double> cost;  // prefix ("+258", "*") -> price
};

struct Pool {
  int min_connections = 1;  // per host
  int max_connections = 1;
  Millis idle_timeout{300'000};
  Millis max_lifetime{0};  // 0: for ever
};

struct UpstreamTimeouts {
  Millis connect{10'000};
  Millis bind{30'000};
  Millis submit{30'000};    // waiting for a window slot plus the wire
  Millis response{30'000};  // submit_sm written -> its response
  Millis read{60'000};
  Millis write{30'000};
};

struct Health {
  bool enabled = true;
  std::string type = "enquire_link";  // enquire_link | tcp
  Millis interval{30'000};
  Millis timeout{10'000};
  int threshold = 3;
  int recovery_threshold = 2;
};

struct Reconnect {
  Millis initial{1'000};
  Millis max{60'000};
  double factor = 2.0;
  double jitter = 0.2;
};

struct Throttling {  // answers ESME_RTHROTTLED / ESME_RMSGQFUL from the SMSC
  bool adaptive = true;           // slow the link down and speed it up again (AIMD)
  Millis pause{1'000};            // no submit on the link for this long after such an answer
  double decrease = 0.5;
  double increase_per_second = 0.1;  // share of the full rate regained each second
};

struct Failover {
  bool enabled = true;
  int threshold = 3;
  Millis recovery_time{60'000};
  std::string fallback;  // upstream name; empty: none
};

struct MessageDefaults {
  int max_length = 0;  // octets in short_message; 0: the version's own bound
  std::string default_alphabet = "gsm7";  // what data_coding 0 means to this SMSC: gsm7 | gsm7_packed | latin1 | ascii
  std::optional<std::uint8_t> registered_delivery;
  std::string service_type;
  std::optional<std::uint8_t> source_addr_ton;
  std::optional<std::uint8_t> source_addr_npi;
};

struct ReceiptFormat {
  std::string id_format = "auto";  // auto | as_is | hex_to_dec | dec_to_hex
  std::string pattern;             // RE2 with named groups id, stat, err, ...; empty: the usual text
  std::map<std::string, std::string> states;  // this carrier's word -> DELIVRD ...
  bool detect_unflagged = false;   // a deliver_sm that reads like a receipt but is not flagged as one
  bool swap_addresses = false;
};

struct MockOutcome {
  double weight = 1;
  std::uint32_t status = 0;
  std::string receipt_state;  // empty: no receipt even if asked for
  std::string receipt_error = "000";
};

struct MockChaos {  // shares, 0..1
  double missing_receipts = 0;
  double duplicate_receipts = 0;
  double early_receipts = 0;
  double late_receipts = 0;
  Millis late_by{5'000};
};

struct Mock {
  std::string message_id = "mock-${counter}";
  Millis latency_min{0};
  Millis latency_max{0};
  std::string latency_distribution = "uniform";  // fixed | uniform | normal | exponential
  std::vector<MockOutcome> outcomes;             // empty: always accepted and delivered
  Millis receipt_delay{1'000};
  MockChaos chaos;
};

struct Upstream {
  Mark mark;
  std::string name;
  std::vector<Host> hosts;
  Bind bind;
  Pool pool;
  UpstreamTimeouts timeouts;
  Health health;
  std::string algorithm = "round_robin";
  RateLimit rate_limit;
  int window_size = 10;  // per link
  Millis window_timeout{60'000};
  Millis enquire_link_interval{30'000};
  Millis enquire_link_timeout{10'000};
  Reconnect reconnect;
  Throttling throttling;
  Failover failover;
  MessageDefaults message;
  ReceiptFormat receipts;
  std::optional<Mock> mock;  // set: no hosts, answers come from here
  std::map<std::string, std::string> tags;
  std::string message_id = "own";  // own | upstream
};

// One value of a match: exact, glob or regex, as written.
struct Pattern {
  enum class Kind : std::uint8_t { kExact, kGlob, kPrefix, kRegex };
  Kind kind = Kind::kExact;
  std::string text;
};

struct Schedule {
  std::string timezone = "UTC";
  std::string hours;               // "22:00-06:00"; empty: all day
  std::vector<std::string> days;   // mon ... sun; empty: all
};

struct Match {  // every member that is set must hold; within a list one is enough
  std::vector<Pattern> destination_addr;
  std::vector<Pattern> source_addr;
  std::vector<Pattern> service_type;
  std::vector<std::string> client;
  std::vector<std::string> client_tier;
  std::map<std::string, std::vector<std::string>> client_tags;
  std::vector<std::uint8_t> destination_addr_ton, destination_addr_npi, source_addr_ton, source_addr_npi;
  std::vector<std::uint8_t> esm_class, data_coding, protocol_id, priority_flag;
  std::vector<Pattern> text;      // on the decoded text
  std::vector<std::string> upstream;  // mo_routes only
  std::optional<Schedule> schedule;
};

struct WeightedUpstream {
  std::string upstream;
  double weight = 1;
};

struct CannedResponse {  // `response:` routes answer without an upstream
  std::uint32_t status = 0;
  std::string message_id = "${id}";
};

struct Route {
  Mark mark;
  std::string name;
  int priority = 100;
  Match match;
  std::vector<WeightedUpstream> upstreams;  // one: `upstream: NAME`; several: `split:`
  std::vector<std::string> failover;
  std::string table;  // CSV file: prefix,upstream[,cost]
  std::optional<CannedResponse> response;
};

struct MoRoute {
  Mark mark;
  std::string name;
  Match match;
  std::vector<std::string> clients;  // the first with a receive-capable session takes it
};

struct Client {
  Mark mark;
  std::string system_id;
  std::string password;       // plain, already resolved from ${VAR} or ${file:}
  std::string password_hash;  // $argon2id$..., $2b$..., $6$...; exactly one of the two is set
  std::vector<std::string> allowed_ips;
  std::vector<std::string> bind_types;  // empty: all
  int max_connections = 0;              // 0: unlimited
  RateLimit rate_limit;
  int window_size = 0;  // 0: the listener's
  std::vector<Pattern> source_allowed, source_blocked;
  std::vector<Pattern> destination_allowed, destination_blocked;
  std::string upstream;  // forced
  std::string tier;
  std::map<std::string, std::string> tags;
  std::string default_alphabet = "gsm7";
  std::optional<std::uint32_t> uncertain_status;
  MessageIdFormat message_id_format = MessageIdFormat::kHex;
};

struct TransformRule {
  Mark mark;
  Match match;
  std::map<std::string, std::string> set;        // field -> literal
  std::map<std::string, std::string> transform;  // field -> template with ${field} and ${1}
};

struct Filter {  // one step of `middleware`, in the order configured
  Mark mark;
  std::string type;  // logger | auth | rate_limit | address_filter | transform | protocol | metrics
  std::string level = "info";                       // logger
  std::vector<TransformRule> rules;                 // transform
  std::map<std::string, std::string> version_mapping;  // protocol
  bool prometheus = true;                           // metrics
};

struct Multipart {
  bool reassembly = false;
  Millis reassembly_timeout{300'000};
  int max_parts = 20;
  int buffer_size = 100'000;  // parts held per shard
};

struct Receipts {  // the correlation map, in memory
  std::uint32_t max_entries = 10'000'000;
  Millis retention{std::chrono::hours(24 * 9)};
  std::uint32_t untracked_entries = 65'536;  // last messages without a receipt asked for, for query/cancel/replace
  Millis early_hold{2'000};                  // an early receipt waits this long before it is acknowledged unmatched
  Millis park{60'000};
  std::uint32_t max_parked = 100'000;
};

struct Logging {
  std::string level = "info";
  std::string format = "json";
  std::string output = "stdout";
  std::string file_path;
  std::uint64_t file_rotation_size = 100'000'000;
  int file_max_files = 10;
  std::map<std::string, std::string> levels;  // module -> level
};

struct Metrics {
  bool enabled = true;
  std::string path = "/metrics";
  std::uint16_t port = 0;  // 0: on the management listener only
};

struct Management {
  bool enabled = true;
  Endpoint address{"127.0.0.1", 8081};
  std::string auth_type;  // empty or basic
  std::string username;
  std::string password;
};

struct VendorTlv {
  std::string name;
  std::uint16_t tag = 0;
  std::string type = "octets";
  int min_length = 0;
  int max_length = 65'535;
};

struct Config {
  std::string file;
  Runtime runtime;
  std::vector<Listener> listeners;
  std::vector<Upstream> upstreams;
  std::vector<Route> routes;
  std::vector<MoRoute> mo_routes;
  std::vector<Client> clients;
  std::vector<Filter> middleware;
  Multipart multipart;
  Receipts receipts;
  Logging logging;
  Metrics metrics;
  Management management;
  std::vector<VendorTlv> tlvs;
  std::vector<std::string> warnings;  // sentences for the log at start and for `smppd validate`
};

using ConfigPtr = std::shared_ptr<const Config>;

}  // namespace smppd::config
