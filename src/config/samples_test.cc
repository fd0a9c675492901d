// What the repository and the requirement documents show must load, and what is derived must be current.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/internal/options.h"
#include "config/internal/parse.h"
#include "config/internal/test_support.h"

namespace smppd::config {
namespace {

using namespace smppd::config::testing;
using ::testing::HasSubstr;

const std::string kSource = SMPPD_SOURCE_DIR;

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// A directory with the files that a sample with TLS names, made anew.
const std::string& certificates() {
  static const std::string kDirectory = [] {
    std::string path = (std::filesystem::temp_directory_path() / "smppd-samples-XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    const std::string made = "cd " + path +
                             " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                             "-subj /CN=localhost -keyout smppd.key -out smppd.crt 2>log && "
                             "cp smppd.crt clients-ca.crt && cp smppd.crt carrier-ca.crt";
    EXPECT_EQ(std::system(made.c_str()), 0) << content(path + "/log");
    return path;
  }();
  return kDirectory;
}

// Every variable is set, but those for ports, which have a default.
LoadOptions any_environment() {
  LoadOptions options;
  options.environment = [](const char* name) -> const char* {
    if (std::string_view(name) == "CERTIFICATES") return certificates().c_str();
    return std::string_view(name).ends_with("_PORT") ? nullptr : "value";
  };
  return options;
}

// Outlives every test.
struct RemoveCertificates final : ::testing::Environment {
  void TearDown() override { std::filesystem::remove_all(certificates()); }
};
[[maybe_unused]] const auto* const kRemoval = ::testing::AddGlobalTestEnvironment(new RemoveCertificates);

struct Example {
  std::string name;
  std::vector<std::string> refusals;
  std::string text;
};

// `#= name` begins an example, `#! path: words` names an error it must be refused with.
std::vector<Example> examples_of(const std::string& path) {
  std::vector<Example> examples;
  std::istringstream lines(content(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#= ")) {
      examples.push_back({line.substr(3), {}, {}});
    } else if (line.starts_with("#! ")) {
      examples.back().refusals.push_back(line.substr(3));
    } else {
      examples.back().text += line + "\n";
    }
  }
  return examples;
}

void judge(const Example& example) {
  SCOPED_TRACE(example.name);
  std::string text = example.text;
  const bool has_listeners =
      text.contains("\nlisteners:") || text.starts_with("listeners:") || text.contains("static_resources:");
  if (!has_listeners) text += kListener;  // a fragment
  const Loaded result = load_yaml(text, any_environment());
  std::vector<std::string> errors;
  for (const Diagnostic& one : result.diagnostics) {
    if (one.severity == Diagnostic::Severity::kError) errors.push_back(one.path + ": " + one.message);
  }
  EXPECT_EQ(errors.size(), example.refusals.size()) << to_text(result.diagnostics);
  for (const std::string& refusal : example.refusals) EXPECT_THAT(errors, ::testing::Contains(HasSubstr(refusal)));
  EXPECT_EQ(result.config != nullptr, example.refusals.empty());
}

TEST(Documents, ExamplesLoadOrAreRefusedForWhatIsNotBuilt) {
  std::size_t count = 0;
  for (const char* document : {"design", "readme", "implementation-plan", "roadmap"}) {
    SCOPED_TRACE(document);
    for (const Example& example : examples_of(kSource + "/src/config/testdata/" + document + ".yaml")) {
      judge(example);
      ++count;
    }
  }
  EXPECT_GE(count, 40U);
}

std::vector<std::string> samples() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kSource + "/configs")) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".yaml" || extension == ".json" || extension == ".toml") paths.push_back(entry.path().string());
  }
  return paths;
}

TEST(Samples, AllLoad) {
  EXPECT_GE(samples().size(), 6U);
  for (const std::string& path : samples()) {
    const Loaded result = load_file(path, any_environment());
    EXPECT_NE(result.config, nullptr) << to_text(result.diagnostics);
  }
}

TEST(Samples, MinimalMeansTheSameInEveryFormat) {
  const ConfigPtr yaml = load_file(kSource + "/configs/minimal.yaml", any_environment()).config;
  const ConfigPtr json = load_file(kSource + "/configs/minimal.json", any_environment()).config;
  const ConfigPtr toml = load_file(kSource + "/configs/minimal.toml", any_environment()).config;
  ASSERT_TRUE(yaml && json && toml);
  EXPECT_EQ(dump(*yaml, Format::kYaml), dump(*json, Format::kYaml));
  EXPECT_EQ(dump(*yaml, Format::kYaml), dump(*toml, Format::kYaml));
}

void collect_keys(const Node& node, const std::string& path, std::set<std::string>& keys) {
  for (const Entry& entry : node.entries) {
    keys.insert(path + entry.key);
    collect_keys(entry.value, path + entry.key + ".", keys);
  }
  for (const Node& item : node.items) collect_keys(item, path, keys);
}

bool is_written(const Option& option) {
  if (option.unbuilt || !option.write) return false;
  return option.shape == Shape::kValue || std::ranges::any_of(option.children, is_written);
}

void expect_shown(const Options& options, const std::string& path, const std::set<std::string>& keys) {
  for (const Option& option : options) {
    if (!is_written(option)) continue;
    EXPECT_TRUE(keys.contains(path + option.key)) << path << option.key;
    expect_shown(option.children, path + option.key + ".", keys);
  }
}

TEST(Samples, FullShowsEveryOption) {
  std::vector<Diagnostic> diagnostics;
  const auto root = parse(content(kSource + "/configs/full.yaml"), Format::kYaml, diagnostics);
  ASSERT_TRUE(root) << to_text(diagnostics);
  std::set<std::string> keys;
  collect_keys(*root, "", keys);
  // Shown once, in the routes; the same options are there for transform rules and MO routes.
  for (const char* shown_elsewhere : {"middleware.rules.", "mo_routes."}) {
    for (const Option& option : match_options()) {
      keys.insert(std::string(shown_elsewhere) + "match." + option.key);
      for (const Option& child : option.children) {
        keys.insert(std::string(shown_elsewhere) + "match." + option.key + "." + child.key);
      }
    }
  }
  for (const char* part : {"upstream", "weight"}) keys.insert(std::string("routes.split.") + part);
  expect_shown(root_options(), "", keys);
}

// Compares a committed file with what it is made from; SMPPD_UPDATE=1 writes it instead.
void expect_current(const std::string& path, const std::string& made) {
  if (std::getenv("SMPPD_UPDATE") != nullptr) std::ofstream(path) << made;
  EXPECT_EQ(content(path), made) << path << " is not current: SMPPD_UPDATE=1 config_test makes it again";
}

TEST(Derived, ManualIsCurrent) { expect_current(kSource + "/docs/configuration.md", reference_manual()); }
TEST(Derived, SchemaIsCurrent) { expect_current(kSource + "/docs/smppd.schema.json", json_schema()); }

TEST(Derived, SchemaIsJsonThatKnowsTheOptions) {
  std::vector<Diagnostic> diagnostics;
  const auto schema = parse(json_schema(), Format::kJson, diagnostics);
  ASSERT_TRUE(schema) << to_text(diagnostics);
  const Node* upstreams = schema->find("properties")->find("upstreams");
  ASSERT_NE(upstreams, nullptr);
  EXPECT_NE(upstreams->find("items")->find("properties")->find("window"), nullptr);
  EXPECT_NE(upstreams->find("items")->find("properties")->find("tls"), nullptr);
  EXPECT_EQ(upstreams->find("items")->find("properties")->find("storage"), nullptr);
}

void expect_described(const Options& options, const std::string& path) {
  for (const Option& option : options) {
    EXPECT_GE(option.sentence.size(), 4U) << path << option.key;
    EXPECT_EQ(option.sentence.ends_with('.'), !option.unbuilt) << path << option.key << ": " << option.sentence;
    expect_described(option.children, path + option.key + ".");
  }
}

TEST(Derived, EveryOptionHasItsSentence) { expect_described(root_options(), ""); }

}  // namespace
}  // namespace smppd::config
