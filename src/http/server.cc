#include "http/server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <ctime>
#include <optional>
#include <thread>
#include <tuple>
#include <unordered_set>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <pthread.h>

#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace smppd::http {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using Tcp = net::ip::tcp;
using Executor = net::io_context::executor_type;
using Stream = beast::basic_stream<Tcp, Executor>;
using Acceptor = net::basic_socket_acceptor<Tcp, Executor>;
using Socket = net::basic_stream_socket<Tcp, Executor>;
using Timer =
    net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>, Executor>;
using ErrorCode = boost::system::error_code;

constexpr telemetry::Logger kLog{"http"};
constexpr std::size_t kReadStep = 4096;
constexpr std::size_t kLingerBytes = 1024 * 1024;
constexpr auto kLinger = std::chrono::seconds(1);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

using telemetry::MetricKind;
constexpr telemetry::MetricDescription kRequests{"smppd_http_requests_total", MetricKind::kCounter,
                                                 "Requests answered, by listener and class of status."};
constexpr telemetry::MetricDescription kRefused{
    "smppd_http_refused_total", MetricKind::kCounter,
    "Connections or requests refused before a handler saw them, by listener and reason."};
constexpr telemetry::MetricDescription kConnections{"smppd_http_connections_active", MetricKind::kGauge,
                                                    "Open connections, by listener."};

// Written by the server's thread, read by any.
struct Counters {
  std::array<std::atomic<std::uint64_t>, 6> answered{};  // by first digit of the status
  std::atomic<std::uint64_t> malformed{0};
  std::atomic<std::uint64_t> too_large{0};
  std::atomic<std::uint64_t> timed_out{0};
  std::atomic<std::uint64_t> over_limit{0};
  std::atomic<std::int64_t> connections{0};
};

void count(std::atomic<std::uint64_t>& counter) noexcept { counter.fetch_add(1, std::memory_order_relaxed); }

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 40> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

// Our own headers only; a line break in a value would be a second header.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  for (const char c : value) out += c == '\r' || c == '\n' ? ' ' : c;
  out += "\r\n";
}

Peer peer_of(const Socket& socket) {
  ErrorCode ignored;
  auto address = socket.remote_endpoint(ignored).address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
  }
  return {address.to_string(), address.is_loopback()};
}

}  // namespace

class Session;

struct ServerCore : std::enable_shared_from_this<ServerCore> {
  ServerCore(ServerOptions o, AsyncHandler h) : options(std::move(o)), handler(std::move(h)) {}

  Fallible<void> listen();
  void run() noexcept;
  void accept();
  void admit(Socket socket);
  bool close_longest_idle();
  void drain();
  void session_gone();

  const ServerOptions options;
  const AsyncHandler handler;
  Counters counters;
  std::unordered_set<Session*> sessions;  // outlives the context, whose handlers own them
  std::uint16_t port = 0;
  bool running = false;
  bool draining = false;
  net::io_context context{1};
  Acceptor acceptor{context};
  Timer timer{context};  // pause after a failed accept, later the drain's end
  std::thread thread;
};

// One connection; owned by the operation it waits for. Server's thread only.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(ServerCore& core, Socket socket);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  void wait_for_request();
  void reply(std::uint64_t request, Response response);
  void close();
  [[nodiscard]] bool idle() const noexcept { return idle_; }
  [[nodiscard]] std::chrono::steady_clock::time_point idle_since() const noexcept { return idle_since_; }

 private:
  void read_header();
  void on_header(ErrorCode error);
  void read_body();
  void on_request();
  void dispatch(Request request);
  void refuse(ErrorCode problem);
  void refuse(int status, std::string_view error, std::string_view hint);
  void send(Response response, bool keep_alive);
  void on_sent(ErrorCode error);
  void linger(std::size_t discarded);

  ServerCore& core_;
  Stream stream_;
  Timer reply_timer_;
  Peer peer_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  std::string head_;
  std::string body_;
  std::uint64_t request_ = 0;  // number of the request that waits for its reply
  bool waiting_ = false;
  bool idle_ = false;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool refused_ = false;  // the rest of the input is not to be read as requests
  std::chrono::steady_clock::time_point idle_since_;
};

namespace {

// What all copies of one Reply share.
class Once {
 public:
  Once(std::shared_ptr<ServerCore> core, std::weak_ptr<Session> session, std::uint64_t request)
      : core_(std::move(core)), session_(std::move(session)), request_(request) {}
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;
  ~Once() { answer(error_response(500, "the request was dropped without an answer")); }

  void answer(Response response) noexcept;

 private:
  std::shared_ptr<ServerCore> core_;
  std::weak_ptr<Session> session_;
  std::uint64_t request_;
  std::atomic<bool> used_{false};
};

}  // namespace

Session::Session(ServerCore& core, Socket socket)
    : core_(core),
      stream_(std::move(socket)),
      reply_timer_(core.context),
      peer_(peer_of(stream_.socket())),
      buffer_(core.options.max_header + kReadStep) {
  core_.sessions.insert(this);
  core_.counters.connections.fetch_add(1, std::memory_order_relaxed);
}

Session::~Session() {
  core_.sessions.erase(this);
  core_.counters.connections.fetch_sub(1, std::memory_order_relaxed);
  core_.session_gone();
}

void Session::close() {
  idle_ = false;
  waiting_ = false;
  reply_timer_.cancel();
  stream_.close();
}

void Session::wait_for_request() {
  if (core_.draining) return close();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(core_.options.max_header));
  parser_->body_limit(core_.options.max_body);
  if (buffer_.size() > 0) return read_header();
  idle_ = true;
  idle_since_ = std::chrono::steady_clock::now();
  stream_.expires_after(core_.options.idle_timeout);
  stream_.async_read_some(buffer_.prepare(kReadStep), [self = shared_from_this()](ErrorCode error, std::size_t size) {
    self->idle_ = false;
    if (error) return self->close();
    self->buffer_.commit(size);
    self->read_header();
  });
}

void Session::read_header() {
  stream_.expires_after(core_.options.request_timeout);
  beast::http::async_read_header(stream_, buffer_, *parser_,
                                 [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_header(error); });
}

void Session::on_header(ErrorCode error) {
  if (error) return refuse(error);
  const auto& message = parser_->get();
  if (!equal_ignoring_case(std::string_view(message[beast::http::field::expect]), "100-continue")) return read_body();
  static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
  net::async_write(stream_, net::buffer(kGoOn), [self = shared_from_this()](ErrorCode failed, std::size_t) {
    if (failed) return self->close();
    self->read_body();
  });
}

void Session::read_body() {
  beast::http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](ErrorCode error, std::size_t) {
    if (error) return self->refuse(error);
    self->on_request();
  });
}

void Session::refuse(ErrorCode problem) {
  using beast::http::error;
  if (problem == beast::error::timeout) count(core_.counters.timed_out);
  const bool about_http = problem.category() == beast::http::make_error_code(error::bad_method).category();
  if (!about_http || problem == error::end_of_stream || problem == error::partial_message) return close();
  if (problem == error::header_limit || problem == error::buffer_overflow) {
    return refuse(431, "the request line and headers are too large",
                  "the limit is " + std::to_string(core_.options.max_header) + " octets");
  }
  if (problem == error::body_limit) {
    return refuse(413, "the body is too large", "the limit is " + std::to_string(core_.options.max_body) + " octets");
  }
  if (problem == error::bad_version) return refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here", {});
  refuse(400, "this is not an HTTP request: " + problem.message(), {});
}

void Session::refuse(int status, std::string_view error, std::string_view hint) {
  count(status == 413 || status == 431 ? core_.counters.too_large : core_.counters.malformed);
  refused_ = true;
  head_only_ = false;
  send(error_response(status, error, hint), false);
}

void Session::on_request() {
  auto message = parser_->release();
  keep_alive_ = message.keep_alive();
  Request request;
  request.method = std::string(message.method_string());
  request.peer = peer_;
  request.body = std::move(message.body());
  std::string_view target(message.target());
  if (target.starts_with("http://")) {  // absolute form: RFC 9112 §3.2.2 asks servers to take it
    const std::size_t slash = target.find('/', 7);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  if (target == "*" && request.method == "OPTIONS") target = "/";
  if (!target.starts_with('/')) return refuse(400, "the request's target must be a path", "begin it with /");
  target = target.substr(0, target.find('#'));
  const std::size_t question = target.find('?');
  request.path = std::string(target.substr(0, question));
  if (question != std::string_view::npos) request.query = std::string(target.substr(question + 1));
  std::size_t hosts = 0;
  for (const auto& field : message) {
    hosts += field.name() == beast::http::field::host ? 1 : 0;
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) {
    return refuse(400, "an HTTP/1.1 request must have one Host header", {});
  }
  dispatch(std::move(request));
}

void Session::dispatch(Request request) {
  head_only_ = request.method == "HEAD";
  waiting_ = true;
  const std::uint64_t number = ++request_;
  kLog.debug(
      "request",
      {{"listener", core_.options.name}, {"peer", peer_.address}, {"method", request.method}, {"path", request.path}});
  stream_.expires_never();
  reply_timer_.expires_after(core_.options.reply_timeout);
  reply_timer_.async_wait([self = shared_from_this(), number](ErrorCode error) {
    if (error || !self->waiting_ || self->request_ != number) return;
    count(self->core_.counters.timed_out);
    self->reply(number, error_response(503, "the answer took too long", "try again"));
  });
  const auto once = std::make_shared<Once>(core_.shared_from_this(), weak_from_this(), number);
  const Reply reply = [once](Response response) { once->answer(std::move(response)); };
  try {
    core_.handler(std::move(request), reply);
  } catch (const std::exception& problem) {
    kLog.error("a handler failed", {{"listener", core_.options.name}, {"problem", problem.what()}});
    reply(error_response(500, "internal error", "see smppd's log"));
  }
}

void Once::answer(Response response) noexcept {
  if (used_.exchange(true)) return;
  try {
    net::post(core_->context, [session = session_, number = request_, response = std::move(response)]() mutable {
      if (const auto alive = session.lock()) alive->reply(number, std::move(response));
    });
  } catch (const std::exception& problem) {
    kLog.error("a reply was lost", {{"problem", problem.what()}});
  }
}

void Session::reply(std::uint64_t request, Response response) {
  if (!waiting_ || request != request_) return;
  waiting_ = false;
  reply_timer_.cancel();
  send(std::move(response), keep_alive_ && !core_.draining);
}

void Session::send(Response response, bool keep_alive) {
  const auto digit = static_cast<std::size_t>(std::clamp(response.status / 100, 0, 5));
  count(core_.counters.answered[digit]);
  keep_alive_ = keep_alive;
  head_ = "HTTP/1.1 " + std::to_string(response.status) + " ";
  head_ += reason_phrase(response.status);
  head_ += "\r\n";
  append_header(head_, "Date", http_date());
  for (const auto& [name, value] : response.headers) append_header(head_, name, value);
  if (!response.body.empty()) append_header(head_, "Content-Type", response.content_type);
  if (response.status != 204 && response.status != 304) {
    append_header(head_, "Content-Length", std::to_string(response.body.size()));
  }
  append_header(head_, "Connection", keep_alive ? "keep-alive" : "close");
  head_ += "\r\n";
  body_ = head_only_ ? std::string() : std::move(response.body);
  stream_.expires_after(core_.options.write_timeout);
  net::async_write(stream_, std::array{net::const_buffer(net::buffer(head_)), net::const_buffer(net::buffer(body_))},
                   [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_sent(error); });
}

void Session::on_sent(ErrorCode error) {
  body_ = {};
  if (error) {
    if (error == beast::error::timeout) count(core_.counters.timed_out);
    return close();
  }
  if (keep_alive_) return wait_for_request();
  ErrorCode ignored;
  std::ignore = stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
  if (!refused_) return close();
  stream_.expires_after(kLinger);
  buffer_.clear();
  linger(0);
}

// Reads on after a refusal: closing with unread input would reset the connection and take the answer with it.
void Session::linger(std::size_t discarded) {
  if (discarded > kLingerBytes) return close();
  stream_.async_read_some(buffer_.prepare(kReadStep),
                          [self = shared_from_this(), discarded](ErrorCode error, std::size_t size) {
                            if (error) return self->close();
                            self->linger(discarded + size);
                          });
}

Fallible<void> ServerCore::listen() {
  const std::string shown = (options.address.empty() ? "*" : options.address) + ":" + std::to_string(options.port);
  const auto explain = [&](const ErrorCode& error) {
    std::string text = "cannot listen on " + shown + " (" + options.name + "): " + error.message();
    if (error == net::error::address_in_use) text += "; another process has this port, stop it or";
    if (error == net::error::access_denied) text += "; ports below 1024 need CAP_NET_BIND_SERVICE, grant it or";
    return text + (text.ends_with(" or") ? " change " : "; change ") + options.address_option;
  };
  ErrorCode error;
  std::vector<Tcp::endpoint> candidates;
  if (options.address.empty()) {
    candidates = {{Tcp::v6(), options.port}, {Tcp::v4(), options.port}};
  } else {
    Tcp::resolver resolver(context);
    const auto flags = Tcp::resolver::passive | Tcp::resolver::numeric_service;
    const auto found = resolver.resolve(options.address, std::to_string(options.port), flags, error);
    if (error) return failure(explain(error));
    for (const auto& entry : found) candidates.push_back(entry.endpoint());
  }
  for (const Tcp::endpoint& endpoint : candidates) {
    std::ignore = acceptor.close(error);
    if (acceptor.open(endpoint.protocol(), error)) continue;
    std::ignore = acceptor.set_option(Acceptor::reuse_address(true), error);
    if (endpoint.address().is_v6()) {
      std::ignore = acceptor.set_option(net::ip::v6_only(false), error);
    }
    if (!acceptor.bind(endpoint, error) && !acceptor.listen(net::socket_base::max_listen_connections, error)) {
      port = acceptor.local_endpoint().port();
      return {};
    }
    if (error == net::error::address_in_use || error == net::error::access_denied) break;
  }
  return failure(explain(error));
}

void ServerCore::run() noexcept {
  pthread_setname_np(pthread_self(), "smppd-http");
  running = true;
  accept();
  while (running) {
    try {
      context.run();
      running = false;
    } catch (const std::exception& problem) {
      kLog.error("the server's loop recovered", {{"listener", options.name}, {"problem", problem.what()}});
    }
  }
}

void ServerCore::accept() {
  acceptor.async_accept([this](ErrorCode error, Socket socket) {
    if (draining) return;
    if (!error) {
      admit(std::move(socket));
      return accept();
    }
    kLog.warn("cannot accept a connection", {{"listener", options.name}, {"problem", error.message()}});
    timer.expires_after(kAcceptPause);
    timer.async_wait([this](ErrorCode) {
      if (!draining) accept();
    });
  });
}

void ServerCore::admit(Socket socket) {
  ErrorCode ignored;
  if (sessions.size() >= options.max_connections && !close_longest_idle()) {
    count(counters.over_limit);
    static constexpr std::string_view kBusy =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    std::ignore = socket.non_blocking(true, ignored);
    std::ignore = socket.write_some(net::buffer(kBusy), ignored);
    std::ignore = socket.shutdown(Tcp::socket::shutdown_send, ignored);
    return;
  }
  std::ignore = socket.set_option(Tcp::no_delay(true), ignored);
  std::make_shared<Session>(*this, std::move(socket))->wait_for_request();
}

bool ServerCore::close_longest_idle() {
  Session* oldest = nullptr;
  for (Session* session : sessions) {
    if (session->idle() && (oldest == nullptr || session->idle_since() < oldest->idle_since())) oldest = session;
  }
  if (oldest == nullptr) return false;
  oldest->close();
  return true;
}

void ServerCore::drain() {
  draining = true;
  ErrorCode ignored;
  std::ignore = acceptor.close(ignored);
  for (Session* session : sessions) {
    if (session->idle()) session->close();
  }
  if (sessions.empty()) {
    timer.cancel();
    return;
  }
  timer.expires_after(options.drain_timeout);
  timer.async_wait([this](ErrorCode error) {
    if (error) return;
    for (Session* session : sessions) session->close();
  });
}

void ServerCore::session_gone() {
  if (running && draining && sessions.empty()) timer.cancel();
}

Server::Server(std::shared_ptr<ServerCore> core) : core_(std::move(core)) {}

Server::~Server() { stop(); }

Fallible<std::unique_ptr<Server>> Server::start(ServerOptions options, AsyncHandler handler) {
  auto core = std::make_shared<ServerCore>(std::move(options), std::move(handler));
  if (auto listening = core->listen(); !listening) return std::unexpected(listening.error());
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the control thread
  core->thread = std::thread([raw = core.get()] { raw->run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return std::unique_ptr<Server>(new Server(std::move(core)));
}

std::uint16_t Server::port() const noexcept { return core_->port; }

void Server::begin_stop() noexcept {
  net::post(core_->context, [core = core_.get()] {
    if (!core->draining) core->drain();
  });
}

void Server::stop() noexcept {
  if (!core_->thread.joinable()) return;
  begin_stop();
  core_->thread.join();
}

void Server::post(std::function<void()> work) { net::post(core_->context, std::move(work)); }

void Server::collect(telemetry::Collector& collector) const {
  const Counters& counters = core_->counters;
  const std::string& name = core_->options.name;
  const auto read = [](const auto& counter) { return static_cast<double>(counter.load(std::memory_order_relaxed)); };
  for (std::size_t digit = 1; digit < counters.answered.size(); ++digit) {
    const double answered = read(counters.answered[digit]);
    if (answered > 0) collector.add(kRequests, answered, {{"listener", name}, {"class", std::to_string(digit) + "xx"}});
  }
  collector.add(kRefused, read(counters.malformed), {{"listener", name}, {"reason", "malformed"}});
  collector.add(kRefused, read(counters.too_large), {{"listener", name}, {"reason", "too_large"}});
  collector.add(kRefused, read(counters.timed_out), {{"listener", name}, {"reason", "timeout"}});
  collector.add(kRefused, read(counters.over_limit), {{"listener", name}, {"reason", "connection_limit"}});
  collector.add(kConnections, read(counters.connections), {{"listener", name}});
}

}  // namespace smppd::http
