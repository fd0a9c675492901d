// Whether the files of TLS sections can be used: they are read here as they will be for the connections.
#include <algorithm>

#include <fmt/format.h>

#include "config/internal/check.h"

namespace smppd::config {

namespace {

runtime::TlsOptions common(const Tls& tls) {
  runtime::TlsOptions options;
  options.cert = tls.cert;
  options.key = tls.key;
  options.key_password = tls.key_password;
  options.ca = tls.ca;
  options.min_version = tls.min_version;
  options.max_version = tls.max_version;
  options.cipher_suites = tls.cipher_suites;
  return options;
}

void try_context(const runtime::TlsOptions& options, const std::string& path, Reader& reader) {
  std::vector<runtime::TlsProblem> problems;
  (void)runtime::TlsContext::make(options, problems);
  for (runtime::TlsProblem& problem : problems) {
    const std::string where = problem.option.empty() ? path : join_path(path, problem.option);
    if (problem.warning) {
      reader.warn_at(where, std::move(problem.sentence));
    } else {
      reader.error_at(where, std::move(problem.sentence));
    }
  }
}

bool is_on(const auto& thing) { return thing.tls && thing.tls->enabled; }

void check_upstream_tls(const Upstream& upstream, Reader& reader) {
  if (!is_on(upstream)) return;
  const std::string path = join_path(upstream.mark.path, "tls");
  if (upstream.outbind) {
    reader.error_at(path, "the SMSC's own calls (`outbind`) are not encrypted yet; keep one of the two");
  }
  if (upstream.mock) reader.error_at(path, "a `mock` has no connections; remove it");
  const runtime::TlsOptions options = tls_options(*upstream.tls);
  try_context(options, path, reader);
  if (!options.verify) reader.warn_at(join_path(path, "skip_verify"), "anybody on the way can pose as this SMSC");
}

}  // namespace

runtime::TlsOptions tls_options(const ListenerTls& tls) {
  runtime::TlsOptions options = common(tls);
  options.server = true;
  options.client_certificates = tls.client_auth;
  return options;
}

runtime::TlsOptions tls_options(const UpstreamTls& tls) {
  runtime::TlsOptions options = common(tls);
  options.verify = !tls.skip_verify;
  options.server_name = tls.server_name;
  return options;
}

void check_tls(const Config& config, Reader& reader) {
  for (const Listener& listener : config.listeners) {
    if (is_on(listener)) try_context(tls_options(*listener.tls), join_path(listener.mark.path, "tls"), reader);
  }
  for (const Upstream& upstream : config.upstreams) check_upstream_tls(upstream, reader);
  for (const Client& client : config.clients) {
    if (!client.outbind || config.listeners.empty()) continue;
    const auto listener = std::ranges::find_if(config.listeners, [&](const Listener& one) {
      return client.outbind->listener.empty() || one.name == client.outbind->listener;
    });
    if (listener == config.listeners.end() || !is_on(*listener)) continue;
    reader.error_at(client.mark.path + ".outbind",
                    fmt::format("calls to clients are not encrypted yet, and the listener `{}` has `tls`; name another "
                                "in `listener`",
                                listener->name));
  }
}

}  // namespace smppd::config
