#include "plugins/store/rocksdb/internal/directory.h"

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "plugins/store/rocksdb/internal/format.h"

namespace smppd::plugins::rocks_store {

namespace {

constexpr std::size_t kLongestFormat = 64 * 1024;

std::string format_text(const Directory::Layout& layout) {
  std::string text = "smppd-store " + std::to_string(kFormatVersion) + "\nactive";
  for (const unsigned journal : layout.active) text += " " + std::to_string(journal);
  text += "\ndraining";
  for (const unsigned journal : layout.draining) text += " " + std::to_string(journal);
  return text + "\nnext " + std::to_string(layout.next) + "\n";
}

}  // namespace

Directory::Directory(Directory&& other) noexcept
    : disk_(other.disk_),
      path_(std::move(other.path_)),
      layout_(std::move(other.layout_)),
      version_(other.version_),
      lock_(std::exchange(other.lock_, -1)) {}

Directory::~Directory() {
  if (lock_ >= 0) ::close(lock_);
}

Fallible<Directory> Directory::open(store::Disk& disk, const std::string& path, Access access) {
  if (path.empty()) return failure("the store has no path");
  Directory directory(disk, path);
  if (auto read = directory.read_format(access); !read) return std::unexpected(read.error());
  if (auto locked = directory.lock(access); !locked) return std::unexpected(locked.error());
  return directory;
}

Fallible<void> Directory::read_format(Access access) {
  const auto names = disk_->list(path_);
  if (!names) {
    const char* hint = names.error() == ENOENT ? "; make it, writable for the user that runs smppd" : "";
    return failure(path_ + ": cannot open the store's directory: " + store::error_text(names.error()) + hint);
  }
  const std::string path = path_ + "/FORMAT";
  const auto file = disk_->open(path, store::OpenMode::kRead);
  if (!file && file.error() != ENOENT) return failure(path + ": " + store::error_text(file.error()));
  if (!file) {
    // What a start leaves behind that was interrupted before FORMAT had its name.
    const bool empty = std::all_of(names->begin(), names->end(),
                                   [](const std::string& name) { return name == "LOCK" || name == "FORMAT.new"; });
    if (!empty)
      return failure(path_ + " is not empty and holds no store of smppd; give the store a directory of its own");
    if (access == Access::kInspect) return failure(path_ + " holds no store yet");
    return {};
  }
  std::vector<std::uint8_t> bytes(kLongestFormat);
  const auto got = (*file)->read_at(bytes, 0);
  if (!got) return failure(path + ": " + store::error_text(got.error()));
  std::istringstream text{std::string(as_text(ByteSpan(bytes).first(*got)))};
  std::string word;
  text >> word >> version_;
  if (!text || word != "smppd-store") return failure(path + " is damaged; it should begin with \"smppd-store\"");
  if (version_ > kFormatVersion) {
    return failure(path_ + " was written by a newer smppd (format " + std::to_string(version_) + ", this one knows " +
                   std::to_string(kFormatVersion) + "); it was not touched");
  }
  if (version_ < kOldestVersion) {
    return failure(path_ + " was written by an older smppd (format " + std::to_string(version_) +
                   ", this one knows none before " + std::to_string(kOldestVersion) +
                   "); it was not touched: empty its queues with that version, or give the store a new directory");
  }
  std::vector<unsigned>* list = nullptr;
  bool ended = false;
  while (text >> word) {
    if (word == "active" || word == "draining") {
      list = word == "active" ? &layout_.active : &layout_.draining;
    } else if (word == "next") {
      ended = static_cast<bool>(text >> layout_.next);
      break;
    } else if (list == nullptr || word.size() > 6 || word.find_first_not_of("0123456789") != std::string::npos) {
      return failure(std::string(path).append(" is damaged: ").append(word));
    } else {
      list->push_back(static_cast<unsigned>(std::stoul(word)));
    }
  }
  if (!ended) return failure(path + " is damaged: it ends too early");
  return {};
}

Fallible<void> Directory::lock(Access access) {
  const std::string path = path_ + "/LOCK";
  const int flags = access == Access::kUse ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC;
  lock_ = ::open(path.c_str(), flags, 0640);
  if (lock_ < 0) {
    if (access == Access::kInspect && errno == ENOENT) return {};
    return failure(path_ + ": the store cannot be written: " + store::error_text(errno));
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return failure(path_ + " is in use by another smppd");
  return failure(path + ": " + store::error_text(errno));
}

Fallible<void> Directory::set_layout(const Layout& layout) {
  const std::string path = path_ + "/FORMAT";
  const std::string text = format_text(layout);
  const auto failed = [&](int error) {
    return failure(path_ + ": the store cannot be written: " + store::error_text(error));
  };
  {
    auto file = disk_->open(path + ".new", store::OpenMode::kCreate);
    if (!file) return failed(file.error());
    auto done = (*file)->truncate(0);
    if (done) done = (*file)->write_at(as_bytes(text), 0);
    if (done) done = (*file)->sync();
    if (!done) return failed(done.error());
  }
  auto done = disk_->rename(path + ".new", path);
  if (done) done = disk_->sync_directory(path_);
  if (!done) return failed(done.error());
  layout_ = layout;
  return {};
}

std::string Directory::journal_path(unsigned journal) const { return path_ + "/journal-" + std::to_string(journal); }

Fallible<void> Directory::check_tables() const {
  if (::access((tables_path() + "/CURRENT").c_str(), F_OK) == 0 || errno != ENOENT) return {};
  const auto is_used = [this](unsigned journal) {
    const auto segments = disk_->list(journal_path(journal));
    return segments && !segments->empty();
  };
  if (std::ranges::none_of(layout_.active, is_used) && std::ranges::none_of(layout_.draining, is_used)) return {};
  return failure(tables_path() +
                 " is gone or has no CURRENT, and journals are used; nothing was touched: put the folder "
                 "back as it was, or give the store a new directory and lose what is here");
}

Fallible<void> Directory::make_journal(unsigned journal) {
  auto done = disk_->make_directory(journal_path(journal));
  if (done) done = disk_->sync_directory(path_);
  if (!done) return failure(journal_path(journal) + ": " + store::error_text(done.error()));
  return {};
}

void Directory::remove_journal(unsigned journal) {
  const std::string path = journal_path(journal);
  if (const auto names = disk_->list(path)) {
    for (const std::string& name : *names) {
      std::string file = path;
      file.append("/").append(name);
      [[maybe_unused]] const auto gone = disk_->remove(file);
    }
  }
  ::rmdir(path.c_str());
}

}  // namespace smppd::plugins::rocks_store
