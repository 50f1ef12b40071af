"""gilua_bind: a Lua module from annotated C prototypes (docs/bind.md)."""

def gilua_bind(name, src, module = None, linkopts = [], testonly = False, visibility = None):
    """Makes MODULE.so, a native module for Lua, from a file of prototypes.

    Args:
      name: of the target that holds the module.
      src: the file of prototypes.
      module: the module's name; that of the target by default. luaopen_MODULE is what the file's "module" says.
      linkopts: the library that is bound, such as ["-lz"].
      testonly: as in every rule.
      visibility: as in every rule.
    """
    module = module or name
    native.genrule(
        name = name + "_source",
        srcs = [
            src,
            "//interp:gilua",  # no tool: it runs in this build anyway, and needs its options
        ],
        outs = [name + "_bind.c"],
        cmd = "$(location //interp:gilua) bind $(location %s) -o $@" % src,
        testonly = testonly,
    )
    native.cc_binary(
        name = module + ".so",
        srcs = [name + "_bind.c"],
        copts = ["-Wno-unused-function"],
        linkopts = linkopts,
        linkshared = True,
        testonly = testonly,
        visibility = visibility,
        deps = ["//interp:public_headers"],
    )
    native.filegroup(
        name = name,
        srcs = [module + ".so"],
        testonly = testonly,
        visibility = visibility,
    )
