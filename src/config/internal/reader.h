// What the options need while they read the tree: where we are, what was wrong, the environment. One per load.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/internal/node.h"
#include "config/loader.h"

namespace smppd::config {

class Reader {
 public:
  Reader(const LoadOptions& options, std::string directory, std::vector<Diagnostic>& diagnostics)
      : options_(options), directory_(std::move(directory)), diagnostics_(diagnostics) {}

  // One step down the path for as long as it lives.
  class Scope {
   public:
    Scope(Reader& reader, std::string path, Position at) : reader_(reader), outer_(std::move(reader.path_)) {
      reader_.path_ = std::move(path);
      reader_.positions_.insert_or_assign(reader_.path_, at);
    }
    ~Scope() { reader_.path_ = std::move(outer_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Reader& reader_;
    std::string outer_;
  };
  [[nodiscard]] Scope enter(std::string_view key, Position at) { return {*this, join_path(path_, key), at}; }
  [[nodiscard]] Scope enter(std::size_t index, Position at) { return {*this, join_path(path_, index), at}; }

  // The struct whose options are read next begins at the current path.
  class ObjectScope {
   public:
    explicit ObjectScope(Reader& reader) : reader_(reader), outer_(std::exchange(reader.object_path_, reader.path_)) {}
    ~ObjectScope() { reader_.object_path_ = std::move(outer_); }
    ObjectScope(const ObjectScope&) = delete;
    ObjectScope& operator=(const ObjectScope&) = delete;

   private:
    Reader& reader_;
    std::string outer_;
  };
  [[nodiscard]] ObjectScope enter_object() { return ObjectScope(*this); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] bool lenient() const noexcept { return options_.lenient; }

  void error(Position at, std::string message) { error_at(path_, at, std::move(message)); }
  void error_at(std::string path, Position at, std::string message);
  // For checks that come after reading: the place of the path or of the nearest part of it that is in the file.
  void error_at(const std::string& path, std::string message);
  void warn_at(const std::string& path, std::string message);
  // A key or reference that --lenient forgives.
  void unknown(Position at, std::string path, std::string message);

  [[nodiscard]] bool has_read(const std::string& path) const { return positions_.contains(path); }
  [[nodiscard]] bool has_read_in_object(const std::string& path) const {
    return has_read(object_path_.empty() ? path : object_path_ + "." + path);
  }
  [[nodiscard]] Mark mark() const { return {position_of(path_).line, path_}; }
  [[nodiscard]] Position position_of(std::string path) const;

  // The scalar's text with ${VAR}, ${VAR:-default} and ${file:/path} replaced; nothing when that failed (reported).
  [[nodiscard]] std::optional<std::string> expand(const Node& scalar);

  // How much was reported so far.
  [[nodiscard]] std::size_t reported() const noexcept { return diagnostics_.size(); }

  // A secret that stands in the file itself was read.
  void saw_literal_secret() noexcept { literal_secret_ = true; }
  [[nodiscard]] bool has_literal_secret() const noexcept { return literal_secret_; }

 private:
  [[nodiscard]] std::optional<std::string> lookup(std::string_view reference, Position at);

  const LoadOptions& options_;
  std::string directory_;
  std::vector<Diagnostic>& diagnostics_;
  std::string path_;
  std::string object_path_;
  std::unordered_map<std::string, Position> positions_;
  bool literal_secret_ = false;
};

// A literal `${` in a text that is expanded when it is loaded again.
[[nodiscard]] std::string escape_references(std::string_view text);

// The candidate that is spelled most like the word, if any is near enough to be meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace smppd::config
