// A receipt under our id without taking it apart: the SMSC's octets with the id in the text, the state and error that
// the upstream's map gives, and the TLVs about them replaced. For the receipts that nearly all carriers send; the
// others go through a builder (report_writer.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "flow/receipts.h"
#include "smpp/pdu_view.h"

namespace smppd::flow {

// What is replaced in the text of a report, in the order of the text. Views; lives as long as the report.
class ReportEdits {
 public:
  struct Edit {
    std::string_view was;  // in the report's text
    std::string_view now;
  };
  ReportEdits(const Report& report, std::string_view shown) noexcept;

  [[nodiscard]] std::span<const Edit> all() const noexcept { return {edits_.data(), count_}; }
  // Of a text of that size.
  [[nodiscard]] std::size_t size_after(std::size_t size) const noexcept;
  // Writes the octets that lie in [from, end) with the edits; the edits must lie in there. Returns the end.
  std::uint8_t* write(const std::uint8_t* from, const std::uint8_t* end, std::uint8_t* at) const noexcept;

 private:
  void add(std::string_view was, std::string_view now) noexcept;
  std::array<Edit, 3> edits_;
  std::size_t count_ = 0;
};

// The octets of a network_error_code TLV with the error of the map, in the form the carrier chose: a network type and a
// number, or three digits (interop row 14). Empty where it is to stay.
class NetworkErrorEdit {
 public:
  NetworkErrorEdit(const Report& report, ByteSpan was) noexcept;
  [[nodiscard]] ByteSpan octets() const noexcept { return {octets_.data(), size_}; }

 private:
  std::array<std::uint8_t, 3> octets_{};
  std::size_t size_ = 0;
};

// esm_class for the client: flagged as a receipt, and not as an intermediate one where the map made its state final.
[[nodiscard]] std::uint8_t report_esm_class(const Report& report, std::uint8_t esm_class) noexcept;

// Writes the deliver_sm with `shown` as its id into `room`, which only grows, and shows it in `spliced`. False, and
// `room` as it may be: the text is not in short_message, has no id, is to be written anew, or would become too long.
[[nodiscard]] bool splice_report(const smpp::PduView& view, const Report& report, std::string_view shown,
                                 std::vector<std::uint8_t>& room, smpp::PduView& spliced);

}  // namespace smppd::flow
