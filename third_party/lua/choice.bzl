"""The flag that says which Lua is linked."""

_KNOWN = ["5.4", "5.5"]

def _lua_choice_impl(ctx):
    if ctx.build_setting_value not in _KNOWN:
        fail("there is no Lua %s for gilua; use one of --//:lua=%s" % (ctx.build_setting_value, ", ".join(_KNOWN)))
    return []

lua_choice = rule(
    implementation = _lua_choice_impl,
    build_setting = config.string(flag = True),
)
