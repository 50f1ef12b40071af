/* gilua.pickle, the codec: Lua values as bytes, and back.
 *
 * A message is n values. It stands alone (link NULL: what dumps and loads handle, bytecode inside), or it belongs to a
 * link: what the two ends of a channel share, so that bytecode, classes and modules do not travel with every task.
 *
 *   parent:  pickle_dump(L, first, n, PICKLE_TASK, link, &message)
 *            -> message.bytes with message.pieces, message.codes (what the reader must have been told), message.origins
 *   worker:  pickle_link_define(link, id, bytes, size) for codes that it lacks
 *            pickle_load(L, bytes, size, link, PICKLE_TASK_FLAGS, LUA_NOREF); call; pickle_dump(…, PICKLE_RESULTS, …)
 *   parent:  pickle_load(L, bytes, size, link, PICKLE_RESULT_FLAGS, message.origins)
 *
 * A forked worker uses the link that it inherited, after pickle_link_become_worker; one that was spawned makes its own.
 *
 * Threads: every function here needs the lock, except pickle_code_* and pickle_message_size. During a dump no Lua code
 * runs but __reduce, no collector step is made, and the lock is not left (but by a __reduce). A load may run
 * finalizers, constructors that a __reduce named and, with PICKLE_REQUIRE, modules.
 */
#ifndef GILUA_POOL_PICKLE_PICKLE_H
#define GILUA_POOL_PICKLE_PICKLE_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kind of error objects: fields path and type when writing, offset when reading. */
#define ERROR_PICKLE "pickle"

enum {
  PICKLE_VERSION = 1,
  PICKLE_PIN = 32 * 1024 /* bytes; a longer string is not copied into a message for a link, but pinned */
};

/* Bytecode that messages of a link name by id. Immutable but for the count. */
typedef struct PickleCode {
  _Atomic unsigned refs; /* [a] the link's table and each message hold one; relaxed up, acq_rel down (the last frees) */
  uint64_t id;           /* [i] from 1 in its epoch */
  uint64_t epoch;        /* [i] of the link's table when it was made: the table is bounded, a full one is left behind.
                          * Those of one message are of one epoch */
  uint64_t hash;         /* [i] of the bytes */
  size_t size;           /* [i] */
  uint8_t bytes[];       /* [i] */
} PickleCode;

/* pickle_code_keep and pickle_code_drop count a reference up and down. Any thread, with or without the lock. */
void pickle_code_keep(PickleCode *code);
void pickle_code_drop(PickleCode *code);

/* A long string that stands in the message at `at`: bytes[0 … at), piece, bytes[at …). Lua owns it, pinned. */
typedef struct PicklePiece {
  size_t at;
  size_t before; /* bytes of the pieces before this one: it begins at offset at + before of the whole */
  const char *data;
  size_t size;
} PicklePiece;

/* A message that was written: plain memory, which may be read without the lock while nobody frees it. Owned by whoever
 * passed it to pickle_dump. Zero is an empty message. */
typedef struct PickleMessage {
  uint8_t *bytes;
  size_t size;
  PicklePiece *pieces; /* ascending by at; NULL when npieces is 0 */
  unsigned npieces, ncodes;
  PickleCode **codes;  /* each once, a reference held for each; NULL when ncodes is 0 */
  int pins;            /* registry: the strings of the pieces, and userdata sent by their __reduce, what these had
                        * kept; 0 or LUA_NOREF: none */
  int origins;         /* registry: list of the functions and metatables written by value, or the one function that was;
                        * 0 or LUA_NOREF: none */
} PickleMessage;

/* pickle_message_size is the length in bytes of the message as its reader gets it: bytes and pieces. */
size_t pickle_message_size(const PickleMessage *m);

/* pickle_message_copy writes that many bytes to `to`. */
void pickle_message_copy(const PickleMessage *m, void *to);

/* pickle_message_unpin gives up the bytes, pieces, pins and codes and keeps origins: the task was sent and is not sent
 * again. pickle_message_free gives up everything; m is empty then. Both may be called more than once. */
void pickle_message_unpin(lua_State *L, PickleMessage *m);
void pickle_message_free(lua_State *L, PickleMessage *m);

/* What both ends of a channel share; see link.h. */
typedef struct PickleLink PickleLink;

enum { PICKLE_LINK_SPAWN = 1 }; /* the other end was not forked: it has modules that it can require, and nothing else */

/* pickle_link_new makes the parent's end. Raises a memory error. The caller
 * frees it by pickle_link_free, which accepts NULL. Messages may outlive their link. */
PickleLink *pickle_link_new(lua_State *L, unsigned options);
void pickle_link_free(lua_State *L, PickleLink *link);

/* pickle_names_snapshot gives a number to whatever names lead to now, as the first message does: call it where the
 * zygote is forked, which then has the same objects by the same numbers. May be called again, for a later zygote.
 * Raises a memory error. */
void pickle_names_snapshot(lua_State *L, PickleLink *link);

/* pickle_link_become_worker turns the link into the worker's end, in the forked child or in a spawned program. */
void pickle_link_become_worker(lua_State *L, PickleLink *link);

/* pickle_link_define tells the worker's end the bytecode with that id, unless it knows it; it copies. Returns 0, or -1
 * without memory. Touches no Lua. A message that names an id which is not defined fails with `pickle`. */
int pickle_link_define(PickleLink *link, uint64_t id, const void *bytes, size_t size);

/* pickle_link_forget drops every definition at the worker's end: before it is told codes of another epoch. */
void pickle_link_forget(lua_State *L, PickleLink *link);

/* pickle_register gives the value on top of the stack, which it pops, a name of its own, under which it travels
 * whatever modules are loaded: call it when the interpreter is opened. Raises a memory error. */
void pickle_register(lua_State *L, const char *name);

/* What the values of a message are called in the path of an error. */
typedef enum PickleRoot {
  PICKLE_VALUE,  /* value */
  PICKLE_TASK,   /* function, args[1], args[2], … */
  PICKLE_CHUNK,  /* (nothing), function, {args[1], args[2], …} */
  PICKLE_SPREAD, /* (nothing), function, {{args[1], args[2], …}} */
  PICKLE_RESULTS /* results[1], … */
} PickleRoot;

/* What a __reduce in C returns last, if it is a userdata whose metatable has this field, does not travel: the message keeps it, and
 * gives it up when it is freed. What dumps writes is a string, which nobody frees: it is kept for good. */
#define PICKLE_KEPT "__kept"

/* The __reduce of a userdata whose metatable has this field gets a table of the message, too: what it puts there is there for the
 * other objects of the message. [PICKLE_WALK] is 1; whoever must know of all of them before sets [PICKLE_AGAIN] to true, and once
 * all were asked they are asked again, with a 2. */
#define PICKLE_SHARES "__shares"
enum { PICKLE_WALK = 1, PICKLE_AGAIN };

/* pickle_dump writes the n values at first, first + 1, … of L into *out, which was empty. It raises `pickle` for a
 * value that cannot travel, a memory error, and whatever a __reduce raises; *out has no bytes then, and nothing but
 * what pickle_message_free accepts. The stack stays as it was. */
void pickle_dump(lua_State *L, int first, int n, PickleRoot root, PickleLink *link, PickleMessage *out);

/* pickle_dump_elsewhere writes a message that stands alone for a program that has the same modules and globals of its own: what
 * only the globals lead to goes by value. */
void pickle_dump_elsewhere(lua_State *L, int first, int n, PickleRoot root, PickleMessage *out);

/* What a reader lets happen. With none of them a message is plain values. */
enum {
  PICKLE_CLASSES = 1,   /* names of classes are looked up; no code runs but what the program's own classes do */
  PICKLE_NAMES = 2,     /* every name is; constructors are called, metatables by value hold what they like */
  PICKLE_FUNCTIONS = 4, /* bytecode is loaded: the bytes are trusted */
  PICKLE_REQUIRE = 8,   /* a module that is not loaded is required */
  PICKLE_TRACK = 16,    /* what came by value is remembered until the next load, so that it returns by reference */
  PICKLE_TRUSTED = PICKLE_CLASSES | PICKLE_NAMES | PICKLE_FUNCTIONS,
  PICKLE_TASK_FLAGS = PICKLE_TRUSTED | PICKLE_REQUIRE | PICKLE_TRACK,
  PICKLE_RESULT_FLAGS = PICKLE_CLASSES | PICKLE_NAMES | PICKLE_REQUIRE
};

/* pickle_load pushes the values of a message and returns how many. It raises `pickle` with the offset for bytes that
 * are damaged or not allowed, a memory error (allocates at most some 50 bytes for each byte of the message), and what a
 * constructor or module raises. origins: registry reference of the list that came with the task whose result this is,
 * or LUA_NOREF. The bytes must stay as they are until it returns. */
int pickle_load(lua_State *L, const void *bytes, size_t size, PickleLink *link, unsigned flags, int origins);

/* Long strings of a message whose bytes are not there: whoever has them pushes each when its turn comes. */
typedef struct PickleStream PickleStream;
struct PickleStream {
  size_t at; /* offset of the next such string's content; SIZE_MAX: none */
  /* Pushes it and sets `at` to the next; the bytes up to there are in place then. Raises if size is not what it should be. */
  void (*push)(lua_State *L, PickleStream *self, size_t size);
};

/* pickle_load_stream is pickle_load for such a message; size counts the bytes that are not there, too. */
int pickle_load_stream(lua_State *L, const void *bytes, size_t size, PickleLink *link, unsigned flags, int origins,
                       PickleStream *stream);

/* lib_pickle_open is the module gilua.pickle; the confined one loads no functions. */
int lib_pickle_open(lua_State *L);
int lib_pickle_open_confined(lua_State *L);

#endif
