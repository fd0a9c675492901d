// What text costs when a message must be rewritten: 160 characters each.
#include <array>
#include <string>

#include <benchmark/benchmark.h>

#include "smpp/text/charset.h"
#include "smpp/text/gsm7.h"
#include "smpp/text/split.h"

namespace smppd::smpp {
namespace {

const std::string kLatin = [] {
  std::string text;
  while (text.size() < 160) text += "The quick brown fox @ 5 £, ";
  return text;
}();

void BM_EncodeGsm7(benchmark::State& state) {
  std::array<std::uint8_t, 512> out{};
  for (auto _ : state) benchmark::DoNotOptimize(gsm7_encode(kLatin, out));
}
BENCHMARK(BM_EncodeGsm7);

void BM_DecodeGsm7(benchmark::State& state) {
  std::array<std::uint8_t, 512> septets{};
  const auto size = gsm7_encode(kLatin, septets).written;
  std::array<char, 1024> out{};
  for (auto _ : state) benchmark::DoNotOptimize(gsm7_decode(ByteSpan(septets).first(size), out));
}
BENCHMARK(BM_DecodeGsm7);

void BM_Pack(benchmark::State& state) {
  const std::array<std::uint8_t, 160> septets{};
  std::array<std::uint8_t, 160> out{};
  for (auto _ : state) benchmark::DoNotOptimize(gsm7_pack(septets, out));
}
BENCHMARK(BM_Pack);

void BM_TranscodeGsm7ToUcs2(benchmark::State& state) {
  std::array<std::uint8_t, 512> septets{};
  const auto size = gsm7_encode(kLatin, septets).written;
  std::array<std::uint8_t, 1024> out{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(transcode(ByteSpan(septets).first(size), Alphabet::gsm7, Alphabet::ucs2, out));
  }
}
BENCHMARK(BM_TranscodeGsm7ToUcs2);

void BM_EncodeHindiByItsTables(benchmark::State& state) {
  const std::string text = "नमस्ते दुनिया, यह एक संदेश है";
  std::array<std::uint8_t, 512> out{};
  for (auto _ : state) benchmark::DoNotOptimize(gsm7_encode(text, out, {Language::hindi, Language::hindi}));
}
BENCHMARK(BM_EncodeHindiByItsTables);

void BM_SplitLongText(benchmark::State& state) {
  std::string text;
  for (int i = 0; i < 6; ++i) text += kLatin;
  const auto limits = split_limits(Alphabet::gsm7, ConcatReference::bits8);
  for (auto _ : state) {
    Splitter splitter(text, Alphabet::gsm7, limits);
    std::string_view part;
    while (splitter.next(part)) benchmark::DoNotOptimize(part);
  }
}
BENCHMARK(BM_SplitLongText);

}  // namespace
}  // namespace smppd::smpp
