/* Looking names up. */
#include "runtime/socket/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/helper.h"
#include "runtime/os/os.h"

enum { HELPER_STACK = 256 * 1024, HOST_BUFFER = 8192 };

/* LuaSocket's words where it has its own. */
static const char *gai_words(int err) {
  switch (err) {
    case EAI_AGAIN: return "temporary failure in name resolution";
    case EAI_BADFLAGS: return "invalid value for ai_flags";
    case EAI_FAIL: return "non-recoverable failure in name resolution";
    case EAI_FAMILY: return "ai_family not supported";
    case EAI_MEMORY: return "memory allocation failure";
    case EAI_NONAME: return "host or service not provided, or not known";
    case EAI_SERVICE: return "service not supported for socket type";
    case EAI_SOCKTYPE: return "ai_socktype not supported";
    default: return gai_strerror(err);
  }
}

static void add(Lookup *q, LookupTag tag, const char *text) {
  size_t n = strlen(text) + 1;
  if (q->error != NULL) return;
  if (q->used + n + 2 > q->room) {
    size_t room = 2 * (q->used + n + 2);
    char *found = realloc(q->found, room);
    if (found == NULL) {
      q->error = "not enough memory";
      return;
    }
    q->found = found;
    q->room = room;
  }
  q->found[q->used] = (char)tag;
  memcpy(q->found + q->used + 1, text, n);
  q->used += n + 1;
  q->found[q->used] = 0;
}

static void find_addresses(Lookup *q) {
  struct addrinfo hints = {.ai_family = q->family, .ai_socktype = q->type}, *list = NULL;
  int err = getaddrinfo(q->host, q->service, &hints, &list);
  if (err != 0) q->error = gai_words(err);
  for (struct addrinfo *a = list; err == 0 && a != NULL; a = a->ai_next) {
    char text[NI_MAXHOST], service[NI_MAXSERV];
    bool names = q->kind == LOOKUP_NAMES;
    err = getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, service, sizeof service, names ? 0 : NI_NUMERICHOST);
    if (err != 0) q->error = gai_words(err);
    else if (!names || q->host != NULL) add(q, names ? TAG_NAME : a->ai_family == AF_INET6 ? TAG_INET6 : TAG_INET, text);
    if (err == 0 && names && q->service != NULL && a->ai_next == NULL) add(q, TAG_SERVICE, service);
  }
  if (list != NULL) freeaddrinfo(list);
}

static void find_host(Lookup *q) {
  struct hostent host, *found = NULL;
  struct in_addr address;
  char buffer[HOST_BUFFER];
  int why = 0;
  int err = inet_aton(q->host, &address)
                ? gethostbyaddr_r(&address, sizeof address, AF_INET, &host, buffer, sizeof buffer, &found, &why)
                : gethostbyname_r(q->host, &host, buffer, sizeof buffer, &found, &why);
  if (err != 0 || found == NULL) {
    q->error = why == HOST_NOT_FOUND || why == NO_DATA ? "host not found" : err == 0 ? hstrerror(why) : "host not found";
    return;
  }
  add(q, TAG_NAME, found->h_name);
  for (char **alias = found->h_aliases; *alias != NULL; alias++) add(q, TAG_ALIAS, *alias);
  for (char **a = found->h_addr_list; *a != NULL; a++) {
    char text[INET_ADDRSTRLEN];
    if (inet_ntop(AF_INET, *a, text, sizeof text) != NULL) add(q, TAG_INET, text);
  }
}

static void find(Lookup *q) {
  if (q->kind == LOOKUP_HOST) find_host(q);
  else find_addresses(q);
  if (q->error == NULL && q->used == 0) q->error = "host not found";
}

static void *helper(void *arg) {
  Lookup *q = arg;
  find(q);
  atomic_store_explicit(&q->answered, true, memory_order_release);
  os_event_signal(q->done);
  lookup_free(q);
  return NULL;
}

static bool start(Lookup *q) {
  atomic_fetch_add_explicit(&q->refs, 1, memory_order_relaxed); /* the new thread is ordered after its start */
  int err = os_start_helper(NULL, HELPER_STACK, helper, q);
  if (err != 0) atomic_fetch_sub_explicit(&q->refs, 1, memory_order_relaxed);
  return err == 0;
}

ParkResult lookup_run(Tstate *ts, Lookup *q, int64_t deadline) {
  short revents;
  if (start(q)) {
    blocking_name(ts, "lookup");
    ParkResult result = blocking_wait_fd(ts, q->done, POLLIN, deadline, &revents);
    if (result == PARK_GRANTED && !atomic_load_explicit(&q->answered, memory_order_acquire)) return PARK_TIMEOUT;
    return result;
  }
  blocking_begin_wait(ts, "lookup"); /* no thread to be had: then not to be ended */
  find(q);
  blocking_end(ts);
  return PARK_GRANTED;
}

Lookup *lookup_new(LookupKind kind, int family, int type, const char *host, const char *service) {
  Lookup *q = calloc(1, sizeof *q);
  if (q == NULL) return NULL;
  atomic_init(&q->refs, 1);
  q->kind = kind;
  q->family = family;
  q->type = type;
  q->done = os_event_new();
  q->host = host != NULL ? strdup(host) : NULL;
  q->service = service != NULL ? strdup(service) : NULL;
  if (q->done >= 0 && (host == NULL || q->host != NULL) && (service == NULL || q->service != NULL)) return q;
  lookup_free(q);
  return NULL;
}

void lookup_free(Lookup *q) {
  /* acq_rel: the last one sees what the other did with it */
  if (atomic_fetch_sub_explicit(&q->refs, 1, memory_order_acq_rel) > 1) return;
  if (q->done >= 0) close(q->done);
  free(q->host);
  free(q->service);
  free(q->found);
  free(q);
}
