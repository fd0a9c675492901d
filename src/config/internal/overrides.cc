#include "config/internal/overrides.h"

#include <charconv>

#include <fmt/format.h>

#include "config/internal/parse.h"

namespace smppd::config {
namespace {

constexpr std::size_t kMaxOverrideDepth = 16;

struct Step {
  std::string key;    // of a map, or the name of a list's item
  std::string field;  // [field=key]
  std::optional<std::size_t> index;
};

// One step off the front of the path; nothing when it is not a path.
std::optional<Step> take_step(std::string_view& path) {
  Step step;
  if (path.starts_with('[')) {
    const std::size_t end = path.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view inside = path.substr(1, end - 1);
    path.remove_prefix(end + 1);
    const std::size_t equals = inside.find('=');
    if (equals != std::string_view::npos) {
      step.field = inside.substr(0, equals);
      step.key = inside.substr(equals + 1);
      return step;
    }
    if (inside.size() >= 2 && inside.front() == '"' && inside.back() == '"') {
      step.key = inside.substr(1, inside.size() - 2);
      return step;
    }
    std::size_t index = 0;
    const auto [stop, status] = std::from_chars(inside.data(), inside.data() + inside.size(), index);
    if (inside.empty() || status != std::errc{} || stop != inside.data() + inside.size()) return std::nullopt;
    step.index = index;
    return step;
  }
  if (path.starts_with('.')) path.remove_prefix(1);
  const std::size_t end = std::min(path.find_first_of(".["), path.size());
  step.key = path.substr(0, end);
  path.remove_prefix(end);
  return step.key.empty() ? std::nullopt : std::optional(std::move(step));
}

Node* find_item(Node& list, const Step& step) {
  for (Node& item : list.items) {
    for (const char* field : {"name", "system_id", "type"}) {
      if (!step.field.empty() && step.field != field) continue;
      if (const Node* name = item.find(field); name != nullptr && name->text == step.key) return &item;
    }
  }
  return nullptr;
}

// The node one step down, made when it is a key of a map or the place after a list's last item.
Node* descend(Node& node, const Step& step) {
  if (step.index) {
    if (node.is_null()) node = list_node();
    if (!node.is_list() || *step.index > node.items.size()) return nullptr;
    if (*step.index == node.items.size()) node.items.emplace_back();
    return &node.items[*step.index];
  }
  if (node.is_list()) return find_item(node, step);
  if (!step.field.empty() || node.is_scalar()) return nullptr;
  if (Node* found = node.find(step.key)) return found;
  return &node.set(step.key, {});
}

}  // namespace

void apply_override(Node& root, std::string_view assignment, Reader& reader) {
  const auto refuse = [&](std::string why) {
    reader.error_at("--set " + std::string(assignment), Position{}, std::move(why));
  };
  // The `=` of [name=...] is not the one.
  const std::size_t bracket = assignment.find(']');
  std::size_t equals = assignment.find('=');
  while (equals != std::string_view::npos && assignment.rfind('[', equals) != std::string_view::npos &&
         assignment.find(']', assignment.rfind('[', equals)) > equals && bracket != std::string_view::npos) {
    equals = assignment.find('=', equals + 1);
  }
  if (equals == std::string_view::npos || equals == 0) return refuse("expected path=value");
  std::string_view path = assignment.substr(0, equals);
  std::vector<Diagnostic> wrong;
  std::optional<Node> value = parse(assignment.substr(equals + 1), Format::kYaml, wrong);
  if (!value || !wrong.empty()) return refuse(wrong.front().message);
  if (value->is_map() && value->entries.empty() && assignment.substr(equals + 1).empty()) value = text_node({});
  Node* node = &root;
  for (std::size_t depth = 0; !path.empty(); ++depth) {
    const std::optional<Step> step = take_step(path);
    if (!step || depth > kMaxOverrideDepth)
      return refuse("the path is not one such as runtime.shards or upstreams[0].name");
    node = descend(*node, *step);
    if (node == nullptr) return refuse(fmt::format("there is no such item to set below `{}`", step->key));
  }
  *node = std::move(*value);
}

}  // namespace smppd::config
