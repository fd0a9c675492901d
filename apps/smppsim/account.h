// A system_id as one shard knows it, and what waits for it. Shard-local; lives as long as the shard.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "smpp/values.h"

namespace smppd::sim {

class Session;

enum class DeliveryKind : std::uint8_t { receipt, report, mo };

// A deliver_sm or data_sm on its way to a client; the sequence number is patched in when it is sent.
struct Delivery {
  std::vector<std::uint8_t> pdu;
  DeliveryKind kind = DeliveryKind::mo;
};

struct Account {
  std::string system_id;
  std::vector<Session*> receivers;  // bound here and able to receive
  std::deque<Delivery> waiting;
  std::size_t next = 0;  // receiver whose turn it is
  smpp::Version version = smpp::Version::v34;
};

}  // namespace smppd::sim
