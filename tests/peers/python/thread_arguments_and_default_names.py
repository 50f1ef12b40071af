import threading
def f(*a): print(len(a), *a)
t = threading.Thread(target=f, args=(1, "two", None))
t.start()
t.join()
t = threading.Thread(target=f)
t.start()
t.join()
print(t.name.startswith("Thread-"), t.daemon)
class Mine(threading.Thread):
    def run(self): print("run of", self.name)
t = Mine(name="mine")
t.start()
t.join()
