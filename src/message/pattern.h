// Patterns on addresses and texts, compiled once and shared by all shards. Matching allocates nothing, except that RE2
// may build automaton states the first times a regular expression is used.
//
// Globs: `*` stands for any run of characters, `?` for one. Addresses are compared in their normal form (facts.h); a
// pattern written with `+` or `00` in front only matches international numbers. Texts compare without regard to ASCII
// case, except by regular expressions.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "message/facts.h"
#include "message/prefix_map.h"

namespace re2 {
class RE2;
}

namespace smppd::message {

enum class PatternKind : std::uint8_t { kExact, kGlob, kPrefix, kRegex };

struct PatternText {
  PatternKind kind = PatternKind::kExact;
  std::string_view text;
};

enum class Case : std::uint8_t { kSensitive, kIgnored };

[[nodiscard]] bool glob_matches(std::string_view glob, std::string_view text, Case letters) noexcept;

class AddressPattern {
 public:
  enum class Kind : std::uint8_t { kAny, kExact, kPrefix, kGlob, kRegex };

  // Fails with a sentence if a regular expression cannot be read.
  [[nodiscard]] static Fallible<AddressPattern> compile(PatternText pattern);

  // `sent` is the address as it came; regular expressions see every spelling of it.
  [[nodiscard]] bool matches(NormalAddress address, std::string_view sent) const noexcept;

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool needs_international() const noexcept { return international_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }  // in normal form
  // What every match begins with; the whole for kExact and kPrefix.
  [[nodiscard]] std::string_view literal() const noexcept;

 private:
  Kind kind_ = Kind::kAny;
  bool international_ = false;
  std::string text_;
  std::shared_ptr<const re2::RE2> regex_;
};

// Does any of a list of address patterns match? The cost does not grow with the number of exact addresses and digit
// prefixes in the list.
class AddressSet {
 public:
  [[nodiscard]] static Fallible<AddressSet> compile(std::span<const PatternText> patterns);

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] bool matches(NormalAddress address, std::string_view sent) const noexcept;

 private:
  enum : std::uint32_t { kAnyNumber = 0, kInternationalOnly = 1 };
  struct Exact {
    std::string text;
    bool international = false;
  };

  std::size_t size_ = 0;
  PrefixMap prefixes_;
  std::vector<Exact> exact_;  // sorted by text
  std::vector<AddressPattern> others_;
};

// The same for plain strings: message texts, service types.
class TextSet {
 public:
  [[nodiscard]] static Fallible<TextSet> compile(std::span<const PatternText> patterns, Case letters);

  [[nodiscard]] bool empty() const noexcept { return patterns_.empty(); }
  [[nodiscard]] bool matches(std::string_view text) const noexcept;

 private:
  struct One {
    PatternKind kind = PatternKind::kExact;
    std::string text;
    std::shared_ptr<const re2::RE2> regex;
  };
  std::vector<One> patterns_;
  Case case_ = Case::kSensitive;
};

}  // namespace smppd::message
