#include "plugins/filter/rate_limit/rate_limit.h"

#include <memory>
#include <vector>

#include "accounts/rate_limit.h"
#include "plugins/filter/common/party_names.h"
#include "telemetry/metrics.h"

namespace smppd::plugins {
namespace {

constexpr telemetry::MetricDescription kHits{"smppd_rate_limit_hits_total", telemetry::MetricKind::kCounter,
                                             "Messages answered ESME_RTHROTTLED by the client's rate limit."};

class RateLimit final : public flow::Filter {
 public:
  explicit RateLimit(const message::Names& names) : names_(names) {}

  [[nodiscard]] std::uint8_t hooks() const noexcept override { return kOnMessage; }

  flow::Verdict on_message(flow::MessageContext& context) noexcept override {
    const accounts::ClientEntry* client = context.client;
    if (client == nullptr || client->state->rate.unlimited() || context.again) return flow::Verdict::pass();
    Share& share = slot_of(shares_, client->id);
    if (!share.lease) share.lease = std::make_unique<accounts::RateLease>(client->state->rate);
    if (share.lease->take(context.now)) return flow::Verdict::pass();
    ++share.hits;
    return flow::Verdict::answer(smpp::CommandStatus::ESME_RTHROTTLED);
  }

  void collect(telemetry::Collector& collector) const override {
    for (std::size_t i = 1; i < shares_.size(); ++i) {
      if (shares_[i].hits == 0) continue;
      const message::ClientId id(static_cast<std::uint32_t>(i - 1));
      collector.add(kHits, static_cast<double>(shares_[i].hits), {{"client", std::string(names_.client(id))}});
    }
  }

 private:
  struct Share {  // this shard's share of a client's rate
    std::unique_ptr<accounts::RateLease> lease;
    std::uint64_t hits = 0;
  };
  PartyNames names_;
  std::vector<Share> shares_;
};

Fallible<std::unique_ptr<flow::Filter>> make(const config::Filter&, const flow::FilterEnvironment& environment) {
  return std::make_unique<RateLimit>(environment.names);
}

}  // namespace

const flow::FilterPlugin kRateLimitFilter{"rate_limit", "Holds each client to its `rate_limit`.", &make};

}  // namespace smppd::plugins
