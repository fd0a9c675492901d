// Appends the pieces of a receipt's text to a fixed buffer.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/time.h"
#include "smpp/text/receipt.h"

namespace smppd::smpp::text_internal {

// Once something does not fit, nothing more is written and size() is 0.
class ReceiptWriter {
 public:
  explicit ReceiptWriter(std::span<char> out) noexcept : out_(out) {}

  void put(std::string_view text) noexcept {
    if (overflow_ || out_.size() - size_ < text.size()) {
      overflow_ = true;
      return;
    }
    std::copy(text.begin(), text.end(), out_.data() + size_);
    size_ += text.size();
  }

  void put_digits(unsigned value, std::size_t width) noexcept {
    std::array<char, 8> digits{};
    for (std::size_t i = width; i-- > 0; value /= 10) digits[i] = static_cast<char>('0' + value % 10);
    put({digits.data(), width});
  }

  // YYMMDDhhmm, and ss where the fields have seconds, by the clock of the fields.
  void put_date(WallTime at, const ReceiptFields& fields) noexcept {
    const auto local = at + fields.utc_offset;
    const auto midnight = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss clock(local - midnight);
    put_digits(static_cast<unsigned>(static_cast<int>(date.year())) % 100, 2);
    put_digits(static_cast<unsigned>(date.month()), 2);
    put_digits(static_cast<unsigned>(date.day()), 2);
    put_digits(static_cast<unsigned>(clock.hours().count()), 2);
    put_digits(static_cast<unsigned>(clock.minutes().count()), 2);
    if (fields.seconds) put_digits(static_cast<unsigned>(clock.seconds().count()), 2);
  }

  [[nodiscard]] std::size_t size() const noexcept { return overflow_ ? 0 : size_; }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
  bool overflow_ = false;
};

}  // namespace smppd::smpp::text_internal
