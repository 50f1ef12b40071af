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

def gilua_explore_test(name, src, data = [], args = [], runs = 1000, strategy = "random", depth = 3, seed = 1, races = False, **kwargs):
    """A test that is a Lua script run in many orders of its threads: it passes if it ends with status 0 in each.

    Modules are found as by gilua_test.

    Args:
      name: of the test
      src: the script
      data: what it reads, modules among it
      args: what it gets as its arguments
      runs: how many orders are tried
      strategy: how they are chosen: random, pct, pos or all
      depth: of pct and all
      seed: of the search; the same finds the same
      races: whether accesses that nothing orders are a failure
      **kwargs: what every test takes: size, tags …
    """
    gilua = str(Label("//interp:gilua"))
    options = ["explore", "--runs=%d" % runs, "--strategy=" + strategy, "--depth=%d" % depth, "--seed=%d" % seed]
    if races:
        options.append("--races")
    native.sh_test(
        name = name,
        srcs = [str(Label("//tools/share:gilua_test.sh"))],
        args = ["$(rootpath %s)" % gilua, "--with", "'%s'" % " ".join(options), "$(rootpath %s)" % src] + args,
        data = [gilua, src] + data,
        **kwargs
    )
