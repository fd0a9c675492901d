#include "smppsim/message_store.h"

namespace smppd::sim {

using smpp::Field;

std::string_view user_data(const smpp::PduView& view) noexcept {
  const ByteSpan text = view.octets(Field::short_message);
  if (!text.empty()) return as_text(text);
  return as_text(view.tlv(smpp::TlvTag::message_payload).value_or(ByteSpan{}));
}

void read_message(const smpp::PduView& view, Message& into) {
  into.source = {view.u8(Field::source_addr_ton), view.u8(Field::source_addr_npi),
                 std::string(view.text(Field::source_addr))};
  into.destination = {view.u8(Field::dest_addr_ton), view.u8(Field::dest_addr_npi),
                      std::string(view.text(Field::destination_addr))};
  into.text = user_data(view);
  into.service_type = view.text(Field::service_type);
  into.registered_delivery = view.u8(Field::registered_delivery);
  into.data_coding = view.u8(Field::data_coding);
  into.esm_class = view.u8(Field::esm_class);
  into.broadcast = view.id() == smpp::CommandId::broadcast_sm;
}

Message& MessageStore::add(std::uint64_t number) {
  make_room();
  const auto [message, handle] = messages_.make(fire_, shard_);
  message->self = handle;
  message->number = number;
  by_number_[number] = handle;
  in_order_.push_back(number);
  return *message;
}

void MessageStore::make_room() {
  if (in_order_.size() < remember_) return;
  const std::uint64_t oldest = in_order_.front();
  in_order_.pop_front();
  const auto at = by_number_.find(oldest);
  if (at == by_number_.end()) return;
  if (messages_.get(at->second)->timer.armed()) {
    in_order_.push_back(oldest);  // its receipt is still to come
    return;
  }
  messages_.release(at->second);
  by_number_.erase(at);
}

Message* MessageStore::find(std::uint64_t number) {
  const auto at = by_number_.find(number);
  return at != by_number_.end() ? messages_.get(at->second) : promote(number);
}

bool MessageStore::turn_ring(std::size_t size) noexcept {
  if (size > kRingBytes || remember_ == 0) return false;
  if (ring_ == nullptr) {
    ring_ = std::make_unique<std::uint8_t[]>(kRingBytes);
    noted_.resize(kNoted);
  }
  ring_at_ = 0;
  ++ring_turns_;
  return true;
}

// A note is good while the ring has not come round to its bytes again.
Message* MessageStore::promote(std::uint64_t number) {
  for (const Noted& note : noted_) {
    if (note.number != number) continue;
    const bool kept = note.turn == ring_turns_ || (note.turn + 1 == ring_turns_ && note.at >= ring_at_);
    smpp::PduView view;
    if (!kept || !view.decode(ByteSpan(&ring_[note.at], note.size))) return nullptr;
    Message& message = add(number);
    read_message(view, message);
    message.account = note.account;
    message.submitted = message.done = std::chrono::system_clock::now();
    return &message;
  }
  return nullptr;
}

}  // namespace smppd::sim
