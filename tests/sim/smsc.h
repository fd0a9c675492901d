// SMSC hosts of a simulation: accept, refuse, stay silent or answer late, send receipts early, late, twice or never,
// MO too, and keep both until smppd has taken them. Every answer and sight is written down in the ledger.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/smpp_peer.h"

namespace smppd::sim {

struct SmscHabits {
  double refuse = 0, silent = 0, late = 0;
  double twice = 0;  // answers come again
  double stray = 0;  // a response to nothing
  double bind_refused = 0;
  double early_receipt = 0, late_receipt = 0, repeat_receipt = 0, no_receipt = 0;
  double unbinds = 0;  // after a message
  Duration answer_min = std::chrono::milliseconds(1), answer_max = std::chrono::milliseconds(200);
};

class SmscLink;

class Smsc {
 public:
  Smsc(Kernel& kernel, Ledger& ledger, unsigned number, unsigned upstream, std::uint16_t port, SmscHabits habits);

  void calm() { habits = SmscHabits(); }  // no more trouble
  void send_mo(std::uint32_t number, const std::string& to);
  [[nodiscard]] const std::vector<std::shared_ptr<Wire>>& wires() const { return wires_; }
  [[nodiscard]] std::size_t owed() const { return waiting_.size(); }  // deliveries smppd has not taken

  SmscHabits habits;

 private:
  friend class SmscLink;
  // A deliver_sm that is sent again until it is accepted.
  struct Delivery {
    bool mo;
    std::uint32_t number;  // of the MO or of the message
    std::string id, from, to;
    bool early = false;
    bool accepted = false;
    unsigned tries = 0;
  };
  void deliver(std::shared_ptr<Delivery> delivery);
  void receipt_for(std::uint32_t tag, const std::string& id, const smpp::PduView& message);

  Kernel& kernel_;
  Ledger& ledger_;
  unsigned number_, upstream_;
  std::uint32_t ids_ = 0;
  std::vector<std::shared_ptr<Wire>> wires_;
  std::vector<SmscLink*> bound_;
  std::vector<std::shared_ptr<Delivery>> waiting_;
};

}  // namespace smppd::sim
