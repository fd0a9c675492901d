// A message's road, MT: read, judge, route, pick, send, and the answer on its way back. One function per stop.
#include <new>

#include "base/flatten.h"
#include "flow/flow.h"
#include "flow/internal/depot.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/log.h"
#include "flow/internal/long_message.h"
#include "flow/internal/multi.h"
#include "flow/internal/submission.h"
#include "flow/receipt_map.h"
#include "smpp/flags.h"

namespace smppd::flow {

// What few messages need, kept out of the functions that all pass.
struct Flow::Aside {
  Flow& flow;

  [[gnu::noinline]] Taken submit(const Sender& sender, const smpp::Header& header, ByteSpan pdu, bool again) noexcept;
  [[gnu::noinline]] void refuse_malformed(const Submission& m, const smpp::DecodeResult& decoded) noexcept;
  [[gnu::noinline]] bool pass_filters(Submission& m) noexcept;
  [[gnu::noinline]] void answer_by_route(Submission& m) noexcept;
  [[gnu::noinline]] Taken pick_and_send(Submission& m) noexcept;
  [[gnu::noinline]] void tell_filters(const message::Flight& flight, smpp::CommandStatus status, bool uncertain,
                                      std::string_view upstream_id) noexcept;
  [[gnu::noinline]] void track(const message::Flight& flight, std::string_view upstream_id, unsigned home) noexcept;
  [[gnu::noinline]] void stored_response(const message::Flight& flight, ByteSpan pdu, Duration took,
                                         bool late) noexcept;
  [[gnu::noinline]] void track_late_or_part(const message::Flight& flight, std::string_view upstream_id,
                                            bool late) noexcept;
  [[gnu::noinline]] void match_waiting(message::UpstreamId upstream, std::string_view upstream_id) noexcept;
};

// The stops are short and hand much to each other: one function is made of all that nearly every message passes, and
// what few need is kept out of it.
SMPPD_FLATTEN Flow::Taken Flow::submit(const Sender& sender, const smpp::Header& header, ByteSpan pdu,
                                       bool again) noexcept {
  if (header.command_id == smpp::CommandId::submit_sm) [[likely]]
    return submit_message(sender, header, pdu, again);
  return Aside{*this}.submit(sender, header, pdu, again);
}

Flow::Taken Flow::Aside::submit(const Sender& sender, const smpp::Header& header, ByteSpan pdu, bool again) noexcept {
  switch (header.command_id) {
    case smpp::CommandId::data_sm:
    case smpp::CommandId::broadcast_sm: return flow.submit_message(sender, header, pdu, again);
    case smpp::CommandId::submit_multi: return flow.submit_multi(sender, pdu, again);
    case smpp::CommandId::query_msg_details:
    case smpp::CommandId::query_last_msgs:
    case smpp::CommandId::param_retrieve: return flow.operate_33(sender, header, pdu);
    case smpp::CommandId::query_sm:
    case smpp::CommandId::cancel_sm:
    case smpp::CommandId::replace_sm:
    case smpp::CommandId::query_broadcast_sm:
    case smpp::CommandId::cancel_broadcast_sm: return flow.operate(sender, header, pdu);
    default:
      flow.sessions_->answer(
          sender.session, {header.sequence_number, header.command_id, smpp::CommandStatus::ESME_RINVCMDID, 0, {}, {}});
      return Taken::kYes;
  }
}

Flow::Taken Flow::submit_message(const Sender& sender, const smpp::Header& header, ByteSpan pdu, bool again) noexcept {
  smpp::PduView view;
  const smpp::DecodeResult decoded = view.decode(pdu);
  Submission m(sender, view, scratch_, again);
  m.header = header;
  if (!read(m, decoded) || !judge(m) || !route(m)) return Taken::kYes;
  if (depot_ != nullptr && belongs_to_store(m)) return depot_->keep(m);
  return pick_and_send(m);
}

// Stop 2: the octets become a checked view and facts that rules can ask for.
bool Flow::read(Submission& m, const smpp::DecodeResult& decoded) noexcept {
  if (!m.again) ++probe_.submitted;
  m.arrived = shard_.loop().now();
  if (!decoded) [[unlikely]] {
    Aside{*this}.refuse_malformed(m, decoded);
    return false;
  }
  m.mended = decoded.leniency != smpp::kNothingForgiven;
  read_facts(m.view, m.facts);
  m.facts.client = m.sender.client;
  m.facts.text = &m.text;
  m.id = m.sender.side.version == smpp::Version::v33 ? ids_.next_short() : ids_.next(wall_now());
  return true;
}

void Flow::Aside::refuse_malformed(const Submission& m, const smpp::DecodeResult& decoded) noexcept {
  ++flow.probe_.malformed;
  std::uint64_t suppressed = 0;
  if (flow.malformed_log_.allow(m.arrived, suppressed)) {
    kLog.warn("malformed request", {{"command", smpp::name_of(m.header.command_id)},
                                    {"field", smpp::name_of(decoded.field)},
                                    {"fault", smpp::name_of(decoded.fault)},
                                    {"suppressed", suppressed}});
  }
  flow.refuse(m, decoded.status);
}

// Stop 3: the middleware. A message that waited for a window has been judged; filters that count know from `again`.
bool Flow::judge(Submission& m) noexcept { return chain_->on_message.empty() || Aside{*this}.pass_filters(m); }

bool Flow::Aside::pass_filters(Submission& m) noexcept {
  MessageContext context{m.facts, m.draft,   m.sender.entry,  m.sender.side.version,
                         m.id,    m.arrived, flow.wall_now(), m.again};
  for (Filter* filter : flow.chain_->on_message) {
    const Verdict verdict = filter->on_message(context);
    if (verdict.kind == Verdict::Kind::kPass) continue;
    if (verdict.kind == Verdict::Kind::kDrop) {
      ++flow.probe_.dropped_by_filter;
      flow.answer_here(m, smpp::CommandStatus::ESME_ROK);
    } else {
      ++flow.probe_.filtered;
      flow.refuse(m, verdict.status);
    }
    return false;
  }
  return true;
}

// Stop 5: the compiled table names the upstreams to try, or an answer of its own.
bool Flow::route(Submission& m) noexcept {
  decide_road(m);
  if (m.road.kind == routing::Decision::Kind::kUpstreams) [[likely]]
    return true;
  Aside{*this}.answer_by_route(m);
  return false;
}

void Flow::Aside::answer_by_route(Submission& m) noexcept {
  if (m.road.kind == routing::Decision::Kind::kNoRoute) {
    ++flow.probe_.no_route;
    flow.refuse(m, static_cast<smpp::CommandStatus>(m.sender.listener->no_route_status));
    return;
  }
  ++flow.probe_.canned;
  const config::CannedResponse& response = *m.road.response;
  const auto status = static_cast<smpp::CommandStatus>(response.status);
  if (status != smpp::CommandStatus::ESME_ROK) {
    flow.refuse(m, status);
    return;
  }
  message::IdText id;
  if (m.road.response_id != nullptr) {
    const auto word = [this] { return std::uint64_t{flow.random()} << 32U | flow.random(); };
    const std::uint64_t counter =
        (flow.probe_.canned - 1) * flow.shard_.count() + flow.shard_.index() + 1;  // no two shards meet
    m.road.response_id->write({m.facts, m.id, counter, {word(), word()}}, id);
  }
  flow.answer_here(m, status, id.view());
}

void Flow::decide_road(Submission& m) noexcept {
  if (m.sender.entry == nullptr || !m.sender.entry->upstream.valid()) {
    const std::uint32_t draw = random();
    snapshot_->routes->decide(m.facts, wall_now(), draw, m.sender.foreseen, m.road);
    if (m.road.equals > 1) prefer(m, draw);
    return;
  }
  m.road.kind = routing::Decision::Kind::kUpstreams;
  m.road.upstreams[0] = m.sender.entry->upstream;
  m.road.upstream_count = 1;
}

// The client's mode, the route's, what the client asks for in esm_class (3.4 §5.2.12), else the store's.
bool Flow::belongs_to_store(const Submission& m) const noexcept {
  if (m.header.command_id == smpp::CommandId::broadcast_sm) return false;
  std::optional<config::MessageMode> mode = m.sender.entry == nullptr ? std::nullopt : m.sender.entry->mode;
  if (!mode) mode = snapshot_->mode_of(m.road.route);
  if (mode) return *mode == config::MessageMode::kStoreAndForward;
  const auto asked = smpp::EsmClass{m.facts.esm_class}.mode();
  return asked == smpp::EsmClass::Mode::smsc_default || asked == smpp::EsmClass::Mode::store_and_forward;
}

// Stop 6: the first upstream on the list that is alive takes the message, or has it wait.
Flow::Taken Flow::pick_and_send(Submission& m) noexcept {
  if (pass_on(m)) [[likely]]
    return Taken::kYes;
  return Aside{*this}.pick_and_send(m);
}

// Stops 6 and 7 as nearly every message passes them: the upstream has one host, a link of this shard has room, and the
// client's own octets are right for it. False, and nothing has happened, for all others.
bool Flow::pass_on(const Submission& m) noexcept {
  const std::size_t id = m.road.upstreams[0].value();
  if (id >= ways_.size() || m.mended || m.draft.edited() || m.may_be_part()) return false;
  const Way& way = ways_[id];
  if (m.facts.short_message.size() >= way.plain_below || m.sender.side.alphabet != way.alphabet) return false;
  upstream::Link* link = way.group->usual_link();
  if (link == nullptr) return false;
  const upstream::Group::Pick pick{upstream::Group::Outcome::kSend, 0, here(), {}, link};
  note(m, m.road.upstreams[0], pick, way.group->send_through(*link, m.view.bytes()));
  return true;
}

Flow::Taken Flow::Aside::pick_and_send(Submission& m) noexcept {
  upstream::PickFacts facts{{}, m.sender.address_hash, flow.random(), &flow.quality_, {}, 0};
  if (m.may_be_part()) [[unlikely]]
    flow.find_part(m, facts);
  for (const message::UpstreamId id : m.road.to_try()) {
    if (const auto taken = flow.try_upstream(m, id, facts)) return *taken;
  }
  // None of the route's own: then what those name as their fallback.
  for (const message::UpstreamId id : m.road.to_try()) {
    const UpstreamFacts* tried = flow.snapshot_->upstream(id);
    if (tried == nullptr || !tried->fallback.valid()) continue;
    if (const auto taken = flow.try_upstream(m, tried->fallback, facts)) return *taken;
  }
  ++flow.probe_.no_upstream;
  flow.refuse(m, static_cast<smpp::CommandStatus>(m.sender.listener->no_upstream_status));
  return Taken::kYes;
}

// Empty when the upstream is down, or gone from the configuration.
std::optional<Flow::Taken> Flow::try_upstream(Submission& m, message::UpstreamId id,
                                              upstream::PickFacts& facts) noexcept {
  const UpstreamFacts* upstream = snapshot_->upstream(id);
  upstream::Group* group = upstream == nullptr ? nullptr : upstreams_.find(id);
  if (group == nullptr) return std::nullopt;
  if (group->host_count() > 1) facts.destination = message::normalised_destination(m.facts);
  const auto pick = group->pick(facts);
  if (pick.outcome == upstream::Group::Outcome::kSend) return send(m, *group, *upstream, pick);
  if (pick.outcome == upstream::Group::Outcome::kDown) return std::nullopt;
  wait_for(m.sender, *group);
  return Taken::kWait;
}

// The octets for this upstream: of the first part where the message is cut.
Flow::Written Flow::write_out(Submission& m, const UpstreamFacts& upstream) noexcept {
  if (m.facts.short_message.size() > upstream.long_rules.look_above || m.is_part) [[unlikely]] {
    return write_long(m, upstream);
  }
  return wire_form(m, upstream);
}

// The client's own octets where nothing has to change.
std::expected<ByteSpan, smpp::CommandStatus> Flow::wire_form(Submission& m, const UpstreamFacts& upstream) noexcept {
  if (!m.draft.edited() && !m.mended && !needs_adapting(m.view, m.facts, m.sender.side, upstream))
    return m.view.bytes();
  encoded_.clear();
  if (const auto adapted = adapt(m.draft, m.facts, m.sender.side, upstream, adapted_, encoded_); !adapted) {
    ++probe_.unadaptable;
    return std::unexpected(adapted.error());
  }
  return ByteSpan(encoded_);
}

// Writes all of the flight, whatever was there: in its place, for a copy of what was just written has to wait for it.
void Flow::note(const Submission& m, message::UpstreamId upstream, const upstream::Group::Pick& pick,
                message::Flight& flight) const noexcept {
  const bool receipt = m.facts.registered_delivery != 0;
  ::new (static_cast<void*>(&flight)) message::Flight{
      .id = m.id,
      .arrived = m.arrived,
      .origin = {.session = m.part_of_multi ? m.multi : m.sender.session,
                 .sequence_number = m.part_of_multi ? m.multi_index : m.header.sequence_number,
                 .shard = here()},
      .client = m.sender.client,
      .command_id = m.header.command_id,
      .source_hash = address_hash(m.facts.source_addr),
      .prefix = quality_.on() ? quality_.prefix_of(message::normalised_destination(m.facts)) : upstream::kUnnoted,
      .upstream = upstream,
      .host = pick.host,
      .destination_hash = receipt ? destination_hash(m.facts.destination_addr) : std::uint16_t{0},
      .registered_delivery = m.facts.registered_delivery,
      .lane_shard = pick.shard,
      .part_of_multi = m.part_of_multi,
      .tracked = gives_an_id(m.header.command_id),
      .destination_tail = internal::destination_tail(m.facts.destination_addr)};
}

// Stop 7.
Flow::Taken Flow::send(Submission& m, upstream::Group& group, const UpstreamFacts& upstream,
                       const upstream::Group::Pick& pick) noexcept {
  const auto written = write_out(m, upstream);
  if (!written) {
    group.give_back();
    refuse(m, written.error());
    return Taken::kYes;
  }
  const ByteSpan pdu = *written;
  message::Flight flight;
  note(m, group.id(), pick, flight);
  if (m.is_part) [[unlikely]]
    pin_part(m, group.id(), pick.host);
  if (m.parts > 1) [[unlikely]]
    begin_long(m, flight);
  group.launched(pick.host, pick.shard);
  if (pick.shard == here()) {
    if (group.send(flight, pdu, pick.link)) return Taken::kYes;
    group.abandoned(pick.host, pick.shard);
    if (flight.part != 0) long_->messages.release(flight.origin.session);
    wait_for(m.sender, group);
    return Taken::kWait;
  }
  ++probe_.cross_shard;
  const config::SmppListener& listener = *m.sender.listener;
  Instant until{};
  if (listener.overload == config::Overload::kWait) {
    until = (m.again || m.sender.impatient ? m.sender.waiting_since : m.arrived) + listener.overload_wait;
  }
  post(shard_, pick.shard, MailKind::kSubmit, SubmitMail{flight, until}, pdu);
  return Taken::kYes;
}

void Flow::wait_for(const Sender& sender, upstream::Group& group) noexcept {
  if (sender.impatient) return;
  ++probe_.waits;
  if (sender.listener->overload != config::Overload::kWait) return;
  waiting_[group.id()].push_back(sender.session);
  group.want_room();
}

// As many sessions try again as there are slots, the longest waiting first; the others keep their place.
void Flow::on_room(upstream::Group& group) noexcept {
  if (depot_ != nullptr) depot_->on_room_at(group);
  resume_parts(&group);
  const auto at = waiting_.find(group.id());
  if (at == waiting_.end()) return;
  std::size_t slots = std::max<std::size_t>(group.free_slots(), 1);
  for (; slots > 0 && !at->second.empty(); --slots) {
    const SlabHandle session = at->second.front();
    at->second.pop_front();
    sessions_->resume(session);
  }
  if (!at->second.empty()) group.want_room();
}

void Flow::refuse(const Submission& m, smpp::CommandStatus status) noexcept {
  ++probe_.of({}, m.sender.client).refused;
  if (m.part_of_multi) {
    message::Flight flight;
    flight.origin = {m.multi, m.multi_index, here()};
    part_done(flight, status, {});
    return;
  }
  sessions_->answer(m.sender.session, {m.header.sequence_number, m.header.command_id, status, 0, {}, {}});
}

void Flow::answer_here(const Submission& m, smpp::CommandStatus status, std::string_view upstream_id) noexcept {
  ++probe_.of({}, m.sender.client).accepted;
  if (m.part_of_multi) {
    message::Flight flight;
    flight.origin = {m.multi, m.multi_index, here()};
    part_done(flight, status, upstream_id);
    return;
  }
  sessions_->answer(
      m.sender.session,
      {m.header.sequence_number, m.header.command_id, status, upstream_id.empty() ? m.id : 0, upstream_id, {}});
}

// The way back, on the link's shard: remember the SMSC's id, then answer where the request came from.
SMPPD_FLATTEN void Flow::on_response(upstream::Group&, const message::Flight& flight, ByteSpan pdu, Duration took,
                                     bool late) noexcept {
  if (flight.stored) [[unlikely]] {
    Aside{*this}.stored_response(flight, pdu, took, late);
    return;
  }
  const auto status = smpp::read_header(pdu.data()).command_status;
  const std::string_view id = id_in_answer(flight.command_id, pdu);
  if (flight.tracked && status == smpp::CommandStatus::ESME_ROK) {
    if (late || flight.part != 0) [[unlikely]] {
      Aside{*this}.track_late_or_part(flight, id, late);
    } else {
      track(flight, id);
    }
  }
  if (late) {
    ++probe_.late;
    return;
  }
  if (flight.origin.shard == here()) {
    finish(flight, pdu, id, took, false);
  } else {
    post(shard_, flight.origin.shard, MailKind::kResponse, ResponseMail{flight, took, false}, pdu);
  }
}

// Its item's end comes first: it is on the disk before a receipt is that waited for this.
SMPPD_FLATTEN void Flow::Aside::stored_response(const message::Flight& flight, ByteSpan pdu, Duration took,
                                                bool late) noexcept {
  const std::string_view id = id_in_answer(flight.command_id, pdu);
  if (late) ++flow.probe_.late;
  if (flight.origin.shard == flow.here()) {
    flow.finish(flight, pdu, id, took, late);
  } else {
    post(flow.shard_, flight.origin.shard, MailKind::kResponse, ResponseMail{flight, took, late}, pdu);
  }
  if (!flight.tracked || smpp::read_header(pdu.data()).command_status != smpp::CommandStatus::ESME_ROK) return;
  if (late || flight.part != 0) [[unlikely]] {
    track_late_or_part(flight, id, late);
  } else {
    flow.track(flight, id);
  }
}

void Flow::on_loss(upstream::Group&, const message::Flight& flight, message::Loss loss) noexcept {
  if (flight.origin.shard == here()) {
    finish_lost(flight, loss);
  } else {
    post(shard_, flight.origin.shard, MailKind::kLoss, LossMail{flight, loss});
  }
}

// On the shard the request came to: settle the books, answer the client.
void Flow::finish(const message::Flight& flight, ByteSpan pdu, std::string_view upstream_id, Duration took,
                  bool late) noexcept {
  const smpp::CommandStatus status = smpp::read_header(pdu.data()).command_status;
  if (late) {
    depot_->answered_late(flight, status, upstream_id);
    return;
  }
  static const Way kGone;
  const Way& way = flight.upstream.value() < ways_.size() ? ways_[flight.upstream.value()] : kGone;
  if (way.group != nullptr && !flight.unbooked) {
    if (status == smpp::CommandStatus::ESME_ROK) [[likely]] {
      way.group->succeeded(flight.host, flight.lane_shard, took);
    } else {
      way.group->settled({flight.host, flight.lane_shard, true, status, took});
    }
  }
  if (flight.part != 0 && !flight.stored) {
    part_answered(flight, pdu, took);
    return;
  }
  // For the client's statistics a message in parts is one.
  const bool more = flight.stored && flight.part < flight.parts && status == smpp::CommandStatus::ESME_ROK;
  if (!more) note_outcome(flight, status, false, upstream_id);
  if (flight.prefix != upstream::kUnnoted) note_answer(flight, status, took);
  if (flight.stored) {
    depot_->answered(flight, status, upstream_id);
    return;
  }
  if (flight.part_of_multi) {
    part_done(flight, status, upstream_id);
    return;
  }
  if (flight.command_id == smpp::CommandId::query_last_msgs) {
    show_last_msgs(flight, pdu);
    return;
  }
  const message::OwnId shown = way.passes_ids_through ? 0 : flight.id;
  sessions_->answer(flight.origin.session,
                    {flight.origin.sequence_number, flight.command_id, status, shown, upstream_id, pdu});
}

void Flow::finish_lost(const message::Flight& flight, message::Loss loss) noexcept {
  const bool uncertain = message::is_uncertain(loss);
  if (upstream::Group* group = flight.unbooked ? nullptr : upstreams_.find(flight.upstream)) {
    if (uncertain) {
      group->settled({flight.host, flight.lane_shard, false, smpp::CommandStatus::ESME_RSYSERR, {}});
      ++(loss == message::Loss::kTimeout ? group->probe().timeouts : group->probe().lost);
    } else {
      group->abandoned(flight.host, flight.lane_shard);
    }
  }
  if (flight.part != 0 && !flight.stored) {
    part_lost(flight, loss);
    return;
  }
  if (uncertain) {
    ++probe_.uncertain;
    if (flight.prefix != upstream::kUnnoted) note_no_answer(flight);
    std::uint64_t suppressed = 0;
    const bool loud = uncertain_log_.allow(shard_.loop().now(), suppressed);
    kLog.write(loud ? telemetry::Level::kWarn : telemetry::Level::kDebug,
               "outcome unknown: the request was sent and its answer never came",
               {{"id", message::OwnIdText(flight.id, message::IdFormat::kHex).view()},
                {"upstream", snapshot_->upstream_names[flight.upstream.value()]},
                {"reason", loss == message::Loss::kTimeout ? "no answer in time" : "link lost"},
                {"suppressed", suppressed}});
  } else if (loss == message::Loss::kNeverSent) {
    ++probe_.never_sent;
  }
  if (flight.stored) {
    if (uncertain) note_outcome(flight, smpp::CommandStatus::ESME_RSYSERR, true, {});
    depot_->lost(flight, loss);
    return;
  }
  const Multi* multi = flight.part_of_multi ? multis_.get(flight.origin.session) : nullptr;
  const SlabHandle session = multi == nullptr ? flight.origin.session : multi->session;
  const auto status = sessions_->status_for_loss(session, loss);
  note_outcome(flight, status, uncertain, {});
  if (flight.part_of_multi) {
    part_done(flight, status, {});
    return;
  }
  sessions_->answer(flight.origin.session, {flight.origin.sequence_number, flight.command_id, status, 0, {}, {}});
}

void Flow::note_outcome(const message::Flight& flight, smpp::CommandStatus status, bool uncertain,
                        std::string_view upstream_id) noexcept {
  Traffic& traffic = probe_.of(flight.upstream, flight.client);
  ++(uncertain ? traffic.uncertain : status == smpp::CommandStatus::ESME_ROK ? traffic.accepted : traffic.refused);
  if (!chain_->on_outcome.empty()) Aside{*this}.tell_filters(flight, status, uncertain, upstream_id);
}

void Flow::Aside::tell_filters(const message::Flight& flight, smpp::CommandStatus status, bool uncertain,
                               std::string_view upstream_id) noexcept {
  const OutcomeContext context{flight.id,
                               flight.client,
                               flight.upstream,
                               flight.command_id,
                               status,
                               uncertain,
                               flow.shard_.loop().now() - flight.arrived,
                               upstream_id};
  for (Filter* filter : flow.chain_->on_outcome) filter->on_outcome(context);
}

// Receipts come to whatever link the SMSC likes; the home shard of the upstream keeps all its ids.
void Flow::track(const message::Flight& flight, std::string_view upstream_id) noexcept {
  if (upstream_id.empty()) return;
  const unsigned home = home_of(flight.upstream);
  if (home != shard_.index() || flight.doubtful) [[unlikely]] {
    Aside{*this}.track(flight, upstream_id, home);
    return;
  }
  if (receipts_.remember(flight, upstream_id, shard_.loop().now())) [[unlikely]]
    Aside{*this}.match_waiting(flight.upstream, upstream_id);
}

void Flow::Aside::track(const message::Flight& flight, std::string_view upstream_id, unsigned home) noexcept {
  if (home != flow.shard_.index()) {
    post(flow.shard_, home, MailKind::kTrack, TrackMail{flight}, as_bytes(upstream_id));
    return;
  }
  // The disk, which was asked for a receipt that came early, may have been faster.
  if (flow.receipts_.expects(flight, upstream_id)) return match_waiting(flight.upstream, upstream_id);
  if (flow.depot_ != nullptr) flow.depot_->receipts.doubt({flight.id, flight.destination_hash});
  if (flow.receipts_.remember(flight, upstream_id, flow.shard_.loop().now()))
    match_waiting(flight.upstream, upstream_id);
}

void Flow::Aside::match_waiting(message::UpstreamId upstream, std::string_view upstream_id) noexcept {
  for (const ParkedReport& parked : flow.receipts_.waiting_for(upstream, upstream_id)) {
    flow.match_report(parked.ticket, parked.pdu, Look::kAgain);
  }
}

void Flow::Aside::track_late_or_part(const message::Flight& flight, std::string_view upstream_id, bool late) noexcept {
  message::Flight remembered = flight;
  remembered.doubtful = flight.doubtful || late;
  // The client was told that the outcome is unknown and has no id to match a receipt with.
  if (late && !flight.stored) remembered.registered_delivery = 0;
  if (flight.part != 0) remembered = as_tracked(remembered, flow.snapshot_->config->multipart.segmentation.receipts);
  flow.track(remembered, upstream_id);
}

}  // namespace smppd::flow
