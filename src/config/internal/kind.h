// Kinds of values: how one is written in a file, checked, dumped, and described in the manual and the JSON schema.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/internal/node.h"
#include "config/internal/reader.h"

namespace smppd::config {

template <class V>
struct Kind {
  std::string name;                                    // for the manual: "duration", "integer, 1 to 100"
  Node schema;                                         // JSON schema of a value
  std::function<void(Reader&, const Node&, V&)> read;  // reports what is wrong and then leaves the value alone
  std::function<Node(const V&)> write;
  bool is_template = false;
};

// The scalar's text after expansion; reports lists, maps and failed expansions.
[[nodiscard]] std::optional<std::string> scalar_text(Reader& reader, const Node& node, std::string_view wanted);

// Whole numbers, decimal or 0x hexadecimal. Instantiated for int and the unsigned types.
template <class V>
[[nodiscard]] Kind<V> integer(V min, V max);
[[nodiscard]] Kind<double> number(double min, double max);
[[nodiscard]] Kind<bool> boolean();
[[nodiscard]] Kind<Millis> duration(Millis min, Millis max);
[[nodiscard]] Kind<std::uint64_t> size(std::uint64_t min, std::uint64_t max);

// Text of at most max octets, possibly none.
[[nodiscard]] Kind<std::string> text(std::size_t max = 4096);
[[nodiscard]] Kind<std::string> name();  // what things are called: printable, without spaces or `/`, 1 to 64 octets
// `unbuilt`: words of features to come and what they are; refused by that name.
[[nodiscard]] Kind<std::string> choice(std::vector<std::string> choices,
                                       std::map<std::string, std::string> unbuilt = {});
// Not expanded from the environment: `${field}` and `${1}` belong to the message.
[[nodiscard]] Kind<std::string> template_text(std::vector<std::string> fields, bool numbered);
[[nodiscard]] Kind<std::string> regex();
[[nodiscard]] Kind<std::string> time_zone();
[[nodiscard]] Kind<std::string> hours();
[[nodiscard]] Kind<std::string> cidr();
[[nodiscard]] Kind<std::string> password_hash();
[[nodiscard]] Kind<std::string> file_path();  // relative paths become absolute, from the configuration file's folder
[[nodiscard]] Kind<Endpoint> listen_address();
[[nodiscard]] Kind<Endpoint> peer_address();
[[nodiscard]] Kind<std::uint8_t> version();
[[nodiscard]] Kind<std::string> version_name();  // "3.4"
[[nodiscard]] Kind<std::uint32_t> command_status();
[[nodiscard]] Kind<Pattern> pattern();

template <class E>
[[nodiscard]] Kind<E> enumeration(const std::vector<std::pair<std::string, E>>& values,
                                  std::map<std::string, std::string> unbuilt = {}) {
  std::vector<std::string> names;
  names.reserve(values.size());
  for (const auto& [name, value] : values) names.push_back(name);
  const Kind<std::string> word = choice(names, std::move(unbuilt));
  return {word.name, word.schema,
          [word, values](Reader& reader, const Node& node, E& out) {
            std::string text;
            word.read(reader, node, text);
            for (const auto& [name, value] : values) {
              if (name == text) out = value;
            }
          },
          [values](const E& in) {
            for (const auto& [name, value] : values) {
              if (value == in) return text_node(name);
            }
            return text_node({});
          },
          false};
}

template <class V>
[[nodiscard]] Kind<std::optional<V>> maybe(const Kind<V>& kind) {
  return {kind.name, kind.schema,
          [read = kind.read](Reader& reader, const Node& node, std::optional<V>& out) {
            V value{};
            read(reader, node, value);
            out = std::move(value);
          },
          [write = kind.write](const std::optional<V>& in) { return in ? write(*in) : Node{}; }, kind.is_template};
}

// A list, or one value alone.
template <class V>
[[nodiscard]] Kind<std::vector<V>> list_of(Kind<V> kind, std::size_t min = 0) {
  Node schema =
      map_node({{"oneOf", list_node({kind.schema, map_node({{"type", text_node("array")}, {"items", kind.schema}})})}});
  return {"list of " + kind.name, std::move(schema),
          [read = kind.read, min](Reader& reader, const Node& node, std::vector<V>& out) {
            std::vector<V> values;
            const auto add = [&](const Node& item) {
              V value{};
              read(reader, item, value);
              values.push_back(std::move(value));
            };
            if (!node.is_list()) {
              add(node);
            } else {
              for (std::size_t i = 0; i < node.items.size(); ++i) {
                const auto scope = reader.enter(i, node.items[i].at);
                add(node.items[i]);
              }
              if (values.size() < min) reader.error(node.at, "the list is empty");
            }
            out = std::move(values);
          },
          [write = kind.write](const std::vector<V>& in) {
            Node node = list_node();
            for (const V& value : in) node.items.push_back(write(value));
            return node;
          },
          kind.is_template};
}

// Keys are checked by `key` and kept as it writes them.
template <class V>
[[nodiscard]] Kind<std::map<std::string, V>> map_of(const Kind<std::string>& key, Kind<V> kind) {
  Node schema = map_node({{"type", text_node("object")}, {"additionalProperties", kind.schema}});
  return {"map of " + key.name + " to " + kind.name, std::move(schema),
          [key, kind](Reader& reader, const Node& node, std::map<std::string, V>& out) {
            if (!node.is_map()) {
              return reader.error(node.at, "expected a map, found " + std::string(name_of(node.kind)));
            }
            std::map<std::string, V> values;
            for (const Entry& entry : node.entries) {
              const auto scope = reader.enter(entry.key, entry.at);
              std::string name;
              V value{};
              key.read(reader, text_node(escape_references(entry.key), entry.at), name);
              kind.read(reader, entry.value, value);
              values.insert_or_assign(std::move(name), std::move(value));
            }
            out = std::move(values);
          },
          [kind](const std::map<std::string, V>& in) {
            Node node = map_node();
            for (const auto& [name, value] : in) node.entries.push_back({name, {}, kind.write(value)});
            return node;
          },
          kind.is_template};
}

// A further rule on texts: returns what is wrong, or nothing.
[[nodiscard]] Kind<std::string> checked(Kind<std::string> kind, std::string name,
                                        std::function<std::string(const std::string&)> check);

extern template Kind<int> integer(int, int);
extern template Kind<std::uint8_t> integer(std::uint8_t, std::uint8_t);
extern template Kind<std::uint16_t> integer(std::uint16_t, std::uint16_t);
extern template Kind<std::uint32_t> integer(std::uint32_t, std::uint32_t);
extern template Kind<std::uint64_t> integer(std::uint64_t, std::uint64_t);

}  // namespace smppd::config
