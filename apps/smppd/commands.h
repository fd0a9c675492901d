// The commands of smppd. Each returns the process's exit code; docs/cli.md has them.
#pragma once

#include <string>
#include <vector>

namespace smppd::cli {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,     // could not start or was refused at run time: a port in use, a file that cannot be written, no smppd
  kBadConfig = 2,  // the configuration or the command line is wrong
  kNoMatch = 3,    // route test: no route matches; message and dead-letters: there is nothing of that id
};

struct ConfigChoice {
  std::string file;
  std::vector<std::string> overrides;
  bool lenient = false;
};

int serve(const ConfigChoice& choice);

int validate(const ConfigChoice& choice);
int dump_config(const ConfigChoice& choice, const std::string& format);

struct RouteQuestion {
  std::string destination;
  std::string source;
  std::string client;
  std::string text;
  std::string service_type;
  std::string at;  // ISO 8601 in UTC; empty: now
  bool json = false;
};
int test_route(const ConfigChoice& choice, const RouteQuestion& question);

// Both look at the store in `directory`, or without one at the store of the configuration, and change nothing; check
// ends with kFailed when something is damaged.
int check_store(const ConfigChoice& choice, const std::string& directory);
int store_stats(const ConfigChoice& choice, const std::string& directory, bool json);

// Which running smppd: the one of a configuration, or at an address.
struct ManagementChoice {
  ConfigChoice config;
  std::string address;   // HOST:PORT; empty: of the configuration, or 127.0.0.1:8081
  std::string username;  // the password is in SMPPD_MANAGEMENT_PASSWORD
};

int show_feedback(const ManagementChoice& choice, bool as_json);

struct ReceiptQuestion {
  std::string what;  // formats, unmatched or replay
  std::string upstream;
  std::string limit;
};
int receipts(const ManagementChoice& choice, const ReceiptQuestion& question, bool as_json);

struct LetterChoice {
  std::string client, upstream, reason;  // empty: any
  std::string from;
  unsigned limit = 0;  // 0: as the listener has it
  bool text = false;
  bool all = false;
};
int show_queue(const ManagementChoice& choice, bool as_json);
int list_letters(const ManagementChoice& choice, const LetterChoice& letters, bool as_json);
int requeue_letters(const ManagementChoice& choice, const LetterChoice& letters, bool as_json);
// Queue them again, or drop them.
int order_letters(const ManagementChoice& choice, const std::vector<std::string>& ids, bool drop, bool as_json);
int show_message(const ManagementChoice& choice, const std::string& id, bool as_json);

int print_version();

}  // namespace smppd::cli
