#include "smpp/text/split.h"

#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <unicode/brkiter.h>

#include "smpp/text/internal/grapheme.h"
#include "smpp/text/internal/utf.h"
#include "smpp/text/udh.h"

namespace smppd::smpp::split_test {
namespace {

std::vector<std::string> split(std::string_view text, Coding coding, SplitLimits limits,
                               Unencodable policy = Unencodable::replace) {
  Splitter splitter(text, coding, limits, policy);
  std::vector<std::string> parts;
  std::string_view part;
  while (splitter.next(part)) parts.emplace_back(part);
  EXPECT_EQ(parts.size(), splitter.parts());
  return parts;
}

std::string repeat(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

// Octet positions at which ICU and we begin a cluster.
std::set<std::size_t> icu_boundaries(const std::string& text) {
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<icu::BreakIterator> iterator(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  UText* handle = utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &error);
  iterator->setText(handle, error);
  std::set<std::size_t> boundaries;
  for (auto at = iterator->first(); at != icu::BreakIterator::DONE; at = iterator->next()) {
    if (static_cast<std::size_t>(at) < text.size()) boundaries.insert(static_cast<std::size_t>(at));
  }
  utext_close(handle);
  EXPECT_TRUE(U_SUCCESS(error) != 0);
  return boundaries;
}

std::set<std::size_t> our_boundaries(const std::string& text) {
  text_internal::GraphemeScanner scanner;
  std::set<std::size_t> boundaries;
  for (std::size_t pos = 0; pos < text.size();) {
    const std::size_t here = pos;
    if (scanner.starts_cluster(text_internal::next_utf8(text, pos))) boundaries.insert(here);
  }
  return boundaries;
}

TEST(Split, LimitsAreThoseOfTheAirInterface) {
  const auto limits = [](Alphabet alphabet, ConcatReference reference, std::size_t other = 0) {
    const auto l = split_limits(alphabet, reference, other);
    return std::pair(l.single, l.part);
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(limits(Alphabet::gsm7, ConcatReference::bits8), (Pair{160, 153}));
  EXPECT_EQ(limits(Alphabet::gsm7, ConcatReference::bits16), (Pair{160, 152}));
  EXPECT_EQ(limits(Alphabet::latin1, ConcatReference::bits8), (Pair{140, 134}));
  EXPECT_EQ(limits(Alphabet::latin1, ConcatReference::bits16), (Pair{140, 133}));
  EXPECT_EQ(limits(Alphabet::ucs2, ConcatReference::bits8), (Pair{140, 134}));
  // One national language element: 155 and 149 septets (TS 23.040 §9.2.3.24.15).
  EXPECT_EQ(limits(Alphabet::gsm7, ConcatReference::bits8, 3), (Pair{155, 149}));
  EXPECT_EQ(split_limits(Alphabet::gsm7, ConcatReference::bits8, 0, 3).part, 0U);
}

TEST(Split, CutsAt160And153SeptetsAndAt70And67Units) {
  const auto gsm = split_limits(Alphabet::gsm7, ConcatReference::bits8);
  EXPECT_EQ(split(repeat("x", 160), Alphabet::gsm7, gsm).size(), 1U);
  const auto two = split(repeat("x", 161), Alphabet::gsm7, gsm);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].size(), 153U);
  const auto wide = split_limits(Alphabet::ucs2, ConcatReference::bits8);
  EXPECT_EQ(split(repeat("漢", 70), Alphabet::ucs2, wide).size(), 1U);
  const auto halves = split(repeat("漢", 71), Alphabet::ucs2, wide);
  ASSERT_EQ(halves.size(), 2U);
  EXPECT_EQ(halves[0], repeat("漢", 67));
  EXPECT_EQ(split(repeat("漢", 67), Alphabet::ucs2, split_limits(Alphabet::ucs2, ConcatReference::bits16, 0, 138))[0],
            repeat("漢", 67));
  EXPECT_EQ(split(repeat("漢", 71), Alphabet::ucs2, split_limits(Alphabet::ucs2, ConcatReference::bits16))[0],
            repeat("漢", 66));
}

TEST(Interop, Row40_AnEscapePairAtTheEdgeMovesWholeToTheNextPart) {
  const auto gsm = split_limits(Alphabet::gsm7, ConcatReference::bits8);
  const auto parts = split(repeat("x", 152) + "€" + repeat("y", 20), Alphabet::gsm7, gsm);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0], repeat("x", 152));
  EXPECT_TRUE(parts[1].starts_with("€"));
}

TEST(Interop, Row47_ASurrogatePairAtTheEdgeMovesWholeToTheNextPart) {
  const auto wide = split_limits(Alphabet::ucs2, ConcatReference::bits8);
  const auto parts = split(repeat("漢", 66) + "😀" + repeat("漢", 10), Alphabet::ucs2, wide);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0], repeat("漢", 66));
  EXPECT_TRUE(parts[1].starts_with("😀"));
}

TEST(Split, AGraphemeIsCutOnlyWhenItExceedsAPart) {
  const SplitLimits limits{10, 10};
  const std::string family = "👨‍👩‍👧";  // 8 units of UTF-16
  EXPECT_EQ(split("aaa" + family + "b", Alphabet::ucs2, {16, 16}), (std::vector<std::string>{"aaa", family, "b"}));
  EXPECT_EQ(split("aaa🇲🇿🇵🇹", Alphabet::ucs2, limits), (std::vector<std::string>{"aaa", "🇲🇿", "🇵🇹"}));
  EXPECT_EQ(split("aaaae\u0301x", Alphabet::ucs2, limits), (std::vector<std::string>{"aaaa", "e\u0301x"}));
  EXPECT_EQ(split("aaaa❤\uFE0F", Alphabet::ucs2, limits), (std::vector<std::string>{"aaaa", "❤\uFE0F"}));
  const auto monster = "e" + repeat("\u0301", 12);
  EXPECT_EQ(split(monster, Alphabet::ucs2, limits).size(), 3U);
}

TEST(Split, AnEmptyTextIsOneEmptyPart) {
  EXPECT_EQ(split("", Alphabet::gsm7, {160, 153}), std::vector<std::string>{""});
}

TEST(Split, WhatCannotBeDoneGivesNoParts) {
  EXPECT_TRUE(split("漢漢", Alphabet::ucs2, {2, 1}).empty());
  EXPECT_TRUE(split("ab", Alphabet::gsm7, {0, 0}).empty());
  EXPECT_EQ(split(repeat("x", 255), Alphabet::gsm7, {1, 1}).size(), 255U);
  EXPECT_TRUE(split(repeat("x", 256), Alphabet::gsm7, {1, 1}).empty());
}

TEST(Split, BinaryIsCutByOctets) {
  const std::string octets("\xFF\x00\xD8\x00\x1B", 5);
  EXPECT_EQ(split(octets, Alphabet::binary, {2, 2}),
            (std::vector<std::string>{octets.substr(0, 2), octets.substr(2, 2), octets.substr(4)}));
}

TEST(Split, PackedPartsFillTheMessageToTheLastBit) {
  const auto limits = split_limits(Alphabet::gsm7_packed, ConcatReference::bits8);
  const Coding packed(Alphabet::gsm7_packed, {}, gsm7_fill_bits(6));
  const auto parts = split(repeat("x", 152) + "@@" + repeat("y", 151), packed, limits);
  ASSERT_EQ(parts.size(), 2U);
  std::vector<std::uint8_t> room(134);
  const auto done = from_utf8(parts[0], packed, room);
  EXPECT_FALSE(done.full);
  EXPECT_EQ(done.written, 134U);
}

TEST(Grapheme, AgreesWithIcuOnWhatPeopleWrite) {
  for (const std::string text :
       {"e\u0301o\u0308\u0323", "\r\n\n\r", "👨‍👩‍👧‍👦👍🏽❤️‍🔥", "🇲🇿🇵🇹🇧", "각각ᄀ각ᆨ각",
        "नमस्ते क्षत्रिय", "நிகோலை கொ", "ก็ำ", "\u0600\u0661\u06DDa", "a\u200Db", "1\uFE0F\u20E3",
        "🏴\U000E0067\U000E0062\U000E007F", "©\u200D®", "\u00AD\u200B"}) {
    EXPECT_EQ(our_boundaries(text), icu_boundaries(text)) << text;
  }
}

RC_GTEST_PROP(Grapheme, AgreesWithIcuOnAnySequence, (const std::vector<std::uint32_t>& picks)) {
  static const std::vector<char32_t> kOdd = {
      0x0D,   0x0A,    0x00,   0xAD,    0x61,    0x300,  0x308,  0x600,   0x903,   0x94D,  0x0915,  0x0915,
      0x094D, 0x093C,  0x0CCD, 0x0C95,  0x1100,  0x1161, 0x11A8, 0xAC00,  0xAC01,  0x200C, 0x200D,  0x20E3,
      0xFE0F, 0x1F1E6, 0xA9,   0x1F468, 0x1F3FB, 0xE33,  0xD4E,  0x1F9D1, 0xE0020, 0x2764, 0x111C2, 0x10FFFF};
  std::string text;
  for (const auto pick : picks) {
    char32_t cp = pick % 3 == 0 ? pick % 0x110000 : kOdd[pick % kOdd.size()];
    if (text_internal::is_surrogate(cp)) cp = U'x';
    const auto at = text.size();
    text.resize(at + text_internal::utf8_size(cp));
    text_internal::put_utf8(cp, text.data() + at);
  }
  RC_ASSERT(our_boundaries(text) == icu_boundaries(text));
}

TEST(Grapheme, EveryCodePointNextToAnyNeighbourKindBreaksAsIcuBreaks) {
  int different = 0;
  for (const char32_t neighbour : {U'a', char32_t{0x200D}, char32_t{0x1F468}, char32_t{0x1100}, char32_t{0x0600},
                                   char32_t{0x094D}, char32_t{0x0915}}) {
    for (char32_t first = 0x80; first < 0x20000; first += 64) {
      std::string text;
      for (char32_t cp = first; cp < first + 64; ++cp) {
        if (text_internal::is_surrogate(cp)) continue;
        for (const char32_t next : {neighbour, cp}) {
          const auto at = text.size();
          text.resize(at + text_internal::utf8_size(next));
          text_internal::put_utf8(next, text.data() + at);
        }
      }
      different += our_boundaries(text) == icu_boundaries(text) ? 0 : 1;
    }
  }
  EXPECT_EQ(different, 0);
}

RC_GTEST_PROP(Split, PartsAreTheTextAndKeepTheLimits,
              (const std::string& raw, std::uint8_t limit, std::uint8_t which)) {
  const Coding coding = static_cast<Alphabet>(which % kAlphabets);
  const std::size_t part_limit = 4U + limit % 20U;
  for (const auto policy : {Unencodable::replace, Unencodable::transliterate, Unencodable::drop}) {
    const auto parts = split(raw, coding, {part_limit, part_limit}, policy);
    std::string joined;
    for (const auto& part : parts) {
      RC_ASSERT(text_units(part, coding, policy) <= part_limit);
      RC_ASSERT(!part.empty() || raw.empty());
      joined += part;
    }
    RC_ASSERT(joined == raw);
    if (coding.alphabet == Alphabet::binary || coding.alphabet == Alphabet::gsm7_packed) continue;
    RC_ASSERT(from_utf8(raw, coding, policy).size() == text_units(raw, coding, policy));
  }
}

std::vector<std::string> split_octets(std::string_view text, Coding coding, SplitLimits limits) {
  OctetSplitter splitter(as_bytes(text), coding, limits);
  std::vector<std::string> parts;
  ByteSpan part;
  while (splitter.next(part)) parts.emplace_back(as_text(part));
  EXPECT_EQ(parts.size(), splitter.parts());
  return parts;
}

RC_GTEST_PROP(OctetSplitter, GivesBackEveryTextOctetByOctetWithinTheLimits, (std::string text)) {
  const auto alphabet = static_cast<Alphabet>(*rc::gen::inRange<int>(0, kAlphabets));
  const auto single = *rc::gen::inRange<std::size_t>(4, 40);
  const SplitLimits limits{single, *rc::gen::inRange<std::size_t>(4, single + 1)};
  const auto parts = split_octets(text, alphabet, limits);
  RC_ASSERT(!parts.empty());
  std::string joined;
  for (const auto& part : parts) {
    RC_ASSERT(part.size() <= (parts.size() == 1 ? limits.single : limits.part));
    RC_ASSERT(!part.empty() || text.empty());
    joined += part;
  }
  RC_ASSERT(joined == text);
}

RC_GTEST_PROP(OctetSplitter, CutsWellFormedTextIntoWellFormedParts, (const std::vector<std::uint32_t>& points)) {
  const auto alphabet =
      *rc::gen::element(Alphabet::gsm7, Alphabet::latin1, Alphabet::ascii, Alphabet::ucs2, Alphabet::utf8);
  std::u32string text;
  for (const auto point : points) {
    // Ranges with escape pairs, marks, surrogate pairs and emoji sequences.
    constexpr std::array<char32_t, 6> kBegins{0x20, 0x5B, 0x300, 0x20AC, 0x1F600, 0x1F1E6};
    text += kBegins[point % kBegins.size()] + point / 7 % 0x20;
  }
  std::string utf8;
  for (const char32_t character : text) {
    char room[4];
    text_internal::put_utf8(character, room);
    utf8.append(room, text_internal::utf8_size(character));
  }
  const std::string octets = from_utf8(utf8, alphabet);
  const auto parts = split_octets(octets, alphabet, {16, 11});
  std::string joined;
  for (const auto& part : parts) {
    RC_ASSERT(is_valid(as_bytes(part), alphabet));
    joined += to_utf8(as_bytes(part), alphabet);
  }
  RC_ASSERT(joined == to_utf8(as_bytes(octets), alphabet));
}

TEST(OctetSplitter, KeepsEscapePairsSurrogatesAndClustersWhole) {
  EXPECT_EQ(split_octets("abc\x1b\x65"
                         "def",
                         Alphabet::gsm7, {7, 4}),
            (std::vector<std::string>{"abc",
                                      "\x1b\x65"
                                      "de",
                                      "f"}));
  EXPECT_EQ(split_octets("\x1b\x1b\x1b\x65", Alphabet::gsm7, {3, 3}),
            (std::vector<std::string>{"\x1b\x1b", "\x1b\x65"}));
  const std::string emoji = from_utf8("ab\U0001F600", Alphabet::ucs2);
  EXPECT_EQ(split_octets(emoji, Alphabet::ucs2, {6, 6}),
            (std::vector<std::string>{emoji.substr(0, 4), emoji.substr(4)}));
  const std::string letter = from_utf8("abe\u0301", Alphabet::ucs2);
  EXPECT_EQ(split_octets(letter, Alphabet::ucs2, {6, 6}),
            (std::vector<std::string>{letter.substr(0, 4), letter.substr(4)}));
}

TEST(OctetSplitter, CountsSeptetsAndOctetsOfTheAir) {
  const auto sizes = [](Alphabet alphabet, std::size_t octets, ConcatReference reference) {
    std::vector<std::size_t> result;
    for (const auto& part : split_octets(std::string(octets, 'a'), alphabet, split_limits(alphabet, reference)))
      result.push_back(part.size());
    return result;
  };
  using Sizes = std::vector<std::size_t>;
  EXPECT_EQ(sizes(Alphabet::gsm7, 160, ConcatReference::bits8), (Sizes{160}));
  EXPECT_EQ(sizes(Alphabet::gsm7, 307, ConcatReference::bits8), (Sizes{153, 153, 1}));
  EXPECT_EQ(sizes(Alphabet::gsm7, 305, ConcatReference::bits16), (Sizes{152, 152, 1}));
  EXPECT_EQ(sizes(Alphabet::ucs2, 140, ConcatReference::bits8), (Sizes{140}));
  EXPECT_EQ(sizes(Alphabet::ucs2, 270, ConcatReference::bits8), (Sizes{134, 134, 2}));
  EXPECT_EQ(sizes(Alphabet::ucs2, 142, ConcatReference::bits16), (Sizes{132, 10}));
  EXPECT_EQ(sizes(Alphabet::binary, 268, ConcatReference::bits8), (Sizes{134, 134}));
  EXPECT_EQ(sizes(Alphabet::binary, 134 * 255, ConcatReference::bits8).size(), 255U);
  EXPECT_EQ(sizes(Alphabet::binary, 134 * 255 + 1, ConcatReference::bits8).size(), 0U) << "no 256th part";
}

TEST(OctetSplitter, GivesNothingWhenACharacterExceedsAPart) {
  EXPECT_TRUE(split_octets("\x1b\x65\x1b\x65", Alphabet::gsm7, {1, 1}).empty());
  EXPECT_TRUE(split_octets("abc", Alphabet::binary, {0, 0}).empty());
}

}  // namespace
}  // namespace smppd::smpp::split_test
