import multiprocessing, os, time
def slow():
    while not os.path.exists("script.py.ended"): time.sleep(0.01)
    print("child", flush=True)
def never():
    time.sleep(1000)
if __name__ == "__main__":
    multiprocessing.Process(target=slow).start()
    multiprocessing.Process(target=never, daemon=True).start()
    print("end of the script", flush=True)
    open("script.py.ended", "w").close()
