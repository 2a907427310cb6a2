// The bar above both pages: the examples, what to look for, and the token in the pocket.

import { fillVariables, hintFor } from "./examples.js";
import { element } from "./dom.js";

// Fills `bar`; `onPick(example, variables)` puts an example into the page's editor.
export function mountBar(bar, { session, examples, onPick }) {
  const hint = element("p", { class: "hint" });
  const buttons = examples.map((example) =>
    element("button", { type: "button", onclick: () => pick(example) }, example.title),
  );
  bar.append(
    element("nav", { class: "examples", "aria-label": "Examples" }, ...buttons),
    element("div", { class: "second-row" }, hint, chooser(session), pocket(session)),
  );

  function pick(example) {
    // An example that shows life without a token switches it off where everybody can see it.
    session.setCarries(example.carry ?? true);
    show(example);
    onPick(example, fillVariables(example, session.seen));
  }

  function show(example) {
    buttons.forEach((button, index) =>
      button.setAttribute("aria-pressed", String(examples[index] === example)),
    );
    hint.textContent = hintFor(example, session.seen);
  }

  return { pick, show };
}

// Nothing where there is nobody to choose.
function chooser(session) {
  const names = session.identities.names;
  if (!names.length) return "";
  const options = ["", ...names].map((name) =>
    element("option", { value: name, selected: name === session.who }, name || "nobody told apart"),
  );
  const choice = element("select", { id: "who", onchange: () => session.be(choice.value) }, ...options);
  return element("label", { class: "who" }, "I am", choice);
}

function pocket(session) {
  const carry = element("input", {
    type: "checkbox",
    id: "carry",
    role: "switch",
    onchange: () => session.setCarries(carry.checked),
  });
  const token = element("code", { class: "token", id: "token" });
  const forget = element("button", { type: "button", id: "forget", onclick: () => session.forget() }, "Forget");
  const refresh = () => {
    const held = session.tokens.join(", ");
    carry.checked = session.carries;
    token.textContent = held ? shorten(held) : "no token yet";
    token.title = held;
    token.classList.toggle("idle", !held || !session.carries);
    forget.disabled = !held;
  };
  session.addEventListener("change", refresh);
  refresh();
  const label = element("label", { class: "switch" }, carry, "carry my token");
  return element("div", { class: "pocket" }, label, token, forget);
}

export function shorten(token) {
  return token.length <= 22 ? token : `${token.slice(0, 10)}…${token.slice(-8)}`;
}
