#include "config/internal/node.h"

#include <algorithm>

namespace smppd::config {
namespace {

bool is_word(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

Node* Node::find(std::string_view key) noexcept { return const_cast<Node*>(std::as_const(*this).find(key)); }

Node& Node::set(std::string key, Node value) {
  kind = Kind::kMap;
  if (Node* found = find(key)) return *found = std::move(value);
  const Position at_key = value.at;
  return entries.emplace_back(Entry{std::move(key), at_key, std::move(value)}).value;
}

std::optional<Node> Node::take(std::string_view key) {
  const auto found =
      std::find_if(entries.begin(), entries.end(), [key](const Entry& entry) { return entry.key == key; });
  if (found == entries.end()) return std::nullopt;
  Node value = std::move(found->value);
  entries.erase(found);
  return value;
}

Node text_node(std::string text, Position at) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.text = std::move(text);
  node.at = at;
  return node;
}

Node plain_node(std::string text, Position at) {
  Node node = text_node(std::move(text), at);
  node.plain = true;
  return node;
}

Node list_node(std::vector<Node> items, Position at) {
  Node node;
  node.kind = Node::Kind::kList;
  node.items = std::move(items);
  node.at = at;
  return node;
}

Node map_node(std::vector<std::pair<std::string, Node>> entries, Position at) {
  Node node;
  node.kind = Node::Kind::kMap;
  node.at = at;
  for (auto& [key, value] : entries) node.entries.push_back({std::move(key), at, std::move(value)});
  return node;
}

std::string_view name_of(Node::Kind kind) noexcept {
  switch (kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kScalar: return "a single value";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "a map";
  }
  return "nothing";
}

std::string join_path(std::string_view path, std::string_view key) {
  std::string result(path);
  if (!is_word(key)) return result + "[\"" + std::string(key) + "\"]";
  if (!result.empty()) result += '.';
  return result += key;
}

std::string join_path(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

}  // namespace smppd::config
