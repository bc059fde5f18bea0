// Do two libraries that know nothing of Signalbox accept what it signs, and what do they sign? Speaks as webhooks.py does; of v1a,
// Node.js's own Ed25519 is asked: {"headers": {…}, "body": "…", "secret": "whpk_…"} → {"crypto": "ok"}.

import { createPublicKey, verify } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Webhook as Standard, WebhookVerificationError } from 'standardwebhooks';
import { Webhook as Svix } from 'svix';

const LIBRARIES = { standardwebhooks: Standard, svix: Svix };
/** What stands before the 32 bytes of a public key in DER (RFC 8410). */
const BEFORE_KEY = Buffer.from('302a300506032b6570032100', 'hex');
const now = Date.now;

function accepted(Library, { secret, body, headers }) {
  try {
    new Library(secret).verify(Buffer.from(body), headers);
    return 'ok';
  } catch (error) {
    if (error instanceof WebhookVerificationError) return 'refused';
    throw error;
  }
}

function acceptedByKey({ secret, body, headers }) {
  const said = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const [id, sent] = [said['webhook-id'], said['webhook-timestamp']];
  if (!(Math.abs(Date.now() / 1000 - sent) <= 300)) return 'refused';
  const raw = Buffer.from(secret.replace('whpk_', ''), 'base64');
  const key = createPublicKey({ key: Buffer.concat([BEFORE_KEY, raw]), format: 'der', type: 'spki' });
  const signed = Buffer.from(`${id}.${sent}.${body}`);
  const theirs = said['webhook-signature'].split(' ').filter((one) => one.startsWith('v1a,'));
  return theirs.some((one) => verify(null, signed, key, Buffer.from(one.slice(4), 'base64'))) ? 'ok' : 'refused';
}

function answer(asked) {
  const each = (what) => Object.fromEntries(Object.entries(LIBRARIES).map(([name, Library]) => [name, what(Library)]));
  if (!asked.headers) {
    return each((Library) => new Library(asked.secret).sign(asked.id, new Date(asked.timestamp * 1000), asked.body));
  }
  Date.now = asked.at === undefined ? now : () => asked.at * 1000;
  return asked.secret.startsWith('whpk_') ? { crypto: acceptedByKey(asked) } : each((Library) => accepted(Library, asked));
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
