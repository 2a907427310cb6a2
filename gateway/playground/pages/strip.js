// `extensions.consistency` for people: was the demand met, what did it cost, where did each part come from.

import { element } from "./dom.js";

const COLUMNS = ["part", "source", "version", "age", "why"];

// Keeps `node` up to date with the session's latest answer.
export function mountStrip(node, session) {
  node.replaceChildren(quiet("Run an operation: here you see where each part of its answer came from."));
  session.addEventListener("asked", () => node.replaceChildren(quiet("Nothing answered yet.")));
  session.addEventListener("answer", ({ detail }) => node.replaceChildren(...rows(detail)));
}

function rows({ answer, tookMs, hadToken, isEvent }) {
  const refused = answer.errors?.some(
    (error) => error.extensions?.code === "INVALID_CONSISTENCY_TOKEN",
  );
  if (refused) return [quiet("The gateway refused the token. Forget it, or take it out of the variables and headers.")];
  const consistency = answer.extensions?.consistency;
  if (!consistency) return [quiet("This answer does not say where it came from.")];
  const parts = [summary(consistency, isEvent ? "told as it happened" : `answered in ${milliseconds(tookMs)}`, hadToken)];
  if (consistency.missing?.length) parts.push(missing(consistency.missing));
  if (consistency.components?.length) parts.push(table(consistency.components));
  return parts;
}

function summary({ satisfied, waitedMs }, how, hadToken) {
  const verdict = satisfied
    ? element("strong", { class: "good" }, "✓ satisfied")
    : element("strong", { class: "bad" }, "✗ not satisfied");
  const facts = [
    `waited ${milliseconds(waitedMs ?? 0)}`,
    how,
    hadToken ? "token carried" : "no token carried",
  ];
  return element("p", { class: "verdict" }, verdict, ...facts.map((fact) => element("span", {}, fact)));
}

function missing(entries) {
  const named = entries.map(({ type, id, version }) => `${type} ${id} at version ${version}`);
  return element("p", { class: "bad" }, `Still missing: ${named.join(", ")}`);
}

function table(components) {
  const head = element("tr", {}, ...COLUMNS.map((name) => element("th", { scope: "col" }, name)));
  const body = components.map(({ path, source, version, ageMs, reason }) =>
    element(
      "tr",
      {},
      element("td", { class: "path" }, Array.isArray(path) ? path.join(".") : String(path)),
      element("td", {}, element("span", { class: `source ${sourceClass(source)}` }, source ?? "–")),
      element("td", { class: "number" }, String(version ?? "–")),
      element("td", { class: "number" }, milliseconds(ageMs)),
      element("td", { class: "reason" }, reason ?? ""),
    ),
  );
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function sourceClass(source) {
  return source === "PROJECTION" ? "projection" : source === "LIVE" ? "live" : "other";
}

function milliseconds(ms) {
  if (ms == null) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

function quiet(text) {
  return element("p", { class: "quiet" }, text);
}
