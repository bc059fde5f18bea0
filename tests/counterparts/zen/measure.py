"""How many events can zen-engine be asked about in a second? Speaks as tests/speed does: the verdicts first, then, for each line
"evaluation" that comes, nanoseconds an event by case.

Its fastest way is an expression that was compiled once. A call from Python turns the payload into its own values first: what that takes
is measured by an expression that is but "true".
"""

import json
import sys
import time
from pathlib import Path

import zen

SPAN = 200_000_000
CASES = json.loads((Path(__file__).parents[2] / "speed" / "cases.json").read_text())
PAYLOADS = CASES["payloads"]
TEXTS = [json.dumps(payload) for payload in PAYLOADS]


def decision():
    """The rule as people draw it: one node that puts the expression's value under a name."""
    node = {"id": "rule", "type": "expressionNode", "name": "rule",
            "content": {"expressions": [{"id": "holds", "key": "holds", "value": CASES["zen"]}]}}
    ends = [{"id": "in", "type": "inputNode", "name": "in"}, {"id": "out", "type": "outputNode", "name": "out"}]
    edges = [{"id": "a", "type": "edge", "sourceId": "in", "targetId": "rule"},
             {"id": "b", "type": "edge", "sourceId": "rule", "targetId": "out"}]
    return zen.ZenEngine().create_decision(json.dumps({"nodes": ends + [node], "edges": edges}))


def nanos(count, one_pass):
    """Nanoseconds for each of `count` things that `one_pass` does."""
    one_pass()
    done, begun = 0, time.perf_counter_ns()
    while True:
        for _ in range(10):
            one_pass()
        done += 10 * count
        spent = time.perf_counter_ns() - begun
        if spent >= SPAN:
            return spent / done


def each(function, payloads):
    def one_pass():
        for payload in payloads:
            function(payload)
    return nanos(len(payloads), one_pass)


def main():
    compiled, empty, drawn = zen.compile_expression(CASES["zen"]), zen.compile_expression("true"), decision()
    verdicts = [compiled.evaluate(payload) for payload in PAYLOADS]
    assert verdicts == [drawn.evaluate(payload)["result"]["holds"] for payload in PAYLOADS]
    matching = [payload for payload, matches in zip(PAYLOADS, CASES["matches"]) if matches]
    others = [payload for payload, matches in zip(PAYLOADS, CASES["matches"]) if not matches]
    print(json.dumps({"matches": verdicts}), flush=True)
    for line in sys.stdin:
        if line.strip() != "evaluation":
            raise ValueError(f"there is no part {line}")
        figures = {
            "verdict": each(compiled.evaluate, PAYLOADS),
            "verdict, matching": each(compiled.evaluate, matching),
            "verdict, not matching": each(compiled.evaluate, others),
            "the call alone": each(empty.evaluate, PAYLOADS),
            "verdict of a decision": each(drawn.evaluate, PAYLOADS),
            "reading and verdict": each(compiled.evaluate, TEXTS),
        }
        print(json.dumps(figures), flush=True)


main()
