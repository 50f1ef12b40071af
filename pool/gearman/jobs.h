/* What becomes of jobs, and who is told. Under JobClient.m unless it says otherwise. */
#ifndef GILUA_POOL_GEARMAN_JOBS_H
#define GILUA_POOL_GEARMAN_JOBS_H

#include "pool/gearman/client_state.h"

/* client_decide makes j, in no list, final: who waits is woken, the watcher told, the client's reference given up.
 * client_fail does it with a reason. client_again puts it before the queue, unless what is not begun is cancelled. */
void client_decide(JobClient *c, Job *j, JobState to);
void client_fail(JobClient *c, Job *j, JobFailure failure, const char *text, size_t size);
void client_again(JobClient *c, Job *j);

/* client_break fails everything that is queued, for good; c->why says why. */
void client_break(JobClient *c);

/* client_tell has a waiting thread look again, client_tell_conditions those whose condition is there; client_kick
 * whoever polls; client_wake_helper, also without m, the helper. */
void client_tell(JobClient *c, JobWait *w);
void client_tell_conditions(JobClient *c);
void client_kick(JobClient *c);
void client_wake_helper(JobClient *c);

/* client_unref gives up the client's own reference to a job. client_drop, without m, one to the client; the last frees it. */
void client_unref(Job *j);
void client_drop(JobClient *c);

#endif
