// What became of messages changes where the next ones go, on every shard.
#include <map>

#include <gmock/gmock.h>

#include "flow/internal/test_support.h"

namespace smppd::flow {
namespace {

constexpr std::string_view kAdaptive = R"(
listeners: [{name: public, address: "127.0.0.1:2775"}]
upstreams:
  - name: lab
    mock: {message_id: "lab-${counter}", outcomes: [{receipt_state: UNDELIV}], receipt_delay: 1s}
  - name: good
    mock: {message_id: "good-${counter}"}
  - name: refusing
    mock: {outcomes: [{status: ESME_RINVDSTADR}]}
  - name: dead
    hosts: [{address: "127.0.0.1:1"}]
    bind: {system_id: us, password: secret}
routes:
  - {match: {destination_addr: "258*"}, split: {good: 50, refusing: 50}, balance: adaptive}
  - {match: {destination_addr: "27*"}, split: {dead: 99, good: 1}, balance: adaptive}
  - {match: {destination_addr: "49*"}, upstream: lab}
clients: [{system_id: shop, password: secret}]
)";

class Feedback : public FlowTest {
 protected:
  explicit Feedback(unsigned shard_count = 3) : FlowTest(shard_count) { load(std::string(kAdaptive)); }

  void load(const std::string& text) {
    const auto loaded = config::load_text(text, config::Format::kYaml, "test.yaml");
    ASSERT_NE(loaded.config, nullptr) << config::to_text(loaded.diagnostics);
    names = {};
    publish(loaded.config);
    for (int i = 0; i < 4; ++i) turn();
  }
  // Long enough for every shard to fold and to hear the others.
  void fold() {
    const Instant end = shard.loop().now() + upstream::Quality::kFold + 50ms;
    while (shard.loop().now() < end) turn();
    for (int round = 0; round < 2; ++round) {
      for (const auto& node : nodes) node->flow.tick();
      turns(3);
    }
  }
  double score(std::size_t on_shard, std::string_view upstream, std::string_view number) {
    const upstream::Quality& quality = nodes[on_shard]->flow.quality();
    return quality.score({names.upstreams.find(upstream)}, quality.prefix_of(message::normalise(1, number)));
  }
};

TEST_F(Feedback, WhatOneShardSawMovesTheTrafficOfAll) {
  for (std::uint32_t i = 0; i < 200; ++i) (void)submit(sender(1), "258841234567", i + 1);
  int refused = 0;
  for (const auto& answer : sessions.answers) refused += answer.status == CommandStatus::ESME_RINVDSTADR;
  EXPECT_GT(refused, 60) << "nothing is known yet";
  fold();
  fold();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_LT(score(i, "refusing", "258841234567"), 0.3) << "on shard " << i;
    EXPECT_GT(score(i, "good", "258841234567"), 0.95) << "on shard " << i;
  }
  sessions.answers.clear();
  for (std::uint32_t i = 0; i < 200; ++i) (void)submit(sender(1), "258841234567", i + 1);
  refused = 0;
  for (const auto& answer : sessions.answers) refused += answer.status == CommandStatus::ESME_RINVDSTADR;
  EXPECT_LT(refused, 20);
}

TEST_F(Feedback, AnEqualThatIsDownCostsNoMessage) {
  for (std::uint32_t i = 0; i < 50; ++i) (void)submit(sender(1), "27110000000", i + 1);
  ASSERT_EQ(sessions.answers.size(), 50U);
  for (const auto& answer : sessions.answers) EXPECT_EQ(answer.status, CommandStatus::ESME_ROK);
}

TEST_F(Feedback, NothingIsFollowedWhereNothingAsksForIt) {
  load(std::string(kFlowConfig));
  EXPECT_FALSE(flow.quality().on());
  (void)submit(sender(1), "258841234567", 1);
  fold();
  EXPECT_EQ(flow.quality().entries(), 0U);
  load("feedback: true\n" + std::string(kFlowConfig));
  EXPECT_TRUE(flow.quality().on()) << "for its statistics";
}

class FeedbackOnOneShard : public Feedback {
 protected:
  FeedbackOnOneShard() : Feedback(1) {}
};

TEST_F(FeedbackOnOneShard, AReceiptSpeaksForItsUpstreamAndTheNumberItNames) {
  flow.receiver_bound(receiver(4), "");
  for (std::uint32_t i = 0; i < 40; ++i) (void)submit(sender(1), "49151234567", i + 1, 1);
  ASSERT_EQ(sessions.answers.size(), 40U);
  ASSERT_TRUE(run_until([&] { return sessions.deliveries.size() == 40; }));
  fold();
  EXPECT_LT(score(0, "lab", "49151234567"), 0.5);
  const auto rows = flow.quality().rows(10);
  const auto row = std::ranges::find_if(rows, [&](const upstream::Quality::Row& one) {
    return one.party == upstream::Party{names.upstreams.find("lab")} && upstream::text_of(one.prefix) == "49151";
  });
  ASSERT_NE(row, rows.end());
  EXPECT_NEAR(row->counts[static_cast<std::size_t>(upstream::Ending::kUndelivered)], 40, 2);
  EXPECT_NEAR(row->counts[static_cast<std::size_t>(upstream::Ending::kAccepted)], 40, 2);
}

}  // namespace
}  // namespace smppd::flow
