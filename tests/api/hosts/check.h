/* What the tests of the public API share. They see installed headers and libraries only, so not even Criterion. */
#ifndef GILUA_TESTS_API_CHECK_H
#define GILUA_TESTS_API_CHECK_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_failures;
static jmp_buf check_out;

/* One behaviour: TEST("a sentence", { … }) inside main. A hang ends the program by SIGALRM. */
#define TEST(name, ...)                                              \
  do {                                                               \
    alarm(300);                                                       \
    if (setjmp(check_out) == 0) {                                    \
      do { __VA_ARGS__ } while (0);                                  \
      printf("ok - %s\n", name);                                     \
    } else {                                                         \
      printf("not ok - %s\n", name);                                 \
      check_failures++;                                              \
    }                                                                \
    fflush(stdout);                                                  \
  } while (0)

#define CHECK(good)                                                  \
  do {                                                               \
    if (!(good)) {                                                   \
      printf("# %s:%d: %s\n", __FILE__, __LINE__, #good);            \
      longjmp(check_out, 1);                                         \
    }                                                                \
  } while (0)

#endif
