"""Encode and decode a list of N records or integers.
usage: pickle_bench.py [N] [records|records_keyed|ints] [dumps|loads]"""
import pickle

from common import args, emit, now

n, kind, op = args(100000, "records", "dumps")
if kind == "ints":
    data = list(range(1, n + 1))
elif kind == "records_keyed":
    data = [{"id": i, "x": i * 0.5, "name": "name%012d" % i} for i in range(1, n + 1)]
else:
    data = [(i, i * 0.5, "name%012d" % i) for i in range(1, n + 1)]
encoded = pickle.dumps(data, pickle.HIGHEST_PROTOCOL)
times = []
for _ in range(5):
    start = now()
    out = pickle.dumps(data, pickle.HIGHEST_PROTOCOL) if op == "dumps" else pickle.loads(encoded)
    times.append(now() - start)
    del out
times.sort()
emit("pickle.%s.%s" % (kind, op), n, times[2], best_seconds=round(times[0], 6), encoded_bytes=len(encoded))
