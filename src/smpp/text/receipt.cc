#include "smpp/text/receipt.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "smpp/text/internal/ascii.h"

namespace smppd::smpp {
namespace {

using text_internal::equals_ignoring_case;
using text_internal::is_blank;
using text_internal::is_digit;
using text_internal::lower;

constexpr bool is_word(char c) noexcept {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '-';
}
constexpr bool is_list_separator(char c) noexcept { return c == ',' || c == ';' || c == '|' || c == '/'; }

bool begins(std::string_view text, std::string_view small) noexcept {
  return text.size() >= small.size() && equals_ignoring_case(text.substr(0, small.size()), small);
}

std::size_t skip_blanks(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

enum class ReceiptField : std::uint8_t { none, id, sub, dlvrd, submit_date, done_date, stat, err, text };

struct FieldName {
  std::string_view word;
  ReceiptField field;
};

// Longer names before those they begin with.
constexpr FieldName kFieldNames[] = {
    {"id", ReceiptField::id},
    {"submit date", ReceiptField::submit_date},
    {"submit_date", ReceiptField::submit_date},
    {"submitdate", ReceiptField::submit_date},
    {"sub date", ReceiptField::submit_date},
    {"sub", ReceiptField::sub},
    {"status", ReceiptField::stat},
    {"state", ReceiptField::stat},
    {"stat", ReceiptField::stat},
    {"dlvrd", ReceiptField::dlvrd},
    {"dlvd", ReceiptField::dlvrd},
    {"done date", ReceiptField::done_date},
    {"done_date", ReceiptField::done_date},
    {"donedate", ReceiptField::done_date},
    {"error", ReceiptField::err},
    {"err", ReceiptField::err},
    {"text", ReceiptField::text},
    {"message_id", ReceiptField::id},
    {"messageid", ReceiptField::id},
};

struct FieldAt {
  ReceiptField field = ReceiptField::none;
  std::size_t value_at = 0;  // after the separator
};

// The field name that starts at `at`, if one does and ':' or '=' follows it.
FieldAt field_at(std::string_view text, std::size_t at) noexcept {
  const char first = lower(text[at]);
  if (first != 'i' && first != 's' && first != 'd' && first != 'e' && first != 't' && first != 'm') return {};
  if (at > 0 && is_word(text[at - 1])) return {};
  for (const auto& name : kFieldNames) {
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
std::size_t value_end(std::string_view text, std::size_t at, ReceiptField field) noexcept {
  const bool date = field == ReceiptField::submit_date || field == ReceiptField::done_date;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '&') return at;
    if (is_blank(c)) {
      if (date && c == ' ' && is_clock(text, at + 1)) continue;
      return at;
    }
    if (!is_list_separator(c)) continue;
    const std::size_t next = skip_blanks(text, at + 1);
    if (next >= text.size() || field_at(text, next).field != ReceiptField::none) return at;
  }
  return at;
}

std::string_view* slot(Receipt& receipt, ReceiptField field) noexcept {
  switch (field) {
    case ReceiptField::id: return &receipt.id;
    case ReceiptField::sub: return &receipt.sub;
    case ReceiptField::dlvrd: return &receipt.dlvrd;
    case ReceiptField::submit_date: return &receipt.submit_date;
    case ReceiptField::done_date: return &receipt.done_date;
    case ReceiptField::stat: return &receipt.stat;
    case ReceiptField::err: return &receipt.err;
    case ReceiptField::text: return &receipt.text;
    case ReceiptField::none: break;
  }
  return nullptr;
}

// Where the text's own value ends: everything after it is the message's, unless the receipt put `text` first, before
// both the id and the state; then up to the next field.
std::size_t text_end(std::string_view text, std::size_t at, const Receipt& so_far) noexcept {
  if (!so_far.id.empty() || !so_far.stat.empty()) return text.size();
  for (std::size_t i = at; i < text.size(); ++i) {
    const auto key = field_at(text, i);
    if (key.field == ReceiptField::id || key.field == ReceiptField::stat) {
      while (i > at && is_blank(text[i - 1])) --i;
      return i;
    }
  }
  return text.size();
}

struct StateWord {
  std::string_view word;
  MessageState state;
};

constexpr StateWord kStateWords[] = {
    {"delivrd", MessageState::delivered},
    {"delivered", MessageState::delivered},
    {"undeliv", MessageState::undeliverable},
    {"undelivered", MessageState::undeliverable},
    {"undeliverable", MessageState::undeliverable},
    {"undelivrd", MessageState::undeliverable},
    {"failed", MessageState::undeliverable},
    {"expired", MessageState::expired},
    {"expird", MessageState::expired},
    {"deleted", MessageState::deleted},
    {"accepted", MessageState::accepted},
    {"acceptd", MessageState::accepted},
    {"acked", MessageState::accepted},
    {"rejectd", MessageState::rejected},
    {"rejected", MessageState::rejected},
    {"enroute", MessageState::enroute},
    {"en_route", MessageState::enroute},
    {"buffred", MessageState::enroute},
    {"bufferd", MessageState::enroute},
    {"buffered", MessageState::enroute},
    {"unknown", MessageState::unknown},
    {"skipped", MessageState::skipped},
    {"scheduled", MessageState::scheduled},
    {"schedld", MessageState::scheduled},
};

constexpr std::array<std::string_view, 10> kStandardWords = {"SCHEDLD", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
                                                             "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED"};

std::optional<std::uint32_t> whole_number(std::string_view digits, int base) noexcept {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

Receipt parse_receipt(std::string_view text) noexcept {
  Receipt receipt;
  for (std::size_t at = 0; at < text.size();) {
    const auto key = field_at(text, at);
    if (key.field == ReceiptField::none) {
      ++at;
      continue;
    }
    auto* value = slot(receipt, key.field);
    const std::size_t start = key.field == ReceiptField::text ? key.value_at : skip_blanks(text, key.value_at);
    std::size_t end = start;
    if (key.field == ReceiptField::text) {
      end = text_end(text, start, receipt);
    } else if (start < text.size() && field_at(text, start).field == ReceiptField::none) {
      end = value_end(text, start, key.field);
    }
    if (value->empty()) *value = text.substr(start, end - start);  // the first of two wins
    at = std::max(end, key.value_at);
  }
  if (!receipt.stat.empty()) receipt.state = receipt_state_of(receipt.stat).value_or(MessageState::unknown);
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
    const bool known = *tlvs.message_state < kStandardWords.size();
    receipt.state = known ? static_cast<MessageState>(*tlvs.message_state) : MessageState::unknown;
  }
  if (tlvs.network_error_code) receipt.network_error = parse_network_error(*tlvs.network_error_code);
  if (receipt.network_error) receipt.err_code = receipt.network_error->code;
  return receipt;
}

std::optional<NetworkError> parse_network_error(ByteSpan value) noexcept {
  if (value.size() != 3) return std::nullopt;
  if (is_digit(static_cast<char>(value[0]))) {
    const auto code = whole_number(as_text(value), 10);
    if (!code) return std::nullopt;
    return NetworkError{0, static_cast<std::uint16_t>(*code)};
  }
  return NetworkError{value[0], load_be<std::uint16_t>(value.data() + 1)};
}

std::optional<MessageState> receipt_state_of(std::string_view word) noexcept {
  if (word.size() == 1 && is_digit(word[0])) return static_cast<MessageState>(word[0] - '0');
  for (const auto& known : kStateWords) {
    if (equals_ignoring_case(word, known.word)) return known.state;
  }
  return std::nullopt;
}

std::string_view receipt_word(MessageState state) noexcept {
  const auto octet = static_cast<std::size_t>(state);
  return kStandardWords[octet < kStandardWords.size() ? octet : static_cast<std::size_t>(MessageState::unknown)];
}

std::optional<std::uint32_t> receipt_error_number(std::string_view err) noexcept {
  if (begins(err, "0x")) return whole_number(err.substr(2), 16);
  if (const auto decimal = whole_number(err, 10)) return decimal;
  return whole_number(err, 16);
}

bool looks_like_receipt(std::string_view text) noexcept {
  const std::size_t start = skip_blanks(text, 0);
  if (start == text.size() || field_at(text, start).field == ReceiptField::none) return false;
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
