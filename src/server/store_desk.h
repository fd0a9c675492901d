// The management listener's questions and orders about the store, carried to the shards and their answers brought
// together. Called on the HTTP thread; answers come on the shards' threads.
//
// The records of dead letters can be read through any shard; what changes one goes through the shard that its number
// names, which wrote it as a rule and so orders both changes.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "admin/storekeeper.h"
#include "runtime/shard.h"

namespace smppd::server {

class ShardUnit;

class StoreDesk final : public admin::Storekeeper {
 public:
  using Units = std::vector<std::unique_ptr<ShardUnit>>;
  // Both outlive it, and no unit is made or unmade but on its shard's thread.
  StoreDesk(runtime::ShardGroup& shards, const Units& units) noexcept : shards_(shards), units_(units) {}

  void look(std::function<void(std::vector<store::StoreView>)> done) override;
  void dead_letters(const store::DeadLetterQuery& query, store::OnDeadLetters done) override;
  void order(store::Order order, message::OwnId letter, store::OnOrder done) override;
  void requeue_all(const store::DeadLetterQuery& query, std::function<void(admin::Requeued)> done) override;
  void find(std::vector<message::OwnId> ids, std::function<void(admin::Found)> done) override;

 private:
  struct Bulk;
  // Null without a store.
  void ask(unsigned shard, std::function<void(store::OperatorDesk*)> work);
  void find_standing(message::OwnId id, store::OnStanding done);
  void requeue_page(const std::shared_ptr<Bulk>& bulk);
  void after_page(const std::shared_ptr<Bulk>& bulk);

  runtime::ShardGroup& shards_;
  const Units& units_;
};

}  // namespace smppd::server
