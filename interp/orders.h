/* Every order of a program's threads with at most so many preemptions. */
#ifndef GILUA_INTERP_ORDERS_H
#define GILUA_INTERP_ORDERS_H

#include "interp/trial.h"

/* The tree of orders: each is its parent up to one choice, and makes another one there. */
typedef struct Orders Orders;

/* orders_new has one order, without a preemption; NULL without memory. bound: the most preemptions. */
Orders *orders_new(unsigned bound);
void orders_free(Orders *o);

/* orders_done tells whether every order that is known has been taken. */
bool orders_done(const Orders *o);

/* orders_take takes the next order, of those with the fewest preemptions, if there is one that has no more than those that are
 * still running; busy says whether any is. Returns the list of its turns, which is good until the next call, in *turns, and its
 * number in *order; false: there is none now. */
bool orders_take(Orders *o, bool busy, uint32_t *order, const Turn **turns, uint64_t *n);

/* orders_add adds those that differ from this order, which was run as t, at one choice behind its own. To be called in the order
 * in which they were taken. False: without memory, or t has lost some of its choices. */
bool orders_add(Orders *o, uint32_t order, const Trial *t);

#endif
