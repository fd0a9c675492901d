// Script rules: which messages they are about and how those are treated. First match wins.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "smpp/values.h"
#include "smppsim/behaviour.h"

namespace smppd::sim {

// What a rule may ask of a message. Views live as long as the PDU.
struct MessageFacts {
  smpp::CommandId command{};
  std::string_view system_id;
  std::string_view source;
  std::string_view destination;
  std::string_view service_type;
  std::string_view text;  // octets of the user data
  std::uint8_t data_coding = 0;
  std::uint8_t esm_class = 0;
  std::uint8_t registered_delivery = 0;
};

// Text with '*' for anything and '?' for one character.
[[nodiscard]] bool matches_glob(std::string_view pattern, std::string_view text) noexcept;

class TextPattern;  // a compiled regular expression

struct Match {
  std::vector<std::string> system_id;  // globs, any of them; empty: everything
  std::vector<std::string> source;
  std::vector<std::string> destination;
  std::vector<std::string> service_type;
  std::vector<smpp::CommandId> command;
  std::shared_ptr<const TextPattern> text;
  std::optional<std::uint8_t> data_coding;
  std::optional<std::uint8_t> esm_class;
  std::optional<std::uint8_t> registered_delivery;
  double share = 1;         // of those that match otherwise
  std::uint64_t after = 0;  // not the first so many
  std::uint64_t first = 0;  // only so many, 0: all
  std::uint64_t every = 1;  // each so manieth

  [[nodiscard]] bool fits(const MessageFacts& facts) const noexcept;
};

[[nodiscard]] Fallible<std::shared_ptr<const TextPattern>> compile_text(const std::string& expression);

struct Rule {
  std::string name;
  Match match;
  Behaviour behaviour;
};

// Counts matches, so each shard has its own.
class RuleCursor {
 public:
  explicit RuleCursor(const std::vector<Rule>& rules) : rules_(rules), seen_(rules.size()) {}
  // The first rule for this message, or null.
  [[nodiscard]] const Rule* find(const MessageFacts& facts, toolkit::Random& random) noexcept;

 private:
  const std::vector<Rule>& rules_;
  std::vector<std::uint64_t> seen_;
};

}  // namespace smppd::sim
