// What is left to check of one rule after the index has found it.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "message/facts.h"
#include "message/names.h"
#include "message/pattern.h"
#include "routing/rule_set.h"
#include "routing/schedule.h"

namespace smppd::routing {

[[nodiscard]] std::vector<message::PatternText> pattern_texts(const std::vector<config::Pattern>& patterns);

struct ByteField {
  const char* name;
  std::uint8_t message::MessageFacts::* fact;
  std::vector<std::uint8_t> config::Match::* wanted;
};
extern const std::array<ByteField, 8> kByteFields;

// The clients (MT) or upstreams (MO) a rule is for, as sorted numbers.
struct Parties {
  bool all = true;
  std::vector<std::uint32_t> numbers;
};
[[nodiscard]] Fallible<Parties> parties_of(const config::Match& match, RuleSet::Direction direction,
                                           const std::vector<config::Client>& clients, const message::Names& names);

[[nodiscard]] inline std::uint32_t party_of(const message::MessageFacts& facts, RuleSet::Direction direction) noexcept {
  if (direction == RuleSet::Direction::kMt) return facts.client.valid() ? facts.client.value() : RuleSet::kNone;
  return facts.upstream.valid() ? facts.upstream.value() : RuleSet::kNone;
}

class Conditions {
 public:
  [[nodiscard]] static Fallible<Conditions> compile(const config::Match& match, Parties parties, bool with_source);

  [[nodiscard]] bool empty() const noexcept { return empty_; }
  [[nodiscard]] bool hold(const message::MessageFacts& facts, std::uint32_t party, WallTime now) const noexcept;

 private:
  struct Bytes {
    std::uint8_t message::MessageFacts::* fact;
    std::bitset<256> wanted;
  };

  bool empty_ = true;
  std::vector<Bytes> bytes_;
  Parties parties_;
  message::TextSet service_type_;
  message::AddressSet source_;
  std::optional<Schedule> schedule_;
  message::TextSet text_;
};

}  // namespace smppd::routing
