// Receipts that found no message are tried again: on their upstream's home shard, after the format was put right.
#include "flow/flow.h"
#include "flow/internal/depot.h"

namespace smppd::flow {

Replay Flow::replay_strays(message::UpstreamId upstream, std::uint64_t after, std::size_t most) noexcept {
  Replay done;
  done.next = after;
  std::vector<std::pair<std::uint64_t, Stray>> tried;
  receipts_.strays().visit(upstream, after, [&](std::uint64_t number, const Stray& stray) {
    if (tried.size() == most) return false;
    tried.emplace_back(number, stray);
    return true;
  });
  const auto try_again = [this](const Stray& stray) {
    if (stray.pdu.size() < smpp::kHeaderSize) return Reported::kUnmatched;
    message::DeliveryTicket ticket;
    ticket.upstream = stray.upstream;
    ticket.shard = here();
    ticket.answered = true;
    ticket.command_id = smpp::read_header(stray.pdu.data()).command_id;
    ticket.on_record = stray.record != 0;
    ticket.link = Depot::handle_of(stray.record);
    const Reported told = tell_kept(ticket, stray.pdu, ReceiptDesk::Patience::kAtLast);
    if (told == Reported::kUnmatched && depot_ != nullptr) depot_->receipts.look_again(stray);  // for the next try
    return told;
  };
  for (const auto& [number, stray] : tried) {
    done.next = number;
    ++done.tried;
    switch (try_again(stray)) {
      case Reported::kUnmatched: break;
      case Reported::kNoTaker: ++done.away; break;
      case Reported::kDone:
        ++done.matched;
        receipts_.strays().matched(number);
        break;
    }
  }
  done.finished = tried.size() < most;
  return done;
}

}  // namespace smppd::flow
