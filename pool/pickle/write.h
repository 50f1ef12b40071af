/* The walk over what is sent. */
#ifndef GILUA_POOL_PICKLE_WRITE_H
#define GILUA_POOL_PICKLE_WRITE_H

#include "pool/pickle/writer.h"

/* writer_run writes n values from index first on into out, pieces, codes and the lists at SLOT_PINS and SLOT_ORIGINS. */
void writer_run(Writer *w, int first, int n, PickleRoot root);

#endif
