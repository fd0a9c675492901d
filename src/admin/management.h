// The management listener: probes, metrics, statistics, configuration and reload over HTTP. docs/management.md has the
// endpoints as users see them.
//
// It knows the running server only as a Backend. One Management per process, owned by the control thread; requests are
// handled on the HTTP server's own thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/storekeeper.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "config/loader.h"
#include "telemetry/metrics.h"

namespace smppd::admin {

// The answer of a probe; `reasons` are sentences that say what is missing.
struct Health {
  bool ok = false;
  std::vector<std::string> reasons;
};

struct ReloadOutcome {
  bool applied = false;
  std::string summary;                          // what changed, or why nothing did
  std::vector<config::Diagnostic> diagnostics;  // errors, and warnings also when it was applied
};

struct Status {
  std::string version;
  WallTime started{};
  WallTime config_loaded{};
  int shards = 0;
  bool draining = false;
  config::ConfigPtr config;  // the one in force
};

// What the server offers; all are called on the HTTP thread and must return at once. A callback may come from any
// thread, once; no answer within half a minute is reported to the client as such.
class Backend {
 public:
  virtual ~Backend() = default;
  // Every shard's samples, merged.
  virtual void collect(std::function<void(telemetry::Collector)> done) = 0;
  // Whether new traffic makes sense here: listeners up, at least one upstream bound, not draining.
  virtual Health readiness() = 0;
  // Whether every event loop turns.
  virtual Health liveness() = 0;
  virtual Status status() = 0;
  // The normalised configuration without its secrets.
  virtual std::string config_dump(config::Format format) = 0;
  virtual void reload(std::function<void(ReloadOutcome)> done) = 0;
};

struct ManagementOptions {
  bool enabled = true;
  std::string address = "127.0.0.1";  // empty: all interfaces
  std::uint16_t port = 8081;          // 0: any free one
  std::string username;               // empty: no authentication, so loopback only
  std::string password;
  bool metrics = true;
  std::string metrics_path = "/metrics";
  std::uint16_t metrics_port = 0;  // beside `port`, on the same address, probes and metrics only; 0: none

  [[nodiscard]] static ManagementOptions from(const config::Config& config);
};

class ReceiptBackend;

class Management {
 public:
  // The backends outlive the object. On error one sentence that names the address and what to do.
  [[nodiscard]] static Fallible<std::unique_ptr<Management>> start(const ManagementOptions& options, Backend& backend,
                                                                   ReceiptBackend& receipts, Storekeeper& storekeeper);
  Management(const Management&) = delete;
  Management& operator=(const Management&) = delete;
  ~Management();  // finishes the requests under way, two seconds at most

  // After a reload. A listener whose address did not change keeps its connections; one whose address did is replaced
  // after the new one listens, and finishes its requests. On error nothing changes.
  [[nodiscard]] Fallible<void> update(const ManagementOptions& options);

  [[nodiscard]] std::uint16_t port() const noexcept;          // 0: not listening
  [[nodiscard]] std::uint16_t metrics_port() const noexcept;  // 0: none of its own

 private:
  struct State;
  explicit Management(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace smppd::admin
