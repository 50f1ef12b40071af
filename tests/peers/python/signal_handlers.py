import os, signal
calls = []
def note(number, frame): calls.append(signal.Signals(number).name)
print(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL)
print(signal.signal(signal.SIGUSR1, note) == signal.SIG_DFL, signal.getsignal(signal.SIGUSR1) == note)
signal.signal(signal.SIGTERM, note)
signal.raise_signal(signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGTERM)
print(*calls)
print(signal.signal(signal.SIGUSR1, signal.SIG_IGN) == note)
signal.raise_signal(signal.SIGUSR1)
print(len(calls), signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN)
try:
    signal.signal(signal.SIGKILL, note)
except OSError:
    print(False)
try:
    os.kill(0x7ffffffe, 0)
except ProcessLookupError:
    print(True)
