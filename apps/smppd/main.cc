#include <iostream>
#include <optional>

#include <CLI/CLI.hpp>

#include "commands.h"

namespace {

void add_config_options(CLI::App& app, smppd::cli::ConfigChoice& choice, bool required) {
  auto* file = app.add_option("-c,--config", choice.file, "Configuration file (.yaml, .json or .toml)");
  if (required) file->required();
  app.add_option("--set", choice.overrides, "Override one key for this run: --set runtime.shards=1")->take_all();
  app.add_flag("--lenient", choice.lenient, "Unknown keys are warnings instead of errors");
}

CLI::App* add_route_test(CLI::App& app, smppd::cli::ConfigChoice& choice, smppd::cli::RouteQuestion& question) {
  auto* route = app.add_subcommand("route", "Routing questions");
  route->require_subcommand(1);
  auto* test = route->add_subcommand("test", "Which route would a message take, and why");
  add_config_options(*test, choice, true);
  test->add_option("destination", question.destination, "destination_addr")->required();
  test->add_option("--source", question.source, "source_addr");
  test->add_option("--client", question.client, "system_id of the client");
  test->add_option("--text", question.text, "Text of the message");
  test->add_option("--service-type", question.service_type, "service_type");
  test->add_option("--at", question.at, "When, as 2026-01-31T22:15:00Z (default: now)");
  test->add_flag("--json", question.json, "Answer as JSON");
  return test;
}

// What is asked of a running smppd.
class ManagementCommands {
 public:
  ManagementCommands(CLI::App& app, smppd::cli::ConfigChoice& config)
      : config_(config),
        queue_(*add(app, "queue", "What waits in a running smppd, for whom")),
        message_(*add(app, "message", "Where a message stands, or how it ended")),
        feedback_(*add(app, "feedback", "What became of messages by upstream, host and prefix")) {
    message_.add_option("id", id_, "As the client was shown it, in any format")->required();
    add_dead_letters(app);
    add_receipts(app);
  }

  // The exit code, when it was one of these.
  [[nodiscard]] std::optional<int> run() {
    using namespace smppd::cli;
    choice_.config = config_;
    if (queue_) return show_queue(choice_, json_);
    if (message_) return show_message(choice_, id_, json_);
    if (feedback_) return show_feedback(choice_, json_);
    if (!receipt_question_.what.empty()) return receipts(choice_, receipt_question_, json_);
    if (*list_) return list_letters(choice_, chosen_, json_);
    if (*drop_) return order_letters(choice_, ids_, true, json_);
    if (!*requeue_) return std::nullopt;
    const bool matching =
        chosen_.all || !chosen_.client.empty() || !chosen_.upstream.empty() || !chosen_.reason.empty();
    if (matching == !ids_.empty()) {
      std::cerr << "smppd: say which: ids, or --upstream, --reason, --client, or --all\n";
      return kBadConfig;
    }
    return matching ? requeue_letters(choice_, chosen_, json_) : order_letters(choice_, ids_, false, json_);
  }

 private:
  CLI::App* add(CLI::App& to, const char* name, const char* sentence) {
    CLI::App* command = to.add_subcommand(name, sentence);
    add_config_options(*command, config_, false);
    command->add_option("--management", choice_.address, "management.address, when no configuration tells it");
    command->add_option("--user", choice_.username, "User name; the password is in SMPPD_MANAGEMENT_PASSWORD");
    command->add_flag("--json", json_, "Answer as JSON");
    return command;
  }

  void add_dead_letters(CLI::App& app) {
    auto& letters = *app.add_subcommand("dead-letters", "Messages that were given up");
    letters.require_subcommand(1);
    list_ = add(letters, "list", "Show them");
    requeue_ = add(letters, "requeue", "Queue them again: some by id, or all that match");
    drop_ = add(letters, "drop", "Forget them");
    for (CLI::App* command : {list_, requeue_}) {
      command->add_option("--client", chosen_.client, "Only of this client");
      command->add_option("--upstream", chosen_.upstream, "Only of this upstream");
      command->add_option("--reason", chosen_.reason, "refused, gave_up, uncertain or unroutable");
    }
    list_->add_option("--from", chosen_.from, "Go on from this id");
    list_->add_option("--limit", chosen_.limit, "So many at most (default: 100)")->check(CLI::Range(1, 1000));
    list_->add_flag("--text", chosen_.text, "With the text of the message");
    requeue_->add_option("id", ids_, "Ids as list shows them");
    requeue_->add_flag("--all", chosen_.all, "All there are");
    drop_->add_option("id", ids_, "Ids as list shows them")->required();
  }

  void add_receipts(CLI::App& app) {
    auto& receipts = *app.add_subcommand("receipts", "What a running smppd knows of receipts");
    receipts.require_subcommand(1);
    const auto one = [&](const char* name, const char* sentence) {
      CLI::App* command = add(receipts, name, sentence);
      command->callback([this, name] { receipt_question_.what = name; });
      return command;
    };
    one("formats", "How each upstream writes the ids of receipts, and how that is known");
    CLI::App* unmatched = one("unmatched", "Receipts that found no message, newest first");
    unmatched->add_option("--limit", receipt_question_.limit, "So many at most (default: 100)");
    for (CLI::App* command : {unmatched, one("replay", "Try the unmatched receipts again")}) {
      command->add_option("--upstream", receipt_question_.upstream, "Of this upstream only");
    }
  }

  smppd::cli::ConfigChoice& config_;
  CLI::App& queue_;
  CLI::App& message_;
  CLI::App& feedback_;
  CLI::App* list_ = nullptr;
  CLI::App* requeue_ = nullptr;
  CLI::App* drop_ = nullptr;
  smppd::cli::ManagementChoice choice_;
  smppd::cli::LetterChoice chosen_;
  smppd::cli::ReceiptQuestion receipt_question_;
  std::string id_;
  std::vector<std::string> ids_;
  bool json_ = false;
};

int run_daemon(const smppd::cli::ConfigChoice& choice) {
  if (choice.file.empty()) {
    std::cerr << "smppd: no configuration: start it as smppd --config FILE (configs/minimal.yaml is a beginning)\n";
    return smppd::cli::kBadConfig;
  }
  return smppd::cli::serve(choice);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace smppd::cli;
  CLI::App app{"smppd: SMS gateway, router, load balancer and proxy for SMPP 3.3, 3.4 and 5.0"};
  app.failure_message(CLI::FailureMessage::help);
  ConfigChoice choice;
  RouteQuestion question;
  std::string format = "yaml";
  add_config_options(app, choice, false);

  auto* validate_command = app.add_subcommand("validate", "Check a configuration and tell everything that is wrong");
  add_config_options(*validate_command, choice, true);

  auto* test = add_route_test(app, choice, question);
  auto* config = app.add_subcommand("config", "Configuration questions");
  config->require_subcommand(1);
  auto* dump = config->add_subcommand("dump", "The normalised configuration with every default, secrets masked");
  add_config_options(*dump, choice, true);
  dump->add_option("--format", format, "yaml or json")->check(CLI::IsMember({"yaml", "json"}));

  std::string store_directory;
  bool store_json = false;
  auto* store = app.add_subcommand("store", "Look at a durable store that no smppd is using");
  store->require_subcommand(1);
  auto* check = store->add_subcommand("check", "Read all of it and tell what is damaged");
  auto* stats = store->add_subcommand("stats", "What is in it");
  for (CLI::App* command : {check, stats}) {
    command->add_option("directory", store_directory, "Where it is (default: storage.rocksdb.path of --config)");
    add_config_options(*command, choice, false);
  }
  stats->add_flag("--json", store_json, "Answer as JSON");

  ManagementCommands management_commands(app, choice);
  auto* version = app.add_subcommand("version", "What this binary is");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadConfig;
  }
  if (*version) return print_version();
  if (*validate_command) return validate(choice);
  if (*test) return test_route(choice, question);
  if (*check) return check_store(choice, store_directory);
  if (*stats) return store_stats(choice, store_directory, store_json);
  if (*dump) return dump_config(choice, format);
  if (const auto code = management_commands.run()) return *code;
  return run_daemon(choice);
}
