// One description per option, bound to a member of the configuration's structs; the parser, the dump, the JSON schema
// and docs/configuration.md all walk the same descriptions. Built once, immutable, any thread.
//
// A struct's options are a list: single values, groups (a map in the file, the same struct here), children (a map and a
// struct of its own) and lists of them. Defaults are the struct's member initialisers.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/internal/kind.h"

namespace smppd::config {

// When a changed value is obeyed after a reload.
enum class Effect : std::uint8_t { kReload, kNewConnections, kRestart };

enum class Shape : std::uint8_t { kValue, kMap, kList };

// Whether a dump shows passwords or `***`.
enum class Secrets : std::uint8_t { kHide, kShow };

struct Option {
  std::string key;
  std::vector<std::string> other_keys;  // accepted too, never written
  std::string sentence;
  std::string type;
  std::string unit;
  Node schema;
  std::optional<Node> default_value;  // absent: none, or a map's are its children's
  Shape shape = Shape::kValue;
  std::vector<Option> children;  // of kMap and of kList's items
  Effect effect = Effect::kReload;
  bool required = false;
  bool secret = false;
  bool unbuilt = false;
  std::function<Node(const Node&)> shorthand;   // a scalar's meaning as a map
  std::string shorthand_for;                    // the child a scalar stands for
  std::function<Node(const Node&)> other_form;  // of a whole list
  std::function<void(const Option& self, Reader&, const Node&, void* object)> read;
  std::function<Node(const Option& self, const void* object, Secrets)> write;  // absent: never written

  Option& in(std::string what) { return unit = std::move(what), *this; }
  Option& takes_effect(Effect when) { return effect = when, *this; }
  Option& is_required() { return required = true, *this; }
  Option& is_secret() { return secret = true, *this; }
  Option& also_called(std::string other) { return other_keys.push_back(std::move(other)), *this; }
  // `key: 1000` is short for `key: {child: 1000}`; a list of such maps takes such scalars too.
  Option& scalar_is(std::string child) { return shorthand_for = std::move(child), *this; }
  // The same with more to it than one child.
  Option& scalar_means(std::function<Node(const Node&)> meaning) { return shorthand = std::move(meaning), *this; }
};

using Options = std::vector<Option>;

// Reads a map's entries into the object; reports unknown, missing and unbuilt ones.
void read_options(Reader& reader, const Node& node, const Options& options, void* object);
// The map of what is set; secrets as "***" unless they are asked for.
[[nodiscard]] Node write_options(const Options& options, const void* object, Secrets secrets);

// The items of a list of maps; a map alone is a list of one.
void read_items(const Option& self, Reader& reader, const Node& node, const std::function<void(std::size_t)>& resize,
                const std::function<void*(std::size_t)>& item);
// `enabled: false`, false and nothing are accepted: they ask for what is so.
void refuse_unbuilt(Reader& reader, const Node& node, const std::string& what);

// The word that stands for a secret in a dump.
inline constexpr std::string_view kHidden = "***";

// Access to a member of a member.
template <class T, class U, class V>
[[nodiscard]] auto within(U T::* outer, V U::* inner) {
  return [outer, inner](auto& object) -> auto& { return object.*outer.*inner; };
}

// Collects the options of struct T. An access is a member pointer or a callable from T& to the member.
template <class T>
class Describe {
 public:
  template <class Access, class V>
  Option& value(std::string key, Access access, const Kind<V>& kind, std::string sentence) {
    Option& option = add(std::move(key), std::move(sentence), Shape::kValue);
    option.type = kind.name;
    option.schema = kind.schema;
    const T defaults{};
    option.default_value = kind.write(std::invoke(access, defaults));
    option.read = [access, read = kind.read](const Option&, Reader& reader, const Node& node, void* object) {
      read(reader, node, std::invoke(access, *static_cast<T*>(object)));
    };
    option.write = [access, write = kind.write](const Option&, const void* object, Secrets) {
      return write(std::invoke(access, *static_cast<const T*>(object)));
    };
    return option;
  }

  // A second way to say what the option at `canonical` (a path in T) says; the two may not contradict each other.
  template <class Access, class V>
  Option& also(std::string key, Access access, const Kind<V>& kind, const std::string& canonical) {
    Option& option = value(std::move(key), access, kind, "The same as `" + canonical + "`.");
    option.default_value.reset();
    option.write = nullptr;
    option.read = [access, kind, canonical](const Option&, Reader& reader, const Node& node, void* object) {
      auto& member = std::invoke(access, *static_cast<T*>(object));
      auto second = member;
      kind.read(reader, node, second);
      if (reader.has_read_in_object(canonical) && !(second == member)) {
        return reader.error(node.at, "contradicts `" + canonical + "`, which says the same; keep one of them");
      }
      member = std::move(second);
    };
    return option;
  }

  // What the option at `canonical` is when that is not given.
  template <class Access, class V>
  Option& fallback(std::string key, Access access, const Kind<V>& kind, const std::string& canonical) {
    Option& option = also(std::move(key), access, kind, canonical);
    option.sentence = "`" + canonical + "` where that is not given.";
    option.read = [access, kind, canonical](const Option&, Reader& reader, const Node& node, void* object) {
      auto value = std::invoke(access, *static_cast<T*>(object));
      kind.read(reader, node, value);
      if (!reader.has_read_in_object(canonical)) std::invoke(access, *static_cast<T*>(object)) = std::move(value);
    };
    return option;
  }

  // A key that may only say what is so anyway.
  template <class V>
  Option& fixed(std::string key, const Kind<V>& kind, const V& only, std::string sentence) {
    Option& option = add(std::move(key), std::move(sentence), Shape::kValue);
    option.type = kind.name;
    option.schema = kind.schema;
    option.default_value = kind.write(only);
    option.read = [kind, only](const Option& self, Reader& reader, const Node& node, void*) {
      V value = only;
      kind.read(reader, node, value);
      if (!(value == only)) reader.error(node.at, "nothing but " + self.default_value->text + " is built yet");
    };
    return option;
  }

  // A map in the file whose options bind to T itself.
  Option& group(std::string key, Options children, std::string sentence) {
    Option& option = add(std::move(key), std::move(sentence), Shape::kMap);
    option.children = std::move(children);
    option.read = [](const Option& self, Reader& reader, const Node& node, void* object) {
      read_options(reader, node, self.children, object);
    };
    option.write = [](const Option& self, const void* object, Secrets secrets) {
      return write_options(self.children, object, secrets);
    };
    return option;
  }

  // A map in the file and a struct of its own, which may be optional.
  template <class Access>
  Option& child(std::string key, Access access, Options children, std::string sentence) {
    Option& option = add(std::move(key), std::move(sentence), Shape::kMap);
    option.children = std::move(children);
    option.read = [access](const Option& self, Reader& reader, const Node& node, void* object) {
      auto& member = std::invoke(access, *static_cast<T*>(object));
      const auto inside = reader.enter_object();
      read_options(reader, node, self.children, address(member));
    };
    option.write = [access](const Option& self, const void* object, Secrets secrets) {
      const auto& member = std::invoke(access, *static_cast<const T*>(object));
      const void* inner = address(member);
      return inner == nullptr ? Node{} : write_options(self.children, inner, secrets);
    };
    return option;
  }

  // A list of maps, each a struct of its own.
  template <class Access>
  Option& list(std::string key, Access access, Options children, std::string sentence) {
    Option& option = add(std::move(key), std::move(sentence), Shape::kList);
    option.children = std::move(children);
    option.read = [access](const Option& self, Reader& reader, const Node& node, void* object) {
      auto& members = std::invoke(access, *static_cast<T*>(object));
      read_items(
          self, reader, node, [&](std::size_t count) { members.resize(count); },
          [&](std::size_t i) -> void* {
            auto& member = members[i];
            if constexpr (requires { member.mark; }) member.mark = reader.mark();
            return &member;
          });
    };
    option.write = [access](const Option& self, const void* object, Secrets secrets) {
      Node node = list_node();
      for (const auto& member : std::invoke(access, *static_cast<const T*>(object))) {
        node.items.push_back(write_options(self.children, &member, secrets));
      }
      return node;
    };
    return option;
  }

  // A key of the documents that this build refuses: "`key`: WHAT is not built yet; remove it".
  Option& unbuilt(std::string key, std::string what) {
    Option& option = add(std::move(key), std::move(what), Shape::kValue);
    option.unbuilt = true;
    option.read = [](const Option& self, Reader& reader, const Node& node, void*) {
      refuse_unbuilt(reader, node, self.sentence);
    };
    return option;
  }

  [[nodiscard]] Options take() { return std::move(options_); }

 private:
  template <class U>
  static U* address(U& member) {
    return &member;
  }
  template <class U>
  static U* address(std::optional<U>& member) {
    return &member.emplace();
  }
  template <class U>
  static const U* address(const std::optional<U>& member) {
    return member ? &*member : nullptr;
  }

  Option& add(std::string key, std::string sentence, Shape shape) {
    Option& option = options_.emplace_back();
    option.key = std::move(key);
    option.sentence = std::move(sentence);
    option.shape = shape;
    return option;
  }

  Options options_;
};

}  // namespace smppd::config
