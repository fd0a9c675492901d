#include "smppload/report.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "toolkit/json_writer.h"

namespace smppd::load {

namespace {

using toolkit::JsonWriter;

struct Percentile {
  const char* name;
  double percent;
};
constexpr std::array<Percentile, 6> kPercentiles{
    {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"p99_99", 99.99}, {"max", 100}}};

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-3; }

void write_histogram(JsonWriter& json, const telemetry::Histogram& histogram) {
  json.open_object().member("count", histogram.count());
  json.member("min", microseconds(histogram.min()));
  const double count = static_cast<double>(std::max<std::uint64_t>(histogram.count(), 1));
  json.member("mean", histogram.sum() * 1e-3 / count);
  for (const auto& [name, percent] : kPercentiles) json.member(name, microseconds(histogram.percentile(percent)));
  json.key("histogram_ns").open_array();
  for (const auto& [value, times] : histogram.buckets()) {
    json.open_array().value(value).value(times).close_array();
  }
  json.close_array().close_object();
}

std::string status_name(std::uint32_t status) { return smpp::name_of(static_cast<smpp::CommandStatus>(status)); }

std::uint64_t unexpected_statuses(const Options& options, const Stats& stats) {
  std::uint64_t total = options.is_expected(smpp::CommandStatus::ESME_ROK) ? 0 : stats.accepted;
  for (const auto& [status, count] : stats.statuses) {
    if (!options.is_expected(static_cast<smpp::CommandStatus>(status))) total += count;
  }
  return total;
}

// The bind was to be refused with this status, and was.
bool refused_as_expected(const Options& options, const Outcome& outcome) {
  const Stats& stats = outcome.stats;
  return options.expected_bind && *options.expected_bind != smpp::CommandStatus::ESME_ROK &&
         outcome.sessions_bound == 0 && stats.bind_failures >= outcome.sessions_wanted &&
         stats.bind_statuses.size() == 1 &&
         stats.bind_statuses.begin()->first == static_cast<std::uint32_t>(*options.expected_bind);
}

}  // namespace

std::vector<std::string> problems_of(const Options& options, const Outcome& outcome) {
  std::vector<std::string> problems;
  const Stats& stats = outcome.stats;
  const auto none = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) problems.push_back(fmt::format("{} {}", count, what));
  };
  if (refused_as_expected(options, outcome)) return problems;
  if (options.expected_bind && *options.expected_bind != smpp::CommandStatus::ESME_ROK) {
    problems.push_back(fmt::format("binds were to be answered with {}", smpp::name_of(*options.expected_bind)));
  }
  if (outcome.sessions_bound < outcome.sessions_wanted) {
    problems.push_back(fmt::format("{} of {} sessions were bound", outcome.sessions_bound, outcome.sessions_wanted));
  }
  for (const auto& [status, count] : stats.bind_statuses) {
    problems.push_back(fmt::format("{} binds answered with {}", count, status_name(status)));
  }
  none(unexpected_statuses(options, stats), "requests answered with a status that was not expected");
  none(stats.timed_out, "requests not answered in time");
  if (!options.reconnect) {
    none(stats.connect_failures, "connections could not be made");
    none(stats.disconnects, "sessions ended by the peer");
  }
  none(stats.lost_in_flight, "requests open when their session ended");
  if (options.messages || !options.duration) none(stats.not_sent, "requests not sent");
  none(stats.unexpected_responses, "responses to no open request");
  none(stats.accepted_without_id, "messages accepted without a message_id although a receipt was asked for");
  none(stats.generic_nacks, "generic_nacks");
  none(stats.malformed_pdus, "malformed PDUs");
  none(stats.framing_lost, "connections closed because framing was lost");
  none(stats.unexpected_requests, "requests an ESME does not get");
  none(stats.bind_timeouts, "binds not answered in time");
  none(stats.receipts_missing, "messages without receipt");
  none(stats.receipts_duplicate, "duplicate receipts");
  none(stats.receipts_unknown, "receipts of no message of this run");
  none(stats.receipts_unreadable, "receipts without an id");
  if (options.expected_mo && stats.mo_received != *options.expected_mo) {
    problems.push_back(fmt::format("{} MO received, {} expected", stats.mo_received, *options.expected_mo));
  }
  return problems;
}

int exit_code_of(const Options& options, const Outcome& outcome) {
  if (problems_of(options, outcome).empty()) return exit_code::kGood;
  return outcome.sessions_bound == 0 ? exit_code::kNotBound : exit_code::kUnexpected;
}

std::string to_json(const Options& options, const Outcome& outcome) {
  return to_json(options, outcome, exit_code_of(options, outcome), problems_of(options, outcome));
}

std::string to_json(const Options& options, const Outcome& outcome, int exit_code,
                    const std::vector<std::string>& problems) {
  const Stats& stats = outcome.stats;
  JsonWriter json;
  json.open_object().member("tool", "smppload").member("exit_code", exit_code);
  json.key("problems").open_array();
  for (const auto& problem : problems) json.value(problem);
  json.close_array().member("interrupted", outcome.interrupted);
  json.key("targets").open_array();
  for (const auto& name : options.target_names) json.value(name);
  json.close_array();
  json.member("sessions", outcome.sessions_wanted).member("sessions_bound", outcome.sessions_bound);
  json.member("window", options.window).member("threads", options.threads).member("rate", options.rate);
  json.member("bind_seconds", outcome.bind_seconds);
  json.member("seconds", outcome.seconds);
  json.member("throughput", outcome.seconds > 0 ? static_cast<double>(stats.answered) / outcome.seconds : 0.0);
  json.member("cpu_seconds", outcome.cpu_seconds);
  json.member("cpu_us_per_message",
              stats.answered > 0 ? outcome.cpu_seconds * 1e6 / static_cast<double>(stats.answered) : 0.0);
  json.member("peak_rss_mib", outcome.usage.peak_rss_mib);
  if (outcome.other_cpu_seconds) json.member("other_cpu_seconds", *outcome.other_cpu_seconds);
  json.key("counters").open_object();
#define SMPPLOAD_X(name, text) json.member(#name, stats.name);
  SMPPLOAD_COUNTERS(SMPPLOAD_X)
#undef SMPPLOAD_X
  json.close_object();
  json.key("statuses").open_object();
  if (stats.accepted > 0) json.member("ESME_ROK", stats.accepted);
  for (const auto& [status, count] : stats.statuses) json.member(status_name(status), count);
  json.close_object().key("bind_statuses").open_object();
  for (const auto& [status, count] : stats.bind_statuses) json.member(status_name(status), count);
  json.close_object().key("receipt_states").open_object();
  for (const auto& [state, count] : stats.receipt_states) json.member(state, count);
  json.close_object().key("latency_us");
  write_histogram(json, stats.latency);
  json.key("receipt_latency_us");
  write_histogram(json, stats.receipt_latency);
  return json.close_object().text();
}

std::string to_text(const Options& options, const Outcome& outcome) {
  const Stats& stats = outcome.stats;
  std::string out;
  const auto line = [&]<typename... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
    out.push_back('\n');
  };
  const auto latencies = [&](std::string_view what, const telemetry::Histogram& histogram) {
    if (histogram.count() == 0) return;
    std::string text;
    for (const auto& [name, percent] : kPercentiles) {
      fmt::format_to(std::back_inserter(text), "  {} {:.3f}", name,
                     static_cast<double>(histogram.percentile(percent)) * 1e-6);
    }
    line("{:<18}{} ms", what, text);
  };
  line("sessions          {} of {} bound", outcome.sessions_bound, outcome.sessions_wanted);
  line("requests          {} sent, {} answered in {:.3f} s ({:.0f}/s)", stats.sent, stats.answered, outcome.seconds,
       outcome.seconds > 0 ? static_cast<double>(stats.answered) / outcome.seconds : 0.0);
  if (stats.accepted > 0) line("  ESME_ROK        {}", stats.accepted);
  for (const auto& [status, count] : stats.statuses) line("  {:<16}{}", status_name(status), count);
  latencies("latency", stats.latency);
  if (options.awaits_receipts()) {
    line("receipts          {} matched, {} missing, {} duplicate, {} unknown, {} early, {} intermediate",
         stats.receipts_matched, stats.receipts_missing, stats.receipts_duplicate, stats.receipts_unknown,
         stats.receipts_early, stats.receipts_intermediate);
    latencies("receipt latency", stats.receipt_latency);
  }
  if (stats.mo_received > 0) line("MO                {}", stats.mo_received);
  line("CPU               {:.3f} s, {:.3f} us per message", outcome.cpu_seconds,
       stats.answered > 0 ? outcome.cpu_seconds * 1e6 / static_cast<double>(stats.answered) : 0.0);
  const auto problems = problems_of(options, outcome);
  for (const auto& problem : problems) line("problem: {}", problem);
  out += problems.empty() ? "good" : "not good";
  return out;
}

}  // namespace smppd::load
