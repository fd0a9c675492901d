#include "smpp/text/receipt_pattern.h"

#include <algorithm>

#include <re2/re2.h>

#include "smpp/text/internal/ascii.h"

namespace smppd::smpp {
namespace {

struct GroupName {
  std::string_view name;
  std::string_view Receipt::* field;
};

constexpr GroupName kGroupNames[] = {
    {"id", &Receipt::id},
    {"stat", &Receipt::stat},
    {"err", &Receipt::err},
    {"sub", &Receipt::sub},
    {"dlvrd", &Receipt::dlvrd},
    {"submit_date", &Receipt::submit_date},
    {"submit", &Receipt::submit_date},
    {"done_date", &Receipt::done_date},
    {"done", &Receipt::done_date},
    {"text", &Receipt::text},
};

std::string lower_copy(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), text_internal::lower);
  return text;
}

}  // namespace

ReceiptPattern::ReceiptPattern() = default;
ReceiptPattern::ReceiptPattern(ReceiptPattern&&) noexcept = default;
ReceiptPattern& ReceiptPattern::operator=(ReceiptPattern&&) noexcept = default;
ReceiptPattern::~ReceiptPattern() = default;

Fallible<ReceiptPattern> ReceiptPattern::compile(std::string_view expression, States states) {
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  ReceiptPattern pattern;
  pattern.expression_ = std::make_unique<re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!pattern.expression_->ok()) return failure("receipt pattern: " + pattern.expression_->error());
  if (pattern.expression_->NumberOfCapturingGroups() > kMaxGroups) {
    return failure("receipt pattern: more than 16 groups; use (?:...) for those that need no name");
  }
  bool has_id = false;
  bool has_stat = false;
  for (const auto& [name, group] : pattern.expression_->NamedCapturingGroups()) {
    const auto* known = std::find_if(std::begin(kGroupNames), std::end(kGroupNames),
                                     [&](const GroupName& row) { return row.name == name; });
    if (known == std::end(kGroupNames)) {
      return failure("receipt pattern: unknown group '" + name +
                     "'; known are id, stat, err, sub, dlvrd, submit_date, done_date, text");
    }
    pattern.field_of_group_[static_cast<std::size_t>(group)] = known->field;
    has_id = has_id || known->field == &Receipt::id;
    has_stat = has_stat || known->field == &Receipt::stat;
  }
  if (!has_id && !has_stat) return failure("receipt pattern: has neither a group (?P<id>...) nor (?P<stat>...)");
  for (auto& [word, state] : states) word = lower_copy(std::move(word));
  pattern.states_ = std::move(states);
  return pattern;
}

std::optional<Receipt> ReceiptPattern::match(std::string_view text) const noexcept {
  std::array<re2::StringPiece, kMaxGroups + 1> groups;
  const re2::StringPiece input(text.data(), text.size());
  const int wanted = expression_->NumberOfCapturingGroups() + 1;
  if (!expression_->Match(input, 0, input.size(), re2::RE2::ANCHOR_BOTH, groups.data(), wanted)) return std::nullopt;
  Receipt receipt;
  for (std::size_t i = 0; i < static_cast<std::size_t>(wanted); ++i) {
    if (field_of_group_[i] == nullptr || groups[i].data() == nullptr) continue;
    receipt.*field_of_group_[i] = {groups[i].data(), groups[i].size()};
  }
  if (!receipt.stat.empty()) {
    receipt.state = receipt_state_of(receipt.stat).value_or(MessageState::unknown);
    for (const auto& [word, state] : states_) {
      if (text_internal::equals_ignoring_case(receipt.stat, word)) receipt.state = state;
    }
  }
  if (!receipt.err.empty()) receipt.err_code = receipt_error_number(receipt.err);
  return receipt;
}

}  // namespace smppd::smpp
