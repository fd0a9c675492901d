// Any octets as what the store gives back: read or refused, and what is read is written again octet for octet.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "flow/internal/correlation.h"
#include "flow/internal/outcome.h"
#include "flow/internal/stored_message.h"

namespace {

void expect_same(smppd::ByteSpan one, smppd::ByteSpan other) {
  if (!std::ranges::equal(one, other)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smppd;
  const ByteSpan octets(data, size);
  std::vector<std::uint8_t> room(size);
  if (const auto message = flow::decode_stored(octets)) expect_same(flow::encode(*message, room), octets);
  if (const auto outcome = flow::decode_outcome(octets)) expect_same(flow::encode(*outcome, room), octets);
  flow::CorrelationRoom small;
  if (const auto correlation = flow::decode_correlation(octets)) {
    expect_same(flow::encode(*correlation, small), octets);
  }
  (void)flow::parse_correlation_key(as_text(octets));
  return 0;
}
