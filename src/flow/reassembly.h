// Long messages from handsets, put together again before they are routed (`multipart.reassembly`): parts by user data
// header (8 and 16-bit references) or by SAR parameters, in any order, with duplicates and losses. interop rows 41-43.
//
// One per shard, for the upstreams whose deliver_sm this shard handles; no I/O, no clock. Parts are only joined when
// upstream, source, destination, reference and total agree. The caller answers the SMSC for every part it is told is
// held, at once: an SMSC with a window of one would never send the next. Incomplete messages are in memory only.
// Bounds: `timeout` after its first part, and at `buffer_parts` the oldest, an incomplete message is released: its
// parts go on as they came. Nothing is lost in silence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "config/config.h"
#include "message/flight.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"
#include "smpp/text/charset.h"
#include "smpp/text/reassembly.h"

namespace smppd::flow {

class Reassembly {
 public:
  struct Options {
    Duration timeout = std::chrono::minutes(5);
    std::uint32_t max_parts = 20;  // messages of more parts are passed on part by part
    std::uint32_t buffer_parts = 100'000;
  };
  [[nodiscard]] static Options options_of(const config::Multipart& multipart) noexcept;

  enum class Outcome : std::uint8_t {
    kNotAPart,   // or more parts than we join: pass it on
    kHeld,       // answer it ESME_ROK
    kDuplicate,  // answer it ESME_ROK and forget it
    kComplete,   // pass message() on, with this part's ticket
  };

  struct Stats {
    std::size_t held = 0;  // parts, now
    std::uint64_t completed = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t released = 0;    // parts that went on alone
    std::uint64_t unjoinable = 0;  // messages that were complete but whose parts are of kinds that cannot be joined
  };

  explicit Reassembly(const Options& options);
  Reassembly(const Reassembly&) = delete;
  Reassembly& operator=(const Reassembly&) = delete;
  ~Reassembly() = default;

  // A deliver_sm or data_sm that is no receipt. `peer_default` is what data_coding 0 means to this upstream, `version`
  // what it speaks. After each call, and after tick() and release_all(), take what was released.
  [[nodiscard]] Outcome offer(const smpp::PduView& pdu, const message::DeliveryTicket& ticket,
                              smpp::Alphabet peer_default, smpp::Version version, Instant now);

  // After kComplete: the first part's PDU with the whole text, without header and SAR parameters; text beyond 254
  // octets is in message_payload (the PDU is of 3.4 then, whatever the upstream speaks). Until the next call.
  [[nodiscard]] ByteSpan message() const noexcept { return message_; }

  // After kComplete: the tickets its parts were offered with, in their order; until the next call.
  [[nodiscard]] const std::vector<message::DeliveryTicket>& joined() const noexcept { return joined_; }

  struct Released {
    message::DeliveryTicket ticket;  // answered already
    ByteSpan pdu;                    // until the next call
  };
  // Parts to pass on as they came, in that order.
  [[nodiscard]] std::optional<Released> next_released() noexcept;

  void tick(Instant now);
  void release_all();  // at the end, and when reassembly is switched off
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept { return parts_.next_deadline(); }
  [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

 private:
  struct Held {
    message::DeliveryTicket ticket;
    std::uint64_t order = 0;
    std::vector<std::uint8_t> pdu;
  };

  [[nodiscard]] std::uint32_t store(const smpp::PduView& pdu, const message::DeliveryTicket& ticket);
  void forget(std::uint32_t at) noexcept;
  void release(const smpp::Reassembler::Message& message);
  void make_room();
  [[nodiscard]] bool join(const smpp::Reassembler::Message& message, smpp::Alphabet peer_default,
                          smpp::Version version);

  const Options options_;
  smpp::Reassembler parts_;
  std::vector<Held> held_;  // by the reassembler's tags
  std::vector<std::uint32_t> free_;
  std::deque<std::uint32_t> released_;
  std::uint64_t order_ = 0;
  std::string key_;
  smpp::PduBuilder builder_;
  std::vector<std::uint8_t> message_;
  std::vector<message::DeliveryTicket> joined_;
  std::vector<std::uint8_t> released_pdu_;
  Stats stats_;
};

}  // namespace smppd::flow
