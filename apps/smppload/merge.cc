#include <cstdio>
#include <fstream>
#include <sstream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "smppload/report.h"
#include "toolkit/json_writer.h"

namespace smppd::load {

namespace {

namespace json = boost::json;

double number_of(const json::value& value) { return value.is_number() ? value.to_number<double>() : 0.0; }

std::uint32_t status_of(std::string_view name) {
  const auto status = smpp::parse_command_status(name);
  return status ? static_cast<std::uint32_t>(*status) : UINT32_MAX;
}

void add_histogram(const json::value& report, const char* key, telemetry::Histogram& into) {
  for (const auto& bucket : report.at(key).at("histogram_ns").as_array()) {
    into.record(bucket.at(0).to_number<std::uint64_t>(), bucket.at(1).to_number<std::uint64_t>());
  }
}

// The sum over processes that ran side by side: counts and CPU add up, the time is the longest one's.
struct Merged {
  Options options;
  Outcome outcome;
  int exit_code = 0;
  std::vector<std::string> problems;

  void add(const json::value& report) {
    Stats stats;
    const auto& counters = report.at("counters").as_object();
#define SMPPLOAD_X(name, text) \
  if (const auto* value = counters.if_contains(#name)) stats.name = value->to_number<std::uint64_t>();
    SMPPLOAD_COUNTERS(SMPPLOAD_X)
#undef SMPPLOAD_X
    for (const auto& member : report.at("statuses").as_object()) {
      const std::uint32_t status = status_of(member.key());
      if (status != 0) stats.statuses[status] += member.value().to_number<std::uint64_t>();
    }
    for (const auto& member : report.at("bind_statuses").as_object()) {
      stats.bind_statuses[status_of(member.key())] += member.value().to_number<std::uint64_t>();
    }
    for (const auto& member : report.at("receipt_states").as_object()) {
      stats.receipt_states[member.key()] += member.value().to_number<std::uint64_t>();
    }
    add_histogram(report, "latency_us", stats.latency);
    add_histogram(report, "receipt_latency_us", stats.receipt_latency);
    outcome.stats.merge(stats);
    outcome.seconds = std::max(outcome.seconds, number_of(report.at("seconds")));
    outcome.bind_seconds = std::max(outcome.bind_seconds, number_of(report.at("bind_seconds")));
    outcome.cpu_seconds += number_of(report.at("cpu_seconds"));
    outcome.usage.peak_rss_mib += number_of(report.at("peak_rss_mib"));
    outcome.sessions_wanted += report.at("sessions").to_number<unsigned>();
    outcome.sessions_bound += report.at("sessions_bound").to_number<unsigned>();
    outcome.interrupted = outcome.interrupted || report.at("interrupted").as_bool();
    options.threads += report.at("threads").to_number<unsigned>();
    options.rate += number_of(report.at("rate"));
    options.window = std::max(options.window, report.at("window").to_number<unsigned>());
    for (const auto& name : report.at("targets").as_array()) options.target_names.emplace_back(name.as_string());
    for (const auto& problem : report.at("problems").as_array()) problems.emplace_back(problem.as_string());
    exit_code = std::max(exit_code, report.at("exit_code").to_number<int>());
  }
};

}  // namespace

int merge_reports(const std::vector<std::string>& files, const std::string& output) {
  Merged merged;
  merged.options.threads = 0;
  merged.options.window = 0;
  for (const std::string& file : files) {
    try {
      std::ifstream in(file);
      std::ostringstream text;
      text << in.rdbuf();
      if (!in) throw std::runtime_error("cannot be read");
      merged.add(json::parse(text.str()));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "smppload: %s is no report of smppload: %s\n", file.c_str(), error.what());
      return exit_code::kUsage;
    }
  }
  const std::string text = to_json(merged.options, merged.outcome, merged.exit_code, merged.problems);
  if (!toolkit::write_report(output, text)) {
    std::fprintf(stderr, "smppload: cannot write %s\n", output.c_str());
    return exit_code::kUsage;
  }
  return merged.exit_code;
}

}  // namespace smppd::load
