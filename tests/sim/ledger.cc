#include "tests/sim/ledger.h"

namespace smppd::sim {

namespace {
// Between an SMSC's clock and that of the shard that waits for it: travelling and turns that took long.
constexpr Duration kSlack = std::chrono::milliseconds(400);
}  // namespace

std::string Ledger::name(std::uint32_t tag) const {
  const Message& m = messages[tag];
  return "message " + std::to_string(tag) + " of client " + std::to_string(m.client) + ", session " +
         std::to_string(m.session) + ", upstream " + std::to_string(m.upstream);
}

void Ledger::answered(std::uint32_t tag, std::uint32_t status, std::string id) {
  Message& message = messages[tag];
  message.answers.push_back({status, id});
  if (status == kUncertain) ++answered_uncertain;
  if (status != 0 || sessions[message.session].corrupt) return;
  if (id.empty()) violated(name(tag) + " was accepted without an id");
  const auto [at, fresh] = by_id_.emplace(std::move(id), tag);
  if (!fresh) violated(name(tag) + " has the id of " + name(at->second));
}

void Ledger::sighted(std::uint32_t tag, Sight sight) {
  Message& message = messages[tag];
  for (const Sight& before : message.sights) {
    if (before.answered && before.status != 0) continue;  // refused for certain: it may be tried elsewhere
    // Its wire held this one back so long that what was sent in its stead has overtaken it.
    const bool held_back = sight.left < before.left && sight.wire->troubled();
    const bool unknown = held_back || !before.answered || before.wire->troubled() ||
                         before.answered_at - before.at + kSlack >= kResponseTimeout;
    if (stored && resends && unknown) continue;
    violated(name(tag) + " came to an SMSC again, without any recorded wish to resend");
  }
  auto& last = last_order_[{sight.wire->number(), message.session}];
  if (ordered && message.order < last) {
    ++overtaken;
    if (!stored) violated(name(tag) + " came after a later one of its session on the same link");
  }
  last = message.order;
  auto& last_to = last_order_to_[{message.session, message.to}];
  if (in_order && message.order < last_to && !sight.wire->troubled()) {
    violated(name(tag) + " came after a later one of its session to the same destination");
  }
  last_to = std::max(last_to, message.order);
  message.sights.push_back(std::move(sight));
}

void Ledger::own_receipt_accepted(unsigned client, const std::string& id) {
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) {
    // Its sender may have gone before it was told the id.
    const bool unanswered = std::any_of(messages.begin(), messages.end(), [&](const Message& message) {
      return message.client == client && message.answers.empty();
    });
    if (!corrupt() && !unanswered) violated("smppd wrote a receipt for a message that nobody sent: " + id);
    return;
  }
  Message& message = messages[at->second];
  if (message.client != client)
    violated(name(at->second) + ": smppd's receipt went to client " + std::to_string(client));
  if (!message.wants_receipt) violated(name(at->second) + " did not ask for the receipt smppd wrote");
  // A client whose answer is late or lost is told again.
  if (++message.own_receipts > 1 && !tells_again) violated(name(at->second) + " has ended twice");
}

void Ledger::receipt_arrived(unsigned client, std::uint32_t tag, std::uint32_t serial, const std::string& id) {
  if (corrupt_upstream()) return;
  if (tag >= messages.size() || serial >= messages[tag].receipts.size()) {
    violated("a receipt for message " + std::to_string(tag) + " that no SMSC sent");
    return;
  }
  Message& message = messages[tag];
  const SessionRecord& session = sessions[message.session];
  if (message.client != client) violated(name(tag) + ": its receipt went to client " + std::to_string(client));
  if (!message.wants_receipt) violated(name(tag) + " did not ask for the receipt it got");
  if (!session.corrupt && !message.answers.empty() && message.answers[0].id != id && message.answers[0].status == 0) {
    violated(name(tag) + " is " + message.answers[0].id + " but its receipt says " + id);
  }
  message.told.insert(message.receipts[serial].id);
  // One that the client has taken may come again while its answer is late or lost; another may not.
  const bool known = message.taken.contains(serial);
  const bool others = message.taken.size() > (known ? 1U : 0U);
  if (message.receipts[serial].accepted_before && (others || (known && !tells_again)) && !session.corrupt) {
    violated(name(tag) + ": a receipt came again after its client and smppd had accepted one");
  }
}

void Ledger::judge() {
  for (std::uint32_t tag = 0; tag < messages.size(); ++tag) judge(tag, messages[tag]);
  for (const auto& [number, mo] : mos) {
    if (!corrupt() && mo.accepted > 0 && mo.delivered == 0 && !(stored && stopped)) {
      violated("MO " + std::to_string(number) + " was accepted from the SMSC, but no client accepted it");
    }
  }
}

void Ledger::judge(std::uint32_t tag, const Message& message) {
  const SessionRecord& session = sessions.at(message.session);
  if (session.corrupt) return;
  if (message.answers.size() > 1)
    violated(name(tag) + " was answered " + std::to_string(message.answers.size()) + " times");
  if (message.answers.empty() && !session.ended) {
    const Sight* sight = message.sights.empty() ? nullptr : &message.sights.back();
    const bool told = sight != nullptr && sight->answered && !sight->wire->troubled();
    if (!session.asked_to_leave || told) violated(name(tag) + " was not answered");
  }
  if (corrupt_upstreams[message.upstream]) return;
  if (!message.answers.empty()) stored ? judge_stored(tag, message) : judge_answer(tag, message);
  judge_receipts(tag, message);
}

// Answered means owned.
void Ledger::judge_stored(std::uint32_t tag, const Message& message) {
  const std::uint32_t status = message.answers[0].status;
  // Something that nobody answers, for it came out of a corrupt connection, may be before it.
  const bool held_up = in_order && corrupt();
  if (status == 0 && message.sights.empty() && !stopped && !held_up) {
    ++never_seen;
    if (resends) violated(name(tag) + " was accepted, but no SMSC has seen it");
  }
  if (status == kNoUpstream || status == kUncertain) {
    violated(name(tag) + " was answered " + std::to_string(status) + ", though it only had to be stored");
  }
  if (status != 0 && status != kNoPartAccepted && !message.sights.empty()) {
    violated(name(tag) + " was answered " + std::to_string(status) + ", but an SMSC has seen it");
  }
}

// Transaction mode never lies.
void Ledger::judge_answer(std::uint32_t tag, const Message& message) {
  const std::uint32_t status = message.answers[0].status;
  const Sight* sight = message.sights.empty() ? nullptr : &message.sights.back();
  if (status == kNoUpstream) {
    if (sight != nullptr) violated(name(tag) + " was sent, but its client was told that there is no upstream");
    return;
  }
  if (status == kNoPartAccepted) {
    if (sight != nullptr && sight->answered && sight->status == 0 && !sight->wire->troubled() &&
        sight->answered_at - sight->at + kSlack < kResponseTimeout) {
      violated(name(tag) + " was accepted, but its client was told that no part was");
    }
    return;
  }
  if (status == kUncertain) {
    // Only what was lost or late is uncertain.
    if (sight == nullptr || !sight->answered || sight->wire->troubled()) return;
    if (sight->answered_at - sight->at + kSlack < kResponseTimeout) {
      violated(name(tag) + " was answered in time on a sound link, but its client was told that nobody knows");
    }
    return;
  }
  if (sight == nullptr) {
    const bool too_late = status == kWrongState && sessions.at(message.session).asked_to_leave;
    if (status != kThrottled && status != kQueueFull && !too_late) {
      violated(name(tag) + " was answered " + std::to_string(status) + ", but no SMSC has seen it");
    }
    return;
  }
  if (!sight->answered) violated(name(tag) + " was answered " + std::to_string(status) + " though its SMSC was silent");
  if (sight->answered && sight->status != status) {
    violated(name(tag) + " was answered " + std::to_string(sight->status) + " by its SMSC, and " +
             std::to_string(status) + " to its client");
  }
}

// What smppd took from the SMSC has reached the client, or it was said early, when smppd may have to let go of it.
void Ledger::judge_receipts(std::uint32_t tag, const Message& message) {
  // Whatever became of copies, their client hears of one.
  if (stored && message.told.size() + (message.own_receipts > 0 ? 1U : 0U) > 1) {
    violated(name(tag) + " has had more than one final receipt");
  }
  const bool known = !message.answers.empty() && message.answers[0].status == 0;
  if (!known || !message.wants_receipt || message.receipts_accepted == 0 || (stored && stopped)) return;
  // On a troubled link the answer may have come after the receipt.
  bool early = !message.sights.empty() && message.sights.back().wire->troubled();
  for (const ReceiptSent& receipt : message.receipts) early = early || receipt.early;
  if (!early && message.receipts_delivered == 0) {
    violated(name(tag) + ": its receipt was accepted from the SMSC, but its client has none");
  }
}

}  // namespace smppd::sim
