/* Objects that go by a name, or by the number that they came with. */
#ifndef GILUA_POOL_PICKLE_WRITE_NAME_H
#define GILUA_POOL_PICKLE_WRITE_NAME_H

#include "pool/pickle/writer.h"

/* For an object on top; true: it is written. writer_named: by the name or number that it has. writer_named_table,
 * writer_named_function: if it is to go by that. writer_tracked: in a worker, as what came with the task.
 * writer_class_by_value: it is the metatable that is to be written, was written by value, and has a name: the walk
 * begins again. */
bool writer_named(Writer *w);
bool writer_named_table(Writer *w);
bool writer_named_function(Writer *w);
bool writer_tracked(Writer *w);
bool writer_class_by_value(Writer *w);

#endif
