// A client's own receipt text: "id:${id} stat:${stat} err:${err}".
//
// Compiled once by control code, immutable afterwards; write() may be called from any shard and allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "smpp/text/receipt.h"

namespace smppd::smpp {

class ReceiptTemplate {
 public:
  // What short_message takes in every version (3.4 §5.2.22).
  static constexpr std::size_t kMaxText = 254;

  // Printable ASCII and line ends, so that it is the same text in every default alphabet but for a few signs. Refuses
  // unknown variables, and templates whose receipts could be longer than kMaxText.
  [[nodiscard]] static Fallible<ReceiptTemplate> compile(std::string_view text);
  // id, sub, dlvrd, submit_date, done_date, stat, err, text.
  [[nodiscard]] static std::span<const std::string_view> variables() noexcept;

  // Octets written; 0 when `out` is too small (kMaxText never is, for ids of 64 octets). An err is cut at 16 octets,
  // the text at 20.
  [[nodiscard]] std::size_t write(const ReceiptFields& fields, std::span<char> out) const noexcept;

 private:
  enum class Variable : std::uint8_t { none, id, sub, dlvrd, submit_date, done_date, stat, err, text };
  struct Piece {
    Variable variable = Variable::none;
    std::string literal;
  };
  struct Known;

  std::vector<Piece> pieces_;
};

}  // namespace smppd::smpp
