"""cc_archive: the objects of libraries and of all that they depend on, but for Lua's, in one static library."""

def _objects(deps):
    archives = []
    for dep in deps:
        for input in dep[CcInfo].linking_context.linker_inputs.to_list():
            if input.owner.workspace_name == "lua":
                continue
            for library in input.libraries:
                archive = library.pic_static_library or library.static_library
                if archive:
                    archives.append(archive)
    return archives

def _cc_archive_impl(ctx):
    archives = _objects(ctx.attr.deps)
    ctx.actions.run_shell(
        inputs = archives,
        outputs = [ctx.outputs.out],
        arguments = [ctx.outputs.out.path] + [a.path for a in archives],
        # ar reads a script; members of one name from two folders are both kept
        command = """set -eu
out=$1; shift
rm -f "$out"
{ echo "CREATE $out"; for a; do echo "ADDLIB $a"; done; echo SAVE; echo END; } | ar -M
ranlib "$out"
""",
    )
    return [DefaultInfo(files = depset([ctx.outputs.out]), runfiles = ctx.runfiles([ctx.outputs.out]))]

cc_archive = rule(
    implementation = _cc_archive_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "out": attr.output(mandatory = True),
    },
)
