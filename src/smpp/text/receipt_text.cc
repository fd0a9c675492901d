// Dates of receipts, and the writer.
#include <algorithm>
#include <array>

#include "smpp/text/internal/receipt_writer.h"
#include "smpp/text/receipt.h"

namespace smppd::smpp {
namespace {

using std::chrono::days;
using std::chrono::year_month_day;
using text_internal::ReceiptWriter;

struct Civil {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
};

std::optional<WallTime> moment(const Civil& civil, std::chrono::minutes utc_offset) noexcept {
  const year_month_day date{std::chrono::year(civil.year), std::chrono::month(civil.month),
                            std::chrono::day(civil.day)};
  // WallTime counts nanoseconds in 64 bits: 1678 to 2261.
  if (civil.year < 1970 || civil.year > 2200 || !date.ok()) return std::nullopt;
  if (civil.hour > 23 || civil.minute > 59 || civil.second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(civil.hour) + std::chrono::minutes(civil.minute) +
         std::chrono::seconds(civil.second) - utc_offset;
}

unsigned pair(const char* at) noexcept { return static_cast<unsigned>((at[0] - '0') * 10 + (at[1] - '0')); }

// `digits` starts with MMDDhhmm and has ss if `seconds`.
Civil civil(int year, const char* digits, bool seconds) noexcept {
  return {year, pair(digits), pair(digits + 2), pair(digits + 4), pair(digits + 6), seconds ? pair(digits + 8) : 0};
}

}  // namespace

std::optional<WallTime> parse_receipt_date(std::string_view text, std::chrono::minutes utc_offset) noexcept {
  std::array<char, 14> digits{};
  std::size_t count = 0;
  for (const char c : text) {
    if (c == '-' || c == ':' || c == ' ' || c == '/' || c == 'T') continue;
    if (c < '0' || c > '9' || count == digits.size()) return std::nullopt;
    digits[count++] = c;
  }
  if (count < 10) return std::nullopt;
  const char* at = digits.data();
  const int short_year = 2000 + static_cast<int>(pair(at));
  const int long_year = static_cast<int>(pair(at) * 100 + pair(at + 2));
  switch (count) {
    case 10: return moment(civil(short_year, at + 2, false), utc_offset);
    case 12: {
      const auto with_seconds = moment(civil(short_year, at + 2, true), utc_offset);
      return with_seconds ? with_seconds : moment(civil(long_year, at + 4, false), utc_offset);
    }
    case 14: return moment(civil(long_year, at + 4, true), utc_offset);
    default: return std::nullopt;
  }
}

std::size_t write_receipt(const ReceiptFields& fields, std::span<char> buffer) noexcept {
  constexpr std::size_t kTextOctets = 20;
  ReceiptWriter out(buffer);
  out.put("id:");
  out.put(fields.id);
  out.put(" sub:");
  out.put_digits(fields.submitted, 3);
  out.put(" dlvrd:");
  out.put_digits(fields.delivered, 3);
  out.put(" submit date:");
  out.put_date(fields.submit_date, fields);
  out.put(" done date:");
  out.put_date(fields.done_date, fields);
  out.put(" stat:");
  out.put(receipt_word(fields.state));
  out.put(" err:");
  out.put(fields.err);
  out.put(" text:");
  out.put(fields.text.substr(0, kTextOctets));
  return out.size();
}

}  // namespace smppd::smpp
