// Opening the sockets of a configuration's listeners, all or none.
#include <algorithm>

#include <unistd.h>

#include "runtime/acceptor.h"
#include "server/server.h"
#include "server/tls_contexts.h"

namespace smppd::server {

namespace {

Fallible<runtime::SocketAddress> address_of(const config::Endpoint& endpoint) {
  if (endpoint.host.empty()) return runtime::SocketAddress{*runtime::IpAddress::parse("::"), endpoint.port};
  auto found = runtime::Resolver::lookup(endpoint.host, endpoint.port);
  if (!found) return std::unexpected(found.error());
  return found->front();
}

smpp::SessionOptions session_options(const config::Listener& options) {
  smpp::SessionOptions result;
  result.role = smpp::Role::kSmsc;
  result.max_pdu_size = options.smpp.max_pdu_size;
  result.bind_timeout = options.timeouts.bind;
  result.read_timeout = options.timeouts.read;
  result.idle_timeout = options.timeouts.idle;
  result.enquire_interval = options.smpp.enquire_link_interval;
  result.enquire_timeout = options.smpp.enquire_link_timeout;
  result.enquire_misses = options.smpp.enquire_link_misses;
  return result;
}

// Other certificates are for new connections and leave the sockets alone; TLS or none is another matter.
bool same_options(const config::Listener& one, const config::Listener& other) {
  config::Listener copy = one;
  copy.mark = other.mark;
  if (uses_tls(one.tls) && uses_tls(other.tls)) copy.tls = other.tls;
  return copy == other;
}

}  // namespace

void close_all(const std::vector<int>& sockets) noexcept {
  for (const int fd : sockets) {
    if (fd >= 0) ::close(fd);
  }
}

const Server::OpenListener* Server::unchanged(const config::Listener& options) const {
  const auto at = std::find_if(listeners_.begin(), listeners_.end(),
                               [&](const OpenListener& open) { return same_options(*open.shared->options, options); });
  return at == listeners_.end() ? nullptr : &*at;
}

// Our own sockets share a port among the shards and over a reload, so that another process on it must be looked for.
bool Server::listens_already(const config::Endpoint& address) const {
  if (std::any_of(listeners_.begin(), listeners_.end(),
                  [&](const OpenListener& open) { return open.shared->options->address == address; })) {
    return true;
  }
  return !listeners_.empty() && std::any_of(config_->upstreams.begin(), config_->upstreams.end(),
                                            [&](const auto& u) { return u.outbind && u.outbind->address == address; });
}

Fallible<std::vector<OutbindDoor::Opened>> Server::open_doors(
    const std::vector<upstream::UpstreamSet::Entry>& upstreams) {
  std::vector<OutbindDoor::Opened> doors;
  std::string errors;
  const auto open = [&](const config::UpstreamOutbind& options, OutbindDoor::Opened& door) -> Fallible<void> {
    auto rules = accounts::IpRules::compile(options.allowed_ips, {});
    if (!rules) return std::unexpected(rules.error());
    door.rules = std::make_shared<const accounts::IpRules>(std::move(*rules));
    auto address = address_of(options.address);
    if (!address) return std::unexpected(address.error());
    if (!listens_already(options.address)) {
      if (auto free = runtime::check_address_free(*address); !free) return std::unexpected(free.error());
    }
    auto fd = runtime::listen_on(*address);
    if (!fd) return std::unexpected(fd.error());
    door.fd = *fd;
    return {};
  };
  for (const auto& entry : upstreams) {
    if (!entry.options->outbind) continue;
    OutbindDoor::Opened& door = doors.emplace_back();
    door.upstream = entry.id;
    if (entry.unchanged) continue;
    if (auto opened = open(*entry.options->outbind, door); !opened) {
      errors += (errors.empty() ? "" : "\n") + ("outbind of upstream " + entry.options->name + ": " + opened.error());
    }
  }
  if (errors.empty()) return doors;
  for (const OutbindDoor::Opened& door : doors) close_all({door.fd});
  return failure(errors);
}

Fallible<std::vector<Server::OpenListener>> Server::open_listeners(const config::ConfigPtr& config) {
  std::vector<OpenListener> opened;
  std::string errors;
  for (const config::Listener& options : config->listeners) {
    const auto fail = [&](const std::string& why) {
      errors += (errors.empty() ? "" : "\n") + ("listener " + options.name + ": " + why);
    };
    auto tls = tls_context(options.tls);
    if (!tls) {
      fail(tls.error());
    } else if (const OpenListener* same = unchanged(options)) {
      opened.push_back({same->shared, {}, *tls});
    } else if (auto one = open_listener(config, options)) {
      one->tls = *tls;
      opened.push_back(std::move(*one));
    } else {
      fail(one.error());
    }
  }
  if (errors.empty()) return opened;
  for (const OpenListener& listener : opened) close_all(listener.fds);
  return failure(errors);
}

Fallible<Server::OpenListener> Server::open_listener(const config::ConfigPtr& config, const config::Listener& options) {
  auto rules = accounts::IpRules::compile(options.allowed_ips, options.blocked_ips);
  if (!rules) return std::unexpected(rules.error());
  auto address = address_of(options.address);
  if (!address) return std::unexpected(address.error());
  if (!listens_already(options.address) && address->port != 0) {
    if (auto free = runtime::check_address_free(*address); !free) return std::unexpected(free.error());
  }
  OpenListener opened;
  for (unsigned shard = 0; shard < shards_.count(); ++shard) {
    auto fd = runtime::listen_on(*address);
    if (!fd) {
      close_all(opened.fds);
      return std::unexpected(fd.error());
    }
    opened.fds.push_back(*fd);
    // Port 0 is whatever the first shard got.
    if (address->port == 0) address->port = runtime::local_address(*fd).port;
  }
  opened.shared = std::make_shared<downstream::ListenerShared>();
  opened.shared->id = lasting_.names.listeners.intern(options.name);
  opened.shared->config = config;
  opened.shared->options = &options;
  opened.shared->rules = std::move(*rules);
  opened.shared->session_options = session_options(options);
  opened.shared->shard_count = shards_.count();
  return opened;
}

}  // namespace smppd::server
