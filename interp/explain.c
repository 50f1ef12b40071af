/* The report: one row for each line that was come to, in its thread's column; what lies away from a preemption is left out. */
#include "interp/explain.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/os/utf8.h"

enum { COLUMNS = 4, WIDTH = 36, AROUND = 4, SOURCE_LINES = 10000 };

/* The text of one source, read when it is first shown. */
typedef struct Source {
  char name[TRIAL_SOURCE_ROOM];
  char *lines[SOURCE_LINES];
  int n;
} Source;

typedef struct Report {
  FILE *out;
  const Trial *t;
  Source *source;
  uint32_t columns[COLUMNS]; /* numbers of threads */
  unsigned ncolumns;
} Report;

static void forget(Source *s) {
  for (int i = 0; i < s->n; i++) free(s->lines[i]);
  s->n = 0;
}

static void read_source(Source *s, const char *name) {
  size_t room = 0;
  forget(s);
  snprintf(s->name, sizeof s->name, "%s", name);
  FILE *in = fopen(name, "re");
  if (in == NULL) return;
  char *line = NULL;
  while (s->n < SOURCE_LINES && getline(&line, &room, in) >= 0) {
    line[strcspn(line, "\r\n")] = '\0';
    for (char *tab = line; (tab = strchr(tab, '\t')) != NULL;) *tab = ' ';
    s->lines[s->n++] = line;
    line = NULL;
    room = 0;
  }
  free(line); /* at the end there is one, too */
  fclose(in);
}

/* The line's text without its indentation; "" where there is no such file. */
static const char *text_of(Report *r, const TrialLine *line) {
  if (strcmp(r->source->name, line->source) != 0) read_source(r->source, line->source);
  if (line->line < 1 || line->line > r->source->n) return "";
  const char *text = r->source->lines[line->line - 1];
  return text + strspn(text, " \t");
}

static unsigned column_of(const Report *r, uint32_t thread) {
  unsigned i = 0;
  while (i < r->ncolumns && r->columns[i] != thread) i++;
  return i;
}

static void put_cell(Report *r, unsigned column, const char *text) {
  for (unsigned i = 0; i < column; i++) fprintf(r->out, "%-*s", WIDTH, "");
  utf8_print(r->out, text, column + 1 < r->ncolumns ? WIDTH - 2 : 2 * WIDTH);
  fputc('\n', r->out);
}

const char *explain_name(const Trial *t, uint32_t thread, char *room, size_t n) {
  if (thread < TRIAL_NAMES && t->names[thread][0] != '\0') return t->names[thread];
  snprintf(room, n, "thread %u", thread);
  return room;
}

static void put_heads(Report *r) {
  char room[32];
  for (unsigned i = 0; i < r->ncolumns; i++) {
    if (i == 0) fputs("  ", r->out);
    int written = utf8_print(r->out, explain_name(r->t, r->columns[i], room, sizeof room), WIDTH - 2);
    if (i + 1 == r->ncolumns) fputc('\n', r->out);
    else fprintf(r->out, "%*s", WIDTH - written, "");
  }
}

static bool is_forced(const Trial *t, uint64_t turn) {
  return turn < t->schedule.nturns && turn < TRIAL_TURNS && t->turns[turn].how == GIL_YIELDED;
}

static void put_line(Report *r, const TrialLine *line) {
  char cell[2 * WIDTH + TRIAL_SOURCE_ROOM];
  snprintf(cell, sizeof cell, "%4d %s", line->line, text_of(r, line));
  fputs("  ", r->out);
  put_cell(r, column_of(r, line->thread), cell);
}

/* The lines of one turn, from first up to end: the first and last of them. */
static void put_turn(Report *r, unsigned first, unsigned end) {
  const Trial *t = r->t;
  for (unsigned i = first; i < end; i++) {
    if (end - first > 2 * AROUND + 1 && i == first + AROUND) {
      fputs("  ", r->out);
      put_cell(r, column_of(r, t->lines[i].thread), "     …");
      i = end - AROUND;
    }
    put_line(r, &t->lines[i]);
  }
  if (!is_forced(t, t->lines[first].turn)) return;
  fputs("  ", r->out);
  put_cell(r, column_of(r, t->lines[first].thread), "     --- is preempted here ---");
}

/* Whether a turn is shown: those between preemptions, one before and two after. */
static bool is_shown(const Trial *t, uint64_t turn) {
  uint64_t from = turn > 2 ? turn - 2 : 0;
  for (uint64_t i = from; i <= turn + 1; i++)
    if (is_forced(t, i)) return true;
  return false;
}

static unsigned end_of_turn(const Trial *t, unsigned first) {
  unsigned end = first;
  while (end < t->nlines && t->lines[end].turn == t->lines[first].turn) end++;
  return end;
}

static void add_column(Report *r, uint32_t thread) {
  unsigned i = r->ncolumns++;
  for (; i > 0 && r->columns[i - 1] > thread; i--) r->columns[i] = r->columns[i - 1];
  r->columns[i] = thread;
}

static void find_columns(Report *r) {
  const Trial *t = r->t;
  for (unsigned i = 0; i < t->nlines; i++)
    if (is_shown(t, t->lines[i].turn) && column_of(r, t->lines[i].thread) == r->ncolumns && r->ncolumns < COLUMNS)
      add_column(r, t->lines[i].thread);
}

void explain(FILE *out, const Trial *t) {
  Report r = {.out = out, .t = t, .source = calloc(1, sizeof *r.source)};
  if (r.source == NULL) return;
  find_columns(&r);
  if (r.ncolumns > 0) put_heads(&r);
  for (unsigned first = 0, end; first < t->nlines; first = end) {
    end = end_of_turn(t, first);
    if (is_shown(t, t->lines[first].turn) && column_of(&r, t->lines[first].thread) < r.ncolumns) put_turn(&r, first, end);
  }
  forget(r.source);
  free(r.source);
}

static void put_side(Report *r, const RaceSide *side) {
  char room[32];
  TrialLine line = {.thread = side->thread, .line = side->line};
  snprintf(line.source, sizeof line.source, "%s", side->source);
  fputs("    ", r->out);
  utf8_print(r->out, explain_name(r->t, side->thread, room, sizeof room), INT_MAX);
  fprintf(r->out, " %s it at %s:%d: %s\n", side->writes ? "sets" : "gets", line.source, line.line, text_of(r, &line));
}

void explain_races(FILE *out, const Trial *t) {
  if (t->nraces == 0) return;
  Report r = {.out = out, .t = t, .source = calloc(1, sizeof *r.source)};
  if (r.source == NULL) return;
  fprintf(out, "%s that nothing orders:\n", t->nraces == 1 ? "a race, two accesses" : "races, accesses");
  for (unsigned i = 0; i < t->nraces; i++) {
    fprintf(out, "  %s\n", t->race[i].what);
    put_side(&r, &t->race[i].first);
    put_side(&r, &t->race[i].second);
  }
  forget(r.source);
  free(r.source);
}
