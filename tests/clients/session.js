// One client's session with a gateway whose customers' feed stands still: what it wrote, what it
// was shown. Told as JSON on the last line.
//
//   node session.js CLIENT GATEWAY FIRST
//
// It renames customers from c-FIRST on, forty of them, and nobody else's.

import { TokenJar } from "./token-jar.js";
import { clients } from "./clients.js";

const [kind, gateway, first] = process.argv.slice(2);
const open = clients[kind];
const url = `${gateway}/graphql`;

const RENAME = `mutation Rename($id: ID!, $name: String!) {
  updateCustomer(input: { id: $id, name: $name }) { customer { id name version } userErrors { code } }
}`;
const RENAME_AND_FAIL = `mutation RenameAndFail($id: ID!, $name: String!) {
  updateCustomer(input: { id: $id, name: $name }) { customer { id name } }
  updateProduct(input: { id: "p-1", price: "9.00" }) { product { id price } }
}`;
// However long the feed has stood still, the projection is new enough; only a token asks for more.
const READ = `query Read($id: ID!) {
  customer(id: $id, consistency: { bounded: { maxStalenessMs: 60000 } }) { id name version }
}`;

// Every answer on the wire, below the jar; `hold` keeps the next one back until it is let go.
const answers = [];
let hold = null;
const realFetch = globalThis.fetch;
globalThis.fetch = async (...request) => {
  const held = hold;
  hold = null;
  const response = await realFetch(...request);
  const { data, errors, extensions } = await response.clone().json();
  const satisfied = extensions?.consistency.satisfied;
  answers.push({ status: response.status, method: request[1].method, data, errors, satisfied });
  if (held) await held;
  return response;
};

// What the recipes are compared with: no jar, and one that keeps the last token.
const noJar = () => ({ fetch: (...request) => globalThis.fetch(...request) });
function keepsLast() {
  const jar = new TokenJar();
  return {
    async fetch(...request) {
      const response = await jar.fetch(...request);
      jar.tokens = jar.tokens.slice(-1);
      return response;
    },
  };
}

const id = (offset) => `c-${Number(first) + offset}`;
const ids = (from, count) => Array.from({ length: count }, (_, offset) => id(from + offset));
const nameIn = (result) => result.data.customer.name;

async function writeThenRead(jar, offset) {
  const { read, write } = open(url, jar);
  await write(RENAME, { id: id(offset), name: "Own" });
  const shown = nameIn(await read(READ, { id: id(offset) }));
  return { shown, satisfied: answers.at(-1).satisfied, method: answers.at(-1).method };
}

// All are renamed at once, then all are read at once: how many of the writes are shown?
async function manyAtOnce(jar, offset, count, name) {
  const { read, write } = open(url, jar);
  const chosen = ids(offset, count);
  await Promise.all(chosen.map((id) => write(RENAME, { id, name })));
  const shown = await Promise.all(chosen.map((id) => read(READ, { id })));
  return shown.filter((result) => nameIn(result) === name).length;
}

async function failedWrite(jar, offset) {
  const { read, write } = open(url, jar);
  const failed = await write(RENAME_AND_FAIL, { id: id(offset), name: "Before it failed" }).then(
    (result) => Boolean(result.error ?? result.errors),
    () => true,
  );
  return { failed, shown: nameIn(await read(READ, { id: id(offset) })) };
}

async function badToken(offset) {
  const jar = new TokenJar();
  const { write } = open(url, jar);
  const rename = async (name) => {
    const { data } = await write(RENAME, { id: id(offset), name });
    return data.updateCustomer.customer.version;
  };
  const before = await rename("With a good token");
  jar.tokens = ["ct1AAAA"];
  const asked = answers.length;
  const after = await rename("With a bad token");
  const statuses = answers.slice(asked).map((answer) => answer.status);
  return { statuses, timesWritten: after - before, tokens: jar.tokens };
}

// A query whose answer is on its way while a write is done, and the same query once more after it.
async function lateQuery(jar, offset) {
  const { read, write } = open(url, jar);
  const asked = answers.length;
  let letGo;
  hold = new Promise((resolve) => (letGo = resolve));
  const early = read(READ, { id: id(offset) });
  while (answers.length === asked) await new Promise(setImmediate);
  await write(RENAME, { id: id(offset), name: "Meanwhile" });
  const after = read(READ, { id: id(offset) });
  letGo();
  return { onTheWire: answers[asked].data.customer.name, shown: [await early, await after].map(nameIn) };
}

const jar = new TokenJar();
console.log(
  JSON.stringify({
    own: await writeThenRead(jar, 0),
    ownWithoutJar: await writeThenRead(noJar(), 1),
    manyOfTwenty: await manyAtOnce(jar, 2, 20, "One of twenty"),
    manyOfTwentyKeepingLast: await manyAtOnce(keepsLast(), 2, 20, "Kept last"),
    manyOfForty: await manyAtOnce(new TokenJar(), 0, 40, "One of forty"),
    failed: await failedWrite(jar, 0),
    bad: await badToken(1),
    late: await lateQuery(new TokenJar(), 3),
  }),
);
