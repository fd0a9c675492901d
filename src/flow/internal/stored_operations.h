// query_sm, cancel_sm and replace_sm about messages that wait in the store, and query_sm about those that have ended
// (3.4 §4.8-4.10). One per depot; shard-local, private to flow.
//
// An id that the store does not know is asked of the SMSCs' ids (Flow::operate_at_smsc()); one that neither knows may
// be that of a message which has ended. The id of a submit_multi stands for all its messages that wait: cancel_sm with
// a destination_addr means that one.
#pragma once

#include <memory>
#include <vector>

#include "flow/internal/depot.h"

namespace smppd::flow {

struct Flow::Depot::Operations {
  explicit Operations(Flow& its_flow) noexcept : flow(its_flow) {}

  void operate(const OperateMail& asked, ByteSpan pdu);
  void query_outcome(const message::Flight& flight, ByteSpan pdu);
  void answer(const message::Flight& flight, ByteSpan response) noexcept;

 private:
  // A request on this shard, and the items that its id stands for here.
  struct Job {
    OperateMail asked;
    std::vector<std::uint8_t> pdu;
    std::vector<store::ItemId> items;
    std::size_t next = 0;
  };
  using JobPtr = std::shared_ptr<Job>;

  void go_on(const JobPtr& job);
  void look_at(const JobPtr& job, const store::ItemView& item);
  void change(const JobPtr& job, const store::ItemView& item);
  void cancel(const JobPtr& job, const store::ItemView& item, const StoredMessage& stored);
  void replace(const JobPtr& job, const smpp::PduView& request, const store::ItemView& item,
               const StoredMessage& stored);
  void changed_when_durable(const JobPtr& job);
  void cannot(const JobPtr& job, smpp::CommandStatus why);
  void end(const JobPtr& job);
  void show_outcome(const message::Flight& flight, ByteSpan pdu, const store::ReadAnswer& answer);
  void show_state(const message::Flight& flight, const smpp::PduView& request, smpp::MessageState state,
                  std::string_view final_date) noexcept;
  [[nodiscard]] std::string_view name_of(message::ClientId client) const noexcept;

  Flow& flow;
};

}  // namespace smppd::flow
