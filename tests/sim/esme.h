// Clients of a simulation: bind, submit in bursts, answer what is delivered (or refuse, or say nothing), lose their
// connection, say unbind among their requests, and come again until their plan is done.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/ledger.h"
#include "tests/sim/smpp_peer.h"

namespace smppd::sim {

struct EsmeHabits {
  std::uint32_t window = 10;
  double refuse = 0, silent = 0, late = 0;  // a deliver_sm
  double unbind = 0, leave = 0;             // after a burst: politely with requests open, or not
  Duration think_max = std::chrono::milliseconds(300);
  std::uint8_t version = 0x34;
  double data_sm = 0, multi = 0;  // shares among the messages
  double query = 0;               // after a message was accepted
};

class EsmeSession;

class Esme {
 public:
  Esme(Kernel& kernel, Ledger& ledger, unsigned client, std::uint16_t port, EsmeHabits how)
      : habits(how), kernel_(kernel), ledger_(ledger), client_(client), port_(port) {}

  // One more message to send, when its turn comes.
  void plan(unsigned upstream, bool wants_receipt) { plan_.push_back({upstream, wants_receipt}); }
  void connect();
  void calm() {
    const EsmeHabits before = habits;
    habits = EsmeHabits();
    habits.window = before.window;
    habits.version = before.version;
    habits.data_sm = before.data_sm;
    habits.multi = before.multi;
    habits.query = before.query;
  }
  // Says unbind when everything is answered, and stays away.
  void finish();
  // Does not come again.
  void stay_away() { finishing_ = true; }

  [[nodiscard]] bool bound() const;
  [[nodiscard]] bool idle() const;  // nothing planned, nothing unanswered
  [[nodiscard]] bool gone() const { return session_ == nullptr; }
  [[nodiscard]] unsigned client() const { return client_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::shared_ptr<Wire> wire() const { return wire_; }
  bool corrupt = false;      // its connections change octets
  bool transmitter = false;  // receives on other sessions of its client

  EsmeHabits habits;

 private:
  friend class EsmeSession;
  struct Planned {
    unsigned upstream;
    bool wants_receipt;
  };
  void session_ended();

  Kernel& kernel_;
  Ledger& ledger_;
  unsigned client_;
  std::uint16_t port_;
  std::string address_ = "5000" + std::to_string(client_);
  std::deque<Planned> plan_;
  std::shared_ptr<Wire> wire_;
  EsmeSession* session_ = nullptr;
  bool finishing_ = false;
};

}  // namespace smppd::sim
