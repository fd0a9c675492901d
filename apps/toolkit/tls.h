// What the --tls-... options of a tool ask for, or why it cannot be had.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/tls.h"

namespace smppd::toolkit {

[[nodiscard]] inline Fallible<std::shared_ptr<const runtime::TlsContext>> tls_context(
    const runtime::TlsOptions& options) {
  std::vector<runtime::TlsProblem> problems;
  auto context = runtime::TlsContext::make(options, problems);
  if (context != nullptr) return context;
  const auto error = std::ranges::find_if(problems, [](const auto& problem) { return !problem.warning; });
  return failure("--tls-" + error->option + ": " + error->sentence);
}

}  // namespace smppd::toolkit
