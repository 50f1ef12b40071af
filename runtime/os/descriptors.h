/* Which numbers descriptors of ours have, and which of the program's a child keeps. */
#ifndef GILUA_RUNTIME_OS_DESCRIPTORS_H
#define GILUA_RUNTIME_OS_DESCRIPTORS_H

/* os_above_standard moves fd, if it is 0, 1 or 2, to a number above them: a program may have been started without these, and
 * whoever gives them a meaning later must not hit one of ours. Owns fd. Returns the descriptor, close-on-exec if it was
 * moved; -1 with errno, fd closed then. -1 is passed through. */
int os_above_standard(int fd);

/* os_fill_standard is for a forked child without input: 0 becomes the null device, and so does what is closed of 1 and 2.
 * Needs no free descriptor. */
void os_fill_standard(void);

/* os_drop_channels, after os_fill_standard, ends the sockets and pipes that the child has inherited, but for 0, 1, 2 and the
 * n in kept: as long as it has them, no peer would see the program close its own. Their numbers stay taken, by the null
 * device opened for reading, so that an object of the program which is collected in the child closes nobody else's. */
void os_drop_channels(const int *kept, unsigned n);

#endif
