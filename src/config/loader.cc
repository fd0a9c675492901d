#include "config/loader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <sys/stat.h>

#include "config/internal/check.h"
#include "config/internal/dialect.h"
#include "config/internal/options.h"
#include "config/internal/overrides.h"
#include "config/internal/parse.h"
#include "config/internal/write.h"

namespace smppd::config {
namespace {

bool is_error(const Diagnostic& diagnostic) { return diagnostic.severity == Diagnostic::Severity::kError; }

Loaded finish(std::vector<Diagnostic> diagnostics, const std::string& file, std::shared_ptr<Config> config) {
  for (Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.file.empty()) diagnostic.file = file;
  }
  std::ranges::stable_sort(diagnostics, [](const Diagnostic& a, const Diagnostic& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (std::ranges::any_of(diagnostics, is_error)) return {nullptr, std::move(diagnostics)};
  for (const Diagnostic& warning : diagnostics) {
    config->warnings.push_back(warning.path.empty() ? warning.message : warning.path + ": " + warning.message);
  }
  return {std::move(config), std::move(diagnostics)};
}

// `readable`: others than the owner and the group may read the file.
Loaded load(std::string_view text, Format format, const std::string& name, const LoadOptions& options, bool readable) {
  std::vector<Diagnostic> diagnostics;
  std::optional<Node> root = parse(text, format, diagnostics);
  if (!root) return finish(std::move(diagnostics), name, nullptr);
  const std::string folder = std::filesystem::path(name).parent_path().string();
  Reader reader(options, folder.empty() ? "." : folder, diagnostics);
  auto config = std::make_shared<Config>();
  config->file = name;
  translate_dialects(*root, reader);
  for (const std::string& assignment : options.overrides) apply_override(*root, assignment, reader);
  read_options(reader, *root, root_options(), config.get());
  name_the_nameless(*config);
  check(*config, reader);
  if (readable && reader.has_literal_secret()) {
    reader.warn_at("", "the file holds passwords and everybody may read it; chmod o-r it or use ${file:/path}");
  }
  return finish(std::move(diagnostics), name, std::move(config));
}

Loaded refuse(const std::string& file, std::string message) {
  std::vector<Diagnostic> diagnostics;
  add_error(diagnostics, {}, {}, std::move(message));
  return finish(std::move(diagnostics), file, nullptr);
}

}  // namespace

Loaded load_file(const std::string& path, const LoadOptions& options) {
  const std::string extension = std::filesystem::path(path).extension().string();
  Format format = Format::kYaml;
  if (extension == ".json") {
    format = Format::kJson;
  } else if (extension == ".toml") {
    format = Format::kToml;
  } else if (extension != ".yaml" && extension != ".yml") {
    return refuse(path, "the name must end in .yaml, .yml, .json or .toml");
  }
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    return refuse(path, fmt::format("cannot read the file: {}", std::generic_category().message(errno)));
  }
  if (S_ISDIR(status.st_mode)) return refuse(path, "is a directory, not a file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse(path, fmt::format("cannot read the file: {}", std::generic_category().message(errno)));
  std::ostringstream text;
  text << file.rdbuf();
  return load(text.view(), format, path, options, (status.st_mode & S_IROTH) != 0);
}

Loaded load_text(std::string_view text, Format format, const std::string& name, const LoadOptions& options) {
  return load(text, format, name, options, false);
}

std::string to_text(const std::vector<Diagnostic>& diagnostics) {
  std::string result;
  for (const Diagnostic& diagnostic : diagnostics) {
    result += diagnostic.file;
    if (diagnostic.line > 0) result += fmt::format(":{}:{}", diagnostic.line, diagnostic.column);
    result += is_error(diagnostic) ? ": error: " : ": warning: ";
    if (!diagnostic.path.empty()) result += diagnostic.path + ": ";
    result += diagnostic.message + "\n";
  }
  return result;
}

std::string dump(const Config& config, Format format) {
  const Node tree = write_options(root_options(), &config, Secrets::kHide);
  switch (format) {
    case Format::kYaml: return to_yaml(tree);
    case Format::kJson: return to_json(tree);
    case Format::kToml: return to_toml(tree);
  }
  return {};
}

}  // namespace smppd::config
