/* Moving, filling and dropping descriptors. */
#include "runtime/os/descriptors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_LOOKED_AT = 65536 }; /* where the system does not list them */

int os_above_standard(int fd) {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), saved = errno;
  close(fd);
  errno = saved;
  return above;
}

void os_fill_standard(void) {
  close(STDIN_FILENO);
  bool have = open("/dev/null", O_RDONLY) == STDIN_FILENO; /* open takes the lowest that is free */
  for (int fd = STDOUT_FILENO; have && fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) < 0) have = open("/dev/null", O_WRONLY) == fd;
}

static bool is_channel(int fd) {
  struct stat st;
  return fstat(fd, &st) == 0 && (S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode));
}

static void drop(int fd, const int *kept, unsigned n) {
  if (fd <= STDERR_FILENO || !is_channel(fd)) return;
  for (unsigned i = 0; i < n; i++)
    if (kept[i] == fd) return;
  dup3(STDIN_FILENO, fd, O_CLOEXEC);
}

void os_drop_channels(const int *kept, unsigned n) {
  DIR *list = opendir("/proc/self/fd");
  if (list != NULL) {
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) drop(atoi(entry->d_name), kept, n);
    closedir(list);
    return;
  }
  struct rlimit limit;
  int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < MOST_LOOKED_AT ? (int)limit.rlim_cur : MOST_LOOKED_AT;
  for (int fd = 0; fd < end; fd++) drop(fd, kept, n);
}
