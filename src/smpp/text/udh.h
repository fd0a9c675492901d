// The user data header at the front of short_message or message_payload when esm_class says so (UDHI, 0x40): a length
// octet and a list of information elements, 3GPP TS 23.040 §9.2.3.24.
//
// UserDataHeader is a view into the message it was parsed from; UdhBuilder holds its own 140 octets. Noexcept, no
// allocation, any thread. Unknown elements are kept as they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "smpp/text/gsm7.h"

namespace smppd::smpp {

namespace iei {
inline constexpr std::uint8_t kConcat8 = 0x00;
inline constexpr std::uint8_t kPorts8 = 0x04;
inline constexpr std::uint8_t kPorts16 = 0x05;
inline constexpr std::uint8_t kConcat16 = 0x08;
inline constexpr std::uint8_t kSingleShift = 0x24;
inline constexpr std::uint8_t kLockingShift = 0x25;
}  // namespace iei

struct InformationElement {
  std::uint8_t id = 0;
  ByteSpan data;  // lives as long as the message
};

// One part's place in a long message. Invariant of what parsing yields: 1 <= part <= total.
struct Concat {
  std::uint16_t ref = 0;
  std::uint8_t total = 1;
  std::uint8_t part = 1;
  bool is16 = false;  // a 16-bit reference; never equal to an 8-bit one of the same value
  bool operator==(const Concat&) const noexcept = default;
};

struct Ports {
  std::uint16_t destination = 0;
  std::uint16_t source = 0;
  bool is16 = true;
  bool operator==(const Ports&) const noexcept = default;
};

class UserDataHeader {
 public:
  // nullopt when the elements do not fill the announced length exactly or it exceeds the message: the message is then
  // not what its esm_class says (ESME_RINVMSGLEN or treat it as text, as the caller prefers).
  [[nodiscard]] static std::optional<UserDataHeader> parse(ByteSpan user_data) noexcept;

  // Octets of the header with its length octet: where the text starts.
  [[nodiscard]] std::size_t octets() const noexcept { return elements_.size() + 1; }

  class Iterator {
   public:
    Iterator(ByteSpan elements, std::size_t at) noexcept : elements_(elements), at_(at) {}
    InformationElement operator*() const noexcept {
      return {elements_[at_], elements_.subspan(at_ + 2, elements_[at_ + 1])};
    }
    Iterator& operator++() noexcept {
      at_ += 2U + elements_[at_ + 1];
      return *this;
    }
    bool operator==(const Iterator& other) const noexcept { return at_ == other.at_; }

   private:
    ByteSpan elements_;
    std::size_t at_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {elements_, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {elements_, elements_.size()}; }

  // The last element of that id: a repeated element overrides the earlier one (§9.2.3.24).
  [[nodiscard]] std::optional<InformationElement> find(std::uint8_t id) const noexcept;

  // Elements whose content the specification says to ignore (part 0, part > total, total 0, wrong length) count as
  // absent.
  [[nodiscard]] std::optional<Concat> concat() const noexcept;
  [[nodiscard]] std::optional<Ports> ports() const noexcept;
  [[nodiscard]] Gsm7Tables languages() const noexcept;

 private:
  explicit UserDataHeader(ByteSpan elements) noexcept : elements_(elements) {}
  ByteSpan elements_;
};

// Collects elements; bytes() is the header with its length octet, or nothing while no element was added.
class UdhBuilder {
 public:
  static constexpr std::size_t kMaxOctets = 140;

  // False, and nothing changes, when the header would exceed 140 octets.
  bool add(std::uint8_t id, ByteSpan data) noexcept;
  bool add(const Concat& concat) noexcept;
  bool add(const Ports& ports) noexcept;
  // Adds an element for each table that is not the default one.
  bool add(Gsm7Tables tables) noexcept;
  // Copies every element but those of concatenation: to move a message from UDH to SAR or renumber its parts.
  bool add_all_but_concat(const UserDataHeader& header) noexcept;

  [[nodiscard]] ByteSpan bytes() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<std::uint8_t, kMaxOctets> bytes_{};
  std::size_t size_ = 0;
};

// Values of the TLVs sar_msg_ref_num (0x020C), sar_total_segments (0x020E) and sar_segment_seqnum (0x020F).
struct SarTlvs {
  std::uint16_t ref_num = 0;
  std::uint8_t total_segments = 1;
  std::uint8_t segment_seqnum = 1;
  bool operator==(const SarTlvs&) const noexcept = default;
};

// nullopt for values that number no part (0, or beyond the total). The reference stays 16-bit.
[[nodiscard]] std::optional<Concat> concat_from_sar(const SarTlvs& sar) noexcept;
[[nodiscard]] SarTlvs sar_from_concat(const Concat& concat) noexcept;
// What the three TLVs among those of a PDU say; nullopt unless all are there and number a part.
[[nodiscard]] std::optional<Concat> concat_of_tlvs(ByteSpan tlvs) noexcept;

}  // namespace smppd::smpp
