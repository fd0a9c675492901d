// Where an SMSC that calls us arrives (`outbind` of an upstream): checks the caller's address and hands the connection
// to the upstream. On the one shard whose links take the upstream's calls; made and destroyed there.
#pragma once

#include <memory>

#include "accounts/ip_set.h"
#include "flow/flow.h"
#include "message/ids.h"
#include "runtime/acceptor.h"

namespace smppd::server {

class OutbindDoor final : public runtime::AcceptHandler {
 public:
  // What the control thread opened for the upstream; `fd` -1: the door is there already and stays as it is.
  struct Opened {
    message::UpstreamId upstream;
    std::shared_ptr<const accounts::IpRules> rules;
    int fd = -1;
  };

  OutbindDoor(flow::Flow& flow, runtime::EventLoop& loop, const Opened& opened);

  [[nodiscard]] message::UpstreamId upstream() const noexcept { return opened_.upstream; }
  void close() noexcept { acceptor_.stop(); }

  void on_accept(int fd, const runtime::SocketAddress& peer) noexcept override;
  void on_accept_error(int error) noexcept override;

 private:
  flow::Flow& flow_;
  Opened opened_;
  runtime::Acceptor acceptor_;
};

}  // namespace smppd::server
