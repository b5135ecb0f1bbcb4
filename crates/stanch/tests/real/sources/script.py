# Threads, JSON and a child process: what a Python script does.
import json
import subprocess
import sys
import threading


def work(count):
    return sum(len(json.dumps({"k": [i, {"a": str(i), "b": [None, 1.5, True]}]})) for i in range(count))


results = [0] * 6


def fill(index):
    results[index] = work(500 + index)


threads = [threading.Thread(target=fill, args=(index,)) for index in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(results)
print(subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True).stdout, end="")
with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cat:
    print(cat.communicate("through cat\n")[0], end="")
print(len(json.loads(json.dumps(list(range(5000))))), file=sys.stderr)
sys.exit(3)
