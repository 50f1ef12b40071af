/* One job server. Under JobClient.m. */
#ifndef GILUA_POOL_GEARMAN_SERVER_H
#define GILUA_POOL_GEARMAN_SERVER_H

#include "pool/gearman/client_state.h"

/* server_attach makes a connection of a descriptor; server_lose gives it up, with why; server_serve writes and reads,
 * true if something came; server_look_at_clock; server_next: when to do that again. server_submit sends a job, in no
 * list, or returns false: the connection is lost. server_withdraw takes a job of its list and has the server forget
 * it; server_ask asks how a job is, false if it has no name yet. */
void server_attach(JobClient *c, JobServer *s, int fd);
void server_lose(JobClient *c, JobServer *s, const char *why);
bool server_serve(JobClient *c, JobServer *s);
void server_look_at_clock(JobClient *c, JobServer *s, int64_t now);
int64_t server_next(const JobClient *c, const JobServer *s);
bool server_submit(JobClient *c, JobServer *s, Job *j);
bool server_ask(JobServer *s, Job *j);
void server_withdraw(JobServer *s, Job *j);

#endif
