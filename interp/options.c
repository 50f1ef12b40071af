/* Reading the command line: the options of `lua` 5.4, as it reads them, and our own, which all start with "--". */
#include "interp/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/gil/gil.h"

static const char usage_text[] =
    "usage: %s [options] [script [args]]\n"
    "Available options are:\n"
    "  -e stat   execute string 'stat'\n"
    "  -i        enter interactive mode after executing 'script'\n"
    "  -l mod    require library 'mod' into global 'mod'\n"
    "  -l g=mod  require library 'mod' into global 'g'\n"
    "  -v        show version information\n"
    "  -E        ignore environment variables\n"
    "  -W        turn warnings on\n"
    "  --        stop handling options\n"
    "  -         stop handling options and execute stdin\n"
    "  --policy NAME         who gets the lock: fair, interval or ticks\n"
    "  --switch-interval S   seconds a thread may keep the lock while others wait\n"
    "  --seed N              switch threads as the number says, in virtual time: the same run again each time\n"
    "  --stats[=json]        print a table about the lock at exit, or JSON\n"
    "  --trace FILE          record who has the lock: FILE.html to look at, or JSON for Perfetto\n"
    "  --version             show version information\n"
    "  --help                show this text\n";

/* One of ours: "--name value" or "--name=value"; sets *value. Returns how many arguments it takes, 0 if it is
 * another. */
static int long_value(char **argv, int i, const char *name, const char **value) {
  size_t n = strlen(name);
  if (strncmp(argv[i], name, n) != 0) return 0;
  if (argv[i][n] == '=') {
    *value = argv[i] + n + 1;
    return 1;
  }
  if (argv[i][n] != '\0') return 0;
  *value = argv[i + 1];
  return 2;
}

static bool set_interval(Options *o, const char *text) {
  char *end;
  o->switch_interval = text != NULL ? strtod(text, &end) : 0;
  return text != NULL && *text != '\0' && *end == '\0' && o->switch_interval >= 1e-6 && o->switch_interval <= 1;
}

bool options_read_number(const char *text, uint64_t *value) {
  char *end;
  if (text == NULL || *text < '0' || *text > '9') return false;
  errno = 0;
  *value = strtoull(text, &end, 10);
  return *end == '\0' && errno == 0;
}

/* Returns how many arguments it takes, 0 if it is wrong. */
static int parse_long(Options *o, char **argv, int i) {
  const char *value;
  if (strcmp(argv[i], "--help") == 0) o->help = true;
  else if (strcmp(argv[i], "--version") == 0) o->version = true;
  else if (strcmp(argv[i], "--stats") == 0) o->stats = STATS_TABLE;
  else if (strcmp(argv[i], "--stats=json") == 0) o->stats = STATS_JSON;
  else {
    int n = long_value(argv, i, "--policy", &value);
    if (n != 0) {
      o->policy = value;
      return value != NULL && policy_find(value) != NULL ? n : 0;
    }
    n = long_value(argv, i, "--trace", &value);
    if (n != 0) {
      o->trace = value;
      return value != NULL && *value != '\0' ? n : 0;
    }
    n = long_value(argv, i, "--seed", &value);
    if (n != 0) {
      o->seed_text = value;
      return options_read_number(value, &o->seed) ? n : 0;
    }
    n = long_value(argv, i, "--switch-interval", &value);
    return n != 0 && set_interval(o, value) ? n : 0;
  }
  return 1;
}

/* The same for an option of one letter. */
static int parse_short(Options *o, char **argv, int i) {
  const char *arg = argv[i];
  switch (arg[1]) {
    case 'e':
      o->execute = true; /* fall through */
    case 'l':
      if (arg[2] != '\0') return 1;
      return argv[i + 1] != NULL && argv[i + 1][0] != '-' ? 2 : 0;
    case 'E': o->ignore_environment = true; break;
    case 'W': break;
    case 'i': o->interactive = true; /* fall through */
    case 'v': o->version = true; break;
    default: return 0;
  }
  return arg[2] == '\0' ? 1 : 0;
}

void options_parse(Options *o, int argc, char **argv) {
  *o = (Options){.script = argc};
  if (argc > 1 && (strcmp(argv[1], "bind") == 0 || strcmp(argv[1], "worker") == 0)) {
    o->bind = argv[1][0] == 'b';
    o->worker = !o->bind;
    o->script = 1;
    return;
  }
  if (argc > 1 && (strcmp(argv[1], "explore") == 0 || strcmp(argv[1], "replay") == 0)) {
    o->explore = argv[1][0] == 'e';
    o->replay = !o->explore;
    return;
  }
  for (int i = 1; i < argc;) {
    o->script = i;
    if (argv[i][0] != '-' || argv[i][1] == '\0') return;
    if (strcmp(argv[i], "--") == 0) {
      o->script = i + 1;
      return;
    }
    int n = argv[i][1] == '-' ? parse_long(o, argv, i) : parse_short(o, argv, i);
    if (n == 0) {
      o->bad = argv[i];
      return;
    }
    i += n;
  }
  o->script = argc;
}

bool options_takes_value(const char *option) {
  if (option[1] == '-')
    return strcmp(option, "--policy") == 0 || strcmp(option, "--switch-interval") == 0 ||
           strcmp(option, "--trace") == 0 || strcmp(option, "--seed") == 0;
  return (option[1] == 'e' || option[1] == 'l') && option[2] == '\0';
}

/* Whether it is the option of that name, with or without "=value". */
static bool is_long(const char *option, const char *name) {
  size_t n = strlen(name);
  return strncmp(option, name, n) == 0 && (option[n] == '\0' || option[n] == '=');
}

void options_usage(const Options *o, const char *progname) {
  const char *bad = o->bad;
  if (bad[1] == 'e' || bad[1] == 'l') fprintf(stderr, "%s: '%s' needs argument\n", progname, bad);
  else if (is_long(bad, "--policy")) fprintf(stderr, "%s: '--policy' needs fair, interval or ticks\n", progname);
  else if (is_long(bad, "--trace")) fprintf(stderr, "%s: '--trace' needs a file\n", progname);
  else if (is_long(bad, "--seed")) fprintf(stderr, "%s: '--seed' needs a number from 0 to 2^64 - 1\n", progname);
  else if (is_long(bad, "--switch-interval"))
    fprintf(stderr, "%s: '--switch-interval' needs seconds from 1e-6 to 1\n", progname);
  else fprintf(stderr, "%s: unrecognized option '%s'\n", progname, bad);
  fprintf(stderr, usage_text, progname);
}

void options_help(const char *progname) {
  printf(usage_text, progname);
  printf("or: %s bind MODULE.h [-o OUTPUT.c]\n  makes a native module from annotated C prototypes\n", progname);
  printf("or: %s worker --gearman HOST:PORT --require MODULE …\n  does the tasks of GearmanExecutors; --help says more\n", progname);
  printf("or: %s explore [--runs N] [--seconds S] [--strategy random|pct|pos|all] [--depth D] [--jobs J] [--seed N] [--races] [--count] [--save FILE]\n"
         "         script [args]\n  searches for an order of the script's threads in which it fails\n", progname);
  printf("or: %s replay [--trace PAGE] FILE\n  repeats a run that explore has saved\n", progname);
}
