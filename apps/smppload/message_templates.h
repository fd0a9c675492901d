// Requests encoded once at start; sending one is a copy and a few patched octets. One object per worker.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "smppload/options.h"
#include "toolkit/random.h"

namespace smppd::load {

class MessageTemplates {
 public:
  // The sentence says which option makes the message impossible.
  [[nodiscard]] static Fallible<MessageTemplates> make(const Options& options, std::uint64_t seed);

  // Requests that make up one message.
  [[nodiscard]] unsigned parts() const noexcept { return parts_; }
  // Octets that write() may write.
  [[nodiscard]] std::size_t max_size() const noexcept { return max_size_; }

  // One message: parts() requests, numbered by `sequences`.
  struct Written {
    std::size_t octets = 0;
    bool data_sm = false;
  };
  Written write(std::uint8_t* out, const std::uint32_t* sequences) noexcept;

 private:
  struct Part {
    std::vector<std::uint8_t> bytes;
    std::size_t destination_at = 0;
    std::size_t destination_size = 0;  // of the placeholder, without NUL
    std::size_t reference_at = 0;      // of the concatenation's reference, 0 when single
  };
  struct Plan;
  Fallible<void> encode_parts(const Plan& plan, bool data_sm, std::vector<Part>& out);
  std::size_t write_part(const Part& part, std::uint8_t* out, std::uint32_t sequence,
                         std::string_view destination) noexcept;

  std::vector<Part> submit_;
  std::vector<Part> data_;
  unsigned parts_ = 1;
  std::size_t max_size_ = 0;
  double data_share_ = 0;
  const MessageOptions* options_ = nullptr;
  bool fixed_destination_ = true;
  bool same_size_ = true;
  std::uint64_t number_ = 0;
  std::uint8_t reference_ = 0;
  toolkit::Random random_{0};
};

}  // namespace smppd::load
