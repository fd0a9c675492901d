#include "server/log_options.h"

namespace smppd::server {

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

}  // namespace smppd::server
