#include "smppload/options.h"

#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>

#include "smpp/flags.h"
#include "toolkit/tls.h"
#include "toolkit/units.h"

namespace smppd::load {

namespace {

constexpr std::size_t kAddressMax = 20;

// Makes a CLI11 callback out of a parser that answers with a sentence.
template <typename Value, typename ParseText>
std::function<bool(const CLI::results_t&)> into(Value& target, ParseText parse_text) {
  return [&target, parse_text](const CLI::results_t& results) {
    const auto value = parse_text(results.back());
    if (!value) throw CLI::ValidationError(value.error());
    target = *value;
    return true;
  };
}

class Parser {
 public:
  Parser() : app_("smppload: loads an SMPP server as an ESME and reports latency, loss and receipts", "smppload") {
    app_.option_defaults()->take_last();
    add_connection();
    add_tls();
    add_amount();
    add_message();
    add_checks();
    add_output();
    add_merge();
  }

  CommandLine parse(int argc, char** argv) {
    CommandLine line;
    try {
      app_.parse(argc, argv);
      if (merge_->parsed()) {
        line.merge = merge_files_;
        line.merge_output = merge_output_;
        return line;
      }
      finish();
    } catch (const CLI::ParseError& error) {
      line.exit_code = app_.exit(error) == 0 ? exit_code::kGood : exit_code::kUsage;
      return line;
    }
    line.run = std::move(options_);
    return line;
  }

 private:
  template <typename Value, typename ParseValue>
  CLI::Option* add(const std::string& name, Value& target, ParseValue parse_value, const std::string& help) {
    return app_.add_option(name, into(target, parse_value), help);
  }

  void add_connection() {
    BindOptions& bind = options_.bind;
    app_.add_option("--connect", endpoints_, "HOST:PORT to load; several are used in turn")->take_all();
    app_.add_option("--system-id", bind.system_id, "account (default smppload)");
    app_.add_option("--password", bind.password, "password of the account");
    app_.add_option("--system-type", bind.system_type, "system_type of the bind");
    app_.add_option("--address-range", bind.address_range, "address_range of the bind");
    app_.add_option("--addr-ton", bind.addr_ton, "addr_ton of the bind");
    app_.add_option("--addr-npi", bind.addr_npi, "addr_npi of the bind");
    add("--bind", bind.mode, &Parser::parse_mode, "trx, tx, rx or pair (a transmitter and a receiver); default trx");
    add("--smpp-version", bind.version, &Parser::parse_version, "3.3, 3.4 (default) or 5.0");
    app_.add_option("--sessions", options_.sessions, "sessions, or pairs of them (default 1)")
        ->check(CLI::Range(1, 100'000));
    app_.add_option("--threads", options_.threads, "threads (default 1)")->check(CLI::Range(1, 256));
    app_.add_flag("--pin-cpus", options_.pin_cpus, "one CPU for each thread");
    add("--connect-timeout", options_.connect_timeout, toolkit::parse_duration, "for connecting and binding; 10s");
    add("--enquire-interval", options_.enquire_interval, toolkit::parse_duration,
        "enquire_link after this much silence; 30s");
    add("--reconnect", options_.reconnect, toolkit::parse_duration,
        "bind again this long after a session ended; otherwise a lost session is a failure");
  }

  void add_tls() {
    app_.add_flag("--tls", tls_wanted_, "connect with TLS");
    app_.add_option("--tls-ca", tls_.ca, "PEM file of whom to trust (default: whom the system trusts)");
    app_.add_flag("--tls-insecure", tls_insecure_, "accept every certificate");
    app_.add_option("--tls-name", tls_.server_name, "the name in the certificate (default: the host of --connect)");
    app_.add_option("--tls-cert", tls_.cert, "PEM file of our certificate, for a server that asks for one");
    app_.add_option("--tls-key", tls_.key, "PEM file of its key");
  }

  void add_amount() {
    app_.add_option("--window", options_.window, "open requests a session (default 100)")->check(CLI::Range(1, 65'535));
    add("--rate", options_.rate, toolkit::parse_rate,
        "messages a second of the whole run, sent on schedule (open loop); without it, as fast as the window allows");
    add("--tick", options_.tick, toolkit::parse_duration, "step of the schedule; 100us");
    add("--messages", options_.messages, toolkit::parse_count, "how many messages to send");
    add("--duration", options_.duration, toolkit::parse_duration, "how long to send");
    add("--warmup", options_.warmup, toolkit::parse_duration, "send this long before measuring");
  }

  void add_message() {
    MessageOptions& message = options_.message;
    app_.add_option("--source", message.source, "source_addr (default smppload)");
    app_.add_option("--source-ton", message.source_ton, "by default from the look of the address");
    app_.add_option("--source-npi", message.source_npi, "by default from the look of the address");
    app_.add_option("--destination", destination_,
                    "pattern: {8} is 8 random digits, {100-199} a number of a range, {seq:6} a running number");
    app_.add_option("--destination-file", destination_file_,
                    "addresses used in turn, one a line; of CSV lines the first column");
    app_.add_option("--destination-ton", message.destination_ton, "default 1");
    app_.add_option("--destination-npi", message.destination_npi, "default 1");
    app_.add_option("--service-type", message.service_type, "service_type");
    app_.add_option("--text", message.text, "the text, UTF-8");
    add("--hex", message.octets, toolkit::parse_hex, "the user data as hexadecimal octets instead of a text");
    add("--size", message.size, parse_size, "octets of user data, made of the text repeated or cut");
    add("--data-coding", message.data_coding, parse_octet, "data_coding; by default what the text needs");
    add("--esm-class", message.esm_class, parse_octet, "esm_class");
    app_.add_option("--registered", message.registered_delivery, "registered_delivery; 1 when given without value")
        ->expected(0, 1)
        ->default_str("1");
    app_.add_option("--priority", message.priority, "priority_flag");
    app_.add_option("--validity", message.validity_period, "validity_period as SMPP writes it");
    app_.add_option("--schedule", message.schedule, "schedule_delivery_time as SMPP writes it");
    app_.add_option("--long", message.parts, "parts of each message, joined by a user data header")
        ->check(CLI::Range(1, 255));
    add("--data-sm", message.data_sm_share, toolkit::parse_share, "share of messages sent as data_sm");
    app_.add_option("--seed", options_.seed, "for the random numbers (default 0)");
  }

  void add_checks() {
    add("--response-timeout", options_.response_timeout, toolkit::parse_duration, "for each response; 60s");
    add("--receipt-timeout", options_.receipt_timeout, toolkit::parse_duration,
        "with --registered: how long to wait after the last receipt; 30s");
    add("--receipt-ids", options_.receipt_ids, &Parser::parse_receipt_ids,
        "how ids in receipts are read: exact (default), same (letter case and leading zeros may differ), auto, "
        "hex-to-dec, dec-to-hex");
    app_.add_option("--expect-status", statuses_, "statuses that are right (default ESME_ROK)")
        ->delimiter(',')
        ->take_all();
    add("--expect-bind-status", options_.expected_bind, parse_status, "the bind is to be answered with this");
    add("--expect-mo", options_.expected_mo, toolkit::parse_count, "messages that are to come in");
  }

  void add_output() {
    app_.add_option("--json", options_.json, "write the report as JSON to FILE, - for standard output");
    app_.add_option("--cpu-of", options_.cpu_of, "also report the CPU time of this process while measuring")
        ->check(CLI::Range(1, (1 << 22) - 1));
    app_.add_flag("--progress", options_.progress, "a line each second on standard error");
    app_.add_flag("--quiet", options_.quiet, "no report for people");
  }

  void add_merge() {
    merge_ = app_.add_subcommand("merge", "adds up the JSON reports of several processes");
    merge_->add_option("files", merge_files_, "reports")->required();
    merge_->add_option("--json", merge_output_, "where the sum goes (default standard output)");
  }

  void finish() {
    if (endpoints_.empty()) throw CLI::RequiredError("--connect");
    for (const std::string& endpoint : endpoints_) {
      const auto address = toolkit::parse_endpoint(endpoint);
      if (!address) throw CLI::ValidationError(address.error());
      options_.targets.push_back(*address);
      options_.target_names.push_back(endpoint);
    }
    finish_tls();
    const auto pattern = toolkit::NumberPattern::parse(destination_, kAddressMax);
    if (!pattern) throw CLI::ValidationError("--destination", pattern.error());
    options_.message.destination = *pattern;
    if (!destination_file_.empty()) read_destinations();
    if (!statuses_.empty()) read_statuses();
    if (options_.message.parts > options_.window) {
      throw CLI::ValidationError("--long", "the parts of a message must fit into the window");
    }
    if (options_.rate == 0 && options_.sends() && !options_.messages && !options_.duration) {
      throw CLI::ValidationError("give --messages or --duration");
    }
    if (options_.threads > options_.sessions) options_.threads = options_.sessions;
    if (options_.message.source.size() > kAddressMax) {
      throw CLI::ValidationError("--source", "at most 20 characters");
    }
    if (options_.bind.version == smpp::Version::v33 && options_.bind.mode == BindMode::transceiver) {
      throw CLI::ValidationError("--bind", "SMPP 3.3 has no transceivers: use tx, rx or pair");
    }
  }

  void finish_tls() {
    if (!tls_wanted_) {
      if (tls_insecure_ || !(tls_.ca + tls_.cert + tls_.key + tls_.server_name).empty()) {
        throw CLI::ValidationError("--tls", "is missing; the other --tls-... options mean nothing without it");
      }
      return;
    }
    tls_.verify = !tls_insecure_;
    const auto context = toolkit::tls_context(tls_);
    if (!context) throw CLI::ValidationError(context.error());
    options_.tls = *context;
  }

  void read_destinations() {
    std::ifstream in(destination_file_);
    if (!in) throw CLI::ValidationError("--destination-file", "cannot read " + destination_file_);
    for (std::string line; std::getline(in, line);) {
      std::string address = line.substr(0, line.find_first_of(",;\t\r"));
      if (address.size() > 1 && address.front() == '"') address = address.substr(1, address.size() - 2);
      if (address.empty() || address.front() == '#') continue;
      if (address.size() > kAddressMax)
        throw CLI::ValidationError("--destination-file", "'" + address + "' is too long");
      options_.message.destinations.push_back(std::move(address));
    }
    if (options_.message.destinations.empty()) {
      throw CLI::ValidationError("--destination-file", destination_file_ + " has no addresses");
    }
  }

  void read_statuses() {
    options_.expected.clear();
    for (const std::string& name : statuses_) {
      const auto status = parse_status(name);
      if (!status) throw CLI::ValidationError("--expect-status", status.error());
      options_.expected.push_back(*status);
    }
  }

  static Fallible<smpp::CommandStatus> parse_status(std::string_view text) {
    const auto status = smpp::parse_command_status(text);
    if (!status) return failure("'" + std::string(text) + "' is no command_status");
    return *status;
  }
  static Fallible<BindMode> parse_mode(std::string_view text) {
    if (text == "trx") return BindMode::transceiver;
    if (text == "tx") return BindMode::transmitter;
    if (text == "rx") return BindMode::receiver;
    if (text == "pair") return BindMode::pair;
    return failure("'" + std::string(text) + "' is none of trx, tx, rx, pair");
  }
  static Fallible<smpp::Version> parse_version(std::string_view text) {
    if (text == "3.3") return smpp::Version::v33;
    if (text == "3.4") return smpp::Version::v34;
    if (text == "5.0") return smpp::Version::v50;
    return failure("'" + std::string(text) + "' is none of 3.3, 3.4, 5.0");
  }
  static Fallible<ReceiptIds> parse_receipt_ids(std::string_view text) {
    if (text == "exact") return ReceiptIds::exact;
    if (text == "same") return ReceiptIds::same;
    if (text == "auto") return ReceiptIds::automatic;
    if (text == "hex-to-dec") return ReceiptIds::hex_to_dec;
    if (text == "dec-to-hex") return ReceiptIds::dec_to_hex;
    return failure("'" + std::string(text) + "' is none of exact, same, auto, hex-to-dec, dec-to-hex");
  }
  static Fallible<std::uint8_t> parse_octet(const std::string& text) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(text.c_str(), &end, 0);
    if (text.empty() || *end != '\0' || value > 255) return failure("'" + text + "' is no octet (0 to 255 or 0x00)");
    return static_cast<std::uint8_t>(value);
  }
  static Fallible<std::uint32_t> parse_size(const std::string& text) {
    const auto count = toolkit::parse_count(text);
    if (!count || *count > 65'535) return failure("'" + text + "' is no size (0 to 65535)");
    return static_cast<std::uint32_t>(*count);
  }

  CLI::App app_;
  CLI::App* merge_ = nullptr;
  Options options_;
  std::vector<std::string> endpoints_;
  std::vector<std::string> statuses_;
  std::vector<std::string> merge_files_;
  std::string merge_output_ = "-";
  std::string destination_ = "2588{8}";
  std::string destination_file_;
  runtime::TlsOptions tls_;
  bool tls_wanted_ = false;
  bool tls_insecure_ = false;
};

}  // namespace

CommandLine parse_command_line(int argc, char** argv) { return Parser().parse(argc, argv); }

}  // namespace smppd::load
