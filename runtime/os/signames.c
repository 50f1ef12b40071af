/* See signames.h. The table is ours: the C library has one only since glibc 2.32. */
#include "runtime/os/signames.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct Signame {
  int sig;
  const char *name; /* without SIG */
} Signame;

static const Signame table[] = {
    {SIGHUP, "HUP"}, {SIGINT, "INT"}, {SIGQUIT, "QUIT"}, {SIGILL, "ILL"}, {SIGTRAP, "TRAP"}, {SIGABRT, "ABRT"},
    {SIGBUS, "BUS"}, {SIGFPE, "FPE"}, {SIGKILL, "KILL"}, {SIGUSR1, "USR1"}, {SIGSEGV, "SEGV"}, {SIGUSR2, "USR2"},
    {SIGPIPE, "PIPE"}, {SIGALRM, "ALRM"}, {SIGTERM, "TERM"}, {SIGCHLD, "CHLD"}, {SIGCONT, "CONT"}, {SIGSTOP, "STOP"},
    {SIGTSTP, "TSTP"}, {SIGTTIN, "TTIN"}, {SIGTTOU, "TTOU"}, {SIGURG, "URG"}, {SIGXCPU, "XCPU"}, {SIGXFSZ, "XFSZ"},
    {SIGVTALRM, "VTALRM"}, {SIGPROF, "PROF"}, {SIGIO, "IO"}, {SIGSYS, "SYS"}, {SIGWINCH, "WINCH"},
#ifdef SIGSTKFLT
    {SIGSTKFLT, "STKFLT"},
#endif
#ifdef SIGPWR
    {SIGPWR, "PWR"},
#endif
    {SIGIO, "POLL"}, /* other names, behind the first ones */
    {SIGABRT, "IOT"}, {SIGCHLD, "CLD"},
};

int signal_number(const char *name) {
  char room[SIGNAME_ROOM];
  if (strncmp(name, "SIG", 3) == 0) name += 3;
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (strcmp(name, table[i].name) == 0) return table[i].sig;
  if (strncmp(name, "RT", 2) != 0) return 0;
  for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
    if (strcmp(signal_name(sig, room) + 3, name) == 0) return sig;
  return 0;
}

const char *signal_name(int sig, char *room) {
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    if (table[i].sig != sig) continue;
    snprintf(room, SIGNAME_ROOM, "SIG%s", table[i].name);
    return room;
  }
  if (sig < SIGRTMIN || sig > SIGRTMAX) return NULL;
  if (sig == SIGRTMIN) snprintf(room, SIGNAME_ROOM, "SIGRTMIN");
  else if (sig == SIGRTMAX) snprintf(room, SIGNAME_ROOM, "SIGRTMAX");
  else snprintf(room, SIGNAME_ROOM, "SIGRTMIN+%d", sig - SIGRTMIN);
  return room;
}
