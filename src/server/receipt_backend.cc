// What the management listener is told of receipts: each shard speaks for the upstreams whose home it is.
#include <algorithm>
#include <mutex>

#include "server/server.h"
#include "smpp/pdu_view.h"

namespace smppd::server {

namespace {

constexpr std::size_t kReplayStep = 200;  // receipts in one turn of a shard's loop
constexpr std::size_t kShownText = 254;

// Gathers one T from every shard; the last one in calls `done`.
template <typename T>
struct Gathering {
  std::mutex mutex;
  std::vector<T> all;
  unsigned left = 0;
  std::function<void(std::vector<T>)> done;

  void add(T mine) {
    std::unique_lock lock(mutex);
    all.push_back(std::move(mine));
    if (--left > 0) return;
    lock.unlock();
    done(std::move(all));
  }
};

template <typename T>
std::shared_ptr<Gathering<T>> gather(unsigned shards, std::function<void(std::vector<T>)> done) {
  auto gathering = std::make_shared<Gathering<T>>();
  gathering->left = shards;
  gathering->done = std::move(done);
  return gathering;
}

message::UpstreamId upstream_named(const flow::Snapshot& snapshot, const std::string& name) {
  for (std::size_t i = 0; i < snapshot.upstream_names.size(); ++i) {
    if (snapshot.upstream_names[i] == name) return message::UpstreamId(static_cast<std::uint16_t>(i));
  }
  return {};
}

// An id as evidence: enough to see its form, too little to name the message.
std::string masked(std::string_view id) {
  std::string shown(id);
  const std::size_t ends = id.size() >= 8 ? 3 : id.size() >= 4 ? 1 : 0;
  for (std::size_t i = ends; i + ends < shown.size(); ++i) shown[i] = '*';
  return shown;
}

std::vector<admin::ReceiptFormat> formats_of(flow::Flow& flow) {
  std::vector<admin::ReceiptFormat> formats;
  const flow::Snapshot& snapshot = flow.snapshot();
  for (std::size_t i = 0; i < snapshot.upstreams.size(); ++i) {
    const message::UpstreamId id(static_cast<std::uint16_t>(i));
    const flow::IdMatcher* matcher = flow.receipts().matcher(id);
    if (snapshot.upstreams[i].options == nullptr || !flow.is_home(id) || matcher == nullptr) continue;
    admin::ReceiptFormat format;
    format.upstream = snapshot.upstream_names[i];
    format.configured = flow::IdMatcher::name_of(matcher->configured());
    const bool learned =
        matcher->configured() == smpp::IdFormat::automatic && matcher->format() != smpp::IdFormat::automatic;
    if (learned) format.learned = flow::IdMatcher::name_of(matcher->format());
    const auto& evidence = matcher->evidence();
    format.as_is = evidence.as_is;
    format.hex_to_dec = evidence.hex_to_dec;
    format.dec_to_hex = evidence.dec_to_hex;
    format.ambiguous = evidence.ambiguous;
    format.response_id = masked(matcher->last_pair().response());
    format.receipt_id = masked(matcher->last_pair().receipt());
    formats.push_back(std::move(format));
  }
  return formats;
}

admin::UnmatchedReceipt view_of(const flow::Stray& stray, const flow::Snapshot& snapshot) {
  admin::UnmatchedReceipt shown;
  shown.upstream = snapshot.upstream_names[stray.upstream.value()];
  shown.received = stray.received;
  smpp::PduView view;
  const flow::UpstreamFacts* upstream = snapshot.upstream(stray.upstream);
  if (upstream == nullptr || !view.decode(stray.pdu)) return shown;
  const flow::Report report = flow::read_report(view, *upstream);
  shown.id = report.receipt.id;
  shown.source_addr = view.text(smpp::Field::source_addr);
  shown.destination_addr = view.text(smpp::Field::destination_addr);
  shown.stat = report.receipt.stat.empty() && report.receipt.state ? smpp::receipt_word(*report.receipt.state)
                                                                   : report.receipt.stat;
  shown.err = report.receipt.err;
  shown.text = report.text.substr(0, kShownText);
  return shown;
}

admin::UnmatchedReceipts unmatched_of(flow::Flow& flow, const std::string& upstream, std::size_t limit) {
  admin::UnmatchedReceipts found;
  const flow::Snapshot& snapshot = flow.snapshot();
  const flow::Strays& strays = flow.receipts().strays();
  found.kept = strays.stats().kept;
  found.dropped = strays.stats().dropped;
  const message::UpstreamId id = upstream_named(snapshot, upstream);
  if (!upstream.empty() && !id.valid()) return found;
  std::vector<const flow::Stray*> all;
  strays.visit(id, 0, [&](std::uint64_t, const flow::Stray& stray) {
    all.push_back(&stray);
    return true;
  });
  for (auto stray = all.rbegin(); stray != all.rend() && found.receipts.size() < limit; ++stray) {
    found.receipts.push_back(view_of(**stray, snapshot));
  }
  return found;
}

// Some receipts in each turn of the loop, so that traffic goes on meanwhile.
void replay_on(runtime::Shard& shard, const std::unique_ptr<ShardUnit>& unit, message::UpstreamId upstream,
               std::uint64_t after, admin::ReplayOutcome so_far,
               const std::function<void(admin::ReplayOutcome)>& done) {
  if (unit == nullptr) return done(so_far);  // stopping
  const auto step = unit->flow().replay_strays(upstream, after, kReplayStep);
  so_far.tried += step.tried;
  so_far.matched += step.matched;
  so_far.away += step.away;
  if (step.finished) return done(so_far);
  shard.loop().post([&shard, &unit, upstream, next = step.next, so_far, done] {
    replay_on(shard, unit, upstream, next, so_far, done);
  });
}

}  // namespace

void Server::receipt_formats(std::function<void(std::vector<admin::ReceiptFormat>)> done) {
  using Formats = std::vector<admin::ReceiptFormat>;
  const auto gathering = gather<Formats>(shards_.count(), [done = std::move(done)](std::vector<Formats> all) {
    Formats whole;
    for (Formats& mine : all) std::ranges::move(mine, std::back_inserter(whole));
    done(std::move(whole));
  });
  for (unsigned i = 0; i < shards_.count(); ++i) {
    shards_.shard(i).loop().post(
        [this, i, gathering] { gathering->add(units_[i] == nullptr ? Formats{} : formats_of(units_[i]->flow())); });
  }
}

void Server::unmatched_receipts(const std::string& upstream, std::size_t limit,
                                std::function<void(admin::UnmatchedReceipts)> done) {
  using Found = admin::UnmatchedReceipts;
  const auto gathering = gather<Found>(shards_.count(), [limit, done = std::move(done)](std::vector<Found> all) {
    Found whole;
    for (Found& mine : all) {
      whole.kept += mine.kept;
      whole.dropped += mine.dropped;
      std::ranges::move(mine.receipts, std::back_inserter(whole.receipts));
    }
    std::ranges::stable_sort(whole.receipts, std::greater<>{}, &admin::UnmatchedReceipt::received);
    if (whole.receipts.size() > limit) whole.receipts.resize(limit);
    done(std::move(whole));
  });
  for (unsigned i = 0; i < shards_.count(); ++i) {
    shards_.shard(i).loop().post([this, i, upstream, limit, gathering] {
      gathering->add(units_[i] == nullptr ? Found{} : unmatched_of(units_[i]->flow(), upstream, limit));
    });
  }
}

void Server::replay_receipts(const std::string& upstream, std::function<void(admin::ReplayOutcome)> done) {
  using Outcome = admin::ReplayOutcome;
  const auto gathering = gather<Outcome>(shards_.count(), [done = std::move(done)](const std::vector<Outcome>& all) {
    Outcome whole;
    for (const Outcome& mine : all) {
      whole.tried += mine.tried;
      whole.matched += mine.matched;
      whole.away += mine.away;
    }
    done(whole);
  });
  for (unsigned i = 0; i < shards_.count(); ++i) {
    shards_.shard(i).loop().post([this, i, upstream, gathering] {
      if (units_[i] == nullptr) return gathering->add({});
      const message::UpstreamId id = upstream_named(units_[i]->flow().snapshot(), upstream);
      if (!upstream.empty() && !id.valid()) return gathering->add({});
      replay_on(shards_.shard(i), units_[i], id, 0, {}, [gathering](const Outcome& mine) { gathering->add(mine); });
    });
  }
}

}  // namespace smppd::server
