local multiprocessing = require "gilua.multiprocessing"
print(multiprocessing.cpu_count() >= 1, math.type(multiprocessing.cpu_count()) == "integer")
