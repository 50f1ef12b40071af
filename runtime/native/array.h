/* Sums and sorting of typed arrays. Knows nothing of Lua; any thread. */
#ifndef GILUA_RUNTIME_NATIVE_ARRAY_H
#define GILUA_RUNTIME_NATIVE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/native/buffer.h"

/* array_sum_real adds n floats (f64 or f32) in double precision, by halves: the error grows with log n. */
double array_sum_real(const void *data, BufferType type, size_t n);

/* array_sum_integer adds n integers (i64, i32 or u8), array_dot_integer adds their products: modulo 2^64, as in Lua. */
int64_t array_sum_integer(const void *data, BufferType type, size_t n);
int64_t array_dot_integer(const void *a, const void *b, BufferType type, size_t n);

/* array_sort sorts n elements, the smallest first and NaNs last, stable, in linear time: a radix sort by bytes, because
 * the distribution has no sort for typed arrays in C (qsort takes 5 times as long). scratch has room for 2 n elements:
 * each element of data is read once and then written once, since others may write there meanwhile; positions that are
 * counted from it must be those that it is moved by. stopped(arg), unless NULL, is asked between passes; true leaves
 * the data as it was. Returns false when stopped. */
bool array_sort(void *data, BufferType type, size_t n, void *scratch, bool (*stopped)(const void *arg),
                const void *arg);

#endif
