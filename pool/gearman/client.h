/* A client of job servers: takes jobs as bytes, spreads them over the servers, keeps what came of them. It knows no
 * Lua values.
 *
 * Threads. client_new, client_submit and client_cancel are called with the interpreter lock, but do not need it. The
 * sockets are served under JobClient.m by whoever waits: a thread that waits for a result becomes the leader, sleeps
 * in poll on all connections and reads what comes; others that wait sleep on futexes, and the leader that leaves
 * makes one of them the next. While nobody waits the helper stands in, a thread of the client, which alone makes
 * connections. So a round trip has no hop. Source of the idea: leader/followers (Schmidt et al.), as in pool/process.
 *
 *   Client    OPEN -> CLOSING    client_close, client_terminate: no more jobs come
 *             CLOSING -> ENDED   nothing is pending any more; the helper hangs up and goes
 *             broken             beside these, for good: no server was there for so long; all pending jobs have failed
 *   Server    DOWN -> GREETING   the helper has connected it
 *             GREETING -> LIVE   it has answered an echo: it is awake
 *             GREETING, LIVE -> DOWN   it hung up, sent nonsense, or was silent too long; its jobs go back to the front
 *
 * A job that was SENT when its server was lost is sent again: a task may be done more than once. Its unique stays the
 * same.
 *
 * Its state and the lock order stand in client_state.h.
 *
 * Files, each above those that follow: client.c, helper.c, client_wait.c (the leader), servers.c (all of them), server.c,
 * jobs.c (deciding), job.c, wire.c.
 */
#ifndef GILUA_POOL_GEARMAN_CLIENT_H
#define GILUA_POOL_GEARMAN_CLIENT_H

#include "pool/gearman/client_state.h"

/* client_new makes a client of the servers ("host:port", n of them, at most WIRE_MOST_SERVERS, their texts copied);
 * NULL with errno, EINVAL: a server that is none. */
JobClient *client_new(const ClientOptions *options, const char *const *servers, unsigned n, void (*decided)(Job *j));

/* client_start starts the helper. Returns 0 or an errno. */
int client_start(JobClient *c);

/* client_submit queues a job; the payload, the whole packet, becomes its own; unique, of fewer than JOB_UNIQUE bytes,
 * is copied. NULL without memory. The caller owns a reference. */
Job *client_submit(JobClient *c, const char *unique, uint64_t number, Payload *payload);

/* client_number gives the number of the next job. */
uint64_t client_number(JobClient *c);

/* client_cancel: true if the job will have no result: no worker begins it from now on, and what one that has begun it
 * gives is not heard. */
bool client_cancel(Job *j);

/* client_running tells whether a worker is known to have begun j, and asks its server, for the next call. */
bool client_running(Job *j);

/* client_watch lets `decided` be called for j, at once if it is; watcher is not NULL. */
void client_watch(Job *j, void *watcher);

/* client_close ends it when nothing is pending any more; with cancel, what no worker has begun is cancelled, as soon as
 * the servers have said which jobs those are. client_terminate cancels everything. Neither waits. */
void client_close(JobClient *c, bool cancel);
void client_terminate(JobClient *c);

/* client_has_ended tells whether it is closed and nothing is pending. */
bool client_has_ended(JobClient *c);

/* client_is_broken tells whether it cannot work any more; why may be read after that. */
bool client_is_broken(JobClient *c);

/* client_drop_job gives up a reference to a job and its watcher. client_foreign tells whether the client is another
 * process's: a copy that came along with a fork. */
void client_drop_job(Job *j);
bool client_foreign(const JobClient *c);

#endif
