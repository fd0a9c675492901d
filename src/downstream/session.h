// One connection of a client: binds, hands requests to the flow, writes answers, carries deliveries and their answers.
// Shard-local; lives in the SessionTable's slab, named outside by its handle.
//
// Invariants: outstanding_ is the number of requests the flow has not answered; every delivery accepted by deliver() is
// reported to the flow exactly once. While waiting_ the first unconsumed PDU is a request the flow told to wait.
#pragma once

#include <cstdint>
#include <memory>

#include "accounts/client_registry.h"
#include "accounts/session_count.h"
#include "downstream/listener.h"
#include "flow/ports.h"
#include "runtime/connection.h"
#include "runtime/timer_wheel.h"
#include "smpp/session.h"
#include "smpp/window.h"

namespace smppd::downstream {

class SessionTable;

class Session final : public runtime::ConnectionHandler, public smpp::Sink {
 public:
  Session(SessionTable& table, Listener& listener, const runtime::SocketAddress& peer);
  ~Session();

  void start(int fd, SlabHandle handle) noexcept;
  // Connects to the client instead, which is then to bind; the table's Caller is told what becomes of it.
  void dial(SlabHandle handle) noexcept;

  // flow::Sessions, for this session
  void answer(const flow::Answer& answer) noexcept;
  bool deliver(const flow::Delivery& delivery) noexcept;
  void resume() noexcept;
  [[nodiscard]] smpp::CommandStatus status_for_loss(message::Loss loss) noexcept;

  // The password's verdict, once it is there.
  void verified(bool right) noexcept;
  // Says unbind and closes when the client has answered and has its own answers, or at the deadline.
  void unbind() noexcept;
  void close() noexcept { connection_.close(); }
  // A new configuration: false when this client may not stay.
  bool reconfigure(const accounts::ClientRegistry& clients) noexcept;

  [[nodiscard]] const flow::Sender& sender() const noexcept { return sender_; }
  [[nodiscard]] const smpp::Session& protocol() const noexcept { return session_; }
  [[nodiscard]] const runtime::SocketAddress& peer() const noexcept { return peer_; }
  [[nodiscard]] Listener& listener() noexcept { return *listener_; }
  // Among its client's sessions; 0 while it is not bound, and for the anonymous client.
  [[nodiscard]] std::uint64_t bind_order() const noexcept { return bind_order_; }
  [[nodiscard]] bool encrypted() const noexcept { return connection_.encrypted() && !connection_.shaking_hands(); }
  [[nodiscard]] bool bound() const noexcept { return smpp::is_bound(session_.state()); }
  void move_to(Listener& listener) noexcept { listener_ = &listener; }

  // runtime::ConnectionHandler
  void on_connected() noexcept override;
  std::size_t on_bytes(ByteSpan bytes) noexcept override;
  void on_drained() noexcept override;
  void on_closed(runtime::CloseReason reason, int error) noexcept override;
  // smpp::Sink
  std::uint8_t* reserve(std::size_t bytes) override { return connection_.reserve(bytes); }
  void commit(std::size_t bytes) noexcept override { connection_.commit(bytes); }
  std::uint32_t next_sequence() noexcept override;

 private:
  struct Pending {
    message::DeliveryTicket ticket;
    message::OwnId id;
    std::uint32_t entry;
  };
  struct BindAttempt;

  // bind.cc
  void on_bind(const smpp::Header& header, ByteSpan pdu) noexcept;
  [[nodiscard]] bool negotiate(std::uint8_t interface_version, smpp::Version& version) const noexcept;
  [[nodiscard]] bool anonymous_allowed() const noexcept;
  void accept_bind() noexcept;
  void refuse_bind(smpp::CommandStatus status, const char* reason) noexcept;

  template <bool kForesees>
  std::size_t take(ByteSpan bytes) noexcept;
  [[nodiscard]] bool looks_ahead() const noexcept;
  bool on_request(const smpp::Header& header, ByteSpan pdu) noexcept;
  bool on_message(const smpp::Header& header, ByteSpan pdu) noexcept;
  bool hold_back(const smpp::Header& header) noexcept;
  [[nodiscard]] smpp::CommandStatus count_overload() noexcept;
  void on_response(const smpp::Header& header, ByteSpan pdu) noexcept;
  void refuse(const smpp::Header& header, smpp::CommandStatus status) noexcept;
  void accept(const flow::Answer& answer) noexcept;
  void answer_in_full(const flow::Answer& answer, config::MessageIdFormat format) noexcept;
  void answer_with_body(const flow::Answer& answer, std::string_view shown_id) noexcept;
  void notify(ByteSpan pdu) noexcept;
  void give_up_deliveries() noexcept;
  void leave_directory() noexcept;
  void leave_limits() noexcept;
  void pause() noexcept { connection_.pause_reading(); }
  void arm() noexcept;
  void arm_by(Instant deadline) noexcept;
  static void on_timer(void* self) noexcept;
  void on_time() noexcept;
  [[nodiscard]] const config::Listener& options() const noexcept { return listener_->options(); }

  SessionTable& table_;
  Listener* listener_;
  std::shared_ptr<ListenerShared> shared_;  // the counts this connection is in
  runtime::Connection connection_;
  smpp::Session session_;
  runtime::Timer timer_;
  Instant armed_for_ = Instant::max();
  runtime::SocketAddress peer_;
  flow::Sender sender_;
  std::unique_ptr<BindAttempt> attempt_;  // while a bind is being judged
  std::unique_ptr<smpp::Window<Pending>> deliveries_;
  accounts::SessionTicket ticket_;  // of the client's session limit
  std::uint64_t bind_order_ = 0;
  std::uint32_t outstanding_ = 0;
  std::uint32_t window_ = 0;
  std::uint32_t sequence_ = 0;  // of our own requests before the first delivery
  std::uint8_t failed_binds_ = 0;
  bool waiting_ = false;      // the flow said kWait
  bool again_ = false;        // the next request was judged before
  bool give_up_ = false;      // it waited long enough
  bool window_full_ = false;  // reading stopped because the client's window is
  bool congested_ = false;    // reading stopped because the client does not read its answers
  bool leaving_ = false;
  bool limited_ = true;  // counts for the listener's limits
  bool called_ = false;  // we called the client with outbind
};

}  // namespace smppd::downstream
