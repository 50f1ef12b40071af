/* Waiting for jobs, and the rounds of who serves the connections meanwhile. */
#ifndef GILUA_POOL_GEARMAN_CLIENT_WAIT_H
#define GILUA_POOL_GEARMAN_CLIENT_WAIT_H

#include "pool/gearman/client_state.h"

/* client_wait_job waits until j is decided; client_wait_room while max_pending are undecided; client_wait_ended until
 * it has ended, after client_close; client_wait_server until a server is live, or each was tried. As park. */
ParkResult client_wait_job(Tstate *ts, Job *j, int64_t deadline);
ParkResult client_wait_room(Tstate *ts, JobClient *c, int64_t deadline);
ParkResult client_wait_ended(Tstate *ts, JobClient *c, int64_t deadline);
ParkResult client_wait_server(Tstate *ts, JobClient *c, int64_t deadline);

/* client_work writes and reads what it can on all connections, and looks at the clock; true if something came.
 * client_next is when to do that again. client_sleep polls until then, without m meanwhile. All three under m. */
bool client_work(JobClient *c);
int64_t client_next(const JobClient *c);
void client_sleep(JobClient *c, int64_t until);

#endif
