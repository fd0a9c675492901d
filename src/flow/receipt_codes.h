// What the codes and words in one carrier's receipts mean: `upstreams[].receipts.map`, compiled by control code, then
// immutable; find() from any shard, without allocation.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "config/upstream.h"
#include "smpp/text/receipt.h"

namespace smppd::flow {

class ReceiptCodes {
 public:
  struct Meaning {
    smpp::MessageState state = smpp::MessageState::unknown;
    std::optional<std::uint16_t> error;  // absent: the carrier's own is shown
    std::string error_text;              // three digits
  };

  // Null for an empty map. Refuses two spellings of one code.
  [[nodiscard]] static Fallible<std::shared_ptr<const ReceiptCodes>> compile(
      const std::map<std::string, config::ReceiptMeaning>& map);

  // By `err/stat`, then by err, then by stat, without letter case; numbers without their leading zeros. A receipt
  // without an err has its network_error_code, one without a stat the word of its message_state. Null: not mapped.
  [[nodiscard]] const Meaning* find(const smpp::Receipt& receipt) const noexcept;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, Meaning, Hash, std::equal_to<>> meanings_;
  bool has_pairs_ = false;
};

}  // namespace smppd::flow
