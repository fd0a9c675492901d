// What a mock upstream answers: status, message id, how long it takes, and the receipts that follow.
//
// `upstreams: - mock:` compiled. One per shard and upstream; decides, but sends nothing and knows no clock. The same
// options and the same calls give the same decisions. Ids made from ${counter} are unique over shards: shard s of n
// counts s+1, s+1+n, ...
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "message/facts.h"
#include "message/id_template.h"
#include "message/ids.h"
#include "smpp/values.h"

namespace smppd::upstream {

class MockEngine {
 public:
  struct Options {
    std::uint64_t seed = 1;
    unsigned shard = 0;
    unsigned shard_count = 1;
  };

  struct Receipt {
    Duration at{};                 // after the submit arrived
    bool before_response = false;  // send it first, also when both are due at once
    smpp::MessageState state = smpp::MessageState::delivered;
    std::string_view error;  // err: of the text; lives as long as the engine
  };

  struct Decision {
    smpp::CommandStatus status = smpp::CommandStatus::ESME_ROK;
    message::IdText message_id;  // empty unless accepted
    Duration response_at{};      // after the submit arrived
    std::array<Receipt, 2> receipt_room{};
    std::uint8_t receipt_count = 0;
    [[nodiscard]] std::span<const Receipt> receipts() const noexcept { return {receipt_room.data(), receipt_count}; }
  };

  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    std::uint64_t receipts = 0;
    std::uint64_t missing = 0;  // the four kinds of chaos
    std::uint64_t duplicate = 0;
    std::uint64_t early = 0;
    std::uint64_t late = 0;
  };

  [[nodiscard]] static Fallible<MockEngine> compile(const config::Mock& mock, const Options& options);

  // A receipt follows when the message was accepted, registered_delivery asks for this outcome (3.4 §5.2.17; failure
  // only and, of 5.0, success only) and the outcome has a state. An intermediate state needs the intermediate bit.
  [[nodiscard]] Decision decide(const message::MessageFacts& facts, message::OwnId id) noexcept;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  enum class Distribution : std::uint8_t { kFixed, kUniform, kNormal, kExponential };
  struct Outcome {
    double up_to = 1;  // of the sum of weights
    smpp::CommandStatus status = smpp::CommandStatus::ESME_ROK;
    bool has_receipt = true;
    smpp::MessageState state = smpp::MessageState::delivered;
    std::string error;
  };

  MockEngine() = default;
  [[nodiscard]] std::uint64_t bits() noexcept;
  [[nodiscard]] double share() noexcept;  // [0, 1)
  [[nodiscard]] Duration latency() noexcept;
  [[nodiscard]] const Outcome& draw() noexcept;
  void add_receipts(const Outcome& outcome, Decision& decision) noexcept;

  message::IdTemplate id_;
  std::vector<Outcome> outcomes_;
  Distribution distribution_ = Distribution::kUniform;
  double latency_min_ = 0;  // nanoseconds
  double latency_max_ = 0;
  Duration receipt_delay_{};
  config::MockChaos chaos_;
  std::uint64_t random_ = 0;
  std::uint64_t counter_ = 0;
  std::uint64_t counter_step_ = 1;
  Counters counters_;
};

}  // namespace smppd::upstream
