/* What the two ends of a link share: bytecode by id, names, origins, pieces. */
#include <criterion/criterion.h>
#include <lauxlib.h>
#include <string.h>

#include "tests/pool/pickle/host.h"

TestSuite(link, .timeout = 60);

static Host host;
static PickleMessage message;

static const char names[] =
    "Account = {} Account.__index = Account function Account.new(n) return setmetatable({n = n}, Account) end "
    "function Account:get() return self.n end "
    "function package.preload.extra() return {f = function() return 'required' end} end";

static void setup(void) { host_open(&host, names, 0); }

static void teardown(void) {
  pickle_message_free(host.parent, &message);
  host_close(&host);
}

/* Sends what the chunk returns, which then is all that stands on the worker's stack. */
static void send(const char *chunk) {
  lua_settop(host.worker, 0);
  pickle_message_free(host.parent, &message);
  int n = host_run(host.parent, chunk), status = host_send(&host, n, &message);
  cr_assert_eq(status, LUA_OK, "%s", luaL_tolstring(status == LUA_OK ? host.parent : host.worker, -1, NULL));
}

static const char *text(lua_State *L, const char *expression) {
  lua_settop(L, 0);
  host_run(L, expression);
  return luaL_tolstring(L, -1, NULL);
}

/* Makes the value on top of a state a global. */
static void keep(lua_State *L, const char *name) { lua_setglobal(L, name); }

Test(link, a_function_travels_by_id_and_its_code_once, .init = setup, .fini = teardown) {
  send("local n = 1 function F() return n end return function(x) return x + n end, 5");
  cr_assert_eq(message.ncodes, 1);
  uint64_t id = message.codes[0]->id;
  cr_assert_lt(message.size, 20);
  lua_call(host.worker, 1, 1);
  cr_assert_eq(lua_tointeger(host.worker, -1), 6);
  send("local n = 1 return function(x) return x + n end, 7");
  cr_assert_neq(message.codes[0]->id, id, "other line numbers");
  send("for i = 1, 2 do local n = i L = function(x) return x + n end end return L, L");
  id = message.codes[0]->id;
  send("return L, 1");
  cr_assert_eq(message.codes[0]->id, id);
}

Test(link, equal_functions_are_one_code, .init = setup, .fini = teardown) {
  uint64_t id = 0;
  for (int i = 0; i < 3; i++) {
    send("return (function() return function(a) return a end end)(), 1");
    if (i > 0) cr_assert_eq(message.codes[0]->id, id);
    id = message.codes[0]->id;
  }
}

Test(link, a_function_that_captures_nothing_is_made_once, .init = setup, .fini = teardown) {
  host_run(host.parent, "G = function() return print end");
  send("return G");
  const void *first = lua_topointer(host.worker, -1);
  keep(host.worker, "G1");
  send("return {G}");
  lua_rawgeti(host.worker, -1, 1);
  cr_assert_eq(lua_topointer(host.worker, -1), first);
  cr_assert_str_eq(text(host.worker, "return G1() == print"), "true");
}

Test(link, code_that_was_never_told_is_an_error, .init = setup, .fini = teardown) {
  send("return function() end");
  pickle_link_forget(host.worker, host.there);
  cr_assert_eq(pickle_link_define(host.there, 99, "x", 1), 0);
  send("return 1");
  PickleMessage m = {0};
  host_run(host.parent, "return function(x) return x end");
  pickle_dump(host.parent, -1, 1, PICKLE_VALUE, host.here, &m);
  cr_assert_eq(m.npieces, 0);
  lua_pushlstring(host.worker, (const char *)m.bytes, m.size);
  cr_assert_null(memchr(m.bytes, '\33', m.size), "no bytecode inside");
  pickle_message_free(host.parent, &m);
}

Test(link, a_full_table_of_codes_begins_a_new_epoch, .init = setup, .fini = teardown) {
  host_run(host.parent, "Old = function(x) return x end");
  send("return Old");
  PickleCode *old = message.codes[0];
  pickle_code_keep(old);
  for (int i = 0; i < 2100; i++) {
    char chunk[80];
    snprintf(chunk, sizeof chunk, "return function() return %d end", i);
    send(chunk);
  }
  send("return Old");
  cr_assert_gt(message.codes[0]->epoch, old->epoch);
  cr_assert_eq(old->size, message.codes[0]->size);
  cr_assert_eq(memcmp(old->bytes, message.codes[0]->bytes, old->size), 0);
  pickle_code_drop(old);
}

/* Sends many functions over the link. */
static int send_many(lua_State *L) {
  for (int i = 0; i < 2100; i++) {
    PickleMessage m;
    char chunk[80];
    snprintf(chunk, sizeof chunk, "return function() return 'm%d' end", i);
    host_run(L, chunk);
    pickle_dump(L, -1, 1, PICKLE_TASK, host.here, &m);
    pickle_message_free(L, &m);
    lua_pop(L, 1);
  }
  return 0;
}

Test(link, the_codes_of_a_message_are_of_one_epoch, .init = setup, .fini = teardown) {
  lua_register(host.parent, "send_many", send_many);
  host_run(host.parent, "First, Last = function() return 1 end, function() return 2 end "
                        "Odd = setmetatable({}, {__reduce = function() "
                        "  if send_many then local f = send_many send_many = nil f() end "
                        "  return First end})");
  send("return {First, Odd, Last}");
  cr_assert_eq(message.ncodes, 2);
  cr_assert_eq(message.codes[0]->epoch, message.codes[1]->epoch);
}

Test(link, long_strings_stand_in_pieces, .init = setup, .fini = teardown) {
  send("Long = ('abc'):rep(20000) local t = {} return Long, {t, Long, t, ('x'):rep(40000), t}, ('y'):rep(100)");
  cr_assert_eq(message.npieces, 2);
  cr_assert_lt(message.size, 400);
  cr_assert_eq(pickle_message_size(&message), message.size + 60000 + 40000);
  cr_assert_eq(message.pieces[1].before, 60000);
  host_run(host.parent, "Long = nil collectgarbage() collectgarbage()");
  cr_assert_eq(memcmp(message.pieces[0].data, "abcabc", 6), 0, "pinned");
  keep(host.worker, "Y");
  keep(host.worker, "V");
  keep(host.worker, "X");
  cr_assert_str_eq(text(host.worker, "return X == ('abc'):rep(20000) and V[2] == X and V[1] == V[3] and V[5] == V[1] and "
                                     "V[4] == ('x'):rep(40000)"), "true");
}

Test(link, functions_return_as_themselves, .init = setup, .fini = teardown) {
  host_run(host.parent, "local n = 0 F = function() n = n + 1 return n end G = function() end");
  send("return F, {F, G, string.rep}");
  cr_assert_neq(message.origins, 0);
  lua_settop(host.worker, 2);
  cr_assert_eq(host_return(&host, 2, &message, PICKLE_RESULT_FLAGS), LUA_OK);
  keep(host.parent, "R2");
  keep(host.parent, "R1");
  cr_assert_str_eq(text(host.parent, "return R1 == F and R2[1] == F and R2[2] == G and R2[3] == string.rep"), "true");
}

Test(link, metatables_by_value_return_as_themselves, .init = setup, .fini = teardown) {
  host_run(host.parent, "local M = {tag = 1} M.__index = M function M.f() end A = setmetatable({1}, M) B = setmetatable({M}, M)");
  send("return A, B, {A}");
  lua_settop(host.worker, 3);
  host_run(host.worker, "return 1");
  lua_pop(host.worker, 1);
  cr_assert_eq(host_return(&host, 3, &message, PICKLE_RESULT_FLAGS), LUA_OK);
  keep(host.parent, "R3");
  keep(host.parent, "R2");
  keep(host.parent, "R1");
  cr_assert_str_eq(text(host.parent, "return getmetatable(R1) == getmetatable(A) and getmetatable(R2) == getmetatable(A) and "
                                     "R2[1] == getmetatable(A) and R3[1] == R1"), "true");
}

Test(link, a_function_made_in_a_worker_does_not_return, .init = setup, .fini = teardown) {
  send("return 1");
  lua_settop(host.worker, 0);
  host_run(host.worker, "return {x = {function() end}}");
  cr_assert_neq(host_return(&host, 1, &message, PICKLE_RESULT_FLAGS), LUA_OK);
  lua_getfield(host.worker, -1, "path");
  cr_assert_str_eq(lua_tostring(host.worker, -1), "results[1].x[1]");
}

Test(link, an_origin_that_was_not_sent_is_an_error, .init = setup, .fini = teardown) {
  send("return function() end");
  lua_settop(host.worker, 1);
  PickleMessage none = {0};
  cr_assert_neq(host_return(&host, 1, &none, PICKLE_RESULT_FLAGS), LUA_OK);
  lua_getfield(host.parent, -1, "kind");
  cr_assert_str_eq(lua_tostring(host.parent, -1), "pickle");
}

Test(link, classes_go_by_the_names_of_the_snapshot, .init = setup, .fini = teardown) {
  send("return Account.new(7), Account");
  cr_assert_eq(message.ncodes, 0);
  lua_settop(host.worker, 2);
  keep(host.worker, "Class");
  keep(host.worker, "A");
  cr_assert_str_eq(text(host.worker, "return getmetatable(A) == Account and Class == Account and A:get()"), "7");
}

Test(link, what_was_defined_after_the_snapshot_goes_by_value, .init = setup, .fini = teardown) {
  host_run(host.parent, "function Later() return 'later' end");
  send("return Later");
  cr_assert_eq(message.ncodes, 1);
  lua_call(host.worker, 0, 1);
  cr_assert_str_eq(lua_tostring(host.worker, -1), "later");
  pickle_names_snapshot(host.parent, host.here);
  host_run(host.parent, "return Later");
  pickle_message_free(host.parent, &message);
  cr_assert_neq(host_send(&host, 1, &message), LUA_OK);
  cr_assert_not_null(strstr(luaL_tolstring(host.worker, -1, NULL), "is not here"));
}

Test(link, modules_are_required, .init = setup, .fini = teardown) {
  host_run(host.parent, "package.loaded.extra = {f = function() end} extra = require 'extra'");
  send("return extra.f");
  lua_call(host.worker, 0, 1);
  cr_assert_str_eq(lua_tostring(host.worker, -1), "required");
}

Test(link, several_values_and_nils_keep_their_places, .init = setup, .fini = teardown) {
  send("return nil, 1, nil, 'x', nil");
  cr_assert_eq(lua_gettop(host.worker), 5);
  cr_assert(lua_isnil(host.worker, 1) && lua_isnil(host.worker, 5));
  cr_assert_str_eq(lua_tostring(host.worker, 4), "x");
}

Test(link, errors_name_the_argument, .init = setup, .fini = teardown) {
  host_run(host.parent, "return print, 1, {handlers = {on_done = (function() local db = io.tmpfile() return function() return db end end)()}}");
  cr_assert_neq(host_send(&host, 3, &message), LUA_OK);
  lua_getfield(host.parent, -1, "path");
  cr_assert_str_eq(lua_tostring(host.parent, -1), "args[2].handlers.on_done upvalue \"db\"");
  cr_assert_null(message.bytes);
  cr_assert_eq(message.ncodes, 0);
}
