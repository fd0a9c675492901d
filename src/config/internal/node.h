// One tree for YAML, JSON and TOML: scalars as written, with the place of each. Control thread only.
//
// What a scalar means (number, duration, template) is decided by the option that reads it, so "01" stays a string.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smppd::config {

struct Position {
  int line = 0;  // 1-based; 0: not from the file
  int column = 0;
};

struct Entry;

struct Node {
  enum class Kind : std::uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  bool plain = false;  // scalar without quotes; in a tree to be written: a number, true or false
  Position at;
  std::string text;
  std::vector<Node> items;
  std::vector<Entry> entries;  // in the order of the file

  [[nodiscard]] bool is_null() const noexcept { return kind == Kind::kNull; }
  [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::kScalar; }
  [[nodiscard]] bool is_list() const noexcept { return kind == Kind::kList; }
  [[nodiscard]] bool is_map() const noexcept { return kind == Kind::kMap; }
  [[nodiscard]] const Node* find(std::string_view key) const noexcept;
  [[nodiscard]] Node* find(std::string_view key) noexcept;
  Node& set(std::string key, Node value);          // replaces or appends
  std::optional<Node> take(std::string_view key);  // removes
};

struct Entry {
  std::string key;
  Position at;
  Node value;
};

[[nodiscard]] Node text_node(std::string text, Position at = {});
[[nodiscard]] Node plain_node(std::string text, Position at = {});
[[nodiscard]] Node list_node(std::vector<Node> items = {}, Position at = {});
[[nodiscard]] Node map_node(std::vector<std::pair<std::string, Node>> entries = {}, Position at = {});

// "a map", "a list", "a value", "nothing": for messages.
[[nodiscard]] std::string_view name_of(Node::Kind kind) noexcept;

// upstreams[0] + bind -> upstreams[0].bind; keys that are not plain words are quoted.
[[nodiscard]] std::string join_path(std::string_view path, std::string_view key);
[[nodiscard]] std::string join_path(std::string_view path, std::size_t index);

}  // namespace smppd::config
