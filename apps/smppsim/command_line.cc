#include <iostream>

#include <CLI/CLI.hpp>

#include "smppsim/options.h"
#include "smppsim/script.h"
#include "toolkit/tls.h"
#include "toolkit/units.h"

namespace smppd::sim {

namespace {

constexpr int kUsage = 2;

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

Fallible<smpp::Version> parse_version(std::string_view text) {
  if (text == "3.3") return smpp::Version::v33;
  if (text == "3.4") return smpp::Version::v34;
  if (text == "5.0") return smpp::Version::v50;
  return failure("'" + std::string(text) + "' is none of 3.3, 3.4, 5.0");
}

Fallible<smpp::CommandStatus> parse_status(std::string_view text) {
  const auto status = smpp::parse_command_status(text);
  if (!status) return failure("'" + std::string(text) + "' is no command_status");
  return *status;
}

class Parser {
 public:
  Parser() : app_("smppsim: a scriptable SMSC for tests", "smppsim") {
    app_.option_defaults()->take_last();
    app_.add_option("--script", script_path_, "YAML file with flags and rules");
    add_listening();
    add_answers();
    add_limits();
    add_deliveries();
    add_output();
  }

  CommandLine parse(std::vector<std::string> arguments) {
    CommandLine line;
    try {
      const auto script = find_script(arguments);
      arguments.insert(arguments.begin(), script.arguments.begin(), script.arguments.end());
      std::ranges::reverse(arguments);
      app_.parse(arguments);
      finish(script);
    } catch (const CLI::ParseError& error) {
      line.exit_code = app_.exit(error) == 0 ? 0 : kUsage;
      return line;
    }
    line.run = std::move(options_);
    return line;
  }

 private:
  template <typename Value, typename ParseText>
  CLI::Option* add(const std::string& name, Value& target, ParseText parse_text, const std::string& help) {
    return app_.add_option(name, into(target, parse_text), help);
  }

  void add_listening() {
    app_.add_option("--listen", listen_, "HOST:PORT; port 0 takes a free one (default 127.0.0.1:2775)")->take_all();
    app_.add_option("--outbind", outbind_, "HOST:PORT of an ESME to call with outbind")->take_all();
    app_.add_option("--tls-cert", tls_.cert, "PEM file of a certificate: --listen speaks TLS");
    app_.add_option("--tls-key", tls_.key, "PEM file of its key");
    app_.add_option("--tls-ca", tls_.ca, "PEM file of who signs ESMEs' certificates: they must show one");
    app_.add_option("--system-id", options_.system_id, "the only account (default: any)");
    app_.add_option("--password", options_.password, "its password (default: any)");
    app_.add_option("--own-system-id", options_.own_system_id, "system_id in bind responses (default smppsim)");
    add("--smpp-version", options_.version, parse_version, "3.3, 3.4 (default) or 5.0");
    app_.add_flag("--no-sc-interface-version", no_version_, "bind responses without that TLV");
    add("--bind-status", options_.bind_status, parse_status, "answer every bind with this");
    app_.add_option("--threads", options_.threads, "threads (default 1)")->check(CLI::Range(1, 256));
    app_.add_flag("--pin-cpus", options_.pin_cpus, "one CPU for each thread");
    add("--bind-timeout", options_.bind_timeout, toolkit::parse_duration, "close connections that do not bind");
    add("--enquire-interval", options_.enquire_interval, toolkit::parse_duration, "send enquire_link this often");
  }

  void add_answers() {
    add("--latency", options_.behaviour.latency, toolkit::Latency::parse,
        "50ms, uniform:10ms-50ms, normal:50ms/10ms or exponential:50ms before a message is answered");
    app_.add_option("--error", errors_, "ESME_RTHROTTLED=0.05,ESME_RSYSERR=0.01; after a prefix and ':' for it alone")
        ->take_all();
    add("--id", options_.response_id, IdFormat::parse,
        "message_id in responses: hex, HEX, dec, uuid, UUID, opaque; hex:10 with zeros (default hex:8)");
    add("--receipt-id", options_.receipt_id, IdFormat::parse, "message_id in receipts (default as in responses)");
    add("--first-id", options_.first_id, toolkit::parse_count, "number of the first message (default 1)");
    app_.add_flag("--strict", options_.strict, "refuse what the specification forbids");
    app_.add_option("--misbehave", misbehave_, "faults, e.g. no-response=0.01,close-after=1000 (README.md lists them)")
        ->take_all();
    app_.add_option("--seed", options_.seed, "for the random numbers (default 0)");
  }

  void add_limits() {
    Limits& limits = options_.limits;
    add("--max-rate", limits.rate, toolkit::parse_rate, "messages a second; more are answered with --rate-status");
    add("--rate-status", limits.rate_status, parse_status, "default ESME_RTHROTTLED");
    app_.add_option("--max-window", limits.window, "unanswered messages of a session");
    add("--window-status", limits.window_status, parse_status, "for messages beyond it; default ESME_RTHROTTLED");
    app_.add_option("--max-binds", limits.binds, "sessions of a system_id; more are answered with ESME_RALYBND");
    app_.add_option("--deliver-window", limits.deliver_window, "unanswered deliver_sm of a session (default 1000)")
        ->check(CLI::Range(1, 1'000'000));
    app_.add_option("--queue", limits.queue, "deliveries kept for an account nobody is bound for (default 100000)");
    app_.add_option("--remember", limits.remember,
                    "messages kept for query_sm and its kin, per thread (default 100000)")
        ->check(CLI::Range(1, 100'000'000));
  }

  void add_deliveries() {
    app_.add_option("--receipts", receipts_,
                    "delay=50ms,state=DELIVRD:0.9,UNDELIV:0.1,form=both,...; 'on' for all defaults (README.md)");
    app_.add_option("--receipt-template", template_,
                    "text of receipts with {id} {state} {submit} {done} {err} {text} {source} {destination}");
    app_.add_option("--mo", mo_, "rate=10/s,source=2588{8},destination=1234,text=Hello,parts=3,... (README.md)")
        ->take_all();
    add("--redeliver", options_.redeliver, toolkit::parse_duration,
        "send deliveries again after this that were refused, or open when their session ended");
  }

  void add_output() {
    app_.add_option("--log", options_.log, "every PDU as a line of JSON to FILE, - for standard output");
    app_.add_option("--stats-json", options_.stats_json, "counters as JSON at the end to FILE, - for standard output");
  }

  static Script find_script(const std::vector<std::string>& arguments) {
    constexpr std::string_view kFlag = "--script";
    std::string path;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i] == kFlag && i + 1 < arguments.size()) path = arguments[i + 1];
      if (arguments[i].starts_with("--script=")) path = arguments[i].substr(kFlag.size() + 1);
    }
    if (path.empty()) return {};
    auto script = load_script(path);
    if (!script) throw CLI::ValidationError(script.error());
    return std::move(*script);
  }

  template <typename Value>
  static Value must(Fallible<Value> value, const std::string& where) {
    if (!value) throw CLI::ValidationError(where, value.error());
    return std::move(*value);
  }

  void finish(const Script& script) {
    if (listen_.empty() && outbind_.empty()) listen_.push_back("127.0.0.1:2775");
    for (const auto& text : listen_) options_.listen.push_back(must(toolkit::parse_endpoint(text), "--listen"));
    for (const auto& text : outbind_) options_.outbind.push_back(must(toolkit::parse_endpoint(text), "--outbind"));
    options_.tell_version = !no_version_;
    Behaviour& behaviour = options_.behaviour;
    if (!receipts_.empty()) behaviour.receipts = must(parse_receipts(receipts_), "--receipts");
    behaviour.receipts.text_template = template_;
    for (const auto& text : misbehave_) {
      behaviour.misbehave = must(parse_misbehaviour(text, behaviour.misbehave), "--misbehave");
    }
    for (const auto& text : mo_) options_.mo.push_back(must(parse_mo(text), "--mo"));
    const std::vector<ScriptRule> prefixes = read_errors();
    for (const auto* rules : {&script.rules, &prefixes}) {
      for (const auto& rule : *rules) options_.rules.push_back(must(build_rule(rule, behaviour), "rules"));
    }
    finish_tls();
  }

  void finish_tls() {
    if ((tls_.cert + tls_.key + tls_.ca).empty()) return;
    tls_.server = true;
    if (!tls_.ca.empty()) tls_.client_certificates = runtime::ClientCertificates::kRequire;
    options_.tls = must(toolkit::tls_context(tls_), "TLS");
    const auto splits = [](const Behaviour& behaviour) { return behaviour.misbehave.split_octets > 0; };
    if (splits(options_.behaviour) || std::ranges::any_of(options_.rules, splits, &Rule::behaviour)) {
      throw CLI::ValidationError("--misbehave", "split-bytes cuts what is on the wire; it cannot be had with TLS");
    }
  }

  // Errors of a prefix become rules.
  std::vector<ScriptRule> read_errors() {
    std::vector<ScriptRule> prefixes;
    std::string general;
    for (const std::string& text : errors_) {
      const std::size_t colon = text.find(':');
      if (colon == std::string::npos) {
        general.append(general.empty() ? "" : ",").append(text);
        continue;
      }
      const std::string prefix = text.substr(0, colon);
      prefixes.push_back({"error " + prefix, {{"destination", {prefix + "*"}}}, {{"error", text.substr(colon + 1)}}});
    }
    if (!general.empty()) options_.behaviour.errors = must(parse_errors(general), "--error");
    return prefixes;
  }

  CLI::App app_;
  Options options_;
  std::string script_path_;
  std::vector<std::string> listen_;
  std::vector<std::string> outbind_;
  std::vector<std::string> errors_;
  std::vector<std::string> misbehave_;
  std::vector<std::string> mo_;
  std::string receipts_;
  std::string template_;
  runtime::TlsOptions tls_;
  bool no_version_ = false;
};

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  return Parser().parse(std::vector<std::string>(argv + 1, argv + argc));
}

}  // namespace smppd::sim
