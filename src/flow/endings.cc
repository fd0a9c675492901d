// What is written when a stored message ends: its outcome, for query_sm and the operator; a dead letter with its octets
// when it was given up; and a receipt of our own when its sender asked for one.
#include <array>

#include "flow/internal/aliases.h"
#include "flow/internal/depot.h"
#include "flow/internal/desk.h"
#include "flow/internal/log.h"

namespace smppd::flow {

namespace {

// What query_sm and the receipt of our own show.
smpp::MessageState state_of(EndReason reason) noexcept {
  switch (reason) {
    case EndReason::kExpired: return smpp::MessageState::expired;
    case EndReason::kCancelled:
    case EndReason::kReplaced: return smpp::MessageState::deleted;
    case EndReason::kUncertain: return smpp::MessageState::unknown;
    case EndReason::kUnroutable: return smpp::MessageState::rejected;
    default: return smpp::MessageState::undeliverable;
  }
}

}  // namespace

// Adds to the transaction that is being written: the SMSC has it.
void Flow::Depot::put_outcome(const message::Flight& flight, const Entry& entry,
                              std::string_view upstream_id) noexcept {
  Outcome outcome;
  if (flight.client.valid()) outcome.client = flow.snapshot_->client_names[flight.client.value()];
  outcome.upstream = flow.snapshot_->upstream_names[flight.upstream.value()];
  outcome.upstream_id = upstream_id;
  outcome.state = smpp::MessageState::enroute;
  outcome.registered_delivery = flight.registered_delivery;
  outcome.source_hash = flight.source_hash;
  outcome.attempts = entry.attempts;
  outcome.sent = now();
  outcome.arrived = now() - std::chrono::duration_cast<std::chrono::milliseconds>(
                                std::max<Duration>(flow.shard_.loop().now() - flight.arrived, Duration::zero()));
  std::array<std::uint8_t, kMaxOutcomeHeader> room_for_value;
  const ByteSpan value = encode(outcome, room_for_value);
  if (!value.empty()) {
    transaction.put(store::Table::kOutcomes, view(outcome_key(flight.id)), value, now() + options().outcome_retention);
  }
}

// The transaction of an item that ends here, from its beginning.
bool Flow::Depot::write_end(const store::ItemView& item, const StoredMessage& stored, const Burial& burial) noexcept {
  Outcome outcome;
  outcome.client = stored.client;
  outcome.upstream = name_of_lane(item.progress.lane);
  outcome.state = state_of(burial.reason);
  outcome.reason = burial.reason;
  outcome.registered_delivery = stored.registered_delivery;
  outcome.source_hash = stored.source_hash;
  outcome.attempts = burial.attempts == 0 ? item.progress.attempts : burial.attempts;
  outcome.command_status = static_cast<std::uint32_t>(burial.status);
  outcome.arrived = stored.arrived;
  outcome.ended = now();
  record.resize(kMaxOutcomeHeader + item.body.size());
  begin().finish(item.id);
  erase_alias(transaction, stored.own, item.id);
  if (options().keep_outcomes) {
    transaction.put(store::Table::kOutcomes, view(outcome_key(stored.own)), encode(outcome, record),
                    now() + options().outcome_retention);
  }
  if (burial.reason == EndReason::kExpired) {
    ++flow.probe_.expired;
  } else if (burial.reason == EndReason::kReplaced) {
    ++flow.probe_.replaced;
  } else if (burial.reason != EndReason::kCancelled) {
    ++flow.probe_.dead;
    outcome.body = item.body;
    transaction.put(store::Table::kDeadLetters, view(outcome_key(item.id)), encode(outcome, record),
                    now() + options().dead_letter_retention);
  }
  if (depot::parts_of(item.progress).begun()) note_partial(item, stored, burial.reason);
  return tell_sender(stored, outcome.state, burial.status);
}

// The same for one that an SMSC has after all: what its sender was told is what became of it.
bool Flow::Depot::write_settled(const store::ItemView& item, const StoredMessage& stored) noexcept {
  ++flow.probe_.adopted;
  begin().finish(item.id);
  erase_alias(transaction, stored.own, item.id);
  return false;
}

void Flow::Depot::before_end(const store::ItemView& item, const StoredMessage& stored, EndReason reason,
                             OnEnd end) noexcept {
  // A refusal is an answer: this copy is nowhere. One before it may be.
  const bool in_doubt = item.progress.attempts != 0 ||
                        (depot::state_of(item.progress) != ItemState::kQueued && reason != EndReason::kRefused);
  if (in_doubt && stored.registered_delivery != 0 && options().keep_deliveries) {
    ask_before_end(item.id, told_of(stored), std::move(end));
  } else {
    (void)end(item, stored, false);
  }
}

void Flow::Depot::ask_before_end(store::ItemId id, const ToldId& told, OnEnd end) noexcept {
  receipts.claim(told, [this, id, told, end = std::move(end)](Claim claim) {
    if (claim == Claim::kUnknown) {
      at_tick.emplace_back([this, id, told, end] { ask_before_end(id, told, end); });
      return;
    }
    store::ReadRequest request;
    request.kind = store::ReadRequest::Kind::kItem;
    request.id = id;
    flow.desk_->read(request, [this, id, told, end, claim](const store::ReadAnswer& answer) {
      const store::ItemView* item = answer.items.empty() ? nullptr : &answer.items.front();
      const auto stored = item == nullptr || item->damaged ? std::nullopt : decode_stored(item->body);
      const bool telling = stored && end(*item, *stored, claim == Claim::kTold);
      if (claim == Claim::kYours && !telling) receipts.unclaim(told);
      if (answer.failed) {
        at_tick.emplace_back([this, id, told, end] { ask_before_end(id, told, end); });
      } else if (item != nullptr && !stored) {
        ++flow.probe_.store_damaged;
        begin().finish(id);
        commit_owed();
      }
    });
  });
}

void Flow::Depot::end_item(const store::ItemView& item, const Burial& burial) noexcept {
  if (depot::state_of(item.progress) == ItemState::kInbox) {
    take_out(item);
    return;
  }
  const auto stored = item.damaged ? std::nullopt : decode_stored(item.body);
  if (stored && depot::state_of(item.progress) == ItemState::kUncertain) {
    unless_told(item, *stored, &Depot::end_uncertain);
    return;
  }
  if (stored) {
    before_end(item, *stored, burial.reason, [this, burial](const auto& ended, const auto& message, bool told) {
      const bool tells = told ? write_settled(ended, message) : write_end(ended, message, burial);
      commit_owed();
      return tells;
    });
    return;
  }
  ++flow.probe_.store_damaged;
  begin().finish(item.id);
  commit_owed();
}

void Flow::Depot::bury(const store::ItemView& item, const StoredMessage& stored, const Burial& burial) noexcept {
  before_end(item, stored, burial.reason, [this, burial](const auto& ended, const auto& message, bool told) {
    const bool tells = told ? write_settled(ended, message) : write_end(ended, message, burial);
    commit_owed();
    if (!told) log_burial(ended, message, burial);
    return tells;
  });
}

void Flow::Depot::log_burial(const store::ItemView& item, const StoredMessage& stored, const Burial& burial) noexcept {
  std::uint64_t suppressed = 0;
  if (burial.reason == EndReason::kExpired) return;
  const bool loud = dead_log.allow(flow.shard_.loop().now(), suppressed);
  kLog.write(loud ? telemetry::Level::kWarn : telemetry::Level::kDebug, "message given up",
             {{"id", message::OwnIdText(stored.own, message::IdFormat::kHex).view()},
              {"client", stored.client},
              {"reason", name_of(burial.reason)},
              {"status", static_cast<std::uint32_t>(burial.status)},
              {"attempts", item.progress.attempts},
              {"suppressed", suppressed}});
}

std::string_view Flow::Depot::name_of_lane(store::LaneId lane) noexcept {
  const Outlet& outlet = outlet_of(lanes::hash_in(lane));
  return outlet.upstream.valid() ? std::string_view(flow.snapshot_->upstream_names[outlet.upstream.value()])
                                 : std::string_view();
}

}  // namespace smppd::flow
