// Everything the command line of smppload can say. Immutable after parsing, shared by all workers.
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
#include "toolkit/number_pattern.h"

namespace smppd::load {

enum class BindMode : std::uint8_t { transceiver, transmitter, receiver, pair };

// How ids in receipts relate to those in responses.
enum class ReceiptIds : std::uint8_t { exact, same, automatic, hex_to_dec, dec_to_hex };

// The account and how its sessions bind.
struct BindOptions {
  std::string system_id = "smppload";
  std::string password;
  std::string system_type;
  std::string address_range;
  std::uint8_t addr_ton = 0;
  std::uint8_t addr_npi = 0;
  smpp::Version version = smpp::Version::v34;
  BindMode mode = BindMode::transceiver;
};

// What is sent.
struct MessageOptions {
  std::string source = "smppload";
  std::optional<std::uint8_t> source_ton;  // by default from the look of the address
  std::optional<std::uint8_t> source_npi;
  toolkit::NumberPattern destination;
  std::vector<std::string> destinations;  // from a file; used in turn instead of the pattern
  std::uint8_t destination_ton = 1;
  std::uint8_t destination_npi = 1;
  std::string service_type;
  std::string text = "Hello from smppload";
  std::optional<std::string> octets;  // given as hexadecimal, sent as they are
  std::optional<std::uint32_t> size;  // octets of made-up text
  std::optional<std::uint8_t> data_coding;
  std::uint8_t esm_class = 0;
  std::uint8_t registered_delivery = 0;
  std::uint8_t priority = 0;
  std::string validity_period;
  std::string schedule;
  unsigned parts = 1;
  double data_sm_share = 0;
};

struct Options {
  std::vector<runtime::SocketAddress> targets;
  std::vector<std::string> target_names;
  std::shared_ptr<const runtime::TlsContext> tls;  // null: plain
  BindOptions bind;
  MessageOptions message;
  unsigned sessions = 1;
  unsigned threads = 1;
  unsigned window = 100;
  double rate = 0;  // 0: closed loop
  Duration tick = std::chrono::microseconds(100);
  std::optional<std::uint64_t> messages;
  std::optional<Duration> duration;
  Duration warmup{};
  ReceiptIds receipt_ids = ReceiptIds::exact;
  Duration response_timeout = std::chrono::seconds(60);
  Duration receipt_timeout = std::chrono::seconds(30);
  Duration connect_timeout = std::chrono::seconds(10);
  Duration enquire_interval = std::chrono::seconds(30);
  std::optional<Duration> reconnect;
  std::vector<smpp::CommandStatus> expected{smpp::CommandStatus::ESME_ROK};
  std::optional<smpp::CommandStatus> expected_bind;
  std::optional<std::uint64_t> expected_mo;
  std::uint64_t seed = 0;
  std::optional<int> cpu_of;  // process whose CPU time is reported too
  std::string json;
  bool progress = false;
  bool quiet = false;
  bool pin_cpus = false;

  [[nodiscard]] bool sends() const noexcept { return bind.mode != BindMode::receiver; }
  [[nodiscard]] bool awaits_receipts() const noexcept { return (message.registered_delivery & 0x03) != 0; }
  [[nodiscard]] bool is_expected(smpp::CommandStatus status) const noexcept {
    for (const auto wanted : expected) {
      if (wanted == status) return true;
    }
    return false;
  }
};

// Documented in README.md.
namespace exit_code {
inline constexpr int kGood = 0;
inline constexpr int kUnexpected = 1;  // something was lost, refused, duplicated or not asked for
inline constexpr int kUsage = 2;
inline constexpr int kNotBound = 3;  // no session could be bound
}  // namespace exit_code

struct CommandLine {
  std::optional<Options> run;
  std::vector<std::string> merge;  // reports to add up, when not running
  std::string merge_output = "-";
  int exit_code = 0;  // when neither: help or a mistake, already printed
};

[[nodiscard]] CommandLine parse_command_line(int argc, char** argv);

}  // namespace smppd::load
