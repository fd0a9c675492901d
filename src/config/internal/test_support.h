// For this module's tests: loading a text and saying what came of it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "config/loader.h"

namespace smppd::config::testing {

// The smallest file that loads, without its routes and upstreams.
inline constexpr std::string_view kListener = "listeners: [{address: \":2775\"}]\n";
inline constexpr std::string_view kRouted =
    "listeners: [{address: \":2775\"}]\n"
    "upstreams:\n"
    "  - {name: a, mock: {}}\n"
    "  - {name: b, mock: {}}\n";

using Environment = std::map<std::string, std::string>;

inline LoadOptions options_with(Environment environment) {
  LoadOptions options;
  options.environment = [environment = std::move(environment)](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  return options;
}

inline Loaded load_yaml(std::string_view text, const LoadOptions& options = options_with({})) {
  return load_text(text, Format::kYaml, "test.yaml", options);
}

// Loads and returns every diagnostic as text; of a configuration that loads without a word, "".
inline std::string said_of(std::string_view text, const LoadOptions& options = options_with({})) {
  return to_text(load_yaml(text, options).diagnostics);
}

// The same for something put behind kRouted.
inline std::string said_of_more(std::string_view more, const LoadOptions& options = options_with({})) {
  return said_of(std::string(kRouted) + std::string(more), options);
}

}  // namespace smppd::config::testing
