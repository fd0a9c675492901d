#include "server/snapshot_builder.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/loader.h"
#include "server/plugin_list.h"

namespace smppd::server {
namespace {

constexpr std::string_view kStart = R"(
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams:
  - name: first
    hosts: [{address: "127.0.0.1:1"}]
    bind: {system_id: us, password: secret}
    rate_limit: {messages_per_second: 10}
  - name: second
    mock: {}
routes: [{name: all, match: {destination_addr: "*"}, upstream: first}]
)";
constexpr std::string_view kPlainClient = "clients: [{system_id: shop, password: secret}]\n";

struct SnapshotBuilder : testing::Test {
  static config::ConfigPtr load(const std::string& text) {
    const auto loaded = config::load_text(text, config::Format::kYaml, "test.yaml");
    EXPECT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    return loaded.config;
  }
  static config::ConfigPtr with(std::string_view rest) { return load(std::string(kStart) + std::string(rest)); }
  Publication built(const config::ConfigPtr& config, const config::Config* before = nullptr, unsigned shards = 1) {
    auto publication = build_publication(config, before, shards, lasting);
    EXPECT_TRUE(publication) << publication.error();
    return publication ? std::move(*publication) : Publication{};
  }
  Lasting lasting;
};

TEST_F(SnapshotBuilder, EveryPartIsThereAndEachShardHasItsOwnChain) {
  const auto publication = built(with("clients: [{system_id: shop, password: secret, rate_limit: 5}]\n"), nullptr, 3);
  const flow::Snapshot& snapshot = *publication.snapshot;
  EXPECT_EQ(snapshot.generation, 1U);
  EXPECT_THAT(snapshot.client_names, testing::ElementsAre("shop"));
  EXPECT_THAT(snapshot.upstream_names, testing::ElementsAre("first", "second"));
  EXPECT_NE(snapshot.clients->find("shop"), nullptr);
  EXPECT_NE(snapshot.upstream(lasting.names.upstreams.find("first")), nullptr);
  EXPECT_EQ(snapshot.upstream(message::UpstreamId(9)), nullptr);
  ASSERT_EQ(publication.chains.size(), 3U);
  for (const auto& chain : publication.chains) EXPECT_EQ(chain->filters.size(), 1U);
  EXPECT_EQ(lasting.limits.size(), 1U);
}

TEST_F(SnapshotBuilder, AFailurePublishesNothing) {
  const auto good = with(kPlainClient);
  (void)built(good);
  auto bad = std::make_shared<config::Config>(*good);
  bad->upstreams[1].receipts.pattern = "((";
  bad->upstreams[0].rate_limit.messages_per_second = 0;
  const auto publication = build_publication(bad, good.get(), 1, lasting);
  ASSERT_FALSE(publication);
  EXPECT_THAT(publication.error(), testing::HasSubstr("upstream second: receipts.pattern"));
  EXPECT_EQ(lasting.generation, 1U);
  EXPECT_EQ(lasting.limits.size(), 1U) << "the limits in force are untouched";
}

TEST_F(SnapshotBuilder, AFilterNobodyHasIsAFailure) {
  auto config = std::make_shared<config::Config>(*with(kPlainClient));
  config->middleware.emplace_back().type = "teleport";
  const auto publication = build_publication(config, nullptr, 1, lasting);
  ASSERT_FALSE(publication);
  EXPECT_THAT(publication.error(), testing::HasSubstr("\"teleport\""));
}

TEST_F(SnapshotBuilder, AnUpstreamThatOnlyMovedInTheFileIsUnchanged) {
  const auto before = with(kPlainClient);
  for (const auto& entry : built(before).upstreams) EXPECT_FALSE(entry.unchanged) << "there was nothing before";
  const auto moved = load("# a line more\n\n" + std::string(kStart) + std::string(kPlainClient));
  for (const auto& entry : built(moved, before.get()).upstreams) EXPECT_TRUE(entry.unchanged) << entry.options->name;
  auto changed = std::make_shared<config::Config>(*before);
  changed->upstreams[0].hosts[0].weight = 7;
  const auto publication = built(changed, before.get());
  EXPECT_FALSE(publication.upstreams[0].unchanged);
  EXPECT_TRUE(publication.upstreams[1].unchanged);
}

TEST_F(SnapshotBuilder, IdsStayWhenTheOrderChanges) {
  const auto before = with(kPlainClient);
  (void)built(before);
  const auto first = lasting.names.upstreams.find("first");
  auto swapped = std::make_shared<config::Config>(*before);
  std::swap(swapped->upstreams[0], swapped->upstreams[1]);
  const auto publication = built(swapped, before.get());
  EXPECT_EQ(lasting.names.upstreams.find("first"), first);
  EXPECT_EQ(publication.snapshot->upstream(first)->options->name, "first");
}

TEST_F(SnapshotBuilder, ARateLimitThatGoesIsForgottenAndOneThatChangesIsKept) {
  const auto before = with(kPlainClient);
  (void)built(before);
  const auto id = lasting.names.upstreams.find("first");
  const auto limit = lasting.limits.at(id);
  auto changed = std::make_shared<config::Config>(*before);
  changed->upstreams[0].rate_limit.messages_per_second = 20;
  (void)built(changed, before.get());
  EXPECT_EQ(lasting.limits.at(id), limit) << "or a reload would grant a second burst";
  changed = std::make_shared<config::Config>(*changed);
  changed->upstreams[0].rate_limit.messages_per_second = 0;
  (void)built(changed, before.get());
  EXPECT_TRUE(lasting.limits.empty());
}

TEST_F(SnapshotBuilder, WhatClientsAskForIsEnforcedWithoutAStepThatNamesIt) {
  EXPECT_TRUE(built(with(kPlainClient)).chains[0]->filters.empty()) << "nothing asked, nothing paid";
  const std::string limited = "clients: [{system_id: shop, password: secret, rate_limit: 5}]\n";
  const std::string fenced =
      "clients: [{system_id: shop, password: secret, rate_limit: 5, addresses: {source: {allowed: [SHOP]}}}]\n";
  EXPECT_EQ(built(with(limited)).chains[0]->on_message.size(), 1U);
  EXPECT_EQ(built(with(fenced)).chains[0]->on_message.size(), 2U);
  EXPECT_EQ(built(with(limited + "middleware: [{type: rate_limit}]\n")).chains[0]->on_message.size(), 1U)
      << "named or not, it is there once";
}

TEST(PluginList, EveryFilterIsFoundByItsTypeAndOnlyOnce) {
  for (const flow::FilterPlugin* plugin : filter_plugins()) {
    EXPECT_EQ(find_filter(plugin->type), plugin);
    EXPECT_NE(std::string_view(plugin->sentence), "") << plugin->type;
  }
  EXPECT_EQ(find_filter("teleport"), nullptr);
  EXPECT_EQ(find_filter(""), nullptr);
}

}  // namespace
}  // namespace smppd::server
