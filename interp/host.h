/* An interpreter as gilua.h hands it out: what Door.owner leads to. */
#ifndef GILUA_INTERP_HOST_H
#define GILUA_INTERP_HOST_H

#include "interp/state.h"
#include "runtime/thread/visit.h"

struct Close;

typedef struct Host {
  State state;
  bool attached;
  struct Close *close; /* [t] of main: while it is in gilua_close, see close.c */
} Host;

static inline Host *host_of(const Door *door) { return door->owner; }

#endif
