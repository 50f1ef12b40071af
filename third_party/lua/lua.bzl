"""The Lua to build against: headers, the static library for programs, nothing for modules."""

# Both versions are there: 5.4 in the package at the top, 5.5 in one of its own. The flag //:lua chooses.
_CHOICE = """
[alias(
    name = name,
    visibility = ["//visibility:public"],
    actual = select({
        "@gilua//:lua5.5": "//5.5:%s_of_lua" % name,
        "//conditions:default": "%s:%s_of_lua" % (LUA54, name),
    }),
) for name in ["headers", "program", "include_files"]]
"""

_BUILD = """
package(default_visibility = ["//visibility:public"])

# Headers only: what is linked into a program that has Lua already.
cc_library(
    name = "headers_of_lua",
    hdrs = glob(["include/*.h"]),
    includes = ["include"],
)

# All of Lua, every function exported by the program that links it, so that C modules find them there.
cc_library(
    name = "program_of_lua",
    srcs = ["liblua.a"],
    alwayslink = 1,
    linkopts = ["-Wl,-E", "-lm", "-ldl"],
    deps = [":headers_of_lua"],
)

filegroup(
    name = "include_files_of_lua",
    srcs = glob(["include/*.h"]),
)
"""

# In place of a version that is not here; read when it is asked for, as the other may be all that is wanted.
_MISSING = """
fail("Lua %s is missing: %s")
"""

_ADVICE = {
    "5.4": "run tools/setup, which installs liblua5.4-dev (looked for %s)",
    "5.5": "install liblua5.5-dev, or build it by tools/lua-variant plain testing 5.5 and name its folder by " +
           "--repo_env=GILUA_LUA55, as LUA=5.5 tools/run does (looked for %s)",
}

def _first(ctx, paths):
    for path in paths:
        if ctx.path(path).exists:
            return path
    return None

# Fills the package of one version; returns its BUILD file, or the one that tells what is missing, and whether it is there.
def _lua(ctx, version, package, variable, multiarch):
    root = ctx.os.environ.get(variable, "")
    name = "lua" + version
    headers = root + "/include" if root else "/usr/include/" + name
    libraries = [root + "/lib/liblua.a"] if root else [
        "/usr/lib/%s/lib%s.a" % (multiarch, name),
        "/usr/lib/lib%s.a" % name,
    ]
    library = _first(ctx, libraries)
    if library == None or not ctx.path(headers + "/lua.h").exists:
        return _MISSING % (version, _ADVICE[version] % ", ".join([headers + "/lua.h"] + libraries)), False
    for header in ["lua.h", "luaconf.h", "lualib.h", "lauxlib.h"]:
        ctx.symlink(headers + "/" + header, "%sinclude/%s" % (package, header))
    deb = "/usr/include/%s/%s-deb-multiarch.h" % (multiarch, name)
    if ctx.path(deb).exists:
        ctx.symlink(deb, "%sinclude/%s-deb-multiarch.h" % (package, name))
    ctx.symlink(library, package + "liblua.a")
    return _BUILD, True

def _lua_repository(ctx):
    multiarch = ctx.execute(["gcc", "-print-multiarch"]).stdout.strip()
    build, found = _lua(ctx, "5.4", "", "GILUA_LUA", multiarch)
    if not found:
        ctx.file("5.4/BUILD", build)
    ctx.file("BUILD", (build if found else "") + _CHOICE.replace("LUA54", '""' if found else '"//5.4"'))
    build, found = _lua(ctx, "5.5", "5.5/", "GILUA_LUA55", multiarch)
    ctx.file("5.5/BUILD", build)

lua_repository = repository_rule(
    implementation = _lua_repository,
    environ = ["GILUA_LUA", "GILUA_LUA55"],
    local = True,
)
