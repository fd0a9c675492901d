// Every example of docs/middleware.md loads, and every filter it names can be made.
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "config/loader.h"
#include "message/names.h"
#include "plugins/filter/address_filter/address_filter.h"
#include "plugins/filter/auth/auth.h"
#include "plugins/filter/logger/logger.h"
#include "plugins/filter/metrics/metrics.h"
#include "plugins/filter/protocol/protocol.h"
#include "plugins/filter/rate_limit/rate_limit.h"
#include "plugins/filter/transform/transform.h"
#include "routing/route_table.h"

namespace smppd::plugins {
namespace {

std::vector<std::string> yaml_blocks(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string open = "```yaml\n";
  std::vector<std::string> blocks;
  for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at)) {
    at += open.size();
    const auto end = text.find("```", at);
    blocks.push_back(text.substr(at, end - at));
    at = end;
  }
  return blocks;
}

// The examples show one part of a configuration; this is the rest.
std::string completed(const std::string& block) {
  std::string text =
      "listeners: [{name: smpp, address: '127.0.0.1:2775'}]\n"
      "upstreams: [{name: carrier, hosts: ['127.0.0.1:2776'], bind: {system_id: a, password: b}}]\n"
      "routes: [{name: all, upstream: carrier}]\n";
  if (!block.contains("clients:")) text += "clients: [{system_id: someone, password: secret}]\n";
  return text + block;
}

TEST(MiddlewareManual, EveryExampleLoadsAndItsFiltersCanBeMade) {
  const auto blocks = yaml_blocks(std::string(SMPPD_SOURCE_DIR) + "/docs/middleware.md");
  ASSERT_GE(blocks.size(), 8U);
  for (const auto& block : blocks) {
    const auto loaded = config::load_text(completed(block), config::Format::kYaml, "example.yaml");
    ASSERT_TRUE(loaded.config) << block << config::to_text(loaded.diagnostics);
    message::Names names;
    routing::intern_names(*loaded.config, names);
    EXPECT_FALSE(loaded.config->middleware.empty()) << block;
    for (const auto& filter : loaded.config->middleware) {
      bool known = false;
      for (const auto* plugin : {&kAddressFilter, &kAuthFilter, &kLoggerFilter, &kMetricsFilter, &kProtocolFilter,
                                 &kRateLimitFilter, &kTransformFilter}) {
        if (filter.type != plugin->type) continue;
        known = true;
        const auto made = plugin->make(filter, {*loaded.config, names, 0});
        EXPECT_TRUE(made) << block << made.error();
      }
      EXPECT_TRUE(known) << filter.type;
    }
  }
}

}  // namespace
}  // namespace smppd::plugins
