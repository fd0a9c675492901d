#include "flow/receipt_codes.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "smpp/values.h"

namespace smppd::flow {

namespace {

constexpr std::size_t kMaxCode = 64;

// The one spelling of a code, as much of it as a key may have.
class CodeText {
 public:
  void add(std::string_view code) noexcept {
    const bool number = std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
    while (number && code.size() > 1 && code.front() == '0') code.remove_prefix(1);
    for (const char c : code) put(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  void add_pair(std::string_view err, std::string_view stat) noexcept {
    add(err);
    put('/');
    add(stat);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  void put(char c) noexcept {
    if (size_ < text_.size()) text_[size_++] = c;
  }
  std::array<char, 2 * kMaxCode + 1> text_;
  std::size_t size_ = 0;
};

CodeText key_of(std::string_view code) noexcept {
  CodeText key;
  const std::size_t slash = code.find('/');
  if (slash == std::string_view::npos) {
    key.add(code);
  } else {
    key.add_pair(code.substr(0, slash), code.substr(slash + 1));
  }
  return key;
}

}  // namespace

Fallible<std::shared_ptr<const ReceiptCodes>> ReceiptCodes::compile(
    const std::map<std::string, config::ReceiptMeaning>& map) {
  if (map.empty()) return nullptr;
  auto codes = std::make_shared<ReceiptCodes>();
  std::unordered_map<std::string, std::string> written;
  for (const auto& [code, meaning] : map) {
    std::string key(key_of(code).view());
    if (key.empty()) return failure("a code is empty");
    const auto [first, is_new] = written.emplace(key, code);
    if (!is_new) return failure("`" + first->second + "` and `" + code + "` are the same code");
    Meaning compiled{static_cast<smpp::MessageState>(meaning.state), meaning.error, {}};
    if (meaning.error) {
      const std::string digits = std::to_string(*meaning.error);
      compiled.error_text = std::string(3 - std::min<std::size_t>(digits.size(), 3), '0') + digits;
    }
    codes->has_pairs_ = codes->has_pairs_ || key.contains('/');
    codes->meanings_.emplace(std::move(key), std::move(compiled));
  }
  return codes;
}

const ReceiptCodes::Meaning* ReceiptCodes::find(const smpp::Receipt& receipt) const noexcept {
  std::array<char, 8> digits;
  std::string_view err = receipt.err.substr(0, kMaxCode);
  if (err.empty() && receipt.network_error) {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), receipt.network_error->code).ptr;
    err = {digits.data(), end};
  }
  std::string_view stat = receipt.stat.substr(0, kMaxCode);
  if (stat.empty() && receipt.state) stat = smpp::receipt_word(*receipt.state);
  const auto look = [this](const CodeText& key) -> const Meaning* {
    const auto found = meanings_.find(key.view());
    return found == meanings_.end() ? nullptr : &found->second;
  };
  if (has_pairs_ && !err.empty() && !stat.empty()) {
    CodeText pair;
    pair.add_pair(err, stat);
    if (const Meaning* meaning = look(pair)) return meaning;
  }
  for (const std::string_view code : {err, stat}) {
    if (code.empty()) continue;
    CodeText key;
    key.add(code);
    if (const Meaning* meaning = look(key)) return meaning;
  }
  return nullptr;
}

}  // namespace smppd::flow
