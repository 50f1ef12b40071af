#include "runtime/state/once.h"

Once once = {.list_m = PTHREAD_MUTEX_INITIALIZER, .exit_once = PTHREAD_ONCE_INIT};

_Thread_local Tstate *tstate_innermost __attribute__((tls_model("initial-exec")));
_Thread_local Visit *visit_first __attribute__((tls_model("initial-exec")));
_Thread_local volatile sig_atomic_t once_passing_on __attribute__((tls_model("initial-exec")));
_Thread_local char *once_error;
