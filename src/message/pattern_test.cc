#include "message/pattern.h"

#include <algorithm>
#include <bit>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "message/cost_table.h"
#include "message/prefix_map.h"

namespace smppd::message {
namespace {

TEST(Glob, StarIsAnyRunAndQuestionMarkOneCharacter) {
  struct Row {
    const char* glob;
    const char* text;
    bool matches;
  };
  for (const Row& row : {Row{"*", "", true},
                         {"*", "abc", true},
                         {"a*c", "abbbc", true},
                         {"a*c", "abbb", false},
                         {"?", "", false},
                         {"?", "a", true},
                         {"a?c", "abc", true},
                         {"a?c", "ac", false},
                         {"*99", "1991199", true},
                         {"*99", "19911991", false},
                         {"a*b*c", "aXbXbXc", true},
                         {"**", "x", true},
                         {"", "", true},
                         {"", "x", false},
                         {"a*?", "a", false},
                         {"a*?", "ab", true}}) {
    EXPECT_EQ(glob_matches(row.glob, row.text, Case::kSensitive), row.matches) << row.glob << ' ' << row.text;
  }
  EXPECT_TRUE(glob_matches("sToP*", "StOp it", Case::kIgnored));
  EXPECT_FALSE(glob_matches("stop*", "STOP", Case::kSensitive));
}

TEST(Glob, ManyStarsStayCheap) {
  const std::string text(20'000, 'a');
  EXPECT_FALSE(glob_matches("a*a*a*a*a*a*a*a*a*a*b", text, Case::kSensitive));
}

// Texts of `most` digits at most; few different digits make many of them prefixes of each other.
std::string random_digits(std::mt19937& random, unsigned most, unsigned different) {
  std::string text;
  for (auto i = random() % (most + 1); i > 0; --i) text += static_cast<char>('0' + random() % different);
  return text;
}

void compare_with_ordered_map(std::mt19937& random, std::uint32_t count, unsigned most, unsigned different) {
  std::map<std::string, std::uint32_t> naive;
  std::vector<PrefixMap::Entry> entries;
  for (std::uint32_t i = 0; i < count; ++i) {
    entries.push_back({random_digits(random, most, different), i});
    naive[entries.back().digits] = i;
  }
  const PrefixMap map(entries);
  EXPECT_EQ(map.size(), naive.size());
  for (int i = 0; i < 200; ++i) {
    std::string text = random_digits(random, most + 4, different);
    if (i % 10 == 0) text.insert(random() % (text.size() + 1), 1, "x/:@\x10\xCF\xFF"[random() % 7]);
    std::vector<std::uint32_t> expected;
    for (std::size_t length = text.size() + 1; length-- > 0;) {
      const auto at = naive.find(text.substr(0, length));
      if (at != naive.end()) expected.push_back(at->second);
    }
    std::vector<std::uint32_t> found;
    map.walk(text, [&](std::uint32_t value) {
      found.push_back(value);
      return true;
    });
    ASSERT_EQ(found, expected) << text;
    ASSERT_EQ(map.longest(text), expected.empty() ? PrefixMap::kNone : expected.front());
    std::size_t asked = 0;
    map.walk(text, [&](std::uint32_t) { return ++asked < 2; });
    ASSERT_EQ(asked, std::min<std::size_t>(expected.size(), 2)) << text;
  }
}

TEST(PrefixMap, FindsWhatAnOrderedMapFindsForRandomPrefixes) {
  std::mt19937 random(5);
  for (unsigned round = 0; round < 300; ++round) {
    const std::uint32_t count = round % 7 == 0 ? 10 : 100;
    const unsigned most = round % 3 == 0 ? PrefixMap::kMaxDigits : round % 3 == 1 ? 18 : 7;
    compare_with_ordered_map(random, count, most, round % 9 + 2);
  }
}

TEST(PrefixMap, FindsThemInLargeTablesToo) {
  std::mt19937 random(6);
  for (const std::uint32_t count : {1'000U, 6'000U, 20'000U, 60'000U}) {
    for (const unsigned most : {5U, 8U, 20U}) compare_with_ordered_map(random, count, most, 10);
  }
}

TEST(PrefixMap, EmptyMapAndLongestPossiblePrefix) {
  EXPECT_EQ(PrefixMap().longest("123"), PrefixMap::kNone);
  const std::string longest(PrefixMap::kMaxDigits, '9');
  EXPECT_TRUE(PrefixMap::is_prefix(longest));
  EXPECT_FALSE(PrefixMap::is_prefix(longest + "9"));
  EXPECT_FALSE(PrefixMap::is_prefix("12a"));
  const PrefixMap map({{longest, 1}, {"", 2}});
  EXPECT_EQ(map.longest(longest + "123"), 1U);
  EXPECT_EQ(map.longest(longest.substr(1)), 2U);
}

std::vector<std::uint32_t> found_at_once(const PrefixMap& map, std::string_view text) {
  std::vector<std::uint32_t> values;
  map.walk(text, [&](std::uint32_t value) {
    values.push_back(value);
    return true;
  });
  return values;
}

// In steps, as whoever looks ahead does: the lines, then the longest, then the rest.
std::vector<std::uint32_t> found_in_steps(const PrefixMap& map, std::string_view text) {
  std::vector<std::uint32_t> values;
  auto sight = map.foresee(text);
  if (!sight.is_whole) return found_at_once(map, text);
  std::size_t lines = 0;
  while (const std::size_t asked = map.ask_for_more(sight)) lines += asked;
  EXPECT_LE(lines, kDigitsOfKey);
  if (const std::uint32_t longest = map.take_longest(sight); longest != PrefixMap::kNone) values.push_back(longest);
  map.walk(sight, [&](std::uint32_t value) {
    values.push_back(value);
    return true;
  });
  return values;
}

TEST(DigitKey, IsTheDigitsThatATextBeginsWith) {
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto left = random() % 20; left > 0; --left) {
      text += random() % 30 == 0 ? static_cast<char>(random()) : static_cast<char>('0' + random() % 10);
    }
    text.shrink_to_fit();
    std::uint64_t expected = 0;
    int count = 0;
    while (count < 16 && count < static_cast<int>(text.size()) && text[count] >= '0' && text[count] <= '9') {
      expected |= static_cast<std::uint64_t>(text[count] - '0' + 1) << (60 - 4 * count);
      ++count;
    }
    ASSERT_EQ(digit_key(text), expected) << text;
    ASSERT_EQ(count_digits(expected), count);
    for (int length = 0; length <= count; ++length) {
      ASSERT_EQ(first_digits(expected, length), digit_key(std::string_view(text).substr(0, length))) << text;
    }
  }
}

TEST(PrefixMap, WhatIsForeseenIsWhatALookupFinds) {
  std::mt19937 random(8);
  for (const bool others : {false, true}) {
    std::vector<PrefixMap::Entry> entries;
    entries.reserve(50'002);
    for (std::uint32_t i = 0; i < 50'000; ++i) entries.push_back({std::to_string(1'000 + random() % 99'000), i});
    if (others) entries.push_back({"", 50'000});
    if (others) entries.push_back({"12345678901234567", 50'001});
    const PrefixMap map(entries);
    ASSERT_TRUE(map.is_large());
    std::size_t found = 0;
    for (int i = 0; i < 5'000; ++i) {
      const std::string text = std::to_string(1'000'000'000 + random() % 3'000'000'000);
      const auto values = found_at_once(map, text);
      found += values.size();
      ASSERT_EQ(found_in_steps(map, text), values) << text;
    }
    EXPECT_GT(found, 1'000U);
    for (const char* text : {"", "1", "+12", "x", "12345678901234567", "123456789012345678", "1234567890123456x"}) {
      EXPECT_EQ(found_in_steps(map, text), found_at_once(map, text)) << text;
    }
  }
  EXPECT_EQ(found_in_steps(PrefixMap(), "123"), found_at_once(PrefixMap(), "123"));
}

TEST(PrefixMap, AHundredThousandRandomPrefixesTakeLessThanThirtyBytesEach) {
  std::mt19937 random(2);
  std::vector<PrefixMap::Entry> entries;
  entries.reserve(100'000);
  for (std::uint32_t i = 0; i < 100'000; ++i) entries.push_back({std::to_string(10'000 + random() % 90'000'000), i});
  const PrefixMap map(std::move(entries));
  EXPECT_LT(map.memory_bytes(), 100'000U * 30);
}

AddressPattern pattern(PatternKind kind, std::string_view text) {
  auto compiled = AddressPattern::compile({kind, text});
  EXPECT_TRUE(compiled.has_value());
  return *compiled;
}

TEST(AddressPattern, KnowsWhatItAmountsTo) {
  EXPECT_EQ(pattern(PatternKind::kGlob, "*").kind(), AddressPattern::Kind::kAny);
  EXPECT_EQ(pattern(PatternKind::kGlob, "+*").kind(), AddressPattern::Kind::kAny);
  EXPECT_TRUE(pattern(PatternKind::kGlob, "+*").needs_international());
  EXPECT_EQ(pattern(PatternKind::kGlob, "+258*").kind(), AddressPattern::Kind::kPrefix);
  EXPECT_EQ(pattern(PatternKind::kGlob, "00258*").literal(), "258");
  EXPECT_EQ(pattern(PatternKind::kGlob, "258").kind(), AddressPattern::Kind::kExact);
  EXPECT_EQ(pattern(PatternKind::kGlob, "25?*").literal(), "25");
  EXPECT_EQ(pattern(PatternKind::kExact, "*100#").kind(), AddressPattern::Kind::kExact);
  EXPECT_EQ(pattern(PatternKind::kPrefix, "").kind(), AddressPattern::Kind::kAny);
  EXPECT_EQ(pattern(PatternKind::kExact, "000").text(), "000");
}

TEST(AddressPattern, RefusesARegexThatCannotBeReadWithAReason) {
  const auto bad = AddressPattern::compile({PatternKind::kRegex, "(258"});
  ASSERT_FALSE(bad.has_value());
  EXPECT_NE(bad.error().find("(258"), std::string::npos);
}

TEST(AddressSet, MatchesWhatItsPatternsMatchOneByOne) {
  std::mt19937 random(11);
  const auto digits = [&](unsigned most) {
    std::string text;
    for (auto i = random() % (most + 1); i > 0; --i) text += static_cast<char>('0' + random() % 3);
    return text;
  };
  constexpr PatternKind kKinds[] = {PatternKind::kExact, PatternKind::kGlob, PatternKind::kPrefix, PatternKind::kRegex};
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> texts;
    std::vector<PatternText> patterns;
    texts.reserve(8);
    for (int i = 0; i < 1 + round % 6; ++i) {
      const PatternKind kind = kKinds[random() % 4];
      std::string text = random() % 3 == 0 ? "+" + digits(3) : digits(4);
      if (kind == PatternKind::kGlob) text += random() % 2 == 0 ? "*" : "?1*";
      if (kind == PatternKind::kRegex) text = "^\\+?" + digits(3) + "$";
      texts.push_back(std::move(text));
      patterns.push_back({kind, texts.back()});
    }
    const auto set = AddressSet::compile(patterns);
    ASSERT_TRUE(set.has_value()) << set.error();
    for (int i = 0; i < 100; ++i) {
      const std::string sent = random() % 4 == 0 ? "+" + digits(6) : digits(6);
      const NormalAddress address = normalise(static_cast<std::uint8_t>(random() % 3), sent);
      bool expected = false;
      for (const PatternText& one : patterns) expected |= AddressPattern::compile(one)->matches(address, sent);
      ASSERT_EQ(set->matches(address, sent), expected) << sent;
    }
  }
}

TEST(TextSet, FoldsCaseButForRegex) {
  const PatternText patterns[] = {
      {PatternKind::kExact, "Yes"}, {PatternKind::kPrefix, "win "}, {PatternKind::kRegex, "^No$"}};
  const auto set = TextSet::compile(patterns, Case::kIgnored);
  ASSERT_TRUE(set.has_value());
  for (const char* text : {"yes", "YES", "Win a car", "No"}) EXPECT_TRUE(set->matches(text)) << text;
  for (const char* text : {"yes!", "wi", "NO", ""}) EXPECT_FALSE(set->matches(text)) << text;
}

TEST(CostTable, LongestPrefixHasThePriceAndTheStarCoversTheRest) {
  const auto table = CostTable::compile({{"+258", 0.010}, {"25884", 0.008}, {"*", 0.025}});
  ASSERT_TRUE(table.has_value()) << table.error();
  EXPECT_DOUBLE_EQ(table->price(normalise(1, "258841")), 0.008);
  EXPECT_DOUBLE_EQ(table->price(normalise(0, "+258821")), 0.010);
  EXPECT_DOUBLE_EQ(table->price(normalise(1, "27")), 0.025);
  EXPECT_EQ(CostTable::compile({{"27", 1}})->price(normalise(1, "258")), CostTable::kUnknown);
  EXPECT_FALSE(CostTable::compile({{"abc", 1}}).has_value());
  EXPECT_FALSE(CostTable::compile({{"", 1}}).has_value());
}

}  // namespace
}  // namespace smppd::message
