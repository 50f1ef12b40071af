"""Programs that lua5.4 and gilua run with the same output."""

def compare_test(name, program, args = [], data = [], tags = [], size = "medium"):
    """The program, once. What it reads stands in its folder."""
    native.sh_test(
        name = name,
        size = size,
        srcs = ["compare.sh"],
        args = ["$(location //interp:gilua)", "$(location %s)" % program] + args,
        data = [program, "common.lua", "//interp:gilua"] + data,
        tags = ["no-hostile"] + tags,
    )

def random_tests(name, program, steps, seeds = 4, tags = []):
    """One target a seed."""
    for seed in range(1, seeds + 1):
        compare_test("%s_%d_test" % (name, seed), program, [str(seed), str(steps)], tags = tags)
