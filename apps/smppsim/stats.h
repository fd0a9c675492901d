// What one shard has seen. Plain integers, shard-local; merged at the end.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "smpp/values.h"

namespace smppd::sim {

// X(name, what it means). JSON, merging and the manual's list follow from here.
#define SMPPSIM_COUNTERS(X)                                                                 \
  X(connections, "connections accepted or made")                                            \
  X(disconnects, "connections that ended")                                                  \
  X(binds, "binds that succeeded")                                                          \
  X(bind_refusals, "binds answered with an error")                                          \
  X(bind_timeouts, "connections closed because they did not bind in time")                  \
  X(messages, "submit_sm, data_sm, submit_multi and broadcast_sm received")                 \
  X(accepted, "of these answered with ESME_ROK")                                            \
  X(refused, "of these answered with an error")                                             \
  X(unanswered, "of these deliberately not answered")                                       \
  X(malformed_pdus, "PDUs that do not decode")                                              \
  X(strict_findings, "PDUs refused by --strict")                                            \
  X(framing_lost, "connections closed because a command_length made no sense")              \
  X(not_bound, "requests that the session's bind does not allow")                           \
  X(unexpected_responses, "responses to nothing that was asked")                            \
  X(enquire_links_received, "enquire_link received")                                        \
  X(enquire_links_sent, "enquire_link sent")                                                \
  X(receipts_planned, "final receipts that messages asked for")                             \
  X(receipts_sent, "final receipts sent, duplicates included")                              \
  X(receipts_early, "of these: sent before the response")                                   \
  X(receipts_duplicated, "final receipts sent a second time on purpose")                    \
  X(receipts_withheld, "final receipts not sent on purpose")                                \
  X(receipts_intermediate, "reports of no final state sent")                                \
  X(mo_sent, "MO messages sent, each part counted")                                         \
  X(deliveries_accepted, "deliver_sm and data_sm answered with ESME_ROK")                   \
  X(deliveries_refused, "deliver_sm and data_sm answered with an error")                    \
  X(deliveries_repeated, "deliver_sm and data_sm sent again")                               \
  X(deliveries_dropped, "receipts and MO lost because the queue of their account was full") \
  X(deliveries_unanswered, "deliver_sm and data_sm not answered when their session ended")  \
  X(misbehaved_no_response, "responses left out")                                           \
  X(misbehaved_wrong_sequence, "responses with a wrong sequence_number")                    \
  X(misbehaved_duplicate, "responses sent twice")                                           \
  X(misbehaved_garbage, "responses replaced by garbage")                                    \
  X(misbehaved_generic_nack, "responses replaced by generic_nack")                          \
  X(misbehaved_out_of_order, "responses held back so that later ones overtake them")        \
  X(misbehaved_late, "responses sent late")                                                 \
  X(misbehaved_close, "connections closed on purpose")                                      \
  X(misbehaved_unbind, "sessions unbound on purpose")                                       \
  X(misbehaved_stall, "sessions no longer read on purpose")

struct Stats {
#define SMPPSIM_X(name, text) std::uint64_t name = 0;
  SMPPSIM_COUNTERS(SMPPSIM_X)
#undef SMPPSIM_X
  std::map<smpp::CommandId, std::uint64_t> received;      // fast path not included; see `messages`
  std::map<smpp::CommandStatus, std::uint64_t> statuses;  // of messages, ESME_ROK excepted
  std::map<smpp::CommandStatus, std::uint64_t> bind_statuses;
  std::map<std::string, std::uint64_t> rules;  // matches

  void merge(const Stats& other);
};

// The report of --stats-json.
[[nodiscard]] std::string to_json(const Stats& stats, double seconds);

}  // namespace smppd::sim
