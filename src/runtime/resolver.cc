#include "runtime/resolver.h"

#include <cstring>
#include <memory>

#include <netdb.h>

namespace smppd::runtime {

Resolver::Resolver() : thread_([this] { work(); }) {}

Resolver::~Resolver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Resolver::resolve(std::string host, std::uint16_t port, Answer answer) {
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back({std::move(host), port, std::move(answer)});
  }
  changed_.notify_one();
}

Fallible<std::vector<SocketAddress>> Resolver::lookup(const std::string& host, std::uint16_t port) {
  if (auto literal = IpAddress::parse(host)) return std::vector{SocketAddress{*literal, port}};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return failure("cannot resolve " + host + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, at->ai_addr, at->ai_addrlen);
    SocketAddress address = SocketAddress::from(storage);
    address.port = port;
    addresses.push_back(address);
  }
  return addresses;
}

void Resolver::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !questions_.empty(); });
    if (stopping_) return;
    Question question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    question.answer(lookup(question.host, question.port));
    lock.lock();
  }
}

}  // namespace smppd::runtime
