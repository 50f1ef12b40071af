/* Streams: what gilua keeps beside a FILE that threads share, and calls on it that leave the interpreter lock only when
 * they enter the kernel.
 *
 * A handle is a luaL_Stream with the metatable LUA_FILEHANDLE, as for any C module. Behind those we made is a Stream;
 * for handles of other modules a table in the registry leads to one.
 *
 * Guards       a call that has to leave the interpreter lock first becomes the stream's owner (Stream.lock) and stays it
 *              to its end, so calls of other threads come before or after it, never amid it; they wait by park, where
 *              Ctrl-C and cancel reach them. A call that stdio's buffer can serve owns nothing: it never leaves the
 *              interpreter lock. The FILE's lock guards its buffer against C code of others.
 * Lock order   interpreter lock -> Stream.lock -> (try only) FILE lock.      The FILE lock may be waited for without the
 *              interpreter lock only, and the interpreter lock is never taken with it held.
 * Waits        for a pipe, a socket or a terminal are for the descriptor, without the FILE lock; read and write follow
 *              when they will not wait. So a request ends them, and nothing that was read or is to be written is lost.
 *              For a pipe that was opened here they are the read itself, past the FILE (blocking_wait_read).
 * Errors       no call here raises while it owns a stream: results say what is to be raised (stream_check).
 * Finalizers   keep the interpreter lock; where another thread owns the stream they go by the FILE lock alone.
 */
#ifndef GILUA_RUNTIME_IO_STREAM_H
#define GILUA_RUNTIME_IO_STREAM_H

#include <lauxlib.h>
#include <poll.h>
#include <stdio.h>
#include <sys/types.h>

#include "runtime/sync/blocking.h"
#include "runtime/sync/lock.h"

typedef struct Stream {
  Lock lock;       /* [G] held by the call that has left the interpreter lock */
  bool known;      /* [G] the next two are known */
  bool slow;       /* [G] a pipe, socket or terminal: reads and writes may wait for somebody */
  bool pipe;       /* [G] takes PIPE_BUF bytes when it takes any */
  bool at_once;    /* [G] a pipe that can be read without waiting: not one with a name */
  bool opened;     /* [G] a pipe that was opened here: nobody else relies on its flags */
  bool idles;      /* [G] its last wait took long: so will the next, and nobody looks first */
  lua_Integer reader; /* [G] ident of the thread that was the last to wait in a read of it, 0: none */
  unsigned credit; /* [G] bytes that a pipe takes without being asked again */
  pid_t child;     /* [G] of io.popen, or 0 */
  char *spill;     /* owner only: where a call gathers what it reads; kept for the next one */
  size_t room;     /* owner only: its size */
} Stream;

typedef enum StreamResult {
  STREAM_OK,
  STREAM_END,       /* end of file */
  STREAM_FAILED,    /* errno tells */
  STREAM_STOPPED,   /* a request, or a wait in a finalizer: stream_check raises */
  STREAM_NO_MEMORY, /* stream_check raises */
} StreamResult;

/* A call in progress; on the C stack of its thread. */
typedef struct StreamCall {
  Tstate *ts;
  FILE *f;
  Stream *s;
  bool owner;      /* holds s->lock */
  bool held;       /* holds the FILE lock */
  bool amid;       /* in a finalizer or signal handler, amid another call: may write, not read */
  ParkResult park; /* why it STOPPED */
} StreamCall;

/* stream_push_handle pushes a new closed handle and returns its standard part. */
luaL_Stream *stream_push_handle(lua_State *L);

/* stream_ours returns the handle at index i if stream_push_handle made it, else NULL. */
luaL_Stream *stream_ours(lua_State *L, int i);

/* stream_of returns the Stream of the handle at index i, made now for a handle of another module. May raise memory
 * errors. It lives as long as the handle. */
Stream *stream_of(lua_State *L, int i);

/* stream_begin starts a call on p's file; it waits while another thread's call is in progress. May raise what was requested,
 * and that the file is closed: a finalizer may have done that wherever memory was allocated since somebody looked.
 * Between begin and end nothing of Lua may be called that raises. */
void stream_begin(lua_State *L, StreamCall *c, const luaL_Stream *p, Stream *s);

/* stream_begin_close starts the call that closes f, whose handle is closed for everybody else. */
void stream_begin_close(lua_State *L, StreamCall *c, FILE *f, Stream *s);

void stream_hold_slow(StreamCall *c); /* the rare half of stream_hold */

/* stream_end ends the call: the next thread in line may begin. Keeps errno. */
void stream_end(StreamCall *c);

/* stream_check raises what a result stands for; returns if that is nothing to raise. After stream_end. */
void stream_check(lua_State *L, const StreamCall *c, StreamResult result);

/* stream_in_use tells whether another thread is in a call on s, or about to. */
bool stream_in_use(const Stream *s);

/* stream_hold takes the FILE lock, unless the call has it, for a look at stdio's buffer. Keeps the interpreter lock unless
 * C code of others is in the FILE. stream_let gives it back; so do the calls below, and stream_end. */
static inline void stream_hold(StreamCall *c) {
  if (c->held) return;
  if (ftrylockfile(c->f) != 0) stream_hold_slow(c);
  c->held = true;
}
static inline void stream_let(StreamCall *c) {
  if (c->held) funlockfile(c->f);
  c->held = false;
}

/* stream_leave makes the call owner and leaves the interpreter lock, with the FILE lock held; stream_back lets go of the
 * FILE and takes the other back. Keep errno. */
void stream_leave(StreamCall *c, const char *what);
void stream_back(StreamCall *c);

/* stream_ready tells whether the descriptor is ready for events, by a look. */
bool stream_ready(const StreamCall *c, short events);

/* stream_await waits until the descriptor of a slow stream is ready for events. OK or STOPPED. */
StreamResult stream_await(StreamCall *c, short events);

/* stream_sleep is the same for who has just seen that it is not. */
StreamResult stream_sleep(StreamCall *c, short events);

/* stream_may_wait_in_read tells whether stream_wait_read may be called: for a pipe that was opened here, where a signal can end a
 * read and nothing is to be seen to first. stream_idles: what it waits for will be long in coming, so a look would be in vain. */
bool stream_may_wait_in_read(const StreamCall *c);
bool stream_idles(const StreamCall *c);

/* stream_wait_read reads up to n bytes past the FILE, and waits in that read; *k is what read returned, errno its own. false: it was
 * ended before. */
bool stream_wait_read(StreamCall *c, char *to, size_t n, ssize_t *k);

/* stream_slow tells whether reads and writes may wait for somebody. */
bool stream_slow(StreamCall *c);

/* stream_forget frees what the stream gathered. */
void stream_forget(Stream *s);

#endif
