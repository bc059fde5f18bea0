// How many events can json-rules-engine be asked about in a second? Speaks as tests/speed does: the verdicts first, then, for each
// line "evaluation" that comes, nanoseconds an event by case.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Engine } from 'json-rules-engine';

const SPAN = 200e6;
const cases = JSON.parse(readFileSync(new URL('../../speed/cases.json', import.meta.url), 'utf8'));
const payloads = cases.payloads;
const texts = payloads.map((payload) => JSON.stringify(payload));
const engine = new Engine([{ conditions: cases.json_rules_engine, event: { type: 'matched' } }]);

const holds = async (payload) => (await engine.run(payload)).events.length > 0;

/** Nanoseconds for each of `count` things that `pass` does. */
async function nanos(count, pass) {
  await pass();
  let done = 0;
  const begun = process.hrtime.bigint();
  for (;;) {
    await pass();
    done += count;
    const spent = Number(process.hrtime.bigint() - begun);
    if (spent >= SPAN) return spent / done;
  }
}

const inTurn = (list) => nanos(list.length * 10, async () => {
  for (let time = 0; time < 10; time += 1) for (const payload of list) await engine.run(payload);
});

const many = Array.from({ length: 10 }, () => payloads).flat();

async function measure() {
  const matching = payloads.filter((_, place) => cases.matches[place]);
  const others = payloads.filter((_, place) => !cases.matches[place]);
  return {
    verdict: await inTurn(payloads),
    'verdict, matching': await inTurn(matching),
    'verdict, not matching': await inTurn(others),
    'verdict, 160 at a time': await nanos(many.length, () => Promise.all(many.map((payload) => engine.run(payload)))),
    'reading and verdict': await nanos(texts.length, async () => {
      for (const text of texts) await engine.run(JSON.parse(text));
    }),
  };
}

const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
const matches = [];
for (const payload of payloads) matches.push(await holds(payload));
say({ matches });
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === 'evaluation') say(await measure());
  else throw new Error(`there is no part ${line}`);
}
