// replace_if_present_flag and cancel_sm by addresses, for messages that wait in the store.
#include "flow/internal/aliases.h"
#include "flow/internal/desk.h"
#include "flow/internal/hash.h"
#include "flow/internal/matching.h"
#include "flow/internal/multi.h"
#include "flow/internal/stored_operations.h"
#include "flow/segmenter.h"

namespace smppd::flow {

using depot::StepKind;
using smpp::CommandStatus;
using smpp::Field;

namespace {

constexpr std::uint64_t kMarkSeed = 0x3A8F'05C5'9E3D'41B7U;  // on disk, by what it makes
constexpr std::uint64_t kOrderSeed = 0x7C15'9E37'79B9'7F4BU;
constexpr std::uint32_t kLookedAt = 256;  // of one kind, at once

// The message, when it is of this kind. `flow::`: other files of a unity build have a kind_of of their own.
std::optional<StoredMessage> of_kind(const store::ItemView& item, const MessageKind& kind, smpp::PduView& message) {
  const auto stored = only_waits(item) ? decode_stored(item.body) : std::nullopt;
  const bool is = stored && stored->kind == StoredKind::kMessage && message.decode(stored->pdu) &&
                  flow::kind_of(stored->client, message) == kind;
  return is ? stored : std::nullopt;
}

store::ReadRequest asking_for(std::uint32_t mark) noexcept {
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kMarked;
  request.mark = mark;
  request.limit = kLookedAt;
  return request;
}

// 0: there is none. A part of a longer text is nothing that a message could stand for.
store::ItemId newest_like(std::span<const store::ItemView> items, ByteSpan body) {
  smpp::PduView message, other;
  const auto stored = decode_stored(body);
  if (!stored || !message.decode(stored->pdu)) return 0;
  const MessageKind kind = flow::kind_of(stored->client, message);
  store::ItemId newest = 0;
  for (const store::ItemView& item : items) {
    if (item.id > newest && of_kind(item, kind, other) && !part_of(other)) newest = item.id;
  }
  return newest;
}

}  // namespace

std::uint32_t mark_of(const MessageKind& kind) noexcept {
  std::uint64_t hash = internal::hash_text(kind.destination, kMarkSeed);
  hash = internal::hash_text(kind.source, hash);
  hash = internal::hash_text(kind.client, hash);
  if (!kind.service_type.empty()) hash = internal::hash_text(kind.service_type, hash);
  return std::max(internal::high_half(hash), 1U);
}

std::uint32_t order_of(const accounts::ClientEntry* sender, const message::MessageFacts& facts) noexcept {
  const std::string_view client = sender == nullptr ? std::string_view() : sender->system_id;
  const std::uint64_t hash = internal::hash_text(message::normalised_destination(facts).text, kOrderSeed);
  return std::max(internal::high_half(internal::hash_text(client, hash)), 1U);
}

MessageKind kind_of(std::string_view client, const smpp::PduView& message) noexcept {
  return {client, message.text(Field::service_type), message.text(Field::source_addr),
          message.text(Field::destination_addr)};
}

// Stop 4 for a message that asks to replace another.
Flow::Taken Flow::Depot::keep_in_place(Submission& m, store::ItemId item, const store::Progress& progress) noexcept {
  if (const CommandStatus too_long = fits_parts(m); too_long != CommandStatus::ESME_ROK) {
    flow.refuse(m, too_long);
    return Taken::kYes;
  }
  const ByteSpan kept = body_of_message(m, progress.expires);
  if (kept.empty()) {
    flow.refuse(m, CommandStatus::ESME_RSYSERR);
    return Taken::kYes;
  }
  flow.matching_->replace_present({accepted(m), item, progress}, kept);
  return Taken::kYes;
}

void Flow::Matching::replace_present(const ReplaceMail& newcomer, ByteSpan body) {
  auto& waiting = in_turn[newcomer.progress.mark];
  waiting.emplace_back(newcomer, Body(body.begin(), body.end()));
  if (waiting.size() == 1) look_here(newcomer, body);
}

void Flow::Matching::look_here(const ReplaceMail& newcomer, ByteSpan body) {
  flow.desk_->read(asking_for(newcomer.progress.mark),
                   [this, newcomer, body = Body(body.begin(), body.end())](const store::ReadAnswer& found) {
                     const store::ItemId newest = newest_like(found.items, body);
                     if (newest == 0) return go_round(newcomer, body);
                     claim_item(newest, [this, newcomer, body](const store::ItemView* claimed) {
                       if (claimed == nullptr) return go_round(newcomer, body);
                       take_place(*claimed, newcomer, body);
                     });
                   });
}

// Whoever reads a lane has had his answer when this question is answered, and has put the item back or sends it.
void Flow::Matching::claim_item(store::ItemId item, OnClaim then, unsigned tries) {
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kClaim;
  request.id = item;
  flow.desk_->read(request, [this, item, tries, then = std::move(then)](const store::ReadAnswer& claimed) {
    if (!claimed.items.empty()) return then(&claimed.items.front());
    if (tries <= 1) return then(nullptr);
    claim_item(item, then, tries - 1);
  });
}

void Flow::Matching::go_round(const ReplaceMail& newcomer, ByteSpan body) {
  const unsigned next = (flow.here() + 1U) % flow.shard_.count();
  if (next == flow.here()) {
    keep_here(newcomer, body);
  } else {
    post(flow.shard_, next, MailKind::kReplace, newcomer, body);
  }
}

void Flow::Matching::on_replace(const ReplaceMail& newcomer, ByteSpan body) {
  if (newcomer.accepted.origin.shard == flow.here()) {
    keep_here(newcomer, body);
  } else {
    look_here(newcomer, body);
  }
}

// The end of the one and the beginning of the other are one transaction.
void Flow::Matching::take_place(const store::ItemView& item, const ReplaceMail& newcomer, ByteSpan body) {
  const auto stored = only_waits(item) ? decode_stored(item.body) : std::nullopt;
  if (!stored) {
    depot.unclaim(item);
    return go_round(newcomer, body);
  }
  depot.before_end(
      item, *stored, EndReason::kReplaced,
      [this, newcomer, body = Body(body.begin(), body.end())](const auto& ended, const auto& message, bool told) {
        ++flow.probe_.kept;
        const bool tells = told ? depot.write_settled(ended, message)
                                : depot.write_end(ended, message, {EndReason::kReplaced, CommandStatus::ESME_ROK});
        depot.transaction.enqueue(newcomer.item, newcomer.progress, body);
        put_alias(depot.transaction, newcomer.accepted.id, newcomer.item, newcomer.progress.expires);
        depot.commit_owed(StepKind::kDesk, flow.desk_->expect([this, newcomer] {
          if (newcomer.accepted.origin.shard == flow.here()) return kept(newcomer);
          post(flow.shard_, newcomer.accepted.origin.shard, MailKind::kReplaced, newcomer);
        }));
        depot.now_ready(newcomer.progress);
        return tells;
      });
}

void Flow::Matching::keep_here(const ReplaceMail& newcomer, ByteSpan body) {
  depot.begin().enqueue(newcomer.item, newcomer.progress, body);
  put_alias(depot.transaction, newcomer.accepted.id, newcomer.item, newcomer.progress.expires);
  if (flow.desk_->commit(store::Intake::kNew, [this, newcomer] { kept(newcomer); })) {
    ++flow.probe_.kept;
    depot.now_ready(newcomer.progress);
    return;
  }
  ++flow.probe_.store_full;
  answer(newcomer, CommandStatus::ESME_RTHROTTLED);
  next_in_turn(newcomer.progress.mark);
}

void Flow::Matching::kept(const ReplaceMail& newcomer) {
  answer(newcomer, CommandStatus::ESME_ROK);
  next_in_turn(newcomer.progress.mark);
}

void Flow::Matching::answer(const ReplaceMail& newcomer, CommandStatus status) {
  const AcceptedFacts& facts = newcomer.accepted;
  if (facts.part_of_multi) {
    message::Flight flight;
    flight.origin = facts.origin;
    flow.part_done(flight, status, {});
    return;
  }
  const message::OwnId id = status == CommandStatus::ESME_ROK ? facts.id : 0;
  flow.sessions_->answer(facts.origin.session, {facts.origin.sequence_number, facts.command_id, status, id, {}, {}});
}

void Flow::Matching::next_in_turn(std::uint32_t mark) {
  const auto at = in_turn.find(mark);
  if (at == in_turn.end()) return;
  at->second.pop_front();
  if (at->second.empty()) {
    in_turn.erase(at);
    return;
  }
  const auto [newcomer, body] = at->second.front();
  look_here(newcomer, body);
}

// A cancel_sm on one shard.
struct Flow::Matching::Cancelling {
  CancelMail mail;
  Body request;
  std::uint32_t before = 0;  // cancelled
  std::size_t open = 0;      // messages that are being cancelled, and one while they are looked for
  bool more = false;         // than were looked at
};

void Flow::Matching::cancel_all(const CancelMail& mail, ByteSpan request) {
  auto job = std::make_shared<Cancelling>(Cancelling{mail, {request.begin(), request.end()}, mail.cancelled, 1});
  flow.desk_->read(asking_for(mail.mark), [this, job](const store::ReadAnswer& found) {
    smpp::PduView asked, message;
    (void)asked.decode(job->request);
    const MessageKind kind = kind_of(flow.snapshot_->client_names[job->mail.flight.client.value()], asked);
    for (const store::ItemView& item : found.items) {
      if (of_kind(item, kind, message)) claim(job, item.id);
    }
    job->more = found.more;
    settle(job);
  });
}

void Flow::Matching::claim(const std::shared_ptr<Cancelling>& job, store::ItemId item) {
  ++job->open;
  claim_item(item, [this, job](const store::ItemView* claimed) {
    if (claimed == nullptr) return settle(job);
    const store::ItemView& found = *claimed;
    const auto stored = only_waits(found) ? decode_stored(found.body) : std::nullopt;
    if (!stored) {
      depot.unclaim(found);
      return settle(job);
    }
    depot.before_end(
        found, *stored, EndReason::kCancelled, [this, job](const auto& ended, const auto& message, bool told) {
          flow.probe_.cancelled += !told;
          job->mail.cancelled += !told;
          const bool tells = told ? depot.write_settled(ended, message)
                                  : depot.write_end(ended, message, {EndReason::kCancelled, CommandStatus::ESME_ROK});
          depot.commit_owed(StepKind::kDesk, flow.desk_->expect([this, job] { settle(job); }));
          return tells;
        });
  });
}

// The last one goes on: to what could not be looked at yet, to the next shard, or to the client.
void Flow::Matching::settle(const std::shared_ptr<Cancelling>& job) {
  if (--job->open > 0) return;
  const message::Flight& flight = job->mail.flight;
  const unsigned next = (flow.here() + 1U) % flow.shard_.count();
  if (job->more && job->mail.cancelled > job->before) {
    cancel_all(job->mail, job->request);
  } else if (next != flight.origin.shard) {
    post(flow.shard_, next, MailKind::kCancel, job->mail, job->request);
  } else if (job->mail.cancelled == 0) {
    flow.operate_failed(flight, CommandStatus::ESME_RCANCELFAIL);
  } else {
    std::vector<std::uint8_t> response;
    if (smpp::PduBuilder(smpp::CommandId::cancel_sm_resp, smpp::Version::v34)
            .encode(response, CommandStatus::ESME_ROK, flight.origin.sequence_number)) {
      depot.operations->answer(flight, response);
    }
  }
}

}  // namespace smppd::flow
