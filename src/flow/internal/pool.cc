#include "flow/internal/pool.h"

#include <cstdlib>
#include <new>

#include <sys/mman.h>

namespace smppd::flow::internal {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20U;

}  // namespace

void BlockStore::Free::operator()(std::byte* chunk) const noexcept { std::free(chunk); }

std::byte* BlockStore::take() {
  if (left_ == 0) {
    const bool huge = bytes_ >= small_;
    left_ = huge ? kHugePage : kBlockBytes;
    next_ = static_cast<std::byte*>(std::aligned_alloc(huge ? kHugePage : kPage, left_));
    if (next_ == nullptr) throw std::bad_alloc();
    chunks_.emplace_back(next_);
    bytes_ += left_;
    // Advice only: without huge pages the blocks are as good, but slower.
    if (huge) (void)madvise(next_, left_, MADV_HUGEPAGE);
  }
  std::byte* block = next_;
  next_ += kBlockBytes;
  left_ -= kBlockBytes;
  return block;
}

}  // namespace smppd::flow::internal
