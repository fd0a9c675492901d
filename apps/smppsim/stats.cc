#include "smppsim/stats.h"

#include "toolkit/json_writer.h"
#include "toolkit/process_usage.h"

namespace smppd::sim {

namespace {
template <typename Key>
void add(std::map<Key, std::uint64_t>& into, const std::map<Key, std::uint64_t>& from) {
  for (const auto& [key, count] : from) into[key] += count;
}

template <typename Key>
void write_named(toolkit::JsonWriter& json, std::string_view name, const std::map<Key, std::uint64_t>& counts) {
  json.key(name).open_object();
  for (const auto& [key, count] : counts) json.member(smpp::name_of(key), count);
  json.close_object();
}
}  // namespace

void Stats::merge(const Stats& other) {
#define SMPPSIM_X(name, text) name += other.name;
  SMPPSIM_COUNTERS(SMPPSIM_X)
#undef SMPPSIM_X
  add(received, other.received);
  add(statuses, other.statuses);
  add(bind_statuses, other.bind_statuses);
  add(rules, other.rules);
}

std::string to_json(const Stats& stats, double seconds) {
  const toolkit::ProcessUsage usage = toolkit::process_usage();
  toolkit::JsonWriter json;
  json.open_object().member("tool", "smppsim").member("seconds", seconds);
  json.member("cpu_seconds", usage.cpu_seconds());
  json.member("cpu_us_per_message",
              stats.messages > 0 ? usage.cpu_seconds() * 1e6 / static_cast<double>(stats.messages) : 0.0);
  json.member("peak_rss_mib", usage.peak_rss_mib);
  json.key("counters").open_object();
#define SMPPSIM_X(name, text) json.member(#name, stats.name);
  SMPPSIM_COUNTERS(SMPPSIM_X)
#undef SMPPSIM_X
  json.close_object();
  write_named(json, "received", stats.received);
  write_named(json, "statuses", stats.statuses);
  write_named(json, "bind_statuses", stats.bind_statuses);
  json.key("rules").open_object();
  for (const auto& [name, count] : stats.rules) json.member(name, count);
  return json.close_object().close_object().text();
}

}  // namespace smppd::sim
