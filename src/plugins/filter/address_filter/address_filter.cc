#include "plugins/filter/address_filter/address_filter.h"

#include <vector>

#include "plugins/filter/common/party_names.h"
#include "telemetry/metrics.h"

namespace smppd::plugins {
namespace {

using accounts::AddressVerdict;

constexpr telemetry::MetricDescription kRefused{"smppd_filter_addresses_refused_total", telemetry::MetricKind::kCounter,
                                                "Messages refused by the client's address rules."};

class AddressFilter final : public flow::Filter {
 public:
  explicit AddressFilter(const message::Names& names) : names_(names) {}

  [[nodiscard]] std::uint8_t hooks() const noexcept override { return kOnMessage; }

  flow::Verdict on_message(flow::MessageContext& context) noexcept override {
    if (context.client == nullptr) return flow::Verdict::pass();
    const AddressVerdict verdict = accounts::check_addresses(*context.client, context.facts);
    if (verdict == AddressVerdict::kOk) return flow::Verdict::pass();
    if (!context.again) {
      Refused& refused = slot_of(refused_, context.client->id);
      ++(verdict == AddressVerdict::kBadSource ? refused.source : refused.destination);
    }
    return flow::Verdict::answer(static_cast<smpp::CommandStatus>(verdict));
  }

  void collect(telemetry::Collector& collector) const override {
    for (std::size_t i = 1; i < refused_.size(); ++i) {
      const std::string client(names_.client(message::ClientId(static_cast<std::uint32_t>(i - 1))));
      add(collector, client, "source", refused_[i].source);
      add(collector, client, "destination", refused_[i].destination);
    }
  }

 private:
  struct Refused {
    std::uint64_t source = 0;
    std::uint64_t destination = 0;
  };

  static void add(telemetry::Collector& collector, const std::string& client, const char* address,
                  std::uint64_t count) {
    if (count != 0) collector.add(kRefused, static_cast<double>(count), {{"client", client}, {"address", address}});
  }

  PartyNames names_;
  std::vector<Refused> refused_;
};

Fallible<std::unique_ptr<flow::Filter>> make(const config::Filter&, const flow::FilterEnvironment& environment) {
  return std::make_unique<AddressFilter>(environment.names);
}

}  // namespace

const flow::FilterPlugin kAddressFilter{"address_filter", "Holds each client to its `addresses`.", &make};

}  // namespace smppd::plugins
