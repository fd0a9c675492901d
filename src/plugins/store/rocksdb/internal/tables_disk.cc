#include "plugins/store/rocksdb/internal/tables_disk.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace smppd::plugins::rocks_store {

namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus worth_another_try(IOStatus status) {
  if (!status.IsIOError() || status.IsPathNotFound() || status.IsIOFenced()) return status;
  IOStatus again = IOStatus::IOError(status.getState() != nullptr ? status.getState() : "");
  again.SetRetryable(true);
  return again;
}

class ForgivingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;
  using Verification = rocksdb::DataVerificationInfo;

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const Verification& sums,
                  IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Append(data, options, sums, debug));
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t at, const IOOptions& options,
                            IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::PositionedAppend(data, at, options, debug));
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t at, const IOOptions& options, const Verification& sums,
                            IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::PositionedAppend(data, at, options, sums, debug));
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Truncate(size, options, debug));
  }
  IOStatus Allocate(std::uint64_t at, std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Allocate(at, size, options, debug));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Flush(options, debug));
  }
  IOStatus RangeSync(std::uint64_t at, std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::RangeSync(at, size, options, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Fsync(options, debug));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return worth_another_try(FSWritableFileOwnerWrapper::Close(options, debug));
  }
};

class Manifest final : public ForgivingFile {
 public:
  Manifest(std::unique_ptr<rocksdb::FSWritableFile> file, Reserve* reserve)
      : ForgivingFile(std::move(file)), reserve_(reserve) {
    see_to_room(0);
  }
  using ForgivingFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    see_to_room(data.size());
    auto status = ForgivingFile::Append(data, options, debug);
    if (status.ok()) size_ += data.size();
    return status;
  }
  void SetPreallocationBlockSize(std::size_t) override {}
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {}

 private:
  static constexpr std::uint64_t kAhead = 64U << 10;
  void see_to_room(std::uint64_t next) {
    const std::uint64_t needed = size_ + next;
    if (needed + kAhead <= allocated_ || allocate(needed + 2 * kAhead) || needed <= allocated_) return;
    const Reserve::Loan loan(reserve_, next + 2 * kAhead);
    allocate(needed + 2 * kAhead);
  }
  bool allocate(std::uint64_t size) {
    const bool allocated = ForgivingFile::Allocate(allocated_, size - allocated_, IOOptions(), nullptr).ok();
    if (allocated) allocated_ = size;
    return allocated;
  }

  Reserve* reserve_;
  std::uint64_t size_ = 0;
  std::uint64_t allocated_ = 0;
};

bool is_manifest(const std::string& path) {
  return std::string_view(path).substr(path.rfind('/') + 1).starts_with("MANIFEST-");
}

class TablesDisk final : public rocksdb::FileSystemWrapper {
 public:
  TablesDisk(const std::shared_ptr<rocksdb::FileSystem>& disk, Reserve* reserve)
      : FileSystemWrapper(disk), reserve_(reserve) {}
  const char* Name() const override { return "smppd.tables"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    if (!is_manifest(path)) return forgiving(FileSystemWrapper::NewWritableFile(path, options, file, debug), file);
    rocksdb::FileOptions allocating = options;
    allocating.allow_fallocate = true;
    auto status = FileSystemWrapper::NewWritableFile(path, allocating, file, debug);
    if (status.ok()) *file = std::make_unique<Manifest>(std::move(*file), reserve_);
    return worth_another_try(std::move(status));
  }
  IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    return forgiving(FileSystemWrapper::ReopenWritableFile(path, options, file, debug), file);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& old, const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    return forgiving(FileSystemWrapper::ReuseWritableFile(path, old, options, file, debug), file);
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    return worth_another_try(FileSystemWrapper::RenameFile(from, to, options, debug));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions& options,
                    IODebugContext* debug) override {
    return worth_another_try(FileSystemWrapper::LinkFile(from, to, options, debug));
  }

 private:
  static IOStatus forgiving(IOStatus status, std::unique_ptr<rocksdb::FSWritableFile>* file) {
    if (status.ok()) *file = std::make_unique<ForgivingFile>(std::move(*file));
    return worth_another_try(std::move(status));
  }

  Reserve* reserve_;
};

}  // namespace

std::unique_ptr<rocksdb::Env> make_tables_disk(std::shared_ptr<rocksdb::FileSystem> disk, Reserve* reserve) {
  return rocksdb::NewCompositeEnv(std::make_shared<TablesDisk>(disk, reserve));
}

}  // namespace smppd::plugins::rocks_store
