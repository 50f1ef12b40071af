/* What io_convoy.lua does without spinners, in C and without any interpreter lock: one thread that echoes. How fast a thread
 * and this client can be at all.
 *
 *   echo tcp|udp|fifo N MAX_SECONDS PAUSE_US      the client is the program that BENCH_CLIENT names */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 16, LARGEST = 64 };

static char request[64], reply[64];
static int sock;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void *serve_fifo(void *arg) {
  int in = open(request, O_RDONLY), out = open(reply, O_WRONLY);
  char bytes[SIZE];
  for (ssize_t n; (n = read(in, bytes, SIZE)) > 0;)
    if (write(out, bytes, (size_t)n) != n) break;
  return arg;
}

static void *serve_tcp(void *arg) {
  int fd = accept(sock, NULL, NULL), one = 1;
  char bytes[SIZE];
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (ssize_t n; (n = recv(fd, bytes, SIZE, 0)) > 0;)
    if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n) break;
  return arg;
}

static void *serve_udp(void *arg) {
  char bytes[LARGEST];
  for (;;) {
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(sock, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
    if (n < 4 || memcmp(bytes, "quit", 4) == 0) return arg;
    sendto(sock, bytes, (size_t)n, 0, (struct sockaddr *)&from, length);
  }
}

static int port_of(int type) {
  struct sockaddr_in at = {.sin_family = AF_INET};
  socklen_t length = sizeof at;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sock = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (sock < 0 || bind(sock, (struct sockaddr *)&at, sizeof at) != 0 || getsockname(sock, (struct sockaddr *)&at, &length) != 0 ||
      (type == SOCK_STREAM && listen(sock, 1) != 0))
    die("socket");
  return ntohs(at.sin_port);
}

int main(int argc, char **argv) {
  const char *client = getenv("BENCH_CLIENT"), *mode = argc == 5 ? argv[1] : "";
  bool fifo = strcmp(mode, "fifo") == 0, tcp = strcmp(mode, "tcp") == 0;
  char dir[] = "/tmp/bench_echo_XXXXXX", where[160], command[4096];
  pthread_t thread;
  if (argc != 5 || client == NULL) {
    fprintf(stderr, "usage: BENCH_CLIENT=PROGRAM echo tcp|udp|fifo N MAX_SECONDS PAUSE_US\n");
    return 2;
  }
  if (fifo) {
    if (mkdtemp(dir) == NULL) die("mkdtemp");
    snprintf(request, sizeof request, "%s/req", dir);
    snprintf(reply, sizeof reply, "%s/rep", dir);
    if (mkfifo(request, 0600) != 0 || mkfifo(reply, 0600) != 0) die("mkfifo");
    snprintf(where, sizeof where, "%s %s", request, reply);
  } else {
    snprintf(where, sizeof where, "%d", port_of(tcp ? SOCK_STREAM : SOCK_DGRAM));
  }
  snprintf(command, sizeof command, "%s %s %s %s %s %s", client, mode, where, argv[2], argv[3], argv[4]);
  if (pthread_create(&thread, NULL, fifo ? serve_fifo : tcp ? serve_tcp : serve_udp, NULL) != 0) die("pthread_create");
  int status = system(command);
  pthread_join(thread, NULL);
  if (fifo && (unlink(request) != 0 || unlink(reply) != 0 || rmdir(dir) != 0)) die(dir);
  return status == 0 ? 0 : 1;
}
