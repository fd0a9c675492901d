// The JSON schema and the reference manual, both walked out of the option descriptions.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/internal/options.h"
#include "config/internal/write.h"
#include "config/loader.h"

namespace smppd::config {
namespace {

Node string_node_type(const char* type) { return map_node({{"type", text_node(type)}}); }

Node schema_of(const Options& options);

Node value_schema(const Option& option) {
  Node reference = map_node({{"$ref", text_node("#/$defs/reference")}});
  return map_node({{"anyOf", list_node({option.schema, std::move(reference)})}});
}

Node option_schema(const Option& option) {
  Node schema;
  switch (option.shape) {
    case Shape::kValue: schema = value_schema(option); break;
    case Shape::kMap: {
      schema = schema_of(option.children);
      if (!option.shorthand_for.empty() || option.shorthand) {
        Node scalar = map_node({{"type", list_node({text_node("string"), text_node("number"), text_node("boolean")})}});
        schema = map_node({{"anyOf", list_node({std::move(schema), std::move(scalar)})}});
      }
      break;
    }
    case Shape::kList: {
      Node item = schema_of(option.children);
      if (!option.shorthand_for.empty()) {
        item = map_node({{"anyOf", list_node({std::move(item), string_node_type("string")})}});
      }
      schema = string_node_type("array");
      schema.set("items", std::move(item));
      if (option.other_form) {
        schema = map_node({{"anyOf", list_node({std::move(schema), string_node_type("object")})}});
      }
      break;
    }
  }
  schema.set("description", text_node(option.sentence));
  if (option.default_value && !option.secret && option.default_value->is_scalar() &&
      !option.default_value->text.empty()) {
    schema.set("default", *option.default_value);
  }
  return schema;
}

Node schema_of(const Options& options) {
  Node properties = map_node();
  Node required = list_node();
  for (const Option& option : options) {
    if (option.unbuilt) continue;
    properties.set(option.key, option_schema(option));
    for (const std::string& other : option.other_keys) {
      properties.set(other, map_node({{"description", text_node(fmt::format("The same as {}.", option.key))}}));
    }
    // Another key may stand for it.
    if (option.required && option.other_keys.empty()) required.items.push_back(text_node(option.key));
  }
  Node schema = string_node_type("object");
  schema.set("properties", std::move(properties));
  if (!required.items.empty()) schema.set("required", std::move(required));
  schema.set("additionalProperties", plain_node("false"));
  return schema;
}

std::string default_text(const Option& option) {
  if (option.required) return "required";
  if (!option.default_value || option.default_value->is_null()) return "";
  const Node& value = *option.default_value;
  if (value.is_scalar() && value.text.empty()) return "";
  if (value.is_list() && value.items.empty()) return "";
  if (value.is_map() && value.entries.empty()) return "";
  if (value.is_list()) {
    std::vector<std::string> words;
    words.reserve(value.items.size());
    for (const Node& item : value.items) words.push_back(item.text);
    return fmt::format("`[{}]`", fmt::join(words, ", "));
  }
  return value.is_scalar() ? "`" + value.text + "`" : "";
}

std::string cell(std::string text) {
  for (std::size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2) text.insert(i, 1, '\\');
  return text;
}

std::string_view effect_text(Effect effect) {
  switch (effect) {
    case Effect::kReload: return "";
    case Effect::kNewConnections: return " *New connections.*";
    case Effect::kRestart: return " *Restart.*";
  }
  return "";
}

std::string meaning(const Option& option) {
  std::string text = option.sentence;
  if (!option.unit.empty()) text += fmt::format(" In {}.", option.unit);
  if (!option.shorthand_for.empty()) text += fmt::format(" A single value is its `{}`.", option.shorthand_for);
  if (!option.other_keys.empty()) text += fmt::format(" Also written `{}`.", fmt::join(option.other_keys, "`, `"));
  if (option.secret) text += " Secret: a dump shows `***`.";
  text += effect_text(option.effect);
  return text;
}

void add_rows(std::string& out, const Options& options, const std::string& prefix, std::vector<std::string>& unbuilt) {
  for (const Option& option : options) {
    const std::string key = prefix + option.key;
    if (option.unbuilt) {
      unbuilt.push_back("`" + key + "`");
      continue;
    }
    const std::string type = option.shape == Shape::kValue ? option.type
                             : option.shape == Shape::kMap ? "map"
                                                           : "list of maps";
    out += fmt::format("| `{}` | {} | {} | {} |\n", key, cell(type), cell(default_text(option)), cell(meaning(option)));
    if (option.shape == Shape::kValue) continue;
    add_rows(out, option.children, key + (option.shape == Shape::kList ? "[]." : "."), unbuilt);
  }
}

constexpr std::string_view kIntroduction = R"(# Configuration

A configuration is taken whole or not at all: every mistake is reported at once with file, line, column and key, and
nothing starts or changes until there is none. This page is made from the option descriptions in `src/config`; a test
keeps it so.

Start with `configs/minimal.yaml`; `configs/full.yaml` shows every option. Check a file with
`smppd validate --config FILE`, see what it amounts to with `smppd config dump`.

## Files and values

- **Format** by the file's name: `.yaml`, `.yml`, `.json`, `.toml`; UTF-8. A key may stand only once. YAML anchors,
  aliases and `<<` merges work, tags do not.
- **Environment.** `${VAR}` is replaced in every value; an unset variable is an error unless there is a default,
  `${VAR:-default}`. `${file:/path}` is the content of a file without its last line end, for secrets. `$${` is a literal
  `${`. Options of the kind *template* are left alone: their `${field}` belongs to the message.
- **Durations** `250ms`, `30s`, `5m`, `1h`, `30d`, `1h30m`; a number without unit is refused, except 0. **Sizes** `512KB`,
  `100MB`, `2GB`, `4KiB`. **Integers** decimal or `0x34`. **SMPP versions** `3.3`, `3.4`, `5.0`, `0x34`, `smpp34`.
  **command_status** by name (`ESME_RTHROTTLED`, `RTHROTTLED`) or number (`0x58`). **Addresses** `:2775` (every interface),
  `host:2775`, `[::1]:2775`.
- **Lists** of one may be written as the one.
- **Nothing** (`key:` or `null`) is the same as leaving the key out.
- **Unknown keys** are errors that name the nearest known key; `--lenient` turns them into warnings. Keys of features that
  this version lacks are always errors, except when they say `enabled: false`.
- **One run only:** `--set PATH=VALUE` overrides a value, with PATH as messages print it: `runtime.shards`,
  `listeners[0].address`, `upstreams[name=carrier-a].window.size` or `upstreams.carrier-a.window.size`. VALUE is read as
  YAML.

## Patterns

| written | matches |
|---|---|
| `MYAPP` | exactly this |
| `+258*`, `8412?` | a glob: `*` is any run of characters, `?` one character |
| `^8[0-9]{8}$` | a regular expression (RE2), because it begins with `^` |
| `{prefix: "+258"}` | what begins so |
| `{regex: "[0-9]+"}`, `{glob: ...}`, `{exact: ...}` | as named, whatever the text looks like |

A list matches when one of its patterns does. Several keys of a `match` must all hold.

## Other dialects

Two more ways to write a configuration are translated before anything is read; messages then name the canonical keys.

| written | means |
|---|---|
| `clusters`, `endpoints`, `routes[].cluster`, `routes[].route.cluster` | `upstreams`, `hosts`, `routes[].upstream` |
| `load_balancer`, `lb_policy: ROUND_ROBIN` | `load_balancing` |
| `circuit_breaker: {threshold, timeout}` | `failover: {threshold, recovery_time}` |
| `health_check`, `health_checks: [one]`, `type: smpp.enquire_link` | `health` |
| `match.destination.prefix`, `match.dest_addr_prefix` | `match.destination_addr: {prefix: ...}` |
| `listeners[].protocol: smpp34` | `type: smpp`, `smpp.versions: [3.4]` |
| `listeners[].limits: {max_connections, idle_timeout, request_timeout}` | `max_connections`, `timeouts.idle`, `timeouts.response` |
| `admin` | `management` |
| `dlr_harmonization: {carriers: {NAME: ...}}` | `receipts.map` of the upstream NAME |
| `static_resources: {listeners, clusters, routes}` | the same at the top; tables of routes in the order the router filter names them |
| `listeners[].filter_chains[].filters[].name: smpp.ratelimit` | `middleware: [{type: rate_limit}]` |

## Options

In the tables, `[]` stands for each item of a list. A change is obeyed at reload; *New connections* means that what is
connected keeps the old value, *Restart* that a reload does not change it.
)";

}  // namespace

std::string reference_manual() {
  std::string out(kIntroduction);
  std::vector<std::string> unbuilt;
  for (const Option& section : root_options()) {
    if (section.unbuilt) {
      unbuilt.push_back("`" + section.key + "`");
      continue;
    }
    std::string rows;
    const std::string prefix = section.key + (section.shape == Shape::kList ? "[]." : ".");
    add_rows(rows, section.children, prefix, unbuilt);
    if (rows.empty()) continue;
    out += fmt::format("\n### {}\n\n{}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{}", section.key,
                       section.sentence, rows);
  }
  out += fmt::format("\n## Known, but not in this version\n\n{}\n", fmt::join(unbuilt, ", "));
  return out;
}

std::string json_schema() {
  Node schema = map_node({{"$schema", text_node("https://json-schema.org/draft/2020-12/schema")},
                          {"title", text_node("smppd configuration")}});
  Node whole = schema_of(root_options());
  for (Entry& entry : whole.entries) schema.entries.push_back(std::move(entry));
  Node reference = string_node_type("string");
  reference.set("pattern", text_node("\\$\\{"));
  reference.set("description", text_node("A value from the environment or a file."));
  schema.set("$defs", map_node({{"reference", std::move(reference)}}));
  return to_json(schema);
}

}  // namespace smppd::config
