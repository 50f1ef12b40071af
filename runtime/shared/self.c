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

typedef enum Found { FOUND, GONE, UNKNOWN } Found;

static const SharedId stamp_mask = 0x7fffffff;
static const uint64_t no_start = 1; /* in ids of those who could not read /proc: the pid alone counts */

static SharedId make_id(pid_t pid, uint64_t start) { return (SharedId)(uint32_t)pid | ((start & stamp_mask) << 32); }

/* No such process, or no such file: then /proc itself must be there. */
static Found why_not(int err) {
  if (err == ESRCH) return GONE;
  return err == ENOENT && access("/proc/self/stat", F_OK) == 0 ? GONE : UNKNOWN;
}

/* The text behind the name, which may hold anything: it begins with field 3. UNKNOWN: no descriptor was left, say. */
static Found read_stat(pid_t pid, char *text, size_t size) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return why_not(errno);
  ssize_t n = read(fd, text, size - 1);
  Found found = n < 0 ? why_not(errno) : n == 0 ? UNKNOWN : FOUND;
  close(fd);
  if (found != FOUND) return found;
  text[n] = '\0';
  char *end = strrchr(text, ')');
  if (end == NULL || end[1] != ' ') return UNKNOWN;
  memmove(text, end + 2, strlen(end + 2) + 1);
  return FOUND;
}

static uint64_t field(const char *text, int wanted) {
  for (int at = FIELD_STATE; at < wanted && text != NULL; at++) {
    text = strchr(text, ' ');
    if (text != NULL) text++;
  }
  return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* What is in the file, or else in the process table: only a known death is one. */
static Found look(SharedId id, SharedLife *life) {
  char text[1024];
  pid_t pid = (pid_t)(id & stamp_mask);
  int saved = errno;
  Found found = read_stat(pid, text, sizeof text);
  *life = (SharedLife){.id = id};
  if (found == FOUND && (text[0] == 'X' || (text[0] == 'Z' && field(text, FIELD_THREADS) <= 1))) found = GONE;
  if (found == UNKNOWN && kill(pid, 0) != 0 && errno == ESRCH) found = GONE;
  if (found == FOUND) *life = (SharedLife){make_id(pid, field(text, FIELD_START)), field(text, FIELD_STACK)};
  if (found == FOUND && id == make_id(pid, no_start)) life->id = id;
  errno = saved;
  return found;
}

bool shared_life(SharedId id, SharedLife *life) { return look(id, life) != GONE; }

bool shared_alive(SharedId id) {
  SharedLife life;
  return id == shared_self() || (shared_life(id, &life) && life.id == id);
}

static void forget(void) { atomic_store_explicit(&shared_self_id, 0, memory_order_relaxed); }

static void install(void) { pthread_atfork(NULL, NULL, forget); }

SharedId shared_self_slow(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  SharedLife life;
  pthread_once(&once, install);
  if (look(make_id(getpid(), 0), &life) != FOUND) life.id = make_id(getpid(), no_start); /* kept: it must stay the same */
  atomic_store_explicit(&shared_self_id, life.id, memory_order_relaxed);
  return life.id;
}
