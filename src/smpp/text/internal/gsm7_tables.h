// The character tables of 3GPP TS 23.038 (release 18): default alphabet §6.2.1, extension table §6.2.1.1, national
// single shift tables A.2.1-A.2.13, national locking shift tables A.3.1-A.3.13 (A.3.2, Spanish, is void).
//
// The nine Indic locking tables share one layout: a position names the same offset in each script's Unicode block, and
// positions whose character a script lacks are void. They are written here as that layout plus each script's voids.
// Three places of the specification are read as what was meant: 0x2C is a comma, Kannada 0x24 is U+0CA1, and the Telugu
// single shift table has the euro sign where all others have it.
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

inline constexpr std::array<char16_t, 2> kDanda = {0x0964, 0x0965};

inline constexpr std::array<SeptetTable, kLanguages> kLocking = {
    default_table(),
    with(default_table(), {{0x04, u'€'},
                           {0x07, u'ı'},
                           {0x0B, u'Ğ'},
                           {0x0C, u'ğ'},
                           {0x1C, u'Ş'},
                           {0x1D, u'ş'},
                           {0x40, u'İ'},
                           {0x60, u'ç'}}),
    default_table(),  // Spanish has no locking table
    with(default_table(), {{0x04, u'ê'}, {0x06, u'ú'}, {0x07, u'í'},  {0x08, u'ó'}, {0x09, u'ç'}, {0x0B, u'Ô'},
                           {0x0C, u'ô'}, {0x0E, u'Á'}, {0x0F, u'á'},  {0x12, u'ª'}, {0x13, u'Ç'}, {0x14, u'À'},
                           {0x15, u'∞'}, {0x16, u'^'}, {0x17, u'\\'}, {0x18, u'€'}, {0x19, u'Ó'}, {0x1A, u'|'},
                           {0x1C, u'Â'}, {0x1D, u'â'}, {0x1E, u'Ê'},  {0x24, u'º'}, {0x40, u'Í'}, {0x5B, u'Ã'},
                           {0x5C, u'Õ'}, {0x5D, u'Ú'}, {0x60, u'~'},  {0x7B, u'ã'}, {0x7C, u'õ'}, {0x7D, u'`'}}),
    indic_locking(0x0980, {0x0D, 0x0E, 0x11, 0x12, 0x29, 0x31, 0x33, 0x34, 0x35, 0x45, 0x46, 0x49, 0x4A},
                  {0x09CE, 0x09D7, 0x09DC, 0x09DD, 0x09F0, 0x09F1}),
    indic_locking(0x0A80, {0x0E, 0x12, 0x29, 0x31, 0x34, 0x46, 0x4A}, {0x0AD0, 0x0AE0, 0x0AE1, 0x0AE2, 0x0AE3, 0x0AF1}),
    indic_locking(0x0900, {}, {0x0950, 0x0972, 0x097B, 0x097C, 0x097E, 0x097F}),
    indic_locking(0x0C80, {0x01, 0x0D, 0x11, 0x29, 0x34, 0x45, 0x49}, {0x0CD5, 0x0CD6, 0x0CE0, 0x0CE1, 0x0CE2, 0x0CE3}),
    indic_locking(0x0D00, {0x01, 0x0D, 0x11, 0x29, 0x3C, 0x45, 0x49}, {0x0D57, 0x0D60, 0x0D61, 0x0D62, 0x0D63, 0x0D79}),
    indic_locking(0x0B00, {0x0D, 0x0E, 0x11, 0x12, 0x29, 0x31, 0x34, 0x45, 0x46, 0x49, 0x4A},
                  {0x0B56, 0x0B57, 0x0B60, 0x0B61, 0x0B62, 0x0B63}),
    indic_locking(
        0x0A00, {0x0B, 0x0C, 0x0D, 0x0E, 0x11, 0x12, 0x29, 0x31, 0x34, 0x37, 0x3D, 0x43, 0x44, 0x45, 0x46, 0x49, 0x4A},
        {0x0A51, 0x0A70, 0x0A71, 0x0A72, 0x0A73, 0x0A74}),
    indic_locking(0x0B80, {0x01, 0x0B, 0x0C, 0x0D, 0x11, 0x16, 0x17, 0x18, 0x1B, 0x1D, 0x20, 0x21, 0x22,
                           0x25, 0x26, 0x27, 0x2B, 0x2C, 0x2D, 0x3C, 0x3D, 0x43, 0x44, 0x45, 0x49},
                  {0x0BD0, 0x0BD7, 0x0BF0, 0x0BF1, 0x0BF2, 0x0BF9}),
    indic_locking(0x0C00, {0x0D, 0x11, 0x29, 0x34, 0x3C, 0x45, 0x49}, {0x0C55, 0x0C56, 0x0C60, 0x0C61, 0x0C62, 0x0C63}),
    urdu_locking(),
};

inline constexpr std::array<SeptetTable, kLanguages> kSingle = {
    default_extension(),
    with(default_extension(),
         {{0x47, u'Ğ'}, {0x49, u'İ'}, {0x53, u'Ş'}, {0x63, u'ç'}, {0x67, u'ğ'}, {0x69, u'ı'}, {0x73, u'ş'}}),
    with(default_extension(), {{0x09, u'ç'},
                               {0x41, u'Á'},
                               {0x49, u'Í'},
                               {0x4F, u'Ó'},
                               {0x55, u'Ú'},
                               {0x61, u'á'},
                               {0x69, u'í'},
                               {0x6F, u'ó'},
                               {0x75, u'ú'}}),
    with(default_extension(),
         {{0x05, u'ê'}, {0x09, u'ç'}, {0x0B, u'Ô'}, {0x0C, u'ô'}, {0x0E, u'Á'}, {0x0F, u'á'}, {0x12, u'Φ'},
          {0x13, u'Γ'}, {0x15, u'Ω'}, {0x16, u'Π'}, {0x17, u'Ψ'}, {0x18, u'Σ'}, {0x19, u'Θ'}, {0x1F, u'Ê'},
          {0x41, u'À'}, {0x49, u'Í'}, {0x4F, u'Ó'}, {0x55, u'Ú'}, {0x5B, u'Ã'}, {0x5C, u'Õ'}, {0x61, u'Â'},
          {0x69, u'í'}, {0x6F, u'ó'}, {0x75, u'ú'}, {0x7B, u'ã'}, {0x7C, u'õ'}, {0x7F, u'â'}}),
    script_single(0x09E6, true, {},
                  {{0x24, 0x09DF},
                   {0x25, 0x09E0},
                   {0x26, 0x09E1},
                   {0x27, 0x09E2},
                   {0x2A, 0x09E3},
                   {0x2B, 0x09F2},
                   {0x2C, 0x09F3},
                   {0x2D, 0x09F4},
                   {0x2E, 0x09F5},
                   {0x30, 0x09F6},
                   {0x31, 0x09F7},
                   {0x32, 0x09F8},
                   {0x33, 0x09F9},
                   {0x34, 0x09FA}}),
    script_single(0x0AE6, false, kDanda, {}),
    script_single(0x0966, false, kDanda,
                  {{0x26, 0x0951},
                   {0x27, 0x0952},
                   {0x2A, 0x0953},
                   {0x2B, 0x0954},
                   {0x2C, 0x0958},
                   {0x2D, 0x0959},
                   {0x2E, 0x095A},
                   {0x30, 0x095B},
                   {0x31, 0x095C},
                   {0x32, 0x095D},
                   {0x33, 0x095E},
                   {0x34, 0x095F},
                   {0x35, 0x0960},
                   {0x36, 0x0961},
                   {0x37, 0x0962},
                   {0x38, 0x0963},
                   {0x39, 0x0970},
                   {0x3A, 0x0971}}),
    script_single(0x0CE6, false, kDanda, {{0x26, 0x0CDE}, {0x27, 0x0CF1}, {0x2A, 0x0CF2}}),
    script_single(0x0D66, false, kDanda,
                  {{0x26, 0x0D70},
                   {0x27, 0x0D71},
                   {0x2A, 0x0D72},
                   {0x2B, 0x0D73},
                   {0x2C, 0x0D74},
                   {0x2D, 0x0D75},
                   {0x2E, 0x0D7A},
                   {0x30, 0x0D7B},
                   {0x31, 0x0D7C},
                   {0x32, 0x0D7D},
                   {0x33, 0x0D7E},
                   {0x34, 0x0D7F}}),
    script_single(0x0B66, false, kDanda,
                  {{0x26, 0x0B5C}, {0x27, 0x0B5D}, {0x2A, 0x0B5F}, {0x2B, 0x0B70}, {0x2C, 0x0B71}}),
    script_single(0x0A66, false, kDanda,
                  {{0x26, 0x0A59}, {0x27, 0x0A5A}, {0x2A, 0x0A5B}, {0x2B, 0x0A5C}, {0x2C, 0x0A5E}, {0x2D, 0x0A75}}),
    script_single(0x0BE6, false, kDanda,
                  {{0x26, 0x0BF3},
                   {0x27, 0x0BF4},
                   {0x2A, 0x0BF5},
                   {0x2B, 0x0BF6},
                   {0x2C, 0x0BF7},
                   {0x2D, 0x0BF8},
                   {0x2E, 0x0BFA}}),
    script_single(0x0C66, false, {kVoid, kVoid},
                  {{0x26, 0x0C58},
                   {0x27, 0x0C59},
                   {0x2A, 0x0C78},
                   {0x2B, 0x0C79},
                   {0x2C, 0x0C7A},
                   {0x2D, 0x0C7B},
                   {0x2E, 0x0C7C},
                   {0x30, 0x0C7D},
                   {0x31, 0x0C7E},
                   {0x32, 0x0C7F}}),
    script_single(
        0x06F0, false, {0x0600, 0x0601},
        {{0x26, 0x060C}, {0x27, 0x060D}, {0x2A, 0x060E}, {0x2B, 0x060F}, {0x2C, 0x0610}, {0x2D, 0x0611}, {0x2E, 0x0612},
         {0x30, 0x0613}, {0x31, 0x0614}, {0x32, 0x061B}, {0x33, 0x061F}, {0x34, 0x0640}, {0x35, 0x0652}, {0x36, 0x0658},
         {0x37, 0x066B}, {0x38, 0x066C}, {0x39, 0x0672}, {0x3A, 0x0673}, {0x3B, 0x06CD}, {0x3F, 0x06D4}}),
};

}  // namespace smppd::smpp::text_internal
