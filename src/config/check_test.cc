#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/internal/test_support.h"

namespace smppd::config {
namespace {

using namespace smppd::config::testing;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Check, ReferencesMustLeadSomewhere) {
  EXPECT_THAT(said_of_more("routes: [{upstream: aa}]"), HasSubstr("routes[0].upstream: there is no upstream `aa`"));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, failover: [b, zz]}]"),
              HasSubstr("routes[0].failover[1]: there is no upstream `zz`"));
  EXPECT_THAT(said_of_more("routes: [{split: [{upstream: zz}]}]"),
              HasSubstr("routes[0].split[0].upstream: there is no"));
  EXPECT_THAT(said_of_more("  - {name: c, mock: {}, failover: {fallback: zz}}"),
              HasSubstr("upstreams[2].failover.fallback: there is no"));
  EXPECT_THAT(said_of_more("clients: [{system_id: x, password: y, upstream: zz}]"),
              HasSubstr("clients[0].upstream: there is no"));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, match: {client: zz}}]"),
              HasSubstr("routes[0].match.client: there is no client `zz`"));
  EXPECT_THAT(said_of_more("mo_routes: [{client: zz}]"), HasSubstr("mo_routes[0].client: there is no client"));
  EXPECT_THAT(said_of_more("mo_routes: [{client: zz, match: {upstream: q}}]"),
              HasSubstr("mo_routes[0].match.upstream: there is no"));
}

TEST(Check, NamesAreUnique) {
  EXPECT_THAT(said_of_more("  - {name: a, mock: {}}"),
              HasSubstr("upstreams[2].name: `a` is the name of the one in line 3"));
  EXPECT_THAT(said_of("listeners: [{name: x, address: \":1\"}, {name: x, address: \":2\"}]"),
              HasSubstr("listeners[1].name"));
  EXPECT_THAT(said_of_more("clients: [{system_id: x, password: y}, {system_id: x, password: y}]"),
              HasSubstr("clients[1].system_id"));
  EXPECT_THAT(said_of_more("tlvs: [{name: x, tag: 0x1400}, {name: y, tag: 0x1400}]"), HasSubstr("tlvs[1].tag"));
}

TEST(Check, ListenersDoNotShareAnAddress) {
  const auto two = [](const std::string& a, const std::string& b) {
    return said_of("listeners: [{name: x, address: \"" + a + "\"}, {name: y, address: \"" + b + "\"}]");
  };
  EXPECT_THAT(two(":2775", "127.0.0.1:2775"), HasSubstr("listeners[1].address: clashes with `x` in line 1"));
  EXPECT_THAT(two("127.0.0.1:2775", "127.0.0.1:2775"), HasSubstr("clashes"));
  EXPECT_THAT(two("127.0.0.1:2775", "127.0.0.2:2775"), Not(HasSubstr("error")));
  EXPECT_THAT(two(":2775", ":8081"), HasSubstr("port 8081 is the management listener's"));
  EXPECT_THAT(said_of(""), HasSubstr("error: listeners: nothing to listen on"));
}

TEST(Check, AnUpstreamHasHostsOrAMock) {
  EXPECT_THAT(said_of_more("  - {name: c}"), HasSubstr("upstreams[2]: needs `hosts`"));
  EXPECT_THAT(said_of_more("  - {name: c, mock: {}, hosts: [\"h:1\"]}"),
              HasSubstr("upstreams[2]: has `hosts` and `mock`"));
}

TEST(Check, AnSmscThatCallsHasAnAddressOfItsOwn) {
  const std::string outbind = "outbind: {address: \":2776\", system_id: s, allowed_ips: [10.0.0.1]}";
  const std::string first = "  - {name: c, " + outbind + ", bind: {system_id: x}}";
  EXPECT_THAT(said_of_more(first), Not(HasSubstr("upstreams[2]")));
  EXPECT_THAT(said_of_more("  - {name: c, hosts: [\"h:1\"], " + outbind + ", bind: {system_id: x}}"),
              HasSubstr("upstreams[2]: no route leads here"));
  EXPECT_THAT(said_of_more(first + "\nroutes: [{upstream: c}]"),
              HasSubstr("upstreams[2]: messages are routed here, but it only binds as receiver"));
  EXPECT_THAT(said_of_more("  - {name: c, mock: {}, " + outbind + "}"), HasSubstr("has `outbind` and `mock`"));
  EXPECT_THAT(said_of_more(first + "\n  - {name: d, " + outbind + "}"),
              HasSubstr("upstreams[3].outbind.address: clashes with that of the upstream `c`"));
  EXPECT_THAT(said_of_more("  - {name: c, outbind: {address: \":8081\", system_id: s}}"),
              HasSubstr("upstreams[2].outbind.address: port 8081 is the management listener's"));
  EXPECT_THAT(said_of_more("  - {name: c, outbind: {address: \":1\", system_id: s}}"),
              HasSubstr("warning: upstreams[2].outbind: everybody may try"));
  EXPECT_THAT(said_of_more("  - {name: c, outbind: {}}"), HasSubstr("address"));
  EXPECT_THAT(said_of_more("  - {name: c, outbind: {address: \":1\", system_id: s, type: transmitter}}"),
              HasSubstr("receiver"));
}

TEST(Check, AClientThatIsCalledCanReceiveAndItsListenerExists) {
  const auto client = [](const std::string& keys) {
    return said_of_more("clients: [{system_id: x, password: y, " + keys + "}]");
  };
  EXPECT_THAT(client("outbind: {address: \"h:1\"}"), Not(HasSubstr("error")));
  EXPECT_THAT(client("outbind: {address: \"h:1\", listener: nowhere}"),
              HasSubstr("clients[0].outbind.listener: there is no listener `nowhere`; there are: "));
  EXPECT_THAT(client("bind_types: [transmitter], outbind: {address: \"h:1\"}"), HasSubstr("it could never receive"));
  EXPECT_THAT(client("outbind: {address: \"h:1\", retry: {initial: 2s, max: 1s}}"), HasSubstr("longer than max"));
  EXPECT_THAT(client("outbind: {address: \":1\"}"), HasSubstr("clients[0].outbind.address"));
}

TEST(Check, AClientHasOnePasswordOrHash) {
  EXPECT_THAT(said_of_more("clients: [{system_id: x}]"), HasSubstr("clients[0]: needs `password` or `password_hash`"));
  EXPECT_THAT(
      said_of_more("clients: [{system_id: x, password: y, password_hash: \"$6$ab$" + std::string(86, 'a') + "\"}]"),
      HasSubstr("clients[0]: has `password` and `password_hash`"));
}

TEST(Check, KnowsTheFormsOfHashes) {
  const auto hash = [](const std::string& text) {
    return said_of_more("clients: [{system_id: x, password_hash: \"" + text + "\"}]");
  };
  const std::string sha(86, 'a');
  const std::string bcrypt(53, 'b');
  for (const std::string& good :
       {"$6$salt$" + sha, "$6$rounds=5000$salt$" + sha, "$2b$12$" + bcrypt, "$2y$10$" + bcrypt,
        std::string("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")}) {
    EXPECT_THAT(hash(good), Not(HasSubstr("error"))) << good;
  }
  for (const std::string& bad :
       {std::string("secret"), "$5$salt$" + sha, std::string("$2b$12$short"), "$2b$99$" + bcrypt,
        "$6$salt$" + sha + "x", std::string("$argon2i$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA")}) {
    EXPECT_THAT(hash(bad), HasSubstr("clients[0].password_hash: not a password hash that is understood")) << bad;
  }
}

TEST(Check, AddressBlocksAreExact) {
  const auto block = [](const std::string& text) {
    return said_of("listeners: [{address: \":1\", allowed_ips: [\"" + text + "\"]}]");
  };
  for (const char* good : {"10.0.0.0/8", "192.168.1.7", "0.0.0.0/0", "::1", "fe80::/10", "10.0.0.9/32"}) {
    EXPECT_THAT(block(good), Not(HasSubstr("error"))) << good;
  }
  for (const char* bad :
       {"10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.0/", "10.0.0.0/-1", "fe80::1/10", "::/129", "any"}) {
    EXPECT_THAT(block(bad), HasSubstr("error: listeners[0].allowed_ips[0]: ")) << bad;
  }
}

TEST(Check, FallbacksDoNotGoInACircle) {
  const std::string said = said_of(
      "listeners: [{address: \":1\"}]\nupstreams:\n  - {name: a, mock: {}, failover: b}\n  - {name: b, mock: {}, "
      "failover: c}\n"
      "  - {name: c, mock: {}, failover: a}\n  - {name: d, mock: {}, failover: a}\n");
  EXPECT_THAT(said, HasSubstr("upstreams[0].failover.fallback: the fallbacks go in a circle: a -> b -> c -> a"));
  EXPECT_EQ(said.find("circle"), said.rfind("circle"));
}

TEST(Check, BoundsAgreeWithEachOther) {
  const auto upstream = [](const std::string& more) {
    return said_of_more("  - {name: c, hosts: [\"h:1\"], " + more + "}");
  };
  EXPECT_THAT(upstream("pool: {min_connections: 5, max_connections: 2}"),
              HasSubstr("upstreams[2].pool: min_connections 5 is more"));
  EXPECT_THAT(upstream("reconnect: {initial: 2m}"), HasSubstr("upstreams[2].reconnect: initial is longer than max"));
  EXPECT_THAT(upstream("bind: {version: \"3.3\"}, message: {long_messages: sar_tlv}"),
              HasSubstr("upstreams[2].message.long_messages: SMPP 3.3 has no TLVs"));
  EXPECT_THAT(upstream("bind: {version: \"3.3\"}, message: {long_messages: message_payload}"), HasSubstr("no TLVs"));
  EXPECT_THAT(upstream("bind: {version: \"3.3\"}, message: {long_messages: udh}"), Not(HasSubstr("no TLVs")));
  EXPECT_THAT(said_of_more("  - {name: c, hosts: [{address: \"h:1\", weight: 0}]}"),
              HasSubstr("upstreams[2].hosts: every weight is 0"));
  EXPECT_THAT(said_of_more("  - {name: c, hosts: [\"h:1\", \"h:1\"]}"),
              HasSubstr("upstreams[2].hosts[1].address: is there twice"));
  EXPECT_THAT(said_of_more("  - {name: c, mock: {outcomes: [{weight: 0}]}}"),
              HasSubstr("upstreams[2].mock.outcomes: every weight is 0"));
  EXPECT_THAT(said_of_more("  - {name: c, mock: {latency: {min: 2s, max: 1s}}}"), HasSubstr("min is longer than max"));
  EXPECT_THAT(said_of_more("routes: [{split: {a: 0, b: 0}}]"), HasSubstr("routes[0].split: every weight is 0"));
}

TEST(Check, ARouteGoesOneWay) {
  EXPECT_THAT(said_of_more("routes: [{match: {}}]"), HasSubstr("routes[0]: goes nowhere"));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, response: 0}]"),
              HasSubstr("routes[0].response: the route has an upstream too"));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, balance: adaptive}]"),
              HasSubstr("routes[0].balance: `adaptive` chooses among the upstreams of `split`"));
  EXPECT_THAT(said_of_more("routes: [{upstream: a, split: {b: 1}}]"),
              HasSubstr("routes[0].split: the route has `upstream` too"));
  EXPECT_THAT(said_of_more("routes: [{table: /no/such.csv}]"),
              HasSubstr("routes[0].table: there is no file /no/such.csv"));
  EXPECT_THAT(said_of_more("routes: [{table: /}]"), HasSubstr("routes[0].table: cannot read /"));
}

TEST(Check, RoutesThatNeverMatchAreWarnedOf) {
  const std::string behind =
      said_of_more("routes:\n  - {name: all, upstream: a}\n  - {match: {source_addr: X}, upstream: b}\n");
  EXPECT_THAT(behind,
              HasSubstr("7:5: warning: routes[1]: never matches: `all` in line 6 takes every message before it"));
  EXPECT_THAT(
      said_of_more("routes:\n  - {match: {source_addr: X}, upstream: a}\n  - {match: {source_addr: X}, upstream: b}\n"),
      HasSubstr("routes[1]: never matches: `route-1` in line 6 matches the same"));
  const std::string ordered = said_of_more(
      "routes:\n  - {match: {destination_addr: \"*\"}, upstream: a}\n  - {match: {source_addr: X}, upstream: b, "
      "priority: 1}\n");
  EXPECT_THAT(ordered, Not(HasSubstr("never matches")));
}

TEST(Check, WhatIsProbablyAMistakeIsWarnedOf) {
  EXPECT_THAT(said_of_more("routes: [{upstream: a}]"), HasSubstr("warning: upstreams[1]: no route leads here"));
  EXPECT_THAT(said_of_more("  - {name: c, hosts: [\"h:1\"]}"), HasSubstr("warning: upstreams[2]: no `bind.system_id`"));
  EXPECT_THAT(said_of("listeners: [{address: \":1\", anonymous: true}]"),
              HasSubstr("everybody may bind here without a password"));
  EXPECT_THAT(said_of("listeners: [{address: \":1\", anonymous: true}]\nclients: [{system_id: x, password: y}]"),
              HasSubstr("error: listeners[0].anonymous"));
}

TEST(Check, FiltersHaveOnlyTheirOwnOptions) {
  EXPECT_THAT(said_of_more("middleware: [{type: auth, level: info}]"),
              HasSubstr("middleware[0].level: belongs to the filter `logger`"));
  EXPECT_THAT(said_of_more("middleware: [{type: transform, rules: [{match: {}}]}]"),
              HasSubstr("rules[0]: changes nothing"));
  EXPECT_THAT(said_of_more("middleware: [{type: transform, rules: [{set: {sourc_addr: x}}]}]"),
              HasSubstr("did you mean `source_addr`?"));
  EXPECT_THAT(said_of_more("middleware: [firewall]"), HasSubstr("the SMS firewall is not built yet"));
}

TEST(Check, SchedulesNameRealZonesHoursAndDays) {
  const auto when = [](const std::string& text) {
    return said_of_more("routes: [{upstream: a, match: {schedule: {" + text + "}}}]");
  };
  EXPECT_THAT(when("timezone: Africa/Maputo, hours: \"22:00-06:00\", days: [mon, sun]"), Not(HasSubstr("error")));
  EXPECT_THAT(when("timezone: Africa/Nowhere"), HasSubstr("`Africa/Nowhere` is not a known time zone"));
  EXPECT_THAT(when("timezone: ../../etc/passwd"), HasSubstr("is not a known time zone"));
  EXPECT_THAT(when("hours: \"25:00-06:00\""), HasSubstr("is not a span of hours"));
  EXPECT_THAT(when("days: monday"), HasSubstr("is not one of mon"));
}

TEST(Check, ManagementAuthenticationIsComplete) {
  EXPECT_THAT(said_of_more("management: {auth: {type: basic, username: u}}"),
              HasSubstr("management.auth: basic needs"));
  EXPECT_THAT(said_of_more("management: {auth: {username: u, password: p}}"), HasSubstr("`type: basic` is missing"));
  EXPECT_THAT(said_of_more("logging: {output: file}"), HasSubstr("`output: file` needs `file.path`"));
}

}  // namespace
}  // namespace smppd::config
