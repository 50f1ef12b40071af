from concurrent.futures import Future, ThreadPoolExecutor, CancelledError, TimeoutError
class Mine(Exception): pass
mine = Mine()
def fails(): raise mine
with ThreadPoolExecutor(1) as pool:
    f, g = pool.submit(fails), pool.submit(int)
    print(f.exception() is mine, g.exception())
    try:
        f.result()
    except Mine as e:
        print(e is mine)
p = Future()
for call in p.result, p.exception:
    try:
        call(timeout=0.01)
    except TimeoutError:
        print("timeout")
p.cancel()
for call in p.result, p.exception:
    try:
        call()
    except CancelledError:
        print("cancelled")
