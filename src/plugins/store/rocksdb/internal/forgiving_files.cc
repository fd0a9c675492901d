#include "plugins/store/rocksdb/internal/forgiving_files.h"

#include <string>
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

class ForgivingFile final : public rocksdb::FSWritableFileOwnerWrapper {
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

class ForgivingFiles final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "smppd.forgiving"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    return forgiving(FileSystemWrapper::NewWritableFile(path, options, file, debug), file);
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
};

}  // namespace

std::unique_ptr<rocksdb::Env> make_forgiving_files(std::shared_ptr<rocksdb::FileSystem> disk) {
  return rocksdb::NewCompositeEnv(std::make_shared<ForgivingFiles>(disk));
}

}  // namespace smppd::plugins::rocks_store
