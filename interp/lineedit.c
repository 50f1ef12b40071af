/* libedit behind lineedit.h. Its functions run with the interpreter lock and must not be left by an error: whatever may
 * raise in their callbacks is called protected. */
#include "interp/lineedit.h"

#include <dlfcn.h>
#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <lauxlib.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#include "interp/complete.h"
#include "runtime/os/stdio.h"
#include "runtime/sync/blocking.h"
#include "runtime/state/handlers.h"

#define LIBRARY "libedit.so.2"
#define HISTORY_FILE ".gilua_history"

enum { HISTORY_LINES = 1000, CTRL_D = 4 };

static const char registry_key = 0; /* its address names the entry that leads to the LineEdit */

/* What is used of the library. */
typedef struct Library {
  void *handle;
  EditLine *(*init)(const char *, FILE *, FILE *, FILE *);
  void (*end)(EditLine *);
  int (*set)(EditLine *, int, ...);
  const char *(*gets)(EditLine *, int *);
  const LineInfo *(*line)(EditLine *);
  int (*insertstr)(EditLine *, const char *);
  void (*resize)(EditLine *);
  History *(*history_init)(void);
  void (*history_end)(History *);
  int (*history)(History *, HistEvent *, int, ...);
} Library;

struct LineEdit {
  Library lib;
  EditLine *el;
  History *history;
  locale_t locale;    /* how keys become characters; Lua's stays what it is */
  mbstate_t partial;  /* a character of which some bytes have come */
  char *file;         /* of the history, or NULL */
  const char *prompt; /* during a read */
  lua_State *L;       /* the same */
  bool requested;     /* the read ended for a request */
  bool kept;          /* in this read: keep_terminal */
};

static bool load(Library *lib) {
  lib->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (lib->handle == NULL) return false;
  const struct { const char *name; void *at; } symbols[] = {
      {"el_init", &lib->init}, {"el_end", &lib->end}, {"el_set", &lib->set}, 
      {"el_gets", &lib->gets}, {"el_line", &lib->line}, {"el_insertstr", &lib->insertstr}, {"el_resize", &lib->resize},
      {"history_init", &lib->history_init}, {"history_end", &lib->history_end}, {"history", &lib->history},
  };
  for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
    void *symbol = dlsym(lib->handle, symbols[i].name);
    if (symbol == NULL) return false;
    memcpy(symbols[i].at, &symbol, sizeof symbol); /* ISO C has no cast from data to functions */
  }
  return true;
}

/* The callbacks get nothing of ours: the registry leads to it. They run with the interpreter lock. */
static LineEdit *self(void) {
  lua_State *L = tstate_self()->current;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &registry_key);
  LineEdit *le = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return le;
}

static char *prompt_text(EditLine *el) {
  (void)el;
  return (char *)self()->prompt;
}

/* After Ctrl-Z and fg the library's modes are to be there again. */
static void keep_terminal(LineEdit *le) {
  struct termios modes;
  if (le->kept || tcgetattr(STDIN_FILENO, &modes) != 0) return;
  handlers_keep_terminal(&modes);
  le->kept = true;
}

/* Waits for a byte of input, without the lock. 1, 0 at the end, -1 for a request or an error. */
static int next_byte(LineEdit *le, char *byte) {
  Tstate *ts = tstate_self();
  const char *buffered;
  for (;;) {
    if (stdio_readable(stdin, &buffered) > 0) { /* left there by io.read */
      *byte = *buffered;
      stdio_skip(stdin, 1);
      return 1;
    }
    short revents;
    keep_terminal(le);
    blocking_name(ts, "terminal");
    ParkResult result = blocking_wait_fd(ts, STDIN_FILENO, POLLIN, CLOCK_NEVER, &revents);
    if (result != PARK_GRANTED) {
      le->requested = true;
      return -1;
    }
    ssize_t n = read(STDIN_FILENO, byte, 1);
    if (n == 1 && *byte == '\0') *byte = CTRL_D; /* typed before the terminal gave keys: Linux keeps it as a zero */
    if (n >= 0) return (int)n;
    if (errno != EINTR && errno != EAGAIN) return -1;
  }
}

static int next_char(EditLine *el, wchar_t *c) {
  (void)el;
  LineEdit *le = self();
  for (;;) {
    char byte;
    int n = next_byte(le, &byte);
    if (n <= 0) return n;
    size_t k = mbrtowc(c, &byte, 1, &le->partial);
    if (k == (size_t)-2) continue;
    if (k == (size_t)-1) {
      memset(&le->partial, 0, sizeof le->partial);
      *c = (unsigned char)byte;
    }
    return 1;
  }
}

static unsigned char complete_word(EditLine *el, int key) {
  (void)key;
  LineEdit *le = self();
  const LineInfo *line = le->lib.line(el);
  char *insert = NULL;
  CompleteResult result = complete(le->L, line->buffer, (size_t)(line->cursor - line->buffer), &insert);
  if (insert != NULL) le->lib.insertstr(el, insert);
  free(insert);
  switch (result) {
    case COMPLETE_DONE: return CC_REFRESH;
    case COMPLETE_LISTED: return CC_REDISPLAY;
    default: return CC_REFRESH_BEEP;
  }
}

static char *history_file(void) {
  const char *home = getenv("HOME");
  char *path = NULL;
  if (home == NULL || home[0] == '\0' || asprintf(&path, "%s/%s", home, HISTORY_FILE) < 0) return NULL;
  return path;
}

/* A terminal that echoes and knows more than lines. */
static bool can_edit(void) {
  struct termios t;
  const char *kind = getenv("TERM");
  if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || kind == NULL || strcmp(kind, "dumb") == 0) return false;
  return tcgetattr(STDIN_FILENO, &t) == 0 && (t.c_lflag & ECHO) != 0;
}

/* The library takes the thread's locale; Lua's is the process's. */
static locale_t enter_locale(const LineEdit *le) {
  return le->locale != (locale_t)0 ? uselocale(le->locale) : (locale_t)0;
}

static void leave_locale(locale_t old) {
  if (old != (locale_t)0) uselocale(old);
}

/* The library copies both names and frees neither. */
static void add_completion(LineEdit *le) {
#ifdef __SANITIZE_ADDRESS__
  __lsan_disable();
#endif
  le->lib.set(le->el, EL_ADDFN, "lua-complete", "complete a Lua name", complete_word);
#ifdef __SANITIZE_ADDRESS__
  __lsan_enable();
#endif
}

static void set_up(LineEdit *le) {
  HistEvent event;
  le->lib.set(le->el, EL_PROMPT, prompt_text);
  le->lib.set(le->el, EL_EDITOR, "emacs");
  le->lib.set(le->el, EL_SIGNAL, 0);
  le->lib.set(le->el, EL_GETCFN, next_char);
  add_completion(le);
  le->lib.set(le->el, EL_BIND, "^I", "lua-complete", NULL);
  le->lib.set(le->el, EL_HIST, le->lib.history, le->history);
  le->lib.history(le->history, &event, H_SETSIZE, HISTORY_LINES);
  le->lib.history(le->history, &event, H_SETUNIQUE, 1);
  le->file = history_file();
  if (le->file != NULL) le->lib.history(le->history, &event, H_LOAD, le->file);
}

/* The user's; where that has ASCII only, UTF-8, so that no key is lost. */
static locale_t key_locale(void) {
  locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
  if (locale != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, locale), "ANSI_X3.4-1968") != 0) return locale;
  if (locale != (locale_t)0) freelocale(locale);
  return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

LineEdit *lineedit_open(lua_State *L) {
  if (!can_edit()) return NULL;
  LineEdit *le = calloc(1, sizeof *le);
  if (le == NULL) return NULL;
  le->locale = key_locale();
  if (!load(&le->lib)) goto fail;
  le->history = le->lib.history_init();
  if (le->history == NULL) goto fail;
  locale_t old = enter_locale(le); /* which keys are characters is decided here */
  le->el = le->lib.init("gilua", stdin, stdout, stderr);
  if (le->el != NULL) set_up(le);
  leave_locale(old);
  if (le->el == NULL) goto fail;
  lua_pushlightuserdata(L, le);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &registry_key);
  return le;
fail:
  lineedit_close(le);
  return NULL;
}

void lineedit_close(LineEdit *le) {
  if (le == NULL) return;
  if (le->el != NULL) le->lib.end(le->el);
  if (le->history != NULL) le->lib.history_end(le->history);
  if (le->locale != (locale_t)0) freelocale(le->locale);
  free(le->file);
  free(le); /* the library stays: its functions may be in somebody's atexit */
}

static const char *gets_in_locale(LineEdit *le, int *n) {
  locale_t old = enter_locale(le);
  le->lib.resize(le->el);
  const char *line = le->lib.gets(le->el, n);
  leave_locale(old);
  return line;
}

/* Saved at once: a line may end the program. */
static void remember(LineEdit *le, const char *line) {
  HistEvent event;
  le->lib.history(le->history, &event, H_ENTER, line);
  if (le->file != NULL) le->lib.history(le->history, &event, H_SAVE, le->file);
}

LineResult lineedit_read(lua_State *L, LineEdit *le, const char *prompt) {
  int n = 0;
  luaL_checkstack(L, LUA_MINSTACK, NULL); /* for the callbacks */
  le->prompt = prompt;
  le->L = L;
  le->requested = le->kept = false;
  const char *line = gets_in_locale(le, &n);
  handlers_keep_terminal(NULL);
  if (line == NULL || n <= 0) return le->requested ? LINE_INTERRUPTED : LINE_END;
  if (strspn(line, " \t\n") < (size_t)n) remember(le, line);
  if (line[n - 1] == '\n') n--;
  lua_pushlstring(L, line, (size_t)n);
  return LINE_READ;
}
