// The recipes by name, each opened as the same two functions. Every read asks the gateway.

import { gql } from "@apollo/client";
import { connect as connectApollo } from "./apollo.js";
import { connect as connectFetch } from "./plain-fetch.js";
import { connect as connectUrql } from "./urql.js";

export const clients = {
  "plain-fetch": (url, jar) => {
    const ask = connectFetch(url, jar);
    return { read: ask, write: ask };
  },
  urql: (url, jar) => viaUrql(connectUrql(url, jar)),
  "urql-post": (url, jar) => viaUrql(connectUrql(url, jar, { preferGetMethod: false })),
  apollo: (url, jar) => viaApollo(connectApollo(url, jar)),
  "apollo-get": (url, jar) => viaApollo(connectApollo(url, jar, { useGETForQueries: true })),
};

function viaUrql(client) {
  return {
    read: (text, variables) => client.query(text, variables, { requestPolicy: "network-only" }).toPromise(),
    write: (text, variables) => client.mutation(text, variables).toPromise(),
  };
}

function viaApollo(client) {
  return {
    read: (text, variables) => client.query({ query: gql(text), variables, fetchPolicy: "network-only" }),
    write: (text, variables) => client.mutate({ mutation: gql(text), variables }),
  };
}
