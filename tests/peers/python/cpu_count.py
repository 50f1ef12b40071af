import multiprocessing, os
print(multiprocessing.cpu_count() >= 1, len(os.sched_getaffinity(0)) >= 1)
