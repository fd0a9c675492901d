#include "smpp/text/receipt.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace smppd::smpp {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_word(char c) noexcept {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '-';
}
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0'; }
constexpr bool is_list_separator(char c) noexcept { return c == ',' || c == ';' || c == '|' || c == '/'; }

bool equals(std::string_view text, std::string_view small) noexcept {
  return text.size() == small.size() &&
         std::equal(text.begin(), text.end(), small.begin(), [](char a, char b) { return lower(a) == b; });
}
bool begins(std::string_view text, std::string_view small) noexcept {
  return text.size() >= small.size() && equals(text.substr(0, small.size()), small);
}

std::size_t skip_blanks(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

enum class Field : std::uint8_t { none, id, sub, dlvrd, submit_date, done_date, stat, err, text };

struct Name {
  std::string_view word;
  Field field;
};

// Longer names before those they begin with.
constexpr Name kNames[] = {
    {"id", Field::id},
    {"submit date", Field::submit_date},
    {"submit_date", Field::submit_date},
    {"submitdate", Field::submit_date},
    {"sub date", Field::submit_date},
    {"sub", Field::sub},
    {"status", Field::stat},
    {"state", Field::stat},
    {"stat", Field::stat},
    {"dlvrd", Field::dlvrd},
    {"dlvd", Field::dlvrd},
    {"done date", Field::done_date},
    {"done_date", Field::done_date},
    {"donedate", Field::done_date},
    {"error", Field::err},
    {"err", Field::err},
    {"text", Field::text},
    {"message_id", Field::id},
    {"messageid", Field::id},
};

struct Key {
  Field field = Field::none;
  std::size_t value_at = 0;  // after the separator
};

// The field name that starts at `at`, if one does and ':' or '=' follows it.
Key key_at(std::string_view text, std::size_t at) noexcept {
  const char first = lower(text[at]);
  if (first != 'i' && first != 's' && first != 'd' && first != 'e' && first != 't' && first != 'm') return {};
  if (at > 0 && is_word(text[at - 1])) return {};
  for (const auto& name : kNames) {
    if (name.word.front() != first || !begins(text.substr(at), name.word)) continue;
    const std::size_t separator = skip_blanks(text, at + name.word.size());
    if (separator < text.size() && (text[separator] == ':' || text[separator] == '='))
      return {name.field, separator + 1};
  }
  return {};
}

bool is_clock(std::string_view text, std::size_t at) noexcept {
  return at + 2 < text.size() && is_digit(text[at]) && is_digit(text[at + 1]) && text[at + 2] == ':';
}

// Where the value that starts at `at` ends. A value is one word; a date may have its clock after a blank.
std::size_t value_end(std::string_view text, std::size_t at, Field field) noexcept {
  const bool date = field == Field::submit_date || field == Field::done_date;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '&') return at;
    if (is_blank(c)) {
      if (date && c == ' ' && is_clock(text, at + 1)) continue;
      return at;
    }
    if (!is_list_separator(c)) continue;
    const std::size_t next = skip_blanks(text, at + 1);
    if (next >= text.size() || key_at(text, next).field != Field::none) return at;
  }
  return at;
}

std::string_view* slot(Receipt& receipt, Field field) noexcept {
  switch (field) {
    case Field::id: return &receipt.id;
    case Field::sub: return &receipt.sub;
    case Field::dlvrd: return &receipt.dlvrd;
    case Field::submit_date: return &receipt.submit_date;
    case Field::done_date: return &receipt.done_date;
    case Field::stat: return &receipt.stat;
    case Field::err: return &receipt.err;
    case Field::text: return &receipt.text;
    case Field::none: break;
  }
  return nullptr;
}

// Where the text's own value ends: everything after it is the message's, unless the receipt put `text` first, before
// both the id and the state; then up to the next field.
std::size_t text_end(std::string_view text, std::size_t at, const Receipt& so_far) noexcept {
  if (!so_far.id.empty() || !so_far.stat.empty()) return text.size();
  for (std::size_t i = at; i < text.size(); ++i) {
    const auto key = key_at(text, i);
    if (key.field == Field::id || key.field == Field::stat) {
      while (i > at && is_blank(text[i - 1])) --i;
      return i;
    }
  }
  return text.size();
}

struct Word {
  std::string_view word;
  std::uint8_t state;
};

constexpr Word kWords[] = {
    {"delivrd", receipt_state::kDelivered},
    {"delivered", receipt_state::kDelivered},
    {"undeliv", receipt_state::kUndeliverable},
    {"undelivered", receipt_state::kUndeliverable},
    {"undeliverable", receipt_state::kUndeliverable},
    {"undelivrd", receipt_state::kUndeliverable},
    {"failed", receipt_state::kUndeliverable},
    {"expired", receipt_state::kExpired},
    {"expird", receipt_state::kExpired},
    {"deleted", receipt_state::kDeleted},
    {"accepted", receipt_state::kAccepted},
    {"acceptd", receipt_state::kAccepted},
    {"acked", receipt_state::kAccepted},
    {"rejectd", receipt_state::kRejected},
    {"rejected", receipt_state::kRejected},
    {"enroute", receipt_state::kEnroute},
    {"en_route", receipt_state::kEnroute},
    {"buffred", receipt_state::kEnroute},
    {"bufferd", receipt_state::kEnroute},
    {"buffered", receipt_state::kEnroute},
    {"unknown", receipt_state::kUnknown},
    {"skipped", receipt_state::kSkipped},
    {"scheduled", receipt_state::kScheduled},
    {"schedld", receipt_state::kScheduled},
};

constexpr std::array<std::string_view, 10> kStateWords = {"SCHEDLD", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
                                                          "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED"};

std::optional<std::uint32_t> number(std::string_view digits, int base) noexcept {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

Receipt parse_receipt(std::string_view text) noexcept {
  Receipt receipt;
  for (std::size_t at = 0; at < text.size();) {
    const auto key = key_at(text, at);
    if (key.field == Field::none) {
      ++at;
      continue;
    }
    auto* value = slot(receipt, key.field);
    const std::size_t start = key.field == Field::text ? key.value_at : skip_blanks(text, key.value_at);
    std::size_t end = start;
    if (key.field == Field::text) {
      end = text_end(text, start, receipt);
    } else if (start < text.size() && key_at(text, start).field == Field::none) {
      end = value_end(text, start, key.field);
    }
    if (value->empty()) *value = text.substr(start, end - start);  // the first of two wins
    at = std::max(end, key.value_at);
  }
  if (!receipt.stat.empty()) receipt.state = receipt_state_of(receipt.stat).value_or(receipt_state::kUnknown);
  if (!receipt.err.empty()) receipt.err_code = receipt_error_number(receipt.err);
  return receipt;
}

Receipt merge_receipt(const Receipt& from_text, const ReceiptTlvs& tlvs) noexcept {
  Receipt receipt = from_text;
  if (tlvs.receipted_message_id) {
    auto id = *tlvs.receipted_message_id;
    while (!id.empty() && id.back() == '\0') id.remove_suffix(1);
    if (!id.empty()) receipt.id = id;
  }
  if (tlvs.message_state) {
    receipt.state = *tlvs.message_state < kStateWords.size() ? *tlvs.message_state : receipt_state::kUnknown;
  }
  if (tlvs.network_error_code) receipt.network_error = parse_network_error(*tlvs.network_error_code);
  if (receipt.network_error) receipt.err_code = receipt.network_error->code;
  return receipt;
}

std::optional<NetworkError> parse_network_error(ByteSpan value) noexcept {
  if (value.size() != 3) return std::nullopt;
  if (is_digit(static_cast<char>(value[0]))) {
    const auto code = number(as_text(value), 10);
    if (!code) return std::nullopt;
    return NetworkError{0, static_cast<std::uint16_t>(*code)};
  }
  return NetworkError{value[0], load_be<std::uint16_t>(value.data() + 1)};
}

std::optional<std::uint8_t> receipt_state_of(std::string_view word) noexcept {
  if (word.size() == 1 && is_digit(word[0])) return static_cast<std::uint8_t>(word[0] - '0');
  for (const auto& known : kWords) {
    if (equals(word, known.word)) return known.state;
  }
  return std::nullopt;
}

std::string_view receipt_word(std::uint8_t state) noexcept {
  return state < kStateWords.size() ? kStateWords[state] : kStateWords[receipt_state::kUnknown];
}

bool is_final_receipt_state(std::uint8_t state) noexcept {
  switch (state) {
    case receipt_state::kDelivered:
    case receipt_state::kExpired:
    case receipt_state::kDeleted:
    case receipt_state::kUndeliverable:
    case receipt_state::kRejected:
    case receipt_state::kSkipped: return true;
    default: return false;
  }
}

std::optional<std::uint32_t> receipt_error_number(std::string_view err) noexcept {
  if (begins(err, "0x")) return number(err.substr(2), 16);
  if (const auto decimal = number(err, 10)) return decimal;
  return number(err, 16);
}

bool looks_like_receipt(std::string_view text) noexcept {
  const std::size_t start = skip_blanks(text, 0);
  if (start == text.size() || key_at(text, start).field == Field::none) return false;
  const auto receipt = parse_receipt(text);
  if (receipt.id.empty() || !receipt_state_of(receipt.stat)) return false;
  return !receipt.sub.empty() || !receipt.dlvrd.empty() || !receipt.submit_date.empty() || !receipt.done_date.empty() ||
         !receipt.err.empty();
}

std::optional<std::size_t> rewrite_receipt_id(std::string_view text, std::string_view new_id,
                                              std::span<char> out) noexcept {
  const auto id = parse_receipt(text).id;
  if (id.empty() || out.size() < text.size() - id.size() + new_id.size()) return std::nullopt;
  const auto head = text.substr(0, static_cast<std::size_t>(id.data() - text.data()));
  const auto tail = text.substr(head.size() + id.size());
  char* at = std::copy(head.begin(), head.end(), out.data());
  at = std::copy(new_id.begin(), new_id.end(), at);
  at = std::copy(tail.begin(), tail.end(), at);
  return static_cast<std::size_t>(at - out.data());
}

}  // namespace smppd::smpp
