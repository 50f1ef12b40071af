/* Reading /proc/PID/stat.
 *
 * shared_self_id is static because it is of the process: a forked child reads its own anew.
 */
#include "runtime/shared/self.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Atomic SharedId shared_self_id;

enum { FIELD_STATE = 3, FIELD_THREADS = 20, FIELD_START = 22, FIELD_STACK = 28 };

static const SharedId stamp_mask = 0x7fffffff;

static SharedId make_id(pid_t pid, uint64_t start) { return (SharedId)(uint32_t)pid | ((start & stamp_mask) << 32); }

/* The text behind the name, which may hold anything: it begins with field 3. */
static bool read_stat(pid_t pid, char *text, size_t size) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = read(fd, text, size - 1);
  close(fd);
  if (n <= 0) return false;
  text[n] = '\0';
  char *end = strrchr(text, ')');
  if (end == NULL || end[1] != ' ') return false;
  memmove(text, end + 2, strlen(end + 2) + 1);
  return true;
}

static uint64_t field(const char *text, int wanted) {
  for (int at = FIELD_STATE; at < wanted && text != NULL; at++) {
    text = strchr(text, ' ');
    if (text != NULL) text++;
  }
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* Without /proc the pid alone counts. */
static bool look_without_proc(pid_t pid, SharedLife *life) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return false;
  *life = (SharedLife){.id = make_id(pid, 1)};
  return true;
}

bool shared_life(SharedId id, SharedLife *life) {
  char text[1024];
  pid_t pid = (pid_t)(id & stamp_mask);
  int saved = errno;
  bool there = read_stat(pid, text, sizeof text);
  if (!there && access("/proc/self/stat", R_OK) != 0) there = look_without_proc(pid, life);
  else if (there && (text[0] == 'X' || (text[0] == 'Z' && field(text, FIELD_THREADS) <= 1))) there = false;
  else if (there) *life = (SharedLife){make_id(pid, field(text, FIELD_START)), field(text, FIELD_STACK)};
  errno = saved;
  return there;
}

bool shared_alive(SharedId id) {
  SharedLife life;
  return id == shared_self() || (shared_life(id, &life) && life.id == id);
}

static void forget(void) { atomic_store_explicit(&shared_self_id, 0, memory_order_relaxed); }

static void install(void) { pthread_atfork(NULL, NULL, forget); }

SharedId shared_self_slow(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  SharedLife life = {.id = make_id(getpid(), 1)};
  pthread_once(&once, install);
  shared_life(make_id(getpid(), 0), &life);
  atomic_store_explicit(&shared_self_id, life.id, memory_order_relaxed);
  return life.id;
}
