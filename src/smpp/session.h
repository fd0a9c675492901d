// One side's view of an SMPP session, without I/O: which PDU may come in which state, enquire_link both ways, unbind,
// unknown and misplaced commands, and every deadline. SMPP 3.4 §2.2, §4.1-4.2, §4.11; 5.0 §2.3, §2.4.
//
// Fed with bytes and the time of the turn; writes its own answers to a Sink and hands everything that means something
// to the application to the caller. Shard-local. Size matters: one per connection, idle or not.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"
#include "smpp/framer.h"
#include "smpp/pdu_view.h"
#include "smpp/values.h"

namespace smppd::smpp {

enum class SessionState : std::uint8_t { kOpen, kBoundTx, kBoundRx, kBoundTrx, kUnbinding, kClosed };
enum class Role : std::uint8_t { kSmsc, kEsme };

[[nodiscard]] std::string_view name_of(SessionState state) noexcept;
// Whether a request of this kind may reach us in this state (3.4 table 2-1, 5.0 table 2-1).
[[nodiscard]] bool may_receive(Role role, SessionState state, CommandId id) noexcept;
[[nodiscard]] constexpr bool is_bound(SessionState s) noexcept {
  return s == SessionState::kBoundTx || s == SessionState::kBoundRx || s == SessionState::kBoundTrx;
}

// Where a session's own PDUs go: the connection's output.
class Sink {
 public:
  virtual std::uint8_t* reserve(std::size_t bytes) = 0;
  virtual void commit(std::size_t bytes) noexcept = 0;
  [[nodiscard]] virtual std::uint32_t next_sequence() noexcept = 0;

 protected:
  ~Sink() = default;
};

// One per listener or upstream, shared by its sessions; outlives them. A zero duration switches a deadline off.
struct SessionOptions {
  Role role = Role::kSmsc;
  std::uint32_t max_pdu_size = kDefaultMaxPduSize;
  Duration bind_timeout = 30s;      // from the connection to the bind
  Duration read_timeout = 60s;      // from the first octet of a PDU to its last
  Duration idle_timeout = 0s;       // without any PDU but enquire_link, either way
  Duration enquire_interval = 30s;  // silence of the peer before it is asked
  Duration enquire_timeout = 10s;
  int enquire_misses = 1;        // unanswered enquire_links before the session ends
  Duration unbind_timeout = 5s;  // for the answer to our unbind
  bool answer_enquire = true;
  bool answer_unbind = true;
};

class Session {
 public:
  explicit Session(const SessionOptions& options, Instant now) noexcept
      : options_(&options), last_heard_(now), last_work_(now) {}

  // What the next octets of the input are.
  struct Event {
    enum class Problem : std::uint8_t { kNone, kFraming, kUnknownCommand, kWrongState };
    enum class Kind : std::uint8_t {
      kNeedMore,  // no whole PDU is there
      kHandled,   // the session dealt with it
      kPdu,       // for the application: a request it may answer, or any response
      kUnbound,   // the peer sent unbind or answered ours: flush, then close
      kLost,      // framing is lost: close
    };
    Kind kind = Kind::kNeedMore;
    Header header{};
    ByteSpan pdu{};
    Problem problem = Problem::kNone;
  };
  // Looks at one PDU at the front of `bytes`; the caller drops event.pdu.size() octets, or none to be shown it again.
  Event next(ByteSpan bytes, Instant now, Sink& sink) noexcept;
  // The size of the PDU at the front of `bytes` when it is a whole one of the kind that nearly all PDUs of a bound
  // session are, for which next() would say kPdu and nothing else: a message where we are the SMSC, the response to one
  // where we are the ESME. 0 for every other: ask next().
  [[nodiscard]] std::uint32_t usual(ByteSpan bytes, Instant now) noexcept { return whole(usual_, bytes, now); }
  // The same of the other way: the response to a deliver_sm where we are the SMSC, a deliver_sm where we are the ESME.
  [[nodiscard]] std::uint32_t usual_of_delivery(ByteSpan bytes, Instant now) noexcept {
    return whole(delivery_, bytes, now);
  }

  // Ask again when deadline() has passed.
  enum class Due : std::uint8_t { kNothing, kBindTimeout, kReadTimeout, kIdleTimeout, kEnquireTimeout, kUnbindTimeout };
  [[nodiscard]] Due on_time(Instant now, Sink& sink) noexcept;
  [[nodiscard]] Instant deadline() const noexcept;

  void bound(SessionState state) noexcept;
  // Sends unbind; after it only responses are expected.
  void unbind(Instant now, Sink& sink) noexcept;
  void closed() noexcept { enter(SessionState::kClosed); }
  // The application did something with this session that keeps it from being idle.
  void worked(Instant now) noexcept { last_work_ = now; }

  [[nodiscard]] SessionState state() const noexcept { return state_; }
  [[nodiscard]] Version version() const noexcept { return version_; }
  void set_version(Version version) noexcept { version_ = version; }
  [[nodiscard]] bool may_send_deliver() const noexcept {
    return state_ == SessionState::kBoundRx || state_ == SessionState::kBoundTrx;
  }
  [[nodiscard]] bool may_send_submit() const noexcept {
    return state_ == SessionState::kBoundTx || state_ == SessionState::kBoundTrx;
  }
  [[nodiscard]] Instant last_heard() const noexcept { return last_heard_; }

 private:
  static constexpr std::uint64_t kNoUsual = std::uint64_t{1} << 32U;  // more than any command_id

  [[nodiscard]] std::uint32_t whole(std::uint64_t command_id, ByteSpan bytes, Instant now) noexcept {
    if (bytes.size() < kHeaderSize) return 0;
    const auto size = load_be<std::uint32_t>(bytes.data());
    if (load_be<std::uint32_t>(bytes.data() + 4) != command_id) return 0;
    if (size > bytes.size() || size < kHeaderSize || size > options_->max_pdu_size) return 0;
    partial_ = false;
    last_heard_ = last_work_ = now;
    return size;
  }
  void enter(SessionState state) noexcept;
  Event handle_request(const Frame& frame, const Header& header, Instant now, Sink& sink) noexcept;
  Event handle_response(const Frame& frame, const Header& header, Instant now) noexcept;

  const SessionOptions* options_;
  Instant last_heard_;  // any PDU
  Instant last_work_;   // any PDU but enquire_link
  Instant partial_since_{};
  Instant enquired_at_{};
  std::uint64_t usual_ = kNoUsual;     // the command_id that usual() looks for
  std::uint64_t delivery_ = kNoUsual;  // and usual_of_delivery()
  SessionState state_ = SessionState::kOpen;
  Version version_ = Version::v34;
  std::uint8_t missed_ = 0;
  bool partial_ = false;
  bool enquiring_ = false;
};

// Answers a request with its response's header alone, as 3.4 §4.4.2 has it for a status other than ROK; the refusal of
// a bind_transceiver carries an empty system_id.
void write_refusal(Sink& sink, const Header& request, CommandStatus status) noexcept;

}  // namespace smppd::smpp
