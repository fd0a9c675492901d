#include "plugins/filter/logger/logger.h"

#include <chrono>

#include "message/own_id.h"
#include "plugins/filter/common/party_names.h"
#include "telemetry/log.h"

namespace smppd::plugins {
namespace {

constexpr telemetry::Logger kLog{"message"};

class Logger final : public flow::Filter {
 public:
  Logger(telemetry::Level level, bool with_text, const message::Names& names)
      : level_(level), with_text_(with_text), names_(names) {}

  [[nodiscard]] std::uint8_t hooks() const noexcept override { return kOnMessage | kOnMo | kOnOutcome; }

  flow::Verdict on_message(flow::MessageContext& context) noexcept override {
    if (!context.again) write("message from client", "client", names_.client(context.facts.client), context);
    return flow::Verdict::pass();
  }

  flow::Verdict on_mo(flow::MessageContext& context) noexcept override {
    if (!context.again) write("message from upstream", "upstream", names_.upstream(context.facts.upstream), context);
    return flow::Verdict::pass();
  }

  void on_outcome(const flow::OutcomeContext& outcome) noexcept override {
    if (!kLog.enabled(level_)) return;
    const message::OwnIdText id(outcome.id, message::IdFormat::kHex);
    const double milliseconds = std::chrono::duration<double, std::milli>(outcome.elapsed).count();
    kLog.write(level_, outcome.uncertain ? "outcome uncertain" : "outcome",
               {{"id", id.view()},
                {"client", names_.client(outcome.client)},
                {"upstream", names_.upstream(outcome.upstream)},
                {"command", smpp::name_of(outcome.command_id)},
                {"status", smpp::name_of(outcome.status)},
                {"upstream_message_id", outcome.upstream_message_id},
                {"elapsed_ms", milliseconds}});
  }

 private:
  void write(std::string_view sentence, std::string_view party, std::string_view name,
             const flow::MessageContext& context) const noexcept {
    if (!kLog.enabled(level_)) return;
    const message::MessageFacts& facts = context.facts;
    const message::OwnIdText id(context.id, message::IdFormat::kHex);
    const std::string_view text = with_text_ && facts.text != nullptr ? facts.text->utf8() : std::string_view();
    kLog.write(level_, sentence,
               {{"id", id.view()},
                {party, name},
                {"command", smpp::name_of(context.draft.original().id())},
                {"source_addr", facts.source_addr},
                {"destination_addr", facts.destination_addr},
                {"esm_class", facts.esm_class},
                {"data_coding", facts.data_coding},
                {"registered_delivery", facts.registered_delivery},
                {"octets", facts.short_message.size()},
                {with_text_ ? "text" : "version", with_text_ ? text : smpp::name_of(context.version)}});
  }

  telemetry::Level level_;
  bool with_text_;
  PartyNames names_;
};

Fallible<std::unique_ptr<flow::Filter>> make(const config::Filter& options,
                                             const flow::FilterEnvironment& environment) {
  // There is no level below debug.
  const auto level = telemetry::parse_level(options.level == "trace" ? "debug" : options.level);
  if (!level) return std::unexpected(level.error());
  return std::make_unique<Logger>(*level, options.text, environment.names);
}

}  // namespace

const flow::FilterPlugin kLoggerFilter{"logger", "Writes a line for each message and each outcome.", &make};

}  // namespace smppd::plugins
