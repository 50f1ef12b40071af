"""cc_archive: libraries and all that they depend on, but for Lua's, as one object in a static library."""

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
        inputs = archives + [ctx.file.exports],
        outputs = [ctx.outputs.out],
        arguments = [ctx.outputs.out.path, ctx.file.exports.path] + [a.path for a in archives],
        # one object, in which all but the exported names are local: the host's names are its own
        command = """set -eu
out=$1 exports=$2; shift 2
ld -r --whole-archive "$@" -o "$out.o"
objcopy --wildcard --keep-global-symbols="$exports" "$out.o"
rm -f "$out"
ar rcs "$out" "$out.o"
rm "$out.o"
""",
    )
    return [DefaultInfo(files = depset([ctx.outputs.out]), runfiles = ctx.runfiles([ctx.outputs.out]))]

cc_archive = rule(
    implementation = _cc_archive_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "exports": attr.label(
            allow_single_file = True,
            mandatory = True,
            doc = "the names that stay global, one a line; * and ? are wildcards",
        ),
        "out": attr.output(mandatory = True),
    },
)
