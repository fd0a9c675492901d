#include <gtest/gtest.h>

#include "config/loader.h"

namespace smppd::config {
namespace {

TEST(Loader, ReadsTheMinimalProxyOfTheDesign) {
  const Loaded loaded = load_text(R"(
listeners:
  - type: smpp
    address: :2775
upstreams:
  - name: smsc
    hosts:
      - address: smsc.provider.com:2775
    bind:
      system_id: myuser
      password: mypass
routes:
  - match: { destination_addr: "*" }
    upstream: smsc
)",
                                  Format::kYaml, "minimal.yaml");
  ASSERT_NE(loaded.config, nullptr) << to_text(loaded.diagnostics);
  EXPECT_EQ(loaded.config->listeners[0].name, "smpp-2775");
  EXPECT_EQ(loaded.config->upstreams[0].hosts[0].address.host, "smsc.provider.com");
}

}  // namespace
}  // namespace smppd::config
