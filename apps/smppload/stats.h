// What one worker has seen; merged over workers at the end. Shard-local while the run lasts.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "smpp/values.h"
#include "telemetry/histogram.h"

namespace smppd::load {

// X(name, what it means). JSON, merging and the manual's list follow from here.
#define SMPPLOAD_COUNTERS(X)                                                            \
  X(sent, "requests sent: submit_sm and data_sm")                                       \
  X(data_sm_sent, "of these data_sm")                                                   \
  X(answered, "requests answered")                                                      \
  X(accepted, "answered with ESME_ROK")                                                 \
  X(unexpected_status, "answered with a status that was not expected")                  \
  X(timed_out, "not answered within --response-timeout")                                \
  X(lost_in_flight, "not answered before their session ended")                          \
  X(not_sent, "asked for but never sent")                                               \
  X(unexpected_responses, "responses to no open request")                               \
  X(accepted_without_id, "accepted with registered_delivery but without a message_id")  \
  X(generic_nacks, "generic_nack received")                                             \
  X(malformed_pdus, "PDUs that do not decode")                                          \
  X(unexpected_requests, "requests an ESME does not get; answered with ESME_RINVCMDID") \
  X(framing_lost, "connections closed because a command_length made no sense")          \
  X(connect_failures, "connections that could not be made")                             \
  X(bind_failures, "binds answered with an error")                                      \
  X(bind_timeouts, "binds not answered in time")                                        \
  X(binds, "binds that succeeded")                                                      \
  X(disconnects, "sessions the peer ended")                                             \
  X(peer_unbinds, "unbind received")                                                    \
  X(enquire_links_sent, "enquire_link sent")                                            \
  X(enquire_links_received, "enquire_link received and answered")                       \
  X(receipts_received, "final receipts received")                                       \
  X(receipts_matched, "receipts of an accepted message, first one each")                \
  X(receipts_early, "of these: came before the response")                               \
  X(receipts_duplicate, "further final receipts of the same message")                   \
  X(receipts_intermediate, "receipts that report no final state")                       \
  X(receipts_unknown, "receipts of no message of this run")                             \
  X(receipts_missing, "messages whose receipt did not come within --receipt-timeout")   \
  X(receipts_unreadable, "receipts without an id")                                      \
  X(mo_received, "deliver_sm and data_sm that are no receipts")                         \
  X(alerts_received, "alert_notification received")

struct Stats {
#define SMPPLOAD_X(name, text) std::uint64_t name = 0;
  SMPPLOAD_COUNTERS(SMPPLOAD_X)
#undef SMPPLOAD_X
  std::map<std::uint32_t, std::uint64_t> statuses;       // of requests, ESME_ROK excepted
  std::map<std::uint32_t, std::uint64_t> bind_statuses;  // of refused binds
  std::map<std::string, std::uint64_t> receipt_states;   // the word of each final receipt
  telemetry::Histogram latency;                          // request to response
  telemetry::Histogram receipt_latency;                  // request to final receipt
  std::int64_t first_sent = 0;                           // nanoseconds, monotonic; 0: nothing
  std::int64_t last_answered = 0;

  void merge(const Stats& other);
  // Forgets what was measured, keeps what says whether the sessions are healthy.
  void forget_warmup();
};

}  // namespace smppd::load
