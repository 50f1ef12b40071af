/* Reading what goes by name or by number, and what came from here. */
#ifndef GILUA_POOL_PICKLE_READ_NAME_H
#define GILUA_POOL_PICKLE_READ_NAME_H

#include "pool/pickle/reader.h"

/* Each has its tag read, at offset `at`, and pushes the object. reader_check_class looks whether the object on top, which
 * has a name, may stand where it is to. */
void reader_name(Reader *r, size_t at, unsigned tag);
void reader_check_class(Reader *r, size_t at);
void reader_known(Reader *r, size_t at, unsigned tag);
void reader_origin(Reader *r, size_t at, unsigned tag);

#endif
