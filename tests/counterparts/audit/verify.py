#!/usr/bin/env python3
"""Does an exported audit hold? Written from docs/identity/audit.md alone, with nothing but the standard library.

    verify.py FILE [HEAD]

Exit code 0: it holds. 1: it does not, and the line is named. 2: it cannot be read.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from hashlib import sha256

GENESIS = bytes(32)
PARTS = ("address", "before", "after")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def field(value):
    return b"\xff" * 8 if value is None else len(value).to_bytes(8, "big") + value


def digest(*fields):
    return sha256(b"".join(map(field, fields))).digest()


def commitment(name, part):
    if part is None:
        return None
    if "erased" in part:
        return bytes.fromhex(part["erased"])
    salt = bytes.fromhex(part.get("salt", ""))
    return digest(b"signalbox-audit-part", name.encode(), salt, part["text"].encode())


def head_fields(row, previous):
    at = (datetime.fromisoformat(row["at"].replace("Z", "+00:00")) - EPOCH) // timedelta(milliseconds=1)
    names = ("actor", "action", "subject", "request_id")
    return [previous, row["tenant_id"].encode(), str(row["sequence"]).encode(), row["id"].encode(), str(at).encode()] + [
        row[name].encode() for name in names
    ]


def committed(row, previous):
    return digest(b"signalbox-audit-2", *head_fields(row, previous), *(commitment(name, row[name]) for name in PARTS))


def plain(row, previous):
    texts = [None if row[name] is None else row[name]["text"].encode() for name in PARTS]
    return digest(b"signalbox-audit-1", *head_fields(row, previous), *texts)


def covers(rows):
    """What rows say was erased, by (their place, the erased row's place); and where the chain was cut."""
    erased, cuts = {}, set()
    for row in rows:
        if row["action"] == "audit.erased" and row["after"] and "text" in row["after"]:
            for said in json.loads(row["after"]["text"])["rows"]:
                if said[0] < row["sequence"]:
                    erased[row["sequence"], said[0]] = (said[1].split(" "), said[2] if len(said) > 2 else None)
        if row["action"] == "audit.retention" and row["after"] and "text" in row["after"]:
            said = json.loads(row["after"]["text"])
            cuts.add((said["removed_to"], said["hash"]))
    return erased, cuts


def fault(row, previous, erased):
    gone = [name for name in PARTS if row[name] and "erased" in row[name]]
    parts, named = erased.get((row["erased_by"], row["sequence"]), ((), None))
    if any(name not in parts for name in gone):
        return "something was erased, and no row says so"
    if row["format"] == 1 and gone:
        holds = named == committed(row, previous).hex()
    else:
        made = committed(row, previous) if row["format"] == 2 else plain(row, previous)
        holds = made.hex() == row["hash"]
    return None if holds else "the hash does not follow"


def main(path, head=None):
    try:
        with open(path, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        erased, cuts = covers(rows)
        previous, last = None, None
        for number, row in enumerate(rows, 1):
            if last is None:
                first = row["sequence"] - 1
                if not (row["previous"] == GENESIS.hex() if first == 0 else (first, row["previous"]) in cuts):
                    return 1, f"line {number}: the chain begins in its middle"
                previous = bytes.fromhex(row["previous"])
            elif row["sequence"] != last + 1:
                return 1, f"line {number}: row {last + 1} should stand here"
            if row["previous"] != previous.hex() or row["tenant_id"] != rows[0]["tenant_id"]:
                return 1, f"line {number}: it does not follow the row before it"
            what = fault(row, previous, erased)
            if what:
                return 1, f"line {number}: {what}"
            previous, last = bytes.fromhex(row["hash"]), row["sequence"]
        if head and all(row["hash"] != head for row in rows):
            return 1, f"line {len(rows)}: no row has the hash of the head"
        return 0, f"{len(rows)} rows hold"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return 2, f"cannot be read: {error}"


if __name__ == "__main__":
    code, said = main(*sys.argv[1:3])
    print(said)
    sys.exit(code)
