"""The official tests of Lua, which are not part of this repository: a flag that says where they are, and a test that runs them."""

SuiteInfo = provider("Where the tests are.", fields = ["path"])

def _path_impl(ctx):
    return [SuiteInfo(path = ctx.build_setting_value)]

suite_path = rule(_path_impl, build_setting = config.string(flag = True))

def _test_impl(ctx):
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    words = [ctx.executable.runner.short_path, ctx.executable.gilua.short_path, ctx.attr.path[SuiteInfo].path]
    quoted = ["'" + word.replace("'", "'\\''") + "'" for word in words]
    ctx.actions.write(script, "#!/bin/bash\nexec " + " ".join(quoted) + "\n", is_executable = True)
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles([ctx.executable.runner, ctx.executable.gilua]))]

lua_suite_test = rule(
    _test_impl,
    attrs = {
        "gilua": attr.label(executable = True, cfg = "target"),
        "path": attr.label(providers = [SuiteInfo]),
        "runner": attr.label(executable = True, cfg = "target", allow_single_file = True),
    },
    test = True,
)
