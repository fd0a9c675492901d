// The seam: what an operator sees of what is stored, and orders there, on one shard. The flow implements it, for it
// knows what items and records mean. The values are plain, copied out of the shard so that another thread may show
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "message/ids.h"
#include "store/partition.h"

namespace smppd::store {

// What waits for an upstream at one priority, for a client, or for the other parts of a long message.
struct QueueView {
  enum class Kind : std::uint8_t { kUpstream, kClient, kParts };  // kParts: that came from an upstream
  Kind kind = Kind::kUpstream;
  std::string name;        // empty: nothing in this configuration has that name
  std::uint32_t hash = 0;  // what the store knows of the name
  unsigned priority = 0;   // for an upstream
  std::uint64_t items = 0;
  std::uint64_t ready = 0;  // may be handed out now
};

struct StoreView {
  PartitionStats stats;
  std::vector<QueueView> queues;
};

// A message that was given up.
struct DeadLetter {
  message::OwnId id = 0;   // of the letter; differs from the message's for parts of a submit_multi and for 3.3
  std::string message_id;  // as its client was shown it
  std::string client, upstream, reason;
  std::uint32_t command_status = 0;
  unsigned attempts = 0;
  Moment arrived{}, ended{}, kept_until{};
  std::string source, destination;
  std::string text;  // UTF-8; only when asked for
};

struct DeadLetterQuery {
  message::OwnId from = 0;
  std::uint32_t limit = 100;
  std::string client, upstream, reason;  // empty: any
  message::OwnId until = 0;              // letters before this one only; 0: all
  bool with_text = false;
};

struct DeadLetterPage {
  std::vector<DeadLetter> letters;
  message::OwnId next = 0;  // where to go on; 0: that was the last one
  bool failed = false;      // the disk refused: what is here may not be all
};

enum class Order : std::uint8_t { kRequeue, kDrop };
enum class OrderResult : std::uint8_t {
  kDone,        // and durable
  kUnknown,     // there is no such dead letter
  kNoRoom,      // the store takes nothing new
  kNoRoute,     // nothing is configured that would take the message
  kUnreadable,  // what was kept of it does not read back
  kFailed,      // the disk refused
};

// A message, receipt or MO that waits or is under way.
struct StandingItem {
  message::OwnId item = 0;
  std::string kind;        // message, receipt, mo
  std::string message_id;  // as the client is shown it; empty: it has none
  std::string state;       // queued, scheduled, sent, uncertain, inbox, incomplete
  std::string client, upstream;
  unsigned attempts = 0;
  unsigned priority = 0;
  Moment arrived{}, due{}, expires = kNever;
  std::string source, destination;
};

// How a message ended, or that an SMSC has it.
struct EndedMessage {
  std::string message_id;
  std::string state;   // of query_sm: enroute, undeliverable, ...
  std::string reason;  // accepted, refused, ...
  std::string client, upstream, upstream_id, error;
  std::uint32_t command_status = 0;
  unsigned attempts = 0;
  Moment arrived{}, sent{}, ended{}, kept_until{};
  bool dead_letter = false;        // it can be queued again
  message::OwnId requeued_as = 0;  // the item it was queued again as
};

using OnDeadLetters = std::function<void(DeadLetterPage)>;
using OnOrder = std::function<void(OrderResult)>;
using OnStanding = std::function<void(std::optional<StandingItem>)>;
using OnEnded = std::function<void(std::optional<EndedMessage>)>;

// Every call on the shard's thread; the answers come there, at once or later. What was ordered is durable by then.
class OperatorDesk {
 public:
  [[nodiscard]] virtual StoreView look() const = 0;
  virtual void dead_letters(const DeadLetterQuery& query, OnDeadLetters done) = 0;
  virtual void order(Order order, message::OwnId letter, OnOrder done) = 0;
  virtual void find_standing(message::OwnId item, OnStanding done) = 0;
  virtual void find_ended(message::OwnId id, OnEnded done) = 0;

 protected:
  ~OperatorDesk() = default;
};

}  // namespace smppd::store
