/* What connections.lua does, in C and without any interpreter lock: a thread for each connection that echoes 16 bytes at a
 * time. How fast threads and this client can be at all.
 *
 *   server IDLE BUSY SECONDS      the client is the program that BENCH_CLIENT names */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 16, STACK = 65536 };

static int listener;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void *serve(void *arg) {
  int fd = (int)(intptr_t)arg, one = 1;
  char bytes[SIZE];
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (ssize_t n; (n = recv(fd, bytes, SIZE, 0)) > 0;)
    if (send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n) break;
  close(fd);
  return NULL;
}

static void *accept_all(void *arg) {
  pthread_attr_t attr;
  (void)arg;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, STACK);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
    pthread_t thread;
    if (pthread_create(&thread, &attr, serve, (void *)(intptr_t)fd) != 0) die("pthread_create");
  }
  return NULL;
}

int main(int argc, char **argv) {
  struct sockaddr_in at = {.sin_family = AF_INET};
  socklen_t length = sizeof at;
  pthread_t acceptor;
  char command[4096], line[4096];
  const char *client = getenv("BENCH_CLIENT");
  if (argc != 4 || client == NULL) {
    fprintf(stderr, "usage: BENCH_CLIENT=PROGRAM server IDLE BUSY SECONDS\n");
    return 2;
  }
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, (struct sockaddr *)&at, &length) != 0)
    die("listen");
  if (pthread_create(&acceptor, NULL, accept_all, NULL) != 0) die("pthread_create");
  snprintf(command, sizeof command, "%s %d %s %s %s", client, ntohs(at.sin_port), argv[1], argv[2], argv[3]);
  FILE *p = popen(command, "r");
  if (p == NULL || fgets(line, sizeof line, p) == NULL || pclose(p) != 0) die("the client");
  printf("%s", line);
  return 0;
}
