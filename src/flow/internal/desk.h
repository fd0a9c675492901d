// The operator's side of store-and-forward on one shard: what waits, dead letters, where a message stands. Private to
// flow; null in a flow without a store. Off the message path: it allocates as it likes, and what it reads from disk the
// store reads on threads of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "flow/internal/depot.h"
#include "store/operator_desk.h"

namespace smppd::flow {

struct Flow::Desk final : public store::OperatorDesk {
  using Then = std::function<void(const store::ReadAnswer&)>;
  struct Listing;
  struct Wanted {
    message::OwnId id;
    store::OnEnded done;
    unsigned looks_left;
  };

  explicit Desk(Flow& its_flow) noexcept : flow(its_flow), depot(*its_flow.depot_) {}

  ~Desk() = default;

  // store::OperatorDesk
  [[nodiscard]] store::StoreView look() const override;
  void dead_letters(const store::DeadLetterQuery& query, store::OnDeadLetters done) override;
  void order(store::Order order, message::OwnId letter, store::OnOrder done) override;
  void find_standing(message::OwnId item, store::OnStanding done) override;
  void find_ended(message::OwnId id, store::OnEnded done) override;

  void tick();  // with the depot's
  // A transaction of the desk's is on the disk.
  void durable(std::uint64_t step);

  void read(const store::ReadRequest& request, Then then);
  void read_record(store::Table table, message::OwnId id, Then then);
  // The depot's transaction that is being written; false: the store refused it.
  [[nodiscard]] bool commit(store::Intake intake, std::function<void()> then);
  // For a transaction that is owed: `then` is called when the step is reached.
  [[nodiscard]] depot::DeskStep expect(std::function<void()> then) {
    waiting.emplace(++steps, std::move(then));
    return {steps};
  }
  void show_standing(store::ItemId id, const store::OnStanding& done);
  void look_for(const Wanted& one);
  void list(const std::shared_ptr<Listing>& listing);
  void take_page(Listing& listing, const store::ReadAnswer& answer);
  [[nodiscard]] store::DeadLetter show(const store::RecordView& record, const Outcome& outcome, bool with_text) const;
  [[nodiscard]] store::EndedMessage show(message::OwnId id, const store::RecordView& record,
                                         const Outcome& outcome) const;
  // kDone: `then` will be called.
  [[nodiscard]] store::OrderResult queue_again(message::OwnId letter, ByteSpan record, std::function<void()> then);
  void put_requeued(const Outcome& outcome, message::OwnId own, message::OwnId item);
  [[nodiscard]] std::string shown_id(message::OwnId own, std::string_view client) const;

  Flow& flow;
  Depot& depot;
  std::uint64_t steps = 0;
  std::unordered_map<std::uint64_t, std::function<void()>> waiting;  // for the disk, by depot::DeskStep::number
  std::vector<Wanted> wanted;                                        // to be looked for again
  // Being carried out, or carried out while the record may still be found: until then.
  std::unordered_map<message::OwnId, Instant> letters;
};

}  // namespace smppd::flow
