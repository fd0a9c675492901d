// Stored messages on their way to an SMSC: kept (stop 4), queued, sent, answered, sent again or given up.
#include <algorithm>

#include "flow/internal/aliases.h"
#include "flow/internal/correlation.h"
#include "flow/internal/depot.h"
#include "flow/internal/hash.h"
#include "flow/internal/log.h"
#include "flow/internal/matching.h"
#include "flow/internal/retry_policy.h"
#include "flow/internal/validity.h"
#include "flow/receipt_map.h"
#include "smpp/flags.h"

namespace smppd::flow {

namespace {

using smpp::CommandStatus;

constexpr std::size_t kTakeAtOnce = 128;
// That a message was told of, on disk; in memory the receipt map's marks know it as long, in a fifteenth of the room.
constexpr std::chrono::milliseconds kKnownAfterFinal = std::chrono::hours(1);
constexpr std::chrono::milliseconds kKnownBesideMarks = std::chrono::seconds(10);
constexpr std::size_t kProbe =
    8;  // taken from the lane of an upstream that is down, to see whether another road is open
constexpr Duration kBlocked = std::chrono::milliseconds(500);
constexpr Duration kElsewhere = std::chrono::seconds(1);  // for room on another shard's link
// Of eight turns five are the highest priority's that waits, and every priority has one at least.
constexpr std::array<std::uint8_t, 8> kTurns{3, 3, 2, 3, 1, 3, 2, 0};

store::Progress first_progress(store::LaneId lane, const Lifetime& life, std::uint32_t mark,
                               std::uint32_t order) noexcept {
  store::Progress progress;
  progress.state = depot::number_of(depot::ItemState::kQueued);
  progress.lane = lane;
  if (life.scheduled) progress.due = life.due;
  progress.expires = life.expires;
  progress.mark = mark;
  if (!life.scheduled) progress.order = order;
  return progress;
}

bool must_wait(const depot::Outlet& outlet, unsigned priority, store::Partition& partition,
               std::uint32_t order) noexcept {
  return outlet.in_front_of(priority) || (order != 0 && partition.in_order(order));
}

}  // namespace

bool depot::Outlet::any_ready() const noexcept {
  return std::any_of(lanes.begin(), lanes.end(), [](const Lane& lane) { return lane.ready; });
}

// Whether something waits that a new message of this priority must not overtake.
bool depot::Outlet::in_front_of(unsigned priority) const noexcept {
  return std::any_of(lanes.begin() + priority, lanes.end(),
                     [](const Lane& lane) { return lane.ready || lane.reading; });
}

Flow::Depot::Outlet& Flow::Depot::outlet_of(std::uint32_t hash) {
  auto& outlet = outlets[hash];
  if (outlet == nullptr) {
    outlet = std::make_unique<Outlet>();
    outlet->hash = hash;
  }
  return *outlet;
}

// Stop 4.
Flow::Taken Flow::Depot::keep(Submission& m) noexcept {
  const auto refused = [&](CommandStatus status) { return flow.refuse(m, status), Taken::kYes; };
  const Lifetime life = lifetime(m.view);
  if (life.status != CommandStatus::ESME_ROK) return refused(life.status);
  if (life.scheduled) m.draft.edit().set(smpp::Field::schedule_delivery_time, std::string_view());
  const unsigned priority = std::min<unsigned>(m.facts.priority_flag, lanes::kPriorities - 1);
  if (m.may_be_part()) [[unlikely]]
    follow_parts(m, m.road.upstreams[0]);
  Outlet& outlet = *outlet_by_id[m.road.upstreams[0].value()];
  const store::ItemId item =
      m.part_of_multi || m.sender.side.version == smpp::Version::v33 ? flow.ids_.next(flow.wall_now()) : m.id;
  const std::uint32_t mark = mark_of(m.sender.entry, m.view, m.facts);
  const std::uint32_t order = outlet.in_order ? order_of(m.sender.entry, m.facts) : 0;
  store::Progress progress = first_progress(lanes::of_upstream(outlet.hash, priority), life, mark, order);
  if (m.view.u8(smpp::Field::replace_if_present_flag) == 1 && mark != 0 && !m.is_part) [[unlikely]]
    return keep_in_place(m, item, progress);
  Prepared prepared;
  bool direct = !life.scheduled && may_send() && !must_wait(outlet, priority, partition, order);
  if (direct) {
    CommandStatus refusal{};
    switch (prepare(m, prepared, refusal)) {
      case Ready::kYes: break;
      case Ready::kRefused: return refused(refusal);
      default: direct = false;
    }
  }
  if (direct) {
    prepared.write(progress);
  } else if (const CommandStatus too_long = fits_parts(m); too_long != CommandStatus::ESME_ROK) {
    return refused(too_long);
  }
  const ByteSpan kept = body_of_message(m, life.expires);
  if (kept.empty()) {
    if (direct) unlaunch(prepared.flight);
    return refused(CommandStatus::ESME_RSYSERR);
  }
  begin().enqueue(item, progress, kept);
  put_alias(transaction, m.id, item, progress.expires);
  turn_wanted = true;
  const store::Sequence sequence = owed.empty() ? partition.append(transaction, store::Intake::kNew) : 0;
  if (sequence == 0) {
    if (direct) unlaunch(prepared.flight);
    ++flow.probe_.store_full;
    const bool waits = m.sender.listener->overload == config::Overload::kWait && !m.sender.impatient;
    if (waits) waiting_sessions.push_back(m.sender.session);
    return Taken::kWait;
  }
  ++flow.probe_.kept;
  steps.push(sequence, StepKind::kAccepted, accepted(m));
  if (!direct) {
    outlet.lanes[priority].ready = outlet.lanes[priority].ready || !life.scheduled;
    return Taken::kYes;
  }
  auto [entry, handle] = entries.make(Entry{item, progress.lane, life.expires, 0, false, prepared.parts, mark});
  prepared.flight.origin = message::Origin{handle, 0, flow.here()};
  ++prepared.outlet->promised;
  steps.push(sequence, StepKind::kLaunch, depot::LaunchStep{prepared.flight, prepared.outlet->hash}, prepared.pdu);
  return Taken::kYes;
}

depot::AcceptedStep Flow::Depot::accepted(const Submission& m) const noexcept {
  const message::Origin origin = m.part_of_multi
                                     ? message::Origin{m.multi, m.multi_index, flow.here()}
                                     : message::Origin{m.sender.session, m.header.sequence_number, flow.here()};
  return {origin, m.id, m.header.command_id, m.part_of_multi};
}

TimesAsked times_of(const smpp::PduView& view) noexcept {
  TimesAsked times;
  times.schedule = view.text(smpp::Field::schedule_delivery_time);
  times.validity = view.text(smpp::Field::validity_period);
  if (const auto ttl = view.tlv(smpp::TlvTag::qos_time_to_live); ttl && ttl->size() == 4) {
    times.time_to_live = load_be<std::uint32_t>(ttl->data());
  }
  return times;
}

Lifetime Flow::Depot::lifetime(const smpp::PduView& view) const noexcept {
  Lifetime life = lifetime_of(times_of(view), options(), wall_now());
  life.due = from_wall(life.due);
  life.expires = from_wall(life.expires);
  return life;
}

// The message as it came, behind what the flow must know of its sender. Empty when it cannot be written.
ByteSpan Flow::Depot::body_of_message(Submission& m, store::Moment expires) noexcept {
  StoredMessage kept;
  kept.own = m.id;
  kept.registered_delivery = m.facts.registered_delivery;
  kept.client = m.sender.entry == nullptr ? std::string_view() : std::string_view(m.sender.entry->system_id);
  kept.side = m.sender.side;
  kept.source_hash = address_hash(m.facts.source_addr);
  if (m.part_of_multi) {
    kept.flags |= StoredMessage::kPartOfMulti;
    kept.destination_hash = destination_hash(m.facts.destination_addr);
  }
  kept.arrived = now();
  kept.expires = expires;
  kept.pdu = m.view.bytes();
  if (m.draft.edited() || m.mended) {
    redrawn.clear();
    if (!m.draft.edit().encode(redrawn, CommandStatus::ESME_ROK, m.header.sequence_number)) return {};
    kept.pdu = redrawn;
  }
  return body_of(kept);
}

ByteSpan Flow::Depot::body_of(const StoredMessage& message) noexcept {
  const std::size_t most = kMaxStoredHeader + message.pdu.size();
  if (body.size() < most) body.resize(most);
  return encode(message, body);
}

// Stops 5 to 7 up to the moment the request may leave: where to, in which octets, under which facts. The slot is taken.
Flow::Depot::Ready Flow::Depot::prepare(Submission& m, Prepared& prepared, CommandStatus& refusal) noexcept {
  upstream::PickFacts facts{
      message::normalised_destination(m.facts), m.sender.address_hash, flow.random(), &flow.quality_, {}, 0};
  if (m.may_be_part()) [[unlikely]]
    flow.find_part(m, facts);
  if (m.sent.begun()) {
    facts.pinned = m.road.upstreams[0];
    facts.host = m.host;
  }
  for (const message::UpstreamId id : m.road.to_try()) {
    if (const Ready ready = prepare_at(m, id, facts, prepared, refusal); ready != Ready::kDown) return ready;
  }
  for (const message::UpstreamId id : m.road.to_try()) {
    const UpstreamFacts* tried = flow.snapshot_->upstream(id);
    if (tried == nullptr || !tried->fallback.valid() || m.sent.begun()) continue;
    if (const Ready ready = prepare_at(m, tried->fallback, facts, prepared, refusal); ready != Ready::kDown) {
      return ready;
    }
  }
  return Ready::kDown;
}

Flow::Depot::Ready Flow::Depot::prepare_at(Submission& m, message::UpstreamId id, const upstream::PickFacts& facts,
                                           Prepared& prepared, CommandStatus& refusal) noexcept {
  const UpstreamFacts* upstream = flow.snapshot_->upstream(id);
  upstream::Group* group = upstream == nullptr ? nullptr : flow.upstreams_.find(id);
  if (group == nullptr) return Ready::kDown;
  Outlet& outlet = *outlet_by_id[id.value()];
  // What waits for the disk has its slots already.
  if (outlet.promised > 0 && outlet.promised >= group->free_slots()) {
    if (!group->alive()) return Ready::kDown;
    group->want_room();
    full_at = id;
    return Ready::kFull;
  }
  const auto pick = group->pick(facts);
  if (pick.outcome == upstream::Group::Outcome::kDown) return Ready::kDown;
  if (pick.outcome == upstream::Group::Outcome::kFull) {
    group->want_room();
    full_at = id;
    return Ready::kFull;
  }
  const auto pdu = flow.write_out(m, *upstream);
  // Cut otherwise than before the configuration changed: the parts that are sent and these would not join.
  const bool joins = !m.sent.begun() || m.parts == m.sent.total;
  if (!pdu || !joins) {
    group->give_back();
    refusal = pdu ? CommandStatus::ESME_RSUBMITFAIL : pdu.error();
    return Ready::kRefused;
  }
  prepared.pdu = *pdu;
  prepared.outlet = &outlet;
  flow.note(m, id, pick, prepared.flight);
  prepared.flight.stored = true;
  prepared.flight.part_of_multi = false;
  if (m.is_part) [[unlikely]]
    flow.pin_part(m, id, pick.host);
  if (m.parts > 1) [[unlikely]] {
    prepared.parts = {m.sent.reference, m.parts, m.sent.done};
    prepared.flight.part = static_cast<std::uint8_t>(m.sent.done + 1);
    prepared.flight.parts = m.parts;
  }
  group->launched(pick.host, pick.shard);
  return Ready::kYes;
}

void Flow::Depot::unlaunch(const message::Flight& flight) noexcept {
  if (upstream::Group* group = flow.upstreams_.find(flight.upstream)) group->abandoned(flight.host, flight.lane_shard);
}

// Its transaction is durable: the request leaves.
void Flow::Depot::launch(const depot::LaunchStep& step, ByteSpan pdu) noexcept {
  const message::Flight& flight = step.flight;
  Outlet& outlet = outlet_of(step.outlet);
  if (outlet.promised > 0) --outlet.promised;
  upstream::Group* group = flow.upstreams_.find(flight.upstream);
  if (group != nullptr && flight.lane_shard != flow.here()) {
    ++flow.probe_.cross_shard;
    post(flow.shard_, flight.lane_shard, MailKind::kSubmit, SubmitMail{flight, flow.shard_.loop().now() + kElsewhere},
         pdu);
    return;
  }
  if (group != nullptr && group->send(flight, pdu)) return;
  if (group != nullptr) {
    group->abandoned(flight.host, flight.lane_shard);
    group->want_room();
  }
  if (Entry* entry = entries.get(flight.origin.session)) {
    flow.probe_.found_full += group != nullptr;
    requeue(flight.origin.session, *entry, {});
  }
}

void Flow::Depot::requeue(SlabHandle handle, Entry& entry, store::Moment due) noexcept {
  store::Progress progress;
  entry.write(progress, ItemState::kQueued);
  progress.attempts = entry.attempts;
  progress.lane = entry.lane;
  progress.due = due;
  progress.expires = entry.expires;
  progress.held = due == store::Moment{} && owed.empty();
  begin().amend(entry.item, progress);
  commit_owed();
  if (progress.held) (void)partition.put_back(entry.item, due);  // before what came after it
  if (due <= now()) outlet_of(lanes::hash_in(entry.lane)).lanes[lanes::priority_in(entry.lane)].ready = true;
  entries.release(handle);
}

// As many as may leave now; the disk is asked for nothing that could not go on.
void Flow::Depot::pump(Outlet& outlet) noexcept {
  if (!may_send() || outlet.full_at.valid() || !outlet.any_ready()) return;
  if (flow.shard_.loop().now() < outlet.blocked_until) return;
  upstream::Group* group = outlet.upstream.valid() ? flow.upstreams_.find(outlet.upstream) : nullptr;
  const bool alive = group != nullptr && group->alive();
  const std::size_t slots = alive ? group->free_slots() : kProbe;
  const std::size_t permits = alive ? group->permits() : kProbe;
  if (slots <= outlet.promised || permits == 0) {
    if (alive) group->want_room();
    return;
  }
  if (!alive) outlet.blocked_until = flow.shard_.loop().now() + kBlocked;
  for (std::size_t tried = 0; tried < kTurns.size(); ++tried) {
    const unsigned priority = kTurns[outlet.turn];
    outlet.turn = static_cast<std::uint8_t>((outlet.turn + 1) % kTurns.size());
    Lane& lane = outlet.lanes[priority];
    if (lane.reading) return;
    if (!lane.ready) continue;
    take(lanes::of_upstream(outlet.hash, priority), lane, std::min({slots - outlet.promised, permits, kTakeAtOnce}));
    return;
  }
}

void Flow::Depot::on_room_at(const upstream::Group& group) noexcept {
  const message::UpstreamId id = group.id();
  if (id.value() < outlet_by_id.size() && outlet_by_id[id.value()] != nullptr) {
    Outlet& outlet = *outlet_by_id[id.value()];
    outlet.blocked_until = {};
    outlet.full_at = {};
    pump(outlet);
  }
  for (std::size_t left = full_outlets.size(); left > 0; --left) {
    Outlet& outlet = *full_outlets.front();
    full_outlets.pop_front();
    if (outlet.full_at == id) outlet.full_at = {};
    if (outlet.full_at.valid()) full_outlets.push_back(&outlet);
    pump(outlet);
  }
}

// An item of a lane, held now.
void Flow::Depot::take_up(const store::ItemView& item, std::uint16_t host) noexcept {
  const auto stored = item.damaged ? std::nullopt : decode_stored(item.body);
  if (!stored) {
    ++flow.probe_.store_damaged;
    kLog.error("a stored message cannot be read and is given up",
               {{"id", message::OwnIdText(item.id, message::IdFormat::kHex).view()}});
    begin().finish(item.id);
    commit_owed();
    return;
  }
  if (item.progress.expires <= now()) {
    bury(item, *stored, {EndReason::kExpired, CommandStatus::ESME_ROK});
    return;
  }
  switch (depot::state_of(item.progress)) {
    case ItemState::kUncertain: unless_told(item, *stored, &Depot::end_uncertain); return;
    case ItemState::kSent: unless_told(item, *stored, &Depot::found_sent); return;
    default: send_again(item, *stored, host); return;
  }
}

Sender Flow::Depot::sender_of(const StoredMessage& stored) const noexcept {
  Sender sender;
  sender.side = stored.side;
  sender.entry = stored.client.empty() ? nullptr : flow.snapshot_->clients->find(stored.client);
  if (sender.entry != nullptr) sender.client = sender.entry->id;
  return sender;
}

// Today's road, but for a message whose parts an upstream has. False: nobody takes it.
bool Flow::Depot::decide_road_again(Submission& m, const store::ItemView& item) noexcept {
  const message::UpstreamId lane = outlet_of(lanes::hash_in(item.progress.lane)).upstream;
  if (m.sent.begun()) {
    m.road.kind = routing::Decision::Kind::kUpstreams;
    m.road.upstreams[0] = lane;
    m.road.upstream_count = 1;
    return lane.valid();
  }
  flow.decide_road(m);
  if (m.road.kind != routing::Decision::Kind::kUpstreams) return false;
  if (m.may_be_part()) [[unlikely]]
    follow_parts(m, lane);
  return true;
}

void Flow::Depot::send_again(const store::ItemView& item, const StoredMessage& stored, std::uint16_t host) noexcept {
  const Sender sender = sender_of(stored);
  smpp::PduView view;
  const smpp::DecodeResult decoded = view.decode(stored.pdu);
  Submission m(sender, view, flow.scratch_, true);
  m.header = view.header();
  m.mended = decoded.leniency != smpp::kNothingForgiven;
  if (!decoded) {
    bury(item, stored, {EndReason::kRefused, decoded.status});
    return;
  }
  read_facts(m.view, m.facts);
  m.facts.client = sender.client;
  m.facts.text = &m.text;
  // A relative validity counts from when the SMSC hears of it.
  if (m.view.text(smpp::Field::validity_period).ends_with('R')) {
    const smpp::TimeText left = validity_left(item.progress.expires, now());
    m.draft.edit().set(smpp::Field::validity_period, smpp::view(left));
  }
  m.id = stored.own;
  m.arrived = flow.shard_.loop().now() - std::chrono::duration_cast<Duration>(now() - stored.arrived);
  m.sent = depot::parts_of(item.progress);
  m.host = host;
  if (!decide_road_again(m, item)) {
    bury(item, stored, {EndReason::kUnroutable, CommandStatus::ESME_RINVDSTADR});
    return;
  }
  Prepared prepared;
  CommandStatus refusal{};
  const Ready ready = may_send() ? prepare(m, prepared, refusal) : Ready::kFull;
  if (ready == Ready::kRefused) {
    bury(item, stored, {EndReason::kRefused, refusal});
    return;
  }
  Outlet& outlet = outlet_of(lanes::hash_in(item.progress.lane));
  if (ready != Ready::kYes) {
    if (ready == Ready::kDown) outlet.blocked_until = flow.shard_.loop().now() + kBlocked;
    if (ready == Ready::kFull && may_send()) {
      outlet.full_at = full_at;
      full_outlets.push_back(&outlet);
    }
    (void)partition.put_back(item.id, item.progress.due);
    outlet.lanes[lanes::priority_in(item.progress.lane)].ready = true;
    return;
  }
  outlet.blocked_until = {};  // there is a road, if not its own
  store::Progress progress = item.progress;
  if (m.sent.cut()) progress.mark = mark_of(kind_of(stored.client, m.view));
  const std::uint32_t mark = progress.mark;
  prepared.write(progress);
  auto [entry, handle] =
      entries.make(Entry{item.id, progress.lane, progress.expires, progress.attempts, false, prepared.parts, mark});
  prepared.flight.origin = message::Origin{handle, 0, flow.here()};
  prepared.flight.doubtful = item.progress.attempts != 0;
  ++prepared.outlet->promised;
  begin().amend(item.id, progress);
  commit_owed(StepKind::kLaunch, depot::LaunchStep{prepared.flight, prepared.outlet->hash}, prepared.pdu);
}

void Flow::Depot::answered(const message::Flight& flight, CommandStatus status, std::string_view upstream_id) noexcept {
  Entry* entry = entries.get(flight.origin.session);
  if (entry == nullptr) return;
  if (status == CommandStatus::ESME_ROK) {
    done(flight, *entry, upstream_id);
    return;
  }
  const NextStep next =
      after_answer(retry_input(entry->lane, entry->attempts, entry->expires), static_cast<std::uint32_t>(status));
  if (next.kind != NextStep::Kind::kRetry) {
    give_up(flight.origin.session, {next.reason, status, next.attempts.pack()});
    return;
  }
  ++flow.probe_.retried;
  entry->attempts = next.attempts.pack();
  requeue(flight.origin.session, *entry, next.at);
}

void Flow::Depot::done(const message::Flight& flight, Entry& entry, std::string_view upstream_id) noexcept {
  if (tracked_of(flight).registered_delivery != 0 && !upstream_id.empty()) {
    if (flow.home_of(flight.upstream) != flow.shard_.index()) {
      // The id first: an item that is finished without it would have a receipt that finds nothing.
      post(flow.shard_, flow.home_of(flight.upstream), MailKind::kCorrelate, CorrelateMail{flight, entry.expires},
           as_bytes(upstream_id));
      return;
    }
    begin();
    put_correlation(flight, entry.expires, upstream_id, false);
  } else {
    begin();
  }
  finish(flight, entry, upstream_id);
}

void Flow::Depot::finish(const message::Flight& flight, Entry& entry, std::string_view upstream_id) noexcept {
  if (entry.parts.cut()) {
    ++flow.probe_.long_parts;
    if (!entry.parts.at_last()) {
      go_on(flight, entry);
      return;
    }
    ++flow.probe_.long_messages;
  }
  transaction.finish(entry.item);
  erase_alias(transaction, flight.id, entry.item);
  if (options().keep_outcomes) put_outcome(flight, entry, upstream_id);
  commit_owed();
  if (entry.uncertain) uncertain_items.erase(entry.item);
  entries.release(flight.origin.session);
}

void Flow::Depot::correlate(const message::Flight& flight, store::Moment expires,
                            std::string_view upstream_id) noexcept {
  begin();
  put_correlation(flight, expires, upstream_id, false);
  if (transaction.empty()) {  // an id that cannot be kept
    tell_correlated(flight, upstream_id);
    return;
  }
  commit_owed(StepKind::kCorrelated, depot::CorrelatedStep{flight}, as_bytes(upstream_id));
}

void Flow::Depot::correlated(const message::Flight& flight, std::string_view upstream_id) noexcept {
  Entry* entry = entries.get(flight.origin.session);
  if (entry == nullptr) return;
  begin();
  finish(flight, *entry, upstream_id);
}

void Flow::Depot::put_correlation(const message::Flight& flight, store::Moment expires, std::string_view upstream_id,
                                  bool final) noexcept {
  // Its receipt may have come before this, by another shard or another link.
  const std::uint64_t id = internal::hash_text(upstream_id, flight.id ^ std::uint64_t{flight.destination_hash} << 48U);
  std::uint64_t& told = told_lately[id % told_lately.size()];
  if (final) told = id;
  final = final || told == id;
  Correlation correlation;
  correlation.own = flight.id;
  const message::Flight tracked = tracked_of(flight);
  if (tracked.parts > 1) {
    correlation.part = flight.part;
    correlation.parts = flight.parts;
  }
  if (flight.client.valid()) correlation.client = flow.snapshot_->client_names[flight.client.value()];
  correlation.source_hash = flight.source_hash;
  correlation.destination_hash = flight.destination_hash;
  correlation.registered_delivery = flight.registered_delivery;
  correlation.submitted = now();
  correlation.final_seen = final;
  correlation.upstream_id = upstream_id;
  CorrelationRoom room_for_value;
  const ByteSpan value = encode(correlation, room_for_value);
  const CorrelationKey key(flow.snapshot_->upstream_names[flight.upstream.value()], smpp::canonical_id(upstream_id));
  if (value.empty() || key.empty()) return;
  // After the last receipt only long enough to know another one for a repetition.
  const auto kept =
      final ? (options().is_on_disk() ? kKnownAfterFinal : kKnownBesideMarks)
            : std::chrono::duration_cast<std::chrono::milliseconds>(flow.snapshot_->config->receipts.retention);
  const store::Moment until = (final || expires == store::kNever ? now() : std::max(expires, now())) + kept;
  transaction.put(store::Table::kCorrelations, key.view(), value, until);
}

void Flow::Depot::put_final(const ReceiptMap::Entry& entry, std::string_view upstream_id) noexcept {
  if (upstream_id.empty()) return;
  message::Flight flight;
  flight.id = entry.own;
  flight.client = entry.client;
  flight.upstream = entry.upstream;
  flight.source_hash = entry.source_hash;
  flight.destination_hash = entry.destination_hash;
  put_correlation(flight, now(), upstream_id, true);
}

void Flow::Depot::answered_late(const message::Flight& flight, CommandStatus status,
                                std::string_view upstream_id) noexcept {
  Entry* entry = entries.get(flight.origin.session);
  if (entry == nullptr || !entry->uncertain) return;
  ++flow.probe_.adopted;
  if (status == CommandStatus::ESME_ROK) {
    done(flight, *entry, upstream_id);
    return;
  }
  uncertain_items.erase(entry->item);
  answered(flight, status, upstream_id);
}

}  // namespace smppd::flow
