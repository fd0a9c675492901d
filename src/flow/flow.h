// The messages of one shard on their way: owns the shard's upstreams, knows its sessions through a port, talks to the
// flows of other shards by mail. Shard-local; every member function runs on the shard's thread.
//
// The road (docs/architecture.md): road.cc is MT from the checked view to the SMSC's answer, way_back.cc and deliver.cc
// are receipts and MO, multi.cc submit_multi, operate.cc the rest. Stops have named ways to fail, and counts.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/slab.h"
#include "flow/internal/adapt.h"
#include "flow/internal/directory.h"
#include "flow/internal/mail.h"
#include "flow/internal/turn_clock.h"
#include "flow/internal/way.h"
#include "flow/ports.h"
#include "flow/probe.h"
#include "flow/reassembly.h"
#include "flow/receipts.h"
#include "flow/snapshot.h"
#include "message/own_id.h"
#include "runtime/shard.h"
#include "store/partition.h"
#include "telemetry/log.h"
#include "upstream/quality.h"
#include "upstream/upstream_set.h"

namespace smppd::flow {

class Flow final : public upstream::Events, upstream::Foresight, public runtime::MailHandler {
 public:
  // `partition` is this shard's part of the store, which outlives the flow; null without `storage`.
  Flow(runtime::Shard& shard, runtime::Resolver& resolver, const config::Receipts& receipts, unsigned node,
       store::Partition* partition = nullptr);
  ~Flow();
  void set_sessions(Sessions& sessions) noexcept { sessions_ = &sessions; }
  // Publishes a configuration to this shard. Messages on their way keep what they were given.
  void apply(std::shared_ptr<const Snapshot> snapshot, std::unique_ptr<FilterChain> chain,
             const std::vector<upstream::UpstreamSet::Entry>& upstreams, const upstream::SharedLimits& limits,
             Instant drain_until);

  enum class Taken : std::uint8_t {
    kYes,   // its answer was or will be given
    kWait,  // every window on its road is full: keep the PDU, Sessions::resume() tells when to try again
  };
  // A request of a bound session that is neither bind, unbind nor enquire_link. `again`: it was told to wait before.
  Taken submit(const Sender& sender, const smpp::Header& header, ByteSpan pdu, bool again) noexcept;

  // A session answered a deliver_sm, or will not: `status` is what the SMSC is told.
  void delivered(const Delivery& delivery, smpp::CommandStatus status) noexcept;

  void receiver_bound(const Receiver& receiver, std::string_view address_range);
  void receiver_gone(const Receiver& receiver);
  [[nodiscard]] std::size_t receivers() const noexcept { return directory_.size(); }  // sessions, of all shards
  [[nodiscard]] unsigned shard_count() const noexcept { return shard_.count(); }
  void pass_on_kick(unsigned shard, const KickOrder& order) noexcept;

  [[nodiscard]] const Snapshot& snapshot() const noexcept { return *snapshot_; }
  [[nodiscard]] const std::shared_ptr<const Snapshot>& shared_snapshot() const noexcept { return snapshot_; }
  [[nodiscard]] upstream::UpstreamSet& upstreams() noexcept { return upstreams_; }
  [[nodiscard]] const FlowProbe& probe() const noexcept { return probe_; }
  [[nodiscard]] const FilterChain& chain() const noexcept { return *chain_; }
  // smppd ends: what is stored stays. True once nothing that was begun waits for the disk.
  [[nodiscard]] bool stop_sending() noexcept;
  [[nodiscard]] std::optional<store::PartitionStats> store_stats() const;  // empty without a store
  [[nodiscard]] store::OperatorDesk* desk() const noexcept;                // null without a store
  [[nodiscard]] ReceiptDesk& receipts() noexcept { return receipts_; }
  [[nodiscard]] const upstream::Quality& quality() const noexcept { return quality_; }
  // This shard keeps the receipts of that upstream.
  [[nodiscard]] bool is_home(message::UpstreamId id) const noexcept { return home_of(id) == shard_.index(); }
  [[nodiscard]] std::uint64_t loop_turns() const noexcept { return shard_.loop().turns(); }
  [[nodiscard]] WallTime wall_now() noexcept { return clock_.now(shard_.loop()); }
  Replay replay_strays(message::UpstreamId upstream, std::uint64_t after, std::size_t most) noexcept;
  void tick() noexcept;  // periodic work, about every 100 ms

  // upstream::Events, upstream::Foresight, runtime::MailHandler
  void on_response(upstream::Group& group, const message::Flight& flight, ByteSpan pdu, Duration took,
                   bool late) noexcept override;
  void on_loss(upstream::Group& group, const message::Flight& flight, message::Loss loss) noexcept override;
  void on_request(upstream::Group& group, const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept override;
  void on_room(upstream::Group& group) noexcept override;
  void on_lane(upstream::Group& group, std::uint16_t host, const upstream::Lane& lane) noexcept override;
  void on_busy(upstream::Group& group) noexcept override;
  std::size_t foresee(upstream::Group& group, ByteSpan bytes) noexcept override;
  void on_mail(unsigned from, ByteSpan record) noexcept override;
  void on_mail_room(unsigned shard) noexcept override;
  void on_turn_end() noexcept override;

 private:
  struct Submission;    // one message on the road, on the stack
  struct Aside;         // stops that few messages make
  struct Back;          // a receipt's, as nearly all are
  struct Multi;         // a submit_multi waiting for its parts
  struct Depot;         // what is stored
  struct ReceiptStore;  // and of receipts
  struct Desk;          // what the operator sees and orders of it
  struct LongMessage;   // one that was cut into parts and is on its way
  struct LongDesk;
  struct Matching;  // what is named by its addresses

  // road.cc, in the order of the stops
  Taken submit_message(const Sender& sender, const smpp::Header& header, ByteSpan pdu, bool again) noexcept;
  [[nodiscard]] bool read(Submission& m, const smpp::DecodeResult& decoded) noexcept;
  [[nodiscard]] bool judge(Submission& m) noexcept;
  [[nodiscard]] bool route(Submission& m) noexcept;
  void decide_road(Submission& m) noexcept;
  [[nodiscard]] bool belongs_to_store(const Submission& m) const noexcept;
  [[nodiscard]] Taken pick_and_send(Submission& m) noexcept;
  [[nodiscard]] bool pass_on(const Submission& m) noexcept;
  [[nodiscard]] std::optional<Taken> try_upstream(Submission& m, message::UpstreamId id,
                                                  upstream::PickFacts& facts) noexcept;
  // The octets for this upstream, or what the client is told; valid until the next call.
  using Written = std::expected<ByteSpan, smpp::CommandStatus>;
  [[nodiscard]] Written wire_form(Submission& m, const UpstreamFacts& upstream) noexcept;
  void note(const Submission& m, message::UpstreamId upstream, const upstream::Group::Pick& pick,
            message::Flight& flight) const noexcept;
  Taken send(Submission& m, upstream::Group& group, const UpstreamFacts& upstream,
             const upstream::Group::Pick& pick) noexcept;
  void refuse(const Submission& m, smpp::CommandStatus status) noexcept;
  void answer_here(const Submission& m, smpp::CommandStatus status, std::string_view upstream_id = {}) noexcept;
  void wait_for(const Sender& sender, upstream::Group& group) noexcept;
  void finish(const message::Flight& flight, ByteSpan pdu, std::string_view upstream_id, Duration took,
              bool late) noexcept;
  void finish_lost(const message::Flight& flight, message::Loss loss) noexcept;
  void note_outcome(const message::Flight& flight, smpp::CommandStatus status, bool uncertain,
                    std::string_view upstream_id) noexcept;
  void track(const message::Flight& flight, std::string_view upstream_id) noexcept;

  // feedback.cc: what became of messages, and who is next among equals
  void follow_outcomes(const std::vector<upstream::UpstreamSet::Entry>& upstreams);
  void prefer(Submission& m, std::uint32_t draw) noexcept;
  void note_answer(const message::Flight& flight, smpp::CommandStatus status, Duration took) noexcept;
  void note_no_answer(const message::Flight& flight) noexcept;
  void note_report(const smpp::PduView& view, const UpstreamFacts& upstream, const ReceiptMap::Entry& entry,
                   smpp::MessageState state) noexcept;
  void share_outcomes() noexcept;
  void hear_outcomes(ByteSpan deltas) noexcept;

  // segment.cc: long messages
  void find_part(Submission& m, upstream::PickFacts& facts) noexcept;
  void pin_part(const Submission& m, message::UpstreamId upstream, std::uint16_t host) noexcept;
  [[nodiscard]] Written write_out(Submission& m, const UpstreamFacts& upstream) noexcept;
  [[nodiscard]] bool goes_in_parts(const Submission& m) const noexcept;
  [[nodiscard]] Written write_long(Submission& m, const UpstreamFacts& upstream) noexcept;
  [[nodiscard]] Written write_part(Submission& m, const UpstreamFacts& upstream) noexcept;
  void begin_long(const Submission& m, message::Flight& flight);
  void send_part(SlabHandle handle, LongMessage& m) noexcept;
  void stall_part(SlabHandle handle, LongMessage& m, Instant next_try) noexcept;
  void resume_parts(const upstream::Group* group) noexcept;  // null: of every upstream
  void part_answered(const message::Flight& flight, ByteSpan pdu, Duration took) noexcept;
  void part_lost(const message::Flight& flight, message::Loss loss) noexcept;
  void end_long(SlabHandle handle, LongMessage& m, ByteSpan answer, Duration took) noexcept;
  void end_long(SlabHandle handle, LongMessage& m, message::Loss loss) noexcept;
  [[nodiscard]] message::Flight release_long(SlabHandle handle, const LongMessage& m, std::size_t accepted,
                                             std::string_view reason) noexcept;
  void track_parts(const message::Flight& whole, const std::vector<std::string>& ids, bool complete) noexcept;
  enum class Gathered : std::uint8_t { kTell, kCounted, kRepeated, kLater };
  [[nodiscard]] Gathered gather_part(const ReceiptMap::Entry& entry, Report& report) noexcept;

  // multi.cc, operate.cc
  Taken submit_multi(const Sender& sender, ByteSpan pdu, bool again) noexcept;
  void part_done(const message::Flight& flight, smpp::CommandStatus status, std::string_view upstream_id) noexcept;
  void multi_answer(SlabHandle handle, Multi& multi) noexcept;
  Taken operate(const Sender& sender, const smpp::Header& header, ByteSpan pdu) noexcept;
  Taken operate_33(const Sender& sender, const smpp::Header& header, ByteSpan pdu) noexcept;
  [[nodiscard]] smpp::CommandStatus consult(const Sender& sender, message::Flight& flight,
                                            const smpp::PduView& view) noexcept;
  void operate_here(const OperateMail& asked, ByteSpan pdu) noexcept;
  void operate_at_smsc(const OperateMail& asked, ByteSpan pdu) noexcept;
  void operate_elsewhere(const OperateMail& asked, ByteSpan pdu) noexcept;
  [[nodiscard]] smpp::CommandStatus send_operation(message::Flight& flight, upstream::Group& group,
                                                   const smpp::PduBuilder& request, std::uint32_t sequence) noexcept;
  void show_last_msgs(const message::Flight& flight, ByteSpan pdu) noexcept;
  void on_last_msgs(const LastMsgsMail& mail, ByteSpan pdu) noexcept;
  void answer_last_msgs(const message::Flight& flight, ByteSpan pdu) noexcept;
  void operate_failed(const message::Flight& flight, smpp::CommandStatus status) noexcept;

  enum class Look : std::uint8_t { kFirst, kAgain };  // deliver.cc; kAgain: it was parked
  void match_report(const message::DeliveryTicket& ticket, ByteSpan pdu, Look look = Look::kFirst) noexcept;
  void match_report(const message::DeliveryTicket& ticket, const smpp::PduView& view, const UpstreamFacts& upstream,
                    Look look) noexcept;
  [[nodiscard]] bool is_of_whole(const message::DeliveryTicket& ticket, const smpp::PduView& view, Report& report,
                                 const ReceiptMap::Entry& entry) noexcept;
  void count_code(message::UpstreamId upstream, const Report& report) noexcept;
  void settle_report(ReceiptMap::Ref message, smpp::CommandStatus status) noexcept;
  Reported tell_report(const message::DeliveryTicket& ticket, const smpp::PduView& view, Report& report,
                       const ReceiptMap::Entry& entry) noexcept;
  Reported forward_report(const message::DeliveryTicket& ticket, const smpp::PduView& view, const Report& report,
                          const ReceiptMap::Entry& entry) noexcept;
  [[nodiscard]] bool keeps_deliveries() const noexcept;
  Reported store_report(const Delivery& delivery, const ReceiptMap::Entry& entry, smpp::PduBuilder* edited) noexcept;
  Reported tell_kept(const message::DeliveryTicket& ticket, ByteSpan pdu, ReceiptDesk::Patience patience) noexcept;
  void give_up_report(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept;
  void join_mo(const message::DeliveryTicket& ticket, ByteSpan pdu) noexcept;
  void route_released() noexcept;
  void route_mo(const message::DeliveryTicket& ticket, const smpp::PduView& view) noexcept;
  struct Offer;
  void route_alert(message::DeliveryTicket ticket, const smpp::PduView& view) noexcept;
  [[nodiscard]] bool store_mo(const message::MessageFacts& facts, const Offer& offered) noexcept;
  [[nodiscard]] bool offer_to_takers(const message::MessageFacts& facts, const Offer& offered) noexcept;
  [[nodiscard]] bool offer(Candidates receivers, const Offer& offered) noexcept;
  void deliver_here(const DeliverMail& mail, ByteSpan pdu) noexcept;
  void note_receiver(const ReceiverMail& mail, std::string_view address_range) noexcept;
  void call(message::ClientId client) noexcept;
  void answer_smsc(const message::DeliveryTicket& ticket, smpp::CommandStatus status) noexcept;
  void on_depot_mail(const Letter& letter) noexcept;
  void tell_lanes(unsigned shard) noexcept;
  [[nodiscard]] unsigned home_of(message::UpstreamId upstream) const noexcept {
    return shards_ == 1 ? 0 : upstream.value() % shards_;
  }
  [[nodiscard]] std::uint8_t here() const noexcept { return static_cast<std::uint8_t>(shard_.index()); }
  [[nodiscard]] std::uint32_t random() noexcept { return draws_.next(); }
  void find_ways();

  runtime::Shard& shard_;
  const unsigned shards_;
  std::unique_ptr<Depot> depot_;  // outlives the links, whose end it hears of
  std::unique_ptr<Desk> desk_;
  std::unique_ptr<Matching> matching_;
  upstream::UpstreamSet upstreams_;
  std::vector<Way> ways_;  // by UpstreamId; of the snapshot and the set
  Sessions* sessions_ = nullptr;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<FilterChain> chain_;
  Directory directory_;
  ReceiptDesk receipts_;
  upstream::Quality quality_;
  Instant outcomes_shared_{};
  config::Multipart multipart_;
  std::unique_ptr<Reassembly> reassembly_;  // null: long MO pass part by part
  message::OwnIdGenerator ids_;
  Slab<Multi> multis_;
  std::unique_ptr<LongDesk> long_;
  std::unordered_map<message::UpstreamId, std::deque<SlabHandle>> waiting_;  // sessions, by what they wait for
  smpp::PduBuilder scratch_, adapted_;
  std::vector<std::uint8_t> encoded_, spliced_;
  FlowProbe probe_;
  telemetry::LogLimit malformed_log_, uncertain_log_, unmatched_log_, unmapped_log_;
  internal::TurnClock clock_;
  internal::Draws draws_;
};

}  // namespace smppd::flow
