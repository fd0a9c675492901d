#include "smppsim/mo_generator.h"

#include <algorithm>
#include <numeric>

#include "smpp/flags.h"
#include "smpp/pdu_builder.h"

namespace smppd::sim {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;
using smpp::TlvTag;

namespace {
constexpr Duration kTick = std::chrono::milliseconds(5);
constexpr std::uint64_t kMostAtOnce = 1000;
constexpr std::size_t kPartOctets = 134;
}  // namespace

MoGenerator::MoGenerator(Shard& shard, const MoPlan& plan)
    : shard_(shard), plan_(plan), timer_(&MoGenerator::on_time, this) {}

void MoGenerator::start() noexcept { shard_.loop.timers().arm(timer_, shard_.loop.now() + kTick); }

void MoGenerator::on_time(void* self) noexcept {
  auto& generator = *static_cast<MoGenerator*>(self);
  generator.send_due();
  if (generator.plan_.count == 0 || generator.sent_ < generator.plan_.count) generator.start();
}

// The schedule begins when the first receiver is there.
void MoGenerator::send_due() noexcept {
  const Instant now = shard_.loop.now();
  const std::string somebody = shard_.directory.any_receiver();
  if (sent_ == 0 && started_ == Instant{}) {
    if (somebody.empty()) return;
    started_ = now;
  }
  const double seconds = std::chrono::duration<double>(now - started_).count();
  std::uint64_t due = static_cast<std::uint64_t>(seconds * plan_.rate) + 1;
  if (plan_.count != 0) due = std::min(due, plan_.count);
  due = std::min(due, sent_ + kMostAtOnce);
  while (sent_ < due) {
    const std::string& to = plan_.system_id.empty() ? shard_.directory.any_receiver() : plan_.system_id;
    if (to.empty()) return;
    send_message(shard_.account(to));
    ++sent_;
  }
}

// Parts repeat the text as often as needed to fill them, unless one part takes it all.
std::string MoGenerator::part_text(unsigned part) const {
  if (plan_.parts == 1) return plan_.text;
  std::string text;
  while (text.size() < kPartOctets * plan_.parts) text += plan_.text.empty() ? "x" : plan_.text;
  return text.substr(std::size_t{part} * kPartOctets, kPartOctets);
}

void MoGenerator::encode_part(smpp::Version version, unsigned part, std::string_view source,
                              std::string_view destination) {
  const bool data_sm = plan_.as_data_sm && version != smpp::Version::v33;
  auto& pdu = shard_.builder.reset(data_sm ? CommandId::data_sm : CommandId::deliver_sm, version);
  std::uint8_t esm_class = plan_.esm_class;
  std::string octets = part_text(part);
  const auto total = static_cast<std::uint8_t>(plan_.parts);
  const auto number = static_cast<std::uint8_t>(part + 1);
  const auto low = static_cast<std::uint8_t>(reference_);
  const auto high = static_cast<std::uint8_t>(reference_ >> 8);
  if (plan_.parts > 1 && plan_.form == MoForm::udh16) {
    const std::uint8_t header[] = {6, 8, 4, high, low, total, number};
    octets.insert(0, as_text(header));
  } else if (plan_.parts > 1 && plan_.form != MoForm::sar) {
    const std::uint8_t header[] = {5, 0, 3, low, total, number};
    octets.insert(0, as_text(header));
  }
  if (plan_.parts > 1 && plan_.form == MoForm::sar) {
    pdu.add_tlv_u16(TlvTag::sar_msg_ref_num, reference_)
        .add_tlv_u8(TlvTag::sar_total_segments, total)
        .add_tlv_u8(TlvTag::sar_segment_seqnum, number);
  } else if (plan_.parts > 1) {
    esm_class |= smpp::EsmClass::kUdhi;
  }
  const bool alphanumeric = std::ranges::any_of(source, [](char c) { return c < '0' || c > '9'; });
  pdu.set(Field::source_addr_ton, alphanumeric ? 5 : 1)
      .set(Field::source_addr_npi, alphanumeric ? 0 : 1)
      .set(Field::source_addr, source)
      .set(Field::dest_addr_npi, 1)
      .set(Field::destination_addr, destination)
      .set(Field::esm_class, esm_class)
      .set(Field::data_coding, plan_.data_coding);
  constexpr std::size_t kShortMessage = 254;
  if (data_sm || plan_.form == MoForm::payload || octets.size() > kShortMessage) {
    pdu.add_tlv(TlvTag::message_payload, as_bytes(octets));
  } else {
    pdu.set(Field::short_message, octets);
  }
  shard_.scratch.clear();
  if (!pdu.encode(shard_.scratch, CommandStatus::ESME_ROK, 1)) shard_.scratch.clear();
}

void MoGenerator::send_message(Account& account) {
  const std::string source = plan_.source.make(shard_.random, sent_);
  const std::string destination = plan_.destination.make(shard_.random, sent_);
  std::vector<unsigned> order(plan_.parts);
  std::iota(order.begin(), order.end(), 0U);
  if (plan_.order == MoOrder::reverse) std::ranges::reverse(order);
  if (plan_.order == MoOrder::random) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[shard_.random.below(i)]);
  }
  ++reference_;
  for (const unsigned part : order) {
    if (shard_.random.chance(plan_.missing)) continue;
    encode_part(account.version, part, source, destination);
    if (shard_.scratch.empty()) return;
    const std::vector<std::uint8_t> pdu = shard_.scratch;
    shard_.deliver(account, pdu, DeliveryKind::mo, nullptr);
    if (shard_.random.chance(plan_.duplicate)) shard_.deliver(account, pdu, DeliveryKind::mo, nullptr);
  }
}

}  // namespace smppd::sim
