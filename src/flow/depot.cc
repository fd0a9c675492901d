// The store's side of store-and-forward: what follows once a transaction is durable, what was read back, and the
// correlations that outlive this process.
#include "flow/internal/depot.h"

#include <algorithm>
#include <utility>

#include "flow/internal/aliases.h"
#include "flow/internal/correlation.h"
#include "flow/internal/desk.h"
#include "flow/internal/format_memory.h"
#include "flow/internal/log.h"
#include "flow/internal/stored_operations.h"
#include "flow/receipt_map.h"

namespace smppd::flow {

namespace {

// A tick's worth: a clock that was set is followed at a hundredth of its pace.
constexpr std::chrono::milliseconds kFollow{1};

// That one id stands for: the destinations of a submit_multi, and as many again that wait as dead letters did.
constexpr std::uint32_t kMostItems = 512;

// A tag says what was asked: a lane, or the number of an Ask.
constexpr std::uint64_t kAskBit = std::uint64_t{1} << 63U;

}  // namespace

Flow::Depot::Depot(Flow& its_flow, store::Partition& its_partition)
    : flow(its_flow),
      partition(its_partition),
      operations(std::make_unique<Operations>(its_flow)),
      formats(std::make_unique<FormatMemory>(its_flow)) {
  partition.attach(*this, [&loop = flow.shard_.loop(), flag = turn_flag] { loop.post([flag] { *flag = true; }); });
  const auto wall = std::chrono::time_point_cast<std::chrono::milliseconds>(flow.shard_.loop().wall_now());
  epoch = wall - std::chrono::duration_cast<std::chrono::milliseconds>(flow.shard_.loop().now().time_since_epoch());
  for (const store::LaneStats& lane : partition.stats().lanes) {
    const std::uint32_t hash = lanes::hash_in(lane.lane);
    if (lanes::kind(lane.lane) == lanes::Kind::kUpstream) {
      outlet_of(hash).lanes[lanes::priority_in(lane.lane)].ready = true;
    } else if (lanes::kind(lane.lane) == lanes::Kind::kParts) {
      parts_lanes.push_back(lane.lane);
    } else {
      Box& box = box_of(hash);
      box.items = lane.items;
      box.lane.ready = true;
    }
  }
}

Flow::Depot::~Depot() = default;

store::Moment Flow::Depot::wall_now() const noexcept {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(flow.wall_now());
}

store::Moment Flow::Depot::now() const noexcept {
  return epoch + std::chrono::duration_cast<std::chrono::milliseconds>(flow.shard_.loop().now().time_since_epoch());
}

void Flow::Depot::apply() {
  const Snapshot& snapshot = *flow.snapshot_;
  for (auto& [hash, outlet] : outlets) outlet->upstream = {};
  outlet_by_id.assign(snapshot.upstreams.size(), nullptr);
  for (std::size_t i = 0; i < snapshot.upstreams.size(); ++i) {
    if (snapshot.upstreams[i].options == nullptr) continue;
    Outlet& outlet = outlet_of(lanes::hash(snapshot.upstream_names[i]));
    outlet.upstream = message::UpstreamId(static_cast<std::uint16_t>(i));
    outlet.blocked_until = {};
    outlet.in_order = snapshot.upstreams[i].options->retry.order == config::RetryOrder::kDestination;
    outlet_by_id[i] = &outlet;
  }
  clients.clear();
  for (const accounts::ClientEntry& client : snapshot.clients->all()) {
    clients.emplace(lanes::hash(client.system_id), client.id);
  }
  for (auto& [hash, box] : boxes) {
    const auto found = clients.find(hash);
    box->client = found == clients.end() ? message::ClientId() : found->second;
  }
  for (const store::LaneId lane : parts_lanes) {
    Lane nobody_waits;
    take(lane, nobody_waits, UINT32_MAX);
  }
  parts_lanes.clear();
  receipts.start();
  formats->apply();
}

void Flow::Depot::turn() noexcept {
  if (!turn_wanted) return;
  turn_wanted = false;
  for (Box* box : hungry) {
    box->listed = false;
    pump(*box);
  }
  hungry.clear();
  if (!owed.empty()) flush_owed();  // there may have been no room in the middle of a turn only
  partition.turn(now());
}

void Flow::Depot::tick() noexcept {
  if (flow.snapshot_ == nullptr) return;
  epoch += std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(wall_now() - now()), -kFollow, kFollow);
  full_outlets.clear();
  for (auto& [hash, outlet] : outlets) {
    outlet->full_at = {};
    pump(*outlet);
  }
  for (auto& [hash, box] : boxes) {
    box->blocked = false;
    pump(*box);
  }
  for (const auto& again : std::exchange(at_tick, {})) again();
  flow.desk_->tick();
  receipts.tick();
  formats->tick();
  turn_wanted = true;
}

void Flow::Depot::on_durable(store::Sequence last) noexcept {
  steps.run(last, [this](const depot::Steps::Step& step) { run(step); });
}

void Flow::Depot::run(const depot::Steps::Step& step) noexcept {
  switch (step.kind) {
    case StepKind::kAccepted: {
      const auto facts = step.facts<depot::AcceptedStep>();
      if (facts.part_of_multi) {
        message::Flight flight;
        flight.origin = facts.origin;
        flow.part_done(flight, smpp::CommandStatus::ESME_ROK, {});
      } else {
        flow.sessions_->answer(
            facts.origin.session,
            {facts.origin.sequence_number, facts.command_id, smpp::CommandStatus::ESME_ROK, facts.id, {}, {}});
      }
      return;
    }
    case StepKind::kLaunch: launch(step.facts<depot::LaunchStep>(), step.octets<depot::LaunchStep>()); return;
    case StepKind::kAcknowledge:
      flow.answer_smsc(step.facts<depot::AcknowledgeStep>().ticket, smpp::CommandStatus::ESME_ROK);
      return;
    case StepKind::kDesk: flow.desk_->durable(step.facts<depot::DeskStep>().number); return;
    case StepKind::kTaken: hand_over(step.facts<depot::TakenStep>(), step.octets<depot::TakenStep>()); return;
    case StepKind::kCorrelated:
      tell_correlated(step.facts<depot::CorrelatedStep>().flight, as_text(step.octets<depot::CorrelatedStep>()));
      return;
  }
}

// The shard that has the item.
void Flow::Depot::tell_correlated(const message::Flight& flight, std::string_view upstream_id) noexcept {
  if (flight.origin.shard == flow.here()) {
    correlated(flight, upstream_id);
  } else {
    post(flow.shard_, flight.origin.shard, MailKind::kCorrelated, CorrelatedMail{flight}, as_bytes(upstream_id));
  }
}

void Flow::Depot::on_room(store::Room now_room) noexcept {
  room = now_room;
  flush_owed();
  if (room == store::Room::kOpen) serve_waiting_sessions();
  if (may_send()) {
    for (auto& [hash, outlet] : outlets) pump(*outlet);
  }
}

void Flow::Depot::flush_owed() noexcept {
  while (!owed.empty()) {
    depot::Owed& first = owed.front();
    const auto sequence = partition.append(first.transaction, store::Intake::kOwed);
    if (sequence == 0) return;
    if (first.has_step) steps.push_whole(sequence, first.kind, first.step);
    owed.pop_front();
    turn_wanted = true;
  }
}

void Flow::Depot::serve_waiting_sessions() noexcept {
  for (std::size_t left = waiting_sessions.size(); left > 0; --left) {
    const SlabHandle session = waiting_sessions.front();
    waiting_sessions.pop_front();
    flow.sessions_->resume(session);
  }
}

void Flow::Depot::on_ready(store::LaneId lane) noexcept {
  if (lanes::kind(lane) == lanes::Kind::kParts) return;  // read once, at the start
  const std::uint32_t hash = lanes::hash_in(lane);
  if (lanes::kind(lane) == lanes::Kind::kUpstream) {
    Outlet& outlet = outlet_of(hash);
    outlet.lanes[lanes::priority_in(lane)].ready = true;
    pump(outlet);
  } else {
    Box& box = box_of(hash);
    box.lane.ready = true;
    pump(box);
  }
}

void Flow::Depot::take(store::LaneId lane, Lane& state, std::size_t limit) noexcept {
  state.reading = true;
  state.ready = false;
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kTake;
  request.tag = lane.value();
  request.lane = lane;
  request.limit = static_cast<std::uint32_t>(limit);
  partition.read(request);
  turn_wanted = true;
}

void Flow::Depot::ask(store::ReadRequest request, Ask what) noexcept {
  request.tag = kAskBit | ++asks;
  asked.emplace(request.tag, std::move(what));
  partition.read(request);
  turn_wanted = true;
}

void Flow::Depot::on_read(const store::ReadAnswer& answer) noexcept {
  turn_wanted = true;
  if ((answer.tag & kAskBit) != 0) {
    const auto found = asked.find(answer.tag);
    if (found == asked.end()) return;
    const Ask what = std::move(found->second);
    asked.erase(found);
    on_asked(what, answer);
    return;
  }
  const store::LaneId lane(static_cast<std::uint32_t>(answer.tag));
  if (lanes::kind(lane) == lanes::Kind::kParts) {
    for (const store::ItemView& item : answer.items) take_part(item);
    return;
  }
  const bool outbound = lanes::kind(lane) == lanes::Kind::kUpstream;
  Outlet* outlet = outbound ? &outlet_of(lanes::hash_in(lane)) : nullptr;
  Box* box = outbound ? nullptr : &box_of(lanes::hash_in(lane));
  Lane& state = outbound ? outlet->lanes[lanes::priority_in(lane)] : box->lane;
  state.reading = false;
  state.ready = state.ready || answer.more || answer.failed;
  for (const store::ItemView& item : answer.items) {
    if (outbound) {
      take_up(item);
    } else {
      take_out(item);
    }
  }
  if (answer.failed) return;  // the next tick asks again
  if (outbound) {
    pump(*outlet);
  } else {
    pump(*box);
  }
}

void Flow::Depot::on_expired(std::span<const store::ItemId> items) noexcept {
  for (const store::ItemId item : items) {
    store::ReadRequest request;
    request.kind = store::ReadRequest::Kind::kItem;
    request.id = item;
    Ask what;
    what.burial.reason = EndReason::kExpired;
    ask(request, std::move(what));
  }
}

void Flow::Depot::on_asked(const Ask& what, const store::ReadAnswer& answer) noexcept {
  switch (what.kind) {
    case Ask::Kind::kCorrelation: found_correlation(what, answer); return;
    case Ask::Kind::kSettle: settle_found(what.flight, answer); return;
    case Ask::Kind::kNextPart: next_part(what, answer); return;
    case Ask::Kind::kDesk: what.desk(answer); return;
    case Ask::Kind::kEnd:
      if (!answer.items.empty()) end_item(answer.items.front(), what.burial);
      return;
  }
}

// On the home shard: the receipt is parked meanwhile; what is found goes on as if the SMSC had just answered.
void Flow::Depot::look_up(const LookUpMail& mail, std::string_view receipt_id) noexcept {
  const auto* matcher = flow.receipts_.matcher(mail.upstream);
  if (matcher == nullptr) return;
  for (const smpp::CanonicalId& id : matcher->candidates(receipt_id)) {
    look_up_here(mail, id.view());
    for (unsigned shard = 0; shard < flow.shard_.count(); ++shard) {
      if (shard != flow.here()) post(flow.shard_, shard, MailKind::kLookUp, mail, as_bytes(id.view()));
    }
  }
}

void Flow::Depot::look_up_here(const LookUpMail& mail, std::string_view canonical_id) noexcept {
  const CorrelationKey key(flow.snapshot_->upstream_names[mail.upstream.value()], smpp::canonical_id(canonical_id));
  if (key.empty()) return;
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kGet;
  request.table = store::Table::kCorrelations;
  request.key = key.view();
  Ask what;
  what.kind = Ask::Kind::kCorrelation;
  what.looked_up = mail;
  ask(request, std::move(what));
}

void Flow::Depot::find_items(message::OwnId own, std::function<void(const std::vector<store::ItemId>&)> then) {
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kItem;
  request.id = own;
  flow.desk_->read(request, [this, own, then = std::move(then)](const store::ReadAnswer& answer) {
    if (!answer.items.empty()) return then({own});
    const AliasKey from = alias_key(own, 0);
    store::ReadRequest aliases;
    aliases.kind = store::ReadRequest::Kind::kScan;
    aliases.table = store::Table::kNotes;
    aliases.key = view(from);
    aliases.limit = kMostItems;
    flow.desk_->read(aliases, [own, then](const store::ReadAnswer& known) {
      std::vector<store::ItemId> items;
      for (const store::RecordView& alias : known.records) {
        if (const store::ItemId item = aliased_item(alias.key, own); item != 0) items.push_back(item);
      }
      then(items);
    });
  });
}

void Flow::Depot::found_correlation(const Ask& what, const store::ReadAnswer& answer) noexcept {
  if (answer.records.empty()) return;
  const auto found = decode_correlation(answer.records.front().value);
  if (!found) return;
  const accounts::ClientEntry* client = flow.snapshot_->clients->find(found->client);
  message::Flight flight;
  flight.id = found->own;
  flight.client = client == nullptr ? message::ClientId() : client->id;
  flight.upstream = what.looked_up.upstream;
  flight.source_hash = found->source_hash;
  flight.destination_hash = found->destination_hash;
  flight.registered_delivery = found->registered_delivery;
  flight.command_id = smpp::CommandId::submit_sm;
  flight.tracked = true;
  flight.doubtful = true;
  flight.arrived = flow.shard_.loop().now() - std::chrono::duration_cast<Duration>(now() - found->submitted);
  flight.part = found->part;
  flight.parts = found->parts;
  const SettledMail accepted{found->own, found->part, found->destination_hash};
  settle_item(accepted);
  for (unsigned shard = 0; shard < flow.shard_.count(); ++shard) {
    if (shard != flow.here()) post(flow.shard_, shard, MailKind::kSettled, accepted);
  }
  receipts.found({flight, found->final_seen, what.looked_up.parked}, found->upstream_id);
}

void Flow::Depot::settle_item(const SettledMail& accepted) noexcept {
  find_items(accepted.own, [this, accepted](const std::vector<store::ItemId>& items) {
    for (const store::ItemId item : items) {
      store::ReadRequest request;
      request.kind = store::ReadRequest::Kind::kItem;
      request.id = item;
      Ask what;
      what.kind = Ask::Kind::kSettle;
      what.flight.part = accepted.part;
      what.flight.destination_hash = accepted.destination_hash;
      ask(request, std::move(what));
    }
  });
}

void Flow::Depot::settle_found(const message::Flight& accepted, const store::ReadAnswer& answer) noexcept {
  if (answer.items.empty()) return;
  const store::ItemView& item = answer.items.front();
  if (depot::state_of(item.progress) != ItemState::kUncertain) return;
  const auto stored = item.damaged ? std::nullopt : decode_stored(item.body);
  if (stored && stored->is(StoredMessage::kPartOfMulti) && stored->destination_hash != accepted.destination_hash)
    return;
  const std::uint8_t part = accepted.part;
  PartMark mark = depot::parts_of(item.progress);
  if (mark.cut() && part != mark.done + 1) return;  // of a part before the one that nobody knows about
  let_go(item.id);
  ++flow.probe_.adopted;
  begin();
  if (mark.cut() && !mark.at_last()) {
    ++mark.done;
    store::Progress progress;
    progress.state = depot::number_of(ItemState::kQueued, true);
    progress.mark = mark.pack();
    progress.lane = item.progress.lane;
    progress.expires = item.progress.expires;
    transaction.amend(item.id, progress);
  } else {
    transaction.finish(item.id);
  }
  commit_owed();
}

}  // namespace smppd::flow
