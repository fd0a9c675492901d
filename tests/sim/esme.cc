#include "tests/sim/esme.h"

#include <map>

namespace smppd::sim {

using smpp::CommandId;
using smpp::Field;

class EsmeSession final : public SmppPeer, public std::enable_shared_from_this<EsmeSession> {
 public:
  EsmeSession(Esme& esme, std::uint64_t number) : esme_(esme), random_(esme.kernel_.random), number_(number) {
    esme.ledger_.sessions[number] = {esme.client_, false, false, esme.corrupt};
  }
  void opened_on(Wire& wire) { wire_ = &wire; }

  void on_open() override {
    smpp::PduBuilder bind(esme_.transmitter ? CommandId::bind_transmitter : CommandId::bind_transceiver,
                          smpp::Version::v34);
    bind.set(Field::system_id, "c" + std::to_string(esme_.client_)).set(Field::password, "secret");
    bind.set(Field::interface_version, esme_.habits.version);
    send(bind, 0, ++sequence_);
  }
  void on_closed() override {
    // A connection nothing was done to is closed by smppd only when every request is answered.
    if (wire_->troubled() || left_) esme_.ledger_.sessions[number_].ended = true;
    wire_ = nullptr;
    esme_.session_ended();
  }

  void pump();
  void say_unbind() {
    if (unbinding_ || !bound_) return;
    unbinding_ = true;
    send_bare(CommandId::unbind, 0, ++sequence_);
  }
  [[nodiscard]] bool bound() const { return bound_ && !unbinding_; }
  [[nodiscard]] bool idle() const { return open_.empty() && multis_.empty() && queries_.empty(); }

 private:
  void on_pdu(const smpp::Header& header, ByteSpan pdu) override;
  void framing_lost() override {
    if (!esme_.corrupt) esme_.ledger_.violated("smppd sent a client something that is not SMPP");
    wire_->reset();
  }
  std::uint32_t record(const Esme::Planned& planned, const std::string& to, const std::string& text, bool part);
  void submit(const Esme::Planned& planned);
  void submit_multi(std::size_t parts);
  void query(const std::string& id);
  void on_multi_answer(const smpp::Header& header, ByteSpan pdu);
  void on_query_answer(const smpp::Header& header, ByteSpan pdu);
  void on_answer(const smpp::Header& header, ByteSpan pdu);
  void on_deliver(const smpp::Header& header, ByteSpan pdu);

  Esme& esme_;
  Random& random_;
  std::uint64_t number_;
  std::map<std::uint32_t, std::uint32_t> open_;  // sequence number to tag
  struct Multi {
    std::uint32_t first;
    std::size_t parts;
  };
  std::map<std::uint32_t, Multi> multis_;
  std::map<std::uint32_t, std::string> queries_;  // the id asked about
  std::uint32_t sequence_ = 0;
  std::uint64_t order_ = 0;
  bool bound_ = false, unbinding_ = false, left_ = false, pumping_ = false;
};

void Esme::connect() {
  if (session_ != nullptr || finishing_) return;
  auto session = std::make_shared<EsmeSession>(*this, ledger_.sessions.size() + 1);
  wire_ = kernel_.dial(port_, session);
  if (wire_ == nullptr) {
    kernel_.after(std::chrono::milliseconds(200), [this] { connect(); });
    return;
  }
  session->opened_on(*wire_);
  session_ = session.get();
  if (corrupt) {
    wire_->corrupt(Wire::kToSmppd, 0.002);
    wire_->corrupt(Wire::kToPeer, 0.002);
  }
}

void Esme::session_ended() {
  session_ = nullptr;
  wire_.reset();
  kernel_.after(std::chrono::milliseconds(kernel_.random.between(20, 500)), [this] { connect(); });
}

void Esme::finish() {
  finishing_ = true;
  if (session_ != nullptr) session_->say_unbind();
}

bool Esme::bound() const { return session_ != nullptr && session_->bound(); }
bool Esme::idle() const { return plan_.empty() && (session_ == nullptr || session_->idle()); }

void EsmeSession::pump() {
  pumping_ = false;
  if (wire_ == nullptr || !bound()) return;
  std::uint64_t burst = 1 + random_.below(8);
  while (burst-- > 0 && !esme_.plan_.empty() && open_.size() < esme_.habits.window) {
    if (esme_.plan_.size() >= 4 && random_.chance(esme_.habits.multi)) {
      submit_multi(2 + random_.below(3));
      continue;
    }
    submit(esme_.plan_.front());
    esme_.plan_.pop_front();
  }
  if (random_.chance(esme_.habits.unbind)) {
    say_unbind();
    return;
  }
  if (random_.chance(esme_.habits.leave)) {
    left_ = true;
    wire_->close();
    return;
  }
  pumping_ = true;
  esme_.kernel_.after(Duration(random_.between(0, esme_.habits.think_max.count())) + std::chrono::milliseconds(1),
                      [weak = weak_from_this()] {
                        if (const auto self = weak.lock()) self->pump();
                      });
}

std::uint32_t EsmeSession::record(const Esme::Planned& planned, const std::string& to, const std::string& text,
                                  bool part) {
  Ledger& ledger = esme_.ledger_;
  Message message;
  message.client = esme_.client_;
  message.upstream = planned.upstream;
  message.session = number_;
  message.order = ++order_;
  message.wants_receipt = planned.wants_receipt && !part;
  message.part = part;
  message.from = esme_.address_;
  message.to = to;
  message.text = text;
  message.sent = esme_.kernel_.now();
  ledger.messages.push_back(std::move(message));
  return static_cast<std::uint32_t>(ledger.messages.size() - 1);
}

void EsmeSession::submit(const Esme::Planned& planned) {
  const bool data = random_.chance(esme_.habits.data_sm);
  smpp::PduBuilder pdu(data ? CommandId::data_sm : CommandId::submit_sm, smpp::Version::v34);
  std::string text = "T" + std::to_string(esme_.ledger_.messages.size()) + " ";
  text.append(random_.below(120), 'x');
  std::string to = std::to_string(planned.upstream + 1) + "58841";
  if (esme_.ledger_.in_order) to += std::to_string(random_.below(4));
  pdu.set(Field::source_addr, esme_.address_)
      .set(Field::destination_addr, to)
      .set(Field::registered_delivery, planned.wants_receipt ? 1 : 0);
  if (data) {
    pdu.add_tlv(smpp::TlvTag::message_payload, as_bytes(text));
  } else {
    pdu.set(Field::short_message, text);
  }
  open_[++sequence_] = record(planned, to, text, false);
  send(pdu, 0, sequence_);
}

// One text for all parts; the last digit of a destination is the part's number.
void EsmeSession::submit_multi(std::size_t parts) {
  const auto first = static_cast<std::uint32_t>(esme_.ledger_.messages.size());
  const std::string text = "T" + std::to_string(first) + " to all of you";
  smpp::PduBuilder pdu(CommandId::submit_multi, smpp::Version::v34);
  pdu.set(Field::source_addr, esme_.address_).set(Field::short_message, text);
  std::vector<std::string> addresses;
  for (std::size_t i = 0; i < parts; ++i) {
    addresses.push_back(std::to_string(esme_.plan_.front().upstream + 1) + "588419" + std::to_string(i));
    (void)record(esme_.plan_.front(), addresses.back(), text, true);
    esme_.plan_.pop_front();
  }
  for (const std::string& address : addresses) pdu.add_destination({smpp::DestFlag::sme_address, 1, 1, address});
  multis_[++sequence_] = {first, parts};
  send(pdu, 0, sequence_);
}

void EsmeSession::on_multi_answer(const smpp::Header& header, ByteSpan pdu) {
  const auto at = multis_.find(header.sequence_number);
  if (at == multis_.end()) {
    if (!esme_.corrupt) esme_.ledger_.violated("a client got a submit_multi_resp to nothing it had asked");
    return;
  }
  smpp::PduView view;
  if (!view.decode(pdu) && !esme_.corrupt)
    esme_.ledger_.violated("a client got a submit_multi_resp that cannot be read");
  const bool accepted = header.command_status == smpp::CommandStatus::ESME_ROK;
  for (std::size_t i = 0; i < at->second.parts; ++i) {
    std::uint32_t status = accepted ? 0 : kNoPartAccepted;
    for (const smpp::Unsuccess& refused : view.unsuccess()) {
      const bool this_one = refused.address.size() == 8 && refused.address.back() == static_cast<char>('0' + i);
      if (accepted && this_one) status = static_cast<std::uint32_t>(refused.error_status_code);
    }
    esme_.ledger_.answered(at->second.first + static_cast<std::uint32_t>(i), status,
                           status == 0 ? std::string(view.text(Field::message_id)) + "/" + std::to_string(i) : "");
  }
  multis_.erase(at);
}

void EsmeSession::query(const std::string& id) {
  smpp::PduBuilder pdu(CommandId::query_sm, smpp::Version::v34);
  pdu.set(Field::message_id, id).set(Field::source_addr, esme_.address_);
  queries_[++sequence_] = id;
  send(pdu, 0, sequence_);
}

void EsmeSession::on_query_answer(const smpp::Header& header, ByteSpan pdu) {
  const auto at = queries_.find(header.sequence_number);
  smpp::PduView view;
  if (at == queries_.end() || !view.decode(pdu)) {
    if (!esme_.corrupt) esme_.ledger_.violated("a client got a query_sm_resp it cannot make sense of");
    return;
  }
  const bool answered = header.command_status == smpp::CommandStatus::ESME_ROK;
  if (answered && !esme_.ledger_.corrupt() && view.text(Field::message_id) != at->second) {
    esme_.ledger_.violated("a client asked about " + at->second + " and was told of " +
                           std::string(view.text(Field::message_id)));
  }
  queries_.erase(at);
}

void EsmeSession::on_pdu(const smpp::Header& header, ByteSpan pdu) {
  switch (header.command_id) {
    case CommandId::bind_transmitter_resp:
    case CommandId::bind_transceiver_resp:
      if (header.command_status != smpp::CommandStatus::ESME_ROK) {
        left_ = true;
        wire_->close();
        return;
      }
      bound_ = true;
      pump();
      return;
    case CommandId::enquire_link: send_bare(CommandId::enquire_link_resp, 0, header.sequence_number); return;
    case CommandId::submit_sm_resp:
    case CommandId::data_sm_resp:
    case CommandId::generic_nack: on_answer(header, pdu); return;
    case CommandId::submit_multi_resp: on_multi_answer(header, pdu); return;
    case CommandId::query_sm_resp: on_query_answer(header, pdu); return;
    case CommandId::deliver_sm: on_deliver(header, pdu); return;
    case CommandId::unbind:
      unbinding_ = true;
      esme_.ledger_.sessions[number_].asked_to_leave = true;
      send_bare(CommandId::unbind_resp, 0, header.sequence_number);
      return;
    default: return;
  }
}

void EsmeSession::on_answer(const smpp::Header& header, ByteSpan pdu) {
  const auto at = open_.find(header.sequence_number);
  if (at == open_.end()) {
    if (!esme_.corrupt) {
      esme_.ledger_.violated("a client got an answer to nothing it had asked, or a second one: sequence_number " +
                             std::to_string(header.sequence_number) + " of session " + std::to_string(number_));
    }
    return;
  }
  smpp::PduView view;
  const bool good = static_cast<bool>(view.decode(pdu));
  if (!good && !esme_.corrupt) esme_.ledger_.violated("a client got an answer that cannot be read");
  esme_.ledger_.answered(at->second, static_cast<std::uint32_t>(header.command_status),
                         std::string(view.text(Field::message_id)));
  open_.erase(at);
  const std::string id(view.text(Field::message_id));
  if (header.command_status == smpp::CommandStatus::ESME_ROK && bound() && random_.chance(esme_.habits.query))
    query(id);
}

void EsmeSession::on_deliver(const smpp::Header& header, ByteSpan pdu) {
  Ledger& ledger = esme_.ledger_;
  smpp::PduView view;
  std::uint32_t number = 0, serial = 0;
  const bool good = static_cast<bool>(view.decode(pdu));
  const std::string_view text = as_text(view.octets(Field::short_message));
  const bool mo = good && view.u8(Field::esm_class) == 0;
  const bool own = good && !mo && ledger.stored && text.find("stat:") != text.find("stat:DELIVRD");
  if (!own && (!good || !read_tag(text, mo ? 'M' : 'T', number, serial))) {
    if (!ledger.corrupt()) ledger.violated("a client got a delivery without a tag");
    return;
  }
  std::string id(view.tlv_text(smpp::TlvTag::receipted_message_id).value_or(""));
  if (id.empty() && !mo && text.starts_with("id:")) id = text.substr(3, text.find(' ') - 3);
  if (!mo && !own && !esme_.corrupt) ledger.receipt_arrived(esme_.client_, number, serial, id);
  if (random_.chance(esme_.habits.silent)) return;
  const std::uint32_t status = random_.chance(esme_.habits.refuse) ? 0x65U : 0U;
  Duration wait = std::chrono::milliseconds(random_.between(0, 30));
  if (random_.chance(esme_.habits.late)) wait += kResponseTimeout + std::chrono::milliseconds(600);
  esme_.kernel_.after(
      wait, [this, weak = weak_from_this(), mo, own, id, number, serial, status, sequence = header.sequence_number] {
        const auto self = weak.lock();
        if (self == nullptr || wire_ == nullptr || !wire_->alive()) return;
        Ledger& books = esme_.ledger_;
        if (status == 0 && mo) ++books.mos[number].delivered;
        if (status == 0 && own && !esme_.corrupt) books.own_receipt_accepted(esme_.client_, id);
        if (status == 0 && !mo && !own && number < books.messages.size()) {
          ++books.messages[number].receipts_delivered;
          books.messages[number].taken.insert(serial);
        }
        smpp::PduBuilder response(CommandId::deliver_sm_resp, smpp::Version::v34);
        send(response, status, sequence);
      });
}

}  // namespace smppd::sim
