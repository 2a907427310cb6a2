// Elements without markup strings: what a service answers is only ever shown as text.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Copies the text and says so on the button.
export async function copyFrom(button, text) {
  await copy(text);
  say(button, "Copied");
}

// Shows a word on the button for a moment, then its own label again.
export function say(button, word) {
  button.dataset.label ??= button.textContent;
  button.textContent = word;
  setTimeout(() => (button.textContent = button.dataset.label), 1200);
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP by host name has no clipboard API; the old way still works there.
  const box = element("textarea", { class: "off-screen" });
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}
