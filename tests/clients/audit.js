// The official audit of GraphQL over HTTP (graphql-http) against one server; its results as JSON on
// the last line.
//
//   node audit.js URL

import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.argv[2] });
console.log(
  JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))),
);
