// The operation on the page as a curl command that can be pasted into a shell as it stands.

export function curlCommand(session, operation, typed) {
  const url = new URL(session.endpoint, location.href).href;
  const headers = [...session.headers(typed)]
    .filter(([name]) => name !== "accept")
    .map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  return [`curl -s ${quoted(url)}`, ...headers, `-d ${quoted(JSON.stringify(operation))}`].join(" \\\n  ");
}

// Inside single quotes a shell reads everything literally except the single quote itself.
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
