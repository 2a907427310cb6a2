// The example operations, and how they are filled with what this session has already seen.

export async function loadExamples() {
  const response = await fetch("/playground/examples.json");
  const examples = await response.json();
  return examples.map((example) => ({
    ...example,
    query: example.query.join("\n"),
    operationName: /(?:query|mutation|subscription)\s+(\w+)/.exec(example.query[0])[1],
  }));
}

// The example's variables with every known fill put in its place; unknown ones keep their default.
export function fillVariables(example, seen) {
  const variables = structuredClone(example.variables);
  const known = { ...seen, freshKey: freshKey() };
  for (const [path, source] of Object.entries(example.fill ?? {})) {
    if (known[source] != null) put(variables, path.split("."), known[source]);
  }
  return variables;
}

export function hintFor(example, seen) {
  if (example.needs && seen[example.needs] == null) {
    return "First run “Place an order”, then pick this again: it fills in the order’s id and its token.";
  }
  return example.hint;
}

function put(target, [first, ...rest], value) {
  if (rest.length) put(target[first], rest, value);
  else target[first] = value;
}

// Not crypto.randomUUID: that one is missing when the page is opened over plain HTTP by host name.
function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return `try-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
