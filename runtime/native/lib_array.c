/* native.sum(a) -> number        floats in double precision; integers modulo 2^64, as in Lua
 * native.dot(a, b) -> number
 * native.sort(a [, i [, j]]) -> a        the smallest first, NaNs last
 * native.matmul(a, b [, m [, k [, n [, out]]]]) -> out
 *
 * matmul multiplies matrices that are stored row by row: a has m rows of k, b k rows of n, out m rows of n elements.
 * What is not given follows from the lengths; without any, a and b are square. f64 and f32 are multiplied by the BLAS,
 * which computes on the calling thread only: several Lua threads are what makes it parallel. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>

#include "runtime/native/array.h"
#include "runtime/native/lib_native.h"
#include "runtime/native/library.h"

/* Work of some 5 us. */
#define LEAVE_SUM ((size_t)8 << 10)
#define LEAVE_SORT ((size_t)512)
#define LEAVE_MATMUL 30000.0 /* multiplications */

/* Between two looks at requests. */
#define PIECE ((size_t)1 << 20)
#define PIECE_MATMUL 1e8

typedef struct Blas {
  __typeof__(cblas_dgemm) *dgemm;
  __typeof__(cblas_sgemm) *sgemm;
  __typeof__(cblas_ddot) *ddot;
  __typeof__(cblas_dsdot) *dsdot;
} Blas;

/* libopenblas0-serial: no threads of its own, built to be called by many at once; forks as any library. libblas.so.3 is
 * whatever BLAS the administrator chose, the slow reference one at least. */
static const LibrarySpec blas_spec = {
    .package = "libopenblas0-serial",
    .sonames = (const char *const[]){"libopenblas.so.0", "libblas.so.3", NULL},
    .symbols = (const char *const[]){"cblas_dgemm", "cblas_sgemm", "cblas_ddot", "cblas_dsdot", NULL},
};

static bool is_real(const Buffer *b) { return b->type <= BUFFER_F32; }

static bool stopped(const void *work) { return work_stopped(work); }

static int native_sum(lua_State *L) {
  Buffer *a = buffer_check(L, 1);
  const char *data = buffer_pin(a);
  size_t n = a->length, size = buffer_item_sizes[a->type];
  double real = 0;
  uint64_t integer = 0;
  Work work;
  work_begin(L, &work, "sum", n >= LEAVE_SUM);
  for (size_t done = 0, piece; done < n && !work_stopped(&work); done += piece) {
    piece = n - done < PIECE ? n - done : PIECE;
    if (is_real(a)) real += array_sum_real(data + done * size, a->type, piece);
    else integer += (uint64_t)array_sum_integer(data + done * size, a->type, piece);
  }
  bool was_stopped = work_end(&work);
  buffer_unpin(a);
  if (was_stopped) return work_raise(L, &work);
  if (is_real(a)) lua_pushnumber(L, real);
  else lua_pushinteger(L, (lua_Integer)integer);
  return 1;
}

static double dot_real(const Blas *blas, BufferType type, const void *a, const void *b, size_t n) {
  return type == BUFFER_F64 ? blas->ddot((int)n, a, 1, b, 1) : blas->dsdot((int)n, a, 1, b, 1);
}

static int native_dot(lua_State *L) {
  const Blas *blas = is_real(buffer_check(L, 1)) ? library_load(L, &blas_spec) : NULL; /* first: it allocates */
  Buffer *a = buffer_check(L, 1), *b = buffer_check(L, 2);
  luaL_argcheck(L, a->type == b->type, 2, "both buffers must have the same type");
  luaL_argcheck(L, a->length == b->length, 2, "both buffers must have the same length");
  size_t n = a->length, size = buffer_item_sizes[a->type];
  double real = 0;
  uint64_t integer = 0;
  const char *x = buffer_pin(a), *y = buffer_pin(b);
  Work work;
  work_begin(L, &work, "dot", n >= LEAVE_SUM);
  for (size_t done = 0, piece; done < n && !work_stopped(&work); done += piece) {
    piece = n - done < PIECE ? n - done : PIECE;
    if (blas != NULL) real += dot_real(blas, a->type, x + done * size, y + done * size, piece);
    else integer += (uint64_t)array_dot_integer(x + done * size, y + done * size, a->type, piece);
  }
  bool was_stopped = work_end(&work);
  buffer_unpin(a);
  buffer_unpin(b);
  if (was_stopped) return work_raise(L, &work);
  if (blas != NULL) lua_pushnumber(L, real);
  else lua_pushinteger(L, (lua_Integer)integer);
  return 1;
}

static int native_sort(lua_State *L) {
  Buffer *a = buffer_check(L, 1);
  size_t first, n = native_range(L, 2, a, &first), size = buffer_item_sizes[a->type];
  if (!a->writable) return luaL_error(L, "this buffer is read-only");
  void *scratch = a->type == BUFFER_U8 || n < 2 ? NULL : malloc(2 * n * size);
  if (a->type != BUFFER_U8 && n >= 2 && scratch == NULL) return luaL_error(L, "not enough memory to sort");
  char *data = buffer_pin(a);
  Work work;
  work_begin(L, &work, "sort", n >= LEAVE_SORT);
  if (n >= 2) array_sort(data + first * size, a->type, n, scratch, stopped, &work);
  bool was_stopped = work_end(&work);
  buffer_unpin(a);
  free(scratch);
  if (was_stopped) return work_raise(L, &work);
  lua_settop(L, 1);
  return 1;
}

/* The shape of a product. */
typedef struct Product {
  size_t m, k, n;
} Product;

/* Reads a dimension at index i; `otherwise` is what it must be unless 0. */
static size_t dimension(lua_State *L, int i, size_t otherwise) {
  if (lua_isnoneornil(L, i)) return otherwise;
  lua_Integer d = luaL_checkinteger(L, i);
  luaL_argcheck(L, d >= 1 && d <= INT32_MAX, i, "must be from 1 to 2^31 - 1");
  return (size_t)d;
}

static size_t divided(size_t length, size_t by) { return by == 0 ? 0 : length / by; }

/* The side of the square that a and b both are. */
static size_t check_square(lua_State *L, const Buffer *a, const Buffer *b) {
  size_t side = (size_t)llround(sqrt((double)a->length));
  if (side * side != a->length || a->length != b->length)
    luaL_error(L, "matmul: give m, the number of rows of the first: %I and %I elements are not two squares of one size",
               (LUAI_UACINT)a->length, (LUAI_UACINT)b->length);
  return side;
}

static Product check_shape(lua_State *L, const Buffer *a, const Buffer *b) {
  Product p;
  bool none = lua_isnoneornil(L, 3) && lua_isnoneornil(L, 4);
  p.k = none ? check_square(L, a, b) : dimension(L, 4, 0);
  p.m = dimension(L, 3, divided(a->length, p.k));
  if (p.k == 0) p.k = divided(a->length, p.m);
  p.n = dimension(L, 5, divided(b->length, p.k));
  if (p.m * p.k != a->length || p.k * p.n != b->length)
    luaL_error(L, "matmul: %I elements are no %I x %I matrix, or %I elements no %I x %I matrix", (LUAI_UACINT)a->length,
               (LUAI_UACINT)p.m, (LUAI_UACINT)p.k, (LUAI_UACINT)b->length, (LUAI_UACINT)p.k, (LUAI_UACINT)p.n);
  if (p.m > INT32_MAX || p.k > INT32_MAX || p.n > INT32_MAX) luaL_error(L, "matmul: a side of a matrix is too long");
  return p;
}

/* Multiplies in panels of rows, so that each is some tens of milliseconds at most. */
static void multiply(const Blas *blas, const Work *work, Product p, BufferType type, const char *a, const char *b,
                     char *c) {
  double row = (double)p.k * (double)p.n;
  size_t rows = row * 64 > PIECE_MATMUL ? 64 : (size_t)(PIECE_MATMUL / row), size = buffer_item_sizes[type];
  for (size_t i = 0, m; i < p.m && !work_stopped(work); i += m) {
    m = p.m - i < rows ? p.m - i : rows;
    const char *x = a + i * p.k * size;
    char *z = c + i * p.n * size;
    if (type == BUFFER_F64)
      blas->dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)p.n, (int)p.k, 1, (const double *)x, (int)p.k,
                  (const double *)b, (int)p.n, 0, (double *)z, (int)p.n);
    else
      blas->sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)p.n, (int)p.k, 1, (const float *)x, (int)p.k,
                  (const float *)b, (int)p.n, 0, (float *)z, (int)p.n);
  }
}

static bool overlap(const Buffer *a, const Buffer *b) {
  uintptr_t x = (uintptr_t)a->data, y = (uintptr_t)b->data;
  return x < y + buffer_nbytes(b) && y < x + buffer_nbytes(a);
}

/* Pushes the result's buffer: the one at index 6, or a new one. */
static Buffer *push_out(lua_State *L, const Buffer *a, const Buffer *b, Product p) {
  if (lua_isnoneornil(L, 6)) return buffer_new(L, a->type, p.m * p.n);
  Buffer *out = buffer_check(L, 6);
  luaL_argcheck(L, out->type == a->type && out->length == p.m * p.n, 6, "must have the type and length of the product");
  luaL_argcheck(L, out->writable && !overlap(out, a) && !overlap(out, b), 6,
                "must be writable, and other memory than the factors");
  lua_pushvalue(L, 6);
  return out;
}

static int native_matmul(lua_State *L) {
  const Blas *blas = library_load(L, &blas_spec);
  Buffer *a = buffer_check(L, 1), *b = buffer_check(L, 2);
  luaL_argcheck(L, a->type == b->type, 2, "both buffers must have the same type");
  luaL_argcheck(L, is_real(a), 1, "must be of type f64 or f32");
  lua_settop(L, 6);
  Product p = check_shape(L, a, b);
  Buffer *out = push_out(L, a, b, p);
  if (a->length != p.m * p.k || b->length != p.k * p.n) return luaL_error(L, "%s", buffer_changed);
  if (p.m * p.n == 0) return 1;
  const char *x = buffer_pin(a), *y = buffer_pin(b);
  char *z = buffer_pin(out);
  Work work;
  work_begin(L, &work, "matmul", (double)p.m * (double)p.k * (double)p.n >= LEAVE_MATMUL);
  multiply(blas, &work, p, a->type, x, y, z);
  bool was_stopped = work_end(&work);
  buffer_unpin(a);
  buffer_unpin(b);
  buffer_unpin(out);
  return was_stopped ? work_raise(L, &work) : 1;
}

void lib_array_add(lua_State *L) {
  static const luaL_Reg funcs[] = {
      {"dot", native_dot}, {"matmul", native_matmul}, {"sort", native_sort}, {"sum", native_sum}, {NULL, NULL}};
  luaL_setfuncs(L, funcs, 0);
}
