// The page without npm: three text areas, a run button, the answer and the same request as curl.

import { mountBar } from "./bar.js";
import { curlCommand } from "./curl.js";
import { copyFrom } from "./dom.js";
import { fillVariables, loadExamples } from "./examples.js";
import { Identities } from "./identities.js";
import { isSubscription, Session } from "./session.js";
import { mountStrip } from "./strip.js";

const byId = (id) => document.getElementById(id);
const endpoint = document.querySelector('meta[name="graphql-endpoint"]').content;
const identities = new Identities(document.querySelector('meta[name="identities"]').content);
const session = new Session(endpoint, identities);

function fill(example, variables) {
  byId("query").value = example.query;
  byId("variables").value = JSON.stringify(variables, null, 2);
  refreshCurl();
}

// An empty box is an empty object; anything else must be JSON, and the message names the box.
function parseBox(id) {
  const text = byId(id).value.trim();
  if (!text) return {};
  try {
    return JSON.parse(text);
  } catch (problem) {
    throw new Error(`The ${id} are not valid JSON: ${problem.message}`);
  }
}

function operation() {
  return { query: byId("query").value, variables: parseBox("variables") };
}

function refreshCurl() {
  try {
    byId("curl").textContent = curlCommand(session, operation(), parseBox("headers"));
  } catch (problem) {
    byId("curl").textContent = `# ${problem.message}`;
  }
}

// The subscription that is followed just now; to run again ends it.
let followed = null;

async function run() {
  const button = byId("run");
  if (followed) return followed.return();
  button.disabled = true;
  try {
    const asked = operation();
    if (isSubscription(asked)) await follow(asked, button);
    else show(await session.send(asked, parseBox("headers")));
  } catch (problem) {
    byId("answer").textContent = problem.message;
    byId("answer").classList.add("bad");
  } finally {
    button.disabled = false;
    button.textContent = "Run";
    followed = null;
  }
}

async function follow(asked, button) {
  followed = session.follow(asked, parseBox("headers"));
  button.disabled = false;
  button.textContent = "Stop";
  for await (const answer of followed) show(answer);
}

function show(answer) {
  byId("answer").textContent = JSON.stringify(answer, null, 2);
  byId("answer").classList.remove("bad");
}

function listen() {
  byId("question").addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("question").requestSubmit();
  });
  byId("question").addEventListener("input", refreshCurl);
  session.addEventListener("change", refreshCurl);
  byId("copy-curl").addEventListener("click", () => copyFrom(byId("copy-curl"), byId("curl").textContent));
}

const [examples] = await Promise.all([loadExamples(), identities.load()]);
const bar = mountBar(byId("bar"), { session, examples, onPick: fill });
mountStrip(byId("consistency"), session);
listen();
bar.show(examples[0]);
fill(examples[0], fillVariables(examples[0], session.seen));
