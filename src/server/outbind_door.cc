#include "server/outbind_door.h"

#include <cstring>

#include <sys/socket.h>
#include <unistd.h>

#include "server/internal/log.h"
#include "telemetry/log.h"

namespace smppd::server {

OutbindDoor::OutbindDoor(flow::Flow& flow, runtime::EventLoop& loop, const Opened& opened)
    : flow_(flow), opened_(opened), acceptor_(loop, *this) {
  acceptor_.start(opened.fd);
}

void OutbindDoor::on_accept(int fd, const runtime::SocketAddress& peer) noexcept {
  upstream::Group* group = flow_.upstreams().find(opened_.upstream);
  if (group != nullptr) {
    if (opened_.rules->admits(peer.ip)) {
      if (group->take_call(fd, peer)) return;
    } else {
      group->refuse_call(peer, "not one of allowed_ips");
    }
  }
  // A reset instead of a close: no TIME_WAIT for each connection of a flood.
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd);
}

void OutbindDoor::on_accept_error(int error) noexcept {
  kLog.error("cannot accept an SMSC's call; trying again every 100 ms", {{"reason", std::strerror(error)}});
}

}  // namespace smppd::server
