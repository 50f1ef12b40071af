"""The repositories that gilua needs, for WORKSPACE; nothing of them is fetched. MODULE.bazel names the same."""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")
load("//third_party/lua:lua.bzl", "lua_repository")

def gilua_repositories(path = "."):
    """Declares them; path is the folder of gilua, from that of the workspace."""

    # Bazel 4.2 would fetch these four on first use; the packages of the distribution, or a shim, stand in for them.
    for name, at in {
        "remote_coverage_tools": path + "/third_party/coverage_tools",
        "rules_cc": path + "/third_party/rules_cc",
        "rules_java": "/usr/share/bazel/rules/java",
        "rules_proto": "/usr/share/bazel/rules/proto",
    }.items():
        maybe(native.local_repository, name = name, path = at)

    # The distribution's Lua, or the one that GILUA_LUA or GILUA_LUA55 names (--repo_env): with assertions, with sanitizers.
    maybe(lua_repository, name = "lua")
    maybe(
        native.new_local_repository,
        name = "criterion",
        build_file = "@gilua//third_party/criterion:criterion.BUILD",
        path = "/usr",
    )
