"""Instructions of a benchmark, counted by callgrind: what a busy machine does not change.
usage: instructions.py SMALL LARGE COMMAND…   what COMMAND… LARGE costs more than COMMAND… SMALL: the start does not count"""
import json
import re
import subprocess
import sys

small, large, command = sys.argv[1], sys.argv[2], sys.argv[3:]


def count(size):
    out = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"] + command + [size],
                         capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", out.stderr).group(1))


print(json.dumps({"bench": "instructions", "millions": (count(large) - count(small)) / 1e6}))
