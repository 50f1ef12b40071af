"""The libraries of the distribution, for MODULE.bazel; WORKSPACE names the same."""

load("@bazel_tools//tools/build_defs/repo:local.bzl", "new_local_repository")
load("//third_party/lua:lua.bzl", "lua_repository")

def _system(_ctx):
    lua_repository(name = "lua")
    new_local_repository(
        name = "criterion",
        build_file = "//third_party/criterion:criterion.BUILD",
        path = "/usr",
    )

system = module_extension(implementation = _system)
