#include "smpp/text/receipt_template.h"

#include <algorithm>
#include <array>

#include "smpp/text/internal/receipt_writer.h"

namespace smppd::smpp {

struct ReceiptTemplate::Known {
  Variable variable;
  std::size_t longest;

  static constexpr std::array<std::string_view, 8> kNames = {"id",        "sub",  "dlvrd", "submit_date",
                                                             "done_date", "stat", "err",   "text"};
  static constexpr std::array<std::size_t, 8> kLongest = {64, 3, 3, 12, 12, 7, 16, 20};

  // Variable::none for a name that is no variable.
  static Known of(std::string_view name) noexcept {
    const auto found = std::ranges::find(kNames, name);
    if (found == kNames.end()) return {Variable::none, 0};
    const auto at = static_cast<std::size_t>(found - kNames.begin());
    return {static_cast<Variable>(at + 1), kLongest[at]};
  }
};

std::span<const std::string_view> ReceiptTemplate::variables() noexcept { return Known::kNames; }

Fallible<ReceiptTemplate> ReceiptTemplate::compile(std::string_view text) {
  const auto printable = [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r'; };
  if (!std::ranges::all_of(text, printable)) return failure("has other signs than printable ASCII and line ends");
  ReceiptTemplate made;
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t begin = std::min(text.find("${"), text.size());
    if (begin > 0) {
      made.pieces_.push_back({Variable::none, std::string(text.substr(0, begin))});
      longest += begin;
      text.remove_prefix(begin);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos) return failure("`${` without its `}`");
    const std::string_view name = text.substr(2, end - 2);
    const Known known = Known::of(name);
    if (known.variable == Variable::none) {
      return failure("there is no `${" + std::string(name) +
                     "}` here; known are id, sub, dlvrd, submit_date, done_date, stat, err, text");
    }
    made.pieces_.push_back({known.variable, {}});
    longest += known.longest;
    text.remove_prefix(end + 1);
  }
  if (longest > kMaxText) {
    return failure("its receipts could be " + std::to_string(longest) + " octets long; short_message takes " +
                   std::to_string(kMaxText));
  }
  return made;
}

std::size_t ReceiptTemplate::write(const ReceiptFields& fields, std::span<char> buffer) const noexcept {
  text_internal::ReceiptWriter out(buffer);
  const auto cut = [](std::string_view value, Variable variable) {
    return value.substr(0, Known::kLongest[static_cast<std::size_t>(variable) - 1]);
  };
  for (const Piece& piece : pieces_) {
    switch (piece.variable) {
      case Variable::none: out.put(piece.literal); break;
      case Variable::id: out.put(fields.id); break;
      case Variable::sub: out.put_digits(fields.submitted, 3); break;
      case Variable::dlvrd: out.put_digits(fields.delivered, 3); break;
      case Variable::submit_date: out.put_date(fields.submit_date, fields); break;
      case Variable::done_date: out.put_date(fields.done_date, fields); break;
      case Variable::stat: out.put(receipt_word(fields.state)); break;
      case Variable::err: out.put(cut(fields.err, piece.variable)); break;
      case Variable::text: out.put(cut(fields.text, piece.variable)); break;
    }
  }
  return out.size();
}

}  // namespace smppd::smpp
