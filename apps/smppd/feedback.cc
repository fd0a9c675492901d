// smppd feedback: asks the running smppd what became of its messages.
#include <iostream>

#include "management_client.h"

namespace smppd::cli {

int show_feedback(const ManagementChoice& choice, bool as_json) {
  const Asked asked = ask(choice, "GET", as_json ? "/feedback/stats" : "/feedback/stats?format=text");
  if (asked.code == kOk) std::cout << asked.body;
  return asked.code;
}

}  // namespace smppd::cli
