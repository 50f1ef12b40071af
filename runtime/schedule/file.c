/* Writing and reading runs. */
#include "runtime/schedule/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = {[GIL_LEFT] = 'l', [GIL_PARKED] = 'w', [GIL_YIELDED] = 'p'};

char schedule_how(unsigned how) { return how < sizeof letters ? letters[how] : '?'; }

static void put_text(FILE *out, const char *name, const char *text) {
  fprintf(out, "%s ", name);
  for (; *text != '\0'; text++) {
    if (*text == '\n') fputs("\\n", out);
    else if (*text == '\\') fputs("\\\\", out);
    else fputc(*text, out);
  }
  fputc('\n', out);
}

int schedule_file_write(const ScheduleFile *f, const char *path) {
  FILE *out = fopen(path, "we");
  if (out == NULL) return errno;
  fputs("gilua schedule 1\n", out);
  put_text(out, "by", f->made_by);
  put_text(out, "script", f->script);
  fprintf(out, "hash %016" PRIx64 "\n", f->hash);
  for (int i = 0; i < f->nargs; i++) put_text(out, "argument", f->args[i]);
  fprintf(out, "seed %" PRIu64 "\n", f->seed);
  put_text(out, "found", f->found);
  put_text(out, "ended", f->ended);
  fprintf(out, "steps %" PRIu64 "\ndigest %016" PRIx64 "\nturns %" PRIu64 "\n", f->steps, f->digest, f->nturns);
  for (uint64_t i = 0; i < f->nturns; i++) {
    const Turn *t = &f->turns[i];
    fprintf(out, "%u %" PRIu64 " %u %c %u\n", t->from, t->steps, t->nth, schedule_how(t->how), t->to);
  }
  fputs("end\n", out);
  int err = ferror(out) ? EIO : 0;
  if (fclose(out) != 0 && err == 0) err = errno;
  return err;
}

/* What is read, a line at a time. */
typedef struct Reader {
  FILE *in;
  char *line;
  size_t room;
  unsigned number;
  const char *fault; /* what is wrong with the line, or NULL */
} Reader;

static bool next_line(Reader *r) {
  ssize_t n = getline(&r->line, &r->room, r->in);
  r->number++;
  if (n <= 0 || r->line[n - 1] != '\n') {
    r->fault = "the file is cut off";
    return false;
  }
  r->line[n - 1] = '\0';
  return true;
}

/* The text of a line "name text", or NULL if it has another name. */
static char *value_of(const Reader *r, const char *name) {
  size_t n = strlen(name);
  return strncmp(r->line, name, n) == 0 && r->line[n] == ' ' ? r->line + n + 1 : NULL;
}

static char *get_text(Reader *r, const char *text) {
  char *copy = strdup(text), *to = copy;
  if (copy == NULL) r->fault = "not enough memory";
  for (const char *from = text; copy != NULL && *from != '\0'; from++) {
    if (*from == '\\' && from[1] != '\0') *to++ = *++from == 'n' ? '\n' : *from;
    else *to++ = *from;
  }
  if (copy != NULL) *to = '\0';
  return copy;
}

/* The next line must be "name text". */
static char *read_text(Reader *r, const char *name, const char *fault) {
  if (r->fault != NULL || !next_line(r)) return NULL;
  const char *text = value_of(r, name);
  if (text == NULL) {
    r->fault = fault;
    return NULL;
  }
  return get_text(r, text);
}

/* The line must be "name number". */
static uint64_t number_of(Reader *r, const char *name, int base) {
  const char *text = value_of(r, name);
  char *end = NULL;
  uint64_t value = text != NULL ? strtoull(text, &end, base) : 0;
  if (text == NULL || end == text || *end != '\0') r->fault = "a number is missing: hash, seed, steps, digest or turns";
  return value;
}

static uint64_t read_number(Reader *r, const char *name, int base) {
  return r->fault == NULL && next_line(r) ? number_of(r, name, base) : 0;
}

static void read_turn(Reader *r, Turn *t) {
  char how;
  int end = 0;
  *t = (Turn){0};
  if (!next_line(r)) return;
  if (sscanf(r->line, "%" SCNu32 " %" SCNu64 " %" SCNu32 " %c %" SCNu32 "%n", &t->from, &t->steps, &t->nth, &how, &t->to,
             &end) != 5 || r->line[end] != '\0')
    r->fault = "a turn is 'thread instruction number how thread'";
  const char *at = r->fault == NULL ? memchr(letters, how, sizeof letters) : NULL;
  if (at != NULL) t->how = (uint16_t)(at - letters);
  else if (r->fault == NULL) r->fault = "how a turn ends is l, p or w";
}

static void read_turns(Reader *r, ScheduleFile *f) {
  uint64_t n = read_number(r, "turns", 10), room = 0;
  while (r->fault == NULL && f->nturns < n) {
    if (f->nturns == room) { /* it grows with what is there, not with what the file says */
      room = 2 * room + 64;
      Turn *turns = realloc(f->turns, room * sizeof *turns);
      if (turns == NULL) {
        r->fault = "not enough memory";
        return;
      }
      f->turns = turns;
    }
    read_turn(r, &f->turns[f->nturns++]);
  }
  if (r->fault == NULL && next_line(r) && strcmp(r->line, "end") != 0) r->fault = "'end' is missing";
}

static void read_argument(Reader *r, ScheduleFile *f, const char *text) {
  char **args = realloc(f->args, (size_t)(f->nargs + 1) * sizeof *args);
  if (args == NULL) {
    r->fault = "not enough memory";
    return;
  }
  f->args = args;
  f->args[f->nargs] = get_text(r, text);
  if (f->args[f->nargs] != NULL) f->nargs++;
}

static void read_all(Reader *r, ScheduleFile *f) {
  if (next_line(r) && strcmp(r->line, "gilua schedule 1") != 0)
    r->fault = "this is no schedule of this version of gilua (the first line is not 'gilua schedule 1')";
  f->made_by = read_text(r, "by", "'by' is missing");
  f->script = read_text(r, "script", "'script' is missing");
  f->hash = read_number(r, "hash", 16);
  const char *text;
  while (r->fault == NULL && next_line(r) && (text = value_of(r, "argument")) != NULL) read_argument(r, f, text);
  if (r->fault == NULL) f->seed = number_of(r, "seed", 10);
  f->found = read_text(r, "found", "'found' is missing");
  f->ended = read_text(r, "ended", "'ended' is missing");
  f->steps = read_number(r, "steps", 10);
  f->digest = read_number(r, "digest", 16);
  read_turns(r, f);
}

const char *schedule_file_read(ScheduleFile *f, const char *path, char *error, size_t n) {
  *f = (ScheduleFile){0};
  Reader r = {.in = fopen(path, "re")};
  if (r.in == NULL) {
    snprintf(error, n, "cannot read '%s': %s", path, strerror(errno));
    return error;
  }
  read_all(&r, f);
  fclose(r.in);
  free(r.line);
  if (r.fault == NULL) return NULL;
  snprintf(error, n, "%s:%u: %s", path, r.number, r.fault);
  return error;
}

void schedule_file_free(ScheduleFile *f) {
  char *texts[] = {f->made_by, f->script, f->found, f->ended};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
  for (int i = 0; i < f->nargs; i++) free(f->args[i]);
  free(f->args);
  free(f->turns);
}

int schedule_file_hash(const char *path, uint64_t *hash) {
  FILE *in = fopen(path, "re");
  if (in == NULL) return errno;
  uint64_t h = 0xcbf29ce484222325;
  for (int c; (c = fgetc(in)) != EOF;) h = (h ^ (uint64_t)c) * 0x100000001b3;
  int err = ferror(in) ? EIO : 0;
  fclose(in);
  *hash = h;
  return err;
}
