// Long messages on the road: a text that exceeds one short message goes to its SMSC in parts, one after the other, and
// the client gets one answer; parts that clients made stay together and are marked as the SMSC takes them.
#include <algorithm>

#include "flow/flow.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/log.h"
#include "flow/internal/long_message.h"
#include "flow/internal/submission.h"
#include "flow/segmenter.h"
#include "smpp/text/split.h"

namespace smppd::flow {

namespace {

using config::PartReceipts;
using config::ReferenceMode;
using smpp::CommandStatus;

// A part whose message is half sent waits so long for room, or for an SMSC that is busy.
constexpr Duration kPatience = std::chrono::seconds(10);
constexpr Duration kBusyPause = std::chrono::milliseconds(500);

bool may_be_long(smpp::CommandId command) noexcept {
  return command == smpp::CommandId::submit_sm || command == smpp::CommandId::data_sm;
}

bool is_busy(CommandStatus status) noexcept {
  return status == CommandStatus::ESME_RTHROTTLED || status == CommandStatus::ESME_RMSGQFUL;
}

// By whom, to whom and as what its parts are known.
std::uint64_t key_of(const message::MessageFacts& facts, const smpp::Concat& concat, std::uint64_t seed) noexcept {
  const std::uint64_t number = std::uint64_t{facts.client.value()} << 32U | std::uint64_t{concat.ref} << 16U |
                               std::uint64_t{concat.is16} << 8U | concat.total;
  return internal::hash_text(facts.source_addr,
                             internal::hash_text(facts.destination_addr, internal::hash_number(number, seed)));
}

}  // namespace

// A client's own part follows those of its message that went before.
void Flow::find_part(Submission& m, upstream::PickFacts& facts) noexcept {
  if (!may_be_long(m.header.command_id)) return;
  const auto concat = part_of(m.view);
  if (!concat || concat->total < 2) return;
  m.is_part = true;
  m.concat = *concat;
  auto& road = m.road;
  const auto& pin = long_->pins.of(key_of(m.facts, m.concat, long_->seed), m.arrived);
  if (!pin.upstream.valid()) return;
  const auto begin = road.upstreams.begin();
  const auto end = begin + road.upstream_count;
  auto at = std::find(begin, end, pin.upstream);
  if (at == end) {  // the route's split drew another this time
    if (end == road.upstreams.end()) {
      --at;
    } else {
      ++road.upstream_count;
    }
    *at = pin.upstream;
  }
  std::rotate(begin, at, at + 1);
  facts.pinned = pin.upstream;
  facts.host = pin.host;
}

// kAnyHost: in the queue of this upstream its parts wait, or will.
void Flow::pin_part(const Submission& m, message::UpstreamId upstream, std::uint16_t host) noexcept {
  const upstream::Group* group = upstreams_.find(upstream);
  if (group == nullptr || (snapshot_->config->upstreams.size() == 1 && group->host_count() < 2)) return;
  auto& pin = long_->pins.of(key_of(m.facts, m.concat, long_->seed), m.arrived);
  if (host == internal::kAnyHost && pin.upstream.valid()) return;
  pin.upstream = upstream;
  pin.host = host;
}

// Worth a look at its text: it may take more than one short message of its upstream.
bool Flow::goes_in_parts(const Submission& m) const noexcept {
  constexpr std::size_t kSeptets = 160;
  const std::size_t octets = m.facts.short_message.size();
  if (octets <= smpp::kAirOctets || !may_be_long(m.header.command_id)) return false;
  const UpstreamFacts* upstream = snapshot_->upstream(m.road.upstreams[0]);
  if (upstream == nullptr || upstream->long_rules.look_above >= octets) return false;
  const auto coding = smpp::read_data_coding(m.facts.data_coding, m.sender.side.alphabet);
  return octets > kSeptets || coding.alphabet != smpp::Alphabet::gsm7;
}

Flow::Written Flow::write_part(Submission& m, const UpstreamFacts& upstream) noexcept {
  const Written plain = wire_form(m, upstream);
  if (!plain) return plain;
  const LongRules& rules = upstream.long_rules;
  std::optional<std::uint16_t> reference;
  if (rules.references == ReferenceMode::kRegenerate) {
    reference = internal::References::regenerated(m.sender.client, m.facts.destination_addr, m.concat);
  } else if (rules.references == ReferenceMode::kSequential) {
    auto& pin = long_->pins.of(key_of(m.facts, m.concat, long_->seed), m.arrived);
    if (!pin.reference) pin.reference = long_->references.next();
    reference = static_cast<std::uint16_t>(*pin.reference & (m.concat.is16 && m.concat.ref > 0xFF ? 0xFFFFU : 0xFFU));
  } else if (rules.method != config::LongText::kUdh && rules.method != config::LongText::kSar) {
    return plain;
  }
  smpp::PduView part;
  long_->pdus.clear();
  if (part.decode(*plain) && rewrite_part(part, upstream.side, rules, reference, adapted_, long_->pdus)) {
    ++probe_.parts_rewritten;
    return ByteSpan(long_->pdus);
  }
  return plain;
}

// A message that may be too long for one, or a client's own part.
Flow::Written Flow::write_long(Submission& m, const UpstreamFacts& upstream) noexcept {
  if (m.is_part) return write_part(m, upstream);
  if (!may_be_long(m.header.command_id)) return wire_form(m, upstream);
  const LongRules& rules = upstream.long_rules;
  smpp::PduView adapted;
  const smpp::PduView* whole = &m.view;
  if (m.draft.edited() || m.mended || needs_adapting(m.view, m.facts, m.sender.side, upstream)) {
    long_->whole.clear();
    const auto done = adapt_whole(m.draft, m.facts, m.sender.side, upstream, adapted_, long_->whole);
    if (!done || !adapted.decode(long_->whole)) {
      ++probe_.unadaptable;
      return std::unexpected(done ? CommandStatus::ESME_RSYSERR : done.error());
    }
    whole = &adapted;
  }
  if (!exceeds_one(*whole, upstream.side, rules)) return wire_form(m, upstream);
  long_->pdus.clear();
  if (m.sent.total == 0) m.sent.reference = long_->references.next();
  const auto parts = cut_message(*whole, upstream.side, rules, m.sent.reference, adapted_, long_->pdus);
  if (!parts) {
    ++probe_.long_refused;
    return std::unexpected(parts.error());
  }
  if (*parts > 1) m.parts = *parts;
  ByteSpan rest(long_->pdus);
  for (unsigned before = m.sent.done; before > 0 && m.parts == m.sent.total; --before) {
    rest = rest.subspan(smpp::read_header(rest.data()).command_length);
  }
  return rest.first(smpp::read_header(rest.data()).command_length);
}

// `flight` becomes that of the first part.
void Flow::begin_long(const Submission& m, message::Flight& flight) {
  auto [message, handle] = long_->messages.make();
  flight.parts = m.parts;
  message->whole = flight;
  message->pdus = long_->pdus;
  message->client_hash = m.sender.address_hash;
  flight.origin = {handle, 1, here()};
  flight.part = 1;
  flight.part_of_multi = false;
  flight.tracked = false;  // until all are accepted: who never gets an id cannot be told of a receipt
}

// The message may be gone when this returns.
void Flow::send_part(SlabHandle handle, LongMessage& m) noexcept {
  upstream::Group* group = upstreams_.find(m.whole.upstream);
  if (group == nullptr) {
    end_long(handle, m, message::Loss::kNeverSent);
    return;
  }
  const ByteSpan pdu = m.pdu();
  smpp::PduView view;
  (void)view.decode(pdu);
  const message::MessageFacts facts = facts_of(view);
  const auto pick = group->pick(
      {message::normalised_destination(facts), m.client_hash, random(), &quality_, m.whole.upstream, m.whole.host});
  if (pick.outcome != upstream::Group::Outcome::kSend) {
    stall_part(handle, m, {});
    return;
  }
  m.whole.host = pick.host;
  m.whole.lane_shard = pick.shard;
  message::Flight flight = m.whole;
  flight.origin = {handle, m.part, here()};
  flight.part = m.part;
  flight.part_of_multi = false;
  flight.tracked = false;
  group->launched(pick.host, pick.shard);
  if (pick.shard != here()) {
    ++probe_.cross_shard;
    post(shard_, pick.shard, MailKind::kSubmit, SubmitMail{flight, shard_.loop().now() + kPatience}, pdu);
  } else if (!group->send(flight, pdu, pick.link)) {
    group->abandoned(pick.host, pick.shard);
    stall_part(handle, m, {});
  }
}

void Flow::stall_part(SlabHandle handle, LongMessage& m, Instant next_try) noexcept {
  if (m.until == Instant{}) m.until = shard_.loop().now() + kPatience;
  m.next_try = next_try;
  long_->stalled.push_back(handle);
  if (upstream::Group* group = upstreams_.find(m.whole.upstream)) group->want_room();
}

void Flow::resume_parts(const upstream::Group* group) noexcept {
  if (long_->stalled.empty()) return;
  const Instant now = shard_.loop().now();
  std::vector<SlabHandle> waiting;
  waiting.swap(long_->stalled);
  for (const SlabHandle handle : waiting) {
    LongMessage* m = long_->messages.get(handle);
    if (m == nullptr) continue;
    if (now >= m->until) {
      end_long(handle, *m, message::Loss::kNoRoom);
    } else if ((group != nullptr && m->whole.upstream != group->id()) || now < m->next_try) {
      long_->stalled.push_back(handle);
    } else {
      send_part(handle, *m);
    }
  }
}

void Flow::part_answered(const message::Flight& flight, ByteSpan pdu, Duration took) noexcept {
  const SlabHandle handle = flight.origin.session;
  LongMessage* m = long_->messages.get(handle);
  if (m == nullptr || m->part != flight.part) return;
  const CommandStatus status = smpp::read_header(pdu.data()).command_status;
  const Instant now = shard_.loop().now();
  if (status != CommandStatus::ESME_ROK) {
    if (flight.part > 1 && is_busy(status) && (m->until == Instant{} || now < m->until)) {
      stall_part(handle, *m, now + kBusyPause);
    } else {
      end_long(handle, *m, pdu, took);
    }
    return;
  }
  ++probe_.long_parts;
  smpp::PduView view;
  m->ids.emplace_back(view.decode(pdu) ? view.text(smpp::Field::message_id) : std::string_view());
  if (flight.part == 1) m->first_answer.assign(pdu.begin(), pdu.end());
  if (flight.part == m->whole.parts) {
    // Where ids pass through, the client gets the one that its receipt will name.
    const bool last = snapshot_->config->multipart.segmentation.receipts == PartReceipts::kLast;
    const std::vector<std::uint8_t> first = std::move(m->first_answer);
    end_long(handle, *m, last ? pdu : ByteSpan(first), took);
    return;
  }
  m->at += m->pdu().size();
  ++m->part;
  m->until = {};
  send_part(handle, *m);
}

void Flow::part_lost(const message::Flight& flight, message::Loss loss) noexcept {
  const SlabHandle handle = flight.origin.session;
  LongMessage* m = long_->messages.get(handle);
  if (m == nullptr || m->part != flight.part) return;
  const Instant now = shard_.loop().now();
  if (flight.part > 1 && !message::is_uncertain(loss) && (m->until == Instant{} || now < m->until)) {
    stall_part(handle, *m, {});
  } else {
    end_long(handle, *m, loss);
  }
}

// Answered: by the SMSC's first answer when all parts were accepted, else by its refusal.
void Flow::end_long(SlabHandle handle, LongMessage& m, ByteSpan answer, Duration took) noexcept {
  const std::vector<std::string> ids = std::move(m.ids);
  const message::Flight whole = release_long(handle, m, ids.size(), "refused");
  finish(whole, answer, id_in_answer(whole.command_id, answer), took, false);
  track_parts(whole, ids, ids.size() == whole.parts);
}

void Flow::end_long(SlabHandle handle, LongMessage& m, message::Loss loss) noexcept {
  const std::vector<std::string> ids = std::move(m.ids);
  const bool uncertain = message::is_uncertain(loss);
  const message::Flight whole = release_long(handle, m, ids.size(), uncertain ? "outcome unknown" : "no room");
  finish_lost(whole, loss);
  track_parts(whole, ids, false);
}

// Its flight, to be finished; parts that an SMSC has without the others are said aloud.
message::Flight Flow::release_long(SlabHandle handle, const LongMessage& m, std::size_t accepted,
                                   std::string_view reason) noexcept {
  message::Flight whole = m.whole;
  whole.unbooked = true;  // each part was booked
  long_->messages.release(handle);
  ++probe_.long_messages;
  if (accepted == 0 || accepted == whole.parts) return whole;
  ++probe_.long_partial;
  std::uint64_t suppressed = 0;
  if (long_->partial_log.allow(shard_.loop().now(), suppressed)) {
    kLog.warn("the SMSC has only some parts of a long message",
              {{"id", message::OwnIdText(whole.id, message::IdFormat::kHex).view()},
               {"upstream", snapshot_->upstream_names[whole.upstream.value()]},
               {"accepted", accepted},
               {"parts", whole.parts},
               {"next_part", reason},
               {"suppressed", suppressed}});
  }
  return whole;
}

// Under the id 0 a part is known to the SMSC's receipts and to nobody who asks for a message.
message::Flight as_tracked(const message::Flight& flight, PartReceipts rule) noexcept {
  message::Flight part = flight;
  if (part.part == 0) return part;
  if (rule == PartReceipts::kLast) {
    part.parts = 0;
    if (flight.part < flight.parts) part.registered_delivery = 0;
  }
  if (part.registered_delivery == 0) part.id = 0;
  return part;
}

void Flow::track_parts(const message::Flight& whole, const std::vector<std::string>& ids, bool complete) noexcept {
  message::Flight part = whole;
  if (!complete) part.registered_delivery = 0;
  for (const std::string& id : ids) {
    ++part.part;
    track(as_tracked(part, snapshot_->config->multipart.segmentation.receipts), id);
  }
}

// kCounted: the receipts of other parts are still to come. kTell: with the state of the whole message.
Flow::Gathered Flow::gather_part(const ReceiptMap::Entry& entry, Report& report) noexcept {
  internal::PartReceipts::Message* message = receipts_.parts_of(entry.own);
  if (message == nullptr) return Gathered::kTell;
  report.receipt.id = message->shown_id;
  const auto state = report.receipt.state.value_or(smpp::MessageState::unknown);
  if (!smpp::is_final(state)) return Gathered::kTell;
  const std::uint8_t part = message->part_of(receipts_.upstream_id(entry.ref));
  if ((part != 0 && message->done.test(part)) || message->open() == 0) {
    receipts_.part_repeated(entry.ref, shard_.loop().now());
    return Gathered::kRepeated;
  }
  if (message->each) return Gathered::kTell;
  if (message->telling) return Gathered::kLater;
  if (message->open() > 1) {
    smpp::Receipt said = report.receipt;
    if (report.meaning != nullptr && report.meaning->error) said.err = report.meaning->error_text;
    internal::PartReceipts::merge(*message, said);
    ++probe_.receipts_of_parts;
    receipts_.part_done(entry.ref, shard_.loop().now());
    return Gathered::kCounted;
  }
  if (message->worst && internal::PartReceipts::worse(*message->worst, state)) {
    report.receipt.state = message->worst;
    report.receipt.err = message->err;
    report.receipt.err_code = message->err_code;
    report.receipt.dlvrd = {};
    report.meaning = nullptr;
    report.vendor_text = true;  // the text says another state
    report.of_all_parts = true;
  }
  return Gathered::kTell;
}

}  // namespace smppd::flow
