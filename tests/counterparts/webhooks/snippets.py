"""Does what receivers copy from the guide work? Takes the lines from docs/webhooks/receiving.md, language by language, and has them verify
the requests of crates/webhooks/tests/vectors/outbound.json as they are (they must hold), changed, too late and incomplete (they must not).

    python3 snippets.py [LANGUAGE…]

A language of which there is no interpreter here is left out, with a word. The one change made to the lines: they ask the test
for the time.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
GUIDE = ROOT / "docs/webhooks/receiving.md"
VECTORS = ROOT / "crates/webhooks/tests/vectors/outbound.json"

# How a function begins, by what it verifies; how the time is asked for, and how the test is; what runs the lines, and how.
LANGUAGES = {
    "python": {
        "begins": {"v1": "def verify("},
        "clock": ("time.time()", "now()"),
        "file": "{}.py",
        "run": ["python3", "harness.py"],
        "harness": """
import builtins, json
case = None
builtins.now = lambda: case["at"]
from v1 import verify
def holds():
    try:
        return verify(case["key"], case["headers"], case["body"].encode())
    except Exception:
        return False
said = []
for case in json.load(open("cases.json")):
    said.append(holds())
print(json.dumps(said))
""",
    },
    "javascript": {
        "begins": {"v1": "export function verify(", "v1a": "export function verifyV1a("},
        "clock": ("Date.now()", "(now() * 1000)"),
        "file": "{}.mjs",
        "run": ["node", "harness.mjs"],
        "harness": """
import { readFileSync } from 'node:fs';
import { verify } from './v1.mjs';
import { verifyV1a } from './v1a.mjs';
const said = JSON.parse(readFileSync('cases.json', 'utf8')).map(({ kind, key, headers, body, at }) => {
  globalThis.now = () => at;
  try {
    return (kind === 'v1' ? verify : verifyV1a)(key, headers, Buffer.from(body));
  } catch {
    return false;
  }
});
console.log(JSON.stringify(said));
""",
    },
    "go": {
        "begins": {"v1": "func verify(", "v1a": "func verifyV1a("},
        "clock": ("time.Now()", "time.Unix(at, 0)"),
        "file": "{}.go",
        "before": "package main\n\n",
        "run": ["go", "run", "harness.go", "v1.go", "v1a.go"],
        "harness": """
package main

import (
	"encoding/json"
	"net/http"
	"os"
)

var at int64

func main() {
	var cases []struct {
		Kind, Key, Body string
		Headers         map[string]string
		At              int64
	}
	text, _ := os.ReadFile("cases.json")
	if err := json.Unmarshal(text, &cases); err != nil {
		panic(err)
	}
	said := []bool{}
	for _, one := range cases {
		at = one.At
		headers := http.Header{}
		for name, value := range one.Headers {
			headers.Set(name, value)
		}
		check := verify
		if one.Kind == "v1a" {
			check = verifyV1a
		}
		said = append(said, check(one.Key, headers, []byte(one.Body)))
	}
	json.NewEncoder(os.Stdout).Encode(said)
}
""",
    },
    "php": {
        "begins": {"v1": "function verify("},
        "clock": ("time()", "now()"),
        "file": "{}.php",
        "before": "<?php\n",
        "run": ["php", "harness.php"],
        "harness": """<?php
set_error_handler(function ($level, $words) { throw new ErrorException($words); });
function now() { return $GLOBALS['case']['at']; }
require 'v1.php';
$said = [];
foreach (json_decode(file_get_contents('cases.json'), true) as $case) {
    try {
        $said[] = verify($case['key'], $case['headers'], $case['body']);
    } catch (Throwable $thrown) {
        $said[] = false;
    }
}
echo json_encode($said);
""",
    },
}


def snippet(language, begins):
    """The lines of the guide in which this function stands, and those of the function."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    found = [block for block in blocks if begins in block]
    assert len(found) == 1, f"{GUIDE} has {len(found)} blocks of {language} with {begins!r}"
    function = found[0][found[0].index(begins) :].strip().splitlines()
    inside = [line for line in function[1:] if line.strip() not in ("", "}")]
    assert len(inside) <= 10, f"{begins!r} of {language} has {len(inside)} lines"
    return found[0]


def cases():
    """Each vector by each of its keys, and what must not hold."""
    for vector in json.loads(VECTORS.read_text()):
        at = vector["timestamp"]
        headers = {
            "webhook-id": vector["id"],
            "webhook-timestamp": str(at),
            "webhook-signature": vector["signature"],
        }
        secrets = [key for key in [vector["secret"], *vector.get("retired", [])] if key.startswith("whsec_")]
        for kind, key in [("v1", key) for key in secrets] + [("v1a", key) for key in vector.get("public_keys", [])]:
            case = {"kind": kind, "key": key, "headers": headers, "body": vector["body"], "at": at}

            def other(what, holds=False, **changes):
                name = f"{vector['name']}, {kind}, {what}"
                return {**case, **changes, "name": name, "holds": holds}

            prefix = {"v1": "whsec_", "v1a": "whpk_"}[kind]
            # The point of a pair that nobody signs with here: RFC 8032, section 7.1, test 1.
            raw = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
            yield other("as it is", holds=True)
            yield other("near its end", holds=True, at=at + 299)
            yield other("too late", at=at + 301)
            yield other("too early", at=at - 301)
            yield other("another body", body=vector["body"] + " ")
            yield other("another key", key=prefix + base64.b64encode(raw).decode())
            turned = re.sub(r",(.)", lambda found: ",B" if found[1] == "A" else ",A", vector["signature"])
            yield other("another id", headers={**headers, "webhook-id": vector["id"] + "0"})
            yield other("another time", headers={**headers, "webhook-timestamp": str(at + 1)})
            yield other("another signature", headers={**headers, "webhook-signature": turned})
            for name in headers:
                yield other(f"no {name}", headers={one: headers[one] for one in headers if one != name})
            bare = " ".join(one.split(",")[1] for one in vector["signature"].split(" "))
            yield other("no scheme", headers={**headers, "webhook-signature": bare})


def attempt(language):
    how = LANGUAGES[language]
    mine = [case for case in cases() if case["kind"] in how["begins"]]
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        for kind, begins in how["begins"].items():
            text = snippet(language, begins)
            theirs, ours = how["clock"]
            assert text.count(theirs) == 1, f"{begins!r} of {language} does not ask for the time by {theirs}"
            (place / how["file"].format(kind)).write_text(how.get("before", "") + text.replace(theirs, ours))
        (place / how["file"].format("harness")).write_text(how["harness"].lstrip())
        (place / "cases.json").write_text(json.dumps(mine))
        environment = {**os.environ, "GO111MODULE": "off"}
        said = subprocess.run(how["run"], cwd=place, env=environment, capture_output=True, text=True, timeout=300)
        assert said.returncode == 0, f"{language} broke off: {said.stdout}{said.stderr}"
        verdicts = json.loads(said.stdout)
    assert len(verdicts) == len(mine), f"{language} has no verdict on some"
    for case, verdict in zip(mine, verdicts):
        assert verdict is case["holds"], f"{language} says {verdict}: {case['name']}"
    held = sum(case["holds"] for case in mine)
    print(f"{language}: accepts {held} requests and refuses {len(mine) - held}")


for language in sys.argv[1:] or LANGUAGES:
    for begins in LANGUAGES[language]["begins"].values():
        snippet(language, begins)
    if shutil.which(LANGUAGES[language]["run"][0]):
        attempt(language)
    else:
        print(f"{language}: left out, there is no {LANGUAGES[language]['run'][0]}")
