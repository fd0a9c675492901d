// One bound connection of the load generator. Lives on its worker's shard, owned by the worker.
//
// Open requests lie in a ring indexed by sequence number; there are never more than the window allows.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/connection.h"
#include "runtime/timer_wheel.h"
#include "smpp/pdu_view.h"
#include "smppload/options.h"

namespace smppd::load {

class Worker;

enum class Role : std::uint8_t { transceiver, transmitter, receiver };

class Session final : public runtime::ConnectionHandler {
 public:
  Session(Worker& worker, unsigned index, Role role);

  void connect();
  // Sends up to `at_most` messages that are due, as far as the window allows. Returns how many.
  unsigned pump(unsigned at_most) noexcept;
  // Gives up on requests that were sent before `before`.
  void expire(std::int64_t before) noexcept;
  // Asks the peer whether it is there, if it has been silent since the last call.
  void enquire() noexcept;
  void unbind() noexcept;
  void close() noexcept;

  enum class State : std::uint8_t { idle, connecting, binding, bound, unbinding, ended };
  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool sends() const noexcept { return role_ != Role::receiver; }
  [[nodiscard]] unsigned in_flight() const noexcept { return in_flight_; }

  void on_connected() noexcept override;
  std::size_t on_bytes(ByteSpan bytes) noexcept override;
  void on_drained() noexcept override;
  void on_closed(runtime::CloseReason reason, int error) noexcept override;

 private:
  struct Slot {
    std::int64_t sent = 0;  // 0: free
    std::uint32_t sequence = 0;
  };
  // Equal latencies come in runs, because sending and receiving both happen in turns.
  struct LatencyRun {
    std::int64_t sent = 0;
    std::uint64_t count = 0;
  };

  void on_answer(ByteSpan pdu, const smpp::Header& header) noexcept;
  void on_other(ByteSpan pdu, const smpp::Header& header) noexcept;
  void on_bind_answer(const smpp::Header& header) noexcept;
  void on_delivery(ByteSpan pdu, const smpp::Header& header) noexcept;
  void answer(smpp::CommandId id, smpp::CommandStatus status, std::uint32_t sequence) noexcept;
  void send_bare(smpp::CommandId id) noexcept;
  void record(std::int64_t sent) noexcept;
  void flush_latency() noexcept;
  void send(unsigned messages, std::int64_t intended) noexcept;
  bool reserve_sequences(std::uint32_t* sequences, unsigned count, std::int64_t sent) noexcept;
  std::uint32_t next_sequence() noexcept;
  void lose_everything() noexcept;
  static void on_deadline(void* self) noexcept;

  Worker& worker_;
  std::shared_ptr<runtime::Connection> connection_;
  runtime::Timer deadline_;  // connecting and binding, unbinding, or when to connect again
  std::vector<Slot> slots_;
  LatencyRun run_;
  std::uint32_t mask_ = 0;
  std::uint32_t sequence_ = 0;
  unsigned in_flight_ = 0;
  unsigned index_;
  Role role_;
  State state_ = State::idle;
  bool silent_ = true;
};

}  // namespace smppd::load
