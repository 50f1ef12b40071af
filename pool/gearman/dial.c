/* Connecting to a job server. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/gearman/wire.h"
#include "runtime/os/descriptors.h"
#include "runtime/os/poll.h"

/* A port of digits only; 0: it is none. */
static unsigned long read_port(const char *digits) {
  size_t size = strlen(digits);
  if (size == 0 || size > 5 || strspn(digits, "0123456789") != size) return 0;
  unsigned long number = strtoul(digits, NULL, 10);
  return number <= 65535 ? number : 0;
}

static bool is_host(const char *host, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (host[i] <= ' ' || host[i] > '~' || host[i] == '/') return false;
  return size > 0 && size < WIRE_HOST;
}

bool wire_address(const char *text, char host[WIRE_HOST], char port[WIRE_PORT]) {
  const char *end, *digits = "4730";
  if (text[0] == '[') {
    end = strchr(++text, ']');
    if (end == NULL || (end[1] != '\0' && end[1] != ':')) return false;
    if (end[1] == ':') digits = end + 2;
  } else {
    end = strchr(text, ':');
    if (end == NULL) end = text + strlen(text);
    else digits = end + 1;
  }
  size_t size = (size_t)(end - text);
  unsigned long number = read_port(digits);
  if (!is_host(text, size) || number == 0) return false;
  memcpy(host, text, size);
  host[size] = '\0';
  snprintf(port, WIRE_PORT, "%lu", number);
  return true;
}

static void set(int fd, int level, int option, int value) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) errno = 0; /* only a wish */
}

/* Small packets go at once; a host that vanished is noticed in half a minute even where nobody asks. The sizes of the
 * buffers are left to the kernel: a fixed small one makes large payloads stall on a loopback. */
static void tune(int fd) {
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

/* 0, or the errno of the attempt on fd. */
static int finish(int fd, int64_t deadline) {
  struct pollfd p = {.fd = fd, .events = POLLOUT};
  int n, err = 0;
  socklen_t size = sizeof err;
  while ((n = os_poll(&p, 1, deadline)) < 0 && errno == EINTR) continue;
  if (n < 0) return errno;
  if (n == 0) return ETIMEDOUT;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) != 0 ? errno : err;
}

static int try_one(const struct addrinfo *a, int64_t deadline) {
  int fd = os_above_standard(socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol));
  if (fd < 0) return -1;
  int err = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
  if (err == EINPROGRESS) err = finish(fd, deadline);
  if (err == 0) {
    tune(fd);
    return fd;
  }
  close(fd);
  errno = err;
  return -1;
}

int wire_dial(const char *host, const char *port, int64_t deadline, char why[WIRE_WHY]) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG}, *list;
  int err = getaddrinfo(host, port, &hints, &list);
  if (err == EAI_NONAME || err == EAI_ADDRFAMILY) { /* AI_ADDRCONFIG does not count the loopback */
    hints.ai_flags = AI_NUMERICSERV;
    err = getaddrinfo(host, port, &hints, &list);
  }
  if (err != 0) {
    snprintf(why, WIRE_WHY, "%s", err == EAI_SYSTEM ? strerror(errno) : gai_strerror(err));
    return -1;
  }
  int fd = -1;
  for (const struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) fd = try_one(a, deadline);
  if (fd < 0) snprintf(why, WIRE_WHY, "%s", strerror(errno));
  freeaddrinfo(list);
  return fd;
}
