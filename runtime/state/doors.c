#include "runtime/state/doors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/state/once.h"

enum { KEPT_DOORS = 1024 };

Door *doors_new(void) {
  Door *d = NULL;
  pthread_mutex_lock(&once.list_m);
  if (once.closed_doors > KEPT_DOORS) {
    d = once.closed_first;
    once.closed_first = d->next;
    once.closed_doors--;
  }
  uint64_t serial = ++once.door_serial;
  pthread_mutex_unlock(&once.list_m);
  if (d == NULL) {
    d = calloc(1, sizeof *d);
    if (d == NULL) return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&d->m, NULL);
    pthread_cond_init(&d->c, &attr);
    pthread_condattr_destroy(&attr);
  }
  atomic_store(&d->serial, serial);
  d->next = NULL;
  return d;
}

void doors_end(Door *d) {
  pthread_mutex_lock(&once.list_m);
  if (once.closed_doors == 0) once.closed_first = d;
  else once.closed_last->next = d;
  once.closed_last = d;
  once.closed_doors++;
  pthread_mutex_unlock(&once.list_m);
}

int doors_use_module(Door *d, const char *name) {
  int err = 0;
  uint64_t serial = atomic_load(&d->serial);
  pthread_mutex_lock(&once.list_m);
  ModuleUse *use = once.module_uses;
  while (use != NULL && strcmp(use->name, name) != 0) use = use->next;
  if (use == NULL) {
    use = malloc(sizeof *use + strlen(name) + 1);
    if (use == NULL) {
      err = ENOMEM;
    } else {
      strcpy(use->name, name);
      use->next = once.module_uses;
      use->door = d;
      use->serial = serial;
      once.module_uses = use;
    }
  } else if (use->door != d || use->serial != serial) {
    bool gone = atomic_load(&use->door->serial) != use->serial || atomic_load(&use->door->state) == DOOR_CLOSED;
    if (!gone) err = EBUSY;
    use->door = gone ? d : use->door;
    use->serial = gone ? serial : use->serial;
  }
  pthread_mutex_unlock(&once.list_m);
  return err;
}
