#include "smpp/text/gsm7.h"

#include <array>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <unicode/ucnv.h>

#include "smpp/text/internal/gsm7_tables.h"
#include "smpp/text/internal/utf.h"

namespace smppd::smpp::gsm7_test {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes encode(std::string_view text, Gsm7Tables tables = {}, Unencodable policy = Unencodable::replace) {
  Bytes septets(text.size() * 4 + 4);
  septets.resize(gsm7_encode(text, septets, tables, policy).written);
  return septets;
}

std::string decode(const Bytes& septets, Gsm7Tables tables = {}) {
  std::string text(septets.size() * 3, '\0');
  text.resize(gsm7_decode(septets, std::span<char>(text), tables).written);
  return text;
}

Bytes pack(const Bytes& septets, unsigned fill_bits = 0) {
  Bytes packed(gsm7_packed_octets(septets.size() + 1, fill_bits));
  packed.resize(gsm7_pack(septets, packed, fill_bits));
  return packed;
}

Bytes unpack(const Bytes& packed, unsigned fill_bits = 0) {
  Bytes septets(gsm7_packed_septets(packed.size(), fill_bits));
  septets.resize(gsm7_unpack(packed, septets, fill_bits));
  return septets;
}

std::string utf8(char32_t character) {
  std::string text(text_internal::utf8_size(character), '\0');
  text_internal::put_utf8(character, text.data());
  return text;
}

class IcuGsm {
 public:
  IcuGsm() { converter_ = ucnv_open("gsm-03.38-2009", &error_); }
  IcuGsm(const IcuGsm&) = delete;
  IcuGsm& operator=(const IcuGsm&) = delete;
  ~IcuGsm() { ucnv_close(converter_); }
  [[nodiscard]] bool opened() const { return U_SUCCESS(error_) != 0; }

  char32_t character(const Bytes& septets) {
    UErrorCode error = U_ZERO_ERROR;
    std::array<UChar, 8> out{};
    const auto* in = reinterpret_cast<const char*>(septets.data());
    const auto size = ucnv_toUChars(converter_, out.data(), out.size(), in, static_cast<int>(septets.size()), &error);
    return size == 1 ? out[0] : 0xFFFD;
  }

 private:
  UErrorCode error_ = U_ZERO_ERROR;
  UConverter* converter_ = nullptr;
};

TEST(Gsm7, AgreesWithIcuOnEverySeptetAndEveryEscapePair) {
  IcuGsm icu;
  ASSERT_TRUE(icu.opened());
  int pairs = 0;
  for (int i = 0; i < 128; ++i) {
    const auto septet = static_cast<std::uint8_t>(i);
    if (septet == kEscape) continue;
    EXPECT_EQ(gsm7_character(septet), icu.character({septet})) << "septet " << i;
    const char32_t escaped = icu.character({kEscape, septet});
    if (escaped == 0xFFFD) continue;
    EXPECT_EQ(gsm7_escaped_character(septet), escaped) << "escaped " << i;
    ++pairs;
  }
  EXPECT_GE(pairs, 10);
}

TEST(Gsm7, EncodesTheWordsOfTheStandardToTheirOctets) {
  EXPECT_EQ(encode("@£$¥èé"), (Bytes{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(encode("{€}"), (Bytes{0x1B, 0x28, 0x1B, 0x65, 0x1B, 0x29}));
  EXPECT_EQ(encode("ΔΩà"), (Bytes{0x10, 0x15, 0x7F}));
  EXPECT_EQ(pack(encode("hello")), (Bytes{0xE8, 0x32, 0x9B, 0xFD, 0x06}));
  EXPECT_EQ(pack(encode("hellohello")), (Bytes{0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37}));
}

TEST(Gsm7, EveryCharacterOfEveryTablePairSurvivesARoundTrip) {
  for (std::uint8_t locking = 0; locking <= 13; ++locking) {
    for (std::uint8_t single = 0; single <= 13; ++single) {
      const Gsm7Tables tables{language_of(locking), language_of(single)};
      for (int i = 0; i < 128; ++i) {
        const auto septet = static_cast<std::uint8_t>(i);
        if (septet == kEscape) continue;
        for (const auto character : {gsm7_character(septet, tables), gsm7_escaped_character(septet, tables)}) {
          ASSERT_EQ(decode(encode(utf8(character), tables), tables), utf8(character))
              << int(locking) << "/" << int(single) << " septet " << i;
        }
      }
    }
  }
}

// Spot checks against the drawings of TS 23.038 annex A, each script's first, last and odd places.
TEST(Gsm7, NationalTablesHoldWhatAnnexADraws) {
  const auto locking = [](Language language, std::uint8_t septet) { return gsm7_character(septet, {language, {}}); };
  const auto single = [](Language language, std::uint8_t septet) {
    return gsm7_escaped_character(septet, {{}, language});
  };
  EXPECT_EQ(locking(Language::turkish, 0x07), U'ı');
  EXPECT_EQ(single(Language::turkish, 0x53), U'Ş');
  EXPECT_EQ(locking(Language::spanish, 0x09), U'Ç');
  EXPECT_EQ(single(Language::spanish, 0x09), U'ç');
  EXPECT_EQ(locking(Language::portuguese, 0x15), U'∞');
  EXPECT_EQ(single(Language::portuguese, 0x7F), U'â');
  EXPECT_EQ(locking(Language::bengali, 0x60), char32_t{0x09CE});
  EXPECT_EQ(single(Language::bengali, 0x19), char32_t{0x09E6});
  EXPECT_EQ(single(Language::bengali, 0x34), char32_t{0x09FA});
  EXPECT_EQ(locking(Language::gujarati, 0x7F), char32_t{0x0AF1});
  EXPECT_EQ(locking(Language::hindi, 0x00), char32_t{0x0901});
  EXPECT_EQ(locking(Language::hindi, 0x5F), char32_t{0x094D});
  EXPECT_EQ(locking(Language::hindi, 0x3C), char32_t{0x0929});
  EXPECT_EQ(locking(Language::kannada, 0x24), char32_t{0x0CA1});
  EXPECT_EQ(locking(Language::kannada, 0x00), U' ');
  EXPECT_EQ(locking(Language::malayalam, 0x4F), char32_t{0x0D3D});
  EXPECT_EQ(locking(Language::oriya, 0x60), char32_t{0x0B56});
  EXPECT_EQ(locking(Language::punjabi, 0x60), char32_t{0x0A51});
  EXPECT_EQ(locking(Language::tamil, 0x27), char32_t{0x0BA4});
  EXPECT_EQ(locking(Language::tamil, 0x19), char32_t{0x0B99});
  EXPECT_EQ(single(Language::telugu, 0x1C), char32_t{0x0C66});
  EXPECT_EQ(single(Language::telugu, 0x65), U'€');
  EXPECT_EQ(locking(Language::urdu, 0x00), char32_t{0x0627});
  EXPECT_EQ(locking(Language::urdu, 0x4D), char32_t{0x0644});
  EXPECT_EQ(single(Language::urdu, 0x3F), char32_t{0x06D4});
  EXPECT_EQ(language_of(14), Language::none);
}

// All 28 tables were compared with another transcription of release 18, place by place; this is their digest since.
TEST(Gsm7, TheTablesAreStillThoseThatWereCompared) {
  std::uint64_t digest = 0xCBF29CE484222325U;
  for (std::size_t language = 0; language < text_internal::kLanguages; ++language) {
    for (std::size_t i = 0; i < 128; ++i) {
      for (const auto* tables : {&text_internal::kLocking, &text_internal::kSingle}) {
        digest = (digest ^ (*tables)[language][i]) * 0x100000001B3U;
      }
    }
  }
  EXPECT_EQ(digest, 0x6290A40ADCF0C3B3U);
}

TEST(Gsm7, NoTableHoldsACharacterTwiceButTheKnownOnes) {
  for (std::uint8_t language = 0; language <= 13; ++language) {
    std::set<char32_t> seen;
    for (int i = 0; i < 128; ++i) {
      const auto character = gsm7_character(static_cast<std::uint8_t>(i), {language_of(language), {}});
      if (character == U' ' || i == kEscape) continue;
      EXPECT_TRUE(seen.insert(character).second) << int(language) << " position " << i;
    }
  }
}

TEST(Gsm7, AVoidEscapeMeansTheLockingTablesCharacter) {
  EXPECT_EQ(decode({0x1B, 0x41}), "A");
  EXPECT_EQ(decode({0x1B, 0x00}), "@");
}

TEST(Gsm7, AnEscapeThatNothingFollowsIsReportedAndDoesNotReadOn) {
  std::array<char, 8> out{};
  const auto done = gsm7_decode(Bytes{'a', 0x1B}, out);
  EXPECT_EQ(done.unencodable, 1U);
  EXPECT_EQ(std::string_view(out.data(), done.written), "a\uFFFD");
}

TEST(Gsm7, ReportsWhatItCannotEncodeAndObeysThePolicy) {
  std::array<std::uint8_t, 16> out{};
  auto done = gsm7_encode("a漢b", out);
  EXPECT_EQ(done.unencodable, 1U);
  EXPECT_EQ(encode("a漢b"), (Bytes{'a', '?', 'b'}));
  EXPECT_EQ(encode("a漢b", {}, Unencodable::drop), (Bytes{'a', 'b'}));
  EXPECT_EQ(encode("“ç…”", {}, Unencodable::transliterate), (Bytes{'"', 'c', '.', '.', '.', '"'}));
  done = gsm7_encode("a漢b", out, {}, Unencodable::stop);
  EXPECT_EQ(done.read, 1U);
  EXPECT_EQ(done.written, 1U);
  EXPECT_EQ(gsm7_length("a漢€"), 4U);
  EXPECT_FALSE(gsm7_can_encode("a漢"));
  EXPECT_TRUE(gsm7_can_encode("a€"));
}

TEST(Gsm7, AnEscapePairThatDoesNotFitIsNotWrittenByHalf) {
  std::array<std::uint8_t, 2> out{};
  const auto done = gsm7_encode("a€", out);
  EXPECT_TRUE(done.full);
  EXPECT_EQ(done.written, 1U);
  EXPECT_EQ(done.read, 1U);
}

TEST(Interop, Row40_PackedSeptetsStartAfterTheFillBitsThatFollowAHeader) {
  // TS 23.040: a 6-octet header leaves one fill bit; 153 septets fill the remaining 134 octets.
  EXPECT_EQ(gsm7_fill_bits(6), 1U);
  EXPECT_EQ(gsm7_fill_bits(7), 0U);
  EXPECT_EQ(gsm7_packed_septets(134, 1), 153U);
  EXPECT_EQ(gsm7_packed_septets(140), 160U);
  EXPECT_EQ(pack(Bytes{'h', 'i'}, 1), (Bytes{0xD0, 0x69}));
  EXPECT_EQ(unpack(Bytes{0xD0, 0x69}, 1), (Bytes{'h', 'i'}));
  Bytes full(153, 'x');
  EXPECT_EQ(pack(full, 1).size(), 134U);
  EXPECT_EQ(unpack(pack(full, 1), 1), full);
}

TEST(Gsm7, SevenSpareBitsArePaddedSoThatNoAtSignAppears) {
  const Bytes seven(7, 'a');
  EXPECT_EQ(pack(seven).back() >> 1U, '\r');
  EXPECT_EQ(unpack(pack(seven)), seven);
  Bytes zeros = pack(seven);
  zeros.back() &= 1U;  // a peer that pads with zeros
  EXPECT_EQ(unpack(zeros), seven);
  Bytes at_end(8, 'a');
  at_end.back() = 0;
  const auto back = unpack(pack(at_end));
  EXPECT_EQ(Bytes(back.begin(), back.begin() + 8), at_end);
}

RC_GTEST_PROP(Gsm7, PackingRoundTripsForEveryFill, (Bytes raw, std::uint8_t fill)) {
  for (auto& septet : raw) septet &= 0x7FU;
  const unsigned fill_bits = fill % 7U;
  auto back = unpack(pack(raw, fill_bits), fill_bits);
  if (back.size() == raw.size() + 1) {
    RC_ASSERT(back.back() == '\r');
    back.pop_back();
  }
  RC_ASSERT(back == raw);
}

RC_GTEST_PROP(Gsm7, DecodingAnyOctetsGivesTextThatEncodesAgain, (const Bytes& raw)) {
  const auto text = decode(raw);
  RC_ASSERT(decode(encode(text, {}, Unencodable::drop)).size() <= text.size());
}

RC_GTEST_PROP(Gsm7, EncodingAnyOctetsCountsWhatItWrites, (const std::string& text)) {
  RC_ASSERT(encode(text).size() == gsm7_length(text));
}

}  // namespace
}  // namespace smppd::smpp::gsm7_test
