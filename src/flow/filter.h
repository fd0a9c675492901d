// The seam of the middleware chain: a filter sees each message on its way in (MT) or back (MO), and each outcome.
//
// One instance per shard, made by its plugin's factory on the control thread, used on the shard's thread only: plain
// members need no lock. Calls are synchronous and noexcept; they must not block. A chain that is not configured does
// not exist, and a filter that leaves a hook out costs nothing there (see hooks()).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "accounts/client_registry.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "message/facts.h"
#include "message/ids.h"
#include "message/names.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"

namespace smppd::telemetry {
class Collector;
}

namespace smppd::flow {

// What a filter decided about a message.
struct Verdict {
  enum class Kind : std::uint8_t { kPass, kAnswer, kDrop };
  Kind kind = Kind::kPass;
  smpp::CommandStatus status = smpp::CommandStatus::ESME_ROK;  // kAnswer: what the sender is told

  [[nodiscard]] static constexpr Verdict pass() noexcept { return {}; }
  [[nodiscard]] static constexpr Verdict answer(smpp::CommandStatus s) noexcept { return {Kind::kAnswer, s}; }
  // The sender is told that all is well and the message goes nowhere.
  [[nodiscard]] static constexpr Verdict drop() noexcept { return {Kind::kDrop, smpp::CommandStatus::ESME_ROK}; }
};

// The message as it will be forwarded. As long as nobody edits it, the sender's octets are forwarded as they are.
class Draft {
 public:
  Draft(const smpp::PduView& original, smpp::PduBuilder& scratch, smpp::Version version) noexcept
      : original_(original), scratch_(scratch), version_(version) {}

  [[nodiscard]] const smpp::PduView& original() const noexcept { return original_; }
  [[nodiscard]] bool edited() const noexcept { return edited_; }
  // A copy to change, made at the first call. Whoever changes a field that MessageFacts has, updates the facts too;
  // text the facts point to must live until the message has been forwarded (the builder's own storage does not
  // qualify).
  [[nodiscard]] smpp::PduBuilder& edit() noexcept {
    if (!edited_) scratch_.from(original_, version_);
    edited_ = true;
    return scratch_;
  }

 private:
  const smpp::PduView& original_;
  smpp::PduBuilder& scratch_;
  smpp::Version version_;
  bool edited_ = false;
};

struct MessageContext {
  message::MessageFacts& facts;
  Draft& draft;
  const accounts::ClientEntry* client;  // MT: the sender, null if anonymous; MO: null
  smpp::Version version;                // of the peer the message came from
  message::OwnId id;
  Instant now;
  WallTime wall;
  bool again = false;  // it was judged before and had to wait for a window: count and charge it once
};

// How a message ended: answered by an SMSC, here, or not at all.
struct OutcomeContext {
  message::OwnId id;
  message::ClientId client;
  message::UpstreamId upstream;  // invalid: answered here
  smpp::CommandId command_id;
  smpp::CommandStatus status;
  bool uncertain;    // the request was sent and its answer never came
  Duration elapsed;  // from the request's arrival to this
  std::string_view upstream_message_id;
};

class Filter {
 public:
  enum Hook : std::uint8_t { kOnMessage = 1, kOnMo = 2, kOnOutcome = 4 };

  virtual ~Filter() = default;
  // Which of the calls below this filter wants; asked once.
  [[nodiscard]] virtual std::uint8_t hooks() const noexcept = 0;
  virtual Verdict on_message(MessageContext&) noexcept { return Verdict::pass(); }
  virtual Verdict on_mo(MessageContext&) noexcept { return Verdict::pass(); }
  virtual void on_outcome(const OutcomeContext&) noexcept {}
  // Adds what the filter counts; on the filter's shard, when the metrics are asked for.
  virtual void collect(telemetry::Collector&) const {}
};

// What a factory may use; everything named here outlives the filters.
struct FilterEnvironment {
  const config::Config& config;
  const message::Names& names;
  unsigned shard;
};

// What a plugin exports: one constant, listed in server/plugin_list.cc.
struct FilterPlugin {
  const char* type;  // `middleware: - type:`
  const char* sentence;
  Fallible<std::unique_ptr<Filter>> (*make)(const config::Filter& options, const FilterEnvironment& environment);
};

}  // namespace smppd::flow
