#include "upstream/internal/mock_engine.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "smpp/text/receipt.h"

namespace smppd::upstream {
namespace {

using smpp::CommandStatus;
using smpp::MessageState;

// registered_delivery, 3.4 §5.2.17 and 5.0 §4.7.21.
bool asked_for(std::uint8_t registered_delivery, MessageState state) noexcept {
  constexpr unsigned kReceipt = 0x03;
  constexpr unsigned kIntermediate = 0x10;
  if (!smpp::is_final(state)) return (registered_delivery & kIntermediate) != 0;
  switch (registered_delivery & kReceipt) {
    case 0: return false;
    case 1: return true;
    case 2: return state != MessageState::delivered;
    default: return state == MessageState::delivered;
  }
}

}  // namespace

Fallible<MockEngine> MockEngine::compile(const config::Mock& mock, const Options& options) {
  MockEngine engine;
  auto id = message::IdTemplate::compile(mock.message_id);
  if (!id) return failure("mock.message_id: " + id.error());
  engine.id_ = std::move(*id);

  static constexpr std::array kDistributions = {std::pair{std::string_view("fixed"), Distribution::kFixed},
                                                std::pair{std::string_view("uniform"), Distribution::kUniform},
                                                std::pair{std::string_view("normal"), Distribution::kNormal},
                                                std::pair{std::string_view("exponential"), Distribution::kExponential}};
  const auto* distribution = std::ranges::find(kDistributions, std::string_view(mock.latency_distribution),
                                               &decltype(kDistributions)::value_type::first);
  if (distribution == kDistributions.end()) {
    return failure("mock.latency.distribution: '" + mock.latency_distribution +
                   "' is not fixed, uniform, normal or exponential");
  }
  if (mock.latency_min > mock.latency_max) return failure("mock.latency: min is longer than max");
  engine.distribution_ = distribution->second;
  engine.latency_min_ = static_cast<double>(Duration(mock.latency_min).count());
  engine.latency_max_ = static_cast<double>(Duration(mock.latency_max).count());

  double sum = 0;
  for (const auto& outcome : mock.outcomes) {
    const auto state = smpp::receipt_state_of(outcome.receipt_state);
    if (!outcome.receipt_state.empty() && !state) {
      return failure("mock.outcomes: '" + outcome.receipt_state + "' is no state of a receipt");
    }
    if (!(outcome.weight >= 0)) return failure("mock.outcomes: a weight may not be negative");
    sum += outcome.weight;
    engine.outcomes_.push_back({sum, static_cast<CommandStatus>(outcome.status), state.has_value(),
                                state.value_or(MessageState::unknown), outcome.receipt_error});
  }
  if (engine.outcomes_.empty()) engine.outcomes_.push_back({.error = "000"});
  if (!mock.outcomes.empty() && sum <= 0) return failure("mock.outcomes: every weight is 0");

  engine.receipt_delay_ = mock.receipt_delay;
  engine.chaos_ = mock.chaos;
  engine.random_ = options.seed * 0x9E37'79B9'7F4A'7C15U + options.shard;
  engine.counter_ = options.shard + 1;
  engine.counter_step_ = std::max(options.shard_count, 1U);
  return engine;
}

MockEngine::Decision MockEngine::decide(const message::MessageFacts& facts, message::OwnId id) noexcept {
  const Outcome& outcome = draw();
  Decision decision;
  decision.status = outcome.status;
  decision.response_at = latency();
  if (outcome.status != CommandStatus::ESME_ROK) {
    ++counters_.refused;
    return decision;
  }
  ++counters_.accepted;
  id_.write({facts, id, counter_, {bits(), bits()}}, decision.message_id);
  counter_ += counter_step_;
  if (outcome.has_receipt && asked_for(facts.registered_delivery, outcome.state)) add_receipts(outcome, decision);
  return decision;
}

void MockEngine::add_receipts(const Outcome& outcome, Decision& decision) noexcept {
  // All four are drawn each time, so that changing one share leaves the others' draws as they were.
  const bool missing = share() < chaos_.missing_receipts;
  const bool duplicate = share() < chaos_.duplicate_receipts;
  const bool early = share() < chaos_.early_receipts;
  const bool late = share() < chaos_.late_receipts;
  if (missing) {
    ++counters_.missing;
    return;
  }
  Receipt receipt{decision.response_at + receipt_delay_, false, outcome.state, outcome.error};
  if (early) {
    ++counters_.early;
    receipt.at = decision.response_at / 2;
    receipt.before_response = true;
  } else if (late) {
    ++counters_.late;
    receipt.at += Duration(chaos_.late_by);
  }
  decision.receipt_room[decision.receipt_count++] = receipt;
  if (duplicate) {
    ++counters_.duplicate;
    receipt.before_response = false;
    receipt.at = std::max(receipt.at, decision.response_at + receipt_delay_);
    decision.receipt_room[decision.receipt_count++] = receipt;
  }
  counters_.receipts += decision.receipt_count;
}

const MockEngine::Outcome& MockEngine::draw() noexcept {
  const double at = share() * outcomes_.back().up_to;
  const auto found = std::ranges::find_if(outcomes_, [&](const Outcome& outcome) { return at < outcome.up_to; });
  return found == outcomes_.end() ? outcomes_.back() : *found;
}

// normal: half-way between the bounds, which are three deviations away; exponential: a mean of a fifth of the span
// above the minimum. Both are cut off at the bounds.
Duration MockEngine::latency() noexcept {
  const double span = latency_max_ - latency_min_;
  double above = 0;
  switch (distribution_) {
    case Distribution::kFixed: break;
    case Distribution::kUniform: above = span * share(); break;
    case Distribution::kNormal: {
      double sum = 0;  // of twelve uniform draws: near enough to a normal one of deviation 1
      for (int i = 0; i < 12; ++i) sum += share();
      above = span / 2 + span / 6 * (sum - 6);
      break;
    }
    case Distribution::kExponential: above = -std::log1p(-share()) * span / 5; break;
  }
  return Duration(static_cast<Duration::rep>(latency_min_ + std::clamp(above, 0.0, span)));
}

// SplitMix64: one word of state, good enough for a mock.
std::uint64_t MockEngine::bits() noexcept {
  random_ += 0x9E37'79B9'7F4A'7C15U;
  std::uint64_t z = random_;
  z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EBU;
  return z ^ (z >> 31U);
}

double MockEngine::share() noexcept { return static_cast<double>(bits() >> 11U) * 0x1.0p-53; }

}  // namespace smppd::upstream
