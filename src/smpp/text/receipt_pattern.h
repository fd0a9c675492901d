// A vendor's own receipt grammar: an RE2 expression with named groups, and what its state words mean.
//
// Compiled once by control code, immutable afterwards; match() may be called from any shard. It copies nothing, but RE2
// may allocate scratch space for expressions that backtrack over captures, so only upstreams that need it pay for it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "smpp/text/receipt.h"

namespace re2 {
class RE2;
}

namespace smppd::smpp {

class ReceiptPattern {
 public:
  using States = std::vector<std::pair<std::string, MessageState>>;

  // Named groups (?P<id>...): id, stat, err, sub, dlvrd, submit, done, text; others and an expression without id or
  // stat are refused. It must match the whole text; octets are matched as Latin-1. `states` are compared without
  // letter case and beat the standard words.
  [[nodiscard]] static Fallible<ReceiptPattern> compile(std::string_view expression, States states);

  ReceiptPattern(ReceiptPattern&&) noexcept;
  ReceiptPattern& operator=(ReceiptPattern&&) noexcept;
  ~ReceiptPattern();

  // nullopt when the text is not of this grammar. The views lie in `text`.
  [[nodiscard]] std::optional<Receipt> match(std::string_view text) const noexcept;

 private:
  ReceiptPattern();

  static constexpr int kMaxGroups = 16;
  std::unique_ptr<re2::RE2> expression_;
  std::array<std::string_view Receipt::*, kMaxGroups + 1> field_of_group_{};
  States states_;
};

}  // namespace smppd::smpp
