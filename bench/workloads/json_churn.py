"""Python's json module over documents of some hundred kilobytes. Usage: json_churn.py ROUNDS"""

import json
import sys


def main():
    document = {f"key {i}": [i, str(i) * 3, {"half": i / 2, "names": [f"n{j}" for j in range(i % 7)]}] for i in range(4000)}
    text = json.dumps(document)
    for _ in range(int(sys.argv[1])):
        text = json.dumps(json.loads(text))
    return 0 if json.loads(text) == document else 1


sys.exit(main())
