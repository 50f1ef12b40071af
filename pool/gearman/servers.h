/* The servers of a client together. Under JobClient.m unless it says otherwise. */
#ifndef GILUA_POOL_GEARMAN_SERVERS_H
#define GILUA_POOL_GEARMAN_SERVERS_H

#include "pool/gearman/client_state.h"

/* client_pump gives the servers what they have room for; client_flush writes it. */
void client_pump(JobClient *c);
void client_flush(JobClient *c);

/* client_live, without m, is how many are live; client_explain writes why the others are not. */
unsigned client_live(JobClient *c);
void client_explain(JobClient *c, char *to, size_t size);

#endif
