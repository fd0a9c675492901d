#include "server/server.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "server/internal/log.h"
#include "server/log_options.h"
#include "server/plugin_list.h"
#include "smpp/values.h"
#include "telemetry/log.h"

namespace smppd::server {

namespace {

constexpr Duration kPingInterval = std::chrono::milliseconds(500);
constexpr Duration kPublishPatience = std::chrono::seconds(30);
constexpr int kControlNice = 5;  // a reload compiles for tens of milliseconds; a third of a shard's weight is enough
constexpr unsigned kMaxShards = 32;  // message::OwnId has five bits for them

unsigned shard_count(const config::Runtime& runtime) {
  const unsigned wanted =
      runtime.shards > 0 ? static_cast<unsigned>(runtime.shards) : std::thread::hardware_concurrency();
  return std::clamp(wanted, 1U, kMaxShards);
}

sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

// A store that is off is none, whatever else is said of it.
bool same_store(const config::Storage& one, const config::Storage& other) {
  return one == other || (!one.enabled && !other.enabled);
}

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

}  // namespace

const char* version() noexcept { return SMPPD_VERSION; }

Server::Server(config::ConfigPtr config, Load load)
    : config_(std::move(config)),
      load_(std::move(load)),
      password_pool_(accounts::PasswordPool::Options{}),
      password_verifier_(password_pool_),
      shards_(shard_count(config_->runtime)),
      units_(shards_.count()),
      store_desk_(shards_, units_),
      started_(std::chrono::system_clock::now()) {
  for (unsigned i = 0; i < shards_.count(); ++i) pulses_.push_back(std::make_unique<Pulse>());
  const sigset_t set = handled_signals();
  signal_fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  work_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

Fallible<std::unique_ptr<Server>> Server::start(const config::ConfigPtr& config, Load load) {
  // Before any thread starts, so that all of them leave the signals to the control thread.
  const sigset_t set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::unique_ptr<Server> server(new Server(config, std::move(load)));
  if (auto started = server->start_shards(); !started) return std::unexpected(started.error());
  auto management =
      admin::Management::start(admin::ManagementOptions::from(*config), *server, *server, server->store_desk_);
  if (!management) return std::unexpected(management.error());
  server->management_ = std::move(*management);
  kLog.info("smppd is up", {{"version", version()},
                            {"shards", server->shards_.count()},
                            {"listeners", server->listeners_.size()},
                            {"upstreams", config->upstreams.size()},
                            {"clients", config->clients.size()},
                            {"management_port", server->management_->port()}});
  return server;
}

Fallible<void> Server::open_store() {
  const config::Storage& storage = config_->storage;
  if (!storage.enabled) return {};
  const bool durable = storage.backend == config::StoreBackend::kRocksdb;
  const store::StorePlugin* plugin = find_store(durable ? "rocksdb" : "memory");
  if (plugin == nullptr) return failure("storage.backend: this build has no such store");
  store::StoreOptions options;
  options.path = storage.path;
  options.durability = static_cast<store::Durability>(storage.durability);
  options.shards = shards_.count();
  options.max_items = storage.max_messages;
  options.max_bytes = storage.max_bytes;
  auto opened = plugin->open(options);
  if (!opened) return failure("storage: " + opened.error());
  store_ = std::move(*opened);
  const store::Recovery& found = store_->recovery();
  for (const std::string& report : found.reports) kLog.warn("the store was not as it was left", {{"found", report}});
  kLog.info("store is open", {{"backend", plugin->name},
                              {"messages", found.items},
                              {"correlations", found.correlations},
                              {"torn_bytes", found.torn_bytes},
                              {"damaged_bytes", found.damaged_bytes},
                              {"seconds", found.seconds}});
  return {};
}

Fallible<void> Server::start_shards() {
  // Whatever can fail is tried before a thread runs.
  auto publication = build_publication(config_, nullptr, shards_.count(), lasting_);
  if (!publication) return std::unexpected(publication.error());
  if (auto opened = open_store(); !opened) return opened;
  shards_.start(config_->runtime.pin_cpus, config_->runtime.busy_poll, [this](runtime::Shard& shard) {
    units_[shard.index()] =
        std::make_unique<ShardUnit>(shard,
                                    ShardUnit::Lasting{resolver_, password_verifier_,
                                                       store_ == nullptr ? nullptr : &store_->partition(shard.index())},
                                    config_->receipts);
  });
  return publish(config_);
}

Fallible<void> Server::publish(config::ConfigPtr config) {
  const config::Config* before = listeners_.empty() && lasting_.generation <= 1 ? nullptr : config_.get();
  auto publication = build_publication(config, before, shards_.count(), lasting_);
  if (!publication) return std::unexpected(publication.error());
  auto opened = open_listeners(config);
  if (!opened) return std::unexpected(opened.error());
  auto doors = open_doors(publication->upstreams);
  if (!doors) {
    for (const OpenListener& listener : *opened) close_all(listener.fds);
    return std::unexpected(doors.error());
  }
  const Publication& next = *publication;
  next.snapshot->clients->publish(std::chrono::steady_clock::now());
  auto chains = std::make_shared<std::vector<std::unique_ptr<flow::FilterChain>>>(std::move(publication->chains));
  const auto work = [this, snapshot = next.snapshot, upstreams = next.upstreams, limits = lasting_.limits, chains,
                     listeners = *opened, doors = std::move(*doors)](runtime::Shard& shard) {
    std::vector<downstream::SessionTable::Opened> mine;
    mine.reserve(listeners.size());
    for (const OpenListener& listener : listeners) {
      mine.push_back({listener.shared, listener.fds.empty() ? -1 : listener.fds[shard.index()], listener.tls});
    }
    std::vector<OutbindDoor::Opened> my_doors;
    for (const OutbindDoor::Opened& door : doors) {
      if (upstream::Group::shard_of_calls(door.upstream, shards_.count()) == shard.index()) my_doors.push_back(door);
    }
    units_[shard.index()]->apply(snapshot, std::move((*chains)[shard.index()]), upstreams, limits, std::move(mine),
                                 my_doors);
  };
  if (!shards_.run_on_all(work, kPublishPatience)) {
    kLog.error("a shard did not take the configuration within 30 s; it will when it turns again");
  }
  listeners_ = std::move(*opened);
  for (OpenListener& listener : listeners_) listener.fds.clear();
  in_force_.push_back(next.snapshot);
  in_force_.push_back(config);
  free_what_was_replaced();
  const std::lock_guard lock(mutex_);
  config_ = std::move(config);
  config_loaded_ = std::chrono::system_clock::now();
  return {};
}

// Tables of 100,000 routes take milliseconds to free: never on a shard, which lets go of them earlier than this thread.
void Server::free_what_was_replaced() {
  std::erase_if(in_force_, [](const auto& held) { return held.use_count() == 1; });
}

void Server::run() {
  // Threads inherit it, so not before the shards run.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kControlNice);
  pollfd watched[2] = {{signal_fd_, POLLIN, 0}, {work_fd_, POLLIN, 0}};
  while (true) {
    ping_shards();
    ::poll(watched, 2, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kPingInterval).count()));
    if ((watched[1].revents & POLLIN) != 0) run_control_work();
    free_what_was_replaced();
    signalfd_siginfo signal{};
    while (::read(signal_fd_, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) {
      if (signal.ssi_signo == SIGHUP) {
        (void)reload_now();
        continue;
      }
      kLog.info("asked to stop, draining", {{"signal", signal.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT"}});
      drain();
      return;
    }
  }
}

admin::ReloadOutcome Server::reload_now() {
  admin::ReloadOutcome outcome;
  if (draining_.load()) {
    outcome.summary = "smppd is stopping; the configuration stays as it is";
    return outcome;
  }
  config::Loaded loaded = load_();
  outcome.diagnostics = std::move(loaded.diagnostics);
  if (loaded.config == nullptr) {
    outcome.summary = "the new configuration has errors; the old one stays in force";
    kLog.error(outcome.summary, {{"errors", config::to_text(outcome.diagnostics)}});
    return outcome;
  }
  const auto before = config_;
  if (!same_store(before->storage, loaded.config->storage)) {
    outcome.summary = "the old configuration stays in force: a change of `storage` takes effect at a restart";
    kLog.error("reload refused", {{"reason", outcome.summary}});
    return outcome;
  }
  if (auto published = publish(loaded.config); !published) {
    outcome.summary = "the old configuration stays in force: " + published.error();
    kLog.error("reload failed", {{"reason", published.error()}});
    return outcome;
  }
  outcome.applied = true;
  outcome.summary = "configuration applied";
  if (!(before->runtime == config_->runtime) || !(before->receipts == config_->receipts)) {
    outcome.summary += "; runtime and receipts take effect at the next start";
  }
  if (auto logging = log_options(config_->logging)) {
    if (auto configured = telemetry::configure_logging(*logging); !configured) {
      outcome.summary += "; logging unchanged: " + configured.error();
    }
  }
  if (management_ != nullptr) {
    if (auto updated = management_->update(admin::ManagementOptions::from(*config_)); !updated) {
      outcome.summary += "; management unchanged: " + updated.error();
    }
  }
  kLog.info("reloaded", {{"summary", outcome.summary}});
  return outcome;
}

void Server::post_control(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(work_fd_, &one, sizeof one);
}

void Server::run_control_work() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(work_fd_, &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(work_);
  }
  for (auto& item : work) item();
}

void Server::ping_shards() {
  for (unsigned i = 0; i < shards_.count(); ++i) {
    shards_.shard(i).loop().post([this, i] {
      Pulse& pulse = *pulses_[i];
      pulse.last.store(now_ns());
      if (units_[i] == nullptr) return;
      pulse.upstream_bound.store(units_[i]->any_upstream_bound());
      pulse.drained.store(units_[i]->drained());
    });
  }
}

void Server::drain() {
  draining_.store(true);
  const auto deadline = std::chrono::steady_clock::now() + config_->runtime.drain_timeout;
  shards_.run_on_all([this](runtime::Shard& shard) { units_[shard.index()]->drain(); }, kPublishPatience);
  const auto all_drained = [this] {
    return std::all_of(pulses_.begin(), pulses_.end(), [](const auto& pulse) { return pulse->drained.load(); });
  };
  while (!all_drained() && std::chrono::steady_clock::now() < deadline) {
    ping_shards();
    run_control_work();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  kLog.info(all_drained() ? "drained" : "drain_timeout reached, closing what is left");
}

Server::~Server() {
  management_.reset();
  if (units_.front() != nullptr) {
    shards_.run_on_all([this](runtime::Shard& shard) { units_[shard.index()].reset(); }, kPublishPatience);
  }
  shards_.stop_and_join();
  if (signal_fd_ >= 0) ::close(signal_fd_);
  if (work_fd_ >= 0) ::close(work_fd_);
}

}  // namespace smppd::server
