#include "upstream/mock_link.h"

#include <algorithm>
#include <queue>
#include <string>
#include <vector>

#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"
#include "smpp/text/receipt.h"
#include "upstream/group.h"
#include "upstream/internal/mock_engine.h"

namespace smppd::upstream {

namespace {

using smpp::Field;

constexpr std::size_t kMaxPending = 1'000'000;

// Both addresses of a message, for the receipt that names them the other way round.
struct Addresses {
  std::string source, destination;
  std::uint8_t source_ton = 0, source_npi = 0, destination_ton = 0, destination_npi = 0;
};

struct DueReceipt {
  std::string message_id;
  smpp::MessageState state{};
  std::string error;
  Addresses addresses;
};

}  // namespace

struct MockLink::State {
  State(Group& g, MockEngine&& e) : group(g), engine(std::move(e)), timer(&State::on_timer, this) {}

  struct Item {
    Instant due;
    std::uint64_t order;
    bool is_receipt;
    message::Flight flight;
    smpp::CommandStatus status;
    std::string message_id;
    DueReceipt receipt;
  };
  struct Later {
    bool operator()(const Item& a, const Item& b) const noexcept {
      return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
  };

  static void on_timer(void* self) noexcept { static_cast<State*>(self)->run(); }
  void run() noexcept {
    const Instant now = group.loop().now();
    while (!items.empty() && items.top().due <= now) {
      const Item item = items.top();
      items.pop();
      if (item.is_receipt) {
        send_receipt(item.receipt);
      } else {
        respond(item.flight, item.status, item.message_id, now);
      }
    }
    if (!items.empty()) group.loop().timers().arm(timer, items.top().due);
    group.notify_room_if_wanted();
  }

  void respond(const message::Flight& flight, smpp::CommandStatus status, std::string_view id, Instant now) noexcept {
    std::uint8_t pdu[smpp::kHeaderSize + 256];
    const auto command = smpp::response_to(flight.command_id);
    const std::size_t size = status == smpp::CommandStatus::ESME_ROK
                                 ? smpp::write_response_with_id(pdu, command, status, 1, id.substr(0, 255))
                                 : smpp::write_bare(pdu, command, status, 1);
    group.probe().latency.record(static_cast<std::uint64_t>((now - flight.arrived).count()));
    group.events().on_response(group, flight, ByteSpan(pdu, size), now - flight.arrived, false);
  }

  void send_receipt(const DueReceipt& receipt) noexcept {
    char text[smpp::kMaxReceipt];
    smpp::ReceiptFields fields;
    fields.id = receipt.message_id;
    fields.state = receipt.state;
    fields.delivered = receipt.state == smpp::MessageState::delivered ? 1 : 0;
    fields.err = receipt.error;
    fields.submit_date = fields.done_date = group.loop().wall_now();
    const std::size_t size = smpp::write_receipt(fields, text);
    const auto state = static_cast<std::uint8_t>(receipt.state);
    smpp::PduBuilder builder(smpp::CommandId::deliver_sm, smpp::Version::v34);
    const Addresses& a = receipt.addresses;
    builder.set(Field::source_addr, a.destination)
        .set(Field::source_addr_ton, a.destination_ton)
        .set(Field::source_addr_npi, a.destination_npi)
        .set(Field::destination_addr, a.source)
        .set(Field::dest_addr_ton, a.source_ton)
        .set(Field::dest_addr_npi, a.source_npi)
        .set(Field::esm_class, 0x04)
        .set(Field::short_message, std::string_view(text, size))
        .add_tlv_text(smpp::TlvTag::receipted_message_id, receipt.message_id)
        .add_tlv(smpp::TlvTag::message_state, ByteSpan(&state, 1));
    std::vector<std::uint8_t> pdu;
    if (!builder.encode(pdu, smpp::CommandStatus::ESME_ROK, 1)) return;
    // There is no SMSC to answer.
    const message::DeliveryTicket ticket{{}, 1, group.id(), group.shard(), true, smpp::CommandId::deliver_sm};
    group.events().on_request(group, ticket, pdu);
  }

  void later(Item&& item) {
    item.order = order++;
    items.push(std::move(item));
    group.loop().timers().arm(timer, items.top().due);
  }

  Group& group;
  MockEngine engine;
  runtime::Timer timer;
  std::priority_queue<Item, std::vector<Item>, Later> items;
  std::uint64_t order = 0;
};

MockLink::MockLink(Group& group, const config::Upstream& options, const Place& place) {
  auto engine = MockEngine::compile(*options.mock, {place.seed, place.shard, place.shard_count});
  // Validation has accepted these options; an engine of defaults stands in should the two ever disagree.
  if (!engine) engine = MockEngine::compile(config::Mock{}, {place.seed, place.shard, place.shard_count});
  state_ = std::make_unique<State>(group, std::move(*engine));
}

MockLink::~MockLink() = default;

std::size_t MockLink::free_slots() const noexcept {
  return state_->items.size() < kMaxPending ? kMaxPending - state_->items.size() : 0;
}

void MockLink::submit(const message::Flight& flight, ByteSpan pdu, Instant now) noexcept {
  smpp::PduView view;
  message::MessageFacts facts;
  Addresses addresses;
  if (view.decode(pdu)) {
    facts.source_addr = view.text(Field::source_addr);
    facts.destination_addr = view.text(Field::destination_addr);
    facts.registered_delivery = view.u8(Field::registered_delivery);
    facts.client = flight.client;
  }
  const MockEngine::Decision decision = state_->engine.decide(facts, flight.id);
  const std::string_view id = decision.message_id.view();
  if (!decision.receipts().empty()) {
    addresses = {std::string(facts.source_addr),  std::string(facts.destination_addr), view.u8(Field::source_addr_ton),
                 view.u8(Field::source_addr_npi), view.u8(Field::dest_addr_ton),       view.u8(Field::dest_addr_npi)};
  }
  for (const MockEngine::Receipt& receipt : decision.receipts()) {
    const DueReceipt due{std::string(id), receipt.state, std::string(receipt.error), addresses};
    if (receipt.before_response && receipt.at == Duration::zero()) {
      state_->send_receipt(due);
    } else {
      state_->later({now + receipt.at, 0, true, flight, {}, {}, due});
    }
  }
  if (decision.response_at == Duration::zero()) {
    state_->respond(flight, decision.status, id, now);
  } else {
    state_->later({now + decision.response_at, 0, false, flight, decision.status, std::string(id), {}});
  }
}

}  // namespace smppd::upstream
