// smppload: an ESME that loads an SMSC or gateway and reports what it saw. README.md is the manual.
#include <cstdio>
#include <exception>

#include "smppload/options.h"
#include "smppload/report.h"
#include "smppload/run.h"
#include "toolkit/json_writer.h"

int main(int argc, char** argv) try {
  using namespace smppd;
  const load::CommandLine command = load::parse_command_line(argc, argv);
  if (!command.merge.empty()) return load::merge_reports(command.merge, command.merge_output);
  if (!command.run) return command.exit_code;
  const load::Options& options = *command.run;
  const auto outcome = load::run(options);
  if (!outcome) {
    std::fprintf(stderr, "smppload: %s\n", outcome.error().c_str());
    return load::exit_code::kUsage;
  }
  if (!options.quiet && options.json != "-") std::puts(load::to_text(options, *outcome).c_str());
  if (!options.json.empty() && !toolkit::write_report(options.json, load::to_json(options, *outcome))) {
    std::fprintf(stderr, "smppload: cannot write %s\n", options.json.c_str());
    return load::exit_code::kUsage;
  }
  if (!options.quiet && options.json == "-") {
    for (const auto& problem : load::problems_of(options, *outcome)) {
      std::fprintf(stderr, "smppload: %s\n", problem.c_str());
    }
  }
  return load::exit_code_of(options, *outcome);
} catch (const std::exception& error) {
  std::fprintf(stderr, "smppload: %s\n", error.what());
  return smppd::load::exit_code::kUsage;
}
