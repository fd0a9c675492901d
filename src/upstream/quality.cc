#include "upstream/quality.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <utility>

namespace smppd::upstream {

namespace {

constexpr PrefixCode kCountryEnd = 10'000;  // codes of four digits and more
constexpr float kForgotten = 0.01F;         // an entry of less than that many messages is let go

constexpr std::size_t index(Ending ending) noexcept { return static_cast<std::size_t>(ending); }

PrefixCode country_of(PrefixCode prefix) noexcept {
  while (prefix >= kCountryEnd) prefix /= 10;
  return prefix;
}

constexpr std::uint64_t key_of(Party party, PrefixCode prefix) noexcept {
  return std::uint64_t{party.upstream.value()} << 40U | std::uint64_t{party.host} << 32U | prefix;
}
constexpr Party party_of(std::uint64_t key) noexcept {
  return {message::UpstreamId(static_cast<std::uint16_t>(key >> 40U)), static_cast<std::uint8_t>(key >> 32U)};
}
constexpr PrefixCode prefix_of_key(std::uint64_t key) noexcept { return static_cast<PrefixCode>(key); }

// The finaliser of MurmurHash3: as good as another draw.
constexpr std::uint32_t mix(std::uint32_t x) noexcept {
  x ^= x >> 16U;
  x *= 0x85eb'ca6bU;
  x ^= x >> 13U;
  x *= 0xc2b2'ae35U;
  return x ^ (x >> 16U);
}

template <typename Counts>
auto answers_in(const Counts& counts) noexcept {
  return counts[index(Ending::kAccepted)] + counts[index(Ending::kRefused)] + counts[index(Ending::kBusy)];
}
template <typename Counts>
auto sent_in(const Counts& counts) noexcept {
  return answers_in(counts) + counts[index(Ending::kUncertain)];
}
template <typename Counts>
auto reports_in(const Counts& counts) noexcept {
  return counts[index(Ending::kDelivered)] + counts[index(Ending::kUndelivered)] + counts[index(Ending::kExpired)];
}

}  // namespace

const char* name_of(Ending ending) noexcept {
  static constexpr const char* kNames[kEndings] = {"accepted",  "refused",     "busy",   "uncertain",
                                                   "delivered", "undelivered", "expired"};
  return kNames[index(ending)];
}

Ending ending_of(smpp::CommandStatus status) noexcept {
  switch (status) {
    case smpp::CommandStatus::ESME_ROK: return Ending::kAccepted;
    case smpp::CommandStatus::ESME_RSYSERR:
    case smpp::CommandStatus::ESME_RMSGQFUL:
    case smpp::CommandStatus::ESME_RTHROTTLED:
    case smpp::CommandStatus::ESME_RX_T_APPN: return Ending::kBusy;
    default: return Ending::kRefused;
  }
}

std::optional<Ending> ending_of(smpp::MessageState state) noexcept {
  switch (state) {
    case smpp::MessageState::delivered: return Ending::kDelivered;
    case smpp::MessageState::expired: return Ending::kExpired;
    case smpp::MessageState::undeliverable:
    case smpp::MessageState::rejected: return Ending::kUndelivered;
    default: return std::nullopt;
  }
}

std::string text_of(PrefixCode prefix) { return prefix <= kNoDigits ? "*" : std::to_string(prefix).substr(1); }

float Quality::Tally::weight() const noexcept {
  float sum = 0;
  for (std::size_t i = 0; i < kEndings; ++i) sum += counts[i] + static_cast<float>(fresh[i]);
  return sum;
}

// Answers and receipts are judgements of their own, each by the last so many.
void Quality::Tally::decay(float share, float memory) noexcept {
  const float of_answers = std::min(share, memory / std::max(sent_in(counts), 1.0F));
  const float of_reports = std::min(share, memory / std::max(reports_in(counts), 1.0F));
  for (std::size_t i = 0; i < kEndings; ++i) counts[i] *= i <= index(Ending::kUncertain) ? of_answers : of_reports;
  latency *= of_answers;
  delay *= of_reports;
  sent *= share;
}

// What is believed of a party: by what is counted and, as if that had been seen in `prior` messages, by what holds one
// level up.
struct Quality::Estimate {
  double accepted = 1;
  double delivered = 1;
  double latency = 0;
  double delay = 0;

  [[nodiscard]] Estimate refined(const Tally& tally, double prior) const noexcept {
    const double answered = answers_in(tally.counts);
    const double delivered_count = tally.counts[index(Ending::kDelivered)];
    Estimate next;
    next.accepted = (tally.counts[index(Ending::kAccepted)] + prior * accepted) / (sent_in(tally.counts) + prior);
    next.delivered = (delivered_count + prior * delivered) / (reports_in(tally.counts) + prior);
    next.latency = (tally.latency + prior * latency) / (answered + prior);
    next.delay = (tally.delay + prior * delay) / (delivered_count + prior);
    return next;
  }
  // A second to the answer costs 30 %, a minute to the receipt 16 %.
  [[nodiscard]] double score() const noexcept {
    return accepted * delivered / std::sqrt(1 + latency) / std::sqrt(std::sqrt(1 + delay / 60));
  }
};

void Quality::configure(const Options* options, std::span<const Upstream> upstreams) {
  if (options == nullptr || !on_ || !(*options == options_)) *this = Quality();
  if (options == nullptr) return;
  on_ = true;
  options_ = *options;
  if (keys_.empty()) {
    const std::size_t sets = std::bit_ceil(std::max<std::size_t>(options->max_entries / kWays, 1));
    keys_.assign(sets * kWays, 0);
    tallies_.assign(sets * kWays, {});
  }
  std::vector<std::vector<Root>> next;
  std::size_t parties = 0;
  for (const Upstream& upstream : upstreams) {
    const std::size_t number = upstream.id.value();
    if (next.size() <= number) next.resize(number + 1);
    const std::size_t wanted = upstream.hosts > 1 ? std::min(upstream.hosts, kMaxChoices) + 1 : 1;
    std::vector<Root>& mine = next[number];
    if (number < roots_.size()) mine = std::move(roots_[number]);
    if (!upstream.unchanged) mine.resize(std::min<std::size_t>(mine.size(), 1));
    mine.resize(wanted);
    parties += wanted;
    if (upstream.unchanged) continue;
    for (std::uint64_t& key : keys_) {
      const Party party = party_of(key);
      if (key != 0 && party.upstream == upstream.id && party.host != Party::kWhole) key = 0;
    }
  }
  roots_ = std::move(next);
  deltas_.clear();
  deltas_.reserve(keys_.size() + parties);
}

PrefixCode Quality::prefix_of(const message::NormalAddress& destination) const noexcept {
  PrefixCode code = kNoDigits;
  const std::size_t size = std::min<std::size_t>(destination.text.size(), options_.prefix_digits);
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned digit = static_cast<unsigned char>(destination.text[i]) - '0';
    if (digit > 9) return i == 0 ? kNoDigits : code;
    code = code * 10 + digit;
  }
  return code;
}

// An upstream of one host is one party.
Party Quality::known(Party party) const noexcept {
  if (party.host == Party::kWhole || roots_[party.upstream.value()].size() > party.host + 1U) return party;
  return {party.upstream};
}

const Quality::Root* Quality::root(Party party) const noexcept {
  if (party.upstream.value() >= roots_.size() || roots_[party.upstream.value()].empty()) return nullptr;
  const std::vector<Root>& roots = roots_[party.upstream.value()];
  const Party mine = known(party);
  return mine.host == Party::kWhole ? roots.data() : &roots[mine.host + 1U];
}

Quality::Root* Quality::root(Party party) noexcept { return const_cast<Root*>(std::as_const(*this).root(party)); }

std::size_t Quality::set_of(std::uint64_t key) const noexcept {
  const std::uint64_t hash = key * 0x9e37'79b9'7f4a'7c15ULL;
  return (hash >> 32U) % (keys_.size() / kWays) * kWays;
}

const Quality::Tally* Quality::find(Party party, PrefixCode prefix) const noexcept {
  if (prefix <= kNoDigits) {
    const Root* whole = root(party);
    return whole == nullptr ? nullptr : &whole->tally;
  }
  const std::uint64_t key = key_of(party, prefix);
  const std::size_t set = set_of(key);
  for (std::size_t way = set; way < set + kWays; ++way) {
    if (keys_[way] == key) return &tallies_[way];
  }
  return nullptr;
}

Quality::Tally& Quality::find_or_make(Party party, PrefixCode prefix) noexcept {
  if (const Tally* there = find(party, prefix)) return const_cast<Tally&>(*there);
  const std::uint64_t key = key_of(party, prefix);
  const std::size_t set = set_of(key);
  std::size_t victim = set;
  for (std::size_t way = set; way < set + kWays && keys_[victim] != 0; ++way) {
    if (keys_[way] == 0 || tallies_[way].weight() < tallies_[victim].weight()) victim = way;
  }
  if (keys_[victim] != 0) ++evicted_;
  const auto inherited = static_cast<float>(score(party, prefix));
  keys_[victim] = key;
  tallies_[victim] = {};
  tallies_[victim].score = inherited;
  return tallies_[victim];
}

void Quality::note(Party party, PrefixCode prefix, Ending ending, Duration took) noexcept {
  Root* whole = root(party);
  if (whole == nullptr) return;
  ++whole->totals[index(ending)];
  Tally& tally = prefix <= kNoDigits ? whole->tally : find_or_make(known(party), prefix);
  ++tally.fresh[index(ending)];
  const float seconds = std::chrono::duration<float>(took).count();
  if (ending <= Ending::kBusy) tally.fresh_latency += seconds;
  if (ending == Ending::kDelivered) tally.fresh_delay += seconds;
}

void Quality::take_fresh(Party party, PrefixCode prefix, Tally& tally) noexcept {
  const auto seen = [](std::uint32_t count) { return count != 0; };
  if (std::none_of(tally.fresh.begin(), tally.fresh.end(), seen)) return;
  deltas_.push_back({party, prefix, tally.fresh, tally.fresh_latency, tally.fresh_delay});
  tally.fresh = {};
  tally.fresh_latency = 0;
  tally.fresh_delay = 0;
}

template <typename Visit>
void Quality::for_each(Visit&& visit) {
  for (std::size_t upstream = 0; upstream < roots_.size(); ++upstream) {
    for (std::size_t i = 0; i < roots_[upstream].size(); ++i) {
      const std::uint8_t host = i == 0 ? Party::kWhole : static_cast<std::uint8_t>(i - 1);
      visit(Party{message::UpstreamId(static_cast<std::uint16_t>(upstream)), host}, kNoDigits,
            roots_[upstream][i].tally);
    }
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] != 0) visit(party_of(keys_[i]), prefix_of_key(keys_[i]), tallies_[i]);
  }
}

void Quality::decay(float share) noexcept {
  const auto memory = static_cast<float>(options_.memory);
  for_each([=](Party, PrefixCode, Tally& tally) { tally.decay(share, memory); });
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] != 0 && tallies_[i].weight() < kForgotten) keys_[i] = 0;
  }
}

std::span<const Quality::Delta> Quality::fold(Instant now) noexcept {
  deltas_.clear();
  if (!on_) return deltas_;
  if (folded_ != Instant{}) {
    const double past =
        std::chrono::duration<double>(now - folded_) / std::chrono::duration<double>(options_.half_life);
    decay(static_cast<float>(std::exp2(-past)));
  }
  folded_ = now;
  // First all that is fresh, then the sums: making an entry for a sum may take the place of another.
  for_each([this](Party party, PrefixCode prefix, Tally& tally) { take_fresh(party, prefix, tally); });
  for (const Delta& delta : deltas_) absorb(delta);
  for_each([this](Party party, PrefixCode prefix, Tally& tally) { publish(tally, estimate(party, prefix)); });
  return deltas_;
}

void Quality::absorb(const Delta& delta) noexcept {
  if (!on_ || root(delta.party) == nullptr) return;
  const Party party = known(delta.party);
  add(party, delta);
  if (party.host != Party::kWhole) add({party.upstream}, delta);
}

void Quality::add(Party party, const Delta& delta) noexcept {
  const auto into = [&delta](Tally& tally) {
    for (std::size_t i = 0; i < kEndings; ++i) tally.counts[i] += static_cast<float>(delta.counts[i]);
    tally.latency += delta.latency;
    tally.delay += delta.delay;
    tally.sent += static_cast<float>(sent_in(delta.counts));
  };
  into(root(party)->tally);
  const PrefixCode country = country_of(delta.prefix);
  if (country > kNoDigits) into(find_or_make(party, country));
  if (country != delta.prefix) into(find_or_make(party, delta.prefix));
}

Quality::Estimate Quality::estimate(Party party, PrefixCode prefix) const noexcept {
  Estimate known_so_far;
  known_so_far = known_so_far.refined(root(party)->tally, options_.prior);
  const PrefixCode country = country_of(prefix);
  if (country <= kNoDigits) return known_so_far;
  if (const Tally* tally = find(party, country)) known_so_far = known_so_far.refined(*tally, options_.prior);
  if (country == prefix) return known_so_far;
  if (const Tally* tally = find(party, prefix)) known_so_far = known_so_far.refined(*tally, options_.prior);
  return known_so_far;
}

// A score that would hardly change stays, so that two who are alike do not change places all the time.
void Quality::publish(Tally& tally, const Estimate& estimate) const noexcept {
  const auto next = static_cast<float>(std::max(estimate.score(), 1e-3));
  const auto step = static_cast<float>(options_.tolerance / 2) * std::max(next, tally.score);
  if (std::abs(next - tally.score) >= step) tally.score = next;
}

double Quality::score(Party party, PrefixCode prefix) const noexcept {
  const Root* whole = root(party);
  if (whole == nullptr) return 1;
  const Party mine = known(party);
  if (const Tally* tally = find(mine, prefix)) return tally->score;
  if (const Tally* tally = find(mine, country_of(prefix))) return tally->score;
  return whole->tally.score;
}

std::size_t Quality::choose(std::span<const Choice> choices, PrefixCode prefix, std::uint32_t random) const noexcept {
  if (choices.size() < 2) return 0;
  const std::size_t count = std::min(choices.size(), kMaxChoices);
  std::array<double, kMaxChoices> shares;
  double best = 0;
  for (std::size_t i = 0; i < count; ++i) {
    shares[i] = score(choices[i].party, prefix);
    best = std::max(best, shares[i]);
  }
  const bool exploring = mix(random) < options_.explore * 0x1p32;
  const double good_enough = best * (1 - options_.tolerance);
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double standing = exploring ? 1 : std::min(shares[i] / good_enough, 1.0);
    const double squared = standing * standing;
    shares[i] = squared * squared * std::max(choices[i].weight, 1U);
    total += shares[i];
  }
  double left = random * 0x1p-32 * total;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (left < shares[i]) return i;
    left -= shares[i];
  }
  return count - 1;
}

std::vector<Quality::Row> Quality::rows(std::size_t prefixes) const {
  std::map<PrefixCode, float> use;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (keys_[i] != 0 && party_of(keys_[i]).host == Party::kWhole) {
      use[prefix_of_key(keys_[i])] += tallies_[i].weight();
    }
  }
  std::vector<std::pair<float, PrefixCode>> order;
  order.reserve(use.size());
  for (const auto& [prefix, weight] : use) order.emplace_back(-weight, prefix);
  std::ranges::sort(order);
  if (order.size() > prefixes) order.resize(prefixes);
  std::vector<PrefixCode> shown{kNoDigits};
  for (const auto& [weight, prefix] : order) shown.push_back(prefix);
  std::vector<Row> rows;
  // What flows in steadily piles up to its rate times the mean life of a count.
  const double per_second = std::log(2.0) / std::chrono::duration<double>(options_.half_life).count();
  const auto show = [&](Party party, PrefixCode prefix, const Tally& tally) {
    if (std::ranges::find(shown, prefix) == shown.end()) return;
    Row& row = rows.emplace_back();
    row.party = party;
    row.prefix = prefix;
    row.counts = tally.counts;
    row.score = tally.score;
    row.per_second = tally.sent * per_second;
    if (const float answered = answers_in(tally.counts); answered > kForgotten) row.latency = tally.latency / answered;
    const float delivered = tally.counts[index(Ending::kDelivered)];
    if (delivered > kForgotten) row.delay = tally.delay / delivered;
  };
  const_cast<Quality*>(this)->for_each(show);
  return rows;
}

std::array<std::uint64_t, kEndings> Quality::totals(Party party) const noexcept {
  const Root* whole = root(party);
  return whole == nullptr ? std::array<std::uint64_t, kEndings>{} : whole->totals;
}

std::size_t Quality::entries() const noexcept {
  return keys_.size() - static_cast<std::size_t>(std::count(keys_.begin(), keys_.end(), 0U));
}

}  // namespace smppd::upstream
