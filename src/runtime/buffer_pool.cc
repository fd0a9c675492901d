#include "runtime/buffer_pool.h"

#include <cstdlib>
#include <new>

namespace smppd::runtime {

BufferPool::~BufferPool() {
  for (Block* head : free_) {
    while (head != nullptr) {
      Block* next = head->next;
      std::free(head);
      head = next;
    }
  }
}

Block* BufferPool::take(std::size_t bytes) {
  std::uint32_t size_class = 0;
  while (size_class < kSizes.size() && kSizes[size_class] - sizeof(Block) < bytes) ++size_class;
  if (size_class < kSizes.size() && free_[size_class] != nullptr) {
    Block* block = free_[size_class];
    free_[size_class] = block->next;
    --kept_[size_class];
    block->next = nullptr;
    block->begin = block->end = 0;
    return block;
  }
  const std::size_t total = size_class < kSizes.size() ? kSizes[size_class] : bytes + sizeof(Block);
  void* memory = std::malloc(total);
  if (memory == nullptr) throw std::bad_alloc();
  return new (memory) Block{nullptr, 0, 0, static_cast<std::uint32_t>(total - sizeof(Block)), size_class};
}

void BufferPool::give_back(Block* block) noexcept {
  const std::uint32_t size_class = block->size_class;
  if (size_class >= kSizes.size() || kept_[size_class] >= kKept[size_class]) {
    std::free(block);
    return;
  }
  block->next = free_[size_class];
  free_[size_class] = block;
  ++kept_[size_class];
}

}  // namespace smppd::runtime
