#include "flow/flow.h"

#include <random>

#include "flow/internal/depot.h"
#include "flow/internal/desk.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/format_memory.h"
#include "flow/internal/long_message.h"
#include "flow/internal/matching.h"
#include "flow/internal/multi.h"
#include "flow/internal/stored_operations.h"

namespace smppd::flow {

namespace {

// What they say is what they mean, and the client is told the same under our id.
bool has_plain_receipts(const UpstreamFacts& upstream) noexcept {
  const config::ReceiptFormat& options = upstream.options->receipts;
  return !upstream.passes_ids_through && upstream.receipt_pattern == nullptr && upstream.receipt_codes == nullptr &&
         options.states.empty() && !options.swap_addresses;
}

}  // namespace

Flow::Flow(runtime::Shard& shard, runtime::Resolver& resolver, const config::Receipts& receipts, unsigned node,
           store::Partition* partition)
    : shard_(shard),
      shards_(shard.count()),
      depot_(partition == nullptr ? nullptr : std::make_unique<Depot>(*this, *partition)),
      desk_(partition == nullptr ? nullptr : std::make_unique<Desk>(*this)),
      matching_(partition == nullptr ? nullptr : std::make_unique<Matching>(*this)),
      upstreams_(shard.loop(), resolver, *this, shard.index(), shard.count(), this),
      chain_(std::make_unique<FilterChain>()),
      receipts_(receipts, shard.loop().now(), std::random_device{}()),
      ids_(node, shard.index(), std::chrono::system_clock::now()),
      long_(std::make_unique<LongDesk>(shard.index(), shard.count(), std::random_device{}())),
      draws_(std::random_device{}() | 1) {
  if (depot_ != nullptr) ids_.start_after(depot_->partition.stats().highest_item);
}

void Flow::apply(std::shared_ptr<const Snapshot> snapshot, std::unique_ptr<FilterChain> chain,
                 const std::vector<upstream::UpstreamSet::Entry>& upstreams, const upstream::SharedLimits& limits,
                 Instant drain_until) {
  snapshot_ = std::move(snapshot);
  chain_ = std::move(chain);
  shard_.set_mail_handler(this);  // what another shard sent before this one had a configuration waited for it
  receipts_.configure(*snapshot_);
  config::Multipart multipart = snapshot_->config->multipart;
  multipart.segmentation = {};  // as far as messages from handsets are concerned
  multipart.reference = {};
  if (reassembly_ != nullptr && !(multipart == multipart_)) {
    reassembly_->release_all();
    route_released();
    reassembly_.reset();
  }
  multipart_ = multipart;
  if (multipart.reassembly && reassembly_ == nullptr) {
    reassembly_ = std::make_unique<Reassembly>(Reassembly::options_of(multipart));
  }
  long_->pins = {};
  upstreams_.apply(snapshot_->config, upstreams, limits, drain_until);
  find_ways();
  follow_outcomes(upstreams);
  for (unsigned shard = 0; shard < shard_.count(); ++shard) {
    if (shard != shard_.index()) post(shard_, shard, MailKind::kApplied, AppliedMail{});
  }
  if (depot_ != nullptr) depot_->apply();
  // Who waited for an upstream that is gone finds another road or is refused.
  for (auto& [id, sessions] : waiting_) {
    for (const SlabHandle session : sessions) sessions_->resume(session);
    sessions.clear();
  }
}

Flow::~Flow() { shard_.set_mail_handler(nullptr); }

bool Flow::stop_sending() noexcept {
  if (depot_ == nullptr) return true;
  if (!depot_->stopping) depot_->formats->stop();
  depot_->stopping = true;
  return depot_->at_rest();
}

std::optional<store::PartitionStats> Flow::store_stats() const {
  return depot_ == nullptr ? std::nullopt : std::optional(depot_->partition.stats());
}

store::OperatorDesk* Flow::desk() const noexcept { return desk_.get(); }

void Flow::find_ways() {
  ways_.assign(snapshot_->upstreams.size(), {});
  for (std::size_t i = 0; i < ways_.size(); ++i) {
    const message::UpstreamId id(static_cast<std::uint16_t>(i));
    const UpstreamFacts* upstream = snapshot_->upstream(id);
    upstream::Group* group = upstreams_.find(id);
    if (upstream == nullptr || group == nullptr) continue;
    ways_[i] = {group, plain_below(*upstream), upstream->side.alphabet, upstream->passes_ids_through,
                depot_ == nullptr && home_of(id) == shard_.index() && has_plain_receipts(*upstream)};
  }
}

void Flow::receiver_bound(const Receiver& receiver, std::string_view address_range) {
  directory_.add(receiver, address_range);
  if (depot_ != nullptr) depot_->receiver_bound(receiver.client);
  for (unsigned shard = 0; shard < shard_.count(); ++shard) {
    if (shard != shard_.index()) {
      post(shard_, shard, MailKind::kReceiver, ReceiverMail{receiver, false}, as_bytes(address_range));
    }
  }
}

void Flow::receiver_gone(const Receiver& receiver) {
  directory_.remove(receiver);
  for (unsigned shard = 0; shard < shard_.count(); ++shard) {
    if (shard != shard_.index()) post(shard_, shard, MailKind::kReceiver, ReceiverMail{receiver, true});
  }
}

// A group of the configuration before, on its way out, says nothing about the one that has its id now.
void Flow::on_lane(upstream::Group& group, std::uint16_t host, const upstream::Lane& lane) noexcept {
  if (upstreams_.find(group.id()) != &group) return;
  for (unsigned shard = 0; shard < shard_.count(); ++shard) {
    if (shard != shard_.index()) post(shard_, shard, MailKind::kLane, LaneMail{group.id(), host, lane});
  }
}

// A shard that takes a configuration later than this one could not hear of links that were bound in between.
void Flow::tell_lanes(unsigned shard) noexcept {
  upstreams_.for_each([&](const upstream::Group& group) {
    for (std::uint16_t host = 0; host < group.host_count(); ++host) {
      const upstream::Lane lane = group.host(host).lane;
      if (lane.links > 0) post(shard_, shard, MailKind::kLane, LaneMail{group.id(), host, lane});
    }
  });
}

void Flow::on_busy(upstream::Group& group) noexcept {
  for (unsigned shard = 0; shard < shard_.count(); ++shard) {
    if (shard != shard_.index()) post(shard_, shard, MailKind::kBusy, BusyMail{group.id()});
  }
}

void Flow::on_mail_room(unsigned) noexcept {}

void Flow::on_turn_end() noexcept {
  if (depot_ != nullptr) depot_->turn();
}

void Flow::pass_on_kick(unsigned shard, const KickOrder& order) noexcept {
  post(shard_, shard, MailKind::kKick, KickMail{order});
}

void Flow::note_receiver(const ReceiverMail& mail, std::string_view address_range) noexcept {
  if (mail.gone) {
    directory_.remove(mail.receiver);
  } else {
    directory_.add(mail.receiver, address_range);
    if (depot_ != nullptr) depot_->receiver_bound(mail.receiver.client);
  }
}

// What only a flow with a store says and hears.
void Flow::on_depot_mail(const Letter& letter) noexcept {
  switch (letter.kind) {
    case MailKind::kOperationAnswer:
      depot_->operations->answer(letter.facts<OperatedMail>().flight, letter.octets<OperatedMail>());
      return;
    case MailKind::kCorrelate: {
      const auto mail = letter.facts<CorrelateMail>();
      depot_->correlate(mail.flight, mail.expires, as_text(letter.octets<CorrelateMail>()));
      return;
    }
    case MailKind::kCorrelated:
      depot_->correlated(letter.facts<CorrelatedMail>().flight, as_text(letter.octets<CorrelatedMail>()));
      return;
    case MailKind::kFound:
      depot_->receipts.found(letter.facts<FoundMail>(), as_text(letter.octets<FoundMail>()));
      return;
    case MailKind::kSettled: depot_->settle_item(letter.facts<SettledMail>()); return;
    case MailKind::kReplace: matching_->on_replace(letter.facts<ReplaceMail>(), letter.octets<ReplaceMail>()); return;
    case MailKind::kReplaced: matching_->kept(letter.facts<ReplaceMail>()); return;
    case MailKind::kCancel: matching_->cancel_all(letter.facts<CancelMail>(), letter.octets<CancelMail>()); return;
    case MailKind::kClaim: depot_->receipts.on_claim(letter.facts<ClaimMail>()); return;
    case MailKind::kClaimed: depot_->receipts.on_claimed(letter.facts<ClaimedMail>()); return;
    case MailKind::kUnclaim: depot_->receipts.on_unclaim(letter.facts<UnclaimMail>().id); return;
    case MailKind::kLookUp:
      depot_->look_up_here(letter.facts<LookUpMail>(), as_text(letter.octets<LookUpMail>()));
      return;
    default: return;
  }
}

void Flow::on_mail(unsigned from, ByteSpan record) noexcept {
  const Letter letter(record);
  switch (letter.kind) {
    case MailKind::kSubmit: {
      const auto [flight, until] = letter.facts<SubmitMail>();
      if (upstream::Group* group = upstreams_.find(flight.upstream)) {
        group->send_for_other_shard(flight, letter.octets<SubmitMail>(), until);
      } else {
        post(shard_, flight.origin.shard, MailKind::kLoss, LossMail{flight, message::Loss::kNeverSent});
      }
      return;
    }
    case MailKind::kResponse: {
      const auto mail = letter.facts<ResponseMail>();
      const ByteSpan pdu = letter.octets<ResponseMail>();
      finish(mail.flight, pdu, id_in_answer(mail.flight.command_id, pdu), mail.took, mail.late);
      return;
    }
    case MailKind::kLoss: {
      const auto mail = letter.facts<LossMail>();
      finish_lost(mail.flight, mail.loss);
      return;
    }
    case MailKind::kLane: {
      const auto mail = letter.facts<LaneMail>();
      if (upstream::Group* group = upstreams_.find(mail.upstream)) group->set_lane(mail.host, from, mail.lane);
      return;
    }
    case MailKind::kTrack: track(letter.facts<TrackMail>().flight, as_text(letter.octets<TrackMail>())); return;
    case MailKind::kReport: match_report(letter.facts<ReportMail>().ticket, letter.octets<ReportMail>()); return;
    case MailKind::kMo: join_mo(letter.facts<MoMail>().ticket, letter.octets<MoMail>()); return;
    case MailKind::kTold: settle_report(letter.facts<ToldMail>().message, letter.facts<ToldMail>().status); return;
    case MailKind::kDeliver: deliver_here(letter.facts<DeliverMail>(), letter.octets<DeliverMail>()); return;
    case MailKind::kDelivered: {
      const auto mail = letter.facts<DeliveredMail>();
      answer_smsc(mail.ticket, mail.status);
      return;
    }
    case MailKind::kReceiver:
      note_receiver(letter.facts<ReceiverMail>(), as_text(letter.octets<ReceiverMail>()));
      return;
    case MailKind::kOperate: operate_here(letter.facts<OperateMail>(), letter.octets<OperateMail>()); return;
    case MailKind::kLastMsgs: on_last_msgs(letter.facts<LastMsgsMail>(), letter.octets<LastMsgsMail>()); return;
    case MailKind::kOperated: {
      const auto mail = letter.facts<OperatedMail>();
      operate_failed(mail.flight, mail.status);
      return;
    }
    case MailKind::kApplied: tell_lanes(from); return;
    case MailKind::kBusy:
      if (upstream::Group* group = upstreams_.find(letter.facts<BusyMail>().upstream)) group->grow();
      return;
    case MailKind::kKick: sessions_->kick(letter.facts<KickMail>().order); return;
    case MailKind::kOutcomes: hear_outcomes(letter.octets<OutcomesMail>()); return;
    case MailKind::kCall: call(letter.facts<CallMail>().client); return;
    default: on_depot_mail(letter); return;
  }
}

}  // namespace smppd::flow
