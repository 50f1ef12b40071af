/* The command line of the gilua program. */
#ifndef GILUA_INTERP_OPTIONS_H
#define GILUA_INTERP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* What the arguments say. argv stays as it is: -e, -l and -W are carried out in order from argv[1] to argv[script -
 * 1]. */
typedef struct Options {
  const char *bad;           /* the argument that is wrong, or NULL */
  bool interactive;          /* -i */
  bool version;              /* -v, -i */
  bool execute;              /* an -e */
  bool ignore_environment;   /* -E */
  bool help;                 /* --help */
  bool bind;                 /* the command `gilua bind`: what follows is its own */
  bool worker;               /* the command `gilua worker`: the same */
  bool explore, replay;      /* the commands of these names, likewise */
  enum { STATS_NONE, STATS_TABLE, STATS_JSON } stats; /* --stats, --stats=json */
  const char *trace;         /* --trace, or NULL */
  const char *policy;        /* --policy, or NULL */
  const char *seed_text;     /* --seed, or NULL */
  uint64_t seed;             /* the number of it */
  double switch_interval;    /* --switch-interval, seconds, or 0 */
  int script;                /* index of the script in argv, or argc */
} Options;

/* options_parse reads argv. */
void options_parse(Options *options, int argc, char **argv);

/* options_read_number reads a decimal number; false, if it is none or too large. */
bool options_read_number(const char *text, uint64_t *value);

/* options_takes_value tells whether the option argv[i] has its value in argv[i + 1]. */
bool options_takes_value(const char *option);

/* options_usage writes the usage to stderr, with the complaint about options->bad before it if that is set;
 * options_help writes it to stdout. */
void options_usage(const Options *options, const char *progname);
void options_help(const char *progname);

#endif
