// One shard as the daemon builds it, with clients and an SMSC around it, all on the calling thread over loopback: what
// it does for a given number of messages is the same every time, so instructions and allocations can be counted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "accounts/password_pool.h"
#include "accounts/password_verifier.h"
#include "road/peer.h"
#include "runtime/resolver.h"
#include "runtime/shard.h"
#include "server/shard_unit.h"
#include "server/snapshot_builder.h"
#include "smpp/values.h"
#include "store/store.h"

namespace smppd::bench {

struct RigOptions {
  unsigned sessions = 1;
  unsigned links = 1;
  smpp::Version version = smpp::Version::v34;  // of the clients
  bool mock = false;                           // smppd answers itself, there is no SMSC
  bool receipts = false;                       // the SMSC sends one for each message that asks
  std::string upstream = {};                   // keys of the upstream, YAML, four spaces deep
  std::string client = {};                     // keys of the client, YAML flow style, beginning with a comma
  std::string routes = "routes: [{name: all, match: {destination_addr: \"*\"}, upstream: carrier}]\n";
  std::string sections = {};      // further sections, YAML
  std::string store = {};         // storage.backend: messages are stored and forwarded; empty: no store
  std::uint64_t store_bytes = 0;  // what the store may hold; 0: as much as is configured
};

class Rig {
 public:
  // Throws std::runtime_error with a sentence when it cannot start.
  explicit Rig(const RigOptions& options);
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  ~Rig();

  struct Talk {
    unsigned rounds = 1;
    unsigned batch = 1;  // messages of each session in a round
    std::uint8_t registered_delivery = 0;
    bool measured = false;  // the shard turns in smppd_measured_turn and its allocations are counted
  };
  struct Heard {
    std::uint64_t accepted = 0;
    long allocations = 0;  // of the shard, where measured
  };
  // In each round every session sends its batch in one write and gets all answers, and receipts.
  Heard converse(const Talk& talk);

 private:
  struct Client {
    explicit Client(int fd) : peer(fd) {}
    Peer peer;
    unsigned answers_due = 0;
    unsigned receipts_due = 0;
  };

  [[nodiscard]] std::string yaml(const RigOptions& options, unsigned smsc_port) const;
  void build(const std::string& yaml);
  void open_store(const config::Storage& storage);
  void bind_all(const RigOptions& options);
  void serve();
  void serve(Peer& link);
  void read_clients();
  void read(Client& client);
  [[nodiscard]] bool all_answered() const noexcept;
  void turn(bool measured);

  const bool receipts_;
  const std::uint64_t store_bytes_;
  runtime::ShardGroup shards_{1};
  runtime::Shard& shard_ = shards_.shard(0);
  runtime::Resolver resolver_;
  accounts::PasswordPool pool_{accounts::PasswordPool::Options{}};
  accounts::PasswordVerifier verifier_{pool_};
  server::Lasting lasting_;
  std::filesystem::path folder_;  // of a store on disk; removed at the end
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<server::ShardUnit> unit_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Peer>> links_;
  std::vector<std::uint8_t> receipt_;  // a deliver_sm whose id is still to be filled in
  std::ptrdiff_t receipt_number_ = 0;
  std::vector<std::size_t> receipt_ids_;  // where
  std::vector<std::uint8_t> out_;
  int smsc_listener_ = -1;
  std::uint16_t public_port_ = 0;
  unsigned bound_ = 0;
  unsigned links_bound_ = 0;
  std::uint32_t given_ = 0;
  Heard heard_;
};

}  // namespace smppd::bench

// One turn of the loop, under a name of its own.
extern "C" void smppd_measured_turn(smppd::runtime::EventLoop& loop);
