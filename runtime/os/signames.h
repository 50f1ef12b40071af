/* Names of signals. */
#ifndef GILUA_RUNTIME_OS_SIGNAMES_H
#define GILUA_RUNTIME_OS_SIGNAMES_H

enum { SIGNAME_ROOM = 16 };

/* signal_number is the number of the signal of that name, "SIGTERM" or "TERM", or 0. */
int signal_number(const char *name);

/* signal_name writes the name of sig, "SIGTERM", or "SIGRTMIN+3", into room (SIGNAME_ROOM bytes) and returns it; NULL:
 * there is no such signal, or the C library keeps it for itself. */
const char *signal_name(int sig, char *room);

#endif
