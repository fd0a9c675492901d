#include "message/pattern.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <re2/re2.h>

namespace smppd::message {
namespace {

constexpr std::int64_t kRegexMemory = 2 << 20;

char folded(char c, Case letters) noexcept {
  return letters == Case::kIgnored && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal(std::string_view a, std::string_view b, Case letters) noexcept {
  if (letters == Case::kSensitive) return a == b;
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [&](char x, char y) { return folded(x, letters) == folded(y, letters); });
}

re2::StringPiece piece(std::string_view text) noexcept { return {text.data(), text.size()}; }

Fallible<std::shared_ptr<const re2::RE2>> compile_regex(std::string_view text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemory);
  auto regex = std::make_shared<const re2::RE2>(piece(text), options);
  if (!regex->ok()) {
    return failure("the regular expression '" + std::string(text) + "' cannot be read: " + regex->error());
  }
  return regex;
}

// Takes the `+` or `00` of an international number off a pattern.
bool strip_international(std::string_view& text) noexcept {
  if (text.size() > 1 && text[0] == '+') {
    text.remove_prefix(1);
    return true;
  }
  if (text.size() > 2 && text.starts_with("00") && text[2] != '0') {
    text.remove_prefix(2);
    return true;
  }
  return false;
}

}  // namespace

bool glob_matches(std::string_view glob, std::string_view text, Case letters) noexcept {
  std::size_t g = 0;
  std::size_t t = 0;
  std::size_t after_star = std::string_view::npos;
  std::size_t retry = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      after_star = ++g;
      retry = t;
    } else if (g < glob.size() && (glob[g] == '?' || folded(glob[g], letters) == folded(text[t], letters))) {
      ++g;
      ++t;
    } else if (after_star != std::string_view::npos) {
      g = after_star;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

Fallible<AddressPattern> AddressPattern::compile(PatternText pattern) {
  AddressPattern compiled;
  std::string_view text = pattern.text;
  if (pattern.kind == PatternKind::kRegex) {
    auto regex = compile_regex(text);
    if (!regex) return std::unexpected(std::move(regex.error()));
    compiled.kind_ = Kind::kRegex;
    compiled.text_ = text;
    compiled.regex_ = std::move(*regex);
    return compiled;
  }
  compiled.international_ = strip_international(text);
  const std::size_t wild = pattern.kind == PatternKind::kGlob ? text.find_first_of("*?") : std::string_view::npos;
  if (pattern.kind == PatternKind::kPrefix) {
    compiled.kind_ = text.empty() ? Kind::kAny : Kind::kPrefix;
  } else if (wild == std::string_view::npos) {
    compiled.kind_ = Kind::kExact;
  } else if (wild + 1 == text.size() && text[wild] == '*') {
    text.remove_suffix(1);
    compiled.kind_ = text.empty() ? Kind::kAny : Kind::kPrefix;
  } else {
    compiled.kind_ = Kind::kGlob;
  }
  compiled.text_ = text;
  return compiled;
}

std::string_view AddressPattern::literal() const noexcept {
  if (kind_ == Kind::kExact || kind_ == Kind::kPrefix) return text_;
  if (kind_ == Kind::kGlob) return std::string_view(text_).substr(0, text_.find_first_of("*?"));
  return {};
}

bool AddressPattern::matches(NormalAddress address, std::string_view sent) const noexcept {
  if (international_ && !address.international) return false;
  switch (kind_) {
    case Kind::kAny: return true;
    case Kind::kExact: return address.text == text_;
    case Kind::kPrefix: return address.text.starts_with(text_);
    case Kind::kGlob: return glob_matches(text_, address.text, Case::kSensitive);
    case Kind::kRegex: break;
  }
  if (re2::RE2::PartialMatch(piece(address.text), *regex_)) return true;
  if (sent.size() != address.text.size() && re2::RE2::PartialMatch(piece(sent), *regex_)) return true;
  std::array<char, 72> plus;
  if (!address.international || sent.starts_with('+') || address.text.size() >= plus.size()) return false;
  plus[0] = '+';
  std::memcpy(plus.data() + 1, address.text.data(), address.text.size());
  return re2::RE2::PartialMatch({plus.data(), address.text.size() + 1}, *regex_);
}

Fallible<AddressSet> AddressSet::compile(std::span<const PatternText> patterns) {
  AddressSet set;
  set.size_ = patterns.size();
  std::vector<PrefixMap::Entry> any_number;
  std::vector<PrefixMap::Entry> entries;
  for (const PatternText& pattern : patterns) {
    auto compiled = AddressPattern::compile(pattern);
    if (!compiled) return std::unexpected(std::move(compiled.error()));
    const bool international = compiled->needs_international();
    const auto kind = compiled->kind();
    if (kind == AddressPattern::Kind::kExact) {
      set.exact_.push_back({compiled->text(), international});
    } else if ((kind == AddressPattern::Kind::kPrefix || kind == AddressPattern::Kind::kAny) &&
               PrefixMap::is_prefix(compiled->literal())) {
      (international ? entries : any_number)
          .push_back({std::string(compiled->literal()), international ? kInternationalOnly : kAnyNumber});
    } else {
      set.others_.push_back(std::move(*compiled));
    }
  }
  // Of the same prefix written both ways the wider one counts: it comes last.
  entries.insert(entries.end(), any_number.begin(), any_number.end());
  set.prefixes_ = PrefixMap(std::move(entries));
  std::sort(set.exact_.begin(), set.exact_.end(), [](const Exact& a, const Exact& b) {
    return a.text != b.text ? a.text < b.text : a.international < b.international;
  });
  return set;
}

bool AddressSet::matches(NormalAddress address, std::string_view sent) const noexcept {
  bool found = false;
  prefixes_.walk(address.text, [&](std::uint32_t value) {
    found = value == kAnyNumber || address.international;
    return !found;
  });
  if (found) return true;
  const auto at = std::lower_bound(exact_.begin(), exact_.end(), address.text,
                                   [](const Exact& one, std::string_view text) { return one.text < text; });
  if (at != exact_.end() && at->text == address.text && (!at->international || address.international)) return true;
  return std::any_of(others_.begin(), others_.end(),
                     [&](const AddressPattern& other) { return other.matches(address, sent); });
}

Fallible<TextSet> TextSet::compile(std::span<const PatternText> patterns, Case letters) {
  TextSet set;
  set.case_ = letters;
  for (const PatternText& pattern : patterns) {
    One one{pattern.kind, std::string(pattern.text), nullptr};
    if (pattern.kind == PatternKind::kRegex) {
      auto regex = compile_regex(pattern.text);
      if (!regex) return std::unexpected(std::move(regex.error()));
      one.regex = std::move(*regex);
    }
    set.patterns_.push_back(std::move(one));
  }
  return set;
}

bool TextSet::matches(std::string_view text) const noexcept {
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const One& one) {
    switch (one.kind) {
      case PatternKind::kExact: return equal(one.text, text, case_);
      case PatternKind::kPrefix: return equal(one.text, text.substr(0, one.text.size()), case_);
      case PatternKind::kGlob: return glob_matches(one.text, text, case_);
      case PatternKind::kRegex: return re2::RE2::PartialMatch(piece(text), *one.regex);
    }
    return false;
  });
}

}  // namespace smppd::message
