#include "plugins/filter/transform/transform.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "plugins/filter/transform/internal/content.h"
#include "plugins/filter/transform/internal/rule.h"
#include "telemetry/metrics.h"

namespace smppd::plugins {
namespace {

using flow::Verdict;
using smpp::CommandStatus;

constexpr telemetry::MetricDescription kApplied{"smppd_filter_transformed_total", telemetry::MetricKind::kCounter,
                                                "Messages that a rule of the transform filter was applied to."};
constexpr telemetry::MetricDescription kRefused{
    "smppd_filter_transform_refused_total", telemetry::MetricKind::kCounter,
    "Messages refused because a rule's value does not fit the field it is for."};
constexpr telemetry::MetricDescription kSkipped{"smppd_filter_transform_skipped_total", telemetry::MetricKind::kCounter,
                                                "Changes of text left out because the message is no text."};

constexpr std::size_t kMostFields = 16;  // rows of field_rows(), of which a rule names each at most once

class Transform final : public flow::Filter, private TemplateValues {
 public:
  explicit Transform(smpp::TlvRegistry tlvs) : tlvs_(std::move(tlvs)) {}

  Fallible<void> compile(const config::Filter& options, const flow::FilterEnvironment& environment) {
    std::string problems;
    std::size_t most_values = 0;
    for (std::size_t i = 0; i < options.rules.size(); ++i) {
      const std::string label = "rule " + std::to_string(i + 1);
      auto program = TransformProgram::compile(options.rules[i], label, environment, tlvs_);
      if (!program) {
        problems += (problems.empty() ? "" : "\n") + program.error();
        continue;
      }
      most_values = std::max(most_values, program->changes().size() + program->tlvs().size());
      rules_.push_back({std::move(*program), 0, 0, 0});
    }
    values_.resize(most_values);
    if (!problems.empty()) return failure(std::move(problems));
    return {};
  }

  [[nodiscard]] std::uint8_t hooks() const noexcept override { return kOnMessage; }

  Verdict on_message(flow::MessageContext& context) noexcept override {
    context_ = &context;
    overridden_.fill(false);
    for (Rule& rule : rules_) {
      if (!rule.program.matches(context.facts, context.wall)) continue;
      const Verdict verdict = apply(rule, context);
      if (!context.again) ++(verdict.kind == Verdict::Kind::kPass ? rule.applied : rule.refused);
      if (verdict.kind != Verdict::Kind::kPass) return verdict;
    }
    return Verdict::pass();
  }

  void collect(telemetry::Collector& collector) const override {
    for (const Rule& rule : rules_) {
      const telemetry::Labels labels{{"rule", rule.program.label()}};
      collector.add(kApplied, static_cast<double>(rule.applied), labels);
      collector.add(kRefused, static_cast<double>(rule.refused), labels);
      collector.add(kSkipped, static_cast<double>(rule.skipped), labels);
    }
  }

 private:
  struct Rule {
    TransformProgram program;
    std::uint64_t applied;
    std::uint64_t refused;
    std::uint64_t skipped;
  };

  // TemplateValues: the message as it is before the rule.
  [[nodiscard]] std::string_view text_of(const FieldRow& row) const noexcept override {
    const auto& facts = context_->facts;
    if (row.type == FieldType::kContent) return facts.text == nullptr ? std::string_view() : facts.text->utf8();
    if (row.text != nullptr) return facts.*row.text;
    return overridden_[index_of(row)] ? stored_[index_of(row)] : context_->draft.original().text(row.field);
  }
  [[nodiscard]] std::uint8_t number_of(const FieldRow& row) const noexcept override {
    return row.number == nullptr ? std::uint8_t{0} : context_->facts.*row.number;
  }
  [[nodiscard]] std::string_view group(std::size_t number) const noexcept override { return groups_[number]; }

  Verdict apply(Rule& rule, flow::MessageContext& context) {
    rule.program.capture(context.facts, groups_);
    const auto& changes = rule.program.changes();
    std::array<std::uint8_t, kMostFields> numbers{};
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const auto& change = changes[i];
      numbers[i] = change.copied != nullptr ? number_of(*change.copied) : change.number;
      if (is_text(change)) change.value.write(*this, values_[i]);
    }
    const auto& tlvs = rule.program.tlvs();
    for (std::size_t i = 0; i < tlvs.size(); ++i) {
      if (tlvs[i].is_template) tlvs[i].value.write(*this, values_[changes.size() + i]);
    }
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (const Verdict verdict = set(*changes[i].field, values_[i], numbers[i], context);
          verdict.kind != Verdict::Kind::kPass) {
        return verdict;
      }
    }
    for (std::size_t i = 0; i < tlvs.size(); ++i) {
      if (!set_tlv(tlvs[i], values_[changes.size() + i], context)) {
        return Verdict::answer(CommandStatus::ESME_RINVPARLEN);
      }
    }
    return set_content(rule, numbers, context);
  }

  static bool is_text(const TransformProgram::Change& change) noexcept {
    return change.field->type == FieldType::kText || change.field->type == FieldType::kContent;
  }

  // Fields that this kind of PDU lacks are left out.
  Verdict set(const FieldRow& row, std::string& text, std::uint8_t number, flow::MessageContext& context) {
    if (!context.draft.original().has(row.field)) return Verdict::pass();
    if (row.type == FieldType::kText) {
      if (!may_hold(row, text)) return Verdict::answer(row.wrong);
      std::string& stored = stored_[index_of(row)];
      stored.swap(text);
      overridden_[index_of(row)] = true;
      context.draft.edit().set(row.field, stored);
      if (row.text != nullptr) context.facts.*row.text = stored;
    } else if (row.type == FieldType::kNumber) {
      constexpr unsigned kMayChange = 0x83;  // of esm_class: messaging mode and reply path
      const std::uint8_t before = context.facts.*row.number;
      const bool is_esm_class = row.field == smpp::Field::esm_class;
      const auto value = is_esm_class ? static_cast<std::uint8_t>((before & ~kMayChange) | number) : number;
      context.draft.edit().set(row.field, value);
      context.facts.*row.number = value;
    }
    return Verdict::pass();
  }

  static bool set_tlv(const TransformProgram::TlvChange& change, std::string& text, flow::MessageContext& context) {
    auto& draft = context.draft.edit();
    if (change.remove) {
      draft.remove_tlv(change.spec->tag);
    } else if (!change.is_template) {
      draft.replace_tlv(change.spec->tag, change.octets);
    } else {
      if (change.spec->type == smpp::TlvType::cstring) {
        if (text.contains('\0')) return false;
        text.push_back('\0');
      }
      if (text.size() < change.spec->min || text.size() > change.spec->max) return false;
      draft.replace_tlv(change.spec->tag, as_bytes(text));
    }
    return true;
  }

  // Text and data_coding are one step: the text is written anew under the data_coding it will have.
  Verdict set_content(Rule& rule, const std::array<std::uint8_t, kMostFields>& numbers, flow::MessageContext& context) {
    const auto& changes = rule.program.changes();
    const std::string* text = nullptr;
    std::optional<std::uint8_t> data_coding;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (changes[i].field->type == FieldType::kContent) text = &values_[i];
      if (changes[i].field->type == FieldType::kCoding) data_coding = numbers[i];
    }
    if (data_coding && !context.draft.original().has(smpp::Field::data_coding)) data_coding.reset();
    if (text == nullptr && !data_coding) return Verdict::pass();
    const std::string_view present = context.facts.text == nullptr ? std::string_view() : context.facts.text->utf8();
    switch (content_.write(context, text == nullptr ? present : std::string_view(*text), data_coding)) {
      case ContentWriter::Result::kWritten: break;
      case ContentWriter::Result::kTooLong: return Verdict::answer(CommandStatus::ESME_RINVMSGLEN);
      case ContentWriter::Result::kNoText:
        ++rule.skipped;
        if (data_coding && text == nullptr) {  // only what the octets are called changes
          context.draft.edit().set(smpp::Field::data_coding, *data_coding);
          context.facts.data_coding = *data_coding;
        }
        break;
    }
    return Verdict::pass();
  }

  smpp::TlvRegistry tlvs_;
  std::vector<Rule> rules_;
  ContentWriter content_;
  // Of the message at hand.
  flow::MessageContext* context_ = nullptr;
  TransformProgram::Groups groups_;
  std::vector<std::string> values_;              // of the rule at hand: changes, then TLVs
  std::array<std::string, kMostFields> stored_;  // by FieldRow: what the facts and later rules see
  std::array<bool, kMostFields> overridden_{};
};

Fallible<smpp::TlvRegistry> registry_of(const config::Config& config) {
  std::vector<smpp::VendorTlv> vendor;
  vendor.reserve(config.tlvs.size());
  for (const auto& tlv : config.tlvs) {
    vendor.push_back({tlv.name, tlv.tag, smpp::parse_tlv_type(tlv.type).value_or(smpp::TlvType::octets),
                      static_cast<std::uint16_t>(tlv.min_length), static_cast<std::uint16_t>(tlv.max_length)});
  }
  return smpp::TlvRegistry::with_vendor_tlvs(std::move(vendor));
}

Fallible<std::unique_ptr<flow::Filter>> make(const config::Filter& options,
                                             const flow::FilterEnvironment& environment) {
  auto tlvs = registry_of(environment.config);
  if (!tlvs) return std::unexpected(std::move(tlvs.error()));
  auto filter = std::make_unique<Transform>(std::move(*tlvs));
  if (auto done = filter->compile(options, environment); !done) return std::unexpected(std::move(done.error()));
  return filter;
}

}  // namespace

const flow::FilterPlugin kTransformFilter{"transform", "Rewrites messages by rules.", &make};

}  // namespace smppd::plugins
