// smppd --config FILE: the daemon itself.
#include <iostream>

#include "commands.h"
#include "config/loader.h"
#include "server/log_options.h"
#include "server/server.h"
#include "telemetry/log.h"

namespace smppd::cli {

int serve(const ConfigChoice& choice) {
  const auto load = [choice] { return config::load_file(choice.file, {choice.lenient, choice.overrides, {}}); };
  config::Loaded loaded = load();
  std::cerr << config::to_text(loaded.diagnostics);
  if (loaded.config == nullptr) return kBadConfig;
  auto logging = server::log_options(loaded.config->logging);
  if (!logging) {
    std::cerr << "smppd: " << logging.error() << "\n";
    return kBadConfig;
  }
  if (auto configured = telemetry::configure_logging(*logging); !configured) {
    std::cerr << "smppd: " << configured.error() << "\n";
    return kFailed;
  }
  auto server = server::Server::start(loaded.config, load);
  if (!server) {
    telemetry::shutdown_logging();
    std::cerr << "smppd: " << server.error() << "\n";
    return kFailed;
  }
  (*server)->run();
  server->reset();
  telemetry::shutdown_logging();
  return kOk;
}

}  // namespace smppd::cli
