#include "admin/internal/store_routes.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <expected>
#include <memory>
#include <utility>

#include "admin/internal/store_views.h"
#include "http/url.h"

namespace smppd::admin {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr std::uint32_t kMostLetters = 1000;
constexpr std::array<std::string_view, 5> kReasons{"refused", "gave_up", "uncertain", "replaced", "unroutable"};

using Query = std::expected<store::DeadLetterQuery, Response>;

bool is_yes(const Request& request, std::string_view key) {
  const auto value = http::query_value(request.query, key);
  return value && (value->empty() || *value == "true" || *value == "1");
}

Query query_of(const Request& request) {
  store::DeadLetterQuery query;
  query.client = http::query_value(request.query, "client").value_or("");
  query.upstream = http::query_value(request.query, "upstream").value_or("");
  query.reason = http::query_value(request.query, "reason").value_or("");
  query.with_text = is_yes(request, "text");
  if (!query.reason.empty() && std::ranges::find(kReasons, query.reason) == kReasons.end()) {
    return std::unexpected(http::error_response(400, "no dead letter has the reason " + query.reason,
                                                "reasons are refused, gave_up, uncertain and unroutable"));
  }
  if (const auto limit = http::query_value(request.query, "limit")) {
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), query.limit);
    const bool whole = error == std::errc() && end == limit->data() + limit->size();
    if (!whole || query.limit < 1 || query.limit > kMostLetters) {
      return std::unexpected(http::error_response(400, "limit is a number from 1 to 1000, not " + *limit));
    }
  }
  if (const auto from = http::query_value(request.query, "from")) {
    const auto ids = ids_meant_by(*from);
    if (ids.empty()) {
      return std::unexpected(http::error_response(400, "from is the id of a dead letter, not " + *from,
                                                  "use what `next` of the page before says"));
    }
    query.from = ids.front();
  }
  return query;
}

class StoreRoutes : public std::enable_shared_from_this<StoreRoutes> {
 public:
  StoreRoutes(Backend& backend, Storekeeper& storekeeper, ToHttpThread to_http_thread)
      : backend_(backend), storekeeper_(storekeeper), to_http_thread_(std::move(to_http_thread)) {}

  void stats(const Reply& reply) {
    storekeeper_.look([self = shared_from_this(), reply](std::vector<store::StoreView> by_shard) {
      self->to_http_thread_([self, reply, by_shard = std::move(by_shard)] {
        Response response;
        response.body = store_json(self->backend_.status().config->storage, by_shard);
        reply(std::move(response));
      });
    });
  }

  void list(const Request& request, const Reply& reply) {
    const Query query = query_of(request);
    if (!query) return reply(query.error());
    if (is_off(reply)) return;
    storekeeper_.dead_letters(*query,
                              [self = shared_from_this(), reply, text = query->with_text](store::DeadLetterPage page) {
                                self->to_http_thread_([reply, text, page = std::move(page)] {
                                  if (page.failed)
                                    return reply(order_response(store::Order::kDrop, store::OrderResult::kFailed, {}));
                                  Response response;
                                  response.body = dead_letters_json(page, text);
                                  reply(std::move(response));
                                });
                              });
  }

  void order(store::Order order, const Request& request, const Reply& reply) {
    if (is_off(reply)) return;
    const std::string& id = request.parameters.at(0);
    const auto ids = ids_meant_by(id);
    if (ids.empty()) return reply(order_response(order, store::OrderResult::kUnknown, id));
    storekeeper_.order(order, ids.front(), [self = shared_from_this(), reply, order, id](store::OrderResult result) {
      self->to_http_thread_([reply, order, id, result] { reply(order_response(order, result, id)); });
    });
  }

  void requeue_all(const Request& request, const Reply& reply) {
    const Query query = query_of(request);
    if (!query) return reply(query.error());
    const bool all = query->client.empty() && query->upstream.empty() && query->reason.empty();
    if (all && !is_yes(request, "all")) {
      return reply(http::error_response(400, "this does not say which dead letters to queue again",
                                        "give upstream=, reason= or client=, or all=true"));
    }
    if (is_off(reply)) return;
    storekeeper_.requeue_all(*query, [self = shared_from_this(), reply](const Requeued& outcome) {
      self->to_http_thread_([reply, outcome] { reply(requeued_response(outcome)); });
    });
  }

  void message(const Request& request, const Reply& reply) {
    if (is_off(reply)) return;
    const std::string& id = request.parameters.at(0);
    auto ids = ids_meant_by(id);
    if (ids.empty()) {
      return reply(http::error_response(404, id + " is no message id that smppd gives",
                                        "ids are 16 hexadecimal digits, a decimal number, or a UUID that starts with "
                                        "736d7070; 8 hexadecimal digits for clients of 3.3"));
    }
    storekeeper_.find(std::move(ids), [self = shared_from_this(), reply, id](Found found) {
      self->to_http_thread_([reply, id, found = std::move(found)] { reply(message_response(found, id)); });
    });
  }

 private:
  bool is_off(const Reply& reply) {
    if (backend_.status().config->storage.enabled) return false;
    reply(http::error_response(409, "storage is off: messages are in memory only, and nothing is kept of them",
                               "`storage` in the configuration turns it on"));
    return true;
  }

  Backend& backend_;
  Storekeeper& storekeeper_;
  ToHttpThread to_http_thread_;
};

}  // namespace

void add_store_routes(http::Router& router, Backend& backend, Storekeeper& storekeeper, ToHttpThread to_http_thread) {
  const auto routes = std::make_shared<StoreRoutes>(backend, storekeeper, std::move(to_http_thread));
  router.add("GET", "/store/stats", [routes](const Request&, const Reply& reply) { routes->stats(reply); });
  router.add("GET", "/api/dead-letters",
             [routes](const Request& request, const Reply& reply) { routes->list(request, reply); });
  router.add("POST", "/api/dead-letters/requeue",
             [routes](const Request& request, const Reply& reply) { routes->requeue_all(request, reply); });
  router.add("POST", "/api/dead-letters/{}/requeue", [routes](const Request& request, const Reply& reply) {
    routes->order(store::Order::kRequeue, request, reply);
  });
  router.add("DELETE", "/api/dead-letters/{}", [routes](const Request& request, const Reply& reply) {
    routes->order(store::Order::kDrop, request, reply);
  });
  router.add("GET", "/api/messages/{}",
             [routes](const Request& request, const Reply& reply) { routes->message(request, reply); });
}

}  // namespace smppd::admin
