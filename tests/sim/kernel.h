// The kernel and the network of a simulation: file descriptors, edge-triggered epoll, TCP and both clocks, in virtual
// time. smppd's own code runs on it unchanged, src/runtime included: sim_test is linked with --wrap for every system
// call that code makes (syscalls.cc), and a thread that has a Kernel gets these instead.
//
// One thread. What lies at the other end of a connection is no descriptor but a Peer, told at once of what reaches it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/bytes.h"
#include "base/time.h"
#include "tests/sim/random.h"

namespace smppd::sim {

// The far end of a connection.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void on_open() = 0;
  virtual void on_bytes(ByteSpan bytes) = 0;
  // No more octets will come; the last call.
  virtual void on_closed() = 0;
};

struct Network {  // how connections behave
  Duration latency_min = std::chrono::microseconds(50), latency_max = std::chrono::microseconds(500);
  double split = 0.2;             // chance that a write travels in pieces
  double partial_write = 0.02;    // chance that the kernel takes a part only
  std::size_t capacity = 64'000;  // octets on their way or unread, each direction
};

class Kernel;

// A TCP connection between smppd (a descriptor) and a Peer.
class Wire : public std::enable_shared_from_this<Wire> {
 public:
  enum Direction : unsigned { kToSmppd, kToPeer };
  Wire(Kernel& kernel, int number, std::uint16_t port, std::shared_ptr<Peer> peer, const Network& network)
      : kernel_(kernel), number_(number), port_(port), peer_(std::move(peer)), network_(network) {}

  // For the peer.
  void send(ByteSpan bytes);
  void close();  // FIN after what was sent
  // For whoever makes trouble. A reset is noticed by either side a little later; what is on its way is lost.
  void reset();
  void stall(Direction direction, Instant until);
  void release();  // no stall any more
  void corrupt(Direction direction, double share) {
    troubled_ = true;
    pipes_[direction].corrupt = share;
  }

  [[nodiscard]] int number() const { return number_; }
  void tell(const char* what, ByteSpan pdu = {}) const;
  [[nodiscard]] bool alive() const { return !peer_gone_ && !reset_; }
  // When smppd wrote what its peer is just being given.
  [[nodiscard]] Instant written() const { return written_; }
  // Something was done to it that may keep an answer from arriving in time.
  [[nodiscard]] bool troubled() const { return troubled_; }

 private:
  friend class Kernel;
  struct Segment {
    Instant written, at;
    std::vector<std::uint8_t> bytes;
    bool fin;
  };
  struct Pipe {
    std::deque<Segment> on_the_way;
    std::size_t in_flight = 0;
    Instant last{}, stalled_until{};
    bool pump_scheduled = false;
    double corrupt = 0;
  };
  void enqueue(Direction direction, ByteSpan bytes, bool fin);
  void pump(Direction direction);
  void schedule_pump(Direction direction, Instant at);
  bool deliver(Direction direction, Segment& segment);
  void tell_peer_closed();
  void descriptor_closed();

  Kernel& kernel_;
  int number_;
  std::uint16_t port_;  // smppd's side dialled it, or listens on it
  std::shared_ptr<Peer> peer_;
  Network network_;
  Pipe pipes_[2];
  // smppd's side.
  int fd_ = -1;
  std::vector<std::uint8_t> unread_;
  std::size_t read_at_ = 0;
  bool connected_ = false, want_write_ = false, fin_seen_ = false, reset_seen_ = false, fd_gone_ = false;
  int error_ = 0;
  // Both.
  Instant written_{};
  bool reset_ = false, peer_gone_ = false, peer_finished_ = false, troubled_ = false;
};

class Kernel {
 public:
  explicit Kernel(std::uint64_t seed);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  // Of this thread; null: system calls are the real ones.
  static Kernel* current() noexcept;

  Random random;
  Network network;

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] WallTime wall_now() const { return wall_; }
  void move_wall_clock(Duration by) { wall_ += by; }
  void at(Instant when, std::function<void()> work);
  void after(Duration delay, std::function<void()> work) { at(now_ + delay, std::move(work)); }
  // Time passes without anything happening: a turn of a loop takes a while.
  void spend(Duration time);
  [[nodiscard]] Instant next_event() const { return events_.empty() ? Instant::max() : events_.top().when; }
  // Moves to `when` and does what is due.
  void advance(Instant when);

  // What smppd connects to; a port nobody answers refuses.
  using Answerer = std::function<std::shared_ptr<Peer>(std::shared_ptr<Wire>)>;
  enum class Site : std::uint8_t { kAnswers, kRefuses, kSwallows };
  void site(std::uint16_t port, Answerer answer) { answerers_[port] = std::move(answer); }
  void set_site(std::uint16_t port, Site state) { sites_[port] = state; }
  // A listening descriptor for smppd.
  [[nodiscard]] int listen(std::uint16_t port);
  // A peer connects to one of the descriptors that listen on `port`; null when none does.
  std::shared_ptr<Wire> dial(std::uint16_t port, std::shared_ptr<Peer> peer);
  // While above 0, that many calls to accept fail for want of descriptors.
  int accepts_to_fail = 0;

  // The loop whose epoll this is would sleep until then; the clock's now or earlier when it had something to do.
  [[nodiscard]] Instant asleep_until(unsigned loop) const { return epolls_.at(loop)->asleep_until; }
  [[nodiscard]] std::size_t open_descriptors() const { return files_.size(); }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::size_t events_so_far() const { return noted_; }
  void note(std::uint64_t value) noexcept;  // one more event of the trace
  // What peers see is printed, with its virtual time.
  bool verbose = false;
  void tell(int wire, const char* what, ByteSpan pdu) const;
  // A system call no correct program makes, such as reading a closed descriptor. Reported by the test.
  std::vector<std::string> misuses;

  // System calls.
  [[nodiscard]] bool owns(int fd) const { return fd >= kFirstFd; }
  int sys_socket();
  int sys_connect(int fd, std::uint16_t port);
  int sys_accept(int fd, sockaddr* address, socklen_t* length);
  ssize_t sys_recv(int fd, void* buffer, std::size_t size);
  ssize_t sys_send(int fd, const msghdr* message);
  int sys_close(int fd);
  int sys_epoll_create();
  int sys_epoll_ctl(int epoll, int operation, int fd, const epoll_event* event);
  int sys_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms);
  int sys_eventfd();
  ssize_t sys_eventfd_write(int fd);
  ssize_t sys_eventfd_read(int fd);
  int sys_getsockopt(int fd, int level, int name, void* value);
  int sys_getsockname(int fd, sockaddr* address, socklen_t* length);

 private:
  friend class Wire;
  static constexpr int kFirstFd = 100'000;
  struct File {
    enum class Kind : std::uint8_t { kSocket, kListener, kEpoll, kEvent } kind{};
    std::shared_ptr<Wire> wire;
    std::uint16_t port = 0;
    std::deque<std::shared_ptr<Wire>> backlog;
    bool signalled = false;
    unsigned epoll = 0;
  };
  struct Watch {
    epoll_event event;
    bool edge;
  };
  struct Epoll {
    std::map<int, Watch> watches;
    Instant asleep_until{};
  };
  struct Event {
    Instant when;
    std::uint64_t order;
    std::shared_ptr<std::function<void()>> work;
    bool operator<(const Event& other) const {  // the earliest is the top of the queue
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  int add_file(File file);
  File* file(int fd, const char* call);
  [[nodiscard]] std::uint32_t readiness(int fd);
  void edge(int fd);
  [[nodiscard]] Duration latency(const Network& how);

  Instant now_;
  WallTime wall_;
  std::uint64_t order_ = 0, hash_ = 0xCBF29CE484222325ULL;
  std::size_t noted_ = 0;
  int wires_ = 0;
  std::priority_queue<Event> events_;
  std::map<int, File> files_;
  std::vector<std::unique_ptr<Epoll>> epolls_;
  std::map<std::uint16_t, Answerer> answerers_;
  std::map<std::uint16_t, Site> sites_;
};

}  // namespace smppd::sim
