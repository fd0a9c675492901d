// --script FILE: YAML with the flags' names as keys, and rules that single out messages. Start-up only.
//
//   system-id: carrier
//   receipts: {delay: 50ms, state: "DELIVRD:0.9,UNDELIV:0.1"}
//   rules:
//     - match: {destination: "25884*"}
//       action: {error: ESME_RTHROTTLED=0.1, latency: "uniform:10ms-50ms"}
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "smppsim/rules.h"

namespace smppd::sim {

struct ScriptRule {
  std::string name;
  std::map<std::string, std::vector<std::string>> match;
  std::map<std::string, std::string> action;
};

struct Script {
  std::vector<std::string> arguments;  // "--key=value", to be read before those of the command line
  std::vector<ScriptRule> rules;
};

// Failures name file, line and key.
[[nodiscard]] Fallible<Script> load_script(const std::string& path);
[[nodiscard]] Fallible<Script> parse_script(const std::string& text, const std::string& name);

// `base` is what the flags say; the rule's action changes it.
[[nodiscard]] Fallible<Rule> build_rule(const ScriptRule& text, const Behaviour& base);

}  // namespace smppd::sim
