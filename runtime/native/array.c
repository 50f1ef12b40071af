/* Sums, products and the radix sort. */
#include "runtime/native/array.h"

#include <string.h>

/* Below this many elements eight running sums are as exact as halving goes on to be. */
#define BLOCK 1024

#define SUM_BLOCK(T)                                                      \
  static double sum_block_##T(const T *x, size_t n) {                     \
    double s[8] = {0};                                                    \
    size_t i = 0;                                                         \
    for (; i + 8 <= n; i += 8)                                            \
      for (size_t k = 0; k < 8; k++) s[k] += (double)x[i + k];            \
    for (; i < n; i++) s[0] += (double)x[i];                              \
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7])); \
  }
SUM_BLOCK(double)
SUM_BLOCK(float)

double array_sum_real(const void *data, BufferType type, size_t n) {
  if (n <= BLOCK) return type == BUFFER_F64 ? sum_block_double(data, n) : sum_block_float(data, n);
  size_t half = n / 2 / BLOCK * BLOCK;
  if (half == 0) half = BLOCK;
  return array_sum_real(data, type, half) +
         array_sum_real((const char *)data + half * buffer_item_sizes[type], type, n - half);
}

int64_t array_sum_integer(const void *data, BufferType type, size_t n) {
  uint64_t sum = 0; /* unsigned: wraps around */
  if (type == BUFFER_I64)
    for (size_t i = 0; i < n; i++) sum += (uint64_t)((const int64_t *)data)[i];
  else if (type == BUFFER_I32)
    for (size_t i = 0; i < n; i++) sum += (uint64_t)(int64_t)((const int32_t *)data)[i];
  else
    for (size_t i = 0; i < n; i++) sum += ((const uint8_t *)data)[i];
  return (int64_t)sum;
}

int64_t array_dot_integer(const void *a, const void *b, BufferType type, size_t n) {
  uint64_t sum = 0;
  if (type == BUFFER_I64)
    for (size_t i = 0; i < n; i++) sum += (uint64_t)((const int64_t *)a)[i] * (uint64_t)((const int64_t *)b)[i];
  else if (type == BUFFER_I32)
    for (size_t i = 0; i < n; i++) sum += (uint64_t)((int64_t)((const int32_t *)a)[i] * ((const int32_t *)b)[i]);
  else
    for (size_t i = 0; i < n; i++) sum += (uint64_t)((const uint8_t *)a)[i] * ((const uint8_t *)b)[i];
  return (int64_t)sum;
}

/* Keys: the bits of a number such that they compare as unsigned integers. A float with the sign bit has all bits
 * turned, else the sign bit only; NaNs of both signs become the greatest key but keep no payload. */
static uint64_t key64(uint64_t bits, bool real) {
  if (!real) return bits ^ UINT64_C(1) << 63;
  if ((bits & ~(UINT64_C(1) << 63)) > UINT64_C(0x7ff) << 52) return UINT64_MAX;
  return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t unkey64(uint64_t key, bool real) {
  if (!real) return key ^ UINT64_C(1) << 63;
  if (key == UINT64_MAX) return UINT64_C(0x7ff8) << 48;
  return key >> 63 ? key ^ UINT64_C(1) << 63 : ~key;
}

static uint32_t key32(uint32_t bits, bool real) {
  if (!real) return bits ^ UINT32_C(1) << 31;
  if ((bits & ~(UINT32_C(1) << 31)) > UINT32_C(0xff) << 23) return UINT32_MAX;
  return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static uint32_t unkey32(uint32_t key, bool real) {
  if (!real) return key ^ UINT32_C(1) << 31;
  if (key == UINT32_MAX) return UINT32_C(0x7fc) << 20;
  return key >> 31 ? key ^ UINT32_C(1) << 31 : ~key;
}

/* One width of the sort: all histograms in one pass over the data, which copies it; then a pass a byte between the two
 * halves of the scratch memory, but for bytes that are all equal. The relaxed load keeps the compiler from reading an
 * element again. */
#define RADIX_SORT(W)                                                                                          \
  static bool sort##W(uint##W##_t *data, bool real, size_t n, uint##W##_t *from, bool (*stopped)(const void *), \
                      const void *arg) {                                                                       \
    size_t counts[W / 8][256] = {{0}};                                                                         \
    uint##W##_t *to = from + n;                                                                                \
    for (size_t i = 0; i < n; i++) {                                                                           \
      uint##W##_t key = from[i] = key##W(__atomic_load_n(&data[i], __ATOMIC_RELAXED), real);                   \
      for (int byte = 0; byte < W / 8; byte++) counts[byte][key >> 8 * byte & 255]++;                          \
    }                                                                                                          \
    for (int byte = 0; byte < W / 8; byte++) {                                                                 \
      size_t *count = counts[byte], at = 0;                                                                    \
      if (count[from[0] >> 8 * byte & 255] == n) continue;                                                     \
      for (int k = 0; k < 256; k++) {                                                                          \
        size_t these = count[k];                                                                               \
        count[k] = at;                                                                                         \
        at += these;                                                                                           \
      }                                                                                                        \
      for (size_t i = 0; i < n; i++) to[count[from[i] >> 8 * byte & 255]++] = from[i];                         \
      uint##W##_t *swap = from;                                                                                \
      from = to;                                                                                               \
      to = swap;                                                                                               \
      if (stopped != NULL && stopped(arg)) return false;                                                       \
    }                                                                                                          \
    for (size_t i = 0; i < n; i++) data[i] = unkey##W(from[i], real);                                          \
    return true;                                                                                               \
  }
RADIX_SORT(64)
RADIX_SORT(32)

static void sort8(uint8_t *data, size_t n) {
  size_t counts[256] = {0};
  for (size_t i = 0; i < n; i++) counts[data[i]]++;
  for (int k = 0; k < 256; data += counts[k++]) memset(data, k, counts[k]);
}

bool array_sort(void *data, BufferType type, size_t n, void *scratch, bool (*stopped)(const void *arg),
                const void *arg) {
  if (n < 2) return true;
  if (type == BUFFER_U8) sort8(data, n);
  else if (type == BUFFER_F64 || type == BUFFER_I64) return sort64(data, type == BUFFER_F64, n, scratch, stopped, arg);
  else return sort32(data, type == BUFFER_F32, n, scratch, stopped, arg);
  return true;
}
