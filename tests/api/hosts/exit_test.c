/* os.exit of scripts in a host: the process ends as the script says, whoever is where. Each in a child. */
#include <signal.h>
#include <sys/wait.h>

#include "host.h"

typedef struct Script {
  gilua_Runtime *rt;
  const char *code;
} Script;

static void *run(void *arg) {
  Script *s = arg;
  gilua_run_string(s->rt, s->code, "=script");
  return NULL;
}

/* The status of a process that runs code on a thread of its own while main closes. */
static int status_beside_close(const char *code, unsigned pause) {
  int status = -1;
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    Script s = {opened(NULL), code};
    pthread_t t;
    alarm(300);
    pthread_create(&t, NULL, run, &s);
    usleep(pause); /* any moment will do: the close is before, amid or after */
    gilua_close(s.rt);
    pthread_join(t, NULL);
    _exit(0);
  }
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static void test_exit_and_close(const char *code) {
  for (unsigned pause = 0; pause < 20000; pause = pause * 2 + 100) {
    int status = status_beside_close(code, pause);
    if (status != 0 && status != 5) printf("# after %u us: status %d\n", pause, status);
    CHECK(status == 0 || status == 5);
  }
}

/* Nothing is protected: the message is on stderr, then the process aborts. */
static void test_panic(void) {
  int out[2], status = -1;
  char text[200] = "";
  CHECK(pipe(out) == 0);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    lua_State *L;
    gilua_Runtime *rt = opened(NULL);
    dup2(out[1], STDERR_FILENO);
    if (gilua_enter(rt, &L) == 0) luaL_error(L, "the disk is on fire");
    _exit(0);
  }
  close(out[1]);
  CHECK(read(out[0], text, sizeof text - 1) > 0 && strstr(text, "the disk is on fire") != NULL);
  close(out[0]);
  CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void) {
  TEST("an error outside of a protected call says what it was", test_panic(););
  TEST("os.exit of a host's thread beside gilua_close", test_exit_and_close("os.exit(5)"););
  TEST("the same with close", test_exit_and_close("os.exit(5, true)"););
  TEST("of a thread that the script started",
       test_exit_and_close("require'gilua.threading'.Thread{daemon = true, target = function() os.exit(5) end}:start()"););
  TEST("of several at once", test_exit_and_close(
      "for i = 1, 5 do require'gilua.threading'.Thread{daemon = true, target = os.exit, args = {5, i % 2 == 0}}:start() end"););
  return check_failures != 0;
}
