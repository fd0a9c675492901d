#include <istream>
#include <streambuf>
#include <unordered_map>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/node/node.h>
#include <yaml-cpp/parser.h>

#include "config/internal/parse.h"

namespace smppd::config {
namespace {

struct Refused {  // leaves the parser; caught in parse_yaml
  Position at;
  std::string message;
};

Position from(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

// yaml-cpp's events to nodes. Aliases become copies, within a budget; `<<` merges maps that the map does not override.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::vector<Diagnostic>& diagnostics) : diagnostics_(diagnostics) {}

  Node take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node;
    node.at = from(mark);
    // An empty key position is a key of no text; a value is a null.
    complete(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) throw Refused{from(mark), "the alias stands inside the value it repeats"};
    aliased_ += count(found->second);
    if (aliased_ > kMaxAliased) {
      throw Refused{from(mark), fmt::format("aliases repeat more than {} values", kMaxAliased)};
    }
    complete(Node(found->second), 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = text_node(value, from(mark));
    node.plain = tag == "?";
    if (tag != "?" && tag != "!" && tag != "tag:yaml.org,2002:str") {
      throw Refused{node.at, fmt::format("YAML tags such as {} are not used here; write the plain value", tag)};
    }
    complete(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(list_node({}, from(mark)), anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(map_node({}, from(mark)), anchor);
  }
  void OnMapEnd() override {
    Node& map = stack_.back().node;
    merge(map);
    check_duplicates(map, path(), diagnostics_);
    close();
  }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    bool merge_key = false;
    std::string key;
    Position key_at;
  };

  static std::size_t count(const Node& node) {
    std::size_t total = 1;
    for (const Node& item : node.items) total += count(item);
    for (const Entry& entry : node.entries) total += count(entry.value);
    return total;
  }

  std::string path() const {
    std::string result;
    for (std::size_t i = 0; i + 1 < stack_.size(); ++i) {
      const Open& open = stack_[i];
      result = open.node.is_list() ? join_path(result, open.node.items.size()) : join_path(result, open.key);
    }
    return result;
  }

  void open(Node node, YAML::anchor_t anchor) {
    if (stack_.size() >= kMaxDepth) {
      throw Refused{node.at, fmt::format("nested more than {} levels deep", kMaxDepth)};
    }
    if (!stack_.empty() && stack_.back().node.is_map() && !stack_.back().has_key) {
      throw Refused{node.at, "a key must be a single word, not a list or map (is a value in braces missing quotes?)"};
    }
    stack_.push_back({std::move(node), anchor, false, false, {}, {}});
  }

  void close() {
    Open done = std::move(stack_.back());
    stack_.pop_back();
    complete(std::move(done.node), done.anchor);
  }

  void complete(Node node, YAML::anchor_t anchor) {
    if (++nodes_ > kMaxNodes) throw Refused{node.at, fmt::format("more than {} values in the file", kMaxNodes)};
    if (anchor != 0) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      if (!node.is_scalar() && !node.is_null()) throw Refused{node.at, "a key must be a single word"};
      parent.merge_key = node.plain && node.text == "<<";
      parent.key = std::move(node.text);
      parent.key_at = node.at;
      parent.has_key = true;
    } else {
      parent.has_key = false;
      if (parent.merge_key) {
        merges_[stack_.size()].push_back(std::move(node));
      } else {
        parent.node.entries.push_back({parent.key, parent.key_at, std::move(node)});
      }
    }
  }

  void merge(Node& map) {
    const auto found = merges_.find(stack_.size());
    if (found == merges_.end()) return;
    const std::vector<Node> sources = std::move(found->second);
    merges_.erase(found);
    const auto take = [&map](const Node& source) {
      if (!source.is_map()) throw Refused{source.at, "`<<` merges maps; this is not one"};
      for (const Entry& entry : source.entries) {
        if (map.find(entry.key) == nullptr) map.entries.push_back(entry);
      }
    };
    for (const Node& source : sources) {
      if (!source.is_list()) {
        take(source);
        continue;
      }
      for (const Node& item : source.items) take(item);
    }
  }

  std::vector<Diagnostic>& diagnostics_;
  std::vector<Open> stack_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;
  std::unordered_map<std::size_t, std::vector<Node>> merges_;  // by depth of the map that merges
  Node root_;
  std::size_t nodes_ = 0;
  std::size_t aliased_ = 0;
};

class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* start = const_cast<char*>(text.data());  // a get area is never written through
    setg(start, start, start + text.size());
  }
};

}  // namespace

std::optional<Node> parse_yaml(std::string_view text, std::vector<Diagnostic>& diagnostics) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  Builder builder(diagnostics);
  Builder rest(diagnostics);
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    if (parser.HandleNextDocument(rest)) {
      add_error(diagnostics, rest.take_root().at, {}, "a second document (`---`); one file holds one configuration");
      return std::nullopt;
    }
  } catch (const Refused& refused) {
    add_error(diagnostics, refused.at, {}, refused.message);
    return std::nullopt;
  } catch (const YAML::Exception& exception) {
    add_error(diagnostics, from(exception.mark), {}, "not valid YAML: " + exception.msg);
    return std::nullopt;
  }
  Node root = builder.take_root();
  if (root.is_null()) return map_node();
  return root;
}

}  // namespace smppd::config
