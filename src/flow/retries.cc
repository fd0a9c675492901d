// Requests without an answer: lost, found on disk by the next smppd, held for a late word, and given up.
#include "flow/internal/depot.h"
#include "flow/internal/desk.h"
#include "flow/internal/log.h"
#include "flow/internal/retry_policy.h"

namespace smppd::flow {

using smpp::CommandStatus;

// Nobody here knows of this request: it was with an SMSC, or about to be, when another smppd ended.
void Flow::Depot::found_sent(const store::ItemView& item, const StoredMessage& stored) noexcept {
  ++flow.probe_.uncertain;
  ++flow.probe_.found_uncertain;
  std::uint64_t suppressed = 0;
  const bool loud = flow.uncertain_log_.allow(flow.shard_.loop().now(), suppressed);
  kLog.write(loud ? telemetry::Level::kWarn : telemetry::Level::kDebug,
             "outcome unknown: smppd ended while the request was on its way",
             {{"id", message::OwnIdText(stored.own, message::IdFormat::kHex).view()}, {"suppressed", suppressed}});
  const NextStep next = after_loss(retry_input(item.progress.lane, item.progress.attempts, item.progress.expires),
                                   message::Loss::kLinkLost);
  if (next.kind == NextStep::Kind::kDead) {
    bury(item, stored, {next.reason, CommandStatus::ESME_RSYSERR, next.attempts.pack()});
    return;
  }
  if (next.kind == NextStep::Kind::kRetry) ++flow.probe_.resent_uncertain;
  store::Progress progress = item.progress;
  progress.state = depot::number_of(next.kind == NextStep::Kind::kHold ? ItemState::kUncertain : ItemState::kQueued,
                                    depot::parts_of(progress).cut());
  progress.held = false;
  progress.attempts = next.attempts.pack();
  progress.due = next.at;
  begin().amend(item.id, progress);
  commit_owed();
}

// A receipt by another way, or an earlier smppd, may have told its client.
void Flow::Depot::unless_told(const store::ItemView& item, const StoredMessage& stored, Judgement judge) noexcept {
  if (stored.registered_delivery == 0 || !options().keep_deliveries) {
    (this->*judge)(item, stored);
    return;
  }
  receipts.ask_told(told_of(stored), [this, judge, id = item.id, state = item.progress.state](bool told, bool failed) {
    if (failed) {
      (void)partition.put_back(id, now() + options().inbox_delay);
      return;
    }
    store::ReadRequest request;
    request.kind = store::ReadRequest::Kind::kItem;
    request.id = id;
    flow.desk_->read(request, [this, judge, told, state](const store::ReadAnswer& answer) {
      if (answer.items.empty()) return;
      const store::ItemView& found = answer.items.front();
      const auto stored_now = found.damaged ? std::nullopt : decode_stored(found.body);
      if (!stored_now || found.progress.state != state) return;
      if (!told) return (this->*judge)(found, *stored_now);
      let_go(found.id);
      (void)write_settled(found, *stored_now);
      commit_owed();
    });
  });
}

// Nobody waits for its late answer any more.
void Flow::Depot::let_go(store::ItemId uncertain) noexcept {
  const auto waiting = uncertain_items.find(uncertain);
  if (waiting == uncertain_items.end()) return;
  entries.release(waiting->second);
  uncertain_items.erase(waiting);
}

// The time to wait for a late answer or a receipt is over.
void Flow::Depot::end_uncertain(const store::ItemView& item, const StoredMessage& stored) noexcept {
  let_go(item.id);
  const NextStep next = after_hold(retry_input(item.progress.lane, item.progress.attempts, item.progress.expires));
  if (next.kind != NextStep::Kind::kRetry) {
    bury(item, stored, {next.reason, CommandStatus::ESME_RSYSERR, next.attempts.pack()});
    return;
  }
  ++flow.probe_.resent_uncertain;
  store::ItemView again = item;
  again.progress.attempts = next.attempts.pack();
  again.progress.state = depot::number_of(ItemState::kQueued, depot::parts_of(item.progress).cut());
  send_again(again, stored);
}

RetryInput Flow::Depot::retry_input(store::LaneId lane, std::uint16_t attempts, store::Moment expires) noexcept {
  return {retry_of(lane), Attempts::unpack(attempts), now(), expires, flow.random()};
}

const config::Retry& Flow::Depot::retry_of(store::LaneId lane) noexcept {
  static const config::Retry kDefault;
  const Outlet& outlet = outlet_of(lanes::hash_in(lane));
  const UpstreamFacts* upstream = outlet.upstream.valid() ? flow.snapshot_->upstream(outlet.upstream) : nullptr;
  return upstream == nullptr ? kDefault : upstream->options->retry;
}

void Flow::Depot::lost(const message::Flight& flight, message::Loss loss) noexcept {
  Entry* entry = entries.get(flight.origin.session);
  if (entry == nullptr) return;
  if (!message::is_uncertain(loss)) {
    requeue(flight.origin.session, *entry, {});
    return;
  }
  const NextStep next = after_loss(retry_input(entry->lane, entry->attempts, entry->expires), loss);
  entry->attempts = next.attempts.pack();
  if (next.kind == NextStep::Kind::kDead) {
    give_up(flight.origin.session, {next.reason, CommandStatus::ESME_RSYSERR, entry->attempts});
    return;
  }
  if (next.kind == NextStep::Kind::kRetry) {
    ++flow.probe_.resent_uncertain;
    requeue(flight.origin.session, *entry, next.at);
    return;
  }
  store::Progress progress;
  entry->write(progress, ItemState::kUncertain);
  progress.attempts = entry->attempts;
  progress.lane = entry->lane;
  progress.due = next.at;
  progress.expires = entry->expires;
  begin().amend(entry->item, progress);
  commit_owed();
  entry->uncertain = true;
  uncertain_items[entry->item] = flight.origin.session;
}

// Its text is needed for the record and for its receipt; it is on the disk.
void Flow::Depot::give_up(SlabHandle handle, const Burial& burial) noexcept {
  Entry* entry = entries.get(handle);
  if (entry == nullptr) return;
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kItem;
  request.id = entry->item;
  Ask what;
  what.burial = burial;
  ask(request, std::move(what));
  if (entry->uncertain) uncertain_items.erase(entry->item);
  entries.release(handle);
}

}  // namespace smppd::flow
