// One delivery that looks for a receiver. Private to flow.
#pragma once

#include "flow/flow.h"

namespace smppd::flow {

struct Flow::Offer {
  OfferKind kind;
  const Delivery& delivery;  // its PDU is written for each receiver
  const smpp::PduView& view;
  const PeerSide& from;
  smpp::PduBuilder* edited;  // null: the view as it is
  std::uint64_t tried = 0;   // shards that have no session for it
};

}  // namespace smppd::flow
