// The process: shards, listeners, upstreams, management, and what happens to all of them at a start, a reload and an
// end. Lives on the control thread (main); the HTTP thread reaches it through admin::Backend, whose calls return at
// once.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "accounts/password_pool.h"
#include "accounts/password_verifier.h"
#include "admin/management.h"
#include "admin/receipt_backend.h"
#include "base/result.h"
#include "config/loader.h"
#include "runtime/resolver.h"
#include "runtime/shard.h"
#include "server/shard_unit.h"
#include "server/snapshot_builder.h"
#include "server/store_desk.h"
#include "store/store.h"

namespace smppd::server {

class Server final : public admin::Backend, public admin::ReceiptBackend {
 public:
  // How a reload finds the configuration again.
  using Load = std::function<config::Loaded()>;

  // Starts everything or nothing; the sentence of a failure says what to do.
  [[nodiscard]] static Fallible<std::unique_ptr<Server>> start(const config::ConfigPtr& config, Load load);
  ~Server() override;

  // Handles signals (SIGHUP reloads, SIGTERM and SIGINT drain) until the end.
  void run();

  // admin::Backend
  void collect(std::function<void(telemetry::Collector)> done) override;
  admin::Health readiness() override;
  admin::Health liveness() override;
  admin::Status status() override;
  std::string config_dump(config::Format format) override;
  void reload(std::function<void(admin::ReloadOutcome)> done) override;
  // admin::ReceiptBackend
  void receipt_formats(std::function<void(std::vector<admin::ReceiptFormat>)> done) override;
  void unmatched_receipts(const std::string& upstream, std::size_t limit,
                          std::function<void(admin::UnmatchedReceipts)> done) override;
  void replay_receipts(const std::string& upstream, std::function<void(admin::ReplayOutcome)> done) override;

 private:
  Server(config::ConfigPtr config, Load load);

  struct OpenListener {
    std::shared_ptr<downstream::ListenerShared> shared;
    std::vector<int> fds;                                      // one for each shard while they are handed out
    std::shared_ptr<const runtime::TlsContext> tls = nullptr;  // as its files are now
  };
  [[nodiscard]] Fallible<void> open_store();
  [[nodiscard]] Fallible<void> start_shards();
  [[nodiscard]] Fallible<void> publish(config::ConfigPtr config);
  [[nodiscard]] Fallible<std::vector<OpenListener>> open_listeners(const config::ConfigPtr& config);
  [[nodiscard]] Fallible<OpenListener> open_listener(const config::ConfigPtr& config, const config::Listener& options);
  // One entry an upstream with `outbind`.
  [[nodiscard]] Fallible<std::vector<OutbindDoor::Opened>> open_doors(
      const std::vector<upstream::UpstreamSet::Entry>& upstreams);
  [[nodiscard]] bool listens_already(const config::Endpoint& address) const;
  [[nodiscard]] const OpenListener* unchanged(const config::Listener& options) const;
  admin::ReloadOutcome reload_now();
  void post_control(std::function<void()> work);
  void run_control_work();
  void free_what_was_replaced();
  void ping_shards();
  void drain();

  config::ConfigPtr config_;  // guarded by mutex_ for readers off the control thread
  Load load_;
  Lasting lasting_;
  runtime::Resolver resolver_;
  accounts::PasswordPool password_pool_;
  accounts::PasswordVerifier password_verifier_;
  runtime::ShardGroup shards_;
  std::unique_ptr<store::Store> store_;            // null without `storage`; its threads wake the shards
  std::vector<std::unique_ptr<ShardUnit>> units_;  // each used on its shard's thread only
  StoreDesk store_desk_;
  std::vector<OpenListener> listeners_;
  std::vector<std::shared_ptr<const void>> in_force_;  // snapshots and configurations that shards may still hold
  std::unique_ptr<admin::Management> management_;

  struct Pulse {
    std::atomic<std::int64_t> last{0};
    std::atomic<bool> upstream_bound{false};
    std::atomic<bool> drained{false};
  };
  std::vector<std::unique_ptr<Pulse>> pulses_;
  std::atomic<bool> draining_{false};
  WallTime started_{};
  WallTime config_loaded_{};
  int signal_fd_ = -1;
  int work_fd_ = -1;
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;  // guarded by mutex_
};

void close_all(const std::vector<int>& sockets) noexcept;

// What this binary calls itself.
[[nodiscard]] const char* version() noexcept;

}  // namespace smppd::server
