// Long messages that are stored: one item however many parts it is cut into. Its parts go one after the other, each
// known to the disk before it leaves (PartMark), so that after a crash one part at most is uncertain and none that was
// answered is sent again. And clients' own parts, which follow each other through the queue.
#include "flow/internal/depot.h"
#include "flow/internal/log.h"
#include "flow/internal/long_message.h"

namespace smppd::flow {

using smpp::CommandStatus;

// A text that takes more parts than it may is refused while there is somebody to tell.
CommandStatus Flow::Depot::fits_parts(Submission& m) noexcept {
  if (!flow.goes_in_parts(m)) return CommandStatus::ESME_ROK;
  const auto written = flow.write_out(m, *flow.snapshot_->upstream(m.road.upstreams[0]));
  return written ? CommandStatus::ESME_ROK : written.error();
}

// The upstream of the other parts comes first; where none is known, all will follow this one.
void Flow::Depot::follow_parts(Submission& m, message::UpstreamId lane) noexcept {
  upstream::PickFacts facts{{}, 0, 0, nullptr, {}, 0};
  flow.find_part(m, facts);
  if (!m.is_part || facts.pinned.valid() || !lane.valid()) return;
  flow.pin_part(m, lane, internal::kAnyHost);
  flow.find_part(m, facts);
}

message::Flight Flow::Depot::tracked_of(const message::Flight& flight) const noexcept {
  return as_tracked(flight, flow.snapshot_->config->multipart.segmentation.receipts);
}

// A part was accepted and it is not the last. Ends the transaction that makes its id durable; the next one goes as soon
// as the text is read.
void Flow::Depot::go_on(const message::Flight& flight, Entry& entry) noexcept {
  ++entry.parts.done;
  store::Progress progress;
  progress.state = depot::number_of(ItemState::kQueued, true);
  progress.mark = entry.parts.pack();
  progress.lane = entry.lane;
  progress.expires = entry.expires;
  progress.held = true;
  transaction.amend(entry.item, progress);
  commit_owed();
  store::ReadRequest request;
  request.kind = store::ReadRequest::Kind::kItem;
  request.id = entry.item;
  Ask what;
  what.kind = Ask::Kind::kNextPart;
  what.flight = flight;
  what.flight.id = entry.item;
  ask(request, std::move(what));
  if (entry.uncertain) uncertain_items.erase(entry.item);
  entries.release(flight.origin.session);
}

void Flow::Depot::next_part(const Ask& what, const store::ReadAnswer& answer) noexcept {
  if (answer.failed) {  // its lane is read again later
    (void)partition.put_back(what.flight.id, {});
    if (Outlet* outlet = outlet_by_id[what.flight.upstream.value()]) {
      for (Lane& lane : outlet->lanes) lane.ready = true;
    }
    return;
  }
  if (answer.items.empty()) return;
  const store::ItemView& item = answer.items.front();
  take_up(item, what.flight.host);
}

// Its message ends, and an SMSC has some of its parts.
void Flow::Depot::note_partial(const store::ItemView& item, const StoredMessage& stored, EndReason reason) noexcept {
  ++flow.probe_.long_partial;
  std::uint64_t suppressed = 0;
  if (!partial_log.allow(flow.shard_.loop().now(), suppressed)) return;
  const PartMark mark = depot::parts_of(item.progress);
  kLog.warn("the SMSC has only some parts of a long message",
            {{"id", message::OwnIdText(stored.own, message::IdFormat::kHex).view()},
             {"upstream", name_of_lane(item.progress.lane)},
             {"accepted", mark.done},
             {"parts", mark.total},
             {"next_part", name_of(reason)},
             {"suppressed", suppressed}});
}

}  // namespace smppd::flow
