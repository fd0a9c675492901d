#include "tests/sim/smsc.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "smpp/flags.h"

namespace smppd::sim {

using smpp::CommandId;
using smpp::Field;

class SmscLink final : public SmppPeer, public std::enable_shared_from_this<SmscLink> {
 public:
  SmscLink(Smsc& smsc, Wire& wire) : smsc_(smsc), random_(smsc.kernel_.random) { wire_ = &wire; }

  void on_open() override {}
  void on_closed() override {
    wire_ = nullptr;
    std::erase(smsc_.bound_, this);
    for (auto& [sequence, delivery] : sent_)
      smsc_.kernel_.after(again(), [this_smsc = &smsc_, delivery] { this_smsc->deliver(delivery); });
    sent_.clear();
  }

  void deliver(const std::shared_ptr<Smsc::Delivery>& delivery);

 private:
  void on_pdu(const smpp::Header& header, ByteSpan pdu) override;
  void framing_lost() override { wire_->reset(); }
  void on_bind(const smpp::Header& header);
  void on_submit(const smpp::Header& header, ByteSpan pdu);
  void on_query(const smpp::Header& header, ByteSpan pdu);
  void on_delivered(const smpp::Header& header);
  void answer(CommandId request, std::uint32_t sequence, std::uint32_t tag, std::uint32_t status,
              const std::string& id);
  Duration again() { return std::chrono::milliseconds(random_.between(200, 900)); }

  Smsc& smsc_;
  Random& random_;
  std::map<std::uint32_t, std::shared_ptr<Smsc::Delivery>> sent_;
  std::uint32_t sequence_ = 0;
};

Smsc::Smsc(Kernel& kernel, Ledger& ledger, unsigned number, unsigned upstream, std::uint16_t port, SmscHabits how)
    : habits(how), kernel_(kernel), ledger_(ledger), number_(number), upstream_(upstream) {
  kernel.site(port, [this](const std::shared_ptr<Wire>& wire) {
    wires_.push_back(wire);
    return std::make_shared<SmscLink>(*this, *wire);
  });
}

void SmscLink::on_pdu(const smpp::Header& header, ByteSpan pdu) {
  switch (header.command_id) {
    case CommandId::bind_transmitter:
    case CommandId::bind_receiver:
    case CommandId::bind_transceiver: on_bind(header); return;
    case CommandId::enquire_link: send_bare(CommandId::enquire_link_resp, 0, header.sequence_number); return;
    case CommandId::submit_sm:
    case CommandId::data_sm: on_submit(header, pdu); return;
    case CommandId::query_sm: on_query(header, pdu); return;
    case CommandId::deliver_sm_resp: on_delivered(header); return;
    case CommandId::unbind:
      send_bare(CommandId::unbind_resp, 0, header.sequence_number);
      wire_->close();
      return;
    default: return;
  }
}

void SmscLink::on_bind(const smpp::Header& header) {
  if (random_.chance(smsc_.habits.bind_refused)) {
    send_bare(smpp::response_to(header.command_id), kSystemError, header.sequence_number);
    return;
  }
  smpp::PduBuilder response(smpp::response_to(header.command_id), smpp::Version::v34);
  response.set(Field::system_id, "smsc");
  send(response, 0, header.sequence_number);
  if (header.command_id != CommandId::bind_transmitter) smsc_.bound_.push_back(this);
}

void SmscLink::on_submit(const smpp::Header& header, ByteSpan pdu) {
  Ledger& ledger = smsc_.ledger_;
  const bool corrupt = ledger.corrupt_upstreams[smsc_.upstream_];
  smpp::PduView view;
  std::uint32_t tag = 0, serial = 0;
  const bool decoded = static_cast<bool>(view.decode(pdu));
  const ByteSpan text = view.tlv(smpp::TlvTag::message_payload).value_or(view.octets(Field::short_message));
  const std::string_view to = view.text(Field::destination_addr);
  const bool numbered = read_tag(as_text(text), 'T', tag, serial);
  if (to.size() == 8 && to[6] == '9') tag += static_cast<std::uint32_t>(to[7] - '0');  // a part of a submit_multi
  // What a corrupt client sends may have become another's text, but hardly under the other's address.
  const bool readable = decoded && numbered && tag < ledger.messages.size() &&
                        as_text(text) == ledger.messages[tag].text &&
                        (!ledger.corrupt_client || view.text(Field::source_addr) == ledger.messages[tag].from);
  if (!readable) {
    if (!corrupt && !ledger.corrupt_client) ledger.violated("an SMSC got a submit_sm that no client sent");
    return;
  }
  Kernel& kernel = smsc_.kernel_;
  wire_->tell(("got T" + std::to_string(tag)).c_str());
  const bool garbled = ledger.sessions[ledger.messages[tag].session].corrupt;  // its address may be another part's
  if (!corrupt && !garbled)
    ledger.sighted(tag,
                   {smsc_.number_, wire_->shared_from_this(), header.sequence_number, kernel.now(), wire_->written()});
  const SmscHabits& habits = smsc_.habits;
  const bool silent = random_.chance(habits.silent), late = random_.chance(habits.late);
  std::uint32_t status = 0;
  if (random_.chance(habits.refuse)) {
    constexpr std::uint32_t kStatuses[] = {kThrottled, kQueueFull, kSubmitFailed, kSystemError};
    status = kStatuses[random_.below(4)];
  }
  char id[16];
  std::snprintf(id, sizeof id, "%X%07X", smsc_.number_ + 10, ++smsc_.ids_);
  if (random_.chance(habits.unbinds)) send_bare(CommandId::unbind, 0, ++sequence_);
  if (status == 0 && view.u8(Field::registered_delivery) == 1 && !silent) {
    smsc_.receipt_for(tag, id, view);
  }
  if (silent) return;
  Duration wait(random_.between(habits.answer_min.count(), habits.answer_max.count()));
  if (late) wait += kResponseTimeout + std::chrono::milliseconds(600);
  const auto self = weak_from_this();
  const std::string given = id;
  const auto give = [this, self, request = header.command_id, sequence = header.sequence_number, tag, status, given] {
    if (const auto alive = self.lock()) answer(request, sequence, tag, status, given);
  };
  kernel.after(wait, give);
  if (random_.chance(habits.twice)) kernel.after(wait + std::chrono::milliseconds(5), give);
  if (random_.chance(habits.stray)) send_bare(CommandId::submit_sm_resp, 0, header.sequence_number + 7'000'000);
}

void SmscLink::on_query(const smpp::Header& header, ByteSpan pdu) {
  smpp::PduView view;
  const bool decoded = static_cast<bool>(view.decode(pdu));
  const std::string id(view.text(Field::message_id));
  if (!decoded || id.empty()) {
    if (!smsc_.ledger_.corrupt_upstreams[smsc_.upstream_]) smsc_.ledger_.violated("an SMSC got a query without an id");
    return;
  }
  if (random_.chance(smsc_.habits.silent)) return;
  smpp::PduBuilder response(CommandId::query_sm_resp, smpp::Version::v34);
  response.set(Field::message_id, id).set(Field::message_state, 2);
  send(response, 0, header.sequence_number);
}

void SmscLink::answer(CommandId request, std::uint32_t sequence, std::uint32_t tag, std::uint32_t status,
                      const std::string& id) {
  if (wire_ == nullptr || !wire_->alive()) return;
  Ledger& ledger = smsc_.ledger_;
  if (!ledger.corrupt_upstreams[smsc_.upstream_]) {
    for (Sight& sight : ledger.messages[tag].sights) {
      if (sight.wire.get() != wire_ || sight.sequence_number != sequence || sight.answered) continue;
      sight.answered = true;
      sight.status = status;
      sight.answered_at = smsc_.kernel_.now();
    }
  }
  smpp::PduBuilder response(smpp::response_to(request), smpp::Version::v34);
  if (status == 0) response.set(Field::message_id, id);
  send(response, status, sequence);
}

void Smsc::receipt_for(std::uint32_t tag, const std::string& id, const smpp::PduView& message) {
  if (kernel_.random.chance(habits.no_receipt)) return;
  auto delivery =
      std::make_shared<Delivery>(Delivery{false, tag, id, std::string(message.text(Field::destination_addr)),
                                          std::string(message.text(Field::source_addr))});
  waiting_.push_back(delivery);
  Duration wait = std::chrono::milliseconds(kernel_.random.between(250, 900));
  if (kernel_.random.chance(habits.early_receipt)) {
    wait = Duration::zero();
    delivery->early = true;
  }
  if (habits.late > 0) delivery->early = true;  // the answer may come after it
  if (kernel_.random.chance(habits.late_receipt)) wait += std::chrono::seconds(4);
  kernel_.after(wait, [this, delivery] { deliver(delivery); });
  if (!kernel_.random.chance(habits.repeat_receipt)) return;
  auto repeated = std::make_shared<Delivery>(*delivery);
  waiting_.push_back(repeated);
  kernel_.after(wait + std::chrono::milliseconds(kernel_.random.between(0, 1500)),
                [this, repeated] { deliver(repeated); });
}

void Smsc::send_mo(std::uint32_t number, const std::string& to) {
  auto delivery = std::make_shared<Delivery>(Delivery{true, number, "", "258800", to});
  waiting_.push_back(delivery);
  deliver(delivery);
}

void Smsc::deliver(std::shared_ptr<Delivery> delivery) {
  if (bound_.empty()) {
    kernel_.after(std::chrono::milliseconds(300), [this, delivery] { deliver(delivery); });
    return;
  }
  bound_[kernel_.random.below(bound_.size())]->deliver(delivery);
}

void SmscLink::deliver(const std::shared_ptr<Smsc::Delivery>& delivery) {
  smpp::PduBuilder pdu(CommandId::deliver_sm, smpp::Version::v34);
  if (delivery->mo) {
    const std::string text = "M" + std::to_string(delivery->number);
    pdu.set(Field::source_addr, delivery->from)
        .set(Field::destination_addr, delivery->to)
        .set(Field::short_message, text);
  } else {
    Message& message = smsc_.ledger_.messages[delivery->number];
    const std::string text =
        "id:" + delivery->id +
        " sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:T" +
        std::to_string(delivery->number) + "." + std::to_string(message.receipts.size());
    message.receipts.push_back({delivery->id, smsc_.kernel_.now(), delivery->early, message.receipts_accepted > 0});
    pdu.set(Field::source_addr, delivery->from).set(Field::destination_addr, delivery->to).set(Field::esm_class, 4);
    pdu.set(Field::short_message, text).add_tlv_text(smpp::TlvTag::receipted_message_id, delivery->id);
  }
  wire_->tell(("delivers " + std::string(delivery->mo ? "M" : "T") + std::to_string(delivery->number)).c_str());
  ++delivery->tries;
  const std::uint32_t sequence = ++sequence_;
  sent_[sequence] = delivery;
  send(pdu, 0, sequence);
}

void SmscLink::on_delivered(const smpp::Header& header) {
  const auto at = sent_.find(header.sequence_number);
  if (at == sent_.end()) {
    if (!smsc_.ledger_.corrupt_upstreams[smsc_.upstream_]) {
      smsc_.ledger_.violated("an SMSC got a deliver_sm_resp to nothing it had asked");
    }
    return;
  }
  const auto delivery = at->second;
  sent_.erase(at);
  if (header.command_status != smpp::CommandStatus::ESME_ROK) {
    smsc_.kernel_.after(again(), [smsc = &smsc_, delivery] { smsc->deliver(delivery); });
    return;
  }
  std::erase(smsc_.waiting_, delivery);
  if (delivery->mo) {
    ++smsc_.ledger_.mos[delivery->number].accepted;
  } else {
    ++smsc_.ledger_.messages[delivery->number].receipts_accepted;
  }
}

}  // namespace smppd::sim
