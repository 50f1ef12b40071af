/* What the program needs of an embedded runtime beside gilua.h. */
#ifndef GILUA_INTERP_EMBED_H
#define GILUA_INTERP_EMBED_H

#include "interp/gilua.h"
#include "runtime/state/runtime.h"

/* embed_runtime is the runtime behind a handle that is open. */
Runtime *embed_runtime(gilua_Runtime *door);

#endif
