#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "smpp/internal/test_support.h"
#include "smpp/session.h"

namespace smppd::smpp {
namespace {

class RefusalOutput final : public Sink {
 public:
  std::uint8_t* reserve(std::size_t) override { return bytes_.data(); }
  void commit(std::size_t bytes) noexcept override { size_ = bytes; }
  std::uint32_t next_sequence() noexcept override { return 1; }
  [[nodiscard]] std::string written() const { return testing::hex({bytes_.data(), size_}); }

 private:
  std::array<std::uint8_t, 64> bytes_{};
  std::size_t size_ = 0;
};

std::string refusal(CommandId request) {
  RefusalOutput output;
  write_refusal(output,
                {.command_length = 40, .command_id = request, .command_status = {}, .sequence_number = 0x01020304},
                CommandStatus::ESME_RINVPASWD);
  return output.written();
}

TEST(Refusal, IsTheHeaderOfTheResponseWithTheSequenceNumberOfTheRequest) {
  EXPECT_EQ(refusal(CommandId::submit_sm), "00000010800000040000000E01020304");
  EXPECT_EQ(refusal(CommandId::bind_transmitter), "00000010800000020000000E01020304");
  EXPECT_EQ(refusal(CommandId::bind_receiver), "00000010800000010000000E01020304");
}

TEST(Refusal, OfATransceiverCarriesAnEmptySystemId) {
  EXPECT_EQ(refusal(CommandId::bind_transceiver), "00000011800000090000000E0102030400");
}

}  // namespace
}  // namespace smppd::smpp
