#include "smppsim/rules.h"

#include <algorithm>

#include <re2/re2.h>

namespace smppd::sim {

class TextPattern {
 public:
  explicit TextPattern(const std::string& expression) : expression_(expression, options()) {}
  [[nodiscard]] bool good() const { return expression_.ok(); }
  [[nodiscard]] const std::string& fault() const { return expression_.error(); }
  [[nodiscard]] bool found_in(std::string_view text) const {
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), expression_);
  }

 private:
  static re2::RE2::Options options() {
    re2::RE2::Options options;
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    options.set_log_errors(false);
    return options;
  }
  re2::RE2 expression_;
};

namespace {
bool any_matches(const std::vector<std::string>& patterns, std::string_view text) noexcept {
  return patterns.empty() || std::ranges::any_of(patterns, [&](const auto& glob) { return matches_glob(glob, text); });
}
}  // namespace

Fallible<std::shared_ptr<const TextPattern>> compile_text(const std::string& expression) {
  auto pattern = std::make_shared<const TextPattern>(expression);
  if (!pattern->good()) return failure("'" + expression + "' is no regular expression: " + pattern->fault());
  return pattern;
}

bool matches_glob(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool Match::fits(const MessageFacts& facts) const noexcept {
  return (command.empty() || std::ranges::find(command, facts.command) != command.end()) &&
         (!data_coding || *data_coding == facts.data_coding) && (!esm_class || *esm_class == facts.esm_class) &&
         (!registered_delivery || *registered_delivery == facts.registered_delivery) &&
         any_matches(destination, facts.destination) && any_matches(source, facts.source) &&
         any_matches(system_id, facts.system_id) && any_matches(service_type, facts.service_type) &&
         (!text || text->found_in(facts.text));
}

const Rule* RuleCursor::find(const MessageFacts& facts, toolkit::Random& random) noexcept {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Match& match = rules_[i].match;
    if (!match.fits(facts)) continue;
    const std::uint64_t number = seen_[i]++;
    if (number < match.after) continue;
    const std::uint64_t counted = number - match.after;
    if (match.first != 0 && counted >= match.first) continue;
    if ((counted + 1) % match.every != 0) continue;
    if (!random.chance(match.share)) continue;
    return &rules_[i];
  }
  return nullptr;
}

}  // namespace smppd::sim
