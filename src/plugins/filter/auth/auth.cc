#include "plugins/filter/auth/auth.h"

#include "telemetry/metrics.h"

namespace smppd::plugins {
namespace {

constexpr telemetry::MetricDescription kRefused{"smppd_filter_unauthenticated_total", telemetry::MetricKind::kCounter,
                                                "Messages refused because their sender is no client."};

class Auth final : public flow::Filter {
 public:
  [[nodiscard]] std::uint8_t hooks() const noexcept override { return kOnMessage; }

  flow::Verdict on_message(flow::MessageContext& context) noexcept override {
    if (context.client != nullptr) return flow::Verdict::pass();
    ++refused_;
    return flow::Verdict::answer(smpp::CommandStatus::ESME_RINVSYSID);
  }

  void collect(telemetry::Collector& collector) const override {
    collector.add(kRefused, static_cast<double>(refused_));
  }

 private:
  std::uint64_t refused_ = 0;
};

Fallible<std::unique_ptr<flow::Filter>> make(const config::Filter&, const flow::FilterEnvironment& environment) {
  if (environment.config.clients.empty()) return failure("the filter `auth` refuses everybody: there are no `clients`");
  return std::make_unique<Auth>();
}

}  // namespace

const flow::FilterPlugin kAuthFilter{"auth", "Refuses messages of senders that are no clients.", &make};

}  // namespace smppd::plugins
