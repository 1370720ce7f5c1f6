/*
 * Writes down what a process does to the files of a folder, in order: to be loaded with LD_PRELOAD.
 *
 * DISK_SHIM_FOLDER  absolute path of the folder; only files directly in it count, and the folder itself
 * DISK_SHIM_LOG     path of the file that gets the records, outside the folder
 *
 * A record: kind (1 byte), length of the name (1 byte), 6 bytes unused, offset (8), length of the data (8), name, data; numbers in
 * the order of the machine. The name is that of the file in the folder, empty for the folder itself. Kinds:
 *   O opened so that it exists, offset 1 if it was cut to nothing     W data written at the offset     T cut or extended to the offset
 *   S synced     U unlinked     R renamed, to the name that is the data
 *
 * SQLite shares memory through its -shm file, which it maps; recovery does not need it, and maps are not seen here.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS = 65536, NAME = 128 };

static char names[FDS][NAME]; /* of each descriptor: '\0' not watched, otherwise '/' and its name in the folder */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static int log_fd = -1;

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int real_open(const char *path, int flags, mode_t mode) {
  REAL(int, open64, const char *, int, ...);
  return real(path, flags, mode);
}

__attribute__((constructor)) static void start(void) {
  folder = getenv("DISK_SHIM_FOLDER");
  const char *log = getenv("DISK_SHIM_LOG");
  if (folder != NULL && log != NULL) log_fd = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

/* The name of a path in the folder, with '/' before it; NULL where it is not in it. */
static const char *name_of(const char *path) {
  if (log_fd < 0 || path == NULL) return NULL;
  size_t length = strlen(folder);
  if (strncmp(path, folder, length) != 0) return NULL;
  const char *rest = path + length;
  if (*rest == '\0') return "/";
  return *rest == '/' && strchr(rest + 1, '/') == NULL && strlen(rest) < NAME ? rest : NULL;
}

static const char *watched(int fd) { return fd >= 0 && fd < FDS && names[fd][0] != '\0' ? names[fd] : NULL; }

static void record(char kind, const char *name, uint64_t offset, const void *data, uint64_t length) {
  struct {
    char kind;
    uint8_t name;
    char unused[6];
    uint64_t offset, length;
  } head = {kind, (uint8_t)strlen(name + 1), {0}, offset, length};
  struct iovec parts[] = {{&head, sizeof head}, {(void *)(name + 1), head.name}, {(void *)data, length}};
  REAL(ssize_t, writev, int, const struct iovec *, int);
  size_t whole = sizeof head + head.name + length;
  if (real(log_fd, parts, length == 0 ? 2 : 3) != (ssize_t)whole) abort();
}

static int opened(int fd, const char *path, int flags) {
  if (fd < 0 || fd >= FDS) return fd;
  const char *name = name_of(path);
  strcpy(names[fd], name == NULL ? "" : name);
  if (name != NULL && (flags & (O_CREAT | O_TRUNC)) != 0) record('O', name, (flags & O_TRUNC) != 0, NULL, 0);
  return fd;
}

#define LOCKED(...) \
  pthread_mutex_lock(&lock); \
  __VA_ARGS__; \
  int failure = errno; \
  pthread_mutex_unlock(&lock); \
  errno = failure

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = va_arg(more, mode_t); \
    va_end(more); \
    LOCKED(int fd = opened(real_open(path, flags, mode), path, flags)); \
    return fd; \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  REAL(int, close, int);
  LOCKED(if (watched(fd)) names[fd][0] = '\0'; int result = real(fd));
  return result;
}

ssize_t write(int fd, const void *data, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (!watched(fd)) return real(fd, data, length);
  LOCKED(ssize_t done = real(fd, data, length);
         if (done > 0) record('W', names[fd], lseek(fd, 0, SEEK_CUR) - done, data, done));
  return done;
}

#define PWRITE(name) \
  ssize_t name(int fd, const void *data, size_t length, off_t offset) { \
    REAL(ssize_t, name, int, const void *, size_t, off_t); \
    if (!watched(fd)) return real(fd, data, length, offset); \
    LOCKED(ssize_t done = real(fd, data, length, offset); if (done > 0) record('W', names[fd], offset, data, done)); \
    return done; \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

/* Nobody is expected to use these on a watched file: what they did would be missing. */
#define VECTORS(name) \
  ssize_t name(int fd, const struct iovec *parts, int count, off_t offset) { \
    REAL(ssize_t, name, int, const struct iovec *, int, off_t); \
    if (watched(fd)) abort(); \
    return real(fd, parts, count, offset); \
  }
VECTORS(pwritev)
VECTORS(pwritev64)

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (watched(fd)) abort();
  return real(fd, parts, count);
}

#define TRUNCATE(name) \
  int name(int fd, off_t length) { \
    REAL(int, name, int, off_t); \
    if (!watched(fd)) return real(fd, length); \
    LOCKED(int result = real(fd, length); if (result == 0) record('T', names[fd], length, NULL, 0)); \
    return result; \
  }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name) \
  int name(int fd) { \
    REAL(int, name, int); \
    if (!watched(fd)) return real(fd); \
    LOCKED(int result = real(fd); if (result == 0) record('S', names[fd], 0, NULL, 0)); \
    return result; \
  }
SYNC(fsync)
SYNC(fdatasync)

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  LOCKED(int result = real(path); const char *name = name_of(path);
         if (result == 0 && name != NULL) record('U', name, 0, NULL, 0));
  return result;
}

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  LOCKED(int result = real(from, to); const char *name = name_of(from); const char *next = name_of(to);
         if (result == 0 && name != NULL && next != NULL) record('R', name, 0, next + 1, strlen(next + 1)));
  return result;
}
