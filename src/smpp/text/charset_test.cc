#include "smpp/text/charset.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>
#include <unicode/ucnv.h>

#include "smpp/text/internal/utf.h"

namespace smppd::smpp::charset_test {
namespace {

using namespace std::string_literals;

std::string hex(std::string_view octets) {
  std::string text;
  for (const char octet : octets) {
    text += "0123456789ABCDEF"[static_cast<std::uint8_t>(octet) >> 4U];
    text += "0123456789ABCDEF"[static_cast<std::uint8_t>(octet) & 15U];
  }
  return text;
}

std::string transcoded(std::string_view text, Coding from, Coding to) {
  std::string out(text.size() * 4 + 8, '\0');
  out.resize(transcode(as_bytes(text), from, to, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}).written);
  return out;
}

std::string text_of(const std::vector<std::uint32_t>& raw) {
  std::string text;
  for (auto cp : raw) {
    cp %= 0x110000;
    if (text_internal::is_surrogate(cp) || cp == 0xFEFF) continue;
    const auto at = text.size();
    text.resize(at + text_internal::utf8_size(cp));
    text_internal::put_utf8(cp, text.data() + at);
  }
  return text;
}

// UTF-8 through ICU, ill-formed parts replaced as ICU does.
std::string icu_round(const char* converter, std::string_view octets) {
  std::string out(octets.size() * 4 + 16, '\0');
  UErrorCode error = U_ZERO_ERROR;
  const auto size = ucnv_convert("UTF-8", converter, out.data(), static_cast<int>(out.size()), octets.data(),
                                 static_cast<int>(octets.size()), &error);
  EXPECT_TRUE(U_SUCCESS(error) != 0) << u_errorName(error);
  out.resize(static_cast<std::size_t>(size));
  return out;
}

TEST(Interop, Row39_DataCodingZeroMeansThePeersDefaultAlphabet) {
  for (const auto peer : {Alphabet::gsm7, Alphabet::latin1, Alphabet::ascii, Alphabet::utf8}) {
    EXPECT_EQ(read_data_coding(0x00, peer).alphabet, peer);
    EXPECT_EQ(data_coding_for(peer == Alphabet::latin1 || peer == Alphabet::ascii ? Alphabet::gsm7 : peer, peer),
              peer == Alphabet::latin1 || peer == Alphabet::ascii ? std::nullopt : std::optional<std::uint8_t>(0));
  }
  // The at sign and the e acute survive the way from a GSM peer to a Latin-1 peer and back.
  EXPECT_EQ(hex(transcoded("\x00\x05"s, Alphabet::gsm7, Alphabet::latin1)), "40E9");
  EXPECT_EQ(hex(transcoded("@\xE9"s, Alphabet::latin1, Alphabet::gsm7)), "0005");
}

TEST(Interop, Row46_MessageClassAndWaitingGroupsAreNotTakenForAlphabets) {
  const auto flash = read_data_coding(0x10, Alphabet::gsm7);
  EXPECT_EQ(flash.alphabet, Alphabet::gsm7);
  EXPECT_EQ(flash.message_class, 0);
  EXPECT_EQ(read_data_coding(0x18, Alphabet::gsm7).alphabet, Alphabet::ucs2);
  EXPECT_EQ(read_data_coding(0xF0, Alphabet::latin1).alphabet, Alphabet::latin1);
  EXPECT_EQ(read_data_coding(0xF0, Alphabet::gsm7).message_class, 0);
  EXPECT_EQ(read_data_coding(0xF5, Alphabet::gsm7).alphabet, Alphabet::binary);
  EXPECT_EQ(read_data_coding(0xF5, Alphabet::gsm7).message_class, 1);
  const auto voicemail = read_data_coding(0xC8, Alphabet::gsm7);
  EXPECT_EQ(voicemail.waiting, WaitingAction::discard);
  EXPECT_TRUE(voicemail.waiting_active);
  EXPECT_EQ(voicemail.waiting_kind, 0);
  EXPECT_FALSE(voicemail.message_class);
  EXPECT_EQ(read_data_coding(0xD1, Alphabet::gsm7).waiting, WaitingAction::store);
  EXPECT_FALSE(read_data_coding(0xD1, Alphabet::gsm7).waiting_active);
  EXPECT_EQ(read_data_coding(0xE2, Alphabet::gsm7).alphabet, Alphabet::ucs2);
  EXPECT_TRUE(read_data_coding(0x20, Alphabet::gsm7).compressed);
  EXPECT_EQ(read_data_coding(0x20, Alphabet::gsm7).alphabet, Alphabet::binary);
  EXPECT_EQ(read_data_coding(0x90, Alphabet::gsm7).alphabet, Alphabet::binary);
  EXPECT_FALSE(read_data_coding(0x08, Alphabet::gsm7).message_class);
}

TEST(DataCoding, WhatIsWrittenIsReadBack) {
  for (const auto peer : {Alphabet::gsm7, Alphabet::gsm7_packed, Alphabet::latin1, Alphabet::utf8}) {
    for (std::size_t i = 0; i < kAlphabets; ++i) {
      const auto alphabet = static_cast<Alphabet>(i);
      EXPECT_EQ(parse_alphabet(name_of(alphabet)), alphabet);
      if (const auto coding = data_coding_for(alphabet, peer)) {
        EXPECT_EQ(read_data_coding(*coding, peer).alphabet, alphabet);
      }
      for (std::uint8_t message_class = 0; message_class < 4; ++message_class) {
        const auto coding = data_coding_for(alphabet, peer, message_class);
        if (!coding) continue;
        EXPECT_EQ(read_data_coding(*coding, peer).alphabet, alphabet);
        EXPECT_EQ(read_data_coding(*coding, peer).message_class, message_class);
      }
    }
  }
  EXPECT_FALSE(parse_alphabet("ebcdic"));
}

TEST(Interop, Row47_Utf16IsBigEndianAndAByteOrderMarkIsObeyedAndDropped) {
  EXPECT_EQ(hex(from_utf8("aé漢", Alphabet::ucs2)), "006100E96F22");
  EXPECT_EQ(to_utf8(as_bytes("\xFE\xFF\x00\x61"s), Alphabet::ucs2), "a");
  EXPECT_EQ(to_utf8(as_bytes("\xFF\xFE\x61\x00"s), Alphabet::ucs2), "a");
  Coding little = Alphabet::ucs2;
  little.little_endian = true;
  EXPECT_EQ(to_utf8(as_bytes("\x61\x00\x22\x6F"s), little), "a漢");
}

TEST(Interop, Row47_LittleEndianTextIsGuessedOnlyOnStrongEvidence) {
  EXPECT_EQ(guess_byte_order(as_bytes("h\0e\0l\0l\0o\0"s)), ByteOrder::little);
  EXPECT_EQ(guess_byte_order(as_bytes("\0h\0e\0l\0l\0o"s)), ByteOrder::big);
  EXPECT_EQ(guess_byte_order(as_bytes("\x4E\x00\x4E\x00"s)), ByteOrder::big);  // the character for "one", twice
  EXPECT_EQ(guess_byte_order(as_bytes("\xFF\xFE\x4E\x00"s)), ByteOrder::little);
  EXPECT_EQ(guess_byte_order(as_bytes("\x6F\x22\x5B\x57\x00\x21"s)), ByteOrder::big);
  EXPECT_EQ(guess_byte_order({}), ByteOrder::big);
}

TEST(Charset, SurrogatePairsAreOneCharacterAndLoneOnesAreReplaced) {
  EXPECT_EQ(hex(from_utf8("😀", Alphabet::ucs2)), "D83DDE00");
  EXPECT_EQ(to_utf8(as_bytes("\xD8\x3D\xDE\x00"s), Alphabet::ucs2), "😀");
  EXPECT_EQ(to_utf8(as_bytes("\xD8\x3D\x00\x61"s), Alphabet::ucs2), "\uFFFDa");
  EXPECT_EQ(to_utf8(as_bytes("\xDE\x00\x00"s), Alphabet::ucs2), "\uFFFD\uFFFD");
  EXPECT_FALSE(is_valid(as_bytes("\xD8\x3D"s), Alphabet::ucs2));
  std::array<std::uint8_t, 3> out{};
  const auto done = from_utf8("a😀", Alphabet::ucs2, out);
  EXPECT_TRUE(done.full);
  EXPECT_EQ(done.written, 2U);
  EXPECT_EQ(done.read, 1U);
}

TEST(Charset, EachAlphabetReplacesWhatItLacks) {
  EXPECT_EQ(from_utf8("é漢", Alphabet::latin1), "\xE9?");
  EXPECT_EQ(from_utf8("é漢", Alphabet::ascii), "??");
  EXPECT_EQ(from_utf8("é漢", Alphabet::ascii, Unencodable::transliterate), "e?");
  EXPECT_EQ(from_utf8("\xFFz", Alphabet::ucs2), "\xFF\xFD\x00z"s);
  std::array<std::uint8_t, 8> out{};
  EXPECT_EQ(from_utf8("é漢", Alphabet::ascii, out).unencodable, 2U);
  EXPECT_EQ(from_utf8("ab漢", Alphabet::latin1, out, Unencodable::stop).read, 2U);
}

TEST(Charset, ValidityIsJudgedByTheAlphabet) {
  EXPECT_TRUE(is_valid(as_bytes("h\xC3\xA9"), Alphabet::utf8));
  EXPECT_FALSE(is_valid(as_bytes("h\xC3"), Alphabet::utf8));
  EXPECT_FALSE(is_valid(as_bytes("\xC0\x80"), Alphabet::utf8));
  EXPECT_FALSE(is_valid(as_bytes("\xED\xA0\x80"), Alphabet::utf8));
  EXPECT_FALSE(is_valid(as_bytes("\x80"), Alphabet::gsm7));
  EXPECT_FALSE(is_valid(as_bytes("a\x1B"), Alphabet::gsm7));
  EXPECT_TRUE(is_valid(as_bytes("a\x1B\x65"), Alphabet::gsm7));
  EXPECT_FALSE(is_valid(as_bytes("\xE9"), Alphabet::ascii));
  EXPECT_FALSE(is_valid(as_bytes("abc"), Alphabet::ucs2));
  EXPECT_TRUE(is_valid(as_bytes("\xFF"), Alphabet::binary));
}

TEST(Charset, TheSmallestAlphabetThatCarriesTheTextIsChosen) {
  EXPECT_EQ(smallest_alphabet("hello"), Alphabet::gsm7);
  EXPECT_EQ(smallest_alphabet("hello €"), Alphabet::gsm7);
  EXPECT_EQ(smallest_alphabet("hello 漢"), Alphabet::ucs2);
  const AlphabetSet three = {Alphabet::gsm7, Alphabet::latin1, Alphabet::ucs2};
  EXPECT_EQ(smallest_alphabet("ação", three), Alphabet::latin1);
  EXPECT_EQ(smallest_alphabet("{}{}{}", three), Alphabet::latin1);  // escape pairs cost more than octets
  EXPECT_EQ(smallest_alphabet("नमस्ते", three, {Language::hindi, Language::none}), Alphabet::gsm7);
  EXPECT_EQ(smallest_alphabet("漢", {Alphabet::gsm7, Alphabet::latin1}), std::nullopt);
  EXPECT_EQ(smallest_alphabet("\xFF", three), std::nullopt);
  EXPECT_EQ(smallest_alphabet("", three), Alphabet::gsm7);
}

RC_GTEST_PROP(Charset, UnicodeAlphabetsRoundTripEveryText, (const std::vector<std::uint32_t>& raw)) {
  const auto text = text_of(raw);
  for (const auto alphabet : {Alphabet::ucs2, Alphabet::utf8}) {
    const auto octets = from_utf8(text, alphabet);
    RC_ASSERT(to_utf8(as_bytes(octets), alphabet) == text);
    RC_ASSERT(is_valid(as_bytes(octets), alphabet));
  }
}

RC_GTEST_PROP(Charset, WhatTheSmallestAlphabetCarriesComesBackWhole, (std::vector<std::uint32_t> raw)) {
  for (auto& cp : raw) cp %= 0x180;
  const auto text = text_of(raw);
  for (const auto& allowed :
       {AlphabetSet{Alphabet::gsm7, Alphabet::latin1, Alphabet::ucs2}, AlphabetSet{Alphabet::ascii, Alphabet::utf8}}) {
    const auto alphabet = smallest_alphabet(text, allowed);
    RC_ASSERT(alphabet.has_value());
    RC_ASSERT(to_utf8(as_bytes(from_utf8(text, *alphabet)), *alphabet) == text);
  }
}

RC_GTEST_PROP(Charset, AgreesWithIcuOnAnyOctets, (const std::string& octets)) {
  if (octets.size() >= 2) {
    const auto mark = load_be<std::uint16_t>(as_bytes(octets).data());
    if (mark == 0xFEFF || mark == 0xFFFE) return;
  }
  RC_ASSERT(to_utf8(as_bytes(octets), Alphabet::latin1) == icu_round("ISO-8859-1", octets));
  RC_ASSERT(to_utf8(as_bytes(octets), Alphabet::utf8) == icu_round("UTF-8", octets));
  if (octets.size() % 2 == 0) RC_ASSERT(to_utf8(as_bytes(octets), Alphabet::ucs2) == icu_round("UTF-16BE", octets));
}

RC_GTEST_PROP(Charset, PackedAndUnpackedSeptetsAreTheSameText, (std::vector<std::uint8_t> septets, std::uint8_t fill)) {
  for (auto& septet : septets) septet &= 0x7FU;
  const Coding packed(Alphabet::gsm7_packed, {}, fill % 7U);
  const std::string unpacked(septets.begin(), septets.end());
  const auto text = to_utf8(as_bytes(unpacked), Alphabet::gsm7);
  const auto direct = from_utf8(text, packed, Unencodable::drop);
  std::vector<std::uint8_t> again(direct.size() * 2 + 4);
  again.resize(gsm7_unpack(as_bytes(direct), again, packed.fill_bits));
  auto expected = from_utf8(text, Alphabet::gsm7, Unencodable::drop);
  if (again.size() == expected.size() + 1) expected += '\r';
  RC_ASSERT(std::string(again.begin(), again.end()) == expected);
  RC_ASSERT(to_utf8(as_bytes(direct), packed) == to_utf8(as_bytes(expected), Alphabet::gsm7));
}

RC_GTEST_PROP(Charset, AnySmallBufferHoldsAWholePrefix,
              (const std::string& octets, std::uint8_t from, std::uint8_t to)) {
  const auto source = static_cast<Alphabet>(from % kAlphabets);
  const auto target = static_cast<Alphabet>(to % kAlphabets);
  const auto whole = transcoded(octets, source, target);
  for (std::size_t room = 0; room <= whole.size() && room < 24; ++room) {
    std::vector<std::uint8_t> out(room);
    const auto done = transcode(as_bytes(octets), source, target, out);
    RC_ASSERT(done.written <= room);
    RC_ASSERT(done.full || done.read == octets.size());
    if (target == Alphabet::gsm7_packed) continue;  // the last octet of a prefix has other neighbours
    RC_ASSERT(whole.starts_with(std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(done.written))));
  }
}

}  // namespace
}  // namespace smppd::smpp::charset_test
