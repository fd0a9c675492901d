#include "flow/receipts.h"

#include <algorithm>
#include <cstring>

#include "flow/internal/facts_of.h"
#include "smpp/flags.h"

namespace smppd::flow {

namespace {

using smpp::TlvTag;

constexpr std::size_t kMaxHeld = 10'000;
constexpr std::size_t kMaxStrays = 10'000;
constexpr std::size_t kMaxStrayBytes = 8U * 1024 * 1024;
constexpr Duration kClockOfMap = std::chrono::nanoseconds(1'000'000'000 / 256 + 1);  // ReceiptMap::Entry::submitted

ReceiptMap::Options map_options(const config::Receipts& options, std::uint64_t seed) {
  return {options.max_entries, options.retention, seed, options.untracked_entries};
}
ReceiptParking::Options parking_options(const config::Receipts& options, std::uint64_t seed) {
  return {options.early_hold, options.park, options.max_parked, seed};
}

std::uint8_t esm_class_of(const smpp::PduView& view) noexcept {
  return view.message_layout() ? view.u8_at(smpp::MessageField::esm_class) : view.u8(smpp::Field::esm_class);
}

std::string_view plain_text(const smpp::PduView& view) noexcept {
  const bool usual = view.message_layout() && !view.short_message().empty();
  ByteSpan body = usual ? view.short_message() : body_of(view);
  if (smpp::EsmClass{esm_class_of(view)}.has_udh()) body = without_udh(body);
  return as_text(body);
}

// Without the octets from its first NUL on.
std::string_view up_to_nul(ByteSpan value) noexcept {
  return as_text(value.first(find_nul(value.data(), 0, static_cast<std::uint32_t>(value.size()))));
}

// The first of each tag, in one walk.
smpp::ReceiptTlvs receipt_tlvs(const smpp::PduView& view) noexcept {
  smpp::ReceiptTlvs tlvs;
  bool has_state = false;
  for (const smpp::Tlv tlv : view.tlvs()) {
    if (tlv.tag == TlvTag::receipted_message_id) {
      if (!tlvs.receipted_message_id) tlvs.receipted_message_id = up_to_nul(tlv.value);
    } else if (tlv.tag == TlvTag::message_state) {
      if (!has_state && tlv.value.size() == 1) [[likely]] {
        tlvs.message_state = tlv.value.front();
      } else if (!has_state) {
        const auto number = smpp::tlv_integer(tlv.value);
        if (number && *number <= 0xFF) tlvs.message_state = static_cast<std::uint8_t>(*number);
      }
      has_state = true;
    } else if (tlv.tag == TlvTag::network_error_code) {
      if (!tlvs.network_error_code) tlvs.network_error_code = tlv.value;
    }
  }
  return tlvs;
}

// Whether a client's parser will find this value in the text.
bool is_named_so(std::string_view value, std::string_view text) noexcept {
  return !value.empty() && value.data() > text.data() && value.data()[-1] == ':';
}

// Whether a client's parser will take this text as it is: "stat:" and a word of the specification after it.
bool is_usual(const smpp::Receipt& receipt, std::string_view text) noexcept {
  if (receipt.stat.empty()) return true;
  const std::string_view word = smpp::receipt_word(receipt.state.value_or(smpp::MessageState::unknown));
  constexpr std::size_t kLetters = 7;  // of every such word
  const bool same = receipt.stat.size() == kLetters && std::memcmp(receipt.stat.data(), word.data(), kLetters) == 0;
  if (!same &&
      !std::ranges::equal(receipt.stat, word, {}, [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; })) {
    return false;
  }
  return is_named_so(receipt.stat, text);
}

// The state that counts from here on.
void harmonise(Report& report, bool own_grammar, const ReceiptCodes& codes) noexcept {
  report.meaning = codes.find(report.receipt);
  if (report.meaning == nullptr) return;
  report.receipt.state = report.meaning->state;
  // Whatever the words were, they are replaced where the text has a place for them.
  const bool has_places = is_named_so(report.receipt.stat, report.text) &&
                          (!report.meaning->error || is_named_so(report.receipt.err, report.text));
  report.vendor_text = own_grammar || !has_places;
}

}  // namespace

Report read_report(const smpp::PduView& view, const UpstreamFacts& upstream) noexcept {
  Report report;
  report.text = plain_text(view);
  smpp::Receipt& receipt = report.receipt;
  if (upstream.receipt_pattern != nullptr) {
    if (const auto matched = upstream.receipt_pattern->match(report.text)) {
      receipt = *matched;
      report.vendor_text = true;
    }
  }
  if (!report.vendor_text) smpp::parse_receipt(report.text, receipt);
  const auto& states = upstream.options->receipts.states;
  if (!states.empty() && !receipt.stat.empty()) {
    const auto known = states.find(std::string(receipt.stat));
    if (known != states.end()) receipt.state = smpp::receipt_state_of(known->second);
  }
  const bool own_grammar = report.vendor_text;
  if (!is_usual(receipt, report.text)) report.vendor_text = true;
  report.id_in_text = receipt.id;
  if (!view.tlv_bytes().empty()) smpp::merge_receipt(receipt, receipt_tlvs(view));
  if (upstream.receipt_codes != nullptr) harmonise(report, own_grammar, *upstream.receipt_codes);
  return report;
}

bool is_report(const smpp::PduView& view, const UpstreamFacts& upstream) noexcept {
  if (smpp::EsmClass{esm_class_of(view)}.is_report()) return true;
  if (!upstream.options->receipts.detect_unflagged) return false;
  if (view.tlv(TlvTag::receipted_message_id)) return true;
  const std::string_view text = plain_text(view);
  return smpp::looks_like_receipt(text) ||
         (upstream.receipt_pattern != nullptr && upstream.receipt_pattern->match(text).has_value());
}

ReceiptDesk::ReceiptDesk(const config::Receipts& options, Instant now, std::uint64_t seed)
    : map_(map_options(options, seed), now),
      recent_(options.untracked_entries),
      parking_(parking_options(options, seed ^ 0x9E37'79B9'7F4A'7C15ULL)),
      strays_(kMaxStrays, kMaxStrayBytes),
      parts_(options.max_entries / 2, options.retention) {}

void ReceiptDesk::configure(const Snapshot& snapshot) {
  part_receipts_ = snapshot.config->multipart.segmentation.receipts;
  for (std::size_t i = 0; i < snapshot.upstreams.size(); ++i) {
    const UpstreamFacts& facts = snapshot.upstreams[i];
    if (facts.options == nullptr) continue;
    const message::UpstreamId id(static_cast<std::uint16_t>(i));
    const auto format = IdMatcher::parse(facts.options->receipts.id_format).value_or(smpp::IdFormat::automatic);
    // What was learnt is kept as long as nobody configures another format.
    if (const auto before = formats_.find(id); before != formats_.end() && before->second == format) continue;
    formats_[id] = format;
    matcher_of(id) = IdMatcher(format);
  }
}

IdMatcher& ReceiptDesk::matcher_of(message::UpstreamId id) {
  if (id.value() >= matchers_.size()) matchers_.resize(id.value() + std::size_t{1});
  auto& matcher = matchers_[id.value()];
  if (!matcher) matcher.emplace(smpp::IdFormat::automatic);
  return *matcher;
}

const IdMatcher* ReceiptDesk::matcher(message::UpstreamId id) const noexcept {
  return id.value() < matchers_.size() && matchers_[id.value()] ? &*matchers_[id.value()] : nullptr;
}

Submission ReceiptDesk::submission_of(const message::Flight& flight, std::string_view upstream_id,
                                      Instant now) noexcept {
  Submission submission;
  submission.upstream = flight.upstream;
  submission.upstream_id = upstream_id;
  submission.own = flight.id;
  submission.client = flight.client;
  submission.source_hash = flight.source_hash;
  submission.destination_hash = flight.destination_hash;
  submission.registered_delivery = flight.registered_delivery;
  submission.at = now;
  submission.part = flight.parts > 1;
  return submission;
}

// A receipt is to come.
bool ReceiptDesk::expect(const message::Flight& flight, std::string_view upstream_id, Instant now) {
  const Submission submission = submission_of(flight, upstream_id, now);
  if (!map_.insert(submission)) return false;
  if (submission.part) {
    parts_.expect({flight.id, flight.part, flight.parts, part_receipts_ == config::PartReceipts::kEach, flight.doubtful,
                   upstream_id},
                  now);
  }
  return true;
}

// A message that is known under the id has it now.
void ReceiptDesk::recall_told(const message::Flight& flight, std::string_view upstream_id, Instant now) noexcept {
  const smpp::CanonicalId id = smpp::canonical_id(upstream_id);
  const internal::ToldMarks::Destinations destination{flight.destination_hash, flight.destination_hash};
  const bool known = map_.find(flight.upstream, id) ||
                     map_.was_told(flight.upstream, id.view(), destination) == ReceiptMap::Told::kYes;
  if (known || !map_.insert(submission_of(flight, upstream_id, now))) return;
  if (const auto entry = map_.find(flight.upstream, id)) map_.finish(entry->ref, now);
}

bool ReceiptDesk::expects(const message::Flight& flight, std::string_view upstream_id) const noexcept {
  const auto entry = map_.find(flight.upstream, smpp::canonical_id(upstream_id).view());
  return entry && entry->own == flight.id && entry->destination_hash == flight.destination_hash;
}

std::vector<ParkedReport> ReceiptDesk::waiting_for(message::UpstreamId upstream, std::string_view upstream_id) {
  std::vector<ParkedReport> waited;
  const smpp::CanonicalId id = smpp::canonical_id(upstream_id);
  while (const auto parked = parking_.take(upstream, id)) {
    waited.push_back({parked->ticket, {parked->pdu.begin(), parked->pdu.end()}});
  }
  return waited;
}

std::optional<ReceiptMap::Entry> ReceiptDesk::match(message::UpstreamId upstream, std::string_view receipt_id,
                                                    std::string_view source, std::string_view destination,
                                                    Patience patience) {
  IdMatcher& matcher = matcher_of(upstream);
  const Ends named{source, destination};
  if (matcher.likeliest_is_as_is() && matcher.would_confirm()) {
    // The first reading, and both addresses confirm it: no other could be preferred.
    const auto entry = map_.find(upstream, receipt_id);
    if (entry && confirm(*entry, source, destination)) {
      matcher.saw_destination(true, false);
      note_age(*entry);
      if (matcher.confirmed_as_is()) return newest_of(*entry, named);
    }
  }
  const auto candidates = matcher.candidates(receipt_id);
  const ReceiptMap::Addresses addresses{{address_hash(source), address_hash(destination)},
                                        {destination_hash(source), destination_hash(destination)}};
  const auto found = map_.match(upstream, candidates, addresses);
  using Destination = ReceiptMap::Destination;
  // At last any message counts that has the id, also one to another number, should the SMSC write numbers in its own
  // way.
  const Ends ends = patience != Patience::kAtLast && matcher.trusts_destinations() ? named : Ends();
  const bool likeliest_only = patience == Patience::kMayWait || matcher.trusts_first_hit();
  if (!found) {
    auto recent = match_recent(upstream, candidates, likeliest_only, ends);
    return recent ? recent : match_told(upstream, candidates, addresses, patience);
  }
  if (!found->first_candidate && found->destination != Destination::kConfirmed) {
    if (auto told = match_told(upstream, candidates, addresses, patience)) return told;
  }
  if (found->first_hit) {
    if (found->only_hit) matcher.clear_suspicion();
  } else if (patience != Patience::kAtLast && !counts_so_soon(*found, matcher, receipt_id, patience)) {
    return match_recent(upstream, candidates, true, ends);
  }
  // Of two messages nobody knows yet which: the next receipts will say.
  if (!found->sure && patience == Patience::kMayWait && !matcher.trusts_first_hit()) {
    return match_recent(upstream, candidates, true, ends);
  }
  if (found->destination == Destination::kContradicted && patience != Patience::kAtLast) {
    // No repetition: of a message that the SMSC has given the same id since, and has not answered yet.
    const bool given_again = found->entry.final_seen && matcher.trusts_destinations();
    const bool any_reading = patience == Patience::kMayWait && !matcher.trusts_first_hit() && candidates.size() > 1;
    if (given_again || any_reading) return match_recent(upstream, candidates, true, ends);
  }
  if (!found->first_hit && matcher.trusts_first_hit()) matcher.saw_other_kind();
  note_age(found->entry);
  const bool likeliest = found->first_candidate && (matcher.trusts_first_hit() || candidates.size() == 1);
  // Another message, whose id looks the same in another base: this receipt's own is not known yet.
  if (found->destination == Destination::kContradicted && !likeliest && matcher.trusts_destinations()) {
    return match_recent(upstream, candidates, likeliest_only, ends);
  }
  matcher.saw_destination(found->destination == Destination::kConfirmed,
                          found->destination == Destination::kContradicted);
  const bool agrees = found->destination == Destination::kConfirmed ||
                      (found->destination == Destination::kUnknown && found->address_agrees);
  if (found->only_hit || (found->sure && agrees)) matcher.learn(map_.upstream_id(found->entry.ref), receipt_id);
  return newest_of(found->entry, found->destination == Destination::kConfirmed ? named : Ends());
}

// Of a message that another reading of the id names than the likeliest, which names none. Another message to the same
// number agrees as well, and would cost this receipt's own, if that is about to come, its only one.
bool ReceiptDesk::counts_so_soon(const ReceiptMap::Match& found, IdMatcher& matcher, std::string_view receipt_id,
                                 Patience patience) noexcept {
  using Destination = ReceiptMap::Destination;
  if (matcher.trusts_first_hit()) {
    const bool sure = found.destination == Destination::kConfirmed && found.address_agrees && !found.entry.final_seen;
    return sure && matcher.is_mixed();
  }
  if (patience == Patience::kHeld) return true;
  if (found.only_hit && found.destination != Destination::kContradicted && !found.entry.final_seen) {
    return matcher.suspect(found.entry.own, map_.upstream_id(found.entry.ref), receipt_id);
  }
  matcher.clear_suspicion();
  return false;
}

std::optional<ReceiptMap::Entry> ReceiptDesk::find_plainly(message::UpstreamId upstream, std::string_view receipt_id,
                                                           std::string_view source, std::string_view destination) {
  std::optional<ReceiptMap::Entry> entry;
  const IdMatcher* matching = matcher(upstream);
  if (matching == nullptr || !matching->likeliest_is_as_is() || !matching->would_confirm()) return entry;
  entry = map_.find(upstream, receipt_id);
  if (entry && (!confirm(*entry, source, destination) || newer_than(*entry, {source, destination}) != nullptr))
    entry.reset();
  return entry;
}

void ReceiptDesk::tell_found(const ReceiptMap::Entry& entry) noexcept {
  IdMatcher& matcher = *matchers_[entry.upstream.value()];
  matcher.saw_destination(true, false);
  (void)matcher.confirmed_as_is();
  note_age(entry);
  tell(entry.ref);
}

// An SMSC may give an id again: to a message without a receipt after one with. Of two in one tick of the map's clock
// the one with a receipt is meant.
const internal::RecentRing::Record* ReceiptDesk::newer_than(const ReceiptMap::Entry& entry, const Ends& ends) noexcept {
  if (recent_.size() == 0) return nullptr;
  const auto* record = recent_.find(entry.upstream, smpp::canonical_id(map_.upstream_id(entry.ref)));
  const bool newer = record != nullptr && record->submitted >= entry.submitted + kClockOfMap;
  return newer && !is_to_another(*record, ends) ? record : nullptr;
}

ReceiptMap::Entry ReceiptDesk::newest_of(const ReceiptMap::Entry& entry, const Ends& ends) noexcept {
  const auto* newer = newer_than(entry, ends);
  return newer == nullptr ? entry : entry_of(*newer);
}

[[gnu::noinline]] bool ReceiptDesk::is_to_another(const internal::RecentRing::Record& record,
                                                  const Ends& ends) noexcept {
  const std::array tails{internal::destination_tail(ends[0]), internal::destination_tail(ends[1])};
  const std::uint8_t tail = record.destination_tail;
  return tail != 0 && (tails[0] | tails[1]) != 0 && tail != tails[0] && tail != tails[1];
}

ReceiptMap::Entry ReceiptDesk::entry_of(const internal::RecentRing::Record& record) noexcept {
  ReceiptMap::Entry entry;
  entry.own = record.own;
  entry.client = message::ClientId(record.client);
  entry.upstream = message::UpstreamId(record.upstream);
  entry.source_hash = record.source_hash;
  entry.submitted = record.submitted;
  return entry;
}

// A receipt that nobody asked for; but not one to another number, to whose message, not answered yet, the SMSC may have
// given the id again.
std::optional<ReceiptMap::Entry> ReceiptDesk::match_recent(message::UpstreamId upstream,
                                                           const smpp::IdCandidates& candidates, bool first_only,
                                                           const Ends& ends) noexcept {
  for (const smpp::CanonicalId& candidate : candidates) {
    const auto* record = recent_.find(upstream, candidate);
    if (record != nullptr && !is_to_another(*record, ends)) return entry_of(*record);
    if (first_only) break;
  }
  return std::nullopt;
}

// A repetition, of a message that is forgotten but for that it was told of. None, as long as it may wait, where the
// SMSC has given the id again since, to a message that it has not answered yet.
std::optional<ReceiptMap::Entry> ReceiptDesk::match_told(message::UpstreamId upstream,
                                                         const smpp::IdCandidates& candidates,
                                                         const ReceiptMap::Addresses& addresses,
                                                         Patience patience) const noexcept {
  if (candidates.size() == 0) return std::nullopt;
  using Told = ReceiptMap::Told;
  const Told told = map_.was_told(upstream, candidates.begin()->view(), addresses.destination_hashes);
  if (told == Told::kNot) return std::nullopt;
  const bool may_wait = patience != Patience::kAtLast && matcher(upstream)->trusts_destinations();
  if (told == Told::kOfAnother && may_wait) return std::nullopt;
  ReceiptMap::Entry entry;
  entry.upstream = upstream;
  entry.final_seen = true;
  return entry;
}

void ReceiptDesk::part_repeated(ReceiptMap::Ref part, Instant now) noexcept { map_.finish(part, now); }

void ReceiptDesk::part_done(ReceiptMap::Ref part, Instant now) noexcept {
  parts_.settle(part.own, map_.upstream_id(part));
  map_.finish(part, now);
}

void ReceiptDesk::tell(ReceiptMap::Ref message) noexcept {
  map_.set_telling(message, true);
  if (parts_.empty()) return;
  if (auto* parts = parts_.find(message.own); parts != nullptr) parts->telling = true;
}

bool ReceiptDesk::hold(ReceiptMap::Ref message, const message::DeliveryTicket& ticket) {
  if (held_.size() >= kMaxHeld) return false;
  held_.emplace(message.index, Held{message.own, ticket});
  return true;
}

void ReceiptDesk::settle(ReceiptMap::Ref message, bool taken, Instant now) noexcept {
  if (!parts_.empty()) {
    if (auto* parts = parts_.find(message.own); parts != nullptr) parts->telling = false;
    if (taken) parts_.settle(message.own, map_.upstream_id(message));
  }
  if (taken) {
    map_.finish(message, now);
  } else {
    map_.set_telling(message, false);
  }
}

std::vector<message::DeliveryTicket> ReceiptDesk::take_held(ReceiptMap::Ref message) {
  std::vector<message::DeliveryTicket> held;
  for (auto [at, end] = held_.equal_range(message.index); at != end;) {
    if (at->second.own == message.own) {
      held.push_back(at->second.ticket);
      at = held_.erase(at);
    } else {
      ++at;
    }
  }
  return held;
}

std::optional<ReceiptParking::Parked> ReceiptDesk::park(const message::DeliveryTicket& ticket,
                                                        std::string_view receipt_id, ByteSpan pdu, Instant now) {
  return parking_.park(ticket, matcher_of(ticket.upstream).candidates(receipt_id), pdu, now);
}

std::optional<ReceiptDesk::Known> ReceiptDesk::known(const internal::RecentRing::Record* record) {
  if (record == nullptr) return std::nullopt;
  return Known{record->own,         message::ClientId(record->client),  message::UpstreamId(record->upstream),
               record->source_hash, std::string(record->upstream_id()), record->own == 0};
}

std::optional<ReceiptDesk::Known> ReceiptDesk::find_own(message::OwnId own) {
  const auto entry = map_.entry_of(own);
  if (!entry) return known(recent_.find(own));
  return Known{
      entry->own, entry->client, entry->upstream, entry->source_hash, std::string(map_.upstream_id(entry->ref)),
      entry->part};
}

std::optional<ReceiptDesk::Known> ReceiptDesk::find_theirs(message::UpstreamId upstream, std::string_view id) {
  const smpp::CanonicalId canonical = smpp::canonical_id(id);
  const auto entry = map_.find(upstream, canonical);
  if (!entry) return known(recent_.find(upstream, canonical));
  if (const auto* newer = newer_than(*entry, {})) return known(newer);
  return Known{
      entry->own, entry->client, entry->upstream, entry->source_hash, std::string(map_.upstream_id(entry->ref)),
      entry->part};
}

}  // namespace smppd::flow
