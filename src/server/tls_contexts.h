// From the TLS sections of a configuration to what connections use. Control thread; reads the files named there.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "config/tls.h"

namespace smppd::server {

[[nodiscard]] bool uses_tls(const auto& section) noexcept { return section && section->enabled; }

// Null when the section is not there or is off. The files were good when the configuration was loaded, a moment ago.
template <class Section>
[[nodiscard]] Fallible<std::shared_ptr<const runtime::TlsContext>> tls_context(const std::optional<Section>& section) {
  if (!uses_tls(section)) return nullptr;
  std::vector<runtime::TlsProblem> problems;
  auto context = runtime::TlsContext::make(config::tls_options(*section), problems);
  if (context != nullptr) return context;
  std::string why;
  for (const runtime::TlsProblem& problem : problems) {
    if (!problem.warning) why += (why.empty() ? "tls." : "; tls.") + problem.option + ": " + problem.sentence;
  }
  return failure(why);
}

}  // namespace smppd::server
