#include "smpp/text/receipt.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "smpp/text/internal/ascii.h"

namespace smppd::smpp {
namespace {

using text_internal::equals_ignoring_case;
using text_internal::is_blank;
using text_internal::is_digit;
using text_internal::lower;

// What a character can be in a receipt.
enum CharacterKind : std::uint8_t { kOrdinary, kWord, kBlank, kJoint, kList };

constexpr auto kKinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (unsigned c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    const char small = lower(character);
    if (is_digit(character) || (small >= 'a' && small <= 'z') || c == '_' || c == '-') kinds[c] = kWord;
    if (is_blank(character)) kinds[c] = kBlank;
    if (c == '&') kinds[c] = kJoint;
    if (c == ',' || c == ';' || c == '|' || c == '/') kinds[c] = kList;
  }
  return kinds;
}();
std::uint8_t kind(char c) noexcept { return kKinds[static_cast<std::uint8_t>(c)]; }

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

// By first letter; longer names before those they begin with.
constexpr FieldName kI[] = {{"id", ReceiptField::id}};
constexpr FieldName kS[] = {
    {"stat", ReceiptField::stat},
    {"sub", ReceiptField::sub},
    {"submit date", ReceiptField::submit_date},
    {"submit_date", ReceiptField::submit_date},
    {"submitdate", ReceiptField::submit_date},
    {"status", ReceiptField::stat},
    {"state", ReceiptField::stat},
    {"sub date", ReceiptField::submit_date},
};
constexpr FieldName kD[] = {
    {"dlvrd", ReceiptField::dlvrd},         {"dlvd", ReceiptField::dlvrd},
    {"done date", ReceiptField::done_date}, {"done_date", ReceiptField::done_date},
    {"donedate", ReceiptField::done_date},
};
constexpr FieldName kE[] = {{"err", ReceiptField::err}, {"error", ReceiptField::err}};
constexpr FieldName kT[] = {{"text", ReceiptField::text}};
constexpr FieldName kM[] = {{"message_id", ReceiptField::id}, {"messageid", ReceiptField::id}};

std::span<const FieldName> names_of(char first_letter) noexcept {
  switch (first_letter) {
    case 'i': return kI;
    case 's': return kS;
    case 'd': return kD;
    case 'e': return kE;
    case 't': return kT;
    case 'm': return kM;
    default: return {};
  }
}

struct FieldAt {
  ReceiptField field = ReceiptField::none;
  std::size_t value_at = 0;  // after the separator
};

// The field name that the word at `at` is, if ':' or '=' follows it. `at` is where a word begins.
FieldAt field_at(std::string_view text, std::size_t at) noexcept {
  for (const auto& name : names_of(lower(text[at]))) {
    if (!begins(text.substr(at), name.word)) continue;
    const std::size_t separator = skip_blanks(text, at + name.word.size());
    if (separator >= text.size()) continue;
    if (text[separator] == ':' || text[separator] == '=') return {name.field, separator + 1};
  }
  return {};
}

// The next word at or after `at`; text.size() when there is none.
std::size_t next_word(std::string_view text, std::size_t at) noexcept {
  if (at > 0) {
    while (at < text.size() && kind(text[at]) == kWord && kind(text[at - 1]) == kWord) ++at;
  }
  while (at < text.size() && kind(text[at]) != kWord) ++at;
  return at;
}

bool is_clock(std::string_view text, std::size_t at) noexcept {
  return at + 2 < text.size() && is_digit(text[at]) && is_digit(text[at + 1]) && text[at + 2] == ':';
}

// Where the value that starts at `at` ends. A value is one word; a date may have its clock after a blank.
std::size_t value_end(std::string_view text, std::size_t at, ReceiptField field) noexcept {
  const bool date = field == ReceiptField::submit_date || field == ReceiptField::done_date;
  for (; at < text.size(); ++at) {
    const auto what = kind(text[at]);
    if (what <= kWord) continue;
    if (what == kJoint) return at;
    if (what == kBlank) {
      if (date && is_clock(text, at + 1)) continue;
      return at;
    }
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
  for (std::size_t i = next_word(text, at); i < text.size(); i = next_word(text, i + 1)) {
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

// Seven letters as one number, in either case.
constexpr std::size_t kUsualWord = 7;
constexpr std::uint64_t seven_letters(std::string_view text) noexcept {
  std::uint64_t letters = 0;
  for (std::size_t i = 0; i < kUsualWord; ++i) {
    letters |= static_cast<std::uint64_t>(static_cast<unsigned char>(text[i]) | 0x20U) << (8 * i);
  }
  return letters;
}
struct UsualWord {
  std::uint64_t letters;
  MessageState state;
};
constexpr auto kUsualWords = [] {
  constexpr auto is_usual = [](const StateWord& known) {
    return known.word.size() == kUsualWord && std::ranges::all_of(known.word, [](char c) { return c >= 'a'; });
  };
  std::array<UsualWord, static_cast<std::size_t>(std::ranges::count_if(kStateWords, is_usual))> words{};
  std::size_t count = 0;
  for (const StateWord& known : kStateWords) {
    if (is_usual(known)) words[count++] = {seven_letters(known.word), known.state};
  }
  return words;
}();

// Of seven octets.
std::uint64_t usual_letters(std::string_view word) noexcept {
  if constexpr (std::endian::native != std::endian::little) return seven_letters(word);
  std::uint32_t low = 0;  // two words that overlap in the fourth letter
  std::uint32_t high = 0;
  std::memcpy(&low, word.data(), sizeof low);
  std::memcpy(&high, word.data() + kUsualWord - sizeof high, sizeof high);
  return low | std::uint64_t{high} << 24U | 0x0020'2020'2020'2020U;
}

std::optional<MessageState> usual_state_of(std::string_view word) noexcept {
  const std::uint64_t letters = usual_letters(word);
  for (const UsualWord& known : kUsualWords) {
    if (letters == known.letters) return known.state;
  }
  return std::nullopt;
}

std::uint32_t three_digits(std::string_view digits) noexcept {
  return static_cast<std::uint32_t>(digits[0] * 100 + digits[1] * 10 + digits[2] - '0' * 111);
}

constexpr std::array<std::string_view, 10> kStandardWords = {"SCHEDLD", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
                                                             "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED"};
// The same in letters, what ends most messages first.
constexpr auto kStandardLetters = [] {
  std::array<UsualWord, kStandardWords.size()> words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = {seven_letters(kStandardWords[i]), static_cast<MessageState>(i)};
  }
  std::swap(words[0], words[static_cast<std::size_t>(MessageState::delivered)]);
  return words;
}();

std::optional<std::uint32_t> whole_number(std::string_view digits, int base) noexcept {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

namespace {

#ifdef __SSE2__
// All bits of those of 16 octets that are part of a word.
[[gnu::always_inline]] inline __m128i words_of(__m128i octets) noexcept {
  const auto between = [](__m128i what, char first, char last) {
    return _mm_and_si128(_mm_cmpgt_epi8(what, _mm_set1_epi8(static_cast<char>(first - 1))),
                         _mm_cmplt_epi8(what, _mm_set1_epi8(static_cast<char>(last + 1))));
  };
  const __m128i letters = between(_mm_or_si128(octets, _mm_set1_epi8(0x20)), 'a', 'z');
  const __m128i signs =
      _mm_or_si128(_mm_cmpeq_epi8(octets, _mm_set1_epi8('_')), _mm_cmpeq_epi8(octets, _mm_set1_epi8('-')));
  return _mm_or_si128(_mm_or_si128(letters, between(octets, '0', '9')), signs);
}
#endif

// Where the word that goes on at `at` ends, sixteen letters at a time as long as the text has as many.
std::size_t word_end(std::string_view text, std::size_t at) noexcept {
#ifdef __SSE2__
  for (; text.size() - at >= 16; at += 16) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const unsigned others = static_cast<unsigned>(_mm_movemask_epi8(words_of(octets))) ^ 0xFFFFU;
    if (others != 0) return at + static_cast<std::size_t>(std::countr_zero(others));
  }
#endif
  while (at < text.size() && kind(text[at]) == kWord) ++at;
  return at;
}

// Takes `name` and the word behind it. False when the text goes on otherwise.
template <std::size_t kSize>
[[gnu::always_inline]] inline bool take(std::string_view text, std::size_t& at, const char (&name)[kSize],
                                        std::string_view& value) noexcept {
  constexpr std::size_t kLetters = kSize - 1;
  if (text.size() - at < kLetters || std::memcmp(text.data() + at, name, kLetters) != 0) return false;
  const std::size_t begin = at + kLetters;
  at = word_end(text, begin);
  value = text.substr(begin, at - begin);
  return at != begin;
}

// What follows the id in nearly all receipts: numbers with as many digits as the specification has, and a word.
constexpr std::string_view kUsual =
    " sub:000 dlvrd:000 submit date:0000000000 done date:0000000000 stat:_______ err:000";

#ifdef __SSE2__
consteval std::size_t usual_at(std::string_view name) noexcept { return kUsual.find(name) + name.size(); }
// The bits in which an octet differs from there are, as a number, at most this: nine between digits.
constexpr auto kMayDiffer = [] {
  std::array<std::uint8_t, kUsual.size()> most{};
  for (std::size_t i = 0; i < kUsual.size(); ++i) most[i] = kUsual[i] == '0' ? 9 : kUsual[i] == '_' ? 0xFF : 0;
  return most;
}();

// Whether the text is kUsual from its first octet on, whatever the word is.
bool is_usual(std::string_view text) noexcept {
  if (text.size() < kUsual.size()) return false;
  if (text.size() > kUsual.size() && kind(text[kUsual.size()]) == kWord) return false;
  __m128i wrong = _mm_setzero_si128();
  const auto load = [](const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); };
  const auto look = [&](std::size_t at) {
    const __m128i differ = _mm_xor_si128(load(text.data() + at), load(kUsual.data() + at));
    wrong = _mm_or_si128(wrong, _mm_subs_epu8(differ, load(kMayDiffer.data() + at)));
  };
  for (std::size_t at = 0; at + 16 <= kUsual.size(); at += 16) look(at);
  look(kUsual.size() - 16);
  return _mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) == 0xFFFF;
}

std::string_view usual_word(std::string_view text) noexcept { return text.substr(usual_at(" stat:"), kUsualWord); }

// The same as reading field by field, at once, with what the fields mean. False for another text, and where the word
// is none that is known.
bool read_usual(std::string_view text, Receipt& receipt) noexcept {
  if (!is_usual(text)) return false;
  const auto value = [&](std::size_t at, std::size_t size) { return std::string_view(text.data() + at, size); };
  receipt.stat = usual_word(text);
  receipt.state = usual_state_of(receipt.stat);
  if (!receipt.state) return false;
  receipt.sub = value(usual_at(" sub:"), 3);
  receipt.dlvrd = value(usual_at(" dlvrd:"), 3);
  receipt.submit_date = value(usual_at(" submit date:"), 10);
  receipt.done_date = value(usual_at(" done date:"), 10);
  receipt.err = value(usual_at(" err:"), 3);
  receipt.err_code = three_digits(receipt.err);
  return true;
}
#else
bool is_usual(std::string_view) noexcept { return false; }
std::string_view usual_word(std::string_view) noexcept { return {}; }
bool read_usual(std::string_view, Receipt&) noexcept { return false; }
#endif

// What may follow the error.
bool begins_text(std::string_view rest) noexcept { return rest.starts_with(" text:") || rest.starts_with(" Text:"); }

// The text of Appendix B letter by letter, as most peers write it, up to `text`. False for any other, `receipt` is then
// half filled.
bool read_standard(std::string_view text, Receipt& receipt) noexcept {
  std::size_t at = 0;
  if (!take(text, at, "id:", receipt.id)) return false;
  if (read_usual(text.substr(at), receipt)) {
    at += kUsual.size();
  } else if (!take(text, at, " sub:", receipt.sub) || !take(text, at, " dlvrd:", receipt.dlvrd) ||
             !take(text, at, " submit date:", receipt.submit_date) ||
             !take(text, at, " done date:", receipt.done_date) || !take(text, at, " stat:", receipt.stat) ||
             !take(text, at, " err:", receipt.err)) {
    return false;
  }
  const std::string_view rest = text.substr(at);
  if (begins_text(rest)) {
    receipt.text = rest.substr(6);
    return true;
  }
  return rest.empty();
}

Receipt read_in_any_order(std::string_view text) noexcept;

}  // namespace

bool read_standard_receipt(std::string_view text, std::string_view& id, MessageState& state) noexcept {
  std::size_t at = 0;
  if (!take(text, at, "id:", id)) return false;
  const std::string_view usual = text.substr(at);
  if (!is_usual(usual)) return false;
  const std::string_view rest = usual.substr(kUsual.size());
  if (!rest.empty() && !begins_text(rest)) return false;
  const std::uint64_t letters = usual_letters(usual_word(usual));
  for (std::size_t i = 0; i < kStandardLetters.size(); ++i) {
    if (letters != kStandardLetters[i].letters) continue;
    state = kStandardLetters[i].state;
    return true;
  }
  return false;
}

void parse_receipt(std::string_view text, Receipt& receipt) noexcept {
  if (!read_standard(text, receipt)) receipt = read_in_any_order(text);
  if (receipt.state) [[likely]]
    return;
  if (!receipt.stat.empty()) receipt.state = receipt_state_of(receipt.stat).value_or(MessageState::unknown);
  if (!receipt.err.empty()) receipt.err_code = receipt_error_number(receipt.err);
}

namespace {

Receipt read_in_any_order(std::string_view text) noexcept {
  Receipt receipt;
  for (std::size_t at = next_word(text, 0); at < text.size(); at = next_word(text, at)) {
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
  return receipt;
}

}  // namespace

MessageState message_state_of(std::uint8_t octet) noexcept {
  return octet < kStandardWords.size() ? static_cast<MessageState>(octet) : MessageState::unknown;
}

void merge_receipt(Receipt& receipt, const ReceiptTlvs& tlvs) noexcept {
  if (tlvs.receipted_message_id) {
    auto id = *tlvs.receipted_message_id;
    while (!id.empty() && id.back() == '\0') id.remove_suffix(1);
    if (!id.empty()) receipt.id = id;
  }
  if (tlvs.message_state) {
    receipt.state = message_state_of(*tlvs.message_state);
  }
  if (tlvs.network_error_code) receipt.network_error = parse_network_error(*tlvs.network_error_code);
  if (receipt.network_error) receipt.err_code = receipt.network_error->code;
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
  if (word.size() == kUsualWord) return usual_state_of(word);
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
  if (err.size() == 3 && is_digit(err[0]) && is_digit(err[1]) && is_digit(err[2])) [[likely]] {
    return three_digits(err);
  }
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
