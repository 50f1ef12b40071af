/* Signals that Lua hears: what is installed for each, and which have come. Who calls the handlers is sync/serve.h.
 *
 * What is installed for a signal follows from two fields, and hear_update makes it so:
 *   waited > 0, or HEAR_CALL    our handler, handlers_hear: counts the signal and requests REQUEST_SIGNAL of the main thread
 *   HEAR_IGNORE                 SIG_IGN
 *   HEAR_DEFAULT                SIG_DFL; for SIGINT and SIGQUIT what stood there before: Ctrl-C and the dump
 *   HEAR_NOT                    what stood there before: Lua never said anything
 *
 * Every signal that the kernel delivers is one call: `heard` counts. Standard signals that come while one is pending in the
 * kernel are merged there.
 * Nothing is missed    the handler counts, then sets REQUEST_SIGNAL; the main thread clears that, then looks at the counts: all seq_cst.
 * Threads     the handler runs on any thread, as our others do; all else on threads that have the interpreter lock.
 * Fork        a child has the handlers, and none of the signals that came; a worker starts with the defaults: hear_forget.
 */
#ifndef GILUA_RUNTIME_STATE_HEAR_H
#define GILUA_RUNTIME_STATE_HEAR_H

#include <signal.h>

#include "runtime/state/tstate.h"

/* Handlers of different signals run amid each other, so many at once; one signal's never amid itself. */
enum { HEAR_DEPTH = 8 };

typedef enum HearAction { HEAR_NOT, HEAR_DEFAULT, HEAR_IGNORE, HEAR_CALL } HearAction;

typedef struct Hearing {
  _Atomic unsigned heard[NSIG];  /* [a] came, and were not served yet; seq_cst */
  HearAction action[NSIG];       /* [G] what Lua said */
  unsigned waited[NSIG];         /* [G] threads that wait for it */
  bool touched[NSIG];            /* [G] `before` is what stood there */
  struct sigaction before[NSIG]; /* [G] */
  bool running[NSIG];            /* [G] its handler is on the main thread's stack */
  unsigned depth;                /* [G] how many are */
  Waiter aside[HEAR_DEPTH];      /* [G] waits that they run amid of, see sync/aside.h */
  Waitq takers;                  /* [G] who waits for a signal by name; Waiter.object is a mask of numbers */
  Waitq pausers;                 /* [G] who waits for any handler to be called */
} Hearing;

/* hear_open lets Lua of rt hear signals, with `serve` as what calls the handlers. Returns 0, EBUSY: another runtime of
 * the process does, ENOMEM, or what starting the nudger gave. Needs the lock. A second call does nothing. */
int hear_open(Runtime *rt, void (*serve)(lua_State *L, Tstate *ts));

/* hear_close puts back what stood there before Lua heard. No effect if it never did. */
void hear_close(Runtime *rt);

/* hear_update installs what belongs there for sig. Returns 0 or an errno. Needs the lock. */
int hear_update(Runtime *rt, int sig);

/* hear_is_ours tells whether our handler belongs there for sig. */
static inline bool hear_is_ours(const Hearing *h, int sig) { return h->waited[sig] > 0 || h->action[sig] == HEAR_CALL; }

/* hear_take takes one of sig that came and was not served. Needs the lock. */
bool hear_take(Hearing *h, int sig);

/* hear_ignored puts into *set the signals that Lua of rt ignores: what is executed has the defaults. Returns whether
 * there are any. */
bool hear_ignored(const Runtime *rt, sigset_t *set);

/* hear_after_fork is called in a forked child, same: its thread was the main one and is in the handlers it was in;
 * hear_forget in one that is a worker. */
void hear_after_fork(Runtime *rt, bool same);
void hear_forget(Runtime *rt);

#endif
