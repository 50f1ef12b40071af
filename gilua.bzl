"""For workspaces that depend on gilua; examples/consumer is one."""

def gilua_test(name, src, data = [], args = [], **kwargs):
    """A test that is a Lua script: the gilua program runs it, and it passes if that ends with status 0.

    Modules are found beside the script and from the top of the workspace.

    Args:
      name: of the test
      src: the script
      data: what it reads, modules among it
      args: what it gets as its arguments
      **kwargs: what every test takes: size, tags …
    """
    gilua = str(Label("//interp:gilua"))
    native.sh_test(
        name = name,
        srcs = [str(Label("//tools/share:gilua_test.sh"))],
        args = ["$(rootpath %s)" % gilua, "$(rootpath %s)" % src] + args,
        data = [gilua, src] + data,
        **kwargs
    )
