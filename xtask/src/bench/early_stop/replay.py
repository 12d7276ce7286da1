"""The program of a user who trains networks: replays their learning curves, step by step."""

import csv
import json
import sys

with open(sys.argv[1], newline="") as file:
    rows = csv.reader(line for line in file if not line.startswith("#"))
    next(rows)
    curves = {arch: (int(macs), [float(value) for value in curve]) for arch, macs, *curve in rows}
for line in sys.stdin:
    asked = json.loads(line)
    if "stop" in asked:
        continue
    macs, curve = curves[asked["arch"]]
    for step, accuracy in enumerate(curve[: asked["steps"]], 1):
        answer = {"id": asked["id"], "step": step, "accuracy_percent": accuracy, "macs": macs}
        print(json.dumps(answer), flush=True)
