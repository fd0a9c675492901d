// One rule of the transform filter, compiled. Immutable.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "config/config.h"
#include "flow/filter.h"
#include "plugins/filter/transform/internal/template.h"
#include "routing/rule_set.h"
#include "smpp/tlv.h"

namespace re2 {
class RE2;
}

namespace smppd::plugins {

class TransformProgram {
 public:
  struct Change {
    const FieldRow* field = nullptr;
    Template value;           // kText, kContent
    std::uint8_t number = 0;  // kNumber, kCoding: unless copied
    const FieldRow* copied = nullptr;
  };
  struct TlvChange {
    const smpp::TlvSpec* spec = nullptr;
    bool remove = false;
    std::vector<std::uint8_t> octets;  // unless it has a template
    Template value;
    bool is_template = false;
  };

  // `tlvs` must outlive the program.
  [[nodiscard]] static Fallible<TransformProgram> compile(const config::TransformRule& rule, const std::string& label,
                                                          const flow::FilterEnvironment& environment,
                                                          const smpp::TlvRegistry& tlvs);

  [[nodiscard]] bool matches(const message::MessageFacts& facts, WallTime now) const noexcept {
    return match_.first(facts, now) == 0;
  }
  // The groups of the first regular expression of the match that matches: destination, then source, then text. All
  // empty when another pattern matched.
  using Groups = std::array<std::string, Template::kGroups>;
  void capture(const message::MessageFacts& facts, Groups& groups) const;

  [[nodiscard]] const std::vector<Change>& changes() const noexcept { return changes_; }
  [[nodiscard]] const std::vector<TlvChange>& tlvs() const noexcept { return tlvs_; }
  [[nodiscard]] const std::string& label() const noexcept { return label_; }

 private:
  enum class Subject : std::uint8_t { kDestination, kSource, kText };
  struct Regex {
    Subject subject;
    std::shared_ptr<const re2::RE2> expression;
  };
  class Compiler;

  explicit TransformProgram(routing::RuleSet match) : match_(std::move(match)) {}

  std::string label_;
  routing::RuleSet match_;
  std::vector<Regex> regexes_;
  std::vector<Change> changes_;
  std::vector<TlvChange> tlvs_;
};

}  // namespace smppd::plugins
