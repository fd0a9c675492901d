#include "http/fetch.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace smppd::http {

namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
using Tcp = net::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::uint64_t kMaxBody = 256ULL * 1024 * 1024;

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}
std::string shown(const Fetch& request) { return host_and_port(request.host, request.port); }

class Exchange {
 public:
  explicit Exchange(const Fetch& wanted) : stream_(loop_) {
    request_.method_string(wanted.method);
    request_.target(wanted.target);
    request_.version(11);
    request_.set(beast::http::field::connection, "close");
    request_.set(beast::http::field::content_length, "0");
    if (wanted.credentials) request_.set(beast::http::field::authorization, basic_auth(*wanted.credentials));
    answer_.body_limit(kMaxBody);
  }

  // Whether somebody listens there.
  bool connect(const Fetch& wanted) {
    ErrorCode error;
    Tcp::resolver resolver(loop_);
    const auto addresses = resolver.resolve(wanted.host, std::to_string(wanted.port), error);
    if (error) return false;
    stream_.expires_after(wanted.patience);
    stream_.async_connect(addresses, [&](const ErrorCode& result, const auto&) { error = result; });
    run();
    if (error) return false;
    // The address that was reached, not the name it was asked by: smppd without a password trusts no name (a page in a
    // browser may have pointed one here).
    const auto reached = stream_.socket().remote_endpoint(error);
    request_.set(beast::http::field::host, host_and_port(reached.address().to_string(), reached.port()));
    return !error;
  }

  // Whether an answer came, whole.
  bool exchange() {
    ErrorCode error;
    beast::http::async_write(stream_, request_, [&](const ErrorCode& result, std::size_t) { error = result; });
    run();
    // What refuses a request may answer before it has read it.
    beast::http::async_read(stream_, buffer_, answer_, [&](const ErrorCode& result, std::size_t) { error = result; });
    run();
    return !error && answer_.is_done();
  }

  [[nodiscard]] Response take() {
    auto message = answer_.release();
    Response response;
    response.status = static_cast<int>(message.result_int());
    response.content_type = std::string(message[beast::http::field::content_type]);
    response.body = std::move(message.body());
    return response;
  }

 private:
  void run() {
    loop_.restart();
    loop_.run();
  }

  net::io_context loop_{1};
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  beast::http::request<beast::http::empty_body> request_;
  beast::http::response_parser<beast::http::string_body> answer_;
};

}  // namespace

Fallible<Response> fetch(const Fetch& request) {
  Exchange exchange(request);
  if (!exchange.connect(request)) return failure("nothing answers at " + shown(request));
  if (!exchange.exchange()) return failure("no whole answer came from " + shown(request));
  return exchange.take();
}

}  // namespace smppd::http
