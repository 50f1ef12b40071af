/* A progress line on the terminal's stderr; nothing at all where stderr is no terminal. */
#ifndef GILUA_POOL_FUTURES_PROGRESS_H
#define GILUA_POOL_FUTURES_PROGRESS_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Progress {
  bool shown;     /* stderr is a terminal */
  bool drawn;     /* there is a line that is not ended */
  int64_t total;  /* or -1: not known */
  int64_t done;
  int64_t since;  /* ns (clock.h) */
  int64_t newest; /* ns, when it was drawn last */
} Progress;

/* progress_begin starts at 0 of total. progress_step counts one more and draws now and then; progress_end draws the last
 * state and ends the line. Plain C, no lock needed beyond that of the owner. */
void progress_begin(Progress *p, int64_t total);
void progress_step(Progress *p);
void progress_end(Progress *p);

/* progress_format writes the line into text. For tests. */
void progress_format(const Progress *p, int64_t now, char *text, int size);

/* progress_wrap is futures.progress(iterator [, total]) -> iterator. */
int progress_wrap(lua_State *L);

#endif
