"""Unpacks the members of a wheel that start with one of some prefixes.

Arguments: the wheel, the target folder, then PREFIX=PATH for each prefix; the path takes the
prefix's place in the member's name.
"""

import pathlib
import shutil
import sys
import zipfile

wheel, target, *rules = sys.argv[1:]
rules = [rule.split("=") for rule in rules]
found = set()
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        for prefix, path in rules:
            if member.filename.startswith(prefix) and not member.is_dir():
                found.add(prefix)
                file = pathlib.Path(target, path + member.filename[len(prefix):])
                file.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, open(file, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
missing = [prefix for prefix, _ in rules if prefix not in found]
if missing:
    sys.exit("no member starts with " + ", ".join(missing))
