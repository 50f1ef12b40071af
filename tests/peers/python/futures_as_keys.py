from concurrent.futures import ThreadPoolExecutor, as_completed
pages = {"one": 100, "two": 200, "none": None, "four": 400}
def load(name, timeout):
    if pages[name] is None: raise ValueError("no page")
    return pages[name]
with ThreadPoolExecutor(max_workers=5) as executor:
    name_of = {executor.submit(load, name, 60): name for name in pages}
    lines = []
    for future in as_completed(name_of):
        name = name_of[future]
        try:
            size = future.result()
        except Exception as e:
            lines.append("%s raised" % name)
        else:
            lines.append("%s has %d" % (name, size))
for line in sorted(lines): print(line)
