import threading
done = threading.Event()
def f():
    threading.main_thread().join()
    print("after the script")
threading.Thread(target=f).start()
print("end of the script")
