// One connection of a client. Lives on its shard, owned by the shard's table, gone at the end of the turn in which the
// connection closed.
//
// Everything that goes out passes put(): log, slow drip and split segments hold for all PDUs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/slab.h"
#include "runtime/connection.h"
#include "runtime/timer_wheel.h"
#include "smpp/pdu_view.h"
#include "smppsim/shard.h"

namespace smppd::sim {

class Session final : public runtime::ConnectionHandler {
 public:
  Session(Shard& shard, std::uint64_t number, const runtime::SocketAddress& peer);

  void set_handle(SlabHandle handle) noexcept { handle_ = handle; }
  void adopt(int fd) noexcept;
  void connect_outbind(const runtime::SocketAddress& to) noexcept;
  void close() noexcept { connection_.close(); }

  [[nodiscard]] SlabHandle handle() const noexcept { return handle_; }
  [[nodiscard]] smpp::Version version() const noexcept { return version_; }
  [[nodiscard]] Shard& shard() noexcept { return shard_; }
  [[nodiscard]] Account* account() noexcept { return account_; }
  [[nodiscard]] bool can_take_delivery() const noexcept {
    return receives_ && deliveries_open_ < shard_.options.limits.deliver_window && !connection_.congested();
  }
  void send_delivery(ByteSpan pdu, DeliveryKind kind) noexcept;
  // Writes one PDU as the misbehaviours say.
  void put(ByteSpan pdu) noexcept;
  // The response of a message, after `latency` and as its behaviour says.
  void respond(ByteSpan pdu, const Behaviour& behaviour, Duration latency) noexcept;
  // A response without body, or generic_nack.
  void answer(smpp::CommandId id, smpp::CommandStatus status, std::uint32_t sequence) noexcept;
  void send_bare(smpp::CommandId id) noexcept;
  // A held back response has been written.
  void response_left() noexcept { --responses_open_; }

  void on_connected() noexcept override;
  std::size_t on_bytes(ByteSpan bytes) noexcept override;
  void on_drained() noexcept override;
  void on_closed(runtime::CloseReason reason, int error) noexcept override;

 private:
  friend class Intake;  // answers the message PDUs of this session; intake.cc
  std::size_t answer_plainly(ByteSpan bytes) noexcept;
  void handle(ByteSpan pdu) noexcept;
  bool check(ByteSpan pdu, smpp::PduView& view) noexcept;
  void dispatch(const smpp::PduView& view) noexcept;
  void on_bind(const smpp::PduView& view) noexcept;
  [[nodiscard]] smpp::CommandStatus judge_bind(const smpp::PduView& view) const noexcept;
  void refuse_bind(const smpp::PduView& view, smpp::CommandStatus status) noexcept;
  void send_bind_response(const smpp::PduView& view) noexcept;
  void start_bound(const smpp::PduView& view) noexcept;
  void on_delivery_response(const smpp::PduView& view) noexcept;
  void on_operation(const smpp::PduView& view) noexcept;
  // After a message: what close-after and its kin ask for. False when the session is over.
  bool count_message() noexcept;
  void deliver_early() noexcept;
  void unbind() noexcept;
  void reset() noexcept;
  void drip() noexcept;
  void split(ByteSpan pdu) noexcept;
  [[nodiscard]] std::uint32_t next_sequence() noexcept;
  [[nodiscard]] const Misbehaviour& misbehaviour() const noexcept { return shard_.options.behaviour.misbehave; }
  void log(std::string_view direction, ByteSpan pdu) noexcept;
  static void on_enquire_time(void* self) noexcept;
  static void on_moment(void* self) noexcept;
  static void on_drip_time(void* self) noexcept;

  struct Drip {
    explicit Drip(Session& session) : timer(&Session::on_drip_time, &session) {}
    runtime::Timer timer;
    std::vector<std::uint8_t> bytes;
    std::size_t at = 0;
  };

  Shard& shard_;
  runtime::Connection connection_;
  runtime::Timer enquire_timer_;
  runtime::Timer moment_;  // bind timeout; then close-after or unbind-after a duration
  SlabHandle handle_;
  Account* account_ = nullptr;
  std::string peer_;
  std::unique_ptr<Drip> drip_;
  absl::flat_hash_map<std::uint32_t, Delivery> unanswered_;  // kept only for --redeliver
  std::uint64_t number_;
  std::uint64_t messages_ = 0;
  std::uint32_t sequence_ = 0;
  unsigned deliveries_open_ = 0;
  unsigned responses_open_ = 0;
  smpp::Version version_ = smpp::Version::v34;
  bool sends_ = false;     // may submit
  bool receives_ = false;  // takes deliveries
  bool plain_ = false;     // fast path
  bool outbind_ = false;
};

}  // namespace smppd::sim
