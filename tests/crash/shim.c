// Loaded before libc into smppd by tests: a clock that jumps, syncs that take their time, and a record of how far each
// segment of a journal is synced, so that a test can take away what a power cut would.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { kFiles = 256, kName = 48, kDescriptors = 4096 };

// As crash/shim.py reads and writes it.
struct File {
  char name[kName];  // "journal-0/000000000001.seg"
  int64_t written, synced;
};
struct Control {
  int64_t clock_ns;
  int64_t sync_us;
  int64_t files_used;
  struct File files[kFiles];
};

static struct Control* control;
static struct File* by_descriptor[kDescriptors];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("CRASH_CONTROL");
  const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* at = mmap(NULL, sizeof(struct Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) control = at;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int is_segment(int fd, char name[kName]) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 4 || memcmp(path + size - 4, ".seg", 4) != 0) return 0;
  path[size] = 0;
  const char* tail = strstr(path, "/journal-");
  if (tail == NULL) return 0;
  snprintf(name, kName, "%s", tail + 1);
  return 1;
}

// Called with the mutex held.
static struct File* file_of(int fd) {
  char name[kName];
  if (control == NULL || fd < 0 || fd >= kDescriptors) return NULL;
  if (by_descriptor[fd] != NULL) return by_descriptor[fd];
  if (!is_segment(fd, name)) return NULL;
  for (int i = 0; i < control->files_used; ++i) {
    if (strcmp(control->files[i].name, name) == 0) return by_descriptor[fd] = &control->files[i];
  }
  if (control->files_used == kFiles) abort();
  struct File* file = &control->files[control->files_used++];
  strcpy(file->name, name);
  return by_descriptor[fd] = file;
}

int close(int fd) {
  if (fd >= 0 && fd < kDescriptors) by_descriptor[fd] = NULL;
  return REAL(close)(fd);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  static __typeof__(&pwrite64) real;
  if (real == NULL) real = REAL(pwrite64);
  pthread_mutex_lock(&mutex);
  struct File* file = file_of(fd);
  // Counted before it happens: what may be on the disk is not taken for certain.
  if (file != NULL && file->written < offset + (int64_t)size) file->written = offset + (int64_t)size;
  if (file != NULL && file->synced > offset) file->synced = offset;
  pthread_mutex_unlock(&mutex);
  return real(fd, bytes, size, offset);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) { return pwrite64(fd, bytes, size, offset); }

static int sync_with(int (*real)(int), int fd) {
  pthread_mutex_lock(&mutex);
  struct File* file = file_of(fd);
  const int64_t written = file == NULL ? 0 : file->written;
  pthread_mutex_unlock(&mutex);
  volatile int64_t* wait = control == NULL ? NULL : &control->sync_us;
  while (wait != NULL && *wait < 0) usleep(1000);
  if (wait != NULL && *wait > 0) usleep((useconds_t)*wait);
  const int result = real(fd);
  if (file != NULL && result == 0) file->synced = written;
  return result;
}
int fdatasync(int fd) { return sync_with(REAL(fdatasync), fd); }
int fsync(int fd) { return sync_with(REAL(fsync), fd); }

static int64_t jump_of(clockid_t clock) {
  return control != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) ? control->clock_ns : 0;
}

int clock_gettime(clockid_t clock, struct timespec* at) {
  static __typeof__(&clock_gettime) real;
  if (real == NULL) real = REAL(clock_gettime);
  const int result = real(clock, at);
  const int64_t jump = jump_of(clock);
  if (result == 0 && jump != 0) {
    const int64_t now = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + jump;
    at->tv_sec = now / 1000000000;
    at->tv_nsec = now % 1000000000;
  }
  return result;
}

int gettimeofday(struct timeval* restrict at, void* restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != NULL) *at = now.tv_sec;
  return now.tv_sec;
}
