/* Where visits are listed: those of one thread, and those behind one door. What visit.c and door.c share and nobody else sees. */
#ifndef GILUA_RUNTIME_THREAD_VISIT_LISTS_H
#define GILUA_RUNTIME_THREAD_VISIT_LISTS_H

#include "runtime/state/door.h"

/* visit_new makes a visit of ts's thread that is listed nowhere; NULL without memory. */
Visit *visit_new(Door *door, Tstate *ts);

/* visit_link lists v for the calling thread; visit_discard takes it off and frees it. */
void visit_link(Visit *v);
void visit_discard(Visit *v);

/* visit_list lists v behind its door, visit_unlist takes it off, if it is there. With Door.m. */
void visit_list(Door *door, Visit *v);
void visit_unlist(Door *door, const Visit *v);

/* visit_end_object says that ts's thread has ended to its Thread object, if somebody asked for that. With the lock, by self. */
void visit_end_object(Tstate *self, Tstate *ts);

#endif
