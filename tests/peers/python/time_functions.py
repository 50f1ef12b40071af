import time
a = time.monotonic()
time.sleep(0.01)
print(time.monotonic() - a >= 0.01, time.time() > 1e9, type(time.time_ns()).__name__, type(time.time()).__name__)
try:
    time.sleep(-1)
except ValueError:
    print("negative")
time.sleep(0)
