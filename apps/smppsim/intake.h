// Takes the PDUs that carry messages (submit_sm, data_sm, submit_multi, broadcast_sm): decides what becomes of them,
// answers, and sets off their receipts. Lives for one PDU.
#pragma once

#include "smppsim/session.h"

namespace smppd::sim {

class Intake {
 public:
  explicit Intake(Session& session) : session_(session), shard_(session.shard_) {}
  void take(const smpp::PduView& view) noexcept;

 private:
  [[nodiscard]] const Behaviour& behaviour_for(const smpp::PduView& view) noexcept;
  [[nodiscard]] smpp::CommandStatus judge(const Behaviour& behaviour) noexcept;
  void refuse(const smpp::PduView& view, smpp::CommandStatus status, const Behaviour& behaviour) noexcept;
  void accept(const smpp::PduView& view, const Behaviour& behaviour) noexcept;
  Message& keep(const smpp::PduView& view, const Behaviour& behaviour, Duration latency);
  void take_multi(const smpp::PduView& view, const Behaviour& behaviour) noexcept;
  void respond_with_id(const smpp::PduView& view, const Message& message, const Behaviour& behaviour,
                       Duration latency) noexcept;

  Session& session_;
  Shard& shard_;
};

}  // namespace smppd::sim
