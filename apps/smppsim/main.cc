// smppsim: an SMSC for tests, with as many bad habits as asked for. README.md is the manual.
#include <csignal>
#include <cstdio>
#include <exception>

#include "smppsim/options.h"
#include "smppsim/simulator.h"
#include "toolkit/json_writer.h"

int main(int argc, char** argv) try {
  using namespace smppd;
  const sim::CommandLine command = sim::parse_command_line(argc, argv);
  if (!command.run) return command.exit_code;
  // Blocked here, so that every thread of the simulator has them blocked and sigwait() below gets them.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  const Instant began = std::chrono::steady_clock::now();
  sim::Simulator simulator(*command.run);
  if (const auto started = simulator.start(); !started) {
    std::fprintf(stderr, "smppsim: %s\n", started.error().c_str());
    return 1;
  }
  int signal = 0;
  sigwait(&ends, &signal);
  simulator.stop();
  const std::string& report = command.run->stats_json;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  if (!report.empty() && !toolkit::write_report(report, sim::to_json(simulator.stats(), seconds))) {
    std::fprintf(stderr, "smppsim: cannot write %s\n", report.c_str());
    return 1;
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "smppsim: %s\n", error.what());
  return 1;
}
