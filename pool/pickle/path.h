/* What cannot be sent, and where it is: args[2].handlers.on_done upvalue "db". */
#ifndef GILUA_POOL_PICKLE_PATH_H
#define GILUA_POOL_PICKLE_PATH_H

#include "pool/pickle/writer.h"

/* writer_refuse raises `pickle` with the path of the value on top. */
_Noreturn void writer_refuse(Writer *w, const char *why);

#endif
