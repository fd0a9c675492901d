// What became of messages comes back to the choice of the next ones (docs/feedback.md). Nothing here runs, and no
// message is followed, unless something is adaptive or `feedback.enabled` is set.
#include <algorithm>
#include <cstring>

#include "flow/flow.h"
#include "flow/internal/facts_of.h"
#include "flow/internal/submission.h"

namespace smppd::flow {

namespace {

using upstream::Party;
using upstream::Quality;

bool is_wanted(const config::Config& config) {
  return config.feedback.enabled ||
         std::ranges::any_of(config.upstreams, [](const auto& upstream) { return upstream.algorithm == "adaptive"; }) ||
         std::ranges::any_of(config.routes, [](const auto& route) { return route.balance == "adaptive"; });
}

Quality::Options options_of(const config::Feedback& feedback) {
  return {feedback.half_life,  feedback.explore, feedback.tolerance,
          feedback.prior,      feedback.memory,  static_cast<unsigned>(feedback.prefix_digits),
          feedback.max_entries};
}

Party party_of(const message::Flight& flight) noexcept {
  return {flight.upstream, static_cast<std::uint8_t>(flight.host)};
}

}  // namespace

void Flow::follow_outcomes(const std::vector<upstream::UpstreamSet::Entry>& upstreams) {
  std::vector<Quality::Upstream> followed;
  followed.reserve(upstreams.size());
  for (const upstream::UpstreamSet::Entry& entry : upstreams) {
    const config::Upstream& options = *entry.options;
    followed.push_back({entry.id, options.hosts.size() + (options.outbind ? 1 : 0), entry.unchanged});
  }
  const Quality::Options options = options_of(snapshot_->config->feedback);
  quality_.configure(is_wanted(*snapshot_->config) ? &options : nullptr, followed);
}

// The one chosen first, then the others, the best first.
void Flow::prefer(Submission& m, std::uint32_t draw) noexcept {
  std::array<Quality::Choice, routing::Decision::kMaxUpstreams> choices;
  const std::span<Quality::Choice> equals(choices.data(), m.road.equals);
  for (std::size_t i = 0; i < equals.size(); ++i) equals[i] = {{m.road.upstreams[i]}, m.road.weights[i]};
  const upstream::PrefixCode prefix = quality_.prefix_of(message::normalised_destination(m.facts));
  std::swap(equals[0], equals[quality_.choose(equals, prefix, draw)]);
  const auto better = [&](const Quality::Choice& a, const Quality::Choice& b) {
    return quality_.score(a.party, prefix) > quality_.score(b.party, prefix);
  };
  std::sort(equals.begin() + 1, equals.end(), better);
  for (std::size_t i = 0; i < equals.size(); ++i) m.road.upstreams[i] = equals[i].party.upstream;
}

void Flow::note_answer(const message::Flight& flight, smpp::CommandStatus status, Duration took) noexcept {
  quality_.note(party_of(flight), flight.prefix, upstream::ending_of(status), took);
}

void Flow::note_no_answer(const message::Flight& flight) noexcept {
  quality_.note(party_of(flight), flight.prefix, upstream::Ending::kUncertain, {});
}

// Which link a receipt comes on says nothing about the host that had the message, so it speaks for the upstream. Its
// number is whichever of the two addresses was the message's destination.
void Flow::note_report(const smpp::PduView& view, const UpstreamFacts& upstream, const ReceiptMap::Entry& entry,
                       smpp::MessageState state) noexcept {
  const auto ending = upstream::ending_of(state);
  if (!ending) return;
  bool swapped = upstream.options->receipts.swap_addresses;
  if (entry.destination_hash != 0) {
    swapped = destination_hash(view.text(smpp::Field::source_addr)) != entry.destination_hash &&
              destination_hash(view.text(smpp::Field::destination_addr)) == entry.destination_hash;
  }
  const auto number =
      swapped ? message::normalise(view.u8(smpp::Field::dest_addr_ton), view.text(smpp::Field::destination_addr))
              : message::normalise(view.u8(smpp::Field::source_addr_ton), view.text(smpp::Field::source_addr));
  quality_.note({entry.upstream}, quality_.prefix_of(number), *ending, shard_.loop().now() - entry.submitted);
}

void Flow::share_outcomes() noexcept {
  const Instant now = shard_.loop().now();
  if (!quality_.on() || now - outcomes_shared_ < Quality::kFold) return;
  outcomes_shared_ = now;
  constexpr std::size_t kInOneLetter = 64;
  auto deltas = quality_.fold(now);
  while (!deltas.empty()) {
    const auto some = deltas.first(std::min(deltas.size(), kInOneLetter));
    const ByteSpan octets(reinterpret_cast<const std::uint8_t*>(some.data()), some.size_bytes());
    for (unsigned shard = 0; shard < shard_.count(); ++shard) {
      if (shard != shard_.index()) post(shard_, shard, MailKind::kOutcomes, OutcomesMail{}, octets);
    }
    deltas = deltas.subspan(some.size());
  }
}

void Flow::hear_outcomes(ByteSpan deltas) noexcept {
  static_assert(std::is_trivially_copyable_v<Quality::Delta>);
  for (; deltas.size() >= sizeof(Quality::Delta); deltas = deltas.subspan(sizeof(Quality::Delta))) {
    Quality::Delta delta;
    std::memcpy(&delta, deltas.data(), sizeof delta);
    quality_.absorb(delta);
  }
}

}  // namespace smppd::flow
