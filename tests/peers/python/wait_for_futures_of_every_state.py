from concurrent.futures import Future, wait, FIRST_COMPLETED, FIRST_EXCEPTION
done, failed, cancelled, pending = Future(), Future(), Future(), Future()
done.set_result(1)
failed.set_exception(ValueError())
cancelled.cancel()
cancelled.set_running_or_notify_cancel()
d, n = wait([done, failed, cancelled, pending], timeout=0)
print(len(d), len(n), pending in n)
d, n = wait([pending, done], return_when=FIRST_COMPLETED)
print(done in d, len(n))
d, n = wait([pending, done, failed], return_when=FIRST_EXCEPTION)
print(failed in d, done in d, len(n))
d, n = wait([done, done])
print(len(d), len(n))
try:
    wait([done, pending], return_when="SOME")
except ValueError:
    print("which?")
