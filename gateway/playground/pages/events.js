// Server-sent events over fetch: an EventSource can neither post nor send headers of its own.
//
// The rule: what breaks off is taken up where it stood. The id of the last event goes with the next
// request, and the gateway tells what has happened since.

const RETRY_MS = 1000;

// Yields `{ name, data, id }` for each event until one is called "complete" or `signal` is aborted.
// `open(lastId)` makes the request; an answer that is no stream is yielded as the only event.
export async function* eventsOf(open, signal) {
  let lastId = null;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const response = await open(lastId).catch((problem) => {
      if (isFirst && !signal.aborted) throw problem;
    });
    if (!response) {
      await pause(RETRY_MS, signal);
      continue;
    }
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      yield { name: "next", data: await response.text(), id: null };
      return;
    }
    try {
      for await (const event of parsed(response.body)) {
        lastId = event.id ?? lastId;
        yield event;
        if (event.name === "complete") return;
      }
    } catch {
      // Broken off, by us or on its way: the loop tells which.
    }
    await pause(RETRY_MS, signal);
  }
}

async function* parsed(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    const blocks = (text + value).split(/\r?\n\r?\n/);
    text = blocks.pop();
    yield* blocks.map(read).filter((event) => event.data !== null || event.name === "complete");
  }
}

// One event. Lines that begin with a colon keep the connection alive and say nothing.
function read(block) {
  const event = { name: "message", data: null, id: null };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^(\w*):? ?(.*)$/.exec(line);
    if (field === "event") event.name = value;
    else if (field === "id") event.id = value;
    else if (field === "data") event.data = event.data === null ? value : `${event.data}\n${value}`;
  }
  return event;
}

function pause(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}
