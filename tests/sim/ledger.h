// What really happened in a simulation, written down by the peers as they see it, and judged at the end. Knows nothing
// of smppd's inside: the guarantees are about what clients and SMSCs see.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "tests/sim/kernel.h"

namespace smppd::sim {

// Statuses that only smppd gives, so that the ledger can tell whose an answer was.
inline constexpr std::uint32_t kNoUpstream = 0x401, kUncertain = 0x402;
inline constexpr std::uint32_t kThrottled = 0x58, kQueueFull = 0x14, kSubmitFailed = 0x45, kSystemError = 0x08,
                               kWrongState = 0x04;
// Not what a client was told, but what it knows of a part of a submit_multi that nobody accepted.
inline constexpr std::uint32_t kNoPartAccepted = 0xFFFFFFFF;
inline constexpr Duration kResponseTimeout = std::chrono::seconds(2);

struct Answer {
  std::uint32_t status;
  std::string id;
};

// One SMSC got the message.
struct Sight {
  unsigned smsc;
  std::shared_ptr<Wire> wire;
  std::uint32_t sequence_number;
  Instant at;
  Instant left;  // smppd, the last octets of it
  bool answered = false;
  std::uint32_t status = 0;
  Instant answered_at{};
};

struct ReceiptSent {
  std::string id;  // which copy of the message it is about
  Instant at;
  bool early;            // before the answer to the message
  bool accepted_before;  // an earlier one had been accepted by smppd when this one was sent
};

struct Message {
  unsigned client = 0, upstream = 0;
  std::uint64_t session = 0, order = 0;
  bool wants_receipt = false;
  bool part = false;  // of a submit_multi
  std::string from, to, text;
  Instant sent{};
  std::vector<Answer> answers;
  std::vector<Sight> sights;
  std::vector<ReceiptSent> receipts;
  unsigned receipts_accepted = 0;   // by smppd
  unsigned receipts_delivered = 0;  // client's acceptances
  unsigned own_receipts = 0;        // of smppd's own, which the client accepted
  std::set<std::string> told;       // copies whose receipts the client got
  std::set<std::uint32_t> taken;    // receipts that the client accepted, as smppd may not have heard yet
};

// One connection of a client, from its bind.
struct SessionRecord {
  unsigned client = 0;
  bool ended = false;           // answers may be missing from here on
  bool asked_to_leave = false;  // smppd said unbind: what it has not read yet stays unanswered
  bool corrupt = false;         // what it says and hears may be anything
};

struct Mo {
  unsigned accepted = 0, delivered = 0;
};

class Ledger {
 public:
  std::vector<Message> messages;
  std::map<std::uint64_t, SessionRecord> sessions;
  std::map<unsigned, Mo> mos;
  std::vector<bool> corrupt_upstreams;  // what its links say may be anything
  bool corrupt_client = false;          // there is one
  std::vector<std::string> violations;
  std::uint64_t answered_uncertain = 0;
  // store_and_forward: what was answered is owned.
  bool stored = false;
  bool resends = false;          // what is uncertain is sent again
  bool tells_again = false;      // answers of clients may be late or lost
  bool ordered = true;           // nothing is sent again
  bool in_order = false;         // by destination, whatever is sent again
  bool stopped = false;          // what is left waits for another life
  std::uint64_t never_seen = 0;  // accepted, and no SMSC has it
  std::uint64_t overtaken = 0;   // stored, and a later one of its session was first on the same link

  // Some octets somewhere may be anything.
  [[nodiscard]] bool corrupt_upstream() const {
    return std::find(corrupt_upstreams.begin(), corrupt_upstreams.end(), true) != corrupt_upstreams.end();
  }
  [[nodiscard]] bool corrupt() const { return corrupt_client || corrupt_upstream(); }
  void violated(std::string what) {
    if (violations.size() < 20) violations.push_back(std::move(what));
  }

  void answered(std::uint32_t tag, std::uint32_t status, std::string id);
  // A client got receipt number `serial` of message `tag`, under `id`.
  void receipt_arrived(unsigned client, std::uint32_t tag, std::uint32_t serial, const std::string& id);
  // smppd itself says that a message has ended.
  void own_receipt_accepted(unsigned client, const std::string& id);
  // An SMSC got the message; false when it must not have.
  void sighted(std::uint32_t tag, Sight sight);

  // After everything has come to rest.
  void judge();

 private:
  void judge(std::uint32_t tag, const Message& message);
  void judge_answer(std::uint32_t tag, const Message& message);
  void judge_stored(std::uint32_t tag, const Message& message);
  void judge_receipts(std::uint32_t tag, const Message& message);
  [[nodiscard]] std::string name(std::uint32_t tag) const;
  // By link and session: messages of one session arrive on one link in their order.
  std::map<std::pair<int, std::uint64_t>, std::uint64_t> last_order_;
  std::map<std::pair<std::uint64_t, std::string>, std::uint64_t> last_order_to_;  // by session and destination
  std::map<std::string, std::uint32_t> by_id_;
};

}  // namespace smppd::sim
