// smppd --config FILE: the daemon itself.
#include <iostream>

#include "commands.h"
#include "config/loader.h"
#include "server/server.h"
#include "telemetry/log.h"

namespace smppd::cli {

namespace {

Fallible<telemetry::LogOptions> log_options(const config::Logging& logging) {
  telemetry::LogOptions options;
  auto level = telemetry::parse_level(logging.level);
  if (!level) return std::unexpected(level.error());
  options.level = *level;
  for (const auto& [module, name] : logging.levels) {
    auto own = telemetry::parse_level(name);
    if (!own) return std::unexpected(own.error());
    options.module_levels.emplace(module, *own);
  }
  options.json = logging.format == "json";
  if (logging.output == "file") options.file = logging.file_path;
  options.rotate_bytes = logging.file_rotation_size;
  options.rotate_files = logging.file_max_files;
  return options;
}

}  // namespace

int serve(const ConfigChoice& choice) {
  const auto load = [choice] { return config::load_file(choice.file, {choice.lenient, choice.overrides, {}}); };
  config::Loaded loaded = load();
  std::cerr << config::to_text(loaded.diagnostics);
  if (loaded.config == nullptr) return kBadConfig;
  auto logging = log_options(loaded.config->logging);
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
