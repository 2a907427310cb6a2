// Follows one order with a recipe of docs/clients.md, and prints each state as a line of JSON.
//
//     node follow.js ws|sse ADDRESS ORDER_ID
//
// A line "cut" on its standard input cuts the connection off, as a bad network would.

import { EventSource } from "eventsource";
import { createInterface } from "node:readline";
import WebSocket from "ws";
import { followOrder as followBySse } from "./follow-sse.js";
import { followOrder as followByWs } from "./follow-ws.js";

const [, , transport, address, id] = process.argv;
const show = (order) => console.log(JSON.stringify(order ?? null));
let cut = () => {};

class CutWebSocket extends WebSocket {
  constructor(...given) {
    super(...given);
    cut = () => this.terminate();
  }
}

// The same fetch, whose answer can break off in the middle.
class CutEventSource extends EventSource {
  constructor(url) {
    super(url, { fetch: cuttable });
  }
}

async function cuttable(at, given) {
  const { body, url, status, redirected, headers } = await fetch(at, given);
  const reader = body.getReader();
  const start = (controller) => {
    cut = () => (reader.cancel(), controller.error(new TypeError("network error")));
  };
  const pull = async (controller) => {
    const { done, value } = await reader.read();
    if (done) controller.close();
    else controller.enqueue(value);
  };
  return { body: new ReadableStream({ start, pull }), url, status, redirected, headers };
}

const end =
  transport === "ws"
    ? followByWs(`${address.replace("http", "ws")}/graphql`, id, show, { webSocketImpl: CutWebSocket })
    : followBySse(`${address}/graphql`, id, show, CutEventSource);

createInterface({ input: process.stdin }).on("line", () => cut());
process.stdin.on("end", async () => {
  await end();
  process.exit(0);
});
