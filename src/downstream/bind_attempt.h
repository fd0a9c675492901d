// A bind request between its arrival and its answer. Private to downstream.
#pragma once

#include <string>

#include "downstream/session.h"

namespace smppd::downstream {

struct Session::BindAttempt {
  smpp::Header header;
  smpp::Version version{};
  std::string address_range;
  const accounts::ClientEntry* client = nullptr;             // null: anonymous
  std::shared_ptr<const accounts::ClientRegistry> registry;  // keeps `client` alive
};

}  // namespace smppd::downstream
