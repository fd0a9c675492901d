// What the operator sees of the store and orders there.
#include "flow/internal/desk.h"

#include <array>
#include <utility>

#include "flow/internal/aliases.h"
#include "flow/internal/matching.h"

namespace smppd::flow {

using smpp::CommandStatus;
using smpp::Field;
using store::DeadLetter;
using store::DeadLetterPage;
using store::DeadLetterQuery;
using store::EndedMessage;
using store::Order;
using store::OrderResult;
using store::QueueView;
using store::StandingItem;
using store::StoreView;

namespace {

constexpr std::uint32_t kLettersAtOnce = 256;
constexpr std::size_t kLettersSearched = 20'000;  // in one listing
constexpr unsigned kLooks = 5;                    // for an outcome, one a tick
constexpr Duration kRemembered = std::chrono::minutes(1);

unsigned attempts_of(std::uint16_t packed) noexcept { return Attempts::unpack(packed).counted; }

std::string_view state_of(const store::ItemView& item, store::Moment now) noexcept {
  switch (depot::state_of(item.progress)) {
    case depot::ItemState::kSent: return "sent";
    case depot::ItemState::kUncertain: return "uncertain";
    case depot::ItemState::kInbox: return "inbox";
    case depot::ItemState::kPart: return "incomplete";
    case depot::ItemState::kQueued: break;
  }
  return item.progress.due > now ? "scheduled" : "queued";
}

std::string_view kind_of(StoredKind kind) noexcept {
  switch (kind) {
    case StoredKind::kReceipt: return "receipt";
    case StoredKind::kMo: return "mo";
    case StoredKind::kMessage: break;
  }
  return "message";
}

QueueView::Kind kind_of(store::LaneId lane) noexcept {
  switch (lanes::kind(lane)) {
    case lanes::Kind::kClient: return QueueView::Kind::kClient;
    case lanes::Kind::kParts: return QueueView::Kind::kParts;
    case lanes::Kind::kUpstream: break;
  }
  return QueueView::Kind::kUpstream;
}

template <typename Shown>
void show_addresses(const smpp::PduView& view, Shown& shown) {
  shown.source = view.text(Field::source_addr);
  shown.destination = view.text(Field::destination_addr);
}

}  // namespace

struct Flow::Desk::Listing {
  DeadLetterQuery query;
  DeadLetterPage page;
  store::OnDeadLetters done;
  std::size_t searched = 0;
  bool ended = false;  // the rest is of no interest

  [[nodiscard]] bool wants(const Outcome& outcome) const noexcept {
    const auto is = [](const std::string& wanted, std::string_view has) { return wanted.empty() || wanted == has; };
    return is(query.client, outcome.client) && is(query.upstream, outcome.upstream) &&
           is(query.reason, name_of(outcome.reason));
  }
};

void Flow::Desk::dead_letters(const DeadLetterQuery& query, store::OnDeadLetters done) {
  auto listing = std::make_shared<Listing>();
  listing->query = query;
  listing->done = std::move(done);
  list(listing);
}

StoreView Flow::Desk::look() const {
  StoreView view{depot.partition.stats(), {}};
  for (const store::LaneStats& lane : view.stats.lanes) {
    QueueView queue;
    queue.kind = kind_of(lane.lane);
    queue.hash = lanes::hash_in(lane.lane);
    queue.priority = queue.kind == QueueView::Kind::kUpstream ? lanes::priority_in(lane.lane) : 0;
    queue.items = lane.items;
    queue.ready = lane.ready;
    if (queue.kind == QueueView::Kind::kClient) {
      const auto client = depot.clients.find(queue.hash);
      if (client != depot.clients.end()) queue.name = flow.snapshot_->client_names[client->second.value()];
    } else {
      queue.name = depot.name_of_lane(lane.lane);
    }
    view.queues.push_back(std::move(queue));
  }
  return view;
}

void Flow::Desk::find_standing(message::OwnId id, store::OnStanding done) {
  depot.find_items(id, [this, done = std::move(done)](const std::vector<store::ItemId>& items) {
    if (items.empty()) return done(std::nullopt);
    show_standing(items.front(), done);
  });
}

void Flow::Desk::show_standing(store::ItemId id, const store::OnStanding& done) {
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kItem;
  request.id = id;
  read(request, [this, done](const store::ReadAnswer& answer) {
    if (answer.items.empty()) return done(std::nullopt);
    const store::ItemView& item = answer.items.front();
    const bool outbound = kind_of(item.progress.lane) == QueueView::Kind::kUpstream;
    StandingItem standing;
    standing.item = item.id;
    standing.state = state_of(item, depot.now());
    standing.attempts = outbound ? attempts_of(item.progress.attempts) : item.progress.attempts;
    standing.due = item.progress.due;
    standing.expires = item.progress.expires;
    if (outbound) {
      standing.upstream = depot.name_of_lane(item.progress.lane);
      standing.priority = lanes::priority_in(item.progress.lane);
    }
    if (const auto stored = item.damaged ? std::nullopt : decode_stored(item.body)) {
      smpp::PduView view;
      standing.kind = kind_of(stored->kind);
      standing.client = stored->client;
      standing.arrived = stored->arrived;
      if (stored->own != 0) standing.message_id = shown_id(stored->own, stored->client);
      if (view.decode(stored->pdu)) show_addresses(view, standing);
    }
    done(std::move(standing));
  });
}

void Flow::Desk::find_ended(message::OwnId id, store::OnEnded done) { look_for({id, std::move(done), kLooks}); }

void Flow::Desk::look_for(const Wanted& one) {
  const message::OwnId id = one.id;
  const store::OnEnded& done = one.done;
  read_record(
      store::Table::kOutcomes, id, [this, id, done, looks_left = one.looks_left](const store::ReadAnswer& answer) {
        const auto outcome = answer.records.empty() ? std::nullopt : decode_outcome(answer.records.front().value);
        if (!outcome && looks_left > 1) {
          wanted.push_back({id, done, looks_left - 1});
          return;
        }
        if (!outcome) return done(std::nullopt);
        read_record(
            store::Table::kDeadLetters, id,
            [this, id, done, ended = show(id, answer.records.front(), *outcome)](const store::ReadAnswer& letter) {
              EndedMessage whole = ended;
              whole.dead_letter = !letter.records.empty() && !letters.contains(id);
              done(std::move(whole));
            });
      });
}

EndedMessage Flow::Desk::show(message::OwnId id, const store::RecordView& record, const Outcome& outcome) const {
  EndedMessage ended;
  ended.message_id = shown_id(id, outcome.client);
  ended.state = smpp::standard_name(outcome.state);
  ended.reason = name_of(outcome.reason);
  ended.client = outcome.client;
  ended.upstream = outcome.upstream;
  ended.upstream_id = outcome.upstream_id;
  ended.error = outcome.error;
  ended.command_status = outcome.command_status;
  // What was accepted was written when its last attempt had not been counted.
  ended.attempts = attempts_of(outcome.attempts) + (outcome.reason == EndReason::kAccepted ? 1U : 0U);
  ended.arrived = outcome.arrived;
  ended.sent = outcome.sent;
  ended.ended = outcome.ended;
  ended.kept_until = record.expires;
  if (outcome.reason == EndReason::kRequeued) ended.requeued_as = own_of(as_text(outcome.body));
  return ended;
}

std::string Flow::Desk::shown_id(message::OwnId own, std::string_view client) const {
  const accounts::ClientEntry* entry = client.empty() ? nullptr : flow.snapshot_->clients->find(client);
  const auto format = entry == nullptr ? config::MessageIdFormat::kHex : entry->message_id_format;
  return std::string(message::OwnIdText(own, static_cast<message::IdFormat>(format)).view());
}

void Flow::Desk::read(const store::ReadRequest& request, Then then) {
  depot::Ask what;
  what.kind = depot::Ask::Kind::kDesk;
  what.desk = std::move(then);
  depot.ask(request, std::move(what));
}

void Flow::Desk::read_record(store::Table table, message::OwnId id, Then then) {
  const OutcomeKey key = outcome_key(id);
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kGet;
  request.table = table;
  request.key = view(key);
  read(request, std::move(then));
}

bool Flow::Desk::commit(store::Intake intake, std::function<void()> then) {
  if (!depot.owed.empty()) return false;
  const store::Sequence sequence = depot.partition.append(depot.transaction, intake);
  if (sequence == 0) return false;
  waiting.emplace(++steps, std::move(then));
  depot.steps.push(sequence, depot::StepKind::kDesk, depot::DeskStep{steps});
  depot.turn_wanted = true;
  return true;
}

// An outcome is found only a while after its message has left the queue: whoever asks in between is not told "unknown".
void Flow::Desk::tick() {
  for (const Wanted& one : std::exchange(wanted, {})) look_for(one);
}

void Flow::Desk::durable(std::uint64_t step) {
  const auto then = waiting.extract(step);
  if (!then.empty()) then.mapped()();
}

// One page of the store after the other, until there are enough.
void Flow::Desk::list(const std::shared_ptr<Listing>& listing) {
  const OutcomeKey from = outcome_key(listing->query.from);
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kScan;
  request.table = store::Table::kDeadLetters;
  request.key = view(from);
  request.limit = kLettersAtOnce;
  read(request, [this, listing](const store::ReadAnswer& answer) {
    DeadLetterPage& page = listing->page;
    take_page(*listing, answer);
    const bool go_on = answer.more && !answer.failed && page.next == 0 && !listing->ended;
    if (go_on && page.letters.size() < listing->query.limit && listing->searched < kLettersSearched) {
      return list(listing);
    }
    if (go_on) page.next = listing->query.from;
    listing->done(std::move(page));
  });
}

void Flow::Desk::take_page(Listing& listing, const store::ReadAnswer& answer) {
  DeadLetterQuery& query = listing.query;
  DeadLetterPage& page = listing.page;
  page.failed = answer.failed;
  for (const store::RecordView& record : answer.records) {
    const message::OwnId id = own_of(record.key);
    listing.ended = query.until != 0 && id >= query.until;
    if (listing.ended) return;
    if (page.letters.size() == query.limit) {
      page.next = id;
      return;
    }
    ++listing.searched;
    query.from = id + 1;
    const auto outcome = decode_outcome(record.value);
    if (!outcome || letters.contains(id) || !listing.wants(*outcome)) continue;
    page.letters.push_back(show(record, *outcome, query.with_text));
  }
}

DeadLetter Flow::Desk::show(const store::RecordView& record, const Outcome& outcome, bool with_text) const {
  DeadLetter letter;
  letter.id = own_of(record.key);
  letter.client = outcome.client;
  letter.upstream = outcome.upstream;
  letter.reason = name_of(outcome.reason);
  letter.command_status = outcome.command_status;
  letter.attempts = attempts_of(outcome.attempts);
  letter.arrived = outcome.arrived;
  letter.ended = outcome.ended;
  letter.kept_until = record.expires;
  const auto stored = decode_stored(outcome.body);
  if (!stored) return letter;
  letter.message_id = shown_id(stored->own, stored->client);
  smpp::PduView view;
  if (!view.decode(stored->pdu)) return letter;
  show_addresses(view, letter);
  LazyText text(view, stored->side.alphabet);
  if (with_text) letter.text = text.utf8();
  return letter;
}

// A letter is dealt with once, also when it is ordered twice before its record is gone.
void Flow::Desk::order(Order order, message::OwnId letter, store::OnOrder done) {
  const Instant now = flow.shard_.loop().now();
  std::erase_if(letters, [&](const auto& one) { return one.second < now; });
  if (!letters.emplace(letter, Instant::max()).second) return done(OrderResult::kUnknown);
  read_record(store::Table::kDeadLetters, letter,
              [this, order, letter, done = std::move(done)](const store::ReadAnswer& answer) {
                const auto carried_out = [this, letter, done] {
                  letters[letter] = flow.shard_.loop().now() + kRemembered;
                  done(OrderResult::kDone);
                };
                OrderResult result = OrderResult::kUnknown;
                if (answer.failed) {
                  result = OrderResult::kFailed;
                } else if (!answer.records.empty() && order == Order::kRequeue) {
                  result = queue_again(letter, answer.records.front().value, carried_out);
                } else if (!answer.records.empty()) {
                  depot.begin().erase(store::Table::kDeadLetters, view(outcome_key(letter)));
                  result = commit(store::Intake::kOwed, carried_out) ? OrderResult::kDone : OrderResult::kNoRoom;
                }
                if (result == OrderResult::kDone) return;
                letters.erase(letter);
                done(result);
              });
}

// A new item of what was kept, on the road that a new message would take today, instead of the record.
OrderResult Flow::Desk::queue_again(message::OwnId letter, ByteSpan record, std::function<void()> then) {
  const auto outcome = decode_outcome(record);
  const auto stored = outcome ? decode_stored(outcome->body) : std::nullopt;
  if (!stored || stored->kind != StoredKind::kMessage) return OrderResult::kUnreadable;
  if (depot.room != store::Room::kOpen) return OrderResult::kNoRoom;
  const Sender sender = depot.sender_of(*stored);
  smpp::PduView message;
  if (!message.decode(stored->pdu)) return OrderResult::kUnreadable;
  Submission m(sender, message, flow.scratch_, true);
  read_facts(m.view, m.facts);
  m.facts.client = sender.client;
  m.facts.text = &m.text;
  flow.decide_road(m);
  if (m.road.kind != routing::Decision::Kind::kUpstreams) return OrderResult::kNoRoute;
  depot::Outlet& outlet = *depot.outlet_by_id[m.road.upstreams[0].value()];
  const unsigned priority = std::min<unsigned>(m.facts.priority_flag, lanes::kPriorities - 1);
  store::Progress progress;
  progress.state = static_cast<std::uint8_t>(depot::ItemState::kQueued);
  progress.lane = lanes::of_upstream(outlet.hash, priority);
  progress.expires = depot.now() + depot.options().validity_default;
  progress.mark = mark_of(kind_of(stored->client, m.view));
  if (outlet.in_order) progress.order = order_of(m.sender.entry, m.facts);
  StoredMessage kept = *stored;
  kept.expires = progress.expires;
  if (!m.view.text(Field::validity_period).empty()) {  // the time it names may be over
    depot.redrawn.clear();
    const smpp::TimeText left = validity_left(progress.expires, depot.now());
    smpp::PduBuilder builder;
    builder.from(m.view, stored->side.version).set(Field::validity_period, smpp::view(left));
    if (!builder.encode(depot.redrawn, CommandStatus::ESME_ROK, m.view.sequence_number())) {
      return OrderResult::kUnreadable;
    }
    kept.pdu = depot.redrawn;
  }
  const ByteSpan octets = depot.body_of(kept);
  if (octets.empty()) return OrderResult::kUnreadable;
  const message::OwnId item = flow.ids_.next(flow.wall_now());
  depot.begin().enqueue(item, progress, octets);
  put_alias(depot.transaction, stored->own, item, progress.expires);
  depot.transaction.erase(store::Table::kDeadLetters, view(outcome_key(letter)));
  if (depot.options().keep_outcomes) put_requeued(*outcome, stored->own, item);
  // What its sender was told is over: it has another end before it.
  const ToldId told = told_of(*stored);
  depot.receipts.erase_told(told);
  if (!commit(store::Intake::kNew, std::move(then))) return OrderResult::kNoRoom;
  depot.receipts.tell_anew(told);
  outlet.lanes[priority].ready = true;
  ++flow.probe_.requeued;
  return OrderResult::kDone;
}

// Who asks for the message is led to the item that it is now.
void Flow::Desk::put_requeued(const Outcome& outcome, message::OwnId own, message::OwnId item) {
  const OutcomeKey key_of_item = outcome_key(item);
  Outcome requeued = outcome;
  requeued.state = smpp::MessageState::enroute;
  requeued.reason = EndReason::kRequeued;
  requeued.ended = {};
  requeued.body = as_bytes(view(key_of_item));
  std::array<std::uint8_t, kMaxOutcomeHeader + sizeof key_of_item> room;
  depot.transaction.put(store::Table::kOutcomes, view(outcome_key(own)), encode(requeued, room),
                        depot.now() + depot.options().outcome_retention);
}

}  // namespace smppd::flow
