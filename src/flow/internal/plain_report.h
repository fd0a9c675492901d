// A receipt as nearly all carriers send it: a deliver_sm whose text is the specification's to the letter, with no TLVs
// but its id and its state. It is read in one pass and written where it is sent from; all others go by read_report()
// and splice_report(), which say and write the same of these. Lives as long as the PDU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "flow/ports.h"
#include "smpp/pdu_view.h"
#include "smpp/values.h"

namespace smppd::flow {

inline constexpr std::size_t kMaxPlainText = 254;  // 3.4 §5.2.22; 5.0 has one more

class PlainReport final : public PduSource {
 public:
  // False: it is another kind of receipt, or none. `view` is decoded.
  [[nodiscard]] bool read(const smpp::PduView& view) noexcept;

  [[nodiscard]] std::string_view id() const noexcept { return id_; }  // the TLV's before the text's
  [[nodiscard]] smpp::MessageState state() const noexcept { return state_; }

  // Under which id it is to be written; a view.
  void show_as(std::string_view id) noexcept { shown_ = id; }
  [[nodiscard]] std::size_t text_size() const noexcept { return text_.size() - id_in_text_.size() + shown_.size(); }

  // PduSource
  [[nodiscard]] std::size_t size() const noexcept override;
  void write(std::uint8_t* out) const noexcept override;

 private:
  [[nodiscard]] bool read_tlvs(ByteSpan tlvs) noexcept;

  ByteSpan pdu_;
  std::string_view text_, id_in_text_, id_, shown_;
  smpp::MessageState state_{};
};

}  // namespace smppd::flow
