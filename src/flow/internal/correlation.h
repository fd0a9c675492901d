// How a receipt finds its message after a restart: the key and the value of a record of store::Table::kCorrelations.
//
// The key is the upstream and the canonical form of the id (interop rows 3-6), as in the ReceiptMap. One record for
// each PDU that an SMSC accepted; the parts of a long message share `whole`. Pure values, any thread, no allocation.
// The views of what decode_correlation() returns live as long as the octets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "flow/internal/octets.h"
#include "message/ids.h"
#include "smpp/text/canonical_id.h"
#include "store/transaction.h"

namespace smppd::flow {

class CorrelationKey {
 public:
  static constexpr std::size_t kMaxUpstream = 64;  // as the configuration allows

  // Empty, and no key, when the upstream's name or the id is, or the name is too long or has a slash.
  CorrelationKey(std::string_view upstream, const smpp::CanonicalId& id) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

 private:
  std::array<char, kMaxUpstream + 1 + smpp::kMaxMessageId> text_;
  std::uint8_t size_ = 0;
};

// The canonical id within a key, and the upstream: for listings.
struct CorrelationName {
  std::string_view upstream;
  std::string_view id;
};
[[nodiscard]] CorrelationName parse_correlation_key(std::string_view key) noexcept;

struct Correlation {
  message::OwnId own = 0;
  message::OwnId whole = 0;  // of the long message this is a part of; 0: it is whole itself
  std::uint8_t part = 0;     // from 1; 0: whole
  std::uint8_t parts = 0;
  std::uint8_t registered_delivery = 0;  // as the client asked
  bool final_seen = false;
  std::uint16_t destination_hash = 0;
  std::uint32_t source_hash = 0;
  store::Moment submitted{};
  std::string_view client;       // system_id; empty: anonymous
  std::string_view upstream_id;  // as the response had it
};

using CorrelationRoom = std::array<std::uint8_t, 40 + 2 * (1 + internal::kMaxStoredText)>;

// Empty when a text is longer than internal::kMaxStoredText.
[[nodiscard]] ByteSpan encode(const Correlation& correlation, CorrelationRoom& room) noexcept;
[[nodiscard]] std::optional<Correlation> decode_correlation(ByteSpan octets) noexcept;

}  // namespace smppd::flow
