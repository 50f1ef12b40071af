"""The Lua to build against: headers, the static library for programs, nothing for modules."""

_BUILD = """
package(default_visibility = ["//visibility:public"])

# Headers only: what is linked into a program that has Lua already.
cc_library(
    name = "headers",
    hdrs = glob(["include/*.h"]),
    includes = ["include"],
)

# All of Lua, every function exported by the program that links it, so that C modules find them there.
cc_library(
    name = "program",
    srcs = ["liblua.a"],
    alwayslink = 1,
    linkopts = ["-Wl,-E", "-lm", "-ldl"],
    deps = [":headers"],
)

filegroup(
    name = "include_files",
    srcs = glob(["include/*.h"]),
)
"""

def _first(ctx, paths, what):
    for path in paths:
        if ctx.path(path).exists:
            return path
    fail("%s is missing: run tools/setup (looked for %s)" % (what, ", ".join(paths)))

def _lua_repository(ctx):
    root = ctx.os.environ.get("GILUA_LUA", "")
    if root:
        headers = _first(ctx, [root + "/include"], "the Lua of GILUA_LUA")
        library = _first(ctx, [root + "/lib/liblua.a"], "the Lua of GILUA_LUA")
    else:
        headers = _first(ctx, ["/usr/include/lua5.4"], "liblua5.4-dev")
        arch = ctx.execute(["gcc", "-print-multiarch"]).stdout.strip()
        library = _first(ctx, ["/usr/lib/%s/liblua5.4.a" % arch, "/usr/lib/liblua5.4.a"], "liblua5.4-dev")
    for name in ["lua.h", "luaconf.h", "lualib.h", "lauxlib.h"]:
        ctx.symlink(headers + "/" + name, "include/" + name)
    deb = "/usr/include/%s/lua5.4-deb-multiarch.h" % ctx.execute(["gcc", "-print-multiarch"]).stdout.strip()
    if ctx.path(deb).exists:
        ctx.symlink(deb, "include/lua5.4-deb-multiarch.h")
    ctx.symlink(library, "liblua.a")
    ctx.file("BUILD", _BUILD)

lua_repository = repository_rule(
    implementation = _lua_repository,
    environ = ["GILUA_LUA"],
    local = True,
)
