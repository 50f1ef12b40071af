/* Looking for the name of a missing global in a message of Lua. */
#include "pool/process/explain.h"

#include <string.h>

static const char before[] = "a nil value (global '";

/* Pushes the name; false: the message is about something else. */
static bool push_name(lua_State *L, const char *message) {
  const char *name = strstr(message, before), *end;
  if (name == NULL) return false;
  name += sizeof before - 1;
  end = strchr(name, '\'');
  if (end == NULL) return false;
  lua_pushlstring(L, name, (size_t)(end - name));
  return true;
}

void explain_error(lua_State *L, int i) {
  i = lua_absindex(L, i);
  if (lua_type(L, i) != LUA_TSTRING || !lua_checkstack(L, 4)) return;
  int top = lua_gettop(L);
  if (push_name(L, lua_tostring(L, i))) {
    lua_pushglobaltable(L);
    lua_pushvalue(L, -2);
    if (lua_rawget(L, -2) != LUA_TNIL) {
      lua_pushfstring(L, "%s ('%s' was defined after the pool was made; its workers do not have it)", lua_tostring(L, i),
                      lua_tostring(L, top + 1));
      lua_replace(L, i);
    }
  }
  lua_settop(L, top);
}
