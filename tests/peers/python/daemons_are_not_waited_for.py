import threading
begun = threading.Event()
def f():
    begun.set()
    threading.Event().wait()
    print("never")
threading.Thread(target=f, daemon=True).start()
begun.wait()
print("end of the script")
