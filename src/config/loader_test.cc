#include "config/loader.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "config/internal/test_support.h"

namespace smppd::config {
namespace {

using namespace smppd::config::testing;
using ::testing::HasSubstr;
using ::testing::Not;

// A folder of its own that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "smppd-config-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }

 private:
  std::string path_;
};

ConfigPtr loaded(std::string_view more, const LoadOptions& options = options_with({})) {
  const Loaded result = load_yaml(std::string(kRouted) + std::string(more), options);
  EXPECT_NE(result.config, nullptr) << to_text(result.diagnostics);
  return result.config;
}

TEST(Loader, FillsInEveryDefault) {
  const ConfigPtr config = loaded("");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->listeners[0].name, "smpp-2775");
  EXPECT_EQ(config->listeners[0].timeouts, ListenerTimeouts{});
  EXPECT_EQ(config->runtime, Runtime{});
  EXPECT_EQ(config->file, "test.yaml");
}

TEST(Loader, TakesTheScalarShorthandsOfTheDocuments) {
  const ConfigPtr config = loaded(R"(
  - name: c
    hosts: ["one:2775", {address: "two:2775", weight: 5}]
    load_balancing: p2c
    rate_limit: 500
    window: 7
    enquire_link: 15s
    failover: a
    bind: {system_id: me}
  - {name: d, mock: {latency: 20ms}}
clients:
  - {system_id: x, password: y, rate_limit: 1000}
middleware: [auth, {type: logger, level: debug}]
routes:
  - {match: {destination_addr: "+1*"}, split: {a: 70, b: 30}}
  - {match: {source_addr: Z}, response: ESME_RTHROTTLED}
  - {upstream: c, failover: d}
multipart: {reassembly: true, segmentation: true, reference: sequential}
)");
  ASSERT_NE(config, nullptr);
  const Upstream& upstream = config->upstreams[2];
  EXPECT_EQ(upstream.hosts[0].address, (Endpoint{"one", 2775}));
  EXPECT_EQ(upstream.hosts[1].weight, 5);
  EXPECT_EQ(upstream.algorithm, "p2c");
  EXPECT_EQ(upstream.rate_limit.messages_per_second, 500);
  EXPECT_EQ(upstream.window_size, 7);
  EXPECT_EQ(upstream.enquire_link_interval, Millis(15'000));
  EXPECT_EQ(upstream.failover.fallback, "a");
  EXPECT_EQ(config->upstreams[3].mock->latency_max, Millis(20));
  EXPECT_EQ(config->upstreams[3].mock->latency_distribution, "fixed");
  EXPECT_EQ(config->clients[0].rate_limit.messages_per_second, 1000);
  EXPECT_EQ(config->middleware[0].type, "auth");
  EXPECT_EQ(config->routes[0].upstreams, (std::vector<WeightedUpstream>{{"a", 70}, {"b", 30}}));
  EXPECT_EQ(config->routes[1].response->status, 0x58U);
  EXPECT_EQ(config->routes[2].failover, std::vector<std::string>{"d"});
  EXPECT_TRUE(config->multipart.reassembly);
  EXPECT_TRUE(config->multipart.segmentation.enabled);
  EXPECT_EQ(config->multipart.reference.mode, ReferenceMode::kSequential);
}

TEST(Loader, ReadsWhatReceiptCodesMeanInBothPlaces) {
  const auto at_upstream = load_yaml(R"(listeners: [{address: ":2775"}]
upstreams:
  - name: a
    mock: {}
    receipts: {map: {"001": {state: DELIVERED, error: 0}, UNDELIV: {state: REJECTD, error: 12}, "7/EXPIRED": DELETED}}
)")
                               .config;
  const auto for_all = load_yaml(R"(dlr_harmonization:
  carriers:
    a: {"001": {state: DELIVRD, error: 0}, UNDELIV: {state: REJECTED, error: 12}, "7/EXPIRED": {state: DELETED}}
listeners: [{address: ":2775"}]
clusters: [{name: a, mock: {}, receipts: {}}]
)")
                           .config;
  ASSERT_TRUE(at_upstream && for_all);
  const auto& map = at_upstream->upstreams[0].receipts.map;
  EXPECT_EQ(map.at("001"), (ReceiptMeaning{2, 0}));
  EXPECT_EQ(map.at("UNDELIV"), (ReceiptMeaning{8, 12}));
  EXPECT_EQ(map.at("7/EXPIRED"), (ReceiptMeaning{4, {}}));
  EXPECT_EQ(for_all->upstreams[0].receipts.map, map);
}

TEST(Loader, RefusesReceiptCodesThatMeanNothing) {
  const auto said = [](const std::string& map) {
    return said_of("listeners: [{address: \":2775\"}]\nupstreams: [{name: a, mock: {}, receipts: {map: " + map + "}}]");
  };
  EXPECT_THAT(said("{\"1\": {state: DELIVRED}}"),
              HasSubstr("upstreams[0].receipts.map.1.state: `DELIVRED` is not one of SCHEDULED, ENROUTE, DELIVERED, "
                        "EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED, SKIPPED, SCHEDLD, DELIVRD, "
                        "UNDELIV, ACCEPTD, REJECTD; did you mean `DELIVERED`?"));
  EXPECT_THAT(said("{\"1\": {error: 1}}"), HasSubstr("upstreams[0].receipts.map.1.state: is required"));
  EXPECT_THAT(said("{\"1\": {state: DELIVRD, error: 1000}}"), HasSubstr("map.1.error: 1000 is out of bounds"));
  EXPECT_THAT(said("{\"1\": {state: DELIVRD, err: 1}}"), HasSubstr("map.1.err: unknown key; did you mean `error`?"));
}

TEST(Loader, RefusesHarmonisationThatLeadsNowhere) {
  const auto said = [](const std::string& carriers, const std::string& receipts = "{}") {
    return said_of("listeners: [{address: \":2775\"}]\nupstreams: [{name: a, mock: {}, receipts: " + receipts +
                   "}]\ndlr_harmonization: " + carriers);
  };
  EXPECT_THAT(said("{carriers: {b: {\"1\": DELIVRD}}}"),
              HasSubstr("dlr_harmonization.carriers.b: there is no upstream `b`"));
  EXPECT_THAT(said("{carriers: {a: {\"1\": DELIVRD}}}", "{map: {\"2\": DELIVRD}}"),
              HasSubstr("dlr_harmonization.carriers.a: says the same as `receipts.map` of the upstream"));
  EXPECT_THAT(said("{carriers: [a]}"), HasSubstr("dlr_harmonization.carriers: expected a map"));
  EXPECT_THAT(said("{carrier: {}}"), HasSubstr("dlr_harmonization.carrier: unknown key"));
  EXPECT_THAT(said("7"), HasSubstr("dlr_harmonization: expected a map"));
}

TEST(Loader, RefusesReceiptTemplatesThatCannotBeFilledIn) {
  const auto said = [](const std::string& text) {
    return said_of_more("clients: [{system_id: x, password: y, receipts: {template: \"" + text + "\"}}]");
  };
  EXPECT_THAT(said("id:${id} stat:${stat}"), Not(HasSubstr("error")));
  EXPECT_THAT(said("${ids}"),
              HasSubstr("clients[0].receipts.template: there is no `${ids}` here; did you mean `${id}`?"));
  EXPECT_THAT(said(std::string(255, 'x')), HasSubstr("could be 255 octets long"));
}

TEST(Loader, KeepsTextAsWritten) {
  const ConfigPtr config = loaded("clients: [{system_id: 01, password: 007, tags: {a: 0x10, b: true, c: 1.50}}]");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->clients[0].system_id, "01");
  EXPECT_EQ(config->clients[0].password, "007");
  EXPECT_EQ(config->clients[0].tags, (std::map<std::string, std::string>{{"a", "0x10"}, {"b", "true"}, {"c", "1.50"}}));
}

TEST(Loader, ReadsDurationsSizesVersionsAndStatuses) {
  const ConfigPtr config = loaded(R"(
runtime: {drain_timeout: 1m30s}
logging: {file: {rotation: 1.5GB}}
receipts: {retention: 30d, early_hold: 250ms, park: 0}
clients: [{system_id: x, password: y, uncertain_status: 0x45}]
tlvs: [{name: vendor, tag: 0x1400}]
)");
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->runtime.drain_timeout, Millis(90'000));
  EXPECT_EQ(config->logging.file_rotation_size, 1'500'000'000U);
  EXPECT_EQ(config->receipts.retention, std::chrono::hours(24 * 30));
  EXPECT_EQ(config->receipts.early_hold, Millis(250));
  EXPECT_EQ(config->receipts.park, Millis(0));
  EXPECT_EQ(config->clients[0].uncertain_status, 0x45U);
  EXPECT_EQ(config->tlvs[0].tag, 0x1400);
  for (const char* version : {"3.4", "\"3.4\"", "0x34", "smpp34"}) {
    const ConfigPtr one = loaded(
        "  - {name: c, hosts: [\"h:1\"], bind: {system_id: x, interface_version: " + std::string(version) + "}}\n");
    ASSERT_NE(one, nullptr) << version;
    EXPECT_EQ(one->upstreams[2].bind.interface_version, 0x34) << version;
  }
}

TEST(Loader, RefusesValuesOfTheWrongKindWithWhatIsAllowed) {
  EXPECT_THAT(said_of_more("runtime: {drain_timeout: 10}"),
              HasSubstr("5:26: error: runtime.drain_timeout: `10` needs a unit"));
  EXPECT_THAT(said_of_more("runtime: {drain_timeout: soon}"), HasSubstr("`soon` is not a duration"));
  EXPECT_THAT(said_of_more("runtime: {shards: 2000}"), HasSubstr("2000 is out of bounds; allowed: 1 to 1024"));
  EXPECT_THAT(said_of_more("runtime: {shards: 010}"), HasSubstr("`010` is not a whole number"));
  EXPECT_THAT(said_of_more("runtime: {pin_cpus: maybe}"), HasSubstr("`maybe` is neither true nor false"));
  EXPECT_THAT(said_of_more("runtime: [1]"), HasSubstr("expected a map of options, found a list"));
  EXPECT_THAT(said_of_more("routes: 5"), HasSubstr("expected a list, found a single value"));
  EXPECT_THAT(said_of_more("routes: [~]"), HasSubstr("routes[0]: an empty item"));
  EXPECT_THAT(said_of_more("logging: {level: verbos}"),
              HasSubstr("is not one of trace, debug, info, warn, error, off"));
  EXPECT_THAT(said_of_more("logging: {level: debgu}"), HasSubstr("did you mean `debug`?"));
  EXPECT_THAT(said_of_more("routes: [{response: ESME_RNOPE}]"), HasSubstr("`ESME_RNOPE` is not a command_status"));
  EXPECT_THAT(said_of_more("tlvs: [{name: v, tag: 0x1399}]"), HasSubstr("allowed: 5120 to 16383"));
}

TEST(Loader, ReadsAddressesInEveryForm) {
  const auto address = [](const std::string& text) { return load_yaml("listeners: [{address: \"" + text + "\"}]"); };
  EXPECT_EQ(address(":2775").config->listeners[0].address, (Endpoint{"", 2775}));
  EXPECT_EQ(address("0.0.0.0:2775").config->listeners[0].address, (Endpoint{"0.0.0.0", 2775}));
  EXPECT_EQ(address("[::1]:2775").config->listeners[0].address, (Endpoint{"::1", 2775}));
  for (const char* bad : {"2775", "host", "host:", "host:0", "host:65536", "host:1x", "::1:2775", "[::1:2775", "[zz]:1",
                          "a b:1", "a/b:1"}) {
    EXPECT_EQ(address(bad).config, nullptr) << bad;
  }
  EXPECT_THAT(said_of_more("  - {name: c, hosts: [\":2775\"], bind: {system_id: x}}\n"),
              HasSubstr("upstreams[2].hosts[0].address: the host is missing"));
}

TEST(Loader, TellsGlobExactPrefixAndRegexApart) {
  const ConfigPtr config = loaded(R"(
routes:
  - upstream: a
    match:
      destination_addr: ["+258*", PREMIUM, {prefix: "+27"}, {regex: "[0-9]+"}, {exact: "a*"}, "^8[0-9]{8}$", "12?"]
)");
  ASSERT_NE(config, nullptr);
  using Kind = Pattern::Kind;
  EXPECT_EQ(config->routes[0].match.destination_addr, (std::vector<Pattern>{{Kind::kGlob, "+258*"},
                                                                            {Kind::kExact, "PREMIUM"},
                                                                            {Kind::kPrefix, "+27"},
                                                                            {Kind::kRegex, "[0-9]+"},
                                                                            {Kind::kExact, "a*"},
                                                                            {Kind::kRegex, "^8[0-9]{8}$"},
                                                                            {Kind::kGlob, "12?"}}));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, match: {text: {regex: \"(a\"}}}]"),
              HasSubstr("routes[0].match.text: not a valid regular expression (RE2): missing )"));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, match: {text: {prefx: a}}}]"), HasSubstr("{prefix: ...}"));
}

TEST(Environment, IsPutIntoValues) {
  const LoadOptions options = options_with({{"USER_X", "me"}, {"SHARDS", "3"}, {"EMPTY", ""}});
  const ConfigPtr config = loaded(R"(
runtime: {shards: "${SHARDS}"}
clients: [{system_id: "${USER_X}", password: "a${USER_X}b${NOT_SET:-c}${EMPTY:-d}$${USER_X}$"}]
)",
                                  options);
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->runtime.shards, 3);
  EXPECT_EQ(config->clients[0].system_id, "me");
  EXPECT_EQ(config->clients[0].password, "amebcd${USER_X}$");
}

TEST(Environment, NamesWhatIsNotSet) {
  EXPECT_THAT(said_of_more("clients: [{system_id: x, password: \"${NO_SUCH}\"}]"),
              HasSubstr("clients[0].password: environment variable NO_SUCH is not set"));
  EXPECT_THAT(said_of_more("clients: [{system_id: x, password: \"${NO SUCH}\"}]"), HasSubstr("does not name"));
  EXPECT_THAT(said_of_more("clients: [{system_id: x, password: \"${OPEN\"}]"), HasSubstr("without its `}`"));
  EXPECT_THAT(said_of_more("clients: [{system_id: x, password: \"${BAD}\"}]", options_with({{"BAD", "\xFF"}})),
              HasSubstr("not valid UTF-8"));
}

TEST(Environment, ReadsSecretsFromFiles) {
  const Folder folder;
  const std::string secret = folder.write("secret", "s3cret\n");
  const std::string text = std::string(kRouted) + "clients: [{system_id: x, password: \"${file:" + secret +
                           "}\"}, {system_id: y, password: \"${file:secret}\"}]\n";
  const Loaded result = load_file(folder.write("c.yaml", text, 0644));
  ASSERT_NE(result.config, nullptr) << to_text(result.diagnostics);
  EXPECT_EQ(result.config->clients[0].password, "s3cret");
  EXPECT_EQ(result.config->clients[1].password, "s3cret");
  EXPECT_THAT(to_text(result.diagnostics), Not(HasSubstr("everybody may read")));
  EXPECT_THAT(said_of_more("clients: [{system_id: x, password: \"${file:/no/such}\"}]"),
              HasSubstr("cannot read /no/such"));
}

TEST(Environment, LeavesTemplatesToTheMessage) {
  EXPECT_THAT(said_of_more("loging: {}"),
              HasSubstr("test.yaml:5:1: error: loging: unknown key; did you mean `logging`?"));
  EXPECT_THAT(said_of_more("logging: {qqqqqqqq: 1}"), HasSubstr("known here: level, format, output, file, levels"));
  LoadOptions lenient = options_with({});
  lenient.lenient = true;
  EXPECT_NE(load_yaml(std::string(kListener) + "loging: {}", lenient).config, nullptr);
  EXPECT_THAT(said_of_more("loging: {}", lenient), HasSubstr("warning: loging: unknown key"));
}

TEST(Keys, OfFeaturesToComeAreRefusedByName) {
  EXPECT_THAT(said_of_more("  - {name: c, hosts: [\"h:1\"], storage: {deliver_sm: {}}}"),
              HasSubstr("error: upstreams[2].storage: storing messages is not built yet; remove it"));
  EXPECT_THAT(said_of_more("mnp: {enabled: true}"), HasSubstr("mnp: number portability lookup is not built yet"));
  LoadOptions lenient = options_with({});
  lenient.lenient = true;
  EXPECT_THAT(said_of_more("mnp: {backend: x}", lenient), HasSubstr("error: mnp"));
}

TEST(Keys, OfFeaturesToComeMaySayThatTheyAreOff) {
  EXPECT_NE(loaded("mnp: {enabled: false, backend: x}\ncluster: false\ntracing:\nauth: {ldap: {enabled: no}}"),
            nullptr);
}

TEST(Keys, RequiredOnesAreAskedFor) {
  EXPECT_THAT(said_of("listeners: [{name: x}]"), HasSubstr("error: listeners[0].address: is required"));
  EXPECT_THAT(said_of_more("  - {mock: {}}"), HasSubstr("upstreams[2].name: is required"));
}

TEST(Keys, ThatSayTheSameMayNotContradict) {
  const auto bind = [](const std::string& more) {
    return said_of_more("  - {name: c, hosts: [\"h:1\"], bind: {system_id: x, interface_version: 3.4}, " + more +
                        "}\nroutes: [{upstream: a, failover: [b, c]}]");
  };
  EXPECT_THAT(bind("protocol: {version: 3.4}"), Not(HasSubstr("error")));
  EXPECT_THAT(bind("protocol: {version: 5.0}"), HasSubstr("contradicts `bind.interface_version`"));
  EXPECT_THAT(bind("failover: {threshold: 3}, circuit_breaker: {threshold: 4}"),
              HasSubstr("contradicts `failover.threshold`"));
  EXPECT_THAT(bind("circuit_breaker: {threshold: 4}"), Not(HasSubstr("error")));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, cluster: b}]"), HasSubstr("says the same as `upstream`"));
}

TEST(Overrides, ReplaceOneValue) {
  LoadOptions options = options_with({});
  options.overrides = {"runtime.shards=1",
                       "upstreams[name=b].window.size=9",
                       "upstreams.a.window=8",
                       "listeners[0].address=127.0.0.1:4000",
                       "logging.levels={upstream: debug}",
                       "routes[0].upstream=a",
                       "clients[0]={system_id: x, password: y}"};
  const ConfigPtr config = loaded("", options);
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->runtime.shards, 1);
  EXPECT_EQ(config->upstreams[1].window_size, 9);
  EXPECT_EQ(config->upstreams[0].window_size, 8);
  EXPECT_EQ(config->listeners[0].address, (Endpoint{"127.0.0.1", 4000}));
  EXPECT_EQ(config->logging.levels.at("upstream"), "debug");
  EXPECT_EQ(config->routes[0].upstreams[0].upstream, "a");
  EXPECT_EQ(config->clients[0].system_id, "x");
}

TEST(Overrides, ThatLeadNowhereAreRefused) {
  for (const char* bad : {"runtime.shards", "=1", "upstreams[name=zz].window=1", "upstreams[9].window=1", "a..b=1",
                          "listeners[x]=1", "listeners[0=1", "runtime.shards=[", "runtime.sharts=1"}) {
    LoadOptions options = options_with({});
    options.overrides = {bad};
    EXPECT_THAT(said_of_more("", options), HasSubstr("error")) << bad;
  }
}

TEST(Files, AreReadByTheirExtension) {
  const Folder folder;
  EXPECT_NE(load_file(folder.write("a.yml", kListener)).config, nullptr);
  EXPECT_NE(load_file(folder.write("a.json", R"({"listeners": [{"address": ":2775"}]})")).config, nullptr);
  EXPECT_NE(load_file(folder.write("a.toml", "[[listeners]]\naddress = ':2775'\n")).config, nullptr);
  EXPECT_THAT(to_text(load_file(folder.write("a.conf", kListener)).diagnostics), HasSubstr("must end in .yaml"));
  EXPECT_THAT(to_text(load_file("/no/such/file.yaml").diagnostics),
              HasSubstr("/no/such/file.yaml: error: cannot read"));
  EXPECT_THAT(to_text(load_file("/").diagnostics), HasSubstr("error"));
}

TEST(Files, WithPasswordsThatEverybodyMayReadAreWarnedOf) {
  const Folder folder;
  const std::string text = std::string(kRouted) + "clients: [{system_id: x, password: y}]\n";
  EXPECT_THAT(to_text(load_file(folder.write("open.yaml", text, 0644)).diagnostics),
              HasSubstr("everybody may read it"));
  EXPECT_THAT(to_text(load_file(folder.write("closed.yaml", text, 0640)).diagnostics), Not(HasSubstr("everybody")));
}

TEST(Diagnostics, ComeAllAtOnceInTheOrderOfTheFile) {
  const Loaded result = load_yaml(
      "listeners: [{address: nowhere}]\nupstreams: [{name: a}]\nroutes: [{upstream: b}]\nruntime: {shards: x}\n");
  EXPECT_EQ(result.config, nullptr);
  std::vector<int> lines;
  for (const Diagnostic& one : result.diagnostics) {
    if (one.severity == Diagnostic::Severity::kError) lines.push_back(one.line);
  }
  EXPECT_EQ(lines, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Diagnostics, WarningsTravelWithTheConfiguration) {
  const ConfigPtr config = loaded("");
  ASSERT_NE(config, nullptr);
  EXPECT_THAT(config->warnings, ::testing::Contains(HasSubstr("listeners[0]: there are no `clients`")));
}

}  // namespace
}  // namespace smppd::config
