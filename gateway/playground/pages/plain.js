// The page without npm: three text areas, a run button, the answer and the same request as curl.

import { mountBar } from "./bar.js";
import { curlCommand } from "./curl.js";
import { copyFrom } from "./dom.js";
import { fillVariables, loadExamples } from "./examples.js";
import { Session } from "./session.js";
import { mountStrip } from "./strip.js";

const byId = (id) => document.getElementById(id);
const endpoint = document.querySelector('meta[name="graphql-endpoint"]').content;
const session = new Session(endpoint);

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

async function run() {
  const answer = byId("answer");
  const button = byId("run");
  button.disabled = true;
  try {
    answer.textContent = JSON.stringify(await session.send(operation(), parseBox("headers")), null, 2);
    answer.classList.remove("bad");
  } catch (problem) {
    answer.textContent = problem.message;
    answer.classList.add("bad");
  } finally {
    button.disabled = false;
  }
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

const examples = await loadExamples();
const bar = mountBar(byId("bar"), { session, examples, onPick: fill });
mountStrip(byId("consistency"), session);
listen();
bar.show(examples[0]);
fill(examples[0], fillVariables(examples[0], session.seen));
