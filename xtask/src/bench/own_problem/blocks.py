"""The program of a user whose network is a row of blocks: each objective is a sum over them. Its table has
the columns decision and choice and one for each objective; the rows without a decision hold for all."""

import csv
import json
import sys

with open(sys.argv[1], newline="") as file:
    of_block = {(row.pop("decision"), row.pop("choice")): row for row in csv.DictReader(file)}
for line in sys.stdin:
    asked = json.loads(line)
    blocks = [of_block["", ""], *(of_block[block] for block in asked["choices"].items())]
    values = {name: sum(float(block[name]) for block in blocks) for name in blocks[0]}
    print(json.dumps({"id": asked["id"], **values}), flush=True)
