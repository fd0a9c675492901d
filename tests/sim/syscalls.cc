// The linker gives every call of these functions in smppd's objects to __wrap_NAME (CMakeLists.txt has the list). With
// a Kernel on this thread they are simulated, otherwise the real ones. A call that is not in the list but should be
// shows at once: it is given a descriptor the real kernel does not know.
#include <cerrno>
#include <chrono>
#include <cstring>
#include <functional>
#include <random>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/resolver.h"
#include "tests/sim/kernel.h"

using smppd::sim::Kernel;

namespace {

// The simulation that a call on this descriptor belongs to, if any.
Kernel* of(int fd) noexcept {
  Kernel* kernel = Kernel::current();
  return kernel != nullptr && kernel->owns(fd) ? kernel : nullptr;
}

std::uint16_t port_of(const sockaddr* address) noexcept {
  sockaddr_in in{};
  std::memcpy(&in, address, sizeof in);  // the port lies at the same place in a sockaddr_in6
  return ntohs(in.sin_port);
}

}  // namespace

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's own names
int __real_socket(int, int, int);
int __real_connect(int, const sockaddr*, socklen_t);
int __real_accept4(int, sockaddr*, socklen_t*, int);
ssize_t __real_recv(int, void*, size_t, int);
ssize_t __real_sendmsg(int, const msghdr*, int);
int __real_close(int);
ssize_t __real_read(int, void*, size_t);
ssize_t __real_write(int, const void*, size_t);
int __real_epoll_create1(int);
int __real_epoll_ctl(int, int, int, epoll_event*);
int __real_epoll_wait(int, epoll_event*, int, int);
int __real_eventfd(unsigned, int);
int __real_getsockopt(int, int, int, void*, socklen_t*);
int __real_setsockopt(int, int, int, const void*, socklen_t);
int __real_getsockname(int, sockaddr*, socklen_t*);

int __wrap_socket(int family, int type, int protocol) {
  Kernel* kernel = Kernel::current();
  return kernel != nullptr ? kernel->sys_socket() : __real_socket(family, type, protocol);
}

int __wrap_connect(int fd, const sockaddr* address, socklen_t length) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_connect(fd, port_of(address)) : __real_connect(fd, address, length);
}

int __wrap_accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_accept(fd, address, length) : __real_accept4(fd, address, length, flags);
}

ssize_t __wrap_recv(int fd, void* buffer, size_t size, int flags) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_recv(fd, buffer, size) : __real_recv(fd, buffer, size, flags);
}

ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_send(fd, message) : __real_sendmsg(fd, message, flags);
}

int __wrap_close(int fd) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_close(fd) : __real_close(fd);
}

ssize_t __wrap_read(int fd, void* buffer, size_t size) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_eventfd_read(fd) : __real_read(fd, buffer, size);
}

ssize_t __wrap_write(int fd, const void* buffer, size_t size) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_eventfd_write(fd) : __real_write(fd, buffer, size);
}

int __wrap_epoll_create1(int flags) {
  Kernel* kernel = Kernel::current();
  return kernel != nullptr ? kernel->sys_epoll_create() : __real_epoll_create1(flags);
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, epoll_event* event) {
  Kernel* kernel = of(epoll);
  return kernel != nullptr ? kernel->sys_epoll_ctl(epoll, operation, fd, event)
                           : __real_epoll_ctl(epoll, operation, fd, event);
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms) {
  Kernel* kernel = of(epoll);
  return kernel != nullptr ? kernel->sys_epoll_wait(epoll, events, most, timeout_ms)
                           : __real_epoll_wait(epoll, events, most, timeout_ms);
}

int __wrap_eventfd(unsigned value, int flags) {
  Kernel* kernel = Kernel::current();
  return kernel != nullptr ? kernel->sys_eventfd() : __real_eventfd(value, flags);
}

int __wrap_getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_getsockopt(fd, level, name, value)
                           : __real_getsockopt(fd, level, name, value, length);
}

int __wrap_setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  return of(fd) != nullptr ? 0 : __real_setsockopt(fd, level, name, value, length);
}

int __wrap_getsockname(int fd, sockaddr* address, socklen_t* length) {
  Kernel* kernel = of(fd);
  return kernel != nullptr ? kernel->sys_getsockname(fd, address, length) : __real_getsockname(fd, address, length);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

}  // extern "C"

// The same for C++ functions, by the names the linker knows them by; a member function takes its object first.
#define RESOLVE                                                                                                        \
  "_ZN5smppd7runtime8Resolver7resolveENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEtSt8functionIFvSt8expectedI" \
  "St6vectorINS0_13SocketAddressESaISB_EES7_EEE"

namespace smppd::sim {

using Steady = std::chrono::steady_clock::time_point;
using Wall = std::chrono::system_clock::time_point;

Steady real_steady_now() asm("__real__ZNSt6chrono3_V212steady_clock3nowEv");
Wall real_wall_now() asm("__real__ZNSt6chrono3_V212system_clock3nowEv");
unsigned real_random(std::random_device*) asm("__real__ZNSt13random_device9_M_getvalEv");
void real_resolve(runtime::Resolver*, std::string, std::uint16_t, runtime::Resolver::Answer) asm("__real_" RESOLVE);

Steady steady_now() asm("__wrap__ZNSt6chrono3_V212steady_clock3nowEv");
Wall wall_now() asm("__wrap__ZNSt6chrono3_V212system_clock3nowEv");
unsigned random_value(std::random_device*) asm("__wrap__ZNSt13random_device9_M_getvalEv");
void resolve(runtime::Resolver*, std::string, std::uint16_t, runtime::Resolver::Answer) asm("__wrap_" RESOLVE);

Steady steady_now() {
  Kernel* kernel = Kernel::current();
  return kernel != nullptr ? kernel->now() : real_steady_now();
}

Wall wall_now() {
  Kernel* kernel = Kernel::current();
  return kernel != nullptr ? kernel->wall_now() : real_wall_now();
}

unsigned random_value(std::random_device* device) {
  Kernel* kernel = Kernel::current();
  return kernel != nullptr ? static_cast<unsigned>(kernel->random.next()) : real_random(device);
}

// A thread of its own would answer at a time that no seed decides.
void resolve(runtime::Resolver* resolver, std::string host, std::uint16_t port, runtime::Resolver::Answer answer) {
  Kernel* kernel = Kernel::current();
  if (kernel == nullptr) {
    real_resolve(resolver, std::move(host), port, std::move(answer));
    return;
  }
  kernel->after(Duration(static_cast<Duration::rep>(kernel->random.below(2'000'000))),
                [host, port, answer = std::move(answer)] { answer(runtime::Resolver::lookup(host, port)); });
}

}  // namespace smppd::sim
