// Receipts whose message is not known, kept over a restart; and the one final receipt of a message that may be with
// SMSCs twice.
#include "flow/internal/receipt_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "flow/internal/depot.h"
#include "flow/internal/log.h"

namespace smppd::flow {

namespace {

using smpp::CommandStatus;

constexpr std::uint32_t kLoadedAtOnce = 64;
constexpr std::uint8_t kTold = 1;
constexpr Duration kEndedByThen = std::chrono::seconds(2);

// Behind the outcome of its message.
using ToldKey = std::array<char, sizeof(message::OwnId) + 1 + sizeof(ToldId::destination_hash)>;
ToldKey told_key(const ToldId& id) noexcept {
  ToldKey key{};
  auto* at = std::ranges::copy(outcome_key(id.own), key.begin()).out;
  *at = 'r';
  store_be(reinterpret_cast<std::uint8_t*>(at + 1), id.destination_hash);
  return key;
}
std::string_view text_of(const ToldKey& key) noexcept { return {key.data(), key.size()}; }

}  // namespace

// Records of this life have higher numbers, and are known.
void Flow::ReceiptStore::start() {
  if (first_of_this_life != 0) return;
  first_of_this_life = flow.ids_.next(flow.wall_now());
  flow.receipts_.on_stray_dropped([this](std::uint64_t record) { forget(record); });
  load({});
}

void Flow::ReceiptStore::tick() noexcept {
  if (!load_again) return;
  const std::string from = *std::exchange(load_again, std::nullopt);
  load(from);
}

void Flow::ReceiptStore::load(std::string_view from) noexcept {
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kScan;
  request.table = store::Table::kStrays;
  request.key = from;
  request.limit = kLoadedAtOnce;
  Depot::Ask what;
  what.kind = Depot::Ask::Kind::kDesk;
  what.desk = [this, from = std::string(from)](const store::ReadAnswer& answer) {
    std::string next = from;
    for (const store::RecordView& record : answer.records) {
      next.assign(record.key).push_back('\0');
      const auto stray = decode_stray(record.value);
      if (stray) {
        take_loaded(record.key, *stray);
      } else {
        ++flow.probe_.store_damaged;
      }
    }
    if (answer.failed) {
      load_again = next;
    } else if (answer.more) {
      load(next);
    }
  };
  flow.depot_->ask(request, std::move(what));
}

message::UpstreamId Flow::ReceiptStore::upstream_named(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < flow.snapshot_->upstream_names.size(); ++i) {
    if (flow.snapshot_->upstream_names[i] == name) return message::UpstreamId(static_cast<std::uint16_t>(i));
  }
  return {};
}

// Every shard reads all of them, and has those of its upstreams.
void Flow::ReceiptStore::take_loaded(std::string_view key, const StrayRecord& stray) noexcept {
  const std::uint64_t record = own_of(key);
  const message::UpstreamId upstream = upstream_named(stray.upstream);
  if (record == 0 || record >= first_of_this_life || !upstream.valid() || !flow.is_home(upstream)) return;
  const UpstreamFacts* facts = flow.snapshot_->upstream(upstream);
  if (facts == nullptr) return;
  const WallTime received{std::chrono::duration_cast<WallTime::duration>(stray.received.time_since_epoch())};
  smpp::PduView view;
  const bool parks = stray.received + flow.snapshot_->config->receipts.park > flow.depot_->wall_now();
  if (parks && view.decode(stray.pdu)) {
    message::DeliveryTicket ticket;
    ticket.upstream = upstream;
    ticket.shard = static_cast<std::uint8_t>(flow.here());
    ticket.command_id = view.id();
    ticket.answered = ticket.on_record = true;
    ticket.link = Depot::handle_of(record);
    flow.match_report(ticket, view, *facts, Look::kFirst);
    return;
  }
  const Stray kept{upstream, received, {stray.pdu.begin(), stray.pdu.end()}, record};
  flow.receipts_.strays().keep(kept);
  look_again(kept);
}

void Flow::ReceiptStore::look_again(const Stray& stray) noexcept {
  const UpstreamFacts* facts = flow.snapshot_->upstream(stray.upstream);
  smpp::PduView view;
  if (facts == nullptr || !view.decode(stray.pdu)) return;
  const Report report = read_report(view, *facts);
  if (!report.receipt.id.empty()) flow.depot_->look_up({stray.upstream, false}, report.receipt.id);
}

std::uint64_t Flow::ReceiptStore::put(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  Depot& depot = *flow.depot_;
  const std::uint64_t record = flow.ids_.next(flow.wall_now());
  room.resize(kMaxStrayHeader + pdu.size());
  const StrayRecord stray{flow.snapshot_->upstream_names[ticket.upstream.value()], depot.wall_now(), pdu};
  const auto kept = std::chrono::duration_cast<std::chrono::milliseconds>(flow.snapshot_->config->receipts.retention);
  depot.begin().put(store::Table::kStrays, view(outcome_key(record)), encode(stray, room), depot.now() + kept);
  if (ticket.answered) {
    depot.commit_owed();
  } else {
    depot.commit_owed(depot::StepKind::kAcknowledge, depot::AcknowledgeStep{ticket});
  }
  return record;
}

void Flow::ReceiptStore::keep_parked(const ReceiptParking::Parked& parked, message::DeliveryTicket& kept) noexcept {
  if (parked.ticket.on_record) return;
  const std::uint64_t record = put(parked.ticket, parked.pdu);
  kept.link = Depot::handle_of(record);
  kept.shard = static_cast<std::uint8_t>(flow.here());
  kept.on_record = true;
}

void Flow::ReceiptStore::keep_stray(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept {
  const std::uint64_t record = ticket.on_record ? Depot::item_of(ticket.link) : put(ticket, pdu);
  flow.receipts_.strays().keep({ticket.upstream, flow.wall_now(), {pdu.begin(), pdu.end()}, record});
}

void Flow::ReceiptStore::settled(const message::DeliveryTicket& ticket, CommandStatus status) noexcept {
  if (ticket.shard != flow.here()) {
    post(flow.shard_, ticket.shard, MailKind::kDelivered, DeliveredMail{ticket, status});
  } else if (status == CommandStatus::ESME_ROK) {
    forget(Depot::item_of(ticket.link));
  } else {
    recall(Depot::item_of(ticket.link));
  }
}

void Flow::ReceiptStore::forget(std::uint64_t record) noexcept {
  flow.depot_->begin().erase(store::Table::kStrays, view(outcome_key(record)));
  flow.depot_->commit_owed();
}

void Flow::ReceiptStore::recall(std::uint64_t record) noexcept {
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kGet;
  request.table = store::Table::kStrays;
  const OutcomeKey key = outcome_key(record);
  request.key = view(key);
  Depot::Ask what;
  what.kind = Depot::Ask::Kind::kDesk;
  what.desk = [this, record](const store::ReadAnswer& answer) {
    const auto stray = answer.records.empty() ? std::nullopt : decode_stray(answer.records.front().value);
    if (!stray) return;
    const WallTime received{std::chrono::duration_cast<WallTime::duration>(stray->received.time_since_epoch())};
    const message::UpstreamId upstream = upstream_named(stray->upstream);
    if (upstream.valid()) {
      flow.receipts_.strays().keep({upstream, received, {stray->pdu.begin(), stray->pdu.end()}, record});
    }
  };
  flow.depot_->ask(request, std::move(what));
}

ToldId told_of(const StoredMessage& stored) noexcept {
  smpp::PduView view;
  const bool readable = static_cast<bool>(view.decode(stored.pdu));
  return {stored.own, readable ? destination_hash(view.text(smpp::Field::destination_addr)) : std::uint16_t{0}};
}

void Flow::ReceiptStore::doubt(const ToldId& id) noexcept {
  if (!doubted.emplace(id, false).second) return;
  doubted_order.push_back(id);
  if (doubted_order.size() <= flow.snapshot_->config->receipts.max_entries) return;
  doubted.erase(doubted_order.front());
  doubted_order.pop_front();
}

void Flow::ReceiptStore::put_told(const ToldId& id, bool in_doubt) noexcept {
  Depot& depot = *flow.depot_;
  // On disk whoever starts again finds messages whose end was not written, however long that takes.
  const bool for_long = in_doubt || depot.options().is_on_disk();
  const auto kept = std::chrono::duration_cast<std::chrono::milliseconds>(
      for_long ? Duration(flow.snapshot_->config->receipts.retention) : 5 * kEndedByThen);
  depot.transaction.put(store::Table::kOutcomes, text_of(told_key(id)), ByteSpan(&kTold, 1), depot.now() + kept);
}

void Flow::ReceiptStore::ask_told(const ToldId& id, std::function<void(bool, bool)> then) noexcept {
  const ToldKey key = told_key(id);
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kGet;
  request.table = store::Table::kOutcomes;
  request.key = text_of(key);
  Depot::Ask what;
  what.kind = Depot::Ask::Kind::kDesk;
  what.desk = [then = std::move(then)](const store::ReadAnswer& answer) {
    then(!answer.records.empty(), answer.failed);
  };
  flow.depot_->ask(request, std::move(what));
}

// Its home shard knows who waits for it.
void Flow::ReceiptStore::found(const FoundMail& mail, std::string_view upstream_id) noexcept {
  const message::Flight& flight = mail.flight;
  if (const unsigned home = flow.home_of(flight.upstream); home != flow.here()) {
    post(flow.shard_, home, MailKind::kFound, mail, as_bytes(upstream_id));
    return;
  }
  ReceiptDesk& desk = flow.receipts_;
  // Nobody waits any more: the message was answered meanwhile, and told. Kept now, it would wait for nothing.
  if (mail.parked && !desk.waits_for(flight.upstream, upstream_id)) return;
  const Instant now = flow.shard_.loop().now();
  if (mail.told) {
    desk.recall_told(flight, upstream_id, now);
  } else if (!desk.expects(flight, upstream_id)) {
    doubt({flight.id, flight.destination_hash});
    (void)desk.remember(flight, upstream_id, now);
  }
  for (const ParkedReport& parked : desk.waiting_for(flight.upstream, upstream_id)) {
    flow.match_report(parked.ticket, parked.pdu, Look::kAgain);
  }
}

void Flow::ReceiptStore::tell_if_first(const message::DeliveryTicket& ticket, const smpp::PduView& view,
                                       const ReceiptMap::Entry& entry) noexcept {
  const ToldId id{entry.own, entry.destination_hash};
  if (const auto at = doubted.find(id); at != doubted.end() && at->second) {
    suppress(ticket, entry);
    return;
  }
  const ByteSpan pdu = view.bytes();
  claim(id, [this, id, ticket, kept = std::vector<std::uint8_t>(pdu.begin(), pdu.end())](Claim claim) {
    if (claim == Claim::kUnknown) {
      flow.answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    } else if (!tell(ticket, kept, claim == Claim::kTold) && claim == Claim::kYours) {
      unclaim(id);
    }
  });
}

// What was read of it is read again: the configuration and what is known of its message may be others by now. False:
// its message's client was told nothing.
bool Flow::ReceiptStore::tell(const message::DeliveryTicket& ticket, ByteSpan pdu, bool told) noexcept {
  const UpstreamFacts* upstream = flow.snapshot_->upstream(ticket.upstream);
  smpp::PduView view;
  if (upstream == nullptr || !view.decode(pdu)) {
    flow.answer_smsc(ticket, CommandStatus::ESME_RX_T_APPN);
    return false;
  }
  const Report report = read_report(view, *upstream);
  const auto entry = flow.receipts_.match(ticket.upstream, report.receipt.id, view.text(smpp::Field::source_addr),
                                          view.text(smpp::Field::destination_addr), ReceiptDesk::Patience::kAtLast);
  if (!entry || entry->registered_delivery == 0 || !doubts({entry->own, entry->destination_hash})) {
    flow.match_report(ticket, view, *upstream, Look::kAgain);
    return false;
  }
  if (told) {
    suppress(ticket, *entry);
  } else if (flow.forward_report(ticket, view, report, *entry) == Reported::kNoTaker) {
    return false;
  }
  doubted[{entry->own, entry->destination_hash}] = true;
  return true;
}

unsigned Flow::ReceiptStore::judge_of(const ToldId& id) const noexcept {
  constexpr std::uint64_t kSpread = 0x9E37'79B9'7F4A'7C15ULL;
  return static_cast<unsigned>((id.own * kSpread >> 32U) % flow.shards_);
}

void Flow::ReceiptStore::claim(const ToldId& id, OnClaim then) noexcept {
  const unsigned judge = judge_of(id);
  if (judge == flow.here()) return decide(id, std::move(then));
  claims.emplace(++last_claim, std::move(then));
  post(flow.shard_, judge, MailKind::kClaim, ClaimMail{id, last_claim, flow.here()});
}

void Flow::ReceiptStore::unclaim(const ToldId& id) noexcept {
  const unsigned judge = judge_of(id);
  if (judge == flow.here()) return on_unclaim(id);
  post(flow.shard_, judge, MailKind::kUnclaim, UnclaimMail{id});
}

void Flow::ReceiptStore::on_claim(const ClaimMail& mail) noexcept {
  decide(mail.id, [this, mail](Claim claim) {
    post(flow.shard_, mail.from, MailKind::kClaimed, ClaimedMail{mail.number, claim});
  });
}

void Flow::ReceiptStore::on_claimed(const ClaimedMail& mail) noexcept {
  const auto then = claims.extract(mail.number);
  if (!then.empty()) then.mapped()(mail.claim);
}

void Flow::ReceiptStore::on_unclaim(const ToldId& id) noexcept {
  claimed.erase(id);
  if (const auto at = doubted.find(id); at != doubted.end()) at->second = false;
}

void Flow::ReceiptStore::erase_told(const ToldId& id) noexcept {
  flow.depot_->transaction.erase(store::Table::kOutcomes, text_of(told_key(id)));
}

void Flow::ReceiptStore::tell_anew(const ToldId& id) noexcept {
  on_unclaim(id);
  for (unsigned shard = 0; shard < flow.shards_; ++shard) {
    if (shard != flow.here()) post(flow.shard_, shard, MailKind::kUnclaim, UnclaimMail{id});
  }
}

// The first who asks tells it, unless it was told before anybody asked.
void Flow::ReceiptStore::decide(const ToldId& id, OnClaim then) noexcept {
  if (claimed.contains(id)) return then(Claim::kTold);
  const auto [waiting, first] = undecided.try_emplace(id);
  waiting->second.push_back(std::move(then));
  if (!first) return;
  ask_told(id, [this, id](bool told, bool failed) {
    const std::vector<OnClaim> asking = std::move(undecided.extract(id).mapped());
    if (!failed) remember_claim(id);
    Claim claim = failed ? Claim::kUnknown : told ? Claim::kTold : Claim::kYours;
    for (const OnClaim& next : asking) {
      next(claim);
      if (claim == Claim::kYours) claim = Claim::kTold;
    }
  });
}

void Flow::ReceiptStore::remember_claim(const ToldId& id) {
  if (!claimed.insert(id).second) return;
  claimed_order.push_back(id);
  if (claimed_order.size() <= flow.snapshot_->config->receipts.max_entries) return;
  claimed.erase(claimed_order.front());
  claimed_order.pop_front();
}

// Two mails and two transactions behind the SMSC's answer. On one shard they are in front of the receipt's.
bool Flow::ReceiptStore::may_end_later(const ReceiptMap::Entry& entry) const noexcept {
  return flow.shards_ > 1 && flow.shard_.loop().now() < entry.submitted + kEndedByThen;
}

void Flow::ReceiptStore::suppress(const message::DeliveryTicket& ticket, const ReceiptMap::Entry& entry) noexcept {
  ++flow.probe_.receipts_duplicate;
  if (!entry.telling) flow.settle_report(entry.ref, CommandStatus::ESME_ROK);
  flow.answer_smsc(ticket, CommandStatus::ESME_ROK);
  std::uint64_t suppressed = 0;
  if (log.allow(flow.shard_.loop().now(), suppressed)) {
    kLog.warn("another final receipt of a message whose client has had one",
              {{"id", message::OwnIdText(entry.own, message::IdFormat::kHex).view()},
               {"upstream", flow.snapshot_->upstream_names[entry.upstream.value()]},
               {"suppressed", suppressed}});
  }
}

}  // namespace smppd::flow
