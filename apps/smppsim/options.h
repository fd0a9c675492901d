// Everything flags and script can say. Immutable after start-up, shared by all shards.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "runtime/ip_address.h"
#include "runtime/tls.h"
#include "smpp/values.h"
#include "smppsim/behaviour.h"
#include "smppsim/id_format.h"
#include "smppsim/mo_plan.h"
#include "smppsim/rules.h"

namespace smppd::sim {

struct Limits {
  double rate = 0;  // messages a second, 0: any
  smpp::CommandStatus rate_status = smpp::CommandStatus::ESME_RTHROTTLED;
  unsigned window = 0;  // unanswered messages of a session, 0: any
  smpp::CommandStatus window_status = smpp::CommandStatus::ESME_RTHROTTLED;
  unsigned binds = 0;              // sessions of a system_id, 0: any
  unsigned deliver_window = 1000;  // unanswered deliver_sm of a session
  std::size_t queue = 100'000;     // deliveries that wait for a receiver, of one system_id
  std::size_t remember = 100'000;  // messages kept for query_sm and its kin
};

struct Options {
  std::vector<runtime::SocketAddress> listen;
  std::vector<runtime::SocketAddress> outbind;
  std::shared_ptr<const runtime::TlsContext> tls;  // of connections to --listen; null: plain
  std::string system_id;                           // empty: any
  std::string password;                            // empty: any
  std::string own_system_id = "smppsim";
  smpp::Version version = smpp::Version::v34;
  bool tell_version = true;  // sc_interface_version in bind responses
  std::optional<smpp::CommandStatus> bind_status;
  unsigned threads = 1;
  bool pin_cpus = false;
  Limits limits;
  IdFormat response_id;
  std::optional<IdFormat> receipt_id;  // as the response when absent
  std::uint64_t first_id = 1;
  Behaviour behaviour;
  std::vector<Rule> rules;
  std::vector<MoPlan> mo;
  std::optional<Duration> redeliver;
  Duration enquire_interval{};  // zero: never
  Duration bind_timeout{};      // zero: none
  bool strict = false;
  std::uint64_t seed = 0;
  std::string log;
  std::string stats_json;

  [[nodiscard]] const IdFormat& id_in_receipts() const noexcept { return receipt_id ? *receipt_id : response_id; }
  // Whether submit_sm can be answered without looking into it.
  [[nodiscard]] bool is_plain() const noexcept {
    return behaviour.is_plain() && rules.empty() && limits.rate == 0 && limits.window == 0 && log.empty() && !strict &&
           response_id.is_plain();
  }
};

struct CommandLine {
  std::optional<Options> run;
  int exit_code = 0;  // without `run`: help or a mistake, already printed
};

[[nodiscard]] CommandLine parse_command_line(int argc, char** argv);

}  // namespace smppd::sim
