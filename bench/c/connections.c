/* A client with many connections to a server on 127.0.0.1 that echoes 16 bytes at a time.
 *
 *   connections PORT IDLE BUSY SECONDS
 *
 * IDLE connections are opened and say nothing; each of BUSY ones sends a request when the answer to its last one has come.
 * In the end every connection, the idle ones too, sends one more request. Every answer is compared with its request.
 * Prints one JSON object; "lost" counts what got no answer or a wrong one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 16, EVENTS = 64, PATIENCE_MS = 10000 };

typedef struct Connection {
  int fd;
  bool asked; /* an answer is to come */
  size_t got;
  char request[32], answer[SIZE]; /* room for more than is ever asked */
} Connection;

static long asked, answered, wrong;

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void open_connection(Connection *c, int epoll, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  int one = 1;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0) die("epoll_ctl");
}

static void ask(Connection *c) {
  snprintf(c->request, sizeof c->request, "r%014ld\n", asked++ % 100000000000000);
  c->got = 0;
  c->asked = true;
  if (send(c->fd, c->request, SIZE, MSG_NOSIGNAL) != SIZE) die("send");
}

/* True when the answer is whole. */
static bool take(Connection *c) {
  ssize_t n = recv(c->fd, c->answer + c->got, SIZE - c->got, 0);
  if (n <= 0) die("recv");
  c->got += (size_t)n;
  if (c->got < SIZE) return false;
  c->asked = false;
  answered++;
  wrong += memcmp(c->answer, c->request, SIZE) != 0;
  return true;
}

/* Takes answers, and asks again until the time is over; then until nobody waits for one. */
static void converse(int epoll, double until) {
  struct epoll_event events[EVENTS];
  while (asked > answered) {
    int n = epoll_wait(epoll, events, EVENTS, PATIENCE_MS);
    if (n == 0) return; /* lost */
    if (n < 0 && errno != EINTR) die("epoll_wait");
    bool more = now() < until;
    for (int i = 0; i < n; i++)
      if (take(events[i].data.ptr) && more) ask(events[i].data.ptr);
  }
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: connections PORT IDLE BUSY SECONDS\n");
    return 2;
  }
  int port = atoi(argv[1]), idle = atoi(argv[2]), busy = atoi(argv[3]), n = idle + busy;
  struct rlimit files = {(rlim_t)n + 64, (rlim_t)n + 64};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Connection *all = calloc((size_t)n, sizeof *all);
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (all == NULL || epoll < 0) die("epoll_create1");
  for (int i = 0; i < n; i++) open_connection(&all[i], epoll, port);
  for (int i = idle; i < n; i++) ask(&all[i]); /* everybody's thread has started when this has been answered */
  converse(epoll, 0);
  long before = answered;
  double begun = now();
  for (int i = idle; i < n; i++) ask(&all[i]);
  converse(epoll, begun + atof(argv[4]));
  double seconds = now() - begun;
  long measured = answered - before;
  for (int i = 0; i < n; i++) ask(&all[i]);
  converse(epoll, 0);
  for (int i = 0; i < n; i++) close(all[i].fd);
  printf("{\"n\":%ld,\"seconds\":%.6f,\"per_op_ns\":%.1f,\"requests_per_s\":%.1f,\"lost\":%ld}\n", measured, seconds,
         seconds * 1e9 / (double)measured, (double)measured / seconds, asked - answered + wrong);
  free(all);
  return 0;
}
