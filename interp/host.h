/* An interpreter as gilua.h hands it out: what Door.owner leads to. */
#ifndef GILUA_INTERP_HOST_H
#define GILUA_INTERP_HOST_H

#include "interp/state.h"
#include "runtime/thread/visit.h"

struct Closer;

typedef struct Host {
  State state;
  bool attached;
  int64_t shutdown_timeout_ns; /* 0: the default */
  struct Closer *closer;       /* [t] of main: while it is in gilua_close, see close.c */
} Host;

static inline Host *host_of(const Door *door) { return door->owner; }

#endif
