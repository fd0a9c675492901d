#include "tests/sim/kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <netinet/in.h>

namespace smppd::sim {

namespace {
thread_local Kernel* running = nullptr;

void write_address(std::uint16_t port, sockaddr* address, socklen_t* length) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  out.sin_port = htons(port);
  std::memcpy(address, &out, std::min<std::size_t>(sizeof out, *length));
  *length = sizeof out;
}
}  // namespace

Kernel::Kernel(std::uint64_t seed)
    : random(seed), now_(Instant(std::chrono::hours(1000))), wall_(WallTime(std::chrono::hours(24 * 365 * 58))) {
  running = this;
}

Kernel::~Kernel() { running = nullptr; }

Kernel* Kernel::current() noexcept { return running; }

void Kernel::note(std::uint64_t value) noexcept {
  hash_ = (hash_ ^ value) * 0x100000001B3ULL;
  hash_ = (hash_ ^ static_cast<std::uint64_t>(now_.time_since_epoch().count())) * 0x100000001B3ULL;
  ++noted_;
}

void Kernel::tell(int wire, const char* what, ByteSpan pdu) const {
  if (!verbose) return;
  const auto since = std::chrono::duration<double>(now_.time_since_epoch() - std::chrono::hours(1000));
  std::printf("%10.6f  wire %d %s", since.count(), wire, what);
  if (pdu.size() >= 16) {
    std::printf(" %08x status %x number %u", load_be<std::uint32_t>(pdu.data() + 4),
                load_be<std::uint32_t>(pdu.data() + 8), load_be<std::uint32_t>(pdu.data() + 12));
  }
  std::printf("\n");
  std::fflush(stdout);  // smppd's log has a thread of its own
}

void Kernel::at(Instant when, std::function<void()> work) {
  events_.push({std::max(when, now_), ++order_, std::make_shared<std::function<void()>>(std::move(work))});
}

void Kernel::spend(Duration time) {
  now_ += time;
  wall_ += time;
}

void Kernel::advance(Instant when) {
  while (!events_.empty() && events_.top().when <= when) {
    const auto work = events_.top().work;
    if (events_.top().when > now_) spend(events_.top().when - now_);
    events_.pop();
    (*work)();
  }
  if (when > now_) spend(when - now_);
}

Duration Kernel::latency(const Network& how) {
  return Duration(random.between(how.latency_min.count(), how.latency_max.count()));
}

int Kernel::add_file(File file) {
  int fd = kFirstFd;
  while (files_.contains(fd)) ++fd;  // the lowest that is free, as everywhere
  files_.emplace(fd, std::move(file));
  return fd;
}

Kernel::File* Kernel::file(int fd, const char* call) {
  const auto at = files_.find(fd);
  if (at != files_.end()) return &at->second;
  misuses.push_back(std::string(call) + " on descriptor " + std::to_string(fd - kFirstFd) + ", which is closed");
  errno = EBADF;
  return nullptr;
}

// What a descriptor is ready for right now.
std::uint32_t Kernel::readiness(int fd) {
  File& file = files_.at(fd);
  if (file.kind == File::Kind::kEvent) return file.signalled ? EPOLLIN : 0U;
  if (file.kind == File::Kind::kListener) return file.backlog.empty() ? 0U : EPOLLIN;
  if (file.wire == nullptr) return EPOLLOUT | EPOLLHUP;
  Wire& wire = *file.wire;
  std::uint32_t ready = 0;
  if (wire.read_at_ < wire.unread_.size() || wire.fin_seen_ || wire.reset_seen_) ready |= EPOLLIN;
  if (wire.fin_seen_ || wire.reset_seen_) ready |= EPOLLRDHUP;
  if (wire.reset_seen_) ready |= EPOLLHUP | EPOLLOUT;
  if (wire.error_ != 0) ready |= EPOLLERR | EPOLLHUP | EPOLLOUT;
  if (wire.connected_ && !wire.want_write_) ready |= EPOLLOUT;
  return ready;
}

void Kernel::edge(int fd) {
  if (fd < 0) return;
  for (auto& epoll : epolls_) {
    const auto at = epoll->watches.find(fd);
    if (at != epoll->watches.end()) at->second.edge = true;
  }
}

int Kernel::listen(std::uint16_t port) {
  File file;
  file.kind = File::Kind::kListener;
  file.port = port;
  return add_file(std::move(file));
}

std::shared_ptr<Wire> Kernel::dial(std::uint16_t port, std::shared_ptr<Peer> peer) {
  std::vector<int> listening;
  for (auto& [fd, file] : files_) {
    if (file.kind == File::Kind::kListener && file.port == port) listening.push_back(fd);
  }
  if (listening.empty()) return nullptr;
  const int fd = listening[random.below(listening.size())];
  auto wire = std::make_shared<Wire>(*this, ++wires_, port, std::move(peer), network);
  wire->connected_ = true;
  files_.at(fd).backlog.push_back(wire);
  edge(fd);
  after(latency(network), [wire] {
    if (!wire->peer_gone_) wire->peer_->on_open();
  });
  return wire;
}

int Kernel::sys_socket() { return add_file({}); }

int Kernel::sys_connect(int fd, std::uint16_t port) {
  File* socket = file(fd, "connect");
  if (socket == nullptr) return -1;
  const auto answerer = answerers_.find(port);
  const Site site = sites_.contains(port) ? sites_[port] : Site::kAnswers;
  auto wire = std::make_shared<Wire>(*this, ++wires_, port, nullptr, network);
  wire->fd_ = fd;
  socket->wire = wire;
  errno = EINPROGRESS;
  if (site == Site::kSwallows) return -1;
  if (site == Site::kRefuses || answerer == answerers_.end()) {
    after(latency(network), [this, wire] {
      if (wire->fd_gone_) return;
      wire->error_ = ECONNREFUSED;
      edge(wire->fd_);
    });
    return -1;
  }
  after(latency(network), [this, wire, answer = answerer->second] {
    if (wire->fd_gone_) return;
    wire->connected_ = true;
    wire->peer_ = answer(wire);
    edge(wire->fd_);
    wire->peer_->on_open();
  });
  return -1;
}

int Kernel::sys_accept(int fd, sockaddr* address, socklen_t* length) {
  File* listener = file(fd, "accept4");
  if (listener == nullptr) return -1;
  if (accepts_to_fail > 0) {
    --accepts_to_fail;
    errno = EMFILE;
    return -1;
  }
  if (listener->backlog.empty()) {
    errno = EAGAIN;
    return -1;
  }
  auto wire = listener->backlog.front();
  listener->backlog.pop_front();
  File accepted;
  accepted.wire = wire;
  wire->fd_ = add_file(std::move(accepted));
  write_address(static_cast<std::uint16_t>(20'000 + wire->number_ % 40'000), address, length);
  note(static_cast<std::uint64_t>(wire->number_));
  return wire->fd_;
}

ssize_t Kernel::sys_recv(int fd, void* buffer, std::size_t size) {
  File* socket = file(fd, "recv");
  if (socket == nullptr) return -1;
  Wire& wire = *socket->wire;
  const std::size_t there = wire.unread_.size() - wire.read_at_;
  if (there > 0) {
    const std::size_t count = std::min(there, size);
    std::memcpy(buffer, wire.unread_.data() + wire.read_at_, count);
    wire.read_at_ += count;
    if (wire.read_at_ == wire.unread_.size()) {
      wire.unread_.clear();
      wire.read_at_ = 0;
    }
    wire.schedule_pump(Wire::kToSmppd, now_);
    return static_cast<ssize_t>(count);
  }
  if (wire.error_ != 0) {
    errno = wire.error_;
    wire.error_ = 0;
    return -1;
  }
  if (wire.fin_seen_ || wire.reset_seen_) return 0;
  errno = EAGAIN;
  return -1;
}

ssize_t Kernel::sys_send(int fd, const msghdr* message) {
  File* socket = file(fd, "sendmsg");
  if (socket == nullptr) return -1;
  Wire& wire = *socket->wire;
  if (wire.error_ != 0 || wire.reset_seen_) {
    errno = wire.error_ != 0 ? wire.error_ : EPIPE;
    wire.error_ = 0;
    return -1;
  }
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
    const auto* begin = static_cast<const std::uint8_t*>(message->msg_iov[i].iov_base);
    bytes.insert(bytes.end(), begin, begin + message->msg_iov[i].iov_len);
  }
  Wire::Pipe& pipe = wire.pipes_[Wire::kToPeer];
  const std::size_t room = wire.network_.capacity - std::min(wire.network_.capacity, pipe.in_flight);
  std::size_t count = std::min(room, bytes.size());
  if (count > 1 && random.chance(wire.network_.partial_write)) count = 1 + random.below(count - 1);
  if (count < bytes.size()) {
    wire.want_write_ = true;
    if (count < room) {  // only this call was short: there is room again at once
      after(latency(wire.network_), [this, held = wire.shared_from_this()] {
        held->want_write_ = false;
        edge(held->fd_);
      });
    }
  }
  if (count == 0) {
    errno = EAGAIN;
    return -1;
  }
  bytes.resize(count);
  for (const std::uint8_t octet : bytes) hash_ = (hash_ ^ octet) * 0x100000001B3ULL;
  note(static_cast<std::uint64_t>(wire.number_) << 32 | count);
  wire.enqueue(Wire::kToPeer, bytes, false);
  return static_cast<ssize_t>(count);
}

int Kernel::sys_close(int fd) {
  File* found = file(fd, "close");
  if (found == nullptr) return -1;
  for (auto& epoll : epolls_) epoll->watches.erase(fd);
  const File closed = std::move(*found);
  files_.erase(fd);
  if (closed.wire != nullptr) closed.wire->descriptor_closed();
  for (const auto& wire : closed.backlog) wire->reset();
  return 0;
}

int Kernel::sys_epoll_create() {
  File epoll;
  epoll.kind = File::Kind::kEpoll;
  epoll.epoll = static_cast<unsigned>(epolls_.size());
  epolls_.push_back(std::make_unique<Epoll>());
  return add_file(std::move(epoll));
}

int Kernel::sys_epoll_ctl(int epoll, int operation, int fd, const epoll_event* event) {
  File* loop = file(epoll, "epoll_ctl");
  if (loop == nullptr || file(fd, "epoll_ctl") == nullptr) return -1;
  auto& watches = epolls_[loop->epoll]->watches;
  if (operation == EPOLL_CTL_DEL) {
    watches.erase(fd);
  } else {
    watches[fd] = {*event, readiness(fd) != 0};
  }
  return 0;
}

int Kernel::sys_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms) {
  Epoll& loop = *epolls_[files_.at(epoll).epoll];
  int count = 0;
  for (auto& [fd, watch] : loop.watches) {
    if (!watch.edge || count == most) continue;
    const std::uint32_t ready = readiness(fd) & (watch.event.events | EPOLLERR | EPOLLHUP);
    watch.edge = false;
    if (ready == 0) continue;
    events[count] = watch.event;
    events[count++].events = ready;
  }
  for (int i = count; i > 1; --i) std::swap(events[i - 1], events[random.below(static_cast<std::uint64_t>(i))]);
  loop.asleep_until = count > 0 || timeout_ms == 0 ? now_ : now_ + std::chrono::milliseconds(timeout_ms);
  return count;
}

int Kernel::sys_eventfd() {
  File event;
  event.kind = File::Kind::kEvent;
  return add_file(std::move(event));
}

ssize_t Kernel::sys_eventfd_write(int fd) {
  File* event = file(fd, "write");
  if (event == nullptr) return -1;
  event->signalled = true;
  edge(fd);
  return 8;
}

ssize_t Kernel::sys_eventfd_read(int fd) {
  File* event = file(fd, "read");
  if (event == nullptr) return -1;
  event->signalled = false;
  return 8;
}

int Kernel::sys_getsockopt(int fd, int, int, void* value) {
  File* socket = file(fd, "getsockopt");
  if (socket == nullptr) return -1;
  const int error = socket->wire == nullptr ? 0 : socket->wire->error_;
  std::memcpy(value, &error, sizeof error);
  if (socket->wire != nullptr) socket->wire->error_ = 0;
  return 0;
}

int Kernel::sys_getsockname(int fd, sockaddr* address, socklen_t* length) {
  File* socket = file(fd, "getsockname");
  if (socket == nullptr) return -1;
  write_address(socket->port, address, length);
  return 0;
}

}  // namespace smppd::sim
