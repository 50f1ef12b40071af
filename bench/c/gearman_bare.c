/* A bare client and worker of libgearman, the peer of gearman.lua: a job server, two workers and a client on 127.0.0.1.
 * usage: gearman_bare one|many|large [N]
 *   one    N calls, one at a time, 16 bytes there and back
 *   many   N calls, 64 in flight
 *   large  N calls of 16 MiB there and back
 */
#include <libgearman/gearman.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 2, IN_FLIGHT = 64, LARGE = 16 << 20 };

/* libgearman sets small socket buffers, with which large payloads stall on a loopback; without that it is as fast as it
 * can be. */
int setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
  if (level == SOL_SOCKET && (option == SO_SNDBUF || option == SO_RCVBUF)) return 0;
  return (int)syscall(SYS_setsockopt, fd, level, option, value, size);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  fprintf(stderr, "gearman_bare: %s\n", what);
  exit(1);
}

static in_port_t free_port(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, (struct sockaddr *)&a, size) != 0 || getsockname(fd, (struct sockaddr *)&a, &size) != 0) fail("no port");
  close(fd);
  return ntohs(a.sin_port);
}

static bool answers(in_port_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0), result = connect(fd, (struct sockaddr *)&a, sizeof a);
  close(fd);
  return result == 0;
}

static pid_t start_server(in_port_t port) {
  char option[32];
  snprintf(option, sizeof option, "--port=%d", port);
  pid_t pid = fork();
  if (pid == 0) {
    execlp("gearmand", "gearmand", "--listen=127.0.0.1", option, "--worker-wakeup=1", "--log-file=none", (char *)NULL);
    _exit(127);
  }
  while (!answers(port)) {
    if (waitpid(pid, NULL, WNOHANG) != 0) fail("gearmand does not start");
    usleep(1000);
  }
  return pid;
}

static gearman_return_t echo(gearman_job_st *job, void *context) {
  (void)context;
  return gearman_job_send_complete(job, gearman_job_workload(job), gearman_job_workload_size(job));
}

static void work(in_port_t port) {
  gearman_worker_st *w = gearman_worker_create(NULL);
  gearman_function_t f = gearman_function_create(echo);
  gearman_worker_add_server(w, "127.0.0.1", port);
  gearman_worker_define_function(w, "echo", 4, f, 0, NULL);
  for (;;) gearman_worker_work(w);
}

static void one(gearman_client_st *c, const char *bytes, size_t size) {
  size_t got;
  gearman_return_t err;
  void *result = gearman_client_do(c, "echo", NULL, bytes, size, &got, &err);
  if (err != GEARMAN_SUCCESS || got != size) fail(gearman_client_error(c));
  free(result);
}

static unsigned completed;

static gearman_return_t complete(gearman_task_st *task) {
  (void)task;
  completed++;
  return GEARMAN_SUCCESS;
}

static void batch(gearman_client_st *c, const char *bytes, size_t size) {
  gearman_return_t err;
  for (int i = 0; i < IN_FLIGHT; i++) gearman_client_add_task(c, NULL, NULL, "echo", NULL, bytes, size, &err);
  if (gearman_client_run_tasks(c) != GEARMAN_SUCCESS) fail(gearman_client_error(c));
  gearman_client_task_free_all(c);
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "one";
  bool many = strcmp(mode, "many") == 0, large = strcmp(mode, "large") == 0;
  int n = argc > 2 ? atoi(argv[2]) : 2000;
  size_t size = large ? LARGE : 16;
  in_port_t port = free_port();
  pid_t pids[WORKERS + 1] = {start_server(port)};
  for (int i = 1; i <= WORKERS; i++) {
    pids[i] = fork();
    if (pids[i] == 0) work(port);
  }
  char *bytes = malloc(size);
  memset(bytes, 'x', size);
  gearman_client_st *c = gearman_client_create(NULL);
  gearman_client_add_server(c, "127.0.0.1", port);
  gearman_client_set_complete_fn(c, complete);
  for (int i = 0; i < 20; i++) one(c, bytes, 16);
  double began = now();
  for (int i = 0; i < n; i += many ? IN_FLIGHT : 1) {
    if (many) batch(c, bytes, size);
    else one(c, bytes, size);
  }
  double seconds = now() - began;
  for (int i = WORKERS; i >= 0; i--) kill(pids[i], SIGKILL);
  if (many && completed < (unsigned)n) fail("tasks are missing");
  printf("{\"bench\":\"gearman_bare.%s\",\"n\":%d,\"seconds\":%.6g,\"per_op_ns\":%.6g}\n", mode, n, seconds,
         seconds * 1e9 / n);
  return 0;
}
