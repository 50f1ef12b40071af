/* What stress programs share: a seed that is printed and can be given, and a bound on time. */
#ifndef GILUA_TESTS_SUPPORT_STRESS_H
#define GILUA_TESTS_SUPPORT_STRESS_H

#include <stdbool.h>
#include <stdint.h>

/* stress_begin reads [seconds [seed]] from the arguments and prints both. */
void stress_begin(int argc, char **argv, double default_seconds);

/* stress_over tells whether the time is up. Any thread. */
bool stress_over(void);

/* stress_seed gives the n-th thread its own stream of random numbers; stress_random draws from it, below limit. */
uint64_t stress_seed(int n);
uint32_t stress_random(uint64_t *stream, uint32_t limit);

/* stress_check ends the program with a message unless good holds. */
#define stress_check(good) ((good) ? (void)0 : stress_fail(__FILE__, __LINE__, #good))
_Noreturn void stress_fail(const char *file, int line, const char *what);

/* stress_end prints the outcome; returns the exit status. */
int stress_end(const char *name);

#endif
