/* The doors of the runtimes of a process (door.h), also of those that are closed. */
#ifndef GILUA_RUNTIME_STATE_DOORS_H
#define GILUA_RUNTIME_STATE_DOORS_H

#include "runtime/state/door.h"

/* doors_new makes a door (visit.h), closed, with a serial of its own; NULL without memory. doors_end takes it
 * back: it stays readable, so that late visitors learn that they are late, and is used again after many others. */
Door *doors_new(void);
void doors_end(Door *door);

/* doors_use_module notes that the module, safe in one runtime of a process only, is used behind door. Returns 0, EBUSY
 * if another runtime uses it, or ENOMEM. */
int doors_use_module(Door *door, const char *name);

#endif
