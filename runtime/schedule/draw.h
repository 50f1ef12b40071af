/* Random numbers of a schedule: splitmix64, so that a seed gives the same everywhere. */
#ifndef GILUA_RUNTIME_SCHEDULE_DRAW_H
#define GILUA_RUNTIME_SCHEDULE_DRAW_H

#include <stdint.h>

/* draw gives the next number and moves state on. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
static inline uint64_t draw(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/* draw_below gives one of 0 … n - 1. n > 0; the bias is below n / 2^64. */
static inline uint64_t draw_below(uint64_t *state, uint64_t n) {
  return (uint64_t)(((unsigned __int128)draw(state) * n) >> 64);
}

#endif
