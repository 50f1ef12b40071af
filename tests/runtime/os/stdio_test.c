/* What runtime/os/stdio.c reads of the C library's FILE is what the C library does. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/os/stdio.h"

TestSuite(stdio, .timeout = 10);

typedef struct Pipe {
  FILE *r, *w;
  int fd; /* of the reading end */
} Pipe;

static Pipe open_pipe(void) {
  int ends[2];
  cr_assert(pipe(ends) == 0);
  return (Pipe){fdopen(ends[0], "r"), fdopen(ends[1], "w"), ends[0]};
}

static void close_pipe(Pipe *p) {
  fclose(p->w); /* first: it may have bytes to write */
  fclose(p->r);
}

/* How many bytes the pipe holds. */
static size_t in_pipe(const Pipe *p) {
  char bytes[1 << 17];
  fcntl(p->fd, F_SETFL, O_NONBLOCK);
  ssize_t n = read(p->fd, bytes, sizeof bytes);
  return n > 0 ? (size_t)n : 0;
}

Test(stdio, readable_is_what_the_buffer_holds) {
  Pipe p = open_pipe();
  const char *bytes;
  cr_assert_eq(stdio_readable(p.r, &bytes), 0);
  cr_assert_eq(write(fileno(p.w), "hello", 5), 5);
  cr_assert_eq(stdio_readable(p.r, &bytes), 0, "the kernel has it, not the buffer");
  cr_assert_eq(getc(p.r), 'h');
  cr_assert_eq(stdio_readable(p.r, &bytes), 4);
  cr_assert(memcmp(bytes, "ello", 4) == 0);
  stdio_skip(p.r, 2);
  cr_assert_eq(getc(p.r), 'l');
  cr_assert_eq(stdio_readable(p.r, &bytes), 1);
  close_pipe(&p);
}

Test(stdio, what_is_put_back_is_read_before_the_rest_of_the_buffer) {
  Pipe p = open_pipe();
  enum { N = 100000 };
  char *many = malloc(N), *back = malloc(N + 2);
  for (int i = 0; i < N; i++) many[i] = (char)('a' + i % 26);
  cr_assert_eq(write(fileno(p.w), "xyz", 3), 3);
  cr_assert_eq(getc(p.r), 'x');
  cr_assert(stdio_unread(p.r, many, N));
  const char *bytes;
  size_t n = 0, k;
  while ((k = stdio_readable(p.r, &bytes)) > 0) {
    cr_assert_leq(n + k, N + 2);
    memcpy(back + n, bytes, k);
    stdio_skip(p.r, k);
    n += k;
  }
  cr_assert_eq(n, N + 2);
  cr_assert(memcmp(back, many, N) == 0);
  cr_assert(memcmp(back + N, "yz", 2) == 0);
  free(many), free(back);
  close_pipe(&p);
}

Test(stdio, the_end_is_noted_until_it_is_cleared) {
  Pipe p = open_pipe();
  stdio_set_end(p.r);
  cr_assert(feof(p.r));
  clearerr(p.r);
  cr_assert(!feof(p.r));
  close_pipe(&p);
}

/* Puts until it refuses; nothing may have reached the kernel by then. Returns how much was taken. */
static size_t put_all(Pipe *p, const char *piece) {
  size_t n = 0, size = strlen(piece);
  while (stdio_put(p->w, piece, size)) {
    n += size;
    cr_assert_eq(in_pipe(p), 0, "after %zu bytes", n);
  }
  cr_assert_eq(in_pipe(p), 0);
  return n;
}

static const int modes[] = {_IOFBF, _IOLBF, _IONBF};

Test(stdio, put_never_enters_the_kernel) {
  for (size_t i = 0; i < 3; i++) {
    Pipe p = open_pipe();
    setvbuf(p.w, NULL, modes[i], 0);
    stdio_prepare(p.w);
    size_t n = put_all(&p, "seven..");
    if (modes[i] == _IONBF) cr_assert_eq(n, 0);
    else cr_assert_gt(n, 1000);
    const char *bytes;
    cr_assert_eq(stdio_pending(p.w, &bytes), n);
    fflush(p.w);
    cr_assert_eq(in_pipe(&p), n);
    if (modes[i] == _IOLBF) cr_assert(!stdio_put(p.w, "a\nb", 3), "a newline is written at once");
    close_pipe(&p);
  }
}

Test(stdio, put_refuses_what_is_larger_than_the_buffer) {
  Pipe p = open_pipe();
  char *large = calloc(1, 1 << 20);
  cr_assert(!stdio_put(p.w, large, 1 << 20), "unused");
  stdio_prepare(p.w);
  cr_assert(!stdio_put(p.w, large, 1 << 20), "prepared");
  cr_assert(stdio_put(p.w, large, 10));
  cr_assert(!stdio_put(p.w, large, 1 << 20), "in use");
  free(large);
  close_pipe(&p);
}

Test(stdio, put_refuses_a_stream_for_reading) {
  Pipe p = open_pipe();
  cr_assert(!stdio_put(p.r, "x", 1));
  close_pipe(&p);
}

Test(stdio, put_goes_on_where_reading_stopped) {
  FILE *f = tmpfile();
  fputs("abcdef", f);
  rewind(f);
  cr_assert_eq(getc(f), 'a');
  fseek(f, 0, SEEK_CUR);
  cr_assert_eq(getc(f), 'b');
  fseek(f, 2, SEEK_SET);
  if (!stdio_put(f, "XY", 2)) fputs("XY", f);
  rewind(f);
  char back[7] = "";
  cr_assert_eq(fread(back, 1, 6, f), 6);
  cr_assert_str_eq(back, "abXYef");
  fclose(f);
}

Test(stdio, what_is_dropped_is_not_written) {
  Pipe p = open_pipe();
  stdio_prepare(p.w);
  cr_assert(stdio_put(p.w, "0123456789", 10));
  stdio_drop(p.w, 4);
  const char *bytes;
  cr_assert_eq(stdio_pending(p.w, &bytes), 6);
  cr_assert(memcmp(bytes, "456789", 6) == 0);
  cr_assert(stdio_put(p.w, "!", 1));
  fflush(p.w);
  char back[8] = "";
  cr_assert_eq(read(p.fd, back, 7), 7);
  cr_assert_str_eq(back, "456789!");
  close_pipe(&p);
}
