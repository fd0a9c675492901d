#include "server/store_desk.h"

#include <mutex>
#include <utility>

#include "message/own_id.h"
#include "server/shard_unit.h"

namespace smppd::server {

namespace {

constexpr std::uint32_t kRequeuedAtOnce = 200;
constexpr auto kRequeuePatience = std::chrono::seconds(20);  // a request is answered within 30

// Answers of several shards; `done` is called with all of them by whoever is last.
template <typename Answer>
struct Gathering {
  std::mutex mutex;
  std::vector<Answer> answers;
  std::size_t left;
  std::function<void(std::vector<Answer>)> done;

  Gathering(std::size_t count, std::function<void(std::vector<Answer>)> call)
      : answers(count), left(count), done(std::move(call)) {}
  void put(std::size_t index, Answer answer) {
    std::unique_lock lock(mutex);
    answers[index] = std::move(answer);
    if (--left > 0) return;
    lock.unlock();
    done(std::move(answers));
  }
};

}  // namespace

void StoreDesk::ask(unsigned shard, std::function<void(store::OperatorDesk*)> work) {
  shards_.shard(shard).loop().post([this, shard, work = std::move(work)] {
    if (units_[shard] != nullptr) work(units_[shard]->flow().desk());
  });
}

void StoreDesk::look(std::function<void(std::vector<store::StoreView>)> done) {
  using Views = std::vector<std::optional<store::StoreView>>;
  const auto gathering = std::make_shared<Gathering<std::optional<store::StoreView>>>(
      shards_.count(), [done = std::move(done)](Views views) {
        std::vector<store::StoreView> there;
        for (auto& view : views) {
          if (view) there.push_back(std::move(*view));
        }
        done(std::move(there));
      });
  for (unsigned i = 0; i < shards_.count(); ++i) {
    ask(i, [gathering, i](const store::OperatorDesk* desk) {
      gathering->put(i, desk == nullptr ? std::nullopt : std::optional(desk->look()));
    });
  }
}

void StoreDesk::dead_letters(const store::DeadLetterQuery& query, store::OnDeadLetters done) {
  ask(0, [query, done = std::move(done)](store::OperatorDesk* desk) {
    desk == nullptr ? done({}) : desk->dead_letters(query, done);
  });
}

void StoreDesk::order(store::Order order, message::OwnId letter, store::OnOrder done) {
  const unsigned shard = message::shard_of(letter) % shards_.count();
  ask(shard, [order, letter, done = std::move(done)](store::OperatorDesk* desk) {
    desk == nullptr ? done(store::OrderResult::kUnknown) : desk->order(order, letter, done);
  });
}

struct StoreDesk::Bulk {
  store::DeadLetterQuery query;
  admin::Requeued outcome;
  std::chrono::steady_clock::time_point until;
  std::function<void(admin::Requeued)> done;
};

void StoreDesk::requeue_all(const store::DeadLetterQuery& query, std::function<void(admin::Requeued)> done) {
  const auto bulk = std::make_shared<Bulk>();
  bulk->query = query;
  bulk->query.limit = kRequeuedAtOnce;
  bulk->query.with_text = false;
  // What is queued now gets a greater number: given up again meanwhile, it is not queued a second time.
  const WallTime now = std::chrono::system_clock::now();
  bulk->query.until = message::OwnIdGenerator(0, 0, now).next(now);
  bulk->until = std::chrono::steady_clock::now() + kRequeuePatience;
  bulk->done = std::move(done);
  requeue_page(bulk);
}

void StoreDesk::requeue_page(const std::shared_ptr<Bulk>& bulk) {
  dead_letters(bulk->query, [this, bulk](const store::DeadLetterPage& page) {
    bulk->query.from = page.next;
    if (page.failed) bulk->outcome.stopped_by = store::OrderResult::kFailed;
    if (page.letters.empty()) return after_page(bulk);
    using Results = std::vector<store::OrderResult>;
    const auto gathering =
        std::make_shared<Gathering<store::OrderResult>>(page.letters.size(), [this, bulk](const Results& results) {
          for (const store::OrderResult result : results) {
            switch (result) {
              case store::OrderResult::kDone: ++bulk->outcome.queued; break;
              case store::OrderResult::kUnknown: break;  // another request was faster
              case store::OrderResult::kNoRoute:
              case store::OrderResult::kUnreadable: ++bulk->outcome.failed; break;
              case store::OrderResult::kNoRoom:
              case store::OrderResult::kFailed: bulk->outcome.stopped_by = result; break;
            }
          }
          after_page(bulk);
        });
    for (std::size_t i = 0; i < page.letters.size(); ++i) {
      order(store::Order::kRequeue, page.letters[i].id,
            [gathering, i](store::OrderResult result) { gathering->put(i, result); });
    }
  });
}

void StoreDesk::after_page(const std::shared_ptr<Bulk>& bulk) {
  const bool stopped = bulk->outcome.stopped_by != store::OrderResult::kDone;
  const bool late = std::chrono::steady_clock::now() >= bulk->until;
  bulk->outcome.more = bulk->query.from != 0 && (stopped || late);
  if (bulk->query.from == 0 || stopped || late) {
    bulk->done(bulk->outcome);
  } else {
    requeue_page(bulk);
  }
}

void StoreDesk::find_standing(message::OwnId id, store::OnStanding done) {
  using Standing = std::optional<store::StandingItem>;
  const auto gathering =
      std::make_shared<Gathering<Standing>>(shards_.count(), [done = std::move(done)](std::vector<Standing> found) {
        for (Standing& one : found) {
          if (one) return done(std::move(one));
        }
        done(std::nullopt);
      });
  for (unsigned i = 0; i < shards_.count(); ++i) {
    ask(i, [gathering, i, id](store::OperatorDesk* desk) {
      if (desk == nullptr) return gathering->put(i, std::nullopt);
      desk->find_standing(id, [gathering, i](Standing standing) { gathering->put(i, std::move(standing)); });
    });
  }
}

// Where it stands is asked first: a message that ends in between is then found among those that ended.
void StoreDesk::find(std::vector<message::OwnId> ids, std::function<void(admin::Found)> done) {
  const message::OwnId id = ids.front();
  ids.erase(ids.begin());
  find_standing(id, [this, id, ids = std::move(ids), done = std::move(done)](auto standing) {
    if (standing) return done({std::move(standing), std::nullopt});
    const auto on_ended = [this, ids, done](std::optional<store::EndedMessage> ended) {
      if (!ended && !ids.empty()) return find(ids, done);
      if (!ended || ended->requeued_as == 0) return done({std::nullopt, std::move(ended)});
      find_standing(ended->requeued_as,
                    [ended, done](std::optional<store::StandingItem> again) { done({std::move(again), ended}); });
    };
    ask(0, [id, on_ended](store::OperatorDesk* desk) {
      desk == nullptr ? on_ended(std::nullopt) : desk->find_ended(id, on_ended);
    });
  });
}

}  // namespace smppd::server
