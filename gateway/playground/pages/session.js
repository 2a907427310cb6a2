// One browser tab's conversation with the gateway: it asks, and carries the consistency token along.
//
// The rule: a token leaves the pocket only when a later answer covers it (the gateway joins what it
// was sent into what it returns) or when the person says "forget". With the switch off nothing is
// sent and nothing is kept, as with a client that has never heard of tokens.

import { eventsOf } from "./events.js";

const TOKEN_HEADER = "x-consistency-token";
const STORAGE_KEY = "playground-session";

export class Session extends EventTarget {
  constructor(endpoint, identities) {
    super();
    this.endpoint = endpoint;
    this.identities = identities;
    const kept = restore();
    this.who = kept.who ?? "";
    this.tokens = kept.tokens ?? [];
    this.carries = kept.carries ?? true;
    this.seen = kept.seen ?? {};
  }

  setCarries(carries) {
    this.carries = carries;
    this.#changed();
  }

  // Somebody else begins with empty pockets: a token of before is bound to who was asking then.
  be(name) {
    this.who = name;
    this.forget();
  }

  forget() {
    this.tokens = [];
    this.seen = {};
    this.#changed();
  }

  // The headers of the next request. A token typed by hand wins: it is what the person wants to try.
  headers(typed = {}) {
    const headers = new Headers({
      accept: "application/graphql-response+json, application/json;q=0.9",
      "content-type": "application/json",
    });
    const bearer = this.identities.tokenOf(this.who);
    if (bearer) headers.set("authorization", `Bearer ${bearer}`);
    if (this.carries && this.tokens.length) headers.set(TOKEN_HEADER, this.tokens.join(", "));
    for (const [name, value] of Object.entries(typed)) headers.set(name, String(value));
    return headers;
  }

  // Sends one operation and returns the parsed answer; throws an Error whose message can be shown.
  async send(operation, typed) {
    const headers = this.headers(typed);
    if (isIntrospection(operation)) return parse(await this.#post(operation, headers));
    const started = performance.now();
    // What stood in the strip belongs to the answer before: never beside this one, nor beside none.
    this.dispatchEvent(new Event("asked"));
    const response = await this.#post(operation, headers);
    const answer = await parse(response);
    this.#take(answer, headers, { tookMs: performance.now() - started }, response.headers.get(TOKEN_HEADER));
    return answer;
  }

  // The answers of a subscription, one an event, until the gateway ends it or `return` is called.
  follow(operation, typed) {
    const ended = new AbortController();
    const answers = this.#follow(operation, this.headers(typed), ended.signal);
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => answers.next(),
      return: () => (ended.abort(), answers.return()),
    };
  }

  async *#follow(operation, headers, signal) {
    this.dispatchEvent(new Event("asked"));
    headers.set("accept", "text/event-stream");
    const open = (lastId) => {
      if (lastId) headers.set("last-event-id", lastId);
      return this.#post(operation, headers, signal);
    };
    for await (const { name, data } of eventsOf(open, signal)) {
      if (name !== "next") continue;
      const answer = JSON.parse(data);
      this.#take(answer, headers, { isEvent: true });
      yield answer;
    }
  }

  async #post(operation, headers, signal) {
    const response = await this.#fetch(operation, headers, signal);
    const own = this.identities.tokenOf(this.who);
    if (response.status !== 401 || headers.get("authorization") !== `Bearer ${own}`) return response;
    await this.identities.load(); // it has run out
    headers.set("authorization", `Bearer ${this.identities.tokenOf(this.who)}`);
    return this.#fetch(operation, headers, signal);
  }

  async #fetch(operation, headers, signal) {
    const body = JSON.stringify(operation);
    try {
      return await fetch(this.endpoint, { method: "POST", credentials: "same-origin", headers, body, signal });
    } catch {
      throw new Error("No answer: is the gateway still running?");
    }
  }

  // Keeps what an answer brings, and tells whoever listens of it.
  #take(answer, headers, facts, token = null) {
    const sent = headers.get(TOKEN_HEADER) ?? "";
    this.#keepToken(token ?? answer.extensions?.consistency?.token, sent.split(", "));
    Object.assign(this.seen, noticed(answer.data ?? {}));
    this.#changed();
    const detail = { answer, hadToken: sent !== "", ...facts };
    this.dispatchEvent(new CustomEvent("answer", { detail }));
  }

  #keepToken(token, sent) {
    if (!this.carries || !token) return;
    // The new token covers what was sent, not what another request in flight brought meanwhile,
    // nor what stayed in the pocket because a token was typed by hand: those are kept beside it.
    const uncovered = this.tokens.filter((held) => !sent.includes(held) && held !== token);
    this.tokens = [...uncovered, token];
  }

  #changed() {
    const { tokens, carries, seen, who } = this;
    keep({ tokens, carries, seen, who });
    this.dispatchEvent(new Event("change"));
  }
}

// What later examples are filled with: the order just placed, its token, where the next page begins.
function noticed(answered) {
  const found = {};
  const placed = answered.placeOrder;
  if (placed?.order) {
    found.placedOrderId = placed.order.id;
    found.placedToken = placed.consistencyToken;
  }
  const page = answered.orders?.pageInfo;
  if (page) found.nextCursor = page.hasNextPage ? page.endCursor : null;
  return found;
}

async function parse(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`The gateway answered ${response.status} without JSON: ${text.slice(0, 200)}`);
  }
}

// The editor's own question about the schema is none of the person's: token and strip stay as is.
function isIntrospection(operation) {
  return operation.operationName === "IntrospectionQuery";
}

// Is the operation that is to be run a subscription?
export function isSubscription({ query, operationName }) {
  const text = query.replace(/#.*/g, "");
  const name = operationName ? `\\s+${operationName}\\b` : "";
  return new RegExp(`(^|[\\s}])subscription${name}`).test(text);
}

// Storage may be switched off in a browser; the session then lives as long as the page.
function restore() {
  try {
    return JSON.parse(sessionStorage.getItem(STORAGE_KEY)) ?? {};
  } catch {
    return {};
  }
}

function keep(state) {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(state));
  } catch {
    // Kept in memory only, see above.
  }
}
