#include "plugins/filter/protocol/protocol.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "smpp/text/split.h"
#include "smpp/text/udh.h"
#include "telemetry/metrics.h"

namespace smppd::plugins {
namespace {

using flow::Verdict;
using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;
using smpp::Version;

constexpr telemetry::MetricDescription kRewritten{"smppd_filter_protocol_rewritten_total",
                                                  telemetry::MetricKind::kCounter,
                                                  "Messages that the protocol filter had to change."};
constexpr telemetry::MetricDescription kRefused{"smppd_filter_protocol_refused_total", telemetry::MetricKind::kCounter,
                                                "Messages that cannot be said in the version they are mapped to."};

std::optional<Version> version_of(std::string_view name) noexcept {
  for (const Version version : {Version::v33, Version::v34, Version::v50}) {
    if (smpp::name_of(version) == name) return version;
  }
  return std::nullopt;
}

class Protocol final : public flow::Filter {
 public:
  static constexpr std::array kVersions = {Version::v33, Version::v34, Version::v50};

  void map(Version from, Version to) noexcept { target_[index(from)] = to; }

  [[nodiscard]] std::uint8_t hooks() const noexcept override { return kOnMessage; }

  Verdict on_message(flow::MessageContext& context) noexcept override {
    const Version target = target_[index(context.version)];
    if (target >= context.version) return Verdict::pass();
    const bool was_edited = context.draft.edited();
    lower_registered_delivery(context, target);
    const bool fits = target == Version::v33 ? without_tlvs(context) : without_new_tlvs(context);
    if (!context.again) {
      if (!fits) ++refused_;
      if (fits && !was_edited && context.draft.edited()) ++rewritten_;
    }
    return fits ? Verdict::pass() : Verdict::answer(CommandStatus::ESME_RINVMSGLEN);
  }

  void collect(telemetry::Collector& collector) const override {
    collector.add(kRewritten, static_cast<double>(rewritten_));
    collector.add(kRefused, static_cast<double>(refused_));
  }

 private:
  static std::size_t index(Version version) noexcept { return smpp::version_index(version); }

  // 3.3 knows 0 and 1; 3.4 has no "on success only" (3), which 5.0 §4.7.21 brought.
  static void lower_registered_delivery(flow::MessageContext& context, Version target) noexcept {
    constexpr unsigned kReceipt = 0x03;
    const unsigned before = context.facts.registered_delivery;
    unsigned after = before;
    if (target == Version::v33) {
      after = (before & kReceipt) != 0 ? 1 : 0;
    } else if ((before & kReceipt) == kReceipt) {
      after = (before & ~kReceipt) | 1;
    }
    if (after == before || !context.draft.original().has(Field::registered_delivery)) return;
    context.facts.registered_delivery = static_cast<std::uint8_t>(after);
    context.draft.edit().set(Field::registered_delivery, after);
  }

  // To 3.4.
  static bool without_new_tlvs(flow::MessageContext& context) noexcept {
    for (const auto& tlv : context.draft.original().tlvs()) {
      const smpp::TlvSpec* spec = smpp::standard_tlv(tlv.tag);
      if (spec != nullptr && spec->since > Version::v34) context.draft.edit().remove_tlv(tlv.tag);
    }
    return true;
  }

  // To 3.3. The facts' short_message is the body, wherever it lies.
  bool without_tlvs(flow::MessageContext& context) noexcept {
    const auto& original = context.draft.original();
    const ByteSpan tlvs = context.draft.edited() ? context.draft.edit().tlv_bytes() : original.tlv_bytes();
    if (tlvs.empty()) return true;
    if (!original.has(Field::short_message)) return false;  // data_sm, which 3.3 lacks
    const auto sar = smpp::concat_of_tlvs(tlvs);
    const bool has_header = (context.facts.esm_class & kUdhi) != 0;
    std::vector<std::uint8_t>& body = next_body_;
    body.clear();
    if (sar && !has_header) {
      smpp::UdhBuilder header;
      header.add(*sar);
      body.assign(header.bytes().begin(), header.bytes().end());
      context.facts.esm_class |= kUdhi;
    }
    body.insert(body.end(), context.facts.short_message.begin(), context.facts.short_message.end());
    if (body.size() > kMaxShortMessage) return false;
    tags_.clear();
    for (const auto& tlv : smpp::TlvRange(tlvs)) tags_.push_back(tlv.tag);
    auto& draft = context.draft.edit();
    for (const TlvTag tag : tags_) draft.remove_tlv(tag);
    draft.set(Field::short_message, ByteSpan(body));
    draft.set(Field::esm_class, context.facts.esm_class);
    body_.swap(next_body_);
    context.facts.short_message = body_;
    return true;
  }

  static constexpr unsigned kUdhi = 0x40;
  static constexpr std::size_t kMaxShortMessage = 254;

  std::array<Version, 3> target_ = kVersions;
  std::vector<TlvTag> tags_;
  std::vector<std::uint8_t> body_, next_body_;  // what the facts point to
  std::uint64_t rewritten_ = 0;
  std::uint64_t refused_ = 0;
};

Fallible<std::unique_ptr<flow::Filter>> make(const config::Filter& options, const flow::FilterEnvironment&) {
  auto filter = std::make_unique<Protocol>();
  for (const auto& [from, to] : options.version_mapping) {
    const auto from_version = version_of(from);
    const auto to_version = version_of(to);
    if (!from_version || !to_version) {
      return failure("version_mapping: '" + (from_version ? to : from) + "' is no version; write 3.3, 3.4 or 5.0");
    }
    filter->map(*from_version, *to_version);
  }
  return filter;
}

}  // namespace

const flow::FilterPlugin kProtocolFilter{"protocol", "Makes messages of one version what another allows.", &make};

}  // namespace smppd::plugins
