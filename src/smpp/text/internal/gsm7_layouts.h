// The layouts that the tables of gsm7_tables.h are made of.
//
// The nine Indic locking tables share one layout: a position names the same offset in each script's Unicode block, and
// positions whose character a script lacks are void. They are written as that layout plus each script's voids.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace smppd::smpp::text_internal {

inline constexpr char16_t kVoid = 0xFFFF;  // no character at this position
inline constexpr std::size_t kLanguages = 14;
using SeptetTable = std::array<char16_t, 128>;

struct Placed {
  std::uint8_t septet;
  char16_t character;
};

constexpr SeptetTable default_table() {
  constexpr std::u16string_view kCharacters =
      u"@£$¥èéùìòÇ\nØø\rÅå"
      u"Δ_ΦΓΛΩΠΨΣΘΞ\xFFFFÆæßÉ"
      u" !\"#¤%&'()*+,-./"
      u"0123456789:;<=>?"
      u"¡ABCDEFGHIJKLMNO"
      u"PQRSTUVWXYZÄÖÑÜ§"
      u"¿abcdefghijklmno"
      u"pqrstuvwxyzäöñüà";
  static_assert(kCharacters.size() == 128);
  SeptetTable table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = kCharacters[i];
  return table;
}

constexpr SeptetTable with(SeptetTable table, std::initializer_list<Placed> changes) {
  for (const auto& change : changes) table[change.septet] = change.character;
  return table;
}

// `specials`: what 0x60 and 0x7B-0x7F hold.
constexpr SeptetTable indic_locking(char16_t block, std::initializer_list<std::uint8_t> voids,
                                    const std::array<char16_t, 6>& specials) {
  SeptetTable table{};
  table.fill(kVoid);
  const auto run = [&](std::size_t at, unsigned first, unsigned last) {
    for (unsigned offset = first; offset <= last; ++offset) {
      bool lacking = false;
      for (const auto hole : voids) lacking = lacking || hole == offset;
      table[at++] = lacking ? kVoid : static_cast<char16_t>(block + offset);
    }
  };
  run(0x00, 0x01, 0x03);
  run(0x03, 0x05, 0x0B);
  run(0x0B, 0x0C, 0x0D);
  run(0x0E, 0x0E, 0x1A);
  run(0x1C, 0x1B, 0x1E);
  run(0x22, 0x1F, 0x24);
  run(0x2A, 0x25, 0x26);
  run(0x2D, 0x27, 0x27);
  run(0x2F, 0x28, 0x28);
  run(0x3C, 0x29, 0x2B);
  run(0x40, 0x2C, 0x39);
  run(0x4E, 0x3C, 0x4D);
  constexpr Placed kCommon[] = {{0x0A, u'\n'}, {0x0D, u'\r'}, {0x20, u' '}, {0x21, u'!'}, {0x28, u')'}, {0x29, u'('},
                                {0x2C, u','},  {0x2E, u'.'},  {0x3A, u':'}, {0x3B, u';'}, {0x3F, u'?'}};
  for (const auto& common : kCommon) table[common.septet] = common.character;
  for (unsigned i = 0; i < 10; ++i) table[0x30 + i] = static_cast<char16_t>(u'0' + i);
  for (unsigned i = 0; i < 26; ++i) table[0x61 + i] = static_cast<char16_t>(u'a' + i);
  table[0x60] = specials[0];
  for (unsigned i = 0; i < 5; ++i) table[0x7B + i] = specials[1 + i];
  return table;
}

constexpr SeptetTable urdu_locking() {
  constexpr char16_t kLetters[] = {
      0x0627, 0x0622, 0x0628, 0x067B, 0x0680, 0x067E, 0x06A6, 0x062A, 0x06C2, 0x067F, u'\n',  0x0679, 0x067D, u'\r',
      0x067A, 0x067C, 0x062B, 0x062C, 0x0681, 0x0684, 0x0683, 0x0685, 0x0686, 0x0687, 0x062D, 0x062E, 0x062F, kVoid,
      0x068C, 0x0688, 0x0689, 0x068A, u' ',   u'!',   0x068F, 0x068D, 0x0630, 0x0631, 0x0691, 0x0693, u')',   u'(',
      0x0699, 0x0632, u',',   0x0696, u'.',   0x0698, u'0',   u'1',   u'2',   u'3',   u'4',   u'5',   u'6',   u'7',
      u'8',   u'9',   u':',   u';',   0x069A, 0x0633, 0x0634, u'?',   0x0635, 0x0636, 0x0637, 0x0638, 0x0639, 0x0641,
      0x0642, 0x06A9, 0x06AA, 0x06AB, 0x06AF, 0x06B3, 0x06B1, 0x0644, 0x0645, 0x0646, 0x06BA, 0x06BB, 0x06BC, 0x0648,
      0x06C4, 0x06D5, 0x06C1, 0x06BE, 0x0621, 0x06CC, 0x06D0, 0x06D2, 0x064D, 0x0650, 0x064F, 0x0657, 0x0654};
  constexpr char16_t kTail[] = {0x0655, 0x0651, 0x0653, 0x0656, 0x0670};
  SeptetTable table{};
  for (std::size_t i = 0; i <= 0x60; ++i) table[i] = kLetters[i];
  for (unsigned i = 0; i < 26; ++i) table[0x61 + i] = static_cast<char16_t>(u'a' + i);
  for (unsigned i = 0; i < 5; ++i) table[0x7B + i] = kTail[i];
  return table;
}

constexpr SeptetTable default_extension() {
  SeptetTable table{};
  table.fill(kVoid);
  return with(table, {{0x0A, u'\f'},
                      {0x14, u'^'},
                      {0x28, u'{'},
                      {0x29, u'}'},
                      {0x2F, u'\\'},
                      {0x3C, u'['},
                      {0x3D, u'~'},
                      {0x3E, u']'},
                      {0x40, u'|'},
                      {0x65, u'€'}});
}

// Punctuation and capitals that the Indic and Urdu locking tables displaced, ten digits from `zero` on (the first two
// at 0x19 when `digits_at_19`, else the pair `marks` there and all ten from 0x1C), then the script's own additions.
constexpr SeptetTable script_single(char16_t zero, bool digits_at_19, std::array<char16_t, 2> marks,
                                    std::initializer_list<Placed> additions) {
  constexpr std::u16string_view kPunctuation = u"@£$¥¿\"¤%&'\f*+\xFFFF-/<=>¡^¡_#*";
  static_assert(kPunctuation.size() == 0x19);
  SeptetTable table = default_extension();
  for (std::size_t i = 0; i < kPunctuation.size(); ++i) table[i] = kPunctuation[i];
  unsigned first = 0;
  if (digits_at_19) {
    marks = {zero, static_cast<char16_t>(zero + 1)};
    first = 2;
  }
  table[0x19] = marks[0];
  table[0x1A] = marks[1];
  for (unsigned i = first; i < 10; ++i) table[0x1C + i - first] = static_cast<char16_t>(zero + i);
  for (unsigned i = 0; i < 26; ++i) table[0x41 + i] = static_cast<char16_t>(u'A' + i);
  return with(table, additions);
}

}  // namespace smppd::smpp::text_internal
