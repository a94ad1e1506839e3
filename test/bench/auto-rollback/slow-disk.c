/*
 * A disk that has become slow, for one process and one directory: while the file named by KBG_SLOW_DISK_CONTROL exists, each write and each flush of a regular file below
 * KBG_SLOW_DISK_DIRECTORY takes as many milliseconds longer as that file says. Preloaded into a broker. Not covered: what is written through a mapping (Kafka's indexes).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long delay_ms(void) {
  const char *control = getenv("KBG_SLOW_DISK_CONTROL");
  int fd = control == NULL ? -1 : open(control, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[16] = {0};
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  return length > 0 ? strtol(text, NULL, 10) : 0;
}

static int is_below_directory(int fd) {
  const char *directory = getenv("KBG_SLOW_DISK_DIRECTORY");
  struct stat facts;
  if (directory == NULL || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  size_t expected = strlen(directory);
  return length > (ssize_t)expected && strncmp(path, directory, expected) == 0 && path[expected] == '/';
}

static void wait_for_disk(int fd) {
  int saved = errno;
  long ms = is_below_directory(fd) ? delay_ms() : 0;
  if (ms > 0) {
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {}
  }
  errno = saved;
}

#define SLOWED(type, name, parameters, arguments)                   \
  type name parameters {                                            \
    static type(*real) parameters;                                  \
    if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
    wait_for_disk(fd);                                              \
    return real arguments;                                          \
  }

SLOWED(ssize_t, write, (int fd, const void *from, size_t count), (fd, from, count))
SLOWED(ssize_t, pwrite, (int fd, const void *from, size_t count, off_t at), (fd, from, count, at))
SLOWED(ssize_t, pwrite64, (int fd, const void *from, size_t count, off64_t at), (fd, from, count, at))
SLOWED(ssize_t, writev, (int fd, const struct iovec *from, int count), (fd, from, count))
SLOWED(int, fsync, (int fd), (fd))
SLOWED(int, fdatasync, (int fd), (fd))
