#include "plugins/filter/metrics/metrics.h"

#include <array>
#include <string>
#include <vector>

#include "plugins/filter/common/party_names.h"
#include "smpp/text/charset.h"
#include "smpp/text/udh.h"
#include "telemetry/metrics.h"

namespace smppd::plugins {
namespace {

using telemetry::MetricKind;

constexpr telemetry::MetricDescription kMessages{
    "smppd_filter_messages_total", MetricKind::kCounter,
    "Messages that reached the metrics filter, by who sent them and how they are written."};
constexpr telemetry::MetricDescription kParts{"smppd_filter_message_parts_total", MetricKind::kCounter,
                                              "Those of them that are a part of a long message."};
constexpr telemetry::MetricDescription kOctets{"smppd_filter_message_octets_total", MetricKind::kCounter,
                                               "Octets of text they carry, headers included."};
constexpr telemetry::MetricDescription kOutcomes{"smppd_filter_outcomes_total", MetricKind::kCounter,
                                                 "Answers to messages, by command_status."};

struct Traffic {
  std::array<std::uint64_t, smpp::kAlphabets> messages{};  // by Alphabet
  std::uint64_t parts = 0;
  std::uint64_t octets = 0;
};

struct Outcomes {
  message::UpstreamId upstream;
  smpp::CommandStatus status{};
  bool uncertain = false;
  std::uint64_t count = 0;
};

bool is_part(const flow::MessageContext& context) noexcept {
  if (context.draft.original().tlv(smpp::TlvTag::sar_total_segments)) return true;
  constexpr unsigned kUdhi = 0x40;
  if ((context.facts.esm_class & kUdhi) == 0) return false;
  const auto header = smpp::UserDataHeader::parse(context.facts.short_message);
  return header && header->concat().has_value();
}

class Metrics final : public flow::Filter {
 public:
  explicit Metrics(const message::Names& names) : names_(names) {}

  [[nodiscard]] std::uint8_t hooks() const noexcept override { return kOnMessage | kOnMo | kOnOutcome; }

  flow::Verdict on_message(flow::MessageContext& context) noexcept override {
    if (!context.again) count(slot_of(from_clients_, context.facts.client), context);
    return flow::Verdict::pass();
  }

  flow::Verdict on_mo(flow::MessageContext& context) noexcept override {
    if (!context.again) count(slot_of(from_upstreams_, context.facts.upstream), context);
    return flow::Verdict::pass();
  }

  void on_outcome(const flow::OutcomeContext& outcome) noexcept override {
    auto& known = slot_of(outcomes_, outcome.client);
    for (auto& one : known) {  // a handful: upstreams times statuses that this client met
      if (one.upstream == outcome.upstream && one.status == outcome.status && one.uncertain == outcome.uncertain) {
        ++one.count;
        return;
      }
    }
    if (known.size() < kMostOutcomes) known.push_back({outcome.upstream, outcome.status, outcome.uncertain, 1});
  }

  void collect(telemetry::Collector& collector) const override {
    for (std::size_t i = 0; i < from_clients_.size(); ++i) {
      add(collector, from_clients_[i], "mt", "client", client_name(i));
    }
    for (std::size_t i = 1; i < from_upstreams_.size(); ++i) {
      const message::UpstreamId id(static_cast<std::uint16_t>(i - 1));
      add(collector, from_upstreams_[i], "mo", "upstream", std::string(names_.upstream(id)));
    }
    for (std::size_t i = 0; i < outcomes_.size(); ++i) {
      for (const Outcomes& one : outcomes_[i]) {
        collector.add(kOutcomes, static_cast<double>(one.count),
                      {{"client", client_name(i)},
                       {"upstream", std::string(names_.upstream(one.upstream))},
                       {"status", one.uncertain ? "uncertain" : smpp::name_of(one.status)}});
      }
    }
  }

 private:
  // A peer that answers with ever new statuses does not fill the memory.
  static constexpr std::size_t kMostOutcomes = 256;

  static void count(Traffic& traffic, const flow::MessageContext& context) noexcept {
    const auto coding = smpp::read_data_coding(context.facts.data_coding, smpp::Alphabet::gsm7);
    ++traffic.messages[static_cast<std::size_t>(coding.alphabet)];
    traffic.octets += context.facts.short_message.size();
    if (is_part(context)) ++traffic.parts;
  }

  [[nodiscard]] std::string client_name(std::size_t slot) const {
    if (slot == 0) return {};
    return std::string(names_.client(message::ClientId(static_cast<std::uint32_t>(slot - 1))));
  }

  static void add(telemetry::Collector& collector, const Traffic& traffic, const char* direction, const char* party,
                  const std::string& name) {
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < traffic.messages.size(); ++i) {
      all += traffic.messages[i];
      if (traffic.messages[i] == 0) continue;
      collector.add(kMessages, static_cast<double>(traffic.messages[i]),
                    {{"direction", direction},
                     {party, name},
                     {"alphabet", std::string(smpp::name_of(static_cast<smpp::Alphabet>(i)))}});
    }
    if (all == 0) return;
    collector.add(kParts, static_cast<double>(traffic.parts), {{"direction", direction}, {party, name}});
    collector.add(kOctets, static_cast<double>(traffic.octets), {{"direction", direction}, {party, name}});
  }

  PartyNames names_;
  std::vector<Traffic> from_clients_;
  std::vector<Traffic> from_upstreams_;
  std::vector<std::vector<Outcomes>> outcomes_;  // by client
};

// Stands in the chain and asks for nothing, which costs nothing.
class Hidden final : public flow::Filter {
 public:
  [[nodiscard]] std::uint8_t hooks() const noexcept override { return 0; }
};

Fallible<std::unique_ptr<flow::Filter>> make(const config::Filter& options,
                                             const flow::FilterEnvironment& environment) {
  if (!options.prometheus) return std::make_unique<Hidden>();
  return std::make_unique<Metrics>(environment.names);
}

}  // namespace

const flow::FilterPlugin kMetricsFilter{"metrics", "Counts messages and outcomes in more detail.", &make};

}  // namespace smppd::plugins
