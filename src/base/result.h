// Results as values: the only way a failure travels between modules after start-up.
//
// Result<T> is for the message path: an Error is 16 bytes, its detail is static text, nothing allocates.
// Fallible<T> is for start-up and control: the error is a finished English sentence for an operator.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace smppd {

// Who caused the failure; decides which counter moves and whom the log line names.
enum class Origin : std::uint8_t { kClient, kUpstream, kStore, kInternal };

// What the holder of the message may do next.
enum class Retry : std::uint8_t { kNever, kSameLink, kOtherLink, kLater };

// One name for each way a message can fail here. message/outcome.h maps each to command_status, HTTP and gRPC status.
enum class ErrorCode : std::uint8_t {
  kMalformed,       // the PDU's fields contradict each other or the specification
  kNotBound,        // not allowed in this session state
  kRefused,         // a rule of the configuration says no
  kThrottled,       // a rate limit or a full window
  kQueueFull,       // a bounded queue is at its bound
  kNoRoute,         // no route matches
  kNoLink,          // no healthy link to any of the route's upstreams
  kTimeout,         // no answer in time; the outcome is unknown
  kLinkLost,        // the link died with the request in flight; the outcome is unknown
  kUnknownMessage,  // a message_id that is not known here
  kNotOwner,        // the message belongs to another client
  kUnsupported,     // this peer's version or this build cannot do it
  kInternal,
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  Origin origin = Origin::kInternal;
  Retry retry = Retry::kNever;
  const char* detail = "";  // static storage
};

template <typename T>
using Result = std::expected<T, Error>;

template <typename T>
using Fallible = std::expected<T, std::string>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, Origin origin, Retry retry, const char* detail) {
  return std::unexpected(Error{code, origin, retry, detail});
}
[[nodiscard]] inline std::unexpected<std::string> failure(std::string sentence) {
  return std::unexpected(std::move(sentence));
}

}  // namespace smppd
