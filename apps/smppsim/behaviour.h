// What the simulated SMSC does with a message: the flags give one Behaviour, a script's rules further ones.
// Immutable after start-up and shared by all shards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "smpp/values.h"
#include "toolkit/latency.h"
#include "toolkit/random.h"

namespace smppd::sim {

// Things with probabilities that add up to at most one; the rest of the draws give nothing.
template <typename Value>
struct Mix {
  struct Item {
    Value value;
    double share;
  };
  std::vector<Item> items;

  [[nodiscard]] std::optional<Value> draw(toolkit::Random& random) const noexcept {
    if (items.empty()) return std::nullopt;
    double left = random.unit();
    for (const Item& item : items) {
      if (left < item.share) return item.value;
      left -= item.share;
    }
    return std::nullopt;
  }
};

using ErrorMix = Mix<smpp::CommandStatus>;
// "ESME_RTHROTTLED=0.05" or a bare status for always; several joined by commas.
[[nodiscard]] Fallible<ErrorMix> parse_errors(std::string_view text);

enum class ReceiptForm : std::uint8_t { text, tlv, both };
enum class ReceiptDates : std::uint8_t { minutes, seconds, long_year, zeros };

struct ReceiptPlan {
  bool enabled = false;
  bool always = false;  // also when none was asked for
  toolkit::Latency delay;
  Mix<smpp::MessageState> states;
  ReceiptForm form = ReceiptForm::both;
  ReceiptDates dates = ReceiptDates::minutes;
  std::uint8_t esm_class = 0x04;
  bool swapped = false;  // source and destination as in the message, not turned round
  double early = 0;      // before the response
  double missing = 0;
  double duplicate = 0;
  double late = 0;
  Duration lateness = std::chrono::seconds(10);
  double intermediate = 0;    // an ENROUTE report before the final one
  double accepted = 0;        // an ACCEPTD receipt right after the response
  std::string err;            // err: of failed messages
  std::string text_template;  // vendor format with {id} {state} {submit} {done} {err} {text} {source} {destination}
};
// "delay=50ms,state=DELIVRD:0.9,UNDELIV:0.1,form=both,early=0.1,..."; README.md lists the keys.
[[nodiscard]] Fallible<ReceiptPlan> parse_receipts(std::string_view text, ReceiptPlan base = {});

// Deliberate faults. Shares are of the messages, counts of the session's messages.
struct Misbehaviour {
  double no_response = 0;
  double wrong_sequence = 0;
  double duplicate_response = 0;
  double garbage = 0;
  double generic_nack = 0;
  double out_of_order = 0;
  double late_response = 0;
  Duration lateness = std::chrono::seconds(10);
  std::uint64_t close_after = 0;  // 0: never
  std::uint64_t reset_after = 0;
  std::uint64_t unbind_after = 0;
  std::uint64_t stall_after = 0;  // stops reading
  Duration close_time{};          // after the bind
  Duration unbind_time{};
  std::uint32_t drip_octets = 0;  // slow-drip: so many octets every drip_interval
  Duration drip_interval = std::chrono::milliseconds(10);
  std::uint32_t split_octets = 0;  // split-bytes: TCP segments of at most this
  bool no_enquire_response = false;
  bool no_bind_response = false;
  bool no_unbind_response = false;
  bool stray_body = false;  // an octet after enquire_link_resp and unbind_resp
  bool deliver_before_bind_response = false;
  std::optional<bool> error_body;  // error-with-body, error-without-body

  // True when responses to messages are as usual.
  [[nodiscard]] bool spares_messages() const noexcept {
    return no_response + wrong_sequence + duplicate_response + garbage + generic_nack + out_of_order + late_response ==
               0 &&
           close_after + reset_after + unbind_after + stall_after + drip_octets + split_octets == 0;
  }
};
// About single messages only: what a rule may ask for.
[[nodiscard]] Fallible<Misbehaviour> parse_message_misbehaviour(std::string_view text, Misbehaviour base);
[[nodiscard]] Fallible<Misbehaviour> parse_misbehaviour(std::string_view text, Misbehaviour base = {});

struct Behaviour {
  ErrorMix errors;
  toolkit::Latency latency;
  ReceiptPlan receipts;
  Misbehaviour misbehave;
  std::string message_id;  // instead of a fresh one

  [[nodiscard]] bool is_plain() const noexcept {
    return errors.items.empty() && latency.none() && !receipts.enabled && misbehave.spares_messages() &&
           message_id.empty();
  }
};

}  // namespace smppd::sim
