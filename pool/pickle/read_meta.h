/* Giving tables their metatables. */
#ifndef GILUA_POOL_PICKLE_READ_META_H
#define GILUA_POOL_PICKLE_READ_META_H

#include "pool/pickle/reader.h"

/* reader_set_meta gives the table at slot the metatable on top, which it pops; its value began at offset `at`. One that
 * is not filled yet is set by reader_set_deferred, at the end of the message. */
void reader_set_meta(Reader *r, int slot, size_t at);
void reader_set_deferred(Reader *r);

#endif
