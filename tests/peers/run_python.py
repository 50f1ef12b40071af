"""run_python.py FOLDER OUT [NAME…]: runs NAME.py of the folder, by default all, each in a fork of this process that has
imported what they use: starting CPython for each takes longer than most of them do. OUT/NAME gets what one writes, and its
status."""
import concurrent.futures.process, concurrent.futures.thread, ctypes, logging, multiprocessing, multiprocessing.pool, multiprocessing.sharedctypes
import glob, os, queue, signal, sys, threading, time

folder, out, names = sys.argv[1], sys.argv[2], sys.argv[3:]
if not names: names = sorted(os.path.basename(path)[:-3] for path in glob.glob(folder + "/*.py"))


def become(name):
    """In the child: from here on this is NAME.py, which ends as a program ends."""
    signal.alarm(300)
    fd = os.open(os.path.join(out, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    path = os.path.join(folder, name + ".py")
    multiprocessing.set_start_method("fork")  # as gilua; newer ones begin with another
    threading.main_thread()._set_native_id()  # which CPython forgets after a fork
    sys.argv = [path]
    with open(path) as file: code = compile(file.read(), path, "exec")
    exec(code, sys.modules["__main__"].__dict__)


for name in names:
    pid = os.fork()
    if pid == 0:
        become(name)
        break
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with open(os.path.join(out, name), "a") as file: file.write("status %d\n" % status)
