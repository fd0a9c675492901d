#include "road/rig.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/loader.h"
#include "micro/allocation_count.h"
#include "runtime/acceptor.h"
#include "server/plugin_list.h"
#include "smpp/pdu_builder.h"

extern "C" [[gnu::noinline]] void smppd_measured_turn(smppd::runtime::EventLoop& loop) { loop.run_once({}); }

namespace smppd::bench {

using smpp::CommandId;
using smpp::CommandStatus;
using smpp::Field;

namespace {

constexpr std::string_view kIdMark = "########";  // the place of an id in a template
constexpr std::size_t kIdSize = kIdMark.size();
constexpr std::string_view kNumberMark = "############";  // the place of the message's destination in a receipt
constexpr auto kPatience = std::chrono::seconds(20);      // for a round's answers: a store's thread may wait for a CPU

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

int listen_on_loopback() {
  const auto fd = runtime::listen_on({*runtime::IpAddress::parse("127.0.0.1"), 0});
  if (!fd) fail(fd.error());
  return *fd;
}

void write_id(std::uint8_t* to, std::uint32_t number) noexcept {
  for (std::size_t i = 0; i < kIdSize; ++i) to[kIdSize - 1 - i] = "0123456789abcdef"[number >> (4 * i) & 15];
}

std::vector<std::uint8_t> receipt_template() {
  smpp::PduBuilder builder(CommandId::deliver_sm, smpp::Version::v34);
  builder.set(Field::source_addr, kNumberMark)
      .set(Field::destination_addr, "SHOP")
      .set(Field::esm_class, 4)
      .set(Field::short_message, std::string("id:") + std::string(kIdMark) +
                                     " sub:001 dlvrd:001 submit date:2601021504 done date:2601021505 stat:DELIVRD "
                                     "err:000 text:Your code is 123456")
      .add_tlv_text(smpp::TlvTag::receipted_message_id, kIdMark)
      .add_tlv_u8(smpp::TlvTag::message_state, 2);
  std::vector<std::uint8_t> bytes;
  if (!builder.encode(bytes, CommandStatus::ESME_ROK, 1)) fail("the receipt cannot be encoded");
  return bytes;
}

// Messages of one session, numbered from 2; destinations differ in their last digits.
std::vector<std::uint8_t> batch_of(unsigned messages, std::uint8_t registered_delivery) {
  std::vector<std::uint8_t> bytes;
  for (unsigned i = 0; i < messages; ++i) {
    smpp::PduBuilder builder(CommandId::submit_sm, smpp::Version::v34);
    builder.set(Field::source_addr, "SHOP")
        .set(Field::dest_addr_ton, 1)
        .set(Field::dest_addr_npi, 1)
        .set(Field::destination_addr, std::to_string(258'840'000'000 + i * 7'919'117ULL % 10'000'000))
        .set(Field::registered_delivery, registered_delivery)
        .set(Field::short_message, std::string_view("Your code is 123456"));
    if (!builder.encode(bytes, CommandStatus::ESME_ROK, i + 2)) fail("a message cannot be encoded");
  }
  return bytes;
}

}  // namespace

Rig::Rig(const RigOptions& options)
    : receipts_(options.receipts), store_bytes_(options.store_bytes), receipt_(receipt_template()) {
  const auto number = std::search(receipt_.begin(), receipt_.end(), kNumberMark.begin(), kNumberMark.end());
  receipt_number_ = number - receipt_.begin();
  std::fill_n(number, kNumberMark.size(), '0');
  for (auto at = receipt_.begin();; ++at) {
    at = std::search(at, receipt_.end(), kIdMark.begin(), kIdMark.end());
    if (at == receipt_.end()) break;
    receipt_ids_.push_back(static_cast<std::size_t>(at - receipt_.begin()));
  }
  smsc_listener_ = listen_on_loopback();
  out_.reserve(1 << 20);
  if (options.store == "rocksdb") {
    std::string name = std::filesystem::temp_directory_path() / "smppd-road-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) fail("no folder for the store");
    folder_ = name;
  }
  build(yaml(options, runtime::local_address(smsc_listener_).port));
  bind_all(options);
}

Rig::~Rig() {
  clients_.clear();
  for (int i = 0; i < 5; ++i) shard_.loop().run_once(1ms);
  unit_.reset();
  store_.reset();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  ::close(smsc_listener_);
}

std::string Rig::yaml(const RigOptions& options, unsigned smsc_port) const {
  const std::string links = std::to_string(options.links);
  std::string text =
      "listeners: [{name: public, address: \"127.0.0.1:2775\", smpp: {window_size: 1000}}]\n"
      "upstreams:\n"
      "  - name: carrier\n";
  if (options.mock) {
    text += "    mock: {message_id: \"${counter}\"}\n";
  } else {
    text += "    hosts: [{address: \"127.0.0.1:" + std::to_string(smsc_port) + "\"}]\n" +
            "    bind: {system_id: us, password: secret}\n    window: {size: 1000}\n" +
            "    pool: {min_connections: " + links + ", max_connections: " + links + "}\n";
  }
  if (!options.store.empty()) {
    text.insert(0, "storage: {backend: " + options.store + ", durability: none" +
                       (folder_.empty() ? "" : ", rocksdb: {path: \"" + folder_.string() + "\"}") + "}\n");
  }
  return text + options.upstream + options.routes + "clients: [{system_id: shop, password: secret" + options.client +
         "}]\n" + options.sections;
}

void Rig::build(const std::string& yaml) {
  const auto loaded = config::load_text(yaml, config::Format::kYaml, "rig.yaml");
  if (loaded.config == nullptr) fail(config::to_text(loaded.diagnostics));
  auto publication = server::build_publication(loaded.config, nullptr, 1, lasting_);
  if (!publication) fail(publication.error());
  publication->snapshot->clients->publish(shard_.loop().now());
  open_store(loaded.config->storage);
  const server::ShardUnit::Lasting lasting{resolver_, verifier_, store_ == nullptr ? nullptr : &store_->partition(0)};
  unit_ = std::make_unique<server::ShardUnit>(shard_, lasting, loaded.config->receipts);
  auto shared = std::make_shared<downstream::ListenerShared>();
  shared->config = loaded.config;
  shared->options = &loaded.config->listeners[0];
  const int listener = listen_on_loopback();
  public_port_ = runtime::local_address(listener).port;
  unit_->apply(publication->snapshot, std::move(publication->chains[0]), publication->upstreams, lasting_.limits,
               {{shared, listener}}, {});
}

void Rig::open_store(const config::Storage& storage) {
  if (!storage.enabled) return;
  store::StoreOptions options;
  options.path = storage.path;
  options.durability = static_cast<store::Durability>(storage.durability);
  options.max_items = storage.max_messages;
  options.max_bytes = store_bytes_ == 0 ? storage.max_bytes : store_bytes_;
  auto opened =
      server::find_store(storage.backend == config::StoreBackend::kRocksdb ? "rocksdb" : "memory")->open(options);
  if (!opened) fail(opened.error());
  store_ = std::move(*opened);
  shard_.loop().set_turn_hook(&shard_);  // the depot turns the store at the end of each turn of the loop
}

void Rig::bind_all(const RigOptions& options) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(public_port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<std::uint8_t> bind;
  smpp::PduBuilder builder(CommandId::bind_transceiver, options.version);
  builder.set(Field::system_id, "shop").set(Field::password, "secret");
  builder.set(Field::interface_version, to_interface_version(options.version));
  if (!builder.encode(bind, CommandStatus::ESME_ROK, 1)) fail("the bind cannot be encoded");
  for (unsigned i = 0; i < options.sessions; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    clients_.push_back(std::make_unique<Client>(fd));
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("cannot connect");
    if (!clients_.back()->peer.write(bind)) fail("cannot send a bind");
  }
  const unsigned links = options.mock ? 0 : options.links;
  const auto ready = [&] { return bound_ == clients_.size() && links_bound_ == links; };
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!ready() && std::chrono::steady_clock::now() < give_up) {
    shard_.loop().run_once(1ms);
    if (links_.size() < links) {
      if (const int fd = ::accept4(smsc_listener_, nullptr, nullptr, SOCK_CLOEXEC); fd >= 0) {
        links_.push_back(std::make_unique<Peer>(fd));
      }
    }
    serve();
    read_clients();
  }
  if (!ready()) fail("not every session and link could be bound");
  for (int turn = 0; turn < 20; ++turn) shard_.loop().run_once(1ms);  // until the links have seen their answers
}

// --- The SMSC --------------------------------------------------------------------------------------------------------

void Rig::serve() {
  for (const auto& link : links_) serve(*link);
}

void Rig::serve(Peer& link) {
  out_.clear();
  link.read([&](ByteSpan pdu) {
    const smpp::Header header = smpp::read_header(pdu.data());
    if (is_response(header.command_id)) return;
    if (header.command_id == CommandId::bind_transceiver) ++links_bound_;
    std::uint8_t id[kIdSize];
    write_id(id, ++given_);
    std::uint8_t answer[64];
    const std::size_t size =
        smpp::write_response_with_id(answer, smpp::response_to(header.command_id), CommandStatus::ESME_ROK,
                                     header.sequence_number, {reinterpret_cast<const char*>(id), kIdSize});
    out_.insert(out_.end(), answer, answer + size);
    if (!receipts_ || header.command_id != CommandId::submit_sm) return;
    smpp::PduView message;
    if (!message.decode(pdu)) fail("a message cannot be decoded");
    std::ranges::copy(message.text(Field::destination_addr), receipt_.begin() + receipt_number_);
    for (const std::size_t at : receipt_ids_)
      std::copy(id, id + kIdSize, receipt_.begin() + static_cast<std::ptrdiff_t>(at));
    store_be(receipt_.data() + 12, given_);
    out_.insert(out_.end(), receipt_.begin(), receipt_.end());
  });
  if (!out_.empty() && !link.write(out_)) fail("a link is gone");
}

// --- The clients -----------------------------------------------------------------------------------------------------

void Rig::read_clients() {
  for (const auto& client : clients_) read(*client);
}

void Rig::read(Client& client) {
  out_.clear();
  client.peer.read([&](ByteSpan pdu) {
    const smpp::Header header = smpp::read_header(pdu.data());
    switch (header.command_id) {
      case CommandId::bind_transceiver_resp:
        if (header.command_status != CommandStatus::ESME_ROK) fail("a bind was refused");
        ++bound_;
        return;
      case CommandId::submit_sm_resp:
        --client.answers_due;
        if (header.command_status == CommandStatus::ESME_ROK) ++heard_.accepted;
        return;
      case CommandId::deliver_sm: {
        --client.receipts_due;
        std::uint8_t answer[smpp::kHeaderSize + 1];
        const std::size_t size = smpp::write_response_with_id(answer, CommandId::deliver_sm_resp,
                                                              CommandStatus::ESME_ROK, header.sequence_number, {});
        out_.insert(out_.end(), answer, answer + size);
        return;
      }
      default: return;
    }
  });
  if (!out_.empty() && !client.peer.write(out_)) fail("a session is gone");
}

bool Rig::all_answered() const noexcept {
  return std::ranges::all_of(clients_,
                             [](const auto& client) { return client->answers_due == 0 && client->receipts_due == 0; });
}

void Rig::turn(bool measured) {
  if (!measured) {
    shard_.loop().run_once({});
    return;
  }
  const AllocationCount count;
  smppd_measured_turn(shard_.loop());
  heard_.allocations += count.made();
}

Rig::Heard Rig::converse(const Talk& talk) {
  const std::vector<std::uint8_t> batch = batch_of(talk.batch, talk.registered_delivery);
  heard_ = {};
  for (unsigned round = 0; round < talk.rounds; ++round) {
    for (const auto& client : clients_) {
      client->answers_due += talk.batch;
      if (receipts_ && talk.registered_delivery != 0) client->receipts_due += talk.batch;
      if (!client->peer.write(batch)) fail("a session is gone");
    }
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (!all_answered()) {
      if (std::chrono::steady_clock::now() > give_up) fail("no more answers come");
      turn(talk.measured);
      serve();
      read_clients();
    }
  }
  return heard_;
}

}  // namespace smppd::bench
