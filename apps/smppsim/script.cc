#include "smppsim/script.h"

#include <fstream>
#include <set>
#include <sstream>

#include <yaml-cpp/yaml.h>

#include "smppsim/id_format.h"
#include "toolkit/units.h"

namespace smppd::sim {

namespace {

// Carries a sentence out of the walk through the document; caught in parse_script().
struct Complaint {
  std::string sentence;
};

[[noreturn]] void complain(const YAML::Node& at, const std::string& what) {
  throw Complaint{"line " + std::to_string(at.Mark().line + 1) + ": " + what};
}

std::vector<std::string> list_of(const YAML::Node& node) {
  std::vector<std::string> items;
  if (node.IsScalar()) items.push_back(node.Scalar());
  if (!node.IsSequence()) return items;
  for (const auto& item : node) {
    if (!item.IsScalar()) complain(item, "a list of plain values is expected here");
    items.push_back(item.Scalar());
  }
  return items;
}

// A mapping as flags write it: "key=value,key=value", true as a bare key.
std::string flat(const YAML::Node& node) {
  if (node.IsScalar()) return node.Scalar();
  std::string text;
  const auto append = [&](const std::string& item) { text.append(text.empty() ? "" : ",").append(item); };
  if (node.IsSequence()) {
    for (const auto& item : node) append(flat(item));
  }
  if (node.IsMap()) {
    for (const auto& pair : node) {
      const std::string value = flat(pair.second);
      if (value == "false") continue;
      append(value == "true" || value.empty() ? pair.first.Scalar() : pair.first.Scalar() + "=" + value);
    }
  }
  return text;
}

void check_keys(const YAML::Node& node, const std::set<std::string>& known, const std::string& where) {
  std::set<std::string> seen;
  for (const auto& pair : node) {
    const std::string& key = pair.first.Scalar();
    if (!seen.insert(key).second) complain(pair.first, "'" + key + "' is given twice");
    if (known.contains(key)) continue;
    std::string all;
    for (const auto& name : known) all.append(all.empty() ? "" : ", ").append(name);
    std::string sentence = "'" + key + "' is not known in ";
    complain(pair.first, sentence.append(where).append("; there are ").append(all));
  }
}

const std::set<std::string> kMatchKeys{"system_id", "source",      "destination", "service_type",        "command",
                                       "text",      "data_coding", "esm_class",   "registered_delivery", "share",
                                       "after",     "first",       "every"};
const std::set<std::string> kActionKeys{"status",           "error",     "latency",   "receipts",
                                        "receipt-template", "misbehave", "message_id"};

ScriptRule read_rule(const YAML::Node& node, std::size_t number) {
  if (!node.IsMap()) complain(node, "a rule is a mapping with match and action");
  check_keys(node, {"name", "match", "action"}, "a rule");
  ScriptRule rule;
  rule.name = node["name"] ? node["name"].Scalar() : "rule " + std::to_string(number);
  if (const YAML::Node match = node["match"]) {
    if (!match.IsMap()) complain(match, "match is a mapping");
    check_keys(match, kMatchKeys, "match");
    for (const auto& pair : match) rule.match[pair.first.Scalar()] = list_of(pair.second);
  }
  const YAML::Node action = node["action"];
  if (!action || !action.IsMap()) complain(node, "a rule needs an action, a mapping");
  check_keys(action, kActionKeys, "action");
  for (const auto& pair : action) rule.action[pair.first.Scalar()] = flat(pair.second);
  return rule;
}

void read_flag(const std::string& key, const YAML::Node& value, Script& script) {
  const std::string flag = "--" + key;
  if (value.IsSequence()) {
    for (const auto& item : value) script.arguments.push_back(flag + "=" + flat(item));
    return;
  }
  const std::string text = flat(value);
  if (text == "false") return;
  script.arguments.push_back(text == "true" ? flag : flag + "=" + text);
}

Fallible<std::uint64_t> number_of(const std::string& text) {
  char* end = nullptr;
  const unsigned long long value = std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || *end != '\0') return failure("'" + text + "' is no number");
  return value;
}

Fallible<void> set_octet(std::optional<std::uint8_t>& target, const std::string& text) {
  const auto value = number_of(text);
  if (!value || *value > 255) return failure("'" + text + "' is no octet");
  target = static_cast<std::uint8_t>(*value);
  return {};
}

Fallible<void> set_count(std::uint64_t& target, const std::string& text) {
  const auto value = number_of(text);
  if (!value) return failure(value.error());
  target = *value;
  return {};
}

Fallible<void> set_match(Match& match, const std::string& key, const std::vector<std::string>& values) {
  if (values.empty()) return failure("is empty");
  if (key == "system_id") return match.system_id = values, Fallible<void>{};
  if (key == "source") return match.source = values, Fallible<void>{};
  if (key == "destination") return match.destination = values, Fallible<void>{};
  if (key == "service_type") return match.service_type = values, Fallible<void>{};
  if (key == "data_coding") return set_octet(match.data_coding, values.front());
  if (key == "esm_class") return set_octet(match.esm_class, values.front());
  if (key == "registered_delivery") return set_octet(match.registered_delivery, values.front());
  if (key == "after") return set_count(match.after, values.front());
  if (key == "first") return set_count(match.first, values.front());
  if (key == "every") {
    if (auto done = set_count(match.every, values.front()); !done) return done;
    return match.every > 0 ? Fallible<void>{} : failure("must be at least 1");
  }
  if (key == "share") {
    const auto share = toolkit::parse_share(values.front());
    if (!share) return failure(share.error());
    match.share = *share;
    return {};
  }
  if (key == "command") {
    for (const std::string& name : values) {
      const auto command = smpp::parse_command_id(name);
      if (!command) return failure("'" + name + "' is no command");
      match.command.push_back(*command);
    }
    return {};
  }
  auto pattern = compile_text(values.front());
  if (!pattern) return failure(pattern.error());
  match.text = std::move(*pattern);
  return {};
}

Fallible<void> set_action(Behaviour& behaviour, const std::string& key, const std::string& value) {
  const auto assign = [](auto& target, auto parsed) -> Fallible<void> {
    if (!parsed) return failure(parsed.error());
    target = std::move(*parsed);
    return {};
  };
  if (key == "status" && smpp::parse_command_status(value) == smpp::CommandStatus::ESME_ROK) {
    return behaviour.errors = {}, Fallible<void>{};
  }
  if (key == "status" || key == "error") return assign(behaviour.errors, parse_errors(value));
  if (key == "latency") return assign(behaviour.latency, toolkit::Latency::parse(value));
  if (key == "receipts") return assign(behaviour.receipts, parse_receipts(value, behaviour.receipts));
  if (key == "receipt-template") return behaviour.receipts.text_template = value, Fallible<void>{};
  if (key == "misbehave") return assign(behaviour.misbehave, parse_message_misbehaviour(value, behaviour.misbehave));
  behaviour.message_id = value;
  return value.size() <= IdFormat::kMaxSize ? Fallible<void>{} : failure("at most 64 characters");
}

}  // namespace

Fallible<Script> parse_script(const std::string& text, const std::string& name) {
  Script script;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return script;
    if (!root.IsMap()) return failure(name + ": a script is a mapping");
    std::set<std::string> seen;
    for (const auto& pair : root) {
      const std::string& key = pair.first.Scalar();
      if (!seen.insert(key).second) complain(pair.first, "'" + key + "' is given twice");
      if (key == "script") complain(pair.first, "a script cannot name another one");
      if (key != "rules") {
        read_flag(key, pair.second, script);
        continue;
      }
      if (!pair.second.IsSequence()) complain(pair.second, "rules is a list");
      for (const auto& rule : pair.second) script.rules.push_back(read_rule(rule, script.rules.size() + 1));
    }
  } catch (const Complaint& complaint) {
    return failure(name + ": " + complaint.sentence);
  } catch (const YAML::Exception& error) {
    return failure(name + ": " + error.what());
  }
  return script;
}

Fallible<Script> load_script(const std::string& path) {
  std::ifstream in(path);
  if (!in) return failure("cannot read the script " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return parse_script(text.str(), path);
}

Fallible<Rule> build_rule(const ScriptRule& text, const Behaviour& base) {
  Rule rule;
  rule.name = text.name;
  rule.behaviour = base;
  for (const auto& [key, values] : text.match) {
    if (auto done = set_match(rule.match, key, values); !done) {
      return failure(text.name + ": match " + key + ": " + done.error());
    }
  }
  for (const auto& [key, value] : text.action) {
    if (auto done = set_action(rule.behaviour, key, value); !done) {
      return failure(text.name + ": action " + key + ": " + done.error());
    }
  }
  return rule;
}

}  // namespace smppd::sim
