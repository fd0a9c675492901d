// From files to Config. Control thread only; may read files and the environment, never the network.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace smppd::config {

// One thing wrong with the configuration; all of them are reported at once.
struct Diagnostic {
  enum class Severity : std::uint8_t { kError, kWarning };
  Severity severity = Severity::kError;
  std::string file;
  int line = 0;         // 1-based; 0: unknown
  int column = 0;       // 1-based
  std::string path;     // upstreams[0].bind.password
  std::string message;  // what was found, what is allowed, what to do
};

struct LoadOptions {
  bool lenient = false;                                 // unknown keys become warnings
  std::vector<std::string> overrides;                   // --set path=value
  std::function<const char*(const char*)> environment;  // getenv unless a test says otherwise
};

struct Loaded {
  ConfigPtr config;  // null when there is an error
  std::vector<Diagnostic> diagnostics;
};

[[nodiscard]] Loaded load_file(const std::string& path, const LoadOptions& options = {});
enum class Format : std::uint8_t { kYaml, kJson, kToml };
[[nodiscard]] Loaded load_text(std::string_view text, Format format, const std::string& name,
                               const LoadOptions& options = {});

// file:line:column: error: path: message, one line each.
[[nodiscard]] std::string to_text(const std::vector<Diagnostic>& diagnostics);

// The normalised configuration with every default filled in; secrets are replaced by "***".
[[nodiscard]] std::string dump(const Config& config, Format format);

// docs/configuration.md, and the JSON schema, from the option descriptions.
[[nodiscard]] std::string reference_manual();
[[nodiscard]] std::string json_schema();

}  // namespace smppd::config
