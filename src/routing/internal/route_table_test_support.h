// A configuration that routes are added to, and what the tests of routes say about it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "routing/route_table.h"

namespace smppd::routing {

using config::Pattern;
using message::MessageFacts;

inline Pattern glob(std::string text) { return {Pattern::Kind::kGlob, std::move(text)}; }
inline Pattern exact(std::string text) { return {Pattern::Kind::kExact, std::move(text)}; }
inline Pattern regex(std::string text) { return {Pattern::Kind::kRegex, std::move(text)}; }

class FixedText final : public message::TextSource {
 public:
  explicit FixedText(std::string text) : text_(std::move(text)) {}
  std::string_view utf8() noexcept override { return text_; }

 private:
  std::string text_;
};

class Routes : public testing::Test {
 protected:
  Routes() {
    for (const char* name : {"alpha", "beta", "gamma", "delta"}) config.upstreams.emplace_back().name = name;
    for (const char* name : {"shop", "bank", "game"}) config.clients.emplace_back().system_id = name;
  }

  config::Route& route(const std::string& name, const std::string& upstream) {
    config::Route& route = config.routes.emplace_back();
    route.name = name;
    if (!upstream.empty()) route.upstreams.push_back({upstream, 1});
    return route;
  }

  std::shared_ptr<const RouteTable> compile() {
    intern_names(config, names);
    auto table = RouteTable::compile(config, names);
    EXPECT_TRUE(table.has_value()) << table.error();
    return table ? *table : nullptr;
  }

  std::string errors() {
    intern_names(config, names);
    const auto table = RouteTable::compile(config, names);
    return table ? "" : table.error();
  }

  std::string decide(const RouteTable& table, const MessageFacts& facts, std::uint32_t random = 0,
                     WallTime now = WallTime{}) {
    const Decision decision = table.decide(facts, now, random);
    return std::string(names.routes.name(decision.route));
  }

  static MessageFacts to(std::string_view destination, std::uint8_t ton = 1) {
    MessageFacts facts;
    facts.destination_addr = destination;
    facts.dest_addr_ton = ton;
    return facts;
  }

  config::Config config;
  message::Names names;
};

}  // namespace smppd::routing
