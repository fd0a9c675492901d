#include "smppsim/mo_plan.h"

#include "toolkit/units.h"

namespace smppd::sim {

namespace {

Fallible<MoForm> parse_form(std::string_view text) {
  if (text == "udh8") return MoForm::udh8;
  if (text == "udh16") return MoForm::udh16;
  if (text == "sar") return MoForm::sar;
  if (text == "payload") return MoForm::payload;
  return failure("'" + std::string(text) + "' is none of udh8, udh16, sar, payload");
}

Fallible<MoOrder> parse_order(std::string_view text) {
  if (text == "straight") return MoOrder::straight;
  if (text == "reverse") return MoOrder::reverse;
  if (text == "random") return MoOrder::random;
  return failure("'" + std::string(text) + "' is none of straight, reverse, random");
}

Fallible<std::uint8_t> parse_octet(const std::string& text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 0);
  if (text.empty() || *end != '\0' || value > 255) return failure("'" + text + "' is no octet (0 to 255 or 0x00)");
  return static_cast<std::uint8_t>(value);
}

Fallible<unsigned> parse_parts(const std::string& text) {
  const auto count = toolkit::parse_count(text);
  if (!count || *count < 1 || *count > 255) return failure("'" + text + "' is no number of parts (1 to 255)");
  return static_cast<unsigned>(*count);
}

template <typename Target, typename Value>
Fallible<void> assign(Target& target, Value value) {
  if (!value) return failure(value.error());
  target = std::move(*value);
  return {};
}

Fallible<void> set(MoPlan& plan, const std::string& key, const std::string& value) {
  constexpr std::size_t kAddress = 20;
  if (key == "rate") return assign(plan.rate, toolkit::parse_rate(value));
  if (key == "count") return assign(plan.count, toolkit::parse_count(value));
  if (key == "source") return assign(plan.source, toolkit::NumberPattern::parse(value, kAddress));
  if (key == "destination") return assign(plan.destination, toolkit::NumberPattern::parse(value, kAddress));
  if (key == "data-coding") return assign(plan.data_coding, parse_octet(value));
  if (key == "esm-class") return assign(plan.esm_class, parse_octet(value));
  if (key == "parts") return assign(plan.parts, parse_parts(value));
  if (key == "form") return assign(plan.form, parse_form(value));
  if (key == "order") return assign(plan.order, parse_order(value));
  if (key == "duplicate") return assign(plan.duplicate, toolkit::parse_share(value));
  if (key == "missing") return assign(plan.missing, toolkit::parse_share(value));
  if (key == "data-sm") return assign(plan.as_data_sm, toolkit::parse_switch(value));
  if (key == "system-id") return plan.system_id = value, Fallible<void>{};
  if (key == "text") return plan.text = value, Fallible<void>{};
  if (key == "hex") return assign(plan.text, toolkit::parse_hex(value));
  return failure(
      "there is no such setting; there are rate, count, source, destination, system-id, text, hex, "
      "data-coding, esm-class, parts, form, order, duplicate, missing, data-sm");
}

}  // namespace

Fallible<MoPlan> parse_mo(std::string_view text) {
  MoPlan plan;
  plan.source = *toolkit::NumberPattern::parse("2588{8}", 20);
  plan.destination = *toolkit::NumberPattern::parse("1234", 20);
  const auto settings = toolkit::parse_settings(text, {"text"});
  if (!settings) return failure(settings.error());
  for (const auto& [key, value] : *settings) {
    if (auto done = set(plan, key, value); !done) return failure("--mo " + key + ": " + done.error());
  }
  if (plan.rate <= 0) return failure("--mo rate: must be more than 0");
  return plan;
}

}  // namespace smppd::sim
