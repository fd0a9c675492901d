// For the filters' tests: a configuration with two clients, and messages that go through one filter.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "accounts/client_registry.h"
#include "flow/filter.h"
#include "message/names.h"
#include "routing/route_table.h"
#include "smpp/pdu_builder.h"
#include "smpp/pdu_view.h"
#include "smpp/text/charset.h"
#include "telemetry/metrics.h"

namespace smppd::plugins::testing {

// Two clients, "acme" and "zeta", and one upstream, "carrier".
struct World {
  World() {
    config.clients.resize(2);
    config.clients[0].system_id = "acme";
    config.clients[0].password = "secret-a";
    config.clients[1].system_id = "zeta";
    config.clients[1].password = "secret-z";
    config.upstreams.resize(1);
    config.upstreams[0].name = "carrier";
  }

  void compile() {
    routing::intern_names(config, names);
    auto compiled = accounts::ClientRegistry::compile(config, names, states);
    ASSERT_TRUE(compiled) << compiled.error();
    registry = *compiled;
    registry->publish(now);
  }

  [[nodiscard]] std::unique_ptr<flow::Filter> make(const flow::FilterPlugin& plugin, const config::Filter& options) {
    compile();
    auto made = plugin.make(options, {config, names, 0});
    EXPECT_TRUE(made) << made.error();
    return made ? std::move(*made) : nullptr;
  }
  // What is wrong with these options; empty if nothing.
  [[nodiscard]] std::string problem(const flow::FilterPlugin& plugin, const config::Filter& options) {
    compile();
    const auto made = plugin.make(options, {config, names, 0});
    return made ? std::string() : made.error();
  }
  [[nodiscard]] const accounts::ClientEntry* client(std::string_view name) const { return registry->find(name); }

  config::Config config;
  message::Names names;
  accounts::ClientStates states;
  std::shared_ptr<const accounts::ClientRegistry> registry;
  Instant now = Instant() + std::chrono::hours(1000);
};

// What the text of a message says, decoded as the flow does it.
class Text final : public message::TextSource {
 public:
  Text(const smpp::PduView& view, smpp::Alphabet alphabet) : view_(view), alphabet_(alphabet) {}
  [[nodiscard]] std::string_view utf8() noexcept override {
    auto body = view_.octets(smpp::Field::short_message);
    if (body.empty()) body = view_.tlv(smpp::TlvTag::message_payload).value_or(ByteSpan());
    if ((view_.u8(smpp::Field::esm_class) & 0x40) != 0 && !body.empty()) body = body.subspan(1U + body[0]);
    const auto coding = smpp::read_data_coding(view_.u8(smpp::Field::data_coding), alphabet_);
    text_ = smpp::to_utf8(body, coding.alphabet);
    return text_;
  }

 private:
  const smpp::PduView& view_;
  smpp::Alphabet alphabet_;
  std::string text_;
};

// One message before and after a filter.
class Message {
 public:
  explicit Message(smpp::Version version = smpp::Version::v34, smpp::CommandId id = smpp::CommandId::submit_sm)
      : version_(version), sent(id, version) {
    sent.set(smpp::Field::source_addr, "ACME");
    sent.set(smpp::Field::source_addr_ton, 5);
    if (id != smpp::CommandId::submit_multi) {
      sent.set(smpp::Field::destination_addr, "258841234567");
      sent.set(smpp::Field::dest_addr_ton, 1);
      sent.set(smpp::Field::dest_addr_npi, 1);
    }
    if (id != smpp::CommandId::data_sm) sent.set(smpp::Field::short_message, "hello");
  }

  flow::Verdict pass(flow::Filter& filter, const accounts::ClientEntry* client, Instant now = {}, bool again = false) {
    auto context = prepare(client, now, again);
    const auto verdict = filter.on_message(context);
    read_result();
    return verdict;
  }
  flow::Verdict pass_mo(flow::Filter& filter, message::UpstreamId upstream) {
    auto context = prepare(nullptr, {}, false);
    facts.upstream = upstream;
    const auto verdict = filter.on_mo(context);
    read_result();
    return verdict;
  }

  [[nodiscard]] bool edited() const { return draft_->edited(); }
  [[nodiscard]] std::string text() { return std::string(Text(got, smpp::Alphabet::gsm7).utf8()); }

 private:
  smpp::Version version_;

 public:
  smpp::PduBuilder sent;        // change it before pass()
  smpp::PduView got;            // what goes on, after pass()
  message::MessageFacts facts;  // as the filter left them

 private:
  flow::MessageContext prepare(const accounts::ClientEntry* client, Instant now, bool again) {
    using smpp::Field;
    bytes_.clear();
    EXPECT_TRUE(sent.encode(bytes_, smpp::CommandStatus::ESME_ROK, 1));
    EXPECT_TRUE(original_.decode(bytes_));
    facts = {};
    facts.service_type = original_.text(Field::service_type);
    facts.source_addr = original_.text(Field::source_addr);
    facts.destination_addr = original_.text(Field::destination_addr);
    facts.source_addr_ton = original_.u8(Field::source_addr_ton);
    facts.source_addr_npi = original_.u8(Field::source_addr_npi);
    facts.dest_addr_ton = original_.u8(Field::dest_addr_ton);
    facts.dest_addr_npi = original_.u8(Field::dest_addr_npi);
    facts.esm_class = original_.u8(Field::esm_class);
    facts.protocol_id = original_.u8(Field::protocol_id);
    facts.priority_flag = original_.u8(Field::priority_flag);
    facts.data_coding = original_.u8(Field::data_coding);
    facts.registered_delivery = original_.u8(Field::registered_delivery);
    if (client != nullptr) facts.client = client->id;
    facts.short_message = original_.octets(Field::short_message);
    if (facts.short_message.empty()) {
      facts.short_message = original_.tlv(smpp::TlvTag::message_payload).value_or(ByteSpan());
    }
    text_ = std::make_unique<Text>(original_, smpp::Alphabet::gsm7);
    facts.text = text_.get();
    draft_ = std::make_unique<flow::Draft>(original_, scratch_, version_);
    return {facts, *draft_, client, version_, 77, now, WallTime(), again};
  }
  void read_result() {
    if (!draft_->edited()) {
      EXPECT_TRUE(got.decode(bytes_));
      return;
    }
    result_.clear();
    const auto encoded = scratch_.encode(result_, smpp::CommandStatus::ESME_ROK, 1);
    EXPECT_TRUE(encoded) << smpp::describe(encoded.error());
    if (!encoded) return;
    EXPECT_TRUE(got.decode(result_, smpp::Strictness::strict));
  }

  std::vector<std::uint8_t> bytes_, result_;
  smpp::PduView original_;
  smpp::PduBuilder scratch_;
  std::unique_ptr<flow::Draft> draft_;
  std::unique_ptr<Text> text_;
};

// The value of a counter with these labels; 0 if there is none.
inline double counted(const flow::Filter& filter, std::string_view name, const telemetry::Labels& labels) {
  telemetry::Collector collector;
  filter.collect(collector);
  double sum = 0;
  for (const auto& sample : collector.samples()) {
    bool same = name == sample.description->name;
    for (const auto& label : labels) {
      same = same && std::ranges::any_of(sample.labels, [&](const auto& has) {
               return std::string_view(has.first) == label.first && has.second == label.second;
             });
    }
    if (same) sum += sample.value;
  }
  return sum;
}

}  // namespace smppd::plugins::testing
