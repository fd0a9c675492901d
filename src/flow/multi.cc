// submit_multi: one submit_sm for each destination, one answer when all are answered (SMPP 3.4 §4.5). The client sees
// one message_id; receipts of all parts carry it, each with its own address.
#include "flow/internal/multi.h"

#include <string>

#include "flow/flow.h"
#include "flow/internal/depot.h"
#include "flow/internal/submission.h"

namespace smppd::flow {

namespace {

void write_single(const smpp::PduView& view, const smpp::Destination& destination, smpp::Version version,
                  smpp::PduBuilder& builder, std::vector<std::uint8_t>& out) {
  using smpp::Field;
  builder.reset(smpp::CommandId::submit_sm, version);
  for (const Field field :
       {Field::service_type, Field::source_addr, Field::schedule_delivery_time, Field::validity_period}) {
    builder.set(field, view.text(field));
  }
  for (const Field field :
       {Field::source_addr_ton, Field::source_addr_npi, Field::esm_class, Field::protocol_id, Field::priority_flag,
        Field::registered_delivery, Field::replace_if_present_flag, Field::data_coding, Field::sm_default_msg_id}) {
    builder.set(field, view.u8(field));
  }
  builder.set(Field::dest_addr_ton, destination.ton)
      .set(Field::dest_addr_npi, destination.npi)
      .set(Field::destination_addr, destination.address)
      .set(Field::short_message, view.octets(Field::short_message));
  for (const smpp::Tlv tlv : view.tlvs()) builder.add_tlv(tlv.tag, tlv.value);
  out.clear();
  // What does not fit submit_sm is found by read(), which then sees no PDU.
  if (!builder.encode(out, smpp::CommandStatus::ESME_ROK, view.sequence_number())) out.clear();
}

}  // namespace

Flow::Taken Flow::submit_multi(const Sender& sender, ByteSpan pdu, bool again) noexcept {
  smpp::PduView view;
  const smpp::DecodeResult decoded = view.decode(pdu);
  const smpp::Header header = view.header();
  const auto answer = [&](smpp::CommandStatus status) {
    sessions_->answer(sender.session, {header.sequence_number, header.command_id, status, 0, {}, {}});
    return Taken::kYes;
  };
  if (!decoded) {
    ++probe_.malformed;
    return answer(decoded.status);
  }
  if (view.destinations().empty()) return answer(smpp::CommandStatus::ESME_RINVNUMDESTS);
  if (!again) ++probe_.multi;
  auto [multi, handle] = multis_.make();
  multi->session = sender.session;
  multi->sequence_number = header.sequence_number;
  multi->id = sender.side.version == smpp::Version::v33 ? ids_.next_short() : ids_.next(wall_now());
  multi->version = sender.side.version;
  multi->open = 1;
  std::vector<std::uint8_t> single;
  smpp::PduBuilder builder;
  for (const smpp::Destination& destination : view.destinations()) {
    const auto index = static_cast<std::uint32_t>(multi->parts.size());
    multi->parts.push_back({destination.ton, destination.npi, std::string(destination.address), {}});
    ++multi->open;
    message::Flight flight;
    flight.origin = {handle, index, here()};
    if (destination.flag != smpp::DestFlag::sme_address) {
      part_done(flight, smpp::CommandStatus::ESME_RCNTSUBDL, {});
      continue;
    }
    write_single(view, destination, sender.side.version, builder, single);
    smpp::PduView one;
    const smpp::DecodeResult read_as = one.decode(single);
    Submission m(sender, one, scratch_, again);
    m.header = one.header();
    m.part_of_multi = true;
    m.multi = handle;
    m.multi_index = index;
    if (!read(m, read_as)) continue;
    m.id = multi->id;
    if (!judge(m) || !route(m)) continue;
    if ((depot_ != nullptr && belongs_to_store(m) ? depot_->keep(m) : pick_and_send(m)) == Taken::kWait) {
      if (multi->accepted == 0 && multi->open == 2 && index == 0) {
        multis_.release(handle);
        return Taken::kWait;
      }
      // Others are on their way already: this one is told to come again.
      part_done(flight, smpp::CommandStatus::ESME_RTHROTTLED, {});
    }
  }
  if (--multi->open == 0) multi_answer(handle, *multi);
  return Taken::kYes;
}

void Flow::part_done(const message::Flight& flight, smpp::CommandStatus status, std::string_view) noexcept {
  Multi* multi = multis_.get(flight.origin.session);
  if (multi == nullptr) return;
  multi->parts[flight.origin.sequence_number].status = status;
  if (status == smpp::CommandStatus::ESME_ROK) ++multi->accepted;
  if (--multi->open == 0) multi_answer(flight.origin.session, *multi);
}

void Flow::multi_answer(SlabHandle handle, Multi& multi) noexcept {
  smpp::PduBuilder builder(smpp::CommandId::submit_multi_resp, multi.version);
  smpp::CommandStatus status = smpp::CommandStatus::ESME_ROK;
  for (const Multi::Part& part : multi.parts) {
    if (part.status == smpp::CommandStatus::ESME_ROK) continue;
    builder.add_unsuccess({part.ton, part.npi, part.address, part.status});
    status = part.status;
  }
  std::vector<std::uint8_t> pdu;
  // Nobody took it: the client gets an error, not an id. 3.4 §4.5.2 shows refused destinations beside accepted ones.
  if (multi.accepted > 0) status = smpp::CommandStatus::ESME_ROK;
  if (!builder.encode(pdu, smpp::CommandStatus::ESME_ROK, multi.sequence_number)) pdu.clear();
  sessions_->answer(
      multi.session,
      {multi.sequence_number, smpp::CommandId::submit_multi, status, multi.accepted > 0 ? multi.id : 0, {}, pdu});
  multis_.release(handle);
}

}  // namespace smppd::flow
