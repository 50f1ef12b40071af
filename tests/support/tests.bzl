"""How tests are declared: one file, one target."""

def lua_test(name, src, size = "medium", data = [], args = [], tags = [], program = "//interp:gilua"):
    """A Lua script run by the gilua program, or another one; it uses tests/lua/testing.lua."""
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tests/support:lua_test.sh"],
        args = ["$(location %s)" % program, "$(location %s)" % src] + args,
        data = [program, "//tests/lua:testing.lua", src] + data,
        tags = tags,
    )

def unit_test(name, src, deps, size = "small", tags = []):
    """A file of Criterion tests. Each test runs in a process of its own; results are printed as TAP.

    One at a time: Criterion names its socket in /tmp by its process id, and in two sandboxes that id is the same.
    """
    native.cc_test(
        name = name,
        size = size,
        srcs = [src],
        args = ["--tap", "-j2"],
        linkstatic = True,
        tags = tags + ["exclusive", "no-tsan"],
        deps = deps + ["@criterion"],
    )

def stress_test(name, src, deps, size = "medium", tags = [], args = [], copts = []):
    """A stress program with a plain main, so that every sanitizer can run it; it prints its seed."""
    native.cc_test(
        name = name,
        size = size,
        srcs = [src],
        copts = copts,
        args = args,
        linkstatic = True,
        tags = tags,
        deps = deps + ["//tests/support:stress"],
    )

def broken_model_test(name, src, fault, deps = [], copts = []):
    """A model with a fault built in: its program must fail."""
    native.cc_binary(
        name = name + "_model",
        testonly = True,
        srcs = [src],
        copts = copts + ["-D" + fault],
        deps = deps,
    )
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["//tests/support:must_fail.sh"],
        args = ["$(location :%s_model)" % name],
        data = [":%s_model" % name],
    )
