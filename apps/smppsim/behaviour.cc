#include "smppsim/behaviour.h"

#include <algorithm>
#include <functional>

#include "smpp/text/receipt.h"
#include "toolkit/units.h"

namespace smppd::sim {

namespace {

using toolkit::Setting;

template <typename Target, typename Parse>
Fallible<void> assign(Target& target, const std::string& value, Parse parse) {
  auto parsed = parse(value);
  if (!parsed) return failure(parsed.error());
  target = std::move(*parsed);
  return {};
}

Fallible<void> assign_share(double& target, const std::string& value) {
  return assign(target, value.empty() ? "1" : value, toolkit::parse_share);
}

// "0.01/30s": a share and a duration.
Fallible<void> assign_late(double& share, Duration& lateness, const std::string& value) {
  const std::size_t slash = value.find('/');
  if (auto done = assign_share(share, value.substr(0, slash)); !done) return done;
  if (slash == std::string::npos) return {};
  return assign(lateness, value.substr(slash + 1), toolkit::parse_duration);
}

template <typename Value, typename ParseValue>
Fallible<Mix<Value>> parse_mix(std::string_view text, char separator, ParseValue parse_value) {
  Mix<Value> mix;
  double total = 0;
  for (const std::string_view item : toolkit::split(text, ',')) {
    const std::size_t at = item.find(separator);
    const auto value = parse_value(item.substr(0, at));
    if (!value) return failure("'" + std::string(item.substr(0, at)) + "' is not known");
    double share = 1;
    if (at != std::string_view::npos) {
      const auto parsed = toolkit::parse_share(item.substr(at + 1));
      if (!parsed) return failure(parsed.error());
      share = *parsed;
    }
    total += share;
    mix.items.push_back({*value, share});
  }
  if (total > 1 + 1e-9) return failure("the shares of '" + std::string(text) + "' add up to more than all");
  return mix;
}

Fallible<std::uint8_t> parse_flag(const std::string& text) {
  if (text == "none") return std::uint8_t{0};
  char* end = nullptr;
  const unsigned long value = std::strtoul(text.c_str(), &end, 0);
  if (text.empty() || *end != '\0' || value > 255) return failure("'" + text + "' is no esm_class (0x04, 0x08, none)");
  return static_cast<std::uint8_t>(value);
}

Fallible<ReceiptForm> parse_form(std::string_view text) {
  if (text == "text") return ReceiptForm::text;
  if (text == "tlv") return ReceiptForm::tlv;
  if (text == "both") return ReceiptForm::both;
  return failure("'" + std::string(text) + "' is none of text, tlv, both");
}

Fallible<ReceiptDates> parse_dates(std::string_view text) {
  if (text == "YYMMDDhhmm") return ReceiptDates::minutes;
  if (text == "YYMMDDhhmmss") return ReceiptDates::seconds;
  if (text == "YYYYMMDDhhmmss") return ReceiptDates::long_year;
  if (text == "zeros") return ReceiptDates::zeros;
  return failure("'" + std::string(text) + "' is none of YYMMDDhhmm, YYMMDDhhmmss, YYYYMMDDhhmmss, zeros");
}

// Each key with what sets it: one list for parsing and for the message about unknown keys.
template <typename Plan>
struct Key {
  std::string_view name;
  Fallible<void> (*set)(Plan&, const std::string& value);
};

template <typename Plan, std::size_t kCount>
Fallible<Plan> apply(std::string_view text, Plan plan, const Key<Plan> (&keys)[kCount], std::string_view what,
                     std::initializer_list<std::string_view> list_keys) {
  const auto settings = toolkit::parse_settings(text, list_keys);
  if (!settings) return failure(settings.error());
  for (const Setting& setting : *settings) {
    const auto* key = std::ranges::find(keys, setting.key, &Key<Plan>::name);
    if (key == std::end(keys)) {
      std::string known;
      for (const auto& each : keys) known.append(known.empty() ? "" : ", ").append(each.name);
      return failure("'" + setting.key + "' is no " + std::string(what) + "; there are " + known);
    }
    if (auto done = key->set(plan, setting.value); !done) {
      return failure(std::string(what) + " " + setting.key + ": " + done.error());
    }
  }
  return plan;
}

using R = ReceiptPlan;
constexpr Key<R> kReceiptKeys[] = {
    {"delay", [](R& r, const std::string& v) { return assign(r.delay, v, toolkit::Latency::parse); }},
    {"state",
     [](R& r, const std::string& v) {
       return assign(r.states, v, [](std::string_view text) {
         return parse_mix<smpp::MessageState>(text, ':', smpp::receipt_state_of);
       });
     }},
    {"form", [](R& r, const std::string& v) { return assign(r.form, v, parse_form); }},
    {"date", [](R& r, const std::string& v) { return assign(r.dates, v, parse_dates); }},
    {"flag", [](R& r, const std::string& v) { return assign(r.esm_class, v, parse_flag); }},
    {"swapped", [](R& r, const std::string& v) { return assign(r.swapped, v, toolkit::parse_switch); }},
    {"always", [](R& r, const std::string& v) { return assign(r.always, v, toolkit::parse_switch); }},
    {"early", [](R& r, const std::string& v) { return assign_share(r.early, v); }},
    {"missing", [](R& r, const std::string& v) { return assign_share(r.missing, v); }},
    {"duplicate", [](R& r, const std::string& v) { return assign_share(r.duplicate, v); }},
    {"late", [](R& r, const std::string& v) { return assign_late(r.late, r.lateness, v); }},
    {"intermediate", [](R& r, const std::string& v) { return assign_share(r.intermediate, v); }},
    {"accepted", [](R& r, const std::string& v) { return assign_share(r.accepted, v); }},
    {"err",
     [](R& r, const std::string& v) {
       r.err = v;
       return Fallible<void>{};
     }},
};

// A count ("1000") sets `count`, a duration ("5s") sets `time`.
Fallible<void> assign_moment(std::uint64_t& count, Duration& time, const std::string& value) {
  if (auto parsed = toolkit::parse_count(value)) {
    count = *parsed;
    return {};
  }
  return assign(time, value, toolkit::parse_duration);
}

// "1/10ms": octets and interval.
Fallible<void> assign_drip(Misbehaviour& m, const std::string& value) {
  m.drip_octets = 1;
  if (value.empty()) return {};
  const std::size_t slash = value.find('/');
  const auto octets = toolkit::parse_count(value.substr(0, slash));
  if (!octets || *octets == 0 || *octets > 65'535) return failure("write OCTETS/INTERVAL, for instance 1/10ms");
  m.drip_octets = static_cast<std::uint32_t>(*octets);
  if (slash == std::string::npos) return {};
  return assign(m.drip_interval, value.substr(slash + 1), toolkit::parse_duration);
}

Fallible<void> assign_split(Misbehaviour& m, const std::string& value) {
  m.split_octets = 1;
  if (value.empty()) return {};
  const auto octets = toolkit::parse_count(value);
  if (!octets || *octets == 0 || *octets > 65'535) return failure("write the octets of a piece");
  m.split_octets = static_cast<std::uint32_t>(*octets);
  return {};
}

using M = Misbehaviour;
constexpr Key<M> kMisbehaviours[] = {
    {"no-response", [](M& m, const std::string& v) { return assign_share(m.no_response, v); }},
    {"wrong-seq", [](M& m, const std::string& v) { return assign_share(m.wrong_sequence, v); }},
    {"duplicate-response", [](M& m, const std::string& v) { return assign_share(m.duplicate_response, v); }},
    {"garbage", [](M& m, const std::string& v) { return assign_share(m.garbage, v); }},
    {"generic-nack", [](M& m, const std::string& v) { return assign_share(m.generic_nack, v); }},
    {"out-of-order", [](M& m, const std::string& v) { return assign_share(m.out_of_order, v); }},
    {"late-response", [](M& m, const std::string& v) { return assign_late(m.late_response, m.lateness, v); }},
    {"close-after", [](M& m, const std::string& v) { return assign_moment(m.close_after, m.close_time, v); }},
    {"unbind-after", [](M& m, const std::string& v) { return assign_moment(m.unbind_after, m.unbind_time, v); }},
    {"reset-after", [](M& m, const std::string& v) { return assign(m.reset_after, v, toolkit::parse_count); }},
    {"stall-after", [](M& m, const std::string& v) { return assign(m.stall_after, v, toolkit::parse_count); }},
    {"slow-drip", [](M& m, const std::string& v) { return assign_drip(m, v); }},
    {"split-bytes", [](M& m, const std::string& v) { return assign_split(m, v); }},
    {"no-enquire-response",
     [](M& m, const std::string& v) { return assign(m.no_enquire_response, v, toolkit::parse_switch); }},
    {"no-bind-response",
     [](M& m, const std::string& v) { return assign(m.no_bind_response, v, toolkit::parse_switch); }},
    {"no-unbind-response",
     [](M& m, const std::string& v) { return assign(m.no_unbind_response, v, toolkit::parse_switch); }},
    {"stray-body", [](M& m, const std::string& v) { return assign(m.stray_body, v, toolkit::parse_switch); }},
    {"deliver-before-bind-resp",
     [](M& m, const std::string& v) { return assign(m.deliver_before_bind_response, v, toolkit::parse_switch); }},
    {"error-with-body", [](M& m, const std::string&) { return m.error_body = true, Fallible<void>{}; }},
    {"error-without-body", [](M& m, const std::string&) { return m.error_body = false, Fallible<void>{}; }},
};

}  // namespace

Fallible<ErrorMix> parse_errors(std::string_view text) {
  return parse_mix<smpp::CommandStatus>(text, '=', smpp::parse_command_status);
}

Fallible<ReceiptPlan> parse_receipts(std::string_view text, ReceiptPlan base) {
  if (text == "off") {
    base.enabled = false;
    return base;
  }
  base.enabled = true;
  if (text == "on") return base;
  return apply(text, std::move(base), kReceiptKeys, "receipt setting", {"state"});
}

Fallible<Misbehaviour> parse_misbehaviour(std::string_view text, Misbehaviour base) {
  if (text == "none") return Misbehaviour{};
  return apply(text, base, kMisbehaviours, "misbehaviour", {});
}

Fallible<Misbehaviour> parse_message_misbehaviour(std::string_view text, Misbehaviour base) {
  constexpr std::string_view kOfMessages[] = {"no-response",   "wrong-seq",       "duplicate-response",
                                              "garbage",       "generic-nack",    "out-of-order",
                                              "late-response", "error-with-body", "error-without-body"};
  if (text != "none") {
    const auto settings = toolkit::parse_settings(text);
    if (!settings) return failure(settings.error());
    for (const Setting& setting : *settings) {
      if (std::ranges::find(kOfMessages, setting.key) != std::end(kOfMessages)) continue;
      const bool known = std::ranges::find(kMisbehaviours, setting.key, &Key<M>::name) != std::end(kMisbehaviours);
      if (known) return failure("'" + setting.key + "' concerns whole sessions: give it as a flag, not in a rule");
    }
  }
  return parse_misbehaviour(text, base);
}

}  // namespace smppd::sim
