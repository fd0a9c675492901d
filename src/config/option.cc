#include "config/option.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace smppd::config {
namespace {

bool is_empty(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull: return true;
    case Node::Kind::kScalar: return node.text.empty();
    case Node::Kind::kList: return node.items.empty();
    case Node::Kind::kMap: return node.entries.empty();
  }
  return true;
}

bool answers_to(const Option& option, std::string_view key) {
  return option.key == key || std::ranges::find(option.other_keys, key) != option.other_keys.end();
}

void report_unknown(Reader& reader, const Entry& entry, const Options& options) {
  std::vector<std::string> keys;
  for (const Option& option : options) keys.push_back(option.key);
  std::string message = "unknown key";
  if (const auto meant = nearest(entry.key, keys)) {
    message += fmt::format("; did you mean `{}`?", *meant);
  } else {
    std::erase_if(keys, [&](const std::string& key) {
      return std::ranges::any_of(options, [&](const Option& option) { return option.key == key && option.unbuilt; });
    });
    message += fmt::format("; known here: {}", fmt::join(keys, ", "));
  }
  reader.unknown(entry.at, join_path(reader.path(), entry.key), std::move(message));
}

// The scalar as the map it is short for, kept in `storage`, if this option has such a form.
const Node* expand_shorthand(const Option& option, const Node& node, Node& storage) {
  if (!node.is_scalar() || (!option.shorthand && option.shorthand_for.empty())) return &node;
  storage = option.shorthand ? option.shorthand(node) : map_node({{option.shorthand_for, node}}, node.at);
  return &storage;
}

void read_option(Reader& reader, const Option& option, const Entry& entry, void* object) {
  const auto scope = reader.enter(option.key, entry.at);
  if (option.unbuilt) return option.read(option, reader, entry.value, object);
  if (entry.value.is_null()) return;
  if (option.secret && entry.value.is_scalar()) {
    if (entry.value.text == kHidden) {
      return reader.error(
          entry.value.at,
          "`***` stands for a secret that a dump left out; put the value, ${VAR} or ${file:/path} here");
    }
    if (!entry.value.text.empty() && !entry.value.text.contains("${")) reader.saw_literal_secret();
  }
  if (option.other_form) return option.read(option, reader, option.other_form(entry.value), object);
  Node storage;
  if (option.shape == Shape::kMap) {
    return option.read(option, reader, *expand_shorthand(option, entry.value, storage), object);
  }
  option.read(option, reader, entry.value, object);
}

}  // namespace

void read_options(Reader& reader, const Node& node, const Options& options, void* object) {
  if (node.is_null()) return;
  if (!node.is_map()) {
    return reader.error(node.at, fmt::format("expected a map of options, found {}", name_of(node.kind)));
  }
  for (const Option& option : options) {
    const Entry* found = nullptr;
    for (const Entry& entry : node.entries) {
      if (!answers_to(option, entry.key)) continue;
      if (found != nullptr && entry.key != found->key) {
        reader.error_at(join_path(reader.path(), entry.key), entry.at,
                        fmt::format("says the same as `{}`; keep one of them", found->key));
        continue;
      }
      found = &entry;
      read_option(reader, option, entry, object);
    }
    if (option.required && (found == nullptr || found->value.is_null())) {
      reader.error_at(join_path(reader.path(), option.key), node.at, "is required: " + option.sentence);
    }
  }
  for (const Entry& entry : node.entries) {
    const bool known =
        std::ranges::any_of(options, [&](const Option& option) { return answers_to(option, entry.key); });
    if (!known) report_unknown(reader, entry, options);
  }
}

void read_items(const Option& self, Reader& reader, const Node& node, const std::function<void(std::size_t)>& resize,
                const std::function<void*(std::size_t)>& item) {
  if (!node.is_list() && !node.is_map() && self.shorthand_for.empty()) {
    return reader.error(node.at, fmt::format("expected a list, found {}", name_of(node.kind)));
  }
  const auto read_one = [&](const Node& one, std::size_t i) {
    const auto scope = reader.enter(i, one.at);
    const auto inside = reader.enter_object();
    Node storage;
    const Node& whole = *expand_shorthand(self, one, storage);
    if (whole.is_null()) return reader.error(one.at, "an empty item");
    read_options(reader, whole, self.children, item(i));
  };
  if (!node.is_list()) {
    resize(1);
    return read_one(node, 0);
  }
  resize(node.items.size());
  for (std::size_t i = 0; i < node.items.size(); ++i) read_one(node.items[i], i);
}

Node write_options(const Options& options, const void* object, Secrets secrets) {
  Node map = map_node();
  for (const Option& option : options) {
    if (!option.write) continue;
    Node node = option.write(option, object, secrets);
    // What is empty by default need not be said; an optional text that is set to nothing must.
    const bool empty_by_default =
        !option.default_value || (!option.default_value->is_null() && is_empty(*option.default_value));
    if (node.is_null() || (is_empty(node) && empty_by_default)) continue;
    if (option.secret && secrets == Secrets::kHide && !node.text.empty()) node = text_node(std::string(kHidden));
    map.entries.push_back({option.key, {}, std::move(node)});
  }
  return map;
}

void refuse_unbuilt(Reader& reader, const Node& node, const std::string& what) {
  const auto is_off = [](const Node& value) {
    return value.is_scalar() && (value.text == "false" || value.text == "no");
  };
  if (node.is_null() || is_off(node)) return;
  if (const Node* enabled = node.find("enabled"); enabled != nullptr && is_off(*enabled)) return;
  reader.error(node.at, what + " is not built yet; remove it");
}

}  // namespace smppd::config
