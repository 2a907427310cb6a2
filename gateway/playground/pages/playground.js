// GraphiQL with our bar above it and the consistency strip under its answer.

import { mountBar } from "./bar.js";
import { curlCommand } from "./curl.js";
import { copyFrom, element, say } from "./dom.js";
import { loadExamples } from "./examples.js";
import { Identities } from "./identities.js";
import { isSubscription, Session } from "./session.js";
import { mountStrip } from "./strip.js";

const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer } = window;
const h = React.createElement;
const endpoint = document.querySelector('meta[name="graphql-endpoint"]').content;
const identities = new Identities(document.querySelector('meta[name="identities"]').content);
const session = new Session(endpoint, identities);
const stripNode = element("div", { id: "consistency", class: "strip" });

// GraphiQL's editors, handed out by a component that lives inside its context.
let editors = null;

// The example that was picked last, in which tab, and what that had in it when it was new.
let picked = null;

function Strip() {
  editors = GraphiQL.React.useEditorContext({ nonNull: true });
  // While the page still starts, React may run GraphiQL's opening of the tab again, which blanks it.
  React.useLayoutEffect(() => {
    const isOpen = picked?.index === editors.activeTabIndex;
    if (isOpen && editors.queryEditor?.getValue() === picked.blank) fill(picked);
  });
  return h("div", { ref: (holder) => holder?.append(stripNode) });
}

// An error thrown here would be shown with its stack; the message is all that helps.
function ask(operation, { headers } = {}) {
  if (isSubscription(operation)) return session.follow(operation, headers);
  return session.send(operation, headers).catch(({ message }) => ({ errors: [{ message }] }));
}

// Each example has a tab of its own, found again by the name of its operation.
function openExample(example, variables) {
  const open = editors.tabs.findIndex((tab) => tab.operationName === example.operationName);
  ReactDOM.flushSync(() => (open < 0 ? editors.addTab() : editors.changeTab(open)));
  const blank = open < 0 ? editors.queryEditor.getValue() : null;
  picked = { example, variables, index: editors.activeTabIndex, blank };
  fill(picked);
}

function fill({ example, variables }) {
  editors.queryEditor.setValue(example.query);
  // GraphiQL finds it out by itself a moment later: who runs it sooner would ask for the tab before.
  editors.queryEditor.operationName = example.operationName;
  editors.variableEditor.setValue(JSON.stringify(variables, null, 2));
}

function copyCurl({ currentTarget: button }) {
  const query = editors.queryEditor.getValue();
  try {
    const variables = parseEditor(editors.variableEditor);
    const typed = parseEditor(editors.headerEditor);
    copyFrom(button, curlCommand(session, { query, variables }, typed));
  } catch {
    say(button, "Not valid JSON");
  }
}

function parseEditor(editor) {
  return JSON.parse(editor?.getValue().trim() || "{}");
}

function Playground({ first }) {
  return h(
    GraphiQL,
    {
      fetcher: ask,
      // Not `defaultTabs`: GraphiQL 3.8 leaves the variables editor of such a tab empty.
      query: first.query,
      variables: JSON.stringify(first.variables, null, 2),
      defaultEditorToolsVisibility: "variables",
      plugins: [GraphiQLPluginExplorer.explorerPlugin()],
    },
    h(GraphiQL.Logo, null, h("button", { type: "button", onClick: copyCurl }, "Copy as curl")),
    h(GraphiQL.Footer, null, h(Strip)),
  );
}

const [examples] = await Promise.all([loadExamples(), identities.load()]);
const bar = mountBar(document.getElementById("bar"), { session, examples, onPick: openExample });
mountStrip(stripNode, session);
bar.show(examples[0]);
ReactDOM.createRoot(document.getElementById("graphiql")).render(h(Playground, { first: examples[0] }));
