"""Times moocore.hypervolume. Reads lines `dimension reference path`, path being a file of
little-endian f64, row-major; answers each with `seconds value` for one call."""

import gc
import sys
import time

import moocore
import numpy as np

loaded = None
gc.disable()
for line in sys.stdin:
    dimension, reference, path = line.rstrip("\n").split(" ", 2)
    if path != loaded:
        points = np.fromfile(path, dtype="<f8").astype(np.float64, copy=False)
        points = np.ascontiguousarray(points.reshape(-1, int(dimension)))
        ref = np.full(int(dimension), float(reference))
        loaded = path
    start = time.perf_counter()
    value = moocore.hypervolume(points, ref=ref)
    seconds = time.perf_counter() - start
    print(repr(seconds), repr(float(value)), flush=True)
