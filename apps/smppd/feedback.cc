// smppd feedback: asks the running smppd what became of its messages.
#include <iostream>

#include "manager.h"

namespace smppd::cli {

int show_feedback(const ConfigChoice& choice, bool json) {
  ManagerChoice where;
  where.config = choice;
  const auto manager = manager_of(where);
  if (!manager) {
    std::cerr << "smppd: " << manager.error() << "\n";
    return kBadConfig;
  }
  const auto answer = ask(*manager, "GET", json ? "/feedback/stats" : "/feedback/stats?format=text");
  if (!answer) {
    std::cerr << "smppd: " << answer.error() << "\n";
    return kFailed;
  }
  std::cout << *answer;
  return kOk;
}

}  // namespace smppd::cli
