import signal, threading
where = None
def handler(number, frame):
    global where
    where = threading.current_thread() is threading.main_thread()
signal.signal(signal.SIGUSR1, handler)
def change():
    try:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    except ValueError:
        print(False)
t = threading.Thread(target=change)
t.start()
t.join()
t = threading.Thread(target=signal.raise_signal, args=(signal.SIGUSR1,))
t.start()
t.join()
print(where)
