// Preloaded into a process, records what it does to the files below DISK_ROOT in the file DISK_TRACE, in the order in which
// the kernel did it; with DISK_ROOM, writes beyond that many bytes fail as on a full disk, the one that meets the end after
// as much of it as had room. With DISK_FULL_MS there is room again that long after the first failed. One record is
//   u32 bytes of the record, u8 operation, u8 flags, u16 bytes of paths, u64 ns of the monotonic clock, u64 inode, u64 a,
//   paths (two are divided by NUL), data
// in the byte order of the machine. disk-trace.ts reads it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNCED, RENAME, UNLINK, LINK, MKDIR, RMDIR, EXTEND, OPEN };
enum { DURABLE = 1, FOLDER = 2 };

struct record {
  uint32_t bytes;
  uint8_t operation, flags;
  uint16_t path_bytes;
  uint64_t ns, inode, a;
} __attribute__((packed));

#define MOST_FILES 65536
static struct { uint64_t inode; uint8_t known, durable, folder; } files[MOST_FILES];
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static uint64_t records;
static int64_t room = -1, full_ms = -1, full_since = -1;
static char root[4096];
static size_t root_bytes;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("DISK_TRACE"), *below = getenv("DISK_ROOT"), *left = getenv("DISK_ROOM"),
             *full = getenv("DISK_FULL_MS");
  if (!path || !below || strlen(below) >= sizeof root) return;
  strcpy(root, below);
  root_bytes = strlen(root);
  if (left) room = atoll(left);
  if (full) full_ms = atoll(full);
  trace = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (trace < 0) abort();
}

static int is_below(const char *path) {
  return trace >= 0 && path && strncmp(path, root, root_bytes) == 0 && (path[root_bytes] == '/' || !path[root_bytes]);
}

// Some closes are system calls of their own, which nobody sees: the number may belong to something else by now.
static int is_known(int fd) {
  struct stat found;
  if (trace < 0 || fd < 0 || fd >= MOST_FILES || !files[fd].known) return 0;
  if (fstat(fd, &found) == 0 && found.st_ino == files[fd].inode && !S_ISSOCK(found.st_mode)) return 1;
  files[fd].known = 0;
  return 0;
}

// With `order` held.
static void put(uint8_t operation, uint8_t flags, uint64_t inode, uint64_t a, const char *path, const char *second,
                const struct iovec *data, int pieces, size_t bytes) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  char paths[8192];
  size_t path_bytes = 0;
  if (path) {
    path_bytes = strlen(path);
    memcpy(paths, path, path_bytes);
    if (second) {
      paths[path_bytes++] = 0;
      memcpy(paths + path_bytes, second, strlen(second));
      path_bytes += strlen(second);
    }
  }
  struct record head = {.bytes = (uint32_t)(sizeof head + path_bytes + bytes), .operation = operation, .flags = flags,
                        .path_bytes = (uint16_t)path_bytes, .ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
                        .inode = inode, .a = a};
  struct iovec all[2 + 1024];
  int count = 0;
  all[count++] = (struct iovec){&head, sizeof head};
  all[count++] = (struct iovec){paths, path_bytes};
  for (int i = 0; i < pieces && bytes > 0; i++) {
    size_t take = data[i].iov_len < bytes ? data[i].iov_len : bytes;
    all[count++] = (struct iovec){data[i].iov_base, take};
    bytes -= take;
  }
  if (REAL(writev)(trace, all, count) != (ssize_t)head.bytes) abort();
  records++;
}

static void opened(int fd, const char *path, int flags, int was_there) {
  if (fd < 0 || fd >= MOST_FILES) return;
  struct stat found;
  if (fstat(fd, &found) != 0) return;
  files[fd].known = 1;
  files[fd].inode = found.st_ino;
  files[fd].folder = S_ISDIR(found.st_mode);
  files[fd].durable = (flags & O_DSYNC) != 0;
  uint8_t is_folder = files[fd].folder ? FOLDER : 0;
  if (!was_there && !is_folder) put(CREATE, 0, found.st_ino, 0, path, NULL, NULL, 0, 0);
  else put(OPEN, is_folder, found.st_ino, 0, path, NULL, NULL, 0, 0);
  if (was_there && (flags & O_TRUNC)) put(TRUNCATE, 0, found.st_ino, 0, NULL, NULL, NULL, 0, 0);
}

static int open_noted(const char *path, int flags, mode_t mode) {
  if (!is_below(path)) return REAL(open)(path, flags, mode);
  pthread_mutex_lock(&order);
  int was_there = access(path, F_OK) == 0;
  int fd = REAL(open)(path, flags, mode);
  int kept = errno;
  opened(fd, path, flags, was_there);
  pthread_mutex_unlock(&order);
  errno = kept;
  return fd;
}

#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list more; \
    va_start(more, flags); \
    mode = va_arg(more, mode_t); \
    va_end(more); \
  }
int open(const char *path, int flags, ...) { MODE(flags) return open_noted(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_noted(path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) {
  MODE(flags)
  if (is_below(path)) return open_noted(path, flags, mode);
  return REAL(openat)(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) {
  MODE(flags)
  if (is_below(path)) return open_noted(path, flags, mode);
  return REAL(openat)(at, path, flags, mode);
}
int creat(const char *path, mode_t mode) { return open_noted(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
  if (fd >= 0 && fd < MOST_FILES) files[fd].known = 0;
  return REAL(close)(fd);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// How much of a write there is room for.
static size_t room_for(size_t bytes) {
  if (room >= 0 && full_ms >= 0 && full_since >= 0 && now_ms() - full_since >= full_ms) room = -1;
  if (room < 0) return bytes;
  if ((int64_t)bytes <= room) {
    room -= (int64_t)bytes;
    return bytes;
  }
  if (room == 0 && full_since < 0) full_since = now_ms();
  size_t some = (size_t)room;
  room = 0;
  return some;
}

// `at` < 0: where the file stands.
static ssize_t write_noted(int fd, const struct iovec *data, int pieces, off_t at) {
  size_t bytes = 0;
  for (int i = 0; i < pieces; i++) bytes += data[i].iov_len;
  pthread_mutex_lock(&order);
  size_t some = room_for(bytes);
  if (some == 0 && bytes > 0) {
    pthread_mutex_unlock(&order);
    errno = ENOSPC;
    return -1;
  }
  struct iovec cut[1024];
  if (some < bytes) {
    int count = 0;
    for (size_t left = some; left > 0; left -= cut[count++].iov_len)
      cut[count] = (struct iovec){data[count].iov_base, data[count].iov_len < left ? data[count].iov_len : left};
    data = cut;
    pieces = count;
  }
  ssize_t written = at < 0 ? REAL(writev)(fd, data, pieces) : REAL(pwritev)(fd, data, pieces, at);
  int kept = errno;
  if (written > 0) {
    uint64_t from = (uint64_t)(at < 0 ? lseek(fd, 0, SEEK_CUR) - written : at);
    put(WRITE, files[fd].durable ? DURABLE : 0, files[fd].inode, from, NULL, NULL, data, pieces, (size_t)written);
  }
  pthread_mutex_unlock(&order);
  errno = kept;
  return written;
}

ssize_t write(int fd, const void *data, size_t bytes) {
  struct iovec piece = {(void *)data, bytes};
  return is_known(fd) ? write_noted(fd, &piece, 1, -1) : REAL(write)(fd, data, bytes);
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) {
  struct iovec piece = {(void *)data, bytes};
  return is_known(fd) ? write_noted(fd, &piece, 1, at) : REAL(pwrite)(fd, data, bytes, at);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) { return pwrite(fd, data, bytes, at); }
ssize_t writev(int fd, const struct iovec *data, int pieces) {
  return is_known(fd) && pieces <= 1024 ? write_noted(fd, data, pieces, -1) : REAL(writev)(fd, data, pieces);
}
ssize_t pwritev(int fd, const struct iovec *data, int pieces, off_t at) {
  return is_known(fd) && pieces <= 1024 ? write_noted(fd, data, pieces, at) : REAL(pwritev)(fd, data, pieces, at);
}
ssize_t pwritev64(int fd, const struct iovec *data, int pieces, off64_t at) { return pwritev(fd, data, pieces, at); }

// A file written through stdio, whose own writes nobody sees: a stream over a file of ours, for as long as it lives.
#define MOST_STREAMS 1024
static struct { FILE *stream; int fd; } streams[MOST_STREAMS];

// As stdio does: what was written in part is gone on with, so that who wrote learns why it ended, and not only that it did.
static ssize_t stream_write(void *at, const char *data, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    ssize_t written = write(streams[(intptr_t)at].fd, data + done, bytes - done);
    if (written <= 0) break;
    done += (size_t)written;
  }
  return (ssize_t)done;
}
static int stream_close(void *at) {
  int fd = streams[(intptr_t)at].fd;
  streams[(intptr_t)at].stream = NULL;
  return close(fd);
}

FILE *fopen(const char *path, const char *mode) {
  if (!is_below(path) || mode[0] == 'r') return REAL(fopen)(path, mode);
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (mode[0] == 'w' ? O_TRUNC : O_APPEND);
  int fd = open_noted(path, flags, 0644);
  if (fd < 0) return NULL;
  pthread_mutex_lock(&order);
  intptr_t at = 0;
  while (at < MOST_STREAMS && streams[at].stream) at++;
  if (at == MOST_STREAMS) abort();
  streams[at].fd = fd;
  streams[at].stream =
      fopencookie((void *)at, mode, (cookie_io_functions_t){.write = stream_write, .close = stream_close});
  FILE *opened = streams[at].stream;
  pthread_mutex_unlock(&order);
  return opened;
}
FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }

int fileno(FILE *stream) {
  for (int at = 0; at < MOST_STREAMS; at++)
    if (stream && streams[at].stream == stream) return streams[at].fd;
  return REAL(fileno)(stream);
}

// A sync covers what was recorded when it began.
static int sync_noted(int fd, int (*sync)(int)) {
  if (!is_known(fd)) return sync(fd);
  pthread_mutex_lock(&order);
  uint64_t before = records, inode = files[fd].inode;
  uint8_t flags = files[fd].folder ? FOLDER : 0;
  pthread_mutex_unlock(&order);
  int result = sync(fd), kept = errno;
  if (result == 0) {
    pthread_mutex_lock(&order);
    put(SYNCED, flags, inode, before, NULL, NULL, NULL, 0, 0);
    pthread_mutex_unlock(&order);
  }
  errno = kept;
  return result;
}
int fsync(int fd) { return sync_noted(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_noted(fd, REAL(fdatasync)); }

int ftruncate(int fd, off_t bytes) {
  if (!is_known(fd)) return REAL(ftruncate)(fd, bytes);
  pthread_mutex_lock(&order);
  int result = REAL(ftruncate)(fd, bytes), kept = errno;
  if (result == 0) put(TRUNCATE, 0, files[fd].inode, (uint64_t)bytes, NULL, NULL, NULL, 0, 0);
  pthread_mutex_unlock(&order);
  errno = kept;
  return result;
}
int ftruncate64(int fd, off64_t bytes) { return ftruncate(fd, bytes); }

int fallocate(int fd, int mode, off_t at, off_t bytes) {
  if (!is_known(fd)) return REAL(fallocate)(fd, mode, at, bytes);
  pthread_mutex_lock(&order);
  int result = REAL(fallocate)(fd, mode, at, bytes), kept = errno;
  if (result == 0 && mode == 0) put(EXTEND, 0, files[fd].inode, (uint64_t)(at + bytes), NULL, NULL, NULL, 0, 0);
  pthread_mutex_unlock(&order);
  errno = kept;
  return result;
}
int fallocate64(int fd, int mode, off64_t at, off64_t bytes) { return fallocate(fd, mode, at, bytes); }
int posix_fallocate(int fd, off_t at, off_t bytes) { return fallocate(fd, 0, at, bytes) == 0 ? 0 : errno; }
int posix_fallocate64(int fd, off64_t at, off64_t bytes) { return posix_fallocate(fd, at, bytes); }

// What changes names, done and recorded in one step.
#define NAMES(call, operation, first, second) \
  pthread_mutex_lock(&order); \
  int result = call, kept = errno; \
  if (result == 0) put(operation, 0, 0, 0, first, second, NULL, 0, 0); \
  pthread_mutex_unlock(&order); \
  errno = kept; \
  return result;
int rename(const char *from, const char *to) {
  if (!is_below(from)) return REAL(rename)(from, to);
  NAMES(REAL(rename)(from, to), RENAME, from, to)
}
int renameat(int a, const char *from, int b, const char *to) {
  return is_below(from) ? rename(from, to) : REAL(renameat)(a, from, b, to);
}
int link(const char *from, const char *to) {
  if (!is_below(from)) return REAL(link)(from, to);
  NAMES(REAL(link)(from, to), LINK, from, to)
}
int unlink(const char *path) {
  if (!is_below(path)) return REAL(unlink)(path);
  NAMES(REAL(unlink)(path), UNLINK, path, NULL)
}
int mkdir(const char *path, mode_t mode) {
  if (!is_below(path)) return REAL(mkdir)(path, mode);
  NAMES(REAL(mkdir)(path, mode), MKDIR, path, NULL)
}
int rmdir(const char *path) {
  if (!is_below(path)) return REAL(rmdir)(path);
  NAMES(REAL(rmdir)(path), RMDIR, path, NULL)
}
int unlinkat(int at, const char *path, int flags) {
  if (!is_below(path)) return REAL(unlinkat)(at, path, flags);
  return flags & AT_REMOVEDIR ? rmdir(path) : unlink(path);
}
int remove(const char *path) {
  if (!is_below(path)) return REAL(remove)(path);
  struct stat found;
  return lstat(path, &found) == 0 && S_ISDIR(found.st_mode) ? rmdir(path) : unlink(path);
}
