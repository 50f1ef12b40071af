/* Reading functions. */
#ifndef GILUA_POOL_PICKLE_READ_FUNCTION_H
#define GILUA_POOL_PICKLE_READ_FUNCTION_H

#include "pool/pickle/reader.h"

/* reader_function pushes one that has its tag read, at offset `at`; false: it became a frame. */
bool reader_function(Reader *r, size_t at, unsigned tag);

/* reader_upvalue reads what comes before the value of the next captured variable of the function in f; false: it is one
 * that another function has, and no value follows. */
bool reader_upvalue(Reader *r, ReadFrame *f);

#endif
