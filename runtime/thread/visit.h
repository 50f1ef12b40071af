/* Native threads that come into a runtime and go again, and how it closes under them.
 *
 * A Door is what a host holds of a runtime (gilua_Runtime of the public header). It outlives the runtime, so that a
 * thread that comes too late finds a closed door and not freed memory. A Visit is what one system thread knows of one
 * door: made when it first comes, kept between visits so that coming again is cheap, forgotten when the thread ends.
 * The protocol is at the top of visit.c.
 */
#ifndef GILUA_RUNTIME_THREAD_VISIT_H
#define GILUA_RUNTIME_THREAD_VISIT_H

#include "runtime/state/door.h"

/* What the calls below return. */
enum { VISIT_OK = 0, VISIT_ECLOSING = -1, VISIT_ENOMEM = -2, VISIT_EOUTSIDE = -3, VISIT_ETIME = -4 };

/* visit_open opens a closed door to rt for the calling thread, rt's main and the owner of its lock, which is inside
 * now, once. Returns 0 or VISIT_ENOMEM. */
int visit_open(Door *door, Runtime *rt);

/* visit_enter takes the lock and gives the calling thread a Lua state. A thread that is inside another runtime leaves
 * the lock of that until visit_leave: nobody waits for one lock with another, or two runtimes could wait for each
 * other. Blocks until its turn. Nested calls count. Fails with VISIT_ECLOSING when closing has begun (but not inside a
 * visit), VISIT_ENOMEM. Keeps errno. */
int visit_enter(Door *door, lua_State **L);

/* visit_leave undoes one visit_enter. The outermost one sets the Lua stack back and drops the lock. VISIT_EOUTSIDE: the
 * thread is not inside. */
int visit_leave(Door *door);

/* visit_is_inside tells whether the calling thread is inside, as a visitor or because gilua started it. */
bool visit_is_inside(const Door *door);

/* visit_find is the calling thread's visit to door, or NULL. */
Visit *visit_find(const Door *door);

/* visit_close begins closing: waits until nobody keeps the door, then lets nobody in any more. Without the lock. Fails
 * with VISIT_ETIME at the deadline, when it goes on nevertheless; VISIT_ECLOSING if it is closing already. */
int visit_close(Door *door, int64_t deadline);

/* visit_shut does it without waiting; a second call has no effect. */
void visit_shut(Runtime *rt);

/* visit_sweep forgets the threads that are not inside now and returns how many are on their way in or out; those that
 * are inside stay listed in rt. The door is closing; main thread, with the lock. */
unsigned visit_sweep(Runtime *rt);

/* visit_end forgets main's own visit and closes the door for good, if every thread is gone (free: its memory may be
 * used again). */
void visit_end(Door *door);

/* visit_keep, visit_drop: closing waits while the door is kept. */
int visit_keep(Door *door);
void visit_drop(Door *door);

/* visit_interrupt interrupts the thread whose Lua state is L; VISIT_EOUTSIDE: none behind the door has that. */
int visit_interrupt(Door *door, const lua_State *L);

/* visit_forget ends one of the calling thread's visits, whose thread ends. */
void visit_forget(Visit *v);

#endif
