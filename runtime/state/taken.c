/* Going on by count hooks, and naming the library. */
#include "runtime/state/taken.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* SIG_ERR stands for the default. */
static void describe(void (*handler)(int), char *text, size_t size) {
  Dl_info info;
  uintptr_t address = (uintptr_t)handler;
  if (handler == SIG_ERR || handler == SIG_IGN)
    snprintf(text, size, "code that sets it to %s", handler == SIG_IGN ? "SIG_IGN" : "SIG_DFL");
  else if (dladdr((void *)address, &info) == 0 || info.dli_fname == NULL)
    snprintf(text, size, "the handler at %#lx", (unsigned long)address);
  else if (info.dli_sname != NULL)
    snprintf(text, size, "%s of %s", info.dli_sname, info.dli_fname);
  else
    snprintf(text, size, "a handler of %s, at +%#lx", info.dli_fname, (unsigned long)(address - (uintptr_t)info.dli_fbase));
}

void taken_serve(Runtime *rt) {
  void (*handler)(int) = atomic_exchange_explicit(&rt->taker, NULL, memory_order_relaxed);
  if (handler == NULL || rt->signal_lost) return;
  rt->signal_lost = true;
  atomic_store_explicit(&rt->gil.ask_signal, 0, memory_order_relaxed);
  runtime_set_policy(rt, rt->gil.policy);
  if (rt->on_error == NULL) return;
  char who[512], text[1024];
  describe(handler, who, sizeof who);
  snprintf(text, sizeof text,
           "signal %d (SIG%s), by which gilua has threads take turns, was taken again and again by %s; from now on a count "
           "hook does it, at half the speed of Lua. Give gilua another signal (signal_number)",
           rt->signal, sigabbrev_np(rt->signal) != NULL ? sigabbrev_np(rt->signal) : "RT", who);
  rt->on_error(rt->on_error_data, text);
}
