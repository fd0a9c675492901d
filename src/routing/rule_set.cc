#include "routing/rule_set.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/prefetch.h"
#include "routing/internal/conditions.h"
#include "routing/internal/text_map.h"

namespace smppd::routing {

using message::AddressPattern;
using message::PrefixMap;

// A slot is a place a destination leads to: everything (slot 0), a prefix, an exact address. A bucket is what a slot
// holds for one pair of party and source, each of which may be "whichever". The way to a slot that would hold one rule
// without conditions ends in that rule.
struct RuleSet::Index {
  static constexpr std::uint32_t kInternational = kNone - 1;  // as Entry::pattern: only international destinations
  static constexpr std::size_t kMaxKeysPerRule = 4096;
  enum : std::uint8_t { kForAll = 1, kForParty = 2, kForSource = 4, kForBoth = 8 };
  // Where a destination leads: the number of a slot or, with kRule, of a rule.
  enum : std::uint32_t {
    kRule = 1U << 31,
    kInternationalRule = kRule | 1U << 30,
    kBeforeShorter = 1U << 29,  // no shorter prefix, nor slot 0, has a rule before this one
    kNumber = kBeforeShorter - 1
  };

  struct Entry {
    std::uint32_t rule = 0;            // kNone: past the end of a bucket
    std::uint32_t pattern = kNone;     // into patterns
    std::uint32_t conditions = kNone;  // into conditions
  };
  struct Bucket {
    std::uint32_t lowest = kNone;  // rule of the first entry
    std::uint32_t begin = 0;       // into entries, unless the bucket is one entry without conditions:
    static constexpr std::uint32_t kOneForAll = kNone;
    static constexpr std::uint32_t kOneForInternational = kNone - 1;
  };
  struct Slot {
    Bucket all;
    std::uint32_t lowest_shorter = 0;  // rule of all that shorter prefixes and slot 0 have
    std::uint8_t has = 0;
  };
  struct Key {
    std::uint32_t slot = 0;
    std::uint32_t party = kNone;
    std::uint32_t source = kNone;
    bool operator==(const Key&) const = default;
    [[nodiscard]] bool is_plain() const noexcept { return party == kNone && source == kNone; }
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.slot, key.party, key.source);
    }
  };
  struct Search {
    const message::MessageFacts& facts;
    WallTime now;
    Accept accept;
    message::NormalAddress destination;
    std::uint32_t party;
    std::uint32_t best = kNone;

    [[nodiscard]] bool accepts(std::uint32_t rule) const noexcept {
      return accept.call == nullptr || accept.call(accept.context, rule);
    }
  };

  void scan(const Bucket& bucket, Search& search) const noexcept;
  // False if nothing behind a shorter prefix can come before what has been found.
  bool follow(std::uint32_t way, std::uint32_t source, Search& search) const noexcept;
  [[nodiscard]] std::uint32_t rule_at_end(const Foreseen::One& seen) const noexcept;
  bool follow_foreseen(const Foreseen::One& seen, std::uint32_t source, Search& search) const noexcept;
  bool visit(std::uint32_t slot, std::uint32_t source, Search& search) const noexcept;
  void scan_keyed(Key key, Search& search) const noexcept {
    if (const auto at = buckets.find(key); at != buckets.end()) scan(at->second, search);
  }

  Direction direction = Direction::kMt;
  PrefixMap prefixes;  // to ways
  TextMap<std::uint32_t> exact;
  TextMap<std::uint32_t> sources;
  std::vector<Slot> slots{1};
  absl::flat_hash_map<Key, Bucket> buckets;
  std::vector<Entry> entries;
  std::vector<AddressPattern> patterns;
  std::vector<Conditions> conditions;
  std::uint32_t always = kNone;                // the first rule, if it holds for every message
  std::uint32_t lowest_of_everything = kNone;  // the first rule of slot 0
  bool is_everything_plain = true;             // there is no other in slot 0, and it holds for every message
};

namespace {

std::string_view leading_digits(std::string_view text) noexcept {
  std::size_t count = 0;
  while (count < text.size() && count < PrefixMap::kMaxDigits && text[count] >= '0' && text[count] <= '9') ++count;
  return text.substr(0, count);
}

}  // namespace

// Collects keys and entries of all rules, then lays them out.
class RuleSetBuilder {
 public:
  using Index = RuleSet::Index;
  RuleSetBuilder(RuleSet::Direction direction, const std::vector<config::Client>& clients, const message::Names& names)
      : clients_(clients), names_(names) {
    index_.direction = direction;
  }

  void add(std::uint32_t number, const RuleSet::Rule& rule) {
    const config::Match& match = *rule.match;
    const auto problem = [&](const std::string& sentence) { errors_ += rule.label + ": " + sentence + "\n"; };
    std::vector<Place> places;
    if (auto found = destinations(match); found) {
      places = std::move(*found);
    } else {
      problem("destination_addr: " + found.error());
    }
    auto parties = parties_of(match, index_.direction, clients_, names_);
    if (!parties) return problem(parties.error());
    if (!parties->all && parties->numbers.empty()) return;  // no client has this tier or these tags
    bool source_left = !match.source_addr.empty();
    std::vector<std::uint32_t> sources = exact_sources(match, source_left);
    std::vector<std::uint32_t> party_keys{RuleSet::kNone};
    if (!parties->all && parties->numbers.size() * places.size() <= Index::kMaxKeysPerRule) {
      party_keys = std::move(parties->numbers);
      *parties = {};
    }
    if (sources.size() * party_keys.size() * places.size() > Index::kMaxKeysPerRule) {
      sources = {RuleSet::kNone};
      source_left = true;
    }
    auto conditions = Conditions::compile(match, std::move(*parties), source_left);
    if (!conditions) return problem(conditions.error());
    Index::Entry entry{number, RuleSet::kNone, RuleSet::kNone};
    if (!conditions->empty()) {
      entry.conditions = static_cast<std::uint32_t>(index_.conditions.size());
      index_.conditions.push_back(std::move(*conditions));
    }
    for (const Place& place : places) {
      entry.pattern = place.pattern;
      for (const std::uint32_t party : party_keys) {
        for (const std::uint32_t source : sources) collected_[{place.slot, party, source}].push_back(entry);
      }
    }
  }

  Fallible<std::unique_ptr<const Index>> build() {
    if (!errors_.empty()) {
      errors_.pop_back();
      return failure(std::move(errors_));
    }
    std::vector<Way> ways(index_.slots.size());
    for (const auto& [key, list] : collected_) {
      Way& way = ways[key.slot];
      way.lowest = std::min(way.lowest, list.front().rule);
      way.rule = ++way.buckets == 1 && key.is_plain() ? rule_of(list) : 0;
    }
    lead(ways);
    for (const auto& [key, list] : collected_) lay_out(ways[key.slot], key, list);
    index_.lowest_of_everything = ways[0].lowest;
    const Index::Slot& everyone = index_.slots[0];
    const bool plain = (everyone.has & Index::kForAll) != 0 && everyone.all.begin == Index::Bucket::kOneForAll;
    if (plain && everyone.all.lowest == 0) index_.always = 0;
    index_.is_everything_plain = everyone.has == 0 || (plain && everyone.has == Index::kForAll);
    return std::make_unique<const Index>(std::move(index_));
  }

 private:
  struct Place {
    std::uint32_t slot = 0;
    std::uint32_t pattern = RuleSet::kNone;
  };
  using SlotMap = TextMap<std::uint32_t>;
  struct Way {  // to a slot, as it was numbered first
    std::uint32_t lowest = RuleSet::kNone;
    std::uint32_t buckets = 0;
    std::uint32_t rule = 0;  // all that the slot would hold; 0: it holds more
    std::uint32_t slot = 0;
    std::uint32_t lowest_shorter = 0;
  };

  std::uint32_t slot_of(SlotMap& map, std::string_view text) {
    const auto [at, fresh] = map.try_emplace(text, static_cast<std::uint32_t>(index_.slots.size()));
    if (fresh) index_.slots.emplace_back();
    return at->second;
  }

  Fallible<std::vector<Place>> destinations(const config::Match& match) {
    std::vector<Place> places;
    if (match.destination_addr.empty()) places.push_back({});
    for (const message::PatternText& text : pattern_texts(match.destination_addr)) {
      auto pattern = AddressPattern::compile(text);
      if (!pattern) return std::unexpected(std::move(pattern.error()));
      Place place;
      if (pattern->needs_international()) place.pattern = Index::kInternational;
      const std::string_view literal = pattern->literal();
      const std::string_view digits = leading_digits(literal);
      const bool whole = digits.size() == literal.size();
      if (pattern->kind() == AddressPattern::Kind::kExact) {
        place.slot = slot_of(index_.exact, literal);
      } else {
        if (!digits.empty()) place.slot = slot_of(prefix_slots_, digits);
        const bool found_by_digits = pattern->kind() == AddressPattern::Kind::kAny ||
                                     (pattern->kind() == AddressPattern::Kind::kPrefix && whole);
        if (!found_by_digits) {
          place.pattern = static_cast<std::uint32_t>(index_.patterns.size());
          index_.patterns.push_back(std::move(*pattern));
        }
      }
      places.push_back(place);
    }
    return places;
  }

  // Keys for a list of exact sources; `left` tells whether the list must be checked all the same.
  std::vector<std::uint32_t> exact_sources(const config::Match& match, bool& left) {
    std::vector<std::string> texts;
    bool international = false;
    for (const message::PatternText& text : pattern_texts(match.source_addr)) {
      if (text.kind == message::PatternKind::kRegex) return {RuleSet::kNone};
      const auto pattern = AddressPattern::compile(text);
      if (!pattern || pattern->kind() != AddressPattern::Kind::kExact) return {RuleSet::kNone};
      international |= pattern->needs_international();
      texts.push_back(pattern->text());
    }
    if (texts.empty()) return {RuleSet::kNone};
    std::vector<std::uint32_t> keys;
    keys.reserve(texts.size());
    for (const std::string& text : texts) {
      keys.push_back(index_.sources.try_emplace(text, static_cast<std::uint32_t>(index_.sources.size())).first->second);
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    left = international;
    return keys;
  }

  static std::uint32_t rule_of(const std::vector<Index::Entry>& list) {
    const Index::Entry& entry = list.front();
    if (list.size() > 1 || entry.conditions != RuleSet::kNone || entry.rule >= Index::kNumber) return 0;
    if (entry.pattern == RuleSet::kNone) return entry.rule | Index::kRule;
    return entry.pattern == Index::kInternational ? entry.rule | Index::kInternationalRule : 0;
  }

  // Numbers the slots that are left, and tells prefixes and exact addresses where they lead.
  void lead(std::vector<Way>& ways) {
    std::uint32_t slots = 1;
    const auto way_of = [&](std::uint32_t number) {
      Way& way = ways[number];
      if (way.rule == 0) return way.slot = slots++;
      return way.rule | (way.lowest < way.lowest_shorter ? Index::kBeforeShorter : 0U);
    };
    std::vector<std::pair<std::string_view, std::uint32_t>> sorted(prefix_slots_.begin(), prefix_slots_.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<PrefixMap::Entry> prefixes;
    prefixes.reserve(sorted.size());
    std::vector<std::pair<std::string_view, std::uint32_t>> shorter{{"", ways[0].lowest}};  // and the lowest up to it
    for (const auto& [digits, number] : sorted) {
      while (!digits.starts_with(shorter.back().first)) shorter.pop_back();
      Way& way = ways[number];
      way.lowest_shorter = shorter.back().second;
      shorter.emplace_back(digits, std::min(way.lowest, way.lowest_shorter));
      prefixes.push_back({std::string(digits), way_of(number)});
    }
    index_.prefixes = PrefixMap(std::move(prefixes));
    for (auto& [text, number] : index_.exact) number = way_of(number);
    index_.slots.assign(slots, {});
  }

  void lay_out(const Way& way, Index::Key key, const std::vector<Index::Entry>& list) {  // in order of their rules
    if (way.rule != 0 && key.slot != 0) return;
    key.slot = way.slot;
    const Index::Entry& first = list.front();
    Index::Bucket bucket{first.rule, static_cast<std::uint32_t>(index_.entries.size())};
    const bool plain = first.pattern == RuleSet::kNone || first.pattern == Index::kInternational;
    if (list.size() == 1 && first.conditions == RuleSet::kNone && plain) {
      bucket.begin = first.pattern == RuleSet::kNone ? Index::Bucket::kOneForAll : Index::Bucket::kOneForInternational;
    } else {
      index_.entries.insert(index_.entries.end(), list.begin(), list.end());
      index_.entries.push_back({RuleSet::kNone, RuleSet::kNone, RuleSet::kNone});
    }
    Index::Slot& slot = index_.slots[key.slot];
    slot.lowest_shorter = way.lowest_shorter;
    const bool party = key.party != RuleSet::kNone;
    const bool source = key.source != RuleSet::kNone;
    if (!party && !source) {
      slot.has |= Index::kForAll;
      slot.all = bucket;
      return;
    }
    slot.has |= party && source ? Index::kForBoth : party ? Index::kForParty : Index::kForSource;
    index_.buckets.emplace(key, bucket);
  }

  const std::vector<config::Client>& clients_;
  const message::Names& names_;
  Index index_;
  SlotMap prefix_slots_;
  absl::flat_hash_map<Index::Key, std::vector<Index::Entry>> collected_;
  std::string errors_;
};

void RuleSet::Index::scan(const Bucket& bucket, Search& search) const noexcept {
  if (bucket.lowest >= search.best) return;
  if (bucket.begin >= Bucket::kOneForInternational) {
    if (bucket.begin == Bucket::kOneForInternational && !search.destination.international) return;
    if (search.accepts(bucket.lowest)) search.best = bucket.lowest;
    return;
  }
  for (const Entry* entry = entries.data() + bucket.begin; entry->rule < search.best; ++entry) {
    if (entry->pattern == kInternational) {
      if (!search.destination.international) continue;
    } else if (entry->pattern != kNone) {
      if (!patterns[entry->pattern].matches(search.destination, search.facts.destination_addr)) continue;
    }
    if (entry->conditions != kNone && !conditions[entry->conditions].hold(search.facts, search.party, search.now)) {
      continue;
    }
    if (!search.accepts(entry->rule)) continue;
    search.best = entry->rule;
    return;
  }
}

bool RuleSet::Index::follow(std::uint32_t way, std::uint32_t source, Search& search) const noexcept {
  if ((way & kRule) == 0) return visit(way, source, search);
  const std::uint32_t rule = way & kNumber;
  const bool holds = (way & kInternationalRule) == kRule || search.destination.international;
  if (!holds || rule >= search.best || !search.accepts(rule)) return true;
  search.best = rule;
  return (way & kBeforeShorter) == 0;
}

bool RuleSet::Index::follow_foreseen(const Foreseen::One& seen, std::uint32_t source, Search& search) const noexcept {
  if (seen.way == PrefixMap::kNone) return true;
  bool go_on = follow(seen.way, source, search);
  if (!go_on) return false;
  prefixes.walk(seen.shorter, [&](std::uint32_t way) { return go_on = follow(way, source, search); });
  return go_on;
}

// The rule that a destination leads to, if nothing else of the message has a say in it.
std::uint32_t RuleSet::Index::rule_at_end(const Foreseen::One& seen) const noexcept {
  if (!exact.empty()) return kNone;
  PrefixMap::Sight shorter = seen.shorter;
  std::uint32_t best = kNone;
  for (std::uint32_t way = seen.way; way != PrefixMap::kNone; way = prefixes.take_longest(shorter)) {
    if ((way & kRule) == 0) return kNone;
    const bool holds = (way & kInternationalRule) == kRule || seen.is_international;
    if (!holds || (way & kNumber) >= best) continue;
    best = way & kNumber;
    if ((way & kBeforeShorter) != 0) return best;
  }
  return best < lowest_of_everything ? best : is_everything_plain ? lowest_of_everything : kNone;
}

bool RuleSet::Index::visit(std::uint32_t slot_number, std::uint32_t source, Search& search) const noexcept {
  const Slot& slot = slots[slot_number];
  const bool party = search.party != kNone;
  if ((slot.has & kForBoth) != 0 && party && source != kNone) scan_keyed({slot_number, search.party, source}, search);
  if ((slot.has & kForParty) != 0 && party) scan_keyed({slot_number, search.party, kNone}, search);
  if ((slot.has & kForSource) != 0 && source != kNone) scan_keyed({slot_number, kNone, source}, search);
  if ((slot.has & kForAll) != 0) scan(slot.all, search);
  return search.best > slot.lowest_shorter;
}

RuleSet::RuleSet() = default;
RuleSet::RuleSet(RuleSet&&) noexcept = default;
RuleSet& RuleSet::operator=(RuleSet&&) noexcept = default;
RuleSet::~RuleSet() = default;

Fallible<RuleSet> RuleSet::compile(std::span<const Rule> rules, Direction direction,
                                   const std::vector<config::Client>& clients, const message::Names& names) {
  RuleSetBuilder builder(direction, clients, names);
  for (std::size_t i = 0; i < rules.size(); ++i) builder.add(static_cast<std::uint32_t>(i), rules[i]);
  auto index = builder.build();
  if (!index) return std::unexpected(std::move(index.error()));
  RuleSet set;
  set.index_ = std::move(*index);
  return set;
}

std::uint32_t RuleSet::always() const noexcept { return index_->always; }

const PrefixMap& RuleSet::prefixes() const noexcept { return index_->prefixes; }

// First the lines of all, which come together; then what each leads to, which comes while messages are handled.
std::size_t RuleSet::foresee(std::span<const message::NormalAddress> destinations, const ByRule& kept,
                             Foreseen& foreseen) const noexcept {
  const Index& index = *index_;
  const auto* const first_kept = static_cast<const std::byte*>(kept.first);
  std::size_t lines = 0;
  foreseen.by_ = &index;
  foreseen.next_ = 0;
  foreseen.count_ = std::min(destinations.size(), Foreseen::kMost);
  for (std::size_t i = 0; i < foreseen.count_; ++i) {
    const std::string_view text = destinations[i].text;
    foreseen.ones_[i] = {text.data(),      text.size(), index.prefixes.foresee(text),
                         PrefixMap::kNone, kNone,       destinations[i].international};
  }
  const auto ones = std::span(foreseen.ones_).first(foreseen.count_);
  for (std::size_t asked = 1; asked > 0; lines += asked) {
    asked = 0;
    for (Foreseen::One& one : ones) asked += index.prefixes.ask_for_more(one.shorter);
  }
  for (Foreseen::One& one : ones) {
    one.way = index.prefixes.take_longest(one.shorter);
    one.rule = index.rule_at_end(one);
    const bool known = one.rule != kNone;
    if (!known && one.way == PrefixMap::kNone) continue;
    const std::size_t number = known ? one.rule : one.way & Index::kNumber;
    if (known || (one.way & Index::kRule) != 0) {
      prefetch(first_kept + number * kept.size);
    } else {
      prefetch(&index.slots[number]);
    }
  }
  return lines;
}

const RuleSet::Foreseen::One* RuleSet::Foreseen::find(std::string_view text) noexcept {
  for (std::size_t at = next_; at < count_; ++at) {
    const One& one = ones_[at];
    if (one.text != text.data() || one.size != text.size()) continue;
    next_ = at;
    return one.shorter.is_whole ? &one : nullptr;
  }
  return nullptr;
}

std::uint32_t RuleSet::first_foreseen(const message::NormalAddress& destination, Foreseen& foreseen) const noexcept {
  if (foreseen.by_ != index_.get()) return kNone;
  const Foreseen::One* seen = foreseen.find(destination.text);
  if (seen == nullptr || seen->rule == kNone || seen->is_international != destination.international) return kNone;
  ++foreseen.next_;
  return seen->rule;
}

std::uint32_t RuleSet::first(const message::MessageFacts& facts, WallTime now) const noexcept {
  return first(facts, now, {});
}

std::uint32_t RuleSet::first(const message::MessageFacts& facts, WallTime now, Accept accept,
                             Foreseen* foreseen) const noexcept {
  const Index& index = *index_;
  if (index.always != kNone && (accept.call == nullptr || accept.call(accept.context, index.always))) {
    return index.always;
  }
  Index::Search search{facts, now, accept, message::normalised_destination(facts), party_of(facts, index.direction)};
  std::uint32_t source = kNone;
  if (!index.sources.empty()) {
    const auto at = index.sources.find(message::normalised_source(facts).text);
    if (at != index.sources.end()) source = at->second;
  }
  // From the most specific slot to the least, so that a good candidate cuts the others' lists short.
  if (!index.exact.empty()) {
    const auto at = index.exact.find(search.destination.text);
    if (at != index.exact.end()) index.follow(at->second, source, search);
  }
  bool go_on = true;
  const auto* seen = foreseen == nullptr || foreseen->by_ != &index ? nullptr : foreseen->find(search.destination.text);
  if (seen != nullptr) {
    go_on = index.follow_foreseen(*seen, source, search);
  } else {
    index.prefixes.walk(search.destination.text,
                        [&](std::uint32_t way) { return go_on = index.follow(way, source, search); });
  }
  if (go_on) index.visit(0, source, search);
  return search.best;
}

}  // namespace smppd::routing
